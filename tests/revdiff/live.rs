//! `helm revdiff live`: what is not in the cluster as the release has it, and who made it so.

use serde_json::{Value, json};

use crate::access::NOBODYS_PORT;
use crate::cluster;
use crate::user::User;

stories!(
    nothing_has_drifted,
    edits_and_who_made_them,
    an_object_that_is_gone,
    replicas_that_an_autoscaler_set,
    what_was_added_by_hand_and_what_was_filled_in,
    another_spelling_is_no_drift,
    secrets_stay_secret,
    a_revision_of_the_past,
    a_user_who_may_only_read,
    a_user_who_may_not_read_everything,
    a_user_without_any_right_sees_no_drift_either,
    a_kind_that_the_cluster_does_not_know,
    what_is_ignored,
    a_selection,
    many_objects_of_one_kind,
    a_release_that_was_never_deployed,
    an_api_server_that_is_gone,
);

/// Installs the chart `kinds` as the release `web`. Its custom resource needs a definition that all stories share.
fn installs(user: &User) {
    let text = std::fs::read_to_string(user.folder.join("kinds/crds/widgets.yaml")).unwrap();
    let definition = helm_safe_upgrade::manifest::yaml::parse_all(&text).unwrap().remove(0);
    let path = "/apis/apiextensions.k8s.io/v1/customresourcedefinitions";
    cluster::post(path, &serde_json::to_value(definition).unwrap());
    cluster::await_group("example.com", true);
    user.does("helm install web kinds --skip-crds");
}

fn deployment(user: &User) -> String {
    format!("/apis/apps/v1/namespaces/{}/deployments/web", user.namespace)
}

fn core(user: &User, resource: &str) -> String {
    format!("/api/v1/namespaces/{}/{resource}/web", user.namespace)
}

/// The same with every way to compare.
fn in_every_way(user: &User, see: impl Fn(&User, &str)) {
    for how in ["auto", "apply", "fields"] {
        see(user, &format!("helm revdiff live web --compare={how}"));
    }
}

fn nothing_has_drifted(user: &User) {
    installs(user);
    in_every_way(user, |user, line| {
        user.types(&format!("{line} --detailed-exitcode"))
            .mentions("web in namespace NAMESPACE: revision 1 against the cluster SERVER\n  1  deployed  kinds-0.1.0")
            .mentions("\nno drift: 19 objects are as revision 1 has them\n");
    });
    user.types("helm revdiff live web")
        .mentions("  compared by the fields that the manifest sets\n")
        .mentions("  equal in another spelling: 1024Mi = 1Gi at ");
    user.types("helm revdiff live web --compare=apply").mentions("  compared by a dry run of the apply\n");
    // The hook has come and gone.
    assert!(cluster::at(&core(user, "configmaps").replace("/web", "/web-hook")).is_none());
}

fn edits_and_who_made_them(user: &User) {
    installs(user);
    let image = json!({"spec": {"template": {"spec": {"containers": [{"name": "web", "image": "web:hotfix"}]}}}});
    cluster::writes_as("kubectl-edit", "strategic-merge", &deployment(user), &image);
    let label = json!({"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": "web"}, "data": {"size": "2"}});
    cluster::writes_as("deploy-bot", "apply", &core(user, "configmaps"), &label);
    in_every_way(user, |user, line| {
        user.types(&format!("{line} --detailed-exitcode"))
            .shows_change("2 changed in the cluster, 0 missing in the cluster, 17 unchanged\n");
        user.types(line).mentions(
            r#"
            ~ ConfigMap/web  changed in the cluster  v1  kinds/templates/rest.yaml
              by deploy-bot, YYYY-MM-DD hh:mm:ss: data.size
            "#,
        );
        user.types(line).mentions(
            r#"
            ~ Deployment/web  changed in the cluster  apps/v1  kinds/templates/workloads.yaml
              by kubectl-edit, YYYY-MM-DD hh:mm:ss: spec.template.spec.containers[name=web].image
            "#,
        );
        user.types(&format!("{line} -o paths")).shows(
            r#"
            ~ ConfigMap/web  data.size  1000m → "2"  by deploy-bot, YYYY-MM-DD hh:mm:ss
            ~ Deployment/web  spec.template.spec.containers[name=web].image  web:1 → web:hotfix  by kubectl-edit, YYYY-MM-DD hh:mm:ss
            "#,
        );
    });
    user.types("helm revdiff live web").mentions("the manifest sets; 2 objects by a dry run of the apply too\n");
    let found = user.types("helm revdiff live web -o json").json();
    assert_is_as_the_schema_says(&found);
    assert_eq!(found["live"]["compare"], "auto");
    assert_eq!(found["live"]["dryRuns"], 2);
    assert_eq!(found["to"], json!({"cluster": cluster::server()}));
    let change = &found["resources"][1]["changes"][0];
    assert_eq!(found["resources"][1]["comparedBy"], "dry-run");
    assert_eq!((&change["old"], &change["new"]), (&json!("web:1"), &json!("web:hotfix")));
    assert_eq!(
        (&change["by"][0]["manager"], &change["by"][0]["operation"]),
        (&json!("kubectl-edit"), &json!("Update"))
    );
    assert!(change["by"][0]["time"].as_str().is_some_and(|time| time.ends_with('Z')), "{change}");
}

