//! The same chart in another place: whether it was proven there.

use crate::cluster;
use crate::findings::{found, has, passes};
use crate::user::User;

stories![an_upgrade_waits_until_the_same_chart_is_proven_elsewhere];

fn an_upgrade_waits_until_the_same_chart_is_proven_elsewhere(user: &User) {
    user.has_web(&[]);
    let staging = user.makes_another_namespace();
    let context = cluster::kubeconfig().current_context.expect("a current context");
    let place = format!("{context}/{staging}/web");
    user.writes("app/Chart.yaml", "apiVersion: v2\nname: app\nversion: 1.1.0\n");
    let line = format!("helm safe-upgrade check web app --set tag=2 --proven-in {place}");
    let json = format!("{line} -o json");
    has(&found(user, &json), "tested-first", "blocker", "there is no such release");
    user.types(&line).exits(3);
    // There, but not proven.
    user.does(&format!("helm install web app -n {staging}"));
    has(&found(user, &json), "tested-first", "blocker", "app-1.1.0 is not proven there");
    let shown = user.types(&format!("helm safe-upgrade web app --set tag=2 --yes --proven-in {place}"));
    assert!(shown.exits(3).stderr.contains("--accept tested-first"), "{}", shown.stderr);
    user.types(&format!("helm safe-upgrade web app -n {staging} --set replicas=1 --yes")).exits(0);
    let findings = found(user, &json);
    has(&findings, "tested-first", "pass", "app-1.1.0 is proven there as revision 2");
    has(&findings, "tested-first", "info", "values differ");
    user.types(&line).exits(0);
    has(&found(user, &format!("{json} --proven-for 24h")), "tested-first", "blocker", "and not for 24h");
    // By the configuration, with the release's own name.
    user.writes(
        "helm-safe-upgrade.yaml",
        &format!("policies:\n- provenIn: {context}/{staging}/{{release}}\n  provenFor: 7d\n"),
    );
    has(
        &found(user, "helm safe-upgrade check web app --set tag=2 -o json"),
        "tested-first",
        "blocker",
        "and not for 168h",
    );
    user.writes("helm-safe-upgrade.yaml", "");
    // The same version, and another template.
    user.writes("app/templates/more.yaml", "# more\n");
    has(&found(user, &json), "tested-first", "blocker", "with other content");
    passes(&found(user, "helm safe-upgrade check web app --set tag=2 -o json"), "tested-first");
    let nowhere = "helm safe-upgrade check web app --set tag=2 -o json --proven-in nowhere/shop/web";
    has(&found(user, nowhere), "tested-first", "unknown", "whether the chart is proven there");
}
