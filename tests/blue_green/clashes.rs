//! What speaks against two releases side by side is found before anything is done.

use crate::user::User;

stories![a_service_that_blue_has_is_a_blocker, clashes_are_blockers, an_owner_that_is_upgraded_by_hand_leads_it_back];

const SWITCH: &str = "
apiVersion: v1
kind: Service
metadata: {name: web}
spec:
  ports: [{port: 80}]
  selector: {app: web, release: \"{{ .Values.live }}\"}
";

fn a_service_that_blue_has_is_a_blocker(user: &User) {
    user.has_app();
    user.copies("app", "with-service");
    user.writes("with-service/templates/switch.yaml", &SWITCH.replace("{{ .Values.live }}", "web-blue"));
    user.does("helm install web-blue with-service");
    let shown = user.rolls_out("--set tag=2 --retire uninstall");
    shown.exits(3);
    for part in
        ["switch-owner", "it belongs to release \"web-blue\", and would vanish with it", "--switch-release", "adopt it"]
    {
        assert!(shown.stdout.contains(part), "{part:?} is not in: {}\n{}", shown.stdout, shown.stderr);
    }
    assert!(shown.stderr.contains("blocked by the check switch-owner"), "{}", shown.stderr);
    assert!(user.revisions_of("web-green").is_empty() && user.live() == "web-blue");
    // A way out: blue leaves it where it is, and its chart has it no more.
    user.writes(
        "with-service/templates/switch.yaml",
        &SWITCH
            .replace("{{ .Values.live }}", "web-blue")
            .replace("{name: web}", "{name: web, annotations: {helm.sh/resource-policy: keep}}"),
    );
    user.does("helm upgrade web-blue with-service");
    let shown = user.rolls_out("--set tag=2 --retire uninstall");
    shown.ends(0, "which leaves it where it is; a later upgrade of it leads the traffic back");
    assert_eq!((user.live(), user.revisions_of("web-blue")), ("web-green".to_owned(), vec![]));
}

fn clashes_are_blockers(user: &User) {
    user.has_app();
    user.writes(
        "app/templates/more.yaml",
        "
apiVersion: v1
kind: ConfigMap
metadata: {name: shared}
data: {of: \"{{ .Release.Name }}\"}
---
apiVersion: networking.k8s.io/v1
kind: Ingress
metadata: {name: \"{{ .Release.Name }}\"}
spec:
  rules: [{host: \"{{ .Release.Namespace }}.example.com\", http: {paths: [{path: /, pathType: Prefix, backend: {service: {name: \"{{ .Release.Name }}\", port: {number: 80}}}}]}}]
---
apiVersion: v1
kind: Service
metadata: {name: \"{{ .Release.Name }}-all\"}
spec: {ports: [{port: 80}], selector: {app: web}}
",
    );
    user.does("helm install web-blue app");
    user.has_service("web-blue");
    let shown = user.rolls_out("--set tag=2");
    shown.exits(3);
    for part in [
        "configmap/shared: both \"web-blue\" and \"web-green\" have it",
        "example.com/ is led by ingress/web-blue of \"web-blue\" already",
        "service/web-blue-all: it is of \"web-blue\" and would choose the pods of deployment/web-green",
    ] {
        assert!(shown.stdout.contains(part), "{part:?} is not in: {}\n{}", shown.stdout, shown.stderr);
    }
    for check in ["clash-names", "clash-hosts", "clash-selectors"] {
        assert!(shown.stderr.contains(check), "{check} is not in: {}", shown.stderr);
    }
    assert!(user.revisions_of("web-green").is_empty());
}

/// What the warning says of a Service of another release: Helm 3 leads the traffic back, and Helm 4 stops at the conflict.
fn an_owner_that_is_upgraded_by_hand_leads_it_back(user: &User) {
    user.has_app();
    user.writes("router/Chart.yaml", "apiVersion: v2\nname: router\nversion: 1.0.0\n");
    user.writes("router/values.yaml", "live: web-blue\n");
    user.writes("router/templates/switch.yaml", SWITCH);
    user.does("helm install web-blue app && helm install router router");
    let shown = user.rolls_out("--set tag=2");
    shown.ends(0, "it belongs to release \"router\"; a later upgrade of it leads the traffic back (Helm 3)");
    assert_eq!(user.live(), "web-green");
    let upgraded = user.types("helm upgrade router router --set more=1");
    match user.helm {
        crate::environment::Helm::V3 => assert_eq!((upgraded.stderr.as_str(), user.live().as_str()), ("", "web-blue")),
        crate::environment::Helm::V4 => {
            assert!(upgraded.stderr.contains("conflict with \"helm-safe-upgrade\""), "{}", upgraded.stderr);
            assert_eq!(user.live(), "web-green");
        }
    }
}