fn assert_is_as_the_schema_says(document: &Value) {
    let schema: Value = serde_json::from_str(include_str!("../../docs/schema/revdiff.json")).unwrap();
    let validator = jsonschema::validator_for(&schema).unwrap();
    let problems: Vec<String> =
        validator.iter_errors(document).map(|e| format!("{}: {e}", e.instance_path())).collect();
    assert!(problems.is_empty(), "{problems:#?}");
}

fn an_object_that_is_gone(user: &User) {
    installs(user);
    cluster::remove(&core(user, "services"));
    in_every_way(user, |user, line| {
        user.types(&format!("{line} --detailed-exitcode"))
            .shows_change("0 changed in the cluster, 1 missing in the cluster, 18 unchanged\n")
            .shows_change("\n- Service/web  missing in the cluster  v1  kinds/templates/network.yaml\n");
        user.types(&format!("{line} -o paths")).shows("- Service/web  missing in the cluster\n");
    });
}

/// The API server notes no time for what is written through `scale`.
fn replicas_that_an_autoscaler_set(user: &User) {
    installs(user);
    let scale = format!("{}/scale", deployment(user));
    cluster::writes_as("kube-controller-manager", "merge", &scale, &json!({"spec": {"replicas": 4}}));
    in_every_way(user, |user, line| {
        user.types(&format!("{line} -o paths"))
            .shows("~ Deployment/web  spec.replicas  2 → 4  by kube-controller-manager through scale\n");
    });
    let found = user.types("helm revdiff live web -o json").json();
    assert_eq!(found["resources"][0]["changes"][0]["by"][0]["subresource"], "scale");
    // What an autoscaler does may be wanted.
    user.writes("ignore.yaml", "ignore:\n- managers: [kube-controller-*]\n");
    let ignored = user.types("helm revdiff live web --config ignore.yaml --detailed-exitcode");
    ignored.mentions("no drift").mentions("1 difference ignored");
}

fn what_was_added_by_hand_and_what_was_filled_in(user: &User) {
    installs(user);
    let edit = json!({
        "metadata": {"annotations": {"ticket": "1234", "kubectl.kubernetes.io/last-applied-configuration": "{}"}},
        "spec": {"template": {"spec": {
            "hostAliases": [{"ip": "10.0.0.1", "hostnames": ["db"]}],
            "nodeSelector": {"disk": "ssd"},
            "containers": [
                {"name": "web", "env": [{"name": "DEBUG", "value": "1"}], "ports": [{"containerPort": 9000}]},
                {"name": "shell", "image": "shell:1"},
            ],
        }}},
    });
    cluster::writes_as("kubectl-edit", "strategic-merge", &deployment(user), &edit);
    let injected = json!({"metadata": {"annotations": {"mesh.example.com/injected": "yes"}, "labels": {"mesh": "on"}}});
    cluster::writes_as("mesh-controller", "merge", &deployment(user), &injected);
    in_every_way(user, |user, line| {
        let shown = user.types(&format!("{line} -o paths"));
        for added in [
            r#"+ Deployment/web  metadata.annotations  {"ticket":"1234"}  by kubectl-edit"#,
            r#"+ Deployment/web  spec.template.spec.hostAliases  [{"ip":"10.0.0.1","hostnames":["db"]}]  by kubectl-edit"#,
            r#"+ Deployment/web  spec.template.spec.containers[1]  {"name":"shell","image":"shell:1"}  by kubectl-edit"#,
            r#"env[4]  {"name":"DEBUG","value":"1"}  by kubectl-edit"#,
            r#"ports[2]  {"containerPort":9000}  by kubectl-edit"#,
        ] {
            shown.mentions(added);
        }
        for other in ["mesh", "last-applied", "terminationMessagePath", "imagePullPolicy", "TCP", "creationTimestamp"] {
            shown.keeps_quiet_about(other);
        }
        assert_eq!(shown.stdout.lines().count(), 6, "{}", shown.stdout);
        shown.mentions("nodeSelector  {} → {\"disk\":\"ssd\"}");
    });
}

