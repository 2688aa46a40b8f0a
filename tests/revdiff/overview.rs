//! What stands above the objects: the key differences, the impact, and which sections there are.

use crate::user::User;

stories!(
    a_larger_web_server_costs_six_times_as_much,
    configuration_that_changes_under_running_pods,
    what_is_lost_with_an_upgrade,
    sections_are_shown_and_hidden,
);

fn a_larger_web_server_costs_six_times_as_much(user: &User) {
    // Node ports are shared by the whole cluster.
    user.does("helm install web web --values web/values-v1.yaml");
    user.does("helm upgrade web web --values web/values-v2.yaml --set service.nodePorts.http=");
    user.types("helm revdiff web --sections key-differences,impact").shows(
        r"
        web in namespace NAMESPACE: revision 1 → 2
          1  superseded  web-1.0.0  app 1.29.3  YYYY-MM-DD hh:mm:ss  Install complete
          2  deployed    web-1.0.0  app 1.29.3  YYYY-MM-DD hh:mm:ss  Upgrade complete

        7 changed, 0 added, 0 removed, 0 unchanged

        key differences
         ! service    Service/web     type ClusterIP → NodePort  reachable from outside the cluster
           replicas   Deployment/web  1 → 3
           resources  Deployment/web  nginx: cpu request 50m → 100m, memory request 64Mi → 128Mi, cpu limit 100m → 200m, memory limit 128Mi → 256Mi
           restart    Deployment/web  nginx resources, annotation checksum/config, label version

        resource impact
                    requests                    limits
                    before  after       peak    before  after       peak
        Deployment/web  1 → 3 pods, up to 4 in the roll-out
          cpu          50m   300m  6×   350m      100m   600m  6×   700m
          memory      64Mi  384Mi  6×  448Mi     128Mi  768Mi  6×  896Mi
        ",
    );
    let json = user.types("helm revdiff web -o json").json();
    let cpu = &json["impact"]["workloads"][0]["resources"][0];
    assert_eq!(
        (&cpu["before"]["most"], &cpu["after"]["most"], &cpu["ratio"]),
        (&"50m".into(), &"300m".into(), &6.0.into())
    );
    assert_eq!(json["impact"]["total"]["resources"], json["impact"]["workloads"][0]["resources"]);
    // The way back costs less, and still needs room for both.
    user.types("helm revdiff rollback web --sections impact").mentions("0.17×").mentions("300m    50m");
}

fn configuration_that_changes_under_running_pods(user: &User) {
    user.writes(
        "parts/templates/app.yaml",
        "apiVersion: apps/v1\nkind: Deployment\nmetadata:\n  name: app\nspec:\n  selector: {matchLabels: {app: app}}\n  template:\n    metadata: {labels: {app: app}}\n    spec:\n      containers:\n        - name: app\n          image: app:1\n          envFrom: [{configMapRef: {name: settings}}, {secretRef: {name: login}}]\n",
    );
    user.upgrades("parts", "configMaps: {settings: {colour: red}}\nsecrets: {login: {password: first-password}}");
    user.upgrades("parts", "configMaps: {settings: {colour: blue}}\nsecrets: {login: {password: other-password}}");
    let shown = user.types("helm revdiff web");
    shown.mentions(
        " ! restart  Deployment/app  should restart, and does not: ConfigMap/settings and Secret/login change, and environment variables are never updated\n",
    );
    shown.keeps_quiet_about("first-password").keeps_quiet_about("other-password");
    // The template takes part in the change: all is well.
    user.upgrades("parts", "configMaps: {settings: {colour: blue}}\nsecrets: {login: {password: other-password}}");
    user.types("helm revdiff web").mentions("no changes").keeps_quiet_about("restart");
    user.types("helm revdiff web 1 2 --suppress Deployment").exits(0).keeps_quiet_about("should restart");
}

fn what_is_lost_with_an_upgrade(user: &User) {
    let claim = |name: &str, annotations: &str| {
        format!(
            "---\napiVersion: v1\nkind: PersistentVolumeClaim\nmetadata:\n  name: {name}\n  annotations: {{{annotations}}}\nspec:\n  accessModes: [ReadWriteOnce]\n  resources: {{requests: {{storage: 1Gi}}}}\n"
        )
    };
    user.writes("parts/templates/claims.yaml", &(claim("data", "") + &claim("kept", "helm.sh/resource-policy: keep")));
    user.upgrades("parts", "");
    user.does("rm parts/templates/claims.yaml");
    user.upgrades("parts", "");
    let shown = user.types("helm revdiff web");
    shown.mentions("!! delete  PersistentVolumeClaim/data  with the data on it, unless its volume is retained\n");
    shown.mentions(
        "   delete  PersistentVolumeClaim/kept  Helm keeps it, and forgets it: helm.sh/resource-policy is keep\n",
    );
    // As was said.
    let claims = user.does("helm get manifest web --revision 1");
    assert!(claims.contains("name: data") && claims.contains("name: kept"), "{claims}");
}

fn sections_are_shown_and_hidden(user: &User) {
    user.upgrades("parts", "deployments: {api: {replicas: 1}}");
    user.upgrades("parts", "deployments: {api: {replicas: 2}}");
    let [key, object, values] = ["replicas  Deployment/api  1 → 2", "+  replicas: 2", "values (user-supplied)"];
    user.types("helm revdiff web").mentions(key).mentions(object).mentions(values);
    let key_only = user.types("helm revdiff web --sections key-differences");
    key_only.mentions(key).keeps_quiet_about(object).keeps_quiet_about(values);
    let hidden = user.types("helm revdiff web --hide key-differences,values");
    hidden.mentions(object).keeps_quiet_about(key).keeps_quiet_about(values);
    let json = user.types("helm revdiff web -o json --hide resources").json();
    assert_eq!(
        (json["resources"].as_array().map(Vec::len), json["keyDifferences"].as_array().map(Vec::len)),
        (Some(0), Some(2))
    );
    // What is not shown is no change.
    user.types("helm revdiff web --sections notes --detailed-exitcode")
        .exits(0)
        .mentions("no changes: what is shown is the same");
    user.types("helm revdiff web --sections key-differences --detailed-exitcode").exits(2);
    user.types("helm revdiff web --sections impact --hide notes").explains("cannot be used with");
}
