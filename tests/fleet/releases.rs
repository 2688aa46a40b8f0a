//! Releases of small charts, in whatever state a story needs.

use std::collections::BTreeMap;
use std::path::Path;

use serde_json::Value;

use crate::environment::ROOT;
use crate::shown::Shown;
use crate::user::User;

/// What `helm list` needs to show a release in any state; Helm 4 has no `--all`.
pub(crate) const ANY: &str = "--max 0 --deployed --failed --pending --superseded --uninstalled --uninstalling -o json";

impl User {
    /// Writes a chart of one ConfigMap, as a folder of its name and version, and returns the folder.
    pub(crate) fn has_chart(&self, name: &str, version: &str) -> String {
        let folder = format!("{name}-{version}");
        self.writes_chart(&folder, (name, version));
        folder
    }

    fn writes_chart(&self, folder: &str, (name, version): (&str, &str)) {
        let about = format!("apiVersion: v2\nname: {name}\nversion: {version}\nappVersion: \"9.{version}\"\n");
        self.writes(&format!("{folder}/Chart.yaml"), &about);
        let template = "apiVersion: v1\nkind: ConfigMap\nmetadata: {name: \"{{ .Release.Name }}\"}\ndata: {a: \"{{ .Values.a }}\"}\n";
        self.writes(&format!("{folder}/templates/config.yaml"), template);
    }

    /// Installs or upgrades a release to a version of a chart.
    pub(crate) fn has(&self, release: &str, chart: &str, version: &str) {
        let folder = self.has_chart(chart, version);
        self.does(&format!("helm upgrade --install {release} {folder}"));
    }

    /// Has an upgrade of a release fail: a template gives what the server does not take.
    pub(crate) fn fails_at(&self, release: &str, chart: &str, version: &str) {
        let folder = format!("{chart}-{version}-refused");
        self.writes_chart(&folder, (chart, version));
        self.writes(
            &format!("{folder}/templates/refused.yaml"),
            "apiVersion: v1\nkind: Service\nmetadata: {name: \"{{ .Release.Name }}\"}\nspec: {ports: [{port: 99999}]}\n",
        );
        self.types(&format!("helm upgrade --install {release} {folder}")).exits(1);
    }
}

/// The rows of `list -o json`, by namespace and name. The document is as its schema says.
pub(crate) fn rows(shown: &Shown) -> BTreeMap<(String, String), Value> {
    let document = valid(shown, "list");
    by_name(document["releases"].as_array().unwrap())
}

/// Rows by namespace and name.
pub(crate) fn by_name(rows: &[Value]) -> BTreeMap<(String, String), Value> {
    let text = |row: &Value, key: &str| row[key].as_str().unwrap().to_owned();
    rows.iter().map(|row| ((text(row, "namespace"), text(row, "name")), row.clone())).collect()
}

/// The document that was printed, which is as its schema says.
pub(crate) fn valid(shown: &Shown, schema: &str) -> Value {
    let document = shown.json();
    let schema = std::fs::read_to_string(Path::new(ROOT).join(format!("docs/schema/{schema}.json"))).unwrap();
    let schema: Value = serde_json::from_str(&schema).unwrap();
    let validator = jsonschema::validator_for(&schema).unwrap();
    let problems: Vec<String> =
        validator.iter_errors(&document).map(|error| format!("{}: {error}", error.instance_path())).collect();
    assert!(problems.is_empty(), "{problems:#?}\n{document:#}");
    document
}

/// The names of the releases of a user's own namespace.
pub(crate) fn names(shown: &Shown) -> Vec<String> {
    rows(shown).into_keys().filter(|(namespace, _)| namespace == shown.namespace()).map(|(_, name)| name).collect()
}
