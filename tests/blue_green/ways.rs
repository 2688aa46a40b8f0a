//! The other ways to lead the traffic: an Ingress, and a router release.

use k8s_openapi::api::networking::v1::Ingress;
use serde_json::json;

use crate::cluster;
use crate::colours::PAIR;
use crate::processes::{plugin_of, signal};
use crate::servers::Server;
use crate::user::User;

stories![
    an_ingress_is_led_to_the_other_service,
    a_roll_out_by_an_ingress_that_was_killed_goes_on,
    a_router_release_is_upgraded_under_guard,
    a_router_whose_upgrade_was_cut_off_is_not_led_back_to_what_is_gone,
    a_router_is_led_by_a_file_of_values_for_each_colour,
    what_somebody_has_changed_of_the_router_since_stays,
    a_way_back_over_somebody_elses_change_that_was_killed_is_taken_again,
    a_chart_that_was_published_since_is_no_upgrade_by_somebody_else,
    a_router_that_is_not_deployed_is_not_believed,
];

/// The Services that the Ingress `web` leads to.
pub(crate) fn backends(user: &User) -> Vec<String> {
    let ingress: Ingress = cluster::find(&user.namespace, "web").unwrap();
    let rules = ingress.spec.unwrap().rules.unwrap();
    let paths = rules.into_iter().flat_map(|rule| rule.http.unwrap().paths);
    paths.map(|path| path.backend.service.unwrap().name).collect()
}

/// Makes the Ingress `web`, which leads to the Services `web-blue` and `api`. Returns its host.
fn has_ingress(user: &User) -> String {
    let path = |path: &str, service: &str| json!({"path": path, "pathType": "Prefix", "backend": {"service": {"name": service, "port": {"number": 80}}}});
    let host = format!("{}.example.com", user.namespace);
    let rules = json!([{"host": host, "http": {"paths": [path("/", "web-blue"), path("/api", "api")]}}]);
    cluster::create::<Ingress>(&user.namespace, json!({"metadata": {"name": "web"}, "spec": {"rules": rules}}));
    host
}

