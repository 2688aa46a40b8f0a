//! What an upgrade changed: values, templates, objects, hooks, the chart and the notes.

use crate::agreement::agrees_with_helm_get;
use crate::user::User;

stories!(
    changed_values,
    changed_template,
    added_and_removed_objects,
    changed_hook,
    changed_chart,
    changed_notes,
    changed_computed_values,
    values_of_every_type,
    a_web_server,
    nothing_changed,
    the_exit_code_tells_changes_when_asked,
);

fn changed_values(user: &User) {
    user.upgrades("parts", "configMaps: {settings: {colour: red, size: small}}\ndeployments: {api: {replicas: 1}}");
    user.upgrades("parts", "configMaps: {settings: {colour: blue, size: small}}\ndeployments: {api: {replicas: 2}}");
    user.types("helm revdiff web 1 2").shows(
        r"
        web in namespace NAMESPACE: revision 1 → 2
          1  superseded  parts-1.0.0  app 1.0.0  YYYY-MM-DD hh:mm:ss  Install complete
          2  deployed    parts-1.0.0  app 1.0.0  YYYY-MM-DD hh:mm:ss  Upgrade complete

        2 changed, 0 added, 0 removed, 0 unchanged

        key differences
           replicas  Deployment/api  1 → 2
           restart   Deployment/api  does not restart: the pod template stays the same

        ~ ConfigMap/settings  v1  parts/templates/configmaps.yaml
        @@ -3,5 +3,5 @@ data
         metadata:
           name: settings
         data:
        -  colour: red
        +  colour: blue
           size: small

        ~ Deployment/api  apps/v1  parts/templates/deployments.yaml
        @@ -3,7 +3,7 @@ spec
         metadata:
           name: api
         spec:
        -  replicas: 1
        +  replicas: 2
           selector:
             matchLabels:
               app: api

        values (user-supplied)
        @@ -1,7 +1,7 @@ configMaps.settings
         configMaps:
           settings:
        -    colour: red
        +    colour: blue
             size: small
         deployments:
           api:
        -    replicas: 1
        +    replicas: 2
        ",
    );
    agrees_with_helm_get(user, "web", 1, 2);
}

fn changed_template(user: &User) {
    user.upgrades("parts", "configMaps: {settings: {colour: red}}");
    user.copies("parts", "parts-next");
    user.writes(
        "parts-next/templates/configmaps.yaml",
        "apiVersion: v1\nkind: ConfigMap\nmetadata:\n  name: settings\n  labels: {made-by: template}\ndata: {colour: red}\n",
    );
    user.upgrades("parts-next", "configMaps: {settings: {colour: red}}");
    user.types("helm revdiff web 1 2").shows(
        r"
        web in namespace NAMESPACE: revision 1 → 2
          1  superseded  parts-1.0.0  app 1.0.0  YYYY-MM-DD hh:mm:ss  Install complete
          2  deployed    parts-1.0.0  app 1.0.0  YYYY-MM-DD hh:mm:ss  Upgrade complete

        1 changed, 0 added, 0 removed, 0 unchanged

        ~ ConfigMap/settings  v1  parts/templates/configmaps.yaml
        @@ -2,5 +2,7 @@ metadata
         kind: ConfigMap
         metadata:
           name: settings
        +  labels:
        +    made-by: template
         data:
           colour: red
        ",
    );
    agrees_with_helm_get(user, "web", 1, 2);
}

fn added_and_removed_objects(user: &User) {
    user.upgrades("parts", "configMaps: {kept: {a: b}, old: {colour: red}}");
    user.upgrades("parts", "configMaps: {kept: {a: b}, new: {colour: red}}\ndeployments: {api: {}}");
    user.types("helm revdiff web 1 2")
        .mentions("key differences\n   delete  ConfigMap/old\n   image   Deployment/api  + busybox:1.37\n");
    user.types("helm revdiff web 1 2 --hide key-differences,values").shows(
        r"
        web in namespace NAMESPACE: revision 1 → 2
          1  superseded  parts-1.0.0  app 1.0.0  YYYY-MM-DD hh:mm:ss  Install complete
          2  deployed    parts-1.0.0  app 1.0.0  YYYY-MM-DD hh:mm:ss  Upgrade complete

        0 changed, 2 added, 1 removed, 1 unchanged

        + ConfigMap/new  v1  parts/templates/configmaps.yaml
        @@ -0,0 +1,6 @@
        +apiVersion: v1
        +kind: ConfigMap
        +metadata:
        +  name: new
        +data:
        +  colour: red

        + Deployment/api  apps/v1  parts/templates/deployments.yaml
        @@ -0,0 +1,20 @@
        +apiVersion: apps/v1
        +kind: Deployment
        +metadata:
        +  name: api
        +spec:
        +  replicas: 1
        +  selector:
        +    matchLabels:
        +      app: api
        +  template:
        +    metadata:
        +      labels:
        +        app: api
        +    spec:
        +      containers:
        +      - name: main
        +        image: busybox:1.37
        +        command:
        +        - sleep
        +        - infinity

        - ConfigMap/old  v1  parts/templates/configmaps.yaml
        @@ -1,6 +0,0 @@
        -apiVersion: v1
        -kind: ConfigMap
        -metadata:
        -  name: old
        -data:
        -  colour: red
        ",
    );
    agrees_with_helm_get(user, "web", 1, 2);
}