fn another_spelling_is_no_drift(user: &User) {
    installs(user);
    let cpu = |cpu: &str| {
        let resources = json!({"requests": {"cpu": cpu}});
        json!({"spec": {"template": {"spec": {"containers": [{"name": "web", "resources": resources}]}}}})
    };
    cluster::writes_as("kubectl-edit", "strategic-merge", &deployment(user), &cpu("1.0"));
    let widget = format!("/apis/example.com/v1/namespaces/{}/widgets/web", user.namespace);
    cluster::writes_as("kubectl-edit", "merge", &widget, &json!({"spec": {"every": "1m0s"}}));
    in_every_way(user, |user, line| {
        let found = user.types(&format!("{line} -o json")).json();
        assert_eq!(found["resources"], json!([]), "{line}");
        let equal = found["live"]["equal"].as_array().unwrap();
        let holds = |kind: &str, declared: &str, live: &str| {
            equal.iter().any(|one| one["kind"] == kind && one["declared"] == declared && one["live"] == live)
        };
        assert!(holds("Widget", "60s", "1m0s") && holds("Deployment", "1000m", "1"), "{equal:#?}");
    });
    cluster::writes_as("kubectl-edit", "strategic-merge", &deployment(user), &cpu("1001m"));
    user.types("helm revdiff live web -o paths").mentions("resources.requests.cpu  ");
    user.types("helm revdiff live web -o paths").mentions(" → 1001m  by kubectl-edit");
}

fn secrets_stay_secret(user: &User) {
    installs(user);
    let change = json!({"stringData": {"password": "changed-by-hand", "added": "opensesame"}});
    cluster::writes_as("kubectl-edit", "merge", &core(user, "secrets"), &change);
    in_every_way(user, |user, line| {
        for format in ["text -C -1", "paths", "json", "yaml", "stat"] {
            let shown = user.types(&format!("{line} -o {format} --debug=true"));
            for secret in [
                "hunter2",
                "aHVudGVyMg",
                "changed-by-hand",
                "Y2hhbmdlZC1ieS1oYW5k",
                "opensesame",
                "b3BlbnNlc2FtZQ",
                "sesame123",
            ] {
                shown.keeps_quiet_about(secret);
            }
        }
        user.types(&format!("{line} -o paths")).shows(
            r#"
            ~ Secret/web  data.password  <masked, 7 bytes, #1> → <masked, 15 bytes, #2>  by kubectl-edit, YYYY-MM-DD hh:mm:ss
            + Secret/web  data.added  <masked, 10 bytes, #3>  by kubectl-edit, YYYY-MM-DD hh:mm:ss
            "#,
        );
        user.types(&format!("{line} -o paths --show-secrets")).mentions("aHVudGVyMg== → Y2hhbmdlZC1ieS1oYW5k");
    });
}

fn a_revision_of_the_past(user: &User) {
    user.upgrades("parts", "configMaps: {settings: {number: '1'}, old: {a: b}}");
    user.upgrades("parts", "configMaps: {settings: {number: '2', more: x}}");
    user.types("helm revdiff live web").mentions("no drift: 1 object is as revision 2 has it\n");
    user.types("helm revdiff live web --revision 1")
        .mentions("web in namespace NAMESPACE: revision 1 against the cluster SERVER\n  1  superseded")
        .mentions("1 changed in the cluster, 1 missing in the cluster, 0 unchanged\n")
        .mentions("-  number: \"1\"\n+  number: \"2\"\n");
    user.types("helm revdiff live web --revision 7").explains("has no revision 7");
}

