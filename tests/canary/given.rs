//! Steps however they are given: by flags, by a file, by the configuration.

use crate::user::User;

stories![
    values_of_flags_are_steps,
    a_file_of_steps_pauses_asks_and_has_its_own_gates,
    the_configuration_says_the_steps,
    what_would_win_over_a_step_is_refused,
];

const ROUTE: &str = "apiVersion: v1\nkind: ConfigMap\nmetadata: {name: route}\ndata: {weight: {{ .Values.weight | default 0 | quote }}, to: {{ .Values.to | default \"\" | quote }}}\n";

fn line(more: &str) -> String {
    format!("helm safe-upgrade canary web app --interval 600ms --yes {more}")
}

fn manifest(user: &User, revision: u32) -> String {
    user.does(&format!("helm get manifest web --revision {revision}"))
}

fn values_of_flags_are_steps(user: &User) {
    user.has_web(&[("route", ROUTE)]);
    let shown = user.types(&line("--step weight=10,to=a --step weight=100,tag=2"));
    shown.mentions("all 2 steps have passed; revision 3 is proven");
    assert!(shown.stdout.contains("1     weight=10,to=a"), "{}", shown.stdout);
    assert!(manifest(user, 2).contains("weight: \"10\", to: \"a\""), "{}", manifest(user, 2));
    // What a step does not say stays as the step before has it.
    assert!(manifest(user, 3).contains("weight: \"100\", to: \"a\""), "{}", manifest(user, 3));
    assert_eq!((user.proven(), user.has_running("web")), (vec![1, 3], "2 of 2".to_owned()));
    user.left_nothing();
}

fn a_file_of_steps_pauses_asks_and_has_its_own_gates(user: &User) {
    user.has_an_app(&[("route", ROUTE)]);
    user.does("sed -i s/Values.replicas/Values.web.replicas/ app/templates/deployment.yaml");
    user.does("sed -i 's/^replicas: 2/web: {replicas: 2}/' app/values.yaml");
    user.types("helm safe-upgrade web app --install --yes").exits(0);
    user.writes(
        "steps.yaml",
        "interval: 600ms\nreplicasKey: web.replicas\nsteps:\n- replicas: 2\n  values: {weight: 10}\n  pause: true\n\
         - replicas: 3\n  confirm: true\n  gates: {commands: ['echo $HELM_RELEASE_REVISION >>asked']}\n- replicas: 4\n",
    );
    let canary = "helm safe-upgrade canary web app --set tag=2 --steps-file steps.yaml --yes";
    user.types(canary).mentions("waits after 1 of 3 steps: it pauses after step 1 of 3, as wanted");
    assert!(manifest(user, 2).contains("weight: \"10\""), "{}", manifest(user, 2));
    assert!(!user.folder.join("asked").exists(), "it is the gate of another step");
    let promote = "helm safe-upgrade canary promote web --yes";
    user.types(promote).mentions("waits after 2 of 3 steps: somebody is to confirm step 2 of 3");
    let asked = std::fs::read_to_string(user.folder.join("asked")).unwrap();
    assert!(asked.lines().all(|revision| revision == "3") && !asked.is_empty(), "{asked}");
    assert_eq!(user.has_running("web"), "3 of 2");
    user.types(promote).mentions("all 3 steps have passed; revision 4 is proven");
    assert_eq!(std::fs::read_to_string(user.folder.join("asked")).unwrap(), asked, "its gate is not asked any more");
    assert_eq!((user.proven(), user.has_running("web")), (vec![1, 4], "4 of 2".to_owned()));
    user.left_nothing();
}

fn the_configuration_says_the_steps(user: &User) {
    user.has_two_pods();
    let policy = "policies:\n- release: w*\n  canary: {steps: [2, 3], replicasKey: replicas, interval: 600ms}\n";
    user.writes("helm-safe-upgrade.yaml", policy);
    let shown = user.types("helm safe-upgrade canary web app --set tag=2 --yes");
    shown.mentions("all 2 steps have passed; revision 3 is proven");
    assert!(shown.stdout.contains("1     replicas=2"), "{}", shown.stdout);
    assert_eq!((user.proven(), user.has_running("web")), (vec![1, 3], "3 of 2".to_owned()));
    // A flag wins.
    user.types("helm safe-upgrade canary web app --set tag=3 --yes --steps 4").exits(0);
    assert_eq!(user.has_running("web"), "4 of 3");
    user.left_nothing();
}

fn what_would_win_over_a_step_is_refused(user: &User) {
    user.has_web(&[("route", ROUTE)]);
    user.writes("steps.yaml", "steps:\n- values: {weight: 10}\n- values: {weight: 100}\n");
    user.types(&line("--steps-file steps.yaml --set weight=5"))
        .explains("cannot make step 1: it sets weight, and --set weight would win over it");
    user.types(&line("--steps 2,3 --replicas-key replicas --set-string replicas=5"))
        .explains("cannot make step 1: it sets replicas, and --set-string replicas would win over it");
    assert_eq!(user.revisions(), ["1 deployed"]);
    // What stands in a file is what the steps start from.
    user.writes("values.yaml", "weight: 5\n");
    user.types(&line("--steps-file steps.yaml -f values.yaml")).exits(0);
    assert!(manifest(user, 3).contains("weight: \"100\""), "{}", manifest(user, 3));
}