fn changed_hook(user: &User) {
    user.upgrades("parts", "hooks: {migrate: {image: 'busybox:1.36'}}");
    user.upgrades("parts", "hooks: {migrate: {image: 'busybox:1.37'}}");
    user.types("helm revdiff web 1 2").mentions(
        r#"

        ~ Job/migrate  batch/v1  pre-upgrade hook  parts/templates/hooks.yaml
        @@ -13,6 +13,6 @@ spec.template.spec.containers[name=main]
               restartPolicy: Never
               containers:
               - name: main
        -        image: busybox:1.36
        +        image: busybox:1.37
                 command:
                 - "true"
        "#,
    );
    agrees_with_helm_get(user, "web", 1, 2);

    let without = user.types("helm revdiff web 1 2 --no-hooks");
    without.mentions("0 changed, 0 added, 0 removed, 0 unchanged").keeps_quiet_about("Job/");
}

fn changed_chart(user: &User) {
    user.upgrades("parts", "configMaps: {settings: {colour: red}}");
    user.copies("parts", "next");
    user.does("sed -i '2,$ s/1.0.0/1.1.0/; s/^appVersion: .*/appVersion: 2.0.0-rc.1/' next/Chart.yaml");
    user.does("sed -i '/^ .*version:/ s/1.1.0/1.0.0/' next/Chart.yaml");
    user.upgrades("next", "configMaps: {settings: {colour: red}}\naddon: {enabled: true}");
    user.types("helm revdiff web 1 2").shows(
        r#"
        web in namespace NAMESPACE: revision 1 → 2
          1  superseded  parts-1.0.0  app 1.0.0       YYYY-MM-DD hh:mm:ss  Install complete
          2  deployed    parts-1.1.0  app 2.0.0-rc.1  YYYY-MM-DD hh:mm:ss  Upgrade complete

        0 changed, 1 added, 0 removed, 1 unchanged

        + ConfigMap/web-addon  v1  parts/charts/addon/templates/configmap.yaml
        @@ -0,0 +1,6 @@
        +apiVersion: v1
        +kind: ConfigMap
        +metadata:
        +  name: web-addon
        +data:
        +  color: red

        values (user-supplied)
        @@ -1,3 +1,5 @@
        +addon:
        +  enabled: true
         configMaps:
           settings:
             colour: red

        chart
        ~ version                   1.0.0 → 1.1.0
        ~ appVersion                1.0.0 → 2.0.0-rc.1
        + dependencies[name=addon]  version 1.0.0, condition addon.enabled, enabled true
        "#,
    );
    agrees_with_helm_get(user, "web", 1, 2);
}

fn changed_notes(user: &User) {
    user.upgrades("parts", "notes: |\n  Welcome!\n\n  Open http://web:80 now.");
    user.upgrades("parts", "notes: |\n  Welcome!\n\n  Open http://web:8080 now.\n  Good bye.");
    user.types("helm revdiff web 1 2").mentions(
        r"

        notes
        @@ -1,3 +1,4 @@
         Welcome!
         
        -Open http://web:80 now.
        +Open http://web:8080 now.
        +Good bye.
        ",
    );
    agrees_with_helm_get(user, "web", 1, 2);
}

