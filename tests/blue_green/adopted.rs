//! What leads the traffic belongs to one of the two: what that means when it goes, and how the other one adopts it.

use k8s_openapi::api::core::v1::Service;

use crate::cluster;
use crate::colours::PAIR;
use crate::environment::Helm;
use crate::user::User;

stories![
    green_adopts_what_blue_leaves_where_it_is,
    a_release_that_goes_may_take_along_what_another_one_has_adopted,
    an_ingress_that_blue_has_is_a_blocker,
];

/// The chart `app` has `service/web`, which leads to the release itself, where the value `own` says so.
fn has_own_service(user: &User, annotations: &str) {
    user.has_app();
    let service = format!(
        "{{{{- if .Values.own }}}}\napiVersion: v1\nkind: Service\nmetadata: {{name: web, annotations: {{{annotations}}}}}\n\
         spec: {{ports: [{{port: 80}}], selector: {{app: web, release: \"{{{{ .Release.Name }}}}\"}}}}\n{{{{- end }}}}\n"
    );
    user.writes("app/templates/switch.yaml", &service);
    user.does("helm install web-blue app --set own=true");
}

/// The release that `service/web` belongs to, by its marks.
fn owner(user: &User) -> Option<String> {
    let service: Service = cluster::find(&user.namespace, "web")?;
    service.metadata.annotations?.get("meta.helm.sh/release-name").cloned()
}

fn green_adopts_what_blue_leaves_where_it_is(user: &User) {
    has_own_service(user, "helm.sh/resource-policy: keep");
    // In its chart it would be written to before anything is tested.
    let shown = user.rolls_out("--set tag=2,own=true");
    shown.ends(3, "it is among the objects of release \"web-green\"");
    assert!(shown.stdout.contains("an upgrade with it and --take-ownership adopts it then"), "{}", shown.stdout);
    assert_eq!((user.live().as_str(), owner(user).as_deref()), ("web-blue", Some("web-blue")));
    user.rolls_out("--set tag=2").ends(0, "it belongs to release \"web-blue\", which leaves it where it is");
    assert_eq!((user.live().as_str(), owner(user).as_deref()), ("web-green", Some("web-blue")));
    user.does("helm safe-upgrade web-green app --set tag=2,own=true --take-ownership --yes");
    assert_eq!((user.live().as_str(), owner(user).as_deref()), ("web-green", Some("web-green")));
    user.does("helm uninstall web-blue");
    assert_eq!((user.live().as_str(), owner(user).as_deref()), ("web-green", Some("web-green")));
    // The same way again, to the other colour.
    let shown = user.rolls_out("--set tag=3 --retire uninstall");
    shown.ends(0, "it belongs to release \"web-green\", which leaves it where it is");
    assert_eq!((user.live().as_str(), user.revisions_of("web-green")), ("web-blue", vec![]));
}

/// What the blocker is for: Helm 3 deletes what a release's manifest has, and does not ask whose it is by now, as Helm 4 does.
fn a_release_that_goes_may_take_along_what_another_one_has_adopted(user: &User) {
    has_own_service(user, "");
    user.does("helm install web-green app --set own=true --take-ownership");
    assert_eq!((user.live().as_str(), owner(user).as_deref()), ("web-green", Some("web-green")));
    let shown = user.rolls_out("--set tag=2 --retire uninstall");
    shown.ends(3, "it belongs to release \"web-green\", and would vanish with it");
    user.does("helm uninstall web-blue");
    let left = (user.helm == Helm::V4).then_some("web-green");
    assert_eq!(owner(user).as_deref(), left);
}

fn an_ingress_that_blue_has_is_a_blocker(user: &User) {
    user.has_app();
    user.copies("app", "with-ingress");
    let path = "{path: /, pathType: Prefix, backend: {service: {name: web-blue, port: {number: 80}}}}";
    let host = format!("{}.example.com", user.namespace);
    user.writes(
        "with-ingress/templates/switch.yaml",
        &format!("apiVersion: networking.k8s.io/v1\nkind: Ingress\nmetadata: {{name: web}}\nspec: {{rules: [{{host: {host}, http: {{paths: [{path}]}}}}]}}\n"),
    );
    user.does("helm install web-blue with-ingress");
    let line = format!("helm safe-upgrade blue-green {PAIR} app --ingress web --yes --set tag=2");
    let shown = user.types(&line);
    shown.ends(3, "it belongs to release \"web-blue\": it would vanish with it");
    assert!(shown.stderr.contains("blocked by the check switch-owner"), "{}", shown.stderr);
    let shown = user.types(&format!("{line} --retire uninstall"));
    shown.ends(3, "it belongs to release \"web-blue\", and would vanish with it");
    assert!(user.revisions_of("web-green").is_empty());
    assert_eq!(crate::ways::backends(user), ["web-blue"]);
}