fn an_ingress_is_led_to_the_other_service(user: &User) {
    user.has_app();
    user.does("helm install web-blue app");
    let host = has_ingress(user);
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

fn a_roll_out_by_an_ingress_that_was_killed_goes_on(user: &User) {
    user.has_app();
    user.does("helm install web-blue app");
    has_ingress(user);
    let line = format!("helm safe-upgrade blue-green {PAIR} app --ingress web --yes --set tag=2 --switch-soak 3s");
    let mut helm = user.starts(&format!("exec {line}"));
    user.waits_for(|| user.kept().is_some_and(|kept| kept["phase"] == "soaking"));
    signal(plugin_of(&helm), "KILL");
    helm.wait().unwrap();
    assert_eq!(backends(user), ["web-green", "api"]);
    let other = user.types(&line.replace("--ingress web", "--ingress web:elsewhere.example.com/"));
    other.exits(3);
    assert!(other.stderr.contains("was not finished after it switched ingress/web"), "{}", other.stderr);
    let shown = user.types(&line);
    shown.ends(0, "✓ web-green has the traffic and is proven");
    assert!(shown.stderr.contains("the roll-out of app-1.0.0 to web-green goes on"), "{}", shown.stderr);
    assert_eq!((backends(user)[0].as_str(), user.revisions_of("web-green").len()), ("web-green", 1));
}

/// Writes the chart `router`, whose Service `web` leads to the release that the value `live` names.
pub(crate) fn has_router(user: &User) {
    user.writes("router/Chart.yaml", "apiVersion: v2\nname: router\nversion: 1.0.0\n");
    user.writes("router/values.yaml", "live: web-blue\nport: 80\n");
    user.writes(
        "router/templates/service.yaml",
        "apiVersion: v1\nkind: Service\nmetadata: {name: web}\nspec: {ports: [{port: {{ .Values.port }}}], selector: {release: {{ .Values.live }}}}\n",
    );
}

fn a_router_release_is_upgraded_under_guard(user: &User) {
    user.has_app();
    has_router(user);
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

fn a_router_whose_upgrade_was_cut_off_is_not_led_back_to_what_is_gone(user: &User) {
    user.has_app();
    has_router(user);
    user.does("helm install web-blue app && helm safe-upgrade router router --install --yes");
    let line = format!(
        "helm safe-upgrade blue-green {PAIR} app --switch-release router --switch-chart router --switch-set 'live={{release}}' \
         --yes --set tag=2 --retire uninstall"
    );
    user.types(&format!("{line} --pause")).exits(0);
    // As it is where the run is killed once helm has made the router's revision, before that is proven.
    user.keeps(&serde_json::json!({"phase": "switching", "outcome": null}));
    let gate = "--gate-cmd 'touch asked; test -e known || sleep 60; false'";
    let cut_off = format!("exec helm safe-upgrade router router --set live=web-green --yes {gate}");
    let mut helm = user.starts(&cut_off);
    user.waits_for(|| user.folder.join("asked").exists());
    signal(plugin_of(&helm), "KILL");
    helm.wait().unwrap();
    user.types(&line).ends(0, "✓ web-green has the traffic and is proven");
    user.writes("known", "");
    user.types(&cut_off).exits(1);
    assert_eq!((user.live().as_str(), user.revisions_of("router").len()), ("web-green", 2));
}

fn a_router_is_led_by_a_file_of_values_for_each_colour(user: &User) {
    user.has_app();
    has_router(user);
    for color in ["blue", "green"] {
        user.writes(&format!("router-{color}.yaml"), &format!("live: web-{color}\n"));
    }
    user.does(
        "helm package router --version 1.1.0 -d served && helm package router --version 2.0.0 -d served && helm repo index served",
    );
    let server = Server::of_files(&user.folder.join("served"));
    user.exports("HELM_REPOSITORY_CONFIG", &user.folder.join("repositories.yaml").to_string_lossy());
    user.exports("HELM_REPOSITORY_CACHE", &user.folder.join("cache").to_string_lossy());
    user.does(&format!("helm repo add stable http://{}", server.address()));
    user.does("helm install web-blue app && helm install router router -f router-blue.yaml --set port=81 --set 'note=it is blue'");
    let line = |flags: &str| {
        let by = "--switch-release router --switch-chart stable/router --switch-version 1.1.0 --switch-values 'router-{color}.yaml' --switch-set 'note=it is {color}'";
        format!("helm safe-upgrade blue-green {PAIR} app {by} --yes {flags}")
    };
    user.types(&line("--set tag=2")).ends(0, "✓ web-green has the traffic and is proven");
    let values = user.does("helm get values router");
    assert!(values.contains("live: web-green\nnote: it is green\nport: 81"), "{values}");
    let router = user.types("helm list -f '^router$' -o json").json();
    assert_eq!((user.live().as_str(), router[0]["chart"].as_str()), ("web-green", Some("router-1.1.0")));
    user.types(&line("--set tag=3")).ends(0, "✓ web-blue has the traffic and is proven");
    assert_eq!(user.live(), "web-blue");
    assert!(user.does("helm get values router").contains("note: it is blue"));
}

fn what_somebody_has_changed_of_the_router_since_stays(user: &User) {
    user.has_app();
    has_router(user);
    user.does("helm install web-blue app && helm install router router");
    // Somebody upgrades it while green has the traffic; then green fails.
    let gate = "echo x >>asked; test $(wc -l <asked) = 1 || ! helm upgrade router router --reuse-values --set port=82";
    let shown = user.types(&format!(
        "helm safe-upgrade blue-green {PAIR} app --switch-release router --switch-chart router --switch-set 'live={{release}}' \
         --yes --set tag=2 --gate-cmd '{gate}'"
    ));
    shown.ends(4, "web-green failed with the traffic, which is back at web-blue");
    assert!(
        shown.stderr.contains("release router was changed by somebody else: it is led back by an upgrade"),
        "{}",
        shown.stderr
    );
    assert_eq!(user.live(), "web-blue");
    let values = user.does("helm get values router");
    assert!(values.contains("live: web-blue") && values.contains("port: 82"), "{values}");
    assert_eq!(user.revisions_of("router").last().unwrap(), "4 deployed");
}

fn a_way_back_over_somebody_elses_change_that_was_killed_is_taken_again(user: &User) {
    user.has_app();
    has_slow_router(user);
    user.does("helm install web-blue app && helm install router router --set hook=1-slow");
    let gate = "echo x >>asked; test $(wc -l <asked) = 1 || ! helm upgrade router router --reuse-values --set port=82";
    let line = format!(
        "helm safe-upgrade blue-green {PAIR} app --switch-release router --switch-chart router --switch-set 'live={{release}}' \
         --yes --set tag=2 --gate-cmd '{gate}'"
    );
    let mut helm = user.starts(&format!("exec {line}"));
    for phase in ["switching", "soaking", "going-back"] {
        user.waits_for(|| user.kept().is_some_and(|kept| kept["phase"] == phase));
    }
    user.waits_for(|| user.revisions_of("router").last().is_some_and(|last| last == "4 pending-upgrade"));
    signal(plugin_of(&helm), "KILL");
    helm.wait().unwrap();
    let shown = user.types(&line);
    shown.ends(4, "web-green failed with the traffic, which is back at web-blue");
    assert_eq!(user.live(), "web-blue");
    let values = user.does("helm get values router");
    assert!(values.contains("live: web-blue") && values.contains("port: 82"), "{values}");
    assert_eq!(user.revisions_of("router")[2..], ["3 superseded", "4 failed", "5 deployed"]);
}

fn a_chart_that_was_published_since_is_no_upgrade_by_somebody_else(user: &User) {
    user.has_app();
    has_router(user);
    user.does("helm package router --version 1.1.0 -d served && helm repo index served");
    let server = Server::of_files(&user.folder.join("served"));
    user.exports("HELM_REPOSITORY_CONFIG", &user.folder.join("repositories.yaml").to_string_lossy());
    user.exports("HELM_REPOSITORY_CACHE", &user.folder.join("cache").to_string_lossy());
    user.does(&format!("helm repo add stable http://{}", server.address()));
    user.does("helm install web-blue app && helm install router stable/router");
    // Somebody changes a value while green has the traffic, and somebody else publishes a chart; then green fails.
    user.writes(
        "meanwhile.sh",
        "echo x >>asked; test $(wc -l <asked) = 1 && exit 0\n\
         helm upgrade router stable/router --version 1.1.0 --reuse-values --set port=82\n\
         helm package router --version 2.0.0 -d served && helm repo index served && helm repo update\nexit 1\n",
    );
    let shown = user.types(&format!(
        "helm safe-upgrade blue-green {PAIR} app --switch-release router --switch-chart stable/router \
         --switch-set 'live={{release}}' --yes --set tag=2 --gate-cmd 'sh meanwhile.sh'"
    ));
    shown.ends(4, "web-green failed with the traffic, which is back at web-blue");
    assert_eq!(user.live(), "web-blue");
    let router = user.types("helm list -f '^router$' -o json").json();
    assert_eq!(router[0]["chart"], "router-1.1.0", "what was published is not rolled out by a way back");
    let values = user.does("helm get values router");
    assert!(values.contains("live: web-blue") && values.contains("port: 82"), "{values}");
}

/// Writes the chart `router` with a hook after each upgrade, whose image has the value `hook`.
fn has_slow_router(user: &User) {
    user.writes("router/Chart.yaml", "apiVersion: v2\nname: router\nversion: 1.0.0\n");
    user.writes("router/values.yaml", "live: web-blue\nhook: \"1\"\nport: 80\n");
    user.writes(
        "router/templates/service.yaml",
        "apiVersion: v1\nkind: Service\nmetadata: {name: web}\nspec: {ports: [{port: {{ .Values.port }}}], selector: {release: {{ .Values.live }}}}\n\
         ---\napiVersion: batch/v1\nkind: Job\nmetadata: {name: told, annotations: {helm.sh/hook: post-upgrade}}\n\
         spec: {backoffLimit: 0, template: {spec: {restartPolicy: Never, containers: [{name: a, image: \"example.com/a:{{ .Values.hook }}\"}]}}}\n",
    );
}

fn a_router_that_is_not_deployed_is_not_believed(user: &User) {
    user.has_app();
    has_slow_router(user);
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
