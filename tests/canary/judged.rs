//! What a step of a canary is judged by.

use crate::servers::Server;
use crate::user::User;

stories![a_threshold_counts_in_each_step_without_a_soak_of_its_own, gates_name_the_release_that_is_judged,];

fn a_threshold_counts_in_each_step_without_a_soak_of_its_own(user: &User) {
    user.has_two_pods();
    let shown = user.types("helm safe-upgrade web app --set tag=2 --yes --soak-threshold 3");
    shown.explains("cannot use --soak-threshold: nothing is watched on");
    assert_eq!(user.revisions(), ["1 deployed"]);
    // It fails twice in a row, and no more.
    user.writes("gate.sh", "echo x >>asked; test $(wc -l <asked) -lt 2 -o $(wc -l <asked) -gt 3\n");
    let gate = "--gate-cmd 'sh gate.sh' --soak-interval 200ms --soak-threshold";
    user.canary(&format!("--steps 2,3 {gate} 3")).exits(0);
    assert_eq!(user.proven(), [1, 3]);
    user.does("rm asked");
    let line =
        "helm safe-upgrade canary web app --set tag=3 --replicas-key replicas --interval 600ms --yes --steps 3,2";
    user.types(&format!("{line} {gate} 2")).exits(4);
    user.does("rm asked");
    // The configuration may say the soak.
    user.writes("ci.yaml", "policies:\n- gates: {soak: 600ms}\n");
    user.types(&format!("helm safe-upgrade web app --set tag=4,replicas=3 --yes --config ci.yaml {gate} 3")).exits(0);
}

fn gates_name_the_release_that_is_judged(user: &User) {
    user.has_two_pods();
    let server = Server::of_files(&user.folder);
    let metric = |release: &str, value: &str| {
        user.writes(
            &format!("{release}/api/v1/query"),
            &format!(r#"{{"status":"success","data":{{"resultType":"scalar","result":[1,"{value}"]}}}}"#),
        );
    };
    metric("web", "10");
    metric("web-canary", "13");
    let gate = format!("--gate-prometheus http://{}/{{release}} 'sum(errors)' '<' 100", server.address());
    let line = format!("--steps 1,2 --keep-stable {gate} --max-ratio 1.2");
    let shown = user.canary(&line);
    shown.exits(4);
    assert!(shown.stdout.contains("it is 13, wanted at most 1.2 times the 10 before"), "{}", shown.stdout);
    metric("web-canary", "12");
    user.canary(&line).exits(0);
    assert_eq!(user.proven(), [1, 2]);
    user.left_nothing();
}
