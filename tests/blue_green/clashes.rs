//! What speaks against two releases side by side is found before anything is done.

use k8s_openapi::api::core::v1::{PersistentVolumeClaim, Service};
use k8s_openapi::api::networking::v1::Ingress;
use serde_json::json;

use crate::cluster;
use crate::environment::Helm;
use crate::user::User;

stories![
    a_service_that_blue_has_is_a_blocker,
    clashes_are_blockers,
    ports_and_volumes_that_both_want_are_found,
    an_owner_that_is_upgraded_by_hand_leads_it_back,
    what_else_leads_to_the_release_that_is_retired_is_found,
];

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

fn what_else_leads_to_the_release_that_is_retired_is_found(user: &User) {
    user.has_blue();
    let spec = json!({"ports": [{"port": 80}], "selector": {"release": "web-blue"}});
    cluster::create::<Service>(&user.namespace, json!({"metadata": {"name": "external"}, "spec": spec}));
    let backend = json!({"service": {"name": "web-blue", "port": {"number": 80}}});
    let paths = json!([{"path": "/cart", "pathType": "Prefix", "backend": backend}]);
    let rules = json!([{"host": format!("{}.example.com", user.namespace), "http": {"paths": paths}}]);
    cluster::create::<Ingress>(&user.namespace, json!({"metadata": {"name": "shop"}, "spec": {"rules": rules}}));
    let shown = user.rolls_out("--set tag=2 --retire uninstall");
    assert!(shown.exits(3).stderr.contains("blocked by the check retired-traffic"), "{}", shown.stderr);
    for part in
        ["it leads to the pods of release \"web-blue\" too", "/cart to service/web-blue of release \"web-blue\" too"]
    {
        assert!(shown.stdout.contains(part), "{part:?} is not in: {}", shown.stdout);
    }
    assert!(user.revisions_of("web-green").is_empty() && user.live() == "web-blue");
    // Where it stays, they lead to somebody; and the risk may be taken.
    user.rolls_out("--set tag=2").ends(0, "web-blue is kept");
    user.leads_to("web-blue");
    user.rolls_out("--set tag=2 --retire scale --accept retired-traffic").ends(0, "web-blue is scaled to zero");
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

fn ports_and_volumes_that_both_want_are_found(user: &User) {
    user.has_app();
    // No other story wants this port of all nodes.
    let node_port = if user.helm == Helm::V3 { 30_931 } else { 30_932 };
    user.writes(
        "app/templates/more.yaml",
        &format!(
            "
apiVersion: v1
kind: Service
metadata: {{name: \"{{{{ .Release.Name }}}}-node\"}}
spec: {{type: NodePort, ports: [{{port: 80, nodePort: {node_port}}}], selector: {{release: \"{{{{ .Release.Name }}}}\"}}}}
---
apiVersion: apps/v1
kind: Deployment
metadata: {{name: \"{{{{ .Release.Name }}}}-store\"}}
spec:
  selector: {{matchLabels: {{store: \"{{{{ .Release.Name }}}}\"}}}}
  template:
    metadata: {{labels: {{store: \"{{{{ .Release.Name }}}}\"}}}}
    spec:
      containers: [{{name: a, image: example.com/a:1, ports: [{{containerPort: 90, hostPort: 9090}}]}}]
      volumes: [{{name: a, persistentVolumeClaim: {{claimName: {{{{ .Values.claim }}}}}}}}]
"
        ),
    );
    for (name, mode) in [("own", "ReadWriteOnce"), ("shared", "ReadWriteMany")] {
        let spec = json!({"accessModes": [mode], "resources": {"requests": {"storage": "1Gi"}}});
        let claim = json!({"metadata": {"name": name}, "spec": spec});
        cluster::create::<PersistentVolumeClaim>(&user.namespace, claim);
    }
    user.does("helm install web-blue app --set claim=own");
    user.has_service("web-blue");
    let shown = user.rolls_out("--set tag=2,claim=own");
    shown.exits(3);
    for part in [
        &format!(
            "service/web-green-node: node port {node_port} is wanted by service/web-blue-node of \"web-blue\" too"
        ),
        "deployment/web-green-store: host port 9090/TCP is wanted by deployment/web-blue-store of \"web-blue\" too",
        "deployment/web-green-store would mount it beside deployment/web-blue-store, and it is not to be shared",
    ] {
        assert!(shown.stdout.contains(part), "{part:?} is not in: {}\n{}", shown.stdout, shown.stderr);
    }
    for check in ["clash-ports", "clash-claims"] {
        assert!(shown.stderr.contains(check), "{check} is not in: {}", shown.stderr);
    }
    // One that many may mount is for the user to think about.
    user.does("helm upgrade web-blue app --set claim=shared");
    let shown = user.rolls_out("--set tag=2,claim=shared");
    shown.ends(3, "deployment/web-green-store and deployment/web-blue-store would write to it at the same time");
    assert!(shown.stderr.contains("clash-ports") && !shown.stderr.contains("clash-claims"), "{}", shown.stderr);
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
        Helm::V3 => assert_eq!((upgraded.stderr.as_str(), user.live().as_str()), ("", "web-blue")),
        Helm::V4 => {
            assert!(upgraded.stderr.contains("conflict with \"helm-safe-upgrade\""), "{}", upgraded.stderr);
            assert_eq!(user.live(), "web-green");
        }
    }
}