/// Gives the user `viewer` these rights in the namespace.
pub(crate) fn allows(user: &User, rules: &Value) {
    cluster::allow(&user.namespace, "viewer", "viewer", rules);
}

fn a_user_who_may_only_read(user: &User) {
    installs(user);
    allows(user, &json!([{"apiGroups": ["*"], "resources": ["*"], "verbs": ["get", "list"]}]));
    cluster::writes_as("kubectl-edit", "merge", &core(user, "configmaps"), &json!({"data": {"size": "2"}}));
    // A ClusterRole is in no namespace.
    let line = "helm revdiff live web --kube-context viewer --suppress ClusterRole";
    user.types(&format!("{line} --detailed-exitcode"))
        .shows_change("  compared by the fields that the manifest sets\n  no dry run: you may not patch configmaps in namespace \"NAMESPACE\"\n")
        .shows_change("1 changed in the cluster, 0 missing in the cluster, 17 unchanged, 1 suppressed\n")
        .shows_change("  by kubectl-edit, YYYY-MM-DD hh:mm:ss: data.size\n");
    user.types(&format!("{line} --compare=fields --detailed-exitcode")).shows_change("1 changed in the cluster");
    user.types(&format!("{line} --compare=apply --only ConfigMap")).explains(
        r#"
        Error: 1 of 1 object could not be compared
          ConfigMap/web: cannot patch configmaps "web" in namespace "NAMESPACE"
        "#,
    );
}

fn a_user_who_may_not_read_everything(user: &User) {
    installs(user);
    let all = ["configmaps", "secrets", "services", "serviceaccounts", "persistentvolumeclaims", "limitranges"];
    allows(
        user,
        &json!([
            {"apiGroups": [""], "resources": all, "verbs": ["get", "list"]},
            {"apiGroups": ["apps"], "resources": ["statefulsets", "daemonsets"], "verbs": ["get"]},
            {"apiGroups": ["batch", "networking.k8s.io", "autoscaling", "policy", "example.com", "rbac.authorization.k8s.io"],
             "resources": ["*"], "verbs": ["get"]},
        ]),
    );
    let shown = user.types("helm revdiff live web --kube-context viewer --suppress ClusterRole --detailed-exitcode");
    shown
        .mentions_although_it_failed("! 1 of 18 objects could not be compared\n")
        .mentions_although_it_failed("no drift: 17 objects that could be compared are as revision 1 has them");
    shown.explains(
        r#"
        Error: 1 of 18 objects could not be compared
          Deployment/web: cannot get deployments.apps "web" in namespace "NAMESPACE"
        Hint: ask for the verbs get and list on what is named; --suppress KIND leaves a kind of object out
        "#,
    );
    user.types("helm revdiff live web --kube-context viewer --suppress ClusterRole --suppress Deployment")
        .mentions("no drift: 17 objects are");
}

fn a_user_without_any_right_sees_no_drift_either(user: &User) {
    user.upgrades("parts", "configMaps: {settings: {number: '1'}}");
    user.types("helm revdiff live web --kube-context nobody")
        .fails(
            r#"
            Error: cannot list the revisions of release "web": user "nobody" cannot list resource "secrets" in namespace "NAMESPACE"
            Hint: ask for a Role in namespace "NAMESPACE" with verbs [get list] on secrets, bound to "nobody"
            "#,
        );
}

fn a_kind_that_the_cluster_does_not_know(user: &User) {
    let group = format!("{}.example.com", user.namespace);
    let schema = json!({"openAPIV3Schema": {"type": "object", "x-kubernetes-preserve-unknown-fields": true}});
    let definitions = "/apis/apiextensions.k8s.io/v1/customresourcedefinitions";
    let definition = json!({
        "metadata": {"name": format!("things.{group}")},
        "spec": {
            "group": group, "scope": "Namespaced", "names": {"kind": "Thing", "plural": "things"},
            "versions": [{"name": "v1", "served": true, "storage": true, "schema": schema}],
        },
    });
    cluster::post(definitions, &definition);
    cluster::await_group(&group, true);
    user.upgrades(
        "parts",
        &format!("objects: [{{apiVersion: {group}/v1, kind: Thing, metadata: {{name: one}}}}]\nconfigMaps: {{settings: {{a: b}}}}"),
    );
    user.types("helm revdiff live web").mentions("no drift: 2 objects are");
    cluster::remove(&format!("{definitions}/things.{group}"));
    cluster::await_group(&group, false);
    user.types("helm revdiff live web").explains(
        "
        Error: 1 of 2 objects could not be compared
          Thing/one: the cluster does not know the kind Thing of NAMESPACE.example.com/v1
        Hint: --suppress KIND/NAME leaves an object out
        ",
    );
}

