//! A canary as a second release beside the stable one.

use k8s_openapi::api::apps::v1::Deployment;
use serde_json::json;

use crate::cluster;
use crate::processes::{plugin_of, signal};
use crate::record::Record;
use crate::release::hook;
use crate::user::User;

/// A Service that knows the release by its name.
const SERVICE: &str = "apiVersion: v1\nkind: Service\nmetadata: {name: {{ .Release.Name }}}\nspec: {ports: [{port: 80}], selector: {app: {{ .Release.Name }}}}\n";

stories![
    a_second_release_grows_beside_the_stable_one,
    a_second_release_that_fails_is_removed,
    a_stable_release_that_somebody_scales_down_meanwhile_is_told,
    a_last_step_that_fails_gives_back_the_pods_that_there_were,
    a_second_release_that_was_killed_goes_on,
    a_second_release_keeps_the_values_of_the_stable_one,
    a_second_release_that_stays_is_told,
];

fn a_second_release_grows_beside_the_stable_one(user: &User) {
    user.has_web(&[("service", SERVICE)]);
    user.types("helm safe-upgrade web app --set replicas=4 --yes").exits(0);
    let shown = user.canary("--steps 1,3,4 --keep-stable");
    shown.exits(3);
    let none = "no Service of the stable release selects the pods of the canary: they get none of its traffic";
    assert!(shown.stdout.contains(none), "{}", shown.stdout);
    user.writes("app/templates/service.yaml", &SERVICE.replace("app: {{ .Release.Name }}", "tier: front"));
    let deployment = std::fs::read_to_string(user.folder.join("app/templates/deployment.yaml")).unwrap();
    let labelled =
        deployment.replace("labels: {app: {{ .Release.Name }}}", "labels: {app: {{ .Release.Name }}, tier: front}");
    user.writes("app/templates/deployment.yaml", &labelled);
    user.types("helm safe-upgrade web app --set replicas=4 --yes").exits(0);
    let seen = "helm list --short >releases.$HELM_RELEASE_REVISION.$HELM_RELEASE_NAME";
    let shown = user.canary(&format!("--steps 1,3,4 --keep-stable --pause=2 --gate-cmd '{seen}'"));
    shown.exits(0);
    assert!(shown.stdout.contains("web-canary runs beside web"), "{}", shown.stdout);
    assert_eq!((user.has_running("web"), user.has_running("web-canary")), ("1 of 1".to_owned(), "3 of 2".to_owned()));
    let revisions = ["1 superseded", "2 superseded", "3 deployed"];
    assert_eq!(user.revisions(), revisions, "the stable release is not upgraded yet");
    user.types("helm safe-upgrade canary promote web --yes").mentions("all 3 steps have passed; revision 4 is proven");
    assert_eq!((user.has_running("web"), user.has_running("web-canary")), ("4 of 2".to_owned(), "nothing".to_owned()));
    assert_eq!(user.proven(), [1, 2, 3, 4]);
    assert_eq!(user.does("helm list --short"), "web\n");
    user.left_nothing();
}

fn a_stable_release_that_somebody_scales_down_meanwhile_is_told(user: &User) {
    user.has_web(&[]);
    user.types("helm safe-upgrade web app --set replicas=4 --yes").exits(0);
    user.canary("--steps 1,3,4 --keep-stable --pause=1").exits(0);
    let path = format!("/apis/apps/v1/namespaces/{}/deployments/web/scale", user.namespace);
    cluster::writes_as("test", "merge", &path, &json!({"spec": {"replicas": 2}}));
    let shown = user.types("helm safe-upgrade canary abort web --yes");
    shown.exits(0);
    let told = "somebody else has scaled deployment/web down to 2 pods, while the canary left it 3: it gets 4 again";
    let said = format!("{}{}", shown.stdout, shown.stderr);
    assert!(said.contains(told), "{said}");
    assert_eq!((user.has_running("web"), user.has_running("web-canary")), ("4 of 1".to_owned(), "nothing".to_owned()));
    user.left_nothing();
}

fn a_second_release_that_fails_is_removed(user: &User) {
    user.has_web(&[]);
    user.types("helm safe-upgrade web app --set replicas=4 --yes").exits(0);
    user.does("helm install web-canary app");
    let shown = user.canary("--steps 1,3,4 --keep-stable");
    shown.exits(3);
    assert!(shown.stderr.contains("there is a release of this name already"), "{}", shown.stderr);
    user.does("helm uninstall web-canary --wait");
    let gate = "test $HELM_RELEASE_REVISION -lt 2";
    let shown = user.canary(&format!("--steps 1,3,4 --keep-stable --gate-cmd '{gate}'"));
    shown.exits(4);
    assert!(shown.stdout.contains("step 2 of 3 failed; web is back, as revision 2 has it"), "{}", shown.stdout);
    assert_eq!((user.has_running("web"), user.has_running("web-canary")), ("4 of 1".to_owned(), "nothing".to_owned()));
    assert_eq!(user.revisions(), ["1 superseded", "2 deployed"]);
    user.left_nothing();
    // Aborted, the stable release has its pods again before the other one goes.
    user.canary("--steps 1,3,4 --keep-stable --pause=1").exits(0);
    assert_eq!((user.has_running("web"), user.has_running("web-canary")), ("3 of 1".to_owned(), "1 of 2".to_owned()));
    user.types("helm safe-upgrade canary abort web --yes").exits(0);
    assert_eq!((user.has_running("web"), user.has_running("web-canary")), ("4 of 1".to_owned(), "nothing".to_owned()));
    user.types("helm safe-upgrade web app --set tag=3,replicas=5 --yes").exits(0);
    user.left_nothing();
}

