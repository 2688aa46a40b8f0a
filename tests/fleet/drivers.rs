//! Where else Helm can keep releases.

use serde_json::Value;

use crate::postgres::{PASSWORD, Postgres};
use crate::releases::{ANY, by_name, names, rows};
use crate::user::User;

stories![config_maps, sql];

fn config_maps(user: &User) {
    user.has("secret", "app", "1.0.0");
    user.exports("HELM_DRIVER", "configmap");
    user.has("web", "app", "1.0.0");
    user.has("web", "app", "1.1.0");
    let shown = user.types("helm safe-upgrade list -A -o json");
    assert_eq!(names(&shown), ["web"]);
    let row = rows(&shown)[&(user.namespace.clone(), "web".to_owned())].clone();
    assert_eq!((&row["chart"], &row["revision"]), (&"app-1.1.0".into(), &"2".into()));
}

fn sql(user: &User) {
    if std::env::var_os("HSU_SKIP_SQL").is_some_and(|value| value == "1") {
        return;
    }
    let mut postgres = Postgres::start(&user.folder);
    user.exports("HELM_DRIVER", "sql");
    user.exports("HELM_DRIVER_SQL_CONNECTION_STRING", &postgres.connection());
    user.has("web", "app", "1.0.0");
    user.has("web", "app", "1.1.0");
    user.fails_at("web", "app", "1.2.0");
    user.has("cert-manager", "cert-manager", "1.0.0-rc.1");
    let helms: Value = serde_json::from_str(&user.does(&format!("helm list -A {ANY}"))).unwrap();
    let helms = by_name(helms.as_array().unwrap());
    let shown = user.types("helm safe-upgrade list -A -o json");
    let ours = rows(&shown);
    assert_eq!(ours.len(), 2);
    for (of, row) in &ours {
        for field in ["revision", "updated", "status", "chart", "app_version"] {
            assert_eq!(row[field], helms[of][field], "{field} of {of:?}");
        }
    }
    assert_eq!(ours[&(user.namespace.clone(), "cert-manager".to_owned())]["chartVersion"], "1.0.0-rc.1");
    assert_eq!(names(&user.types("helm safe-upgrade list --failed -o json")), ["web"]);
    user.types("helm safe-upgrade list -l team=shop").explains("the storage driver \"sql\" does not list them");
    user.types("helm safe-upgrade list --contexts admin")
        .explains("the storage driver \"sql\" keeps all releases in one place");
    shown.keeps_quiet_about(PASSWORD);
    postgres.stop();
}
