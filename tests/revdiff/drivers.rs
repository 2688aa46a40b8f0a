//! Where Helm can keep releases: ConfigMaps, a database, and nowhere.

use k8s_openapi::api::core::v1::Secret;

use crate::agreement::agrees_with_helm_get;
use crate::cluster;
use crate::postgres::{PASSWORD, Postgres};
use crate::record::put_config_map;
use crate::user::User;

stories!(config_maps, sql, memory, an_unknown_driver);

/// What is in a Secret of the release, in both revisions.
const SECRETS: [&str; 2] = ["kT4zPq81LmVw", "Xj7cRn05BdHy"];

fn makes_two_revisions(user: &User) {
    for (number, secret) in SECRETS.iter().enumerate() {
        user.upgrades(
            "parts",
            &format!("configMaps: {{settings: {{number: '{number}'}}}}\nsecrets: {{login: {{word: {secret}}}}}\nhooks: {{migrate: {{image: 'job:{number}'}}}}"),
        );
    }
}

/// All that works with Secrets works here.
fn works(user: &User) {
    for line in ["helm revdiff web", "helm revdiff web 1", "helm revdiff web 1 2"] {
        let shown = user.types(line);
        shown.mentions("revision 1 → 2").mentions("3 changed, 0 added, 0 removed, 0 unchanged");
        shown.mentions("-  number: \"0\"\n+  number: \"1\"\n").mentions("-  word: <masked, 12 bytes, #");
        shown.keeps_quiet_about(SECRETS[0]).keeps_quiet_about(SECRETS[1]);
    }
    agrees_with_helm_get(user, "web", 1, 2);
    user.types("helm revdiff web 1 7").fails(
        r#"
        Error: release "web" in namespace "NAMESPACE" has no revision 7
        Hint: there are the revisions 1, 2
        "#,
    );
    user.types("helm revdiff wob").fails(
        r#"
        Error: release "wob" not found in namespace "NAMESPACE"
        Hint: releases here: web; try -n NAMESPACE
        "#,
    );
}

fn config_maps(user: &User) {
    user.exports("HELM_DRIVER", "configmap");
    makes_two_revisions(user);
    assert!(cluster::find::<Secret>(&user.namespace, "sh.helm.release.v1.web.v1").is_none());
    works(user);
    user.types("HELM_DRIVER=configmaps helm revdiff web").mentions("revision 1 → 2");
    // Where Secrets are looked at, there is nothing.
    user.types("env -u HELM_DRIVER helm revdiff web").explains("release \"web\" not found in namespace \"NAMESPACE\"");
    put_config_map(user, "web", 2, "?");
    user.types("helm revdiff web").fails(
        r#"
        Error: cannot read revision 2 of release "web": ConfigMap "sh.helm.release.v1.web.v2" in namespace "NAMESPACE" is no usable record: its payload is not base64
        Hint: other revisions can be read: 1; restore that ConfigMap from a backup, or save it and delete it: kubectl -n NAMESPACE delete configmap sh.helm.release.v1.web.v2
        "#,
    );
}

fn sql(user: &User) {
    if std::env::var_os("HSU_SKIP_SQL").is_some_and(|value| value == "1") {
        return;
    }
    let mut postgres = Postgres::start(&user.folder);
    user.exports("HELM_DRIVER", "sql");
    user.exports("HELM_DRIVER_SQL_CONNECTION_STRING", &postgres.connection());
    makes_two_revisions(user);
    assert!(cluster::find::<Secret>(&user.namespace, "sh.helm.release.v1.web.v1").is_none());
    works(user);
    // There are no labels in a database.
    user.types("helm safe-upgrade history web").mentions("Install complete").mentions("Upgrade complete");
    user.types("helm safe-upgrade show web").mentions("number: \"1\"").keeps_quiet_about(SECRETS[1]);
    user.types("helm safe-upgrade status web").mentions("would go back to revision 1, which nobody has proven");
    for command in ["unlock web", "prune web"] {
        let shown = user.types(&format!("helm safe-upgrade {command}"));
        shown.explains("the storage driver \"sql\" cannot hold labels").keeps_quiet_about(PASSWORD);
    }
    user.types("helm revdiff web --debug=true").keeps_quiet_about(PASSWORD).mentions("revision 1 → 2");
    postgres.stop();
    // It is Helm that finds this out, before it runs any plugin; run by itself, the program says what Helm says.
    user.types("helm revdiff web").keeps_quiet_about(PASSWORD).exits(1);
    let program = env!("CARGO_BIN_EXE_helm-safe-upgrade");
    let alone = user.types(&format!("'{program}' revdiff web"));
    alone
        .keeps_quiet_about(PASSWORD)
        .explains("Error: cannot read the history of release \"web\": ")
        .explains("refused");
}

fn memory(user: &User) {
    user.exports("HELM_DRIVER", "memory");
    // Without releases to begin with, Helm itself gives up first.
    user.types("helm revdiff web").exits(1);
    user.writes("releases.yaml", "[]");
    user.exports("HELM_MEMORY_DRIVER_DATA", "releases.yaml");
    user.types("helm revdiff web").fails(
        r#"
        Error: cannot read releases: the storage driver "memory" keeps nothing once helm has ended
        Hint: unset HELM_DRIVER, or set it to secret, configmap or sql
        "#,
    );
}

fn an_unknown_driver(user: &User) {
    user.exports("HELM_DRIVER", "paper");
    // This is Helm's own word; it runs no plugin then.
    user.types("helm revdiff web").exits(1);
}