fn a_last_step_that_fails_gives_back_the_pods_that_there_were(user: &User) {
    user.has_web(&[]);
    // The manifest says 2.
    cluster::merge::<Deployment>(&user.namespace, "web", json!({"spec": {"replicas": 4}}));
    let shown = user.canary("--steps 1,3,4 --keep-stable --gate-cmd 'test $HELM_RELEASE_NAME = web-canary'");
    shown.exits(4);
    assert!(shown.stdout.contains("step 3 of 3 failed; web is back"), "{}", shown.stdout);
    assert_eq!((user.has_running("web"), user.has_running("web-canary")), ("4 of 1".to_owned(), "nothing".to_owned()));
    user.left_nothing();
}

fn a_second_release_that_was_killed_goes_on(user: &User) {
    user.has_web(&[]);
    user.types("helm safe-upgrade web app --set replicas=4 --yes").exits(0);
    let flags = "--steps 1,3,4 --keep-stable --set tag=2-slow";
    let line = format!("helm safe-upgrade canary web app --replicas-key replicas --interval 600ms --yes {flags}");
    let mut helm = user.starts(&format!("exec {line}"));
    // The second step is at work, and the stable release was scaled down after the first.
    user.waits_for(|| Record::of(user, "web-canary", 2).is_pending());
    signal(plugin_of(&helm), "KILL");
    helm.wait().unwrap();
    assert_eq!((user.kept().unwrap()["passed"].as_u64(), user.has_running("web")), (Some(1), "3 of 1".to_owned()));
    let shown = user.types(&format!("{line} -o json"));
    shown.exits(0);
    let events = user.events(&shown);
    let resumed = events.iter().find(|event| event["event"] == "canary-resumed").unwrap();
    assert_eq!((&resumed["passed"], &resumed["steps"]), (&1.into(), &3.into()));
    let scaled = events.iter().find(|event| event["event"] == "canary-scaled").unwrap();
    assert_eq!((&scaled["workload"], &scaled["replicas"]), (&"deployment/web".into(), &1.into()));
    let done = events.last().unwrap();
    assert_eq!((&done["outcome"], &done["canary"]["passed"]), (&"proven".into(), &3.into()));
    assert_eq!(user.revisions(), ["1 superseded", "2 superseded", "3 deployed"]);
    let running = (user.has_running("web"), user.has_running("web-canary"));
    assert_eq!(running, ("4 of 2-slow".to_owned(), "nothing".to_owned()));
    assert_eq!(user.proven(), [1, 2, 3]);
    user.left_nothing();
}

/// What the release was told, and which part it plays.
const NOTE: &str = "apiVersion: v1\nkind: ConfigMap\nmetadata: {name: '{{ .Release.Name }}'}\ndata: {note: {{ .Values.note | default \"none\" | quote }}, part: {{ .Values.part | default \"all\" | quote }}}\n";

fn a_second_release_keeps_the_values_of_the_stable_one(user: &User) {
    user.has_web(&[("note", NOTE)]);
    user.types("helm safe-upgrade web app --set replicas=3,note=kept,extra.a=1 --yes").exits(0);
    let note = |release: &str| user.does(&format!("helm get manifest {release}"));
    let flags = "--steps 1,2,3 --keep-stable --reuse-values --set extra.b=2 --canary-set part=canary --pause";
    user.canary(flags).exits(0);
    let promote = "helm safe-upgrade canary promote web --yes";
    for step in [1, 2] {
        assert!(note("web-canary").contains("note: \"kept\", part: \"canary\""), "{step}: {}", note("web-canary"));
        let values = user.does("helm get values web-canary -o json");
        assert!(values.contains(r#""extra":{"a":1,"b":2}"#), "{step}: {values}");
        assert_eq!(user.has_running("web-canary"), format!("{step} of 2"));
        user.types(promote).exits(0);
    }
    assert!(note("web").contains("note: \"kept\", part: \"all\""), "{}", note("web"));
    assert!(user.does("helm get values web -o json").contains(r#""extra":{"a":1,"b":2}"#));
    assert_eq!(user.proven(), [1, 2, 3]);
    user.left_nothing();
}

fn a_second_release_that_stays_is_told(user: &User) {
    user.has_web(&[("migrate", &hook("pre-delete"))]);
    let shown = user.canary("--steps 1,2 --keep-stable --canary-set hook=1-crash --pause=1 -o json");
    shown.exits(0);
    let halted = user.events(&shown).into_iter().find(|event| event["event"] == "canary-halted").unwrap();
    assert_eq!(halted["halt"]["why"], "paused");
    let shown = user.types("helm safe-upgrade canary promote web --yes -o json");
    shown.explains("the release web-canary stays: ");
    assert!(shown.stderr.contains(&format!("helm uninstall web-canary -n {}", user.namespace)), "{}", shown.stderr);
    let done = user.events(&shown).pop().unwrap();
    assert_eq!(done["outcome"], "proven");
    assert!(done["left"].as_str().unwrap().contains("web-canary stays"), "{done}");
    assert_eq!((user.proven(), user.has_running("web")), (vec![1, 2], "2 of 2".to_owned()));
    user.left_nothing();
    user.does(&format!("helm uninstall web-canary --no-hooks -n {}", user.namespace));
}
