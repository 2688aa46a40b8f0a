//! Helm 3 and Helm 4 side by side: each reads what the other wrote.

use crate::agreement::agrees_with_helm_get;
use crate::user::User;

stories!(a_release_that_both_helms_made, the_same_by_another_helm, a_release_of_another_helm);

fn a_release_of_another_helm(user: &User) {
    let other = user.with(user.helm.other());
    for number in ["1", "2"] {
        let line = format!("helm upgrade --install web parts --set-string configMaps.settings.number={number}");
        other.types(&line).exits(0);
    }
    user.types("helm revdiff web").mentions("-  number: \"1\"\n+  number: \"2\"\n");
    agrees_with_helm_get(user, "web", 1, 2);
}

/// Upgraded by one Helm, then by the other; both show the same.
fn a_release_that_both_helms_made(user: &User) {
    let other = user.with(user.helm.other());
    user.does("helm install web parts --set-string configMaps.settings.number=1 --set hooks.migrate.image=job:1");
    other
        .types("helm upgrade web parts --set-string configMaps.settings.number=2 --set hooks.migrate.image=job:2")
        .exits(0);
    user.does("helm upgrade web parts --set-string configMaps.settings.number=3 --set hooks.migrate.image=job:2");
    for (old, new) in [(1, 2), (2, 3), (1, 3), (3, 1)] {
        let line = format!("helm revdiff web {old} {new}");
        let shown = user.types(&line);
        shown.mentions("~ ConfigMap/settings");
        assert_eq!(shown.stdout, other.types(&line).exits(0).stdout);
        agrees_with_helm_get(user, "web", old, new);
    }
}

/// Nothing but the Helm has changed, and that is no change.
fn the_same_by_another_helm(user: &User) {
    user.writes(
        "values.yaml",
        "configMaps: {settings: {text: \"one\\ntwo\\n\"}}\nhooks: {migrate: {}}\nsecrets: {login: {name: me}}\nnotes: |\n  Welcome!\naddon: {enabled: true}\n",
    );
    user.does("helm install web parts -f values.yaml");
    user.with(user.helm.other()).types("helm upgrade web parts -f values.yaml").exits(0);
    user.types("helm revdiff web --computed-values")
        .mentions("no changes: objects, values, chart and notes are the same (4 objects)");
    agrees_with_helm_get(user, "web", 1, 2);
}