fn changed_computed_values(user: &User) {
    let defaults = "service: {type: ClusterIP, port: 80, labels: {team: web, tier: front}}\nlist: [1, 2, 3]\naddon: {enabled: false}\n";
    user.writes("parts/values.yaml", defaults);
    user.upgrades("parts", "service: {port: 81}");
    // A null takes a default away; maps are merged, lists are not; a subchart has defaults of its own.
    user.upgrades(
        "parts",
        "service: {type: null, labels: {tier: null, owner: me}}\nlist: [4]\naddon: {enabled: true}\nglobal: {zone: a}\nnew: {deep: {deeper: 1}}",
    );
    user.types("helm revdiff web 1 2 --computed-values").mentions("\nvalues (computed)\n");
    user.types("helm revdiff web 1 2").keeps_quiet_about("values (computed)");
    agrees_with_helm_get(user, "web", 1, 2);

    // The defaults alone have changed.
    user.upgrades("parts", "addon: {enabled: true, color: null}");
    user.writes("parts/values.yaml", &defaults.replace("80", "90"));
    user.upgrades("parts", "addon: {enabled: true, color: null}");
    user.types("helm revdiff web 3 4").keeps_quiet_about("values (");
    user.types("helm revdiff web 3 4 --computed-values")
        .mentions("-  port: 80\n+  port: 90\n")
        .keeps_quiet_about("supplied");
    agrees_with_helm_get(user, "web", 3, 4);
}

fn values_of_every_type(user: &User) {
    user.upgrades(
        "parts",
        "a: 1\nb: 1.5\nc: true\nd: null\ne: ''\nf: {}\ng: []\nh: 9007199254740993\ni: '1'\nj: 1e30\nk: text\n",
    );
    user.upgrades(
        "parts",
        "a: '1'\nb: 2\nc: 'true'\nd: ''\ne: null\nf: []\ng: {}\nh: 9007199254740992\ni: 1\nj: 1\nk: [text]\n",
    );
    agrees_with_helm_get(user, "web", 1, 2);
    agrees_with_helm_get(user, "web", 2, 1);
}

/// The chart of the demo, with all that a usual chart has.
fn a_web_server(user: &User) {
    // Node ports are shared by the whole cluster.
    user.does("helm install web web -f web/values-v1.yaml");
    user.does("helm upgrade web web -f web/values-v2.yaml --set service.nodePorts.http=");
    let shown = user.types("helm revdiff web");
    // What changed in the same way is shown once, and what comes with every version in one line.
    shown.mentions(
        r"
        7 changed, 0 added, 0 removed, 0 unchanged
          checksum/config changed in 1 object

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

        ~ ServiceAccount/web  v1  web/templates/serviceaccount.yaml
          the same in 2 more objects: Secret/web, Pod/web-answers
        @@ -9,5 +9,5 @@ metadata.labels
             app.kubernetes.io/managed-by: Helm
             helm.sh/chart: web-1.0.0
             environment: learning
        -    version: v1
        +    version: v2
         automountServiceAccountToken: false

        ~ ConfigMap/web",
    );
    shown.mentions("-  replicas: 1\n+  replicas: 3\n").mentions("-  type: ClusterIP\n+  type: NodePort\n");
    agrees_with_helm_get(user, "web", 1, 2);
    user.does("helm rollback web 1");
    user.types("helm revdiff web 1 3")
        .mentions("no changes: objects, values, chart and notes are the same (7 objects)");
    agrees_with_helm_get(user, "web", 2, 3);
}

fn the_exit_code_tells_changes_when_asked(user: &User) {
    user.upgrades("parts", "configMaps: {settings: {colour: red}}");
    user.upgrades("parts", "configMaps: {settings: {colour: red}}");
    user.upgrades("parts", "configMaps: {settings: {colour: blue}}");
    user.types("helm revdiff web 2 3").exits(0);
    user.types("helm revdiff web 2 3 --detailed-exitcode").shows_change("1 changed, 0 added");
    user.types("helm revdiff web 2 3 --detailed-exitcode -o json").shows_change("\"modified\": 1");
    user.types("helm revdiff web 1 2 --detailed-exitcode").mentions("no changes");
    user.types("helm revdiff web 1 9 --detailed-exitcode").exits(1);
    user.types("helm revdiff web 2 3 --detailed-exitcode --no-hooks").exits(2);
}

fn nothing_changed(user: &User) {
    user.upgrades("parts", "configMaps: {settings: {colour: red}}");
    user.upgrades("parts", "configMaps: {settings: {colour: red}}");
    user.types("helm revdiff web 1 2").shows(
        r"
        web in namespace NAMESPACE: revision 1 → 2
          1  superseded  parts-1.0.0  app 1.0.0  YYYY-MM-DD hh:mm:ss  Install complete
          2  deployed    parts-1.0.0  app 1.0.0  YYYY-MM-DD hh:mm:ss  Upgrade complete

        no changes: objects, values, chart and notes are the same (1 object)
        ",
    );
    agrees_with_helm_get(user, "web", 1, 2);
}