/// Who leaves the replicas to an autoscaler says so once.
fn what_is_ignored(user: &User) {
    installs(user);
    let scale = format!("{}/scale", deployment(user));
    cluster::writes_as("kube-controller-manager", "merge", &scale, &json!({"spec": {"replicas": 4}}));
    cluster::writes_as("kubectl-edit", "merge", &deployment(user), &json!({"metadata": {"annotations": {"a": "b"}}}));
    user.writes("helm-safe-upgrade.yaml", "ignore: [{kind: Deployment, managers: [kube-controller-manager]}]");
    user.types("helm revdiff live web --config helm-safe-upgrade.yaml -o paths")
        .mentions("+ Deployment/web  metadata.annotations  {\"a\":\"b\"}  by kubectl-edit")
        .keeps_quiet_about("replicas");
    user.writes("helm-safe-upgrade.yaml", "ignore: [{kind: Deployment}]");
    user.types("helm revdiff live web --config helm-safe-upgrade.yaml --detailed-exitcode")
        .mentions("no drift: ")
        .mentions("ignored");
}

fn a_selection(user: &User) {
    installs(user);
    cluster::remove(&core(user, "services"));
    user.types("helm revdiff live web --detailed-exitcode --suppress Service")
        .mentions("no drift: 18 objects are as revision 1 has them, 1 suppressed\n");
    user.types("helm revdiff live web --only service --only configmap/w*")
        .mentions("0 changed in the cluster, 1 missing in the cluster, 1 unchanged, 17 suppressed\n");
}

fn many_objects_of_one_kind(user: &User) {
    let maps: Vec<String> = (0..130).map(|number| format!("  map-{number}: {{number: '{number}'}}\n")).collect();
    user.upgrades("parts", &format!("configMaps:\n{}", maps.concat()));
    let map = |number| format!("/api/v1/namespaces/{}/configmaps/map-{number}", user.namespace);
    cluster::remove(&map(7));
    cluster::writes_as("kubectl-edit", "merge", &map(50), &json!({"data": {"number": "x"}}));
    // One that is no longer in the list is still found.
    let label = json!({"metadata": {"labels": {"app.kubernetes.io/managed-by": null}}});
    cluster::writes_as("kubectl-label", "merge", &map(60), &label);
    user.types("helm revdiff live web -o paths").shows(
        r#"
        ~ ConfigMap/map-50  data.number  "50" → x  by kubectl-edit, YYYY-MM-DD hh:mm:ss
        - ConfigMap/map-7  missing in the cluster
        "#,
    );
    allows(
        user,
        &json!([
            {"apiGroups": [""], "resources": ["secrets"], "verbs": ["get", "list"]},
            {"apiGroups": [""], "resources": ["configmaps"], "verbs": ["get"]},
        ]),
    );
    user.types("helm revdiff live web --kube-context viewer --qps 500")
        .mentions("1 changed in the cluster, 1 missing in the cluster, 128 unchanged\n");
}

fn a_release_that_was_never_deployed(user: &User) {
    user.types("helm revdiff live web").explains("release \"web\" not found in namespace");
    user.writes("values.yaml", "objects: [{apiVersion: v1, kind: ConfigMap, metadata: {name: Not_A_Name}}]");
    user.types("helm install web parts -f values.yaml").exits(1);
    user.types("helm revdiff live web").explains("Hint: name one with --revision; the only revision is 1");
}

fn an_api_server_that_is_gone(user: &User) {
    let shown = user.types(&format!("helm revdiff live web --kube-apiserver https://127.0.0.1:{NOBODYS_PORT}"));
    shown.explains("connection refused");
    assert_eq!(shown.stdout, "");
}
