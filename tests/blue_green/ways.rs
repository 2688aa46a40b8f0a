//! The other ways to lead the traffic: an Ingress, and a router release.

use k8s_openapi::api::networking::v1::Ingress;
use serde_json::json;

use crate::cluster;
use crate::colours::PAIR;
use crate::processes::{plugin_of, signal};
use crate::user::User;

stories![
    an_ingress_is_led_to_the_other_service,
    a_router_release_is_upgraded_under_guard,
    a_router_that_is_not_deployed_is_not_believed,
];

/// The Services that the Ingress `web` leads to.
fn backends(user: &User) -> Vec<String> {
    let ingress: Ingress = cluster::find(&user.namespace, "web").unwrap();
    let rules = ingress.spec.unwrap().rules.unwrap();
    let paths = rules.into_iter().flat_map(|rule| rule.http.unwrap().paths);
    paths.map(|path| path.backend.service.unwrap().name).collect()
}

fn an_ingress_is_led_to_the_other_service(user: &User) {
    user.has_app();
    user.does("helm install web-blue app");
    let path = |path: &str, service: &str| json!({"path": path, "pathType": "Prefix", "backend": {"service": {"name": service, "port": {"number": 80}}}});
    let host = format!("{}.example.com", user.namespace);
    let rules = json!([{"host": host, "http": {"paths": [path("/", "web-blue"), path("/api", "api")]}}]);
    cluster::create::<Ingress>(&user.namespace, json!({"metadata": {"name": "web"}, "spec": {"rules": rules}}));
    let line = |flags: &str| format!("helm safe-upgrade blue-green {PAIR} app --yes {flags}");
    let shown = user.types(&line("--ingress web:other.example.com/ --set tag=2"));
    shown.exits(3);
    assert!(shown.stderr.contains("by ingress/web:other.example.com/: it has no such backend"), "{}", shown.stderr);
    let shown = user.types(&line("--ingress web --set tag=2 --gate-cmd 'echo x >>asked; test $(wc -l <asked) = 1'"));
    shown.ends(4, "web-green failed with the traffic, which is back at web-blue");
    assert_eq!(backends(user), ["web-blue", "api"]);
    let shown = user.types(&line("--ingress web --set tag=3,target=nowhere --switch-timeout 1s"));
    shown.ends(4, "no ready pod of web-green yet: port 80 of service/web-green leads to no ready pod");
    assert_eq!(backends(user), ["web-blue", "api"]);
    let shown = user.types(&line(&format!("--ingress web:{host}/ --set tag=3 --retire uninstall")));
    shown.ends(0, "✓ web-green has the traffic and is proven");
    assert_eq!(
        (backends(user), user.revisions_of("web-blue")),
        (vec!["web-green".to_owned(), "api".to_owned()], vec![])
    );
}

fn a_router_release_is_upgraded_under_guard(user: &User) {
    user.has_app();
    user.writes("router/Chart.yaml", "apiVersion: v2\nname: router\nversion: 1.0.0\n");
    user.writes("router/values.yaml", "live: web-blue\nport: 80\n");
    user.writes(
        "router/templates/service.yaml",
        "apiVersion: v1\nkind: Service\nmetadata: {name: web}\nspec: {ports: [{port: {{ .Values.port }}}], selector: {release: {{ .Values.live }}}}\n",
    );
    user.does("helm install web-blue app && helm safe-upgrade router router --install --yes --set port=81");
    let line = |flags: &str| {
        let by = "--switch-release router --switch-chart router --switch-set live={release}";
        format!("helm safe-upgrade blue-green {PAIR} app {by} --yes {flags}")
    };
    let shown = user.types(&line("--set tag=2 --gate-cmd 'echo x >>asked; test $(wc -l <asked) = 1'"));
    shown.ends(4, "web-green failed with the traffic, which is back at web-blue");
    assert_eq!((user.live(), user.marked("router", "proven")), ("web-blue".to_owned(), vec![1, 2, 3]));
    let shown = user.types(&line("--set tag=3"));
    shown.ends(0, "2  switch release router: web-blue becomes web-green");
    shown.ends(0, "✓ web-green has the traffic and is proven");
    assert_eq!(user.live(), "web-green");
    assert!(user.does("helm get values router").contains("port: 81"), "its other values stay");
    let same = user.types(&line("--set tag=4").replace("live={release}", "live=web-blue"));
    same.exits(1);
    assert!(same.stderr.contains("its values are the same for both releases"), "{}", same.stderr);
}

fn a_router_that_is_not_deployed_is_not_believed(user: &User) {
    user.has_app();
    user.writes("router/Chart.yaml", "apiVersion: v2\nname: router\nversion: 1.0.0\n");
    user.writes("router/values.yaml", "live: web-blue\nhook: \"1\"\n");
    user.writes(
        "router/templates/service.yaml",
        "apiVersion: v1\nkind: Service\nmetadata: {name: web}\nspec: {ports: [{port: 80}], selector: {release: {{ .Values.live }}}}\n\
         ---\napiVersion: batch/v1\nkind: Job\nmetadata: {name: told, annotations: {helm.sh/hook: post-upgrade}}\n\
         spec: {backoffLimit: 0, template: {spec: {restartPolicy: Never, containers: [{name: a, image: \"example.com/a:{{ .Values.hook }}\"}]}}}\n",
    );
    user.does("helm install web-blue app && helm install router router --set hook=1-slow");
    let line = |flags: &str| {
        let by = "--switch-release router --switch-chart router --switch-set live={release}";
        format!("helm safe-upgrade blue-green {PAIR} app {by} --yes {flags}")
    };
    // Its objects lead to green, and its last deployed revision says blue.
    assert_ne!(user.types("helm upgrade router router --set live=web-green,hook=1-crash").code, Some(0));
    assert_eq!(user.live(), "web-green");
    let shown = user.types(&line("--set tag=2"));
    shown.exits(3);
    assert!(shown.stderr.contains("revision 2 of release router is failed, not deployed"), "{}", shown.stderr);
    user.does("helm rollback router 1");
    // Killed while it is led to green: only the same command goes on with that.
    let flags = "--set tag=2";
    let mut helm = user.starts(&format!("exec {}", line(flags)));
    user.waits_for(|| user.revisions_of("router").last().is_some_and(|last| last == "4 pending-upgrade"));
    signal(plugin_of(&helm), "KILL");
    helm.wait().unwrap();
    let other = user.types(&line("--set more=1"));
    other.exits(3);
    assert!(other.stderr.contains("was not finished after it"), "{}", other.stderr);
    let shown = user.types(&line(flags));
    shown.ends(0, "✓ web-green has the traffic and is proven");
    assert!(shown.stderr.contains("goes on: release router was being switched"), "{}", shown.stderr);
    assert_eq!((user.live(), user.revisions_of("web-green").len()), ("web-green".to_owned(), 1));
}
