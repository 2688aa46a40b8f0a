//! What an upgrade changed: values, templates, objects, hooks, the chart and the notes.

use crate::agreement::agrees_with_helm_get;
use crate::user::User;

stories!(changed_values, changed_template, added_and_removed_objects, changed_hook, nothing_changed);

fn changed_values(user: &User) {
    user.upgrades("parts", "configMaps: {settings: {colour: red, size: small}}\ndeployments: {api: {replicas: 1}}");
    user.upgrades("parts", "configMaps: {settings: {colour: blue, size: small}}\ndeployments: {api: {replicas: 2}}");
    user.types("helm revdiff web 1 2").shows(
        r"
        web in namespace NAMESPACE: revision 1 → 2
          1  superseded  parts-1.0.0  app 1.0.0  YYYY-MM-DD hh:mm:ss  Install complete
          2  deployed    parts-1.0.0  app 1.0.0  YYYY-MM-DD hh:mm:ss  Upgrade complete

        2 changed, 0 added, 0 removed, 0 unchanged

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
    user.types("helm revdiff web 1 2").shows(
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

        values (user-supplied)
        @@ -1,5 +1,7 @@ configMaps
         configMaps:
           kept:
             a: b
        -  old:
        -    colour: red
        +  new:
        +    colour: red
        +deployments:
        +  api: {}
        ",
    );
    agrees_with_helm_get(user, "web", 1, 2);
}

fn changed_hook(user: &User) {
    user.upgrades("parts", "hooks: {migrate: {image: 'busybox:1.36'}}");
    user.upgrades("parts", "hooks: {migrate: {image: 'busybox:1.37'}}");
    user.types("helm revdiff web 1 2").mentions(
        r#"

        ~ Job/migrate  batch/v1  hook
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
