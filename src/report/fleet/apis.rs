//! API versions in the manifests of many releases that do not stay.

use std::collections::BTreeSet;
use std::io::{Result, Write};

use serde::{Serialize, Serializer};

use super::write_unreadable;
use crate::checks::apis::{Api, End, KubeVersion};
use crate::release::fleet::Unreadable;
use crate::report::releases::{SCHEMA_VERSION, Sheet, write_json};
use crate::report::style::{Painter, Role};
use crate::report::table::{Cell, Table};
use crate::report::wording::counted;

/// Releases with API versions that do not stay.
#[derive(Clone, Debug, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct ApisView {
    schema_version: u32,
    /// The version of Kubernetes that is asked about; `None` for that of each server.
    #[serde(serialize_with = "as_text")]
    pub kube_version: Option<KubeVersion>,
    /// How many releases were looked at.
    pub looked_at: usize,
    /// What was found.
    pub findings: Vec<Finding>,
    /// Why records can't be read, one each.
    pub damaged: Vec<String>,
    /// What could not be read.
    pub unreadable: Vec<Unreadable>,
}

/// An API version that does not stay, in a release.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Finding {
    /// The context of the kubeconfig, where several were asked for.
    pub context: Option<String>,
    /// The release's namespace.
    pub namespace: String,
    /// Its name.
    pub name: String,
    /// The revision that runs.
    pub revision: u32,
    /// Its chart, with the version.
    pub chart: String,
    /// As in `policy/v1beta1`.
    pub api_version: String,
    /// As in `PodDisruptionBudget`.
    pub kind: String,
    /// How many objects of it the manifest and the hooks have.
    pub objects: usize,
    /// The first version of Kubernetes that calls it deprecated.
    #[serde(serialize_with = "as_text")]
    pub deprecated_in: Option<KubeVersion>,
    /// The first that does not serve it.
    #[serde(serialize_with = "as_text")]
    pub removed_in: Option<KubeVersion>,
    /// What to use instead.
    pub replacement: Option<String>,
    /// Whether the version that is asked about does not serve it.
    pub removed: bool,
}

fn as_text<S: Serializer>(version: &Option<KubeVersion>, serializer: S) -> std::result::Result<S::Ok, S::Error> {
    match version {
        Some(version) => serializer.collect_str(version),
        None => serializer.serialize_none(),
    }
}

/// The revision of a release in which something was found.
#[derive(Clone, Debug, Default)]
pub struct Found {
    /// The context of the kubeconfig, where several were asked for.
    pub context: Option<String>,
    /// The release's namespace.
    pub namespace: String,
    /// Its name.
    pub name: String,
    /// The revision.
    pub revision: u32,
    /// Its chart, with the version.
    pub chart: String,
}

impl Finding {
    /// So many objects of an API version in a revision, seen from a version of Kubernetes.
    #[must_use]
    pub fn new(found: Found, (api, objects): (Api, usize), end: End, version: Option<KubeVersion>) -> Self {
        let Found { context, namespace, name, revision, chart } = found;
        let removed = end.removed.zip(version).is_some_and(|(removed, version)| removed <= version);
        Self {
            context,
            namespace,
            name,
            revision,
            chart,
            api_version: api.api_version,
            kind: api.kind,
            objects,
            deprecated_in: end.deprecated,
            removed_in: end.removed,
            replacement: end.replacement,
            removed,
        }
    }

    fn of(&self) -> (Option<&str>, &str, &str) {
        (self.context.as_deref(), &self.namespace, &self.name)
    }
}

impl ApisView {
    /// The view of what was found in so many releases.
    #[must_use]
    pub fn new(
        kube_version: Option<KubeVersion>,
        looked_at: usize,
        findings: Vec<Finding>,
        (damaged, unreadable): (Vec<String>, Vec<Unreadable>),
    ) -> Self {
        let mut findings = findings;
        // What is gone already comes first, then what goes soonest.
        findings.sort_by(|a, b| {
            let key = |one: &Finding| (!one.removed, one.removed_in.is_none(), one.removed_in);
            key(a).cmp(&key(b)).then_with(|| a.of().cmp(&b.of())).then_with(|| a.kind.cmp(&b.kind))
        });
        Self { schema_version: SCHEMA_VERSION, kube_version, looked_at, findings, damaged, unreadable }
    }

    /// Whether a release has an API version that is not served.
    #[must_use]
    pub fn has_removed(&self) -> bool {
        self.findings.iter().any(|finding| finding.removed)
    }

    /// Writes a table for a reader, on so many terminal columns.
    ///
    /// # Errors
    /// If the writer fails.
    pub fn write_text(&self, painter: Painter, columns: Option<u16>, out: &mut impl Write) -> Result<()> {
        let mut sheet = Sheet::new(painter);
        if !self.findings.is_empty() {
            let mut table = self.table();
            table.fit(columns, &["DEPRECATED", "REV", "CHART"]);
            table.draw(painter, columns, &mut sheet.text);
            sheet.text.push('\n');
        }
        self.write_summary(&mut sheet);
        for problem in &self.damaged {
            sheet.line(Role::Warning, &format!("! {problem}"));
        }
        write_unreadable(&self.unreadable, &mut sheet);
        out.write_all(sheet.text.as_bytes())
    }

    /// Writes it for a program (docs/schema/apis.json).
    ///
    /// # Errors
    /// If the writer fails.
    pub fn write_json(&self, out: &mut impl Write) -> Result<()> {
        write_json(self, out)
    }

    fn write_summary(&self, sheet: &mut Sheet) {
        let releases = |removed: bool| {
            let those = self.findings.iter().filter(|one| one.removed == removed).map(Finding::of);
            those.collect::<BTreeSet<_>>().len()
        };
        let here = match self.kube_version {
            Some(version) => format!("Kubernetes {version}"),
            None => "the server".to_owned(),
        };
        let (gone, later, all) = (releases(true), releases(false), counted(self.looked_at, "release"));
        let have = |count: usize| if count == 1 { "has" } else { "have" };
        if gone > 0 {
            let text = format!("{gone} of {all} {} API versions that {here} does not serve", have(gone));
            sheet.line(Role::Error, &text);
        }
        if later > 0 {
            sheet.line(Role::Warning, &format!("{later} of {all} {} deprecated API versions", have(later)));
        }
        if gone + later == 0 {
            sheet.line(Role::Added, &format!("the API versions of {all} are neither removed nor deprecated"));
        }
    }

    fn table(&self) -> Table {
        let mut table = Table::new(&[
            "CONTEXT",
            "NAMESPACE",
            "NAME",
            "REV",
            "CHART",
            "API VERSION",
            "KIND",
            "OBJECTS",
            "DEPRECATED",
            "REMOVED",
            "INSTEAD",
        ]);
        let version = |version: Option<KubeVersion>| version.map(|version| version.to_string()).unwrap_or_default();
        for finding in &self.findings {
            let role = if finding.removed { Role::Error } else { Role::Changed };
            table.row(vec![
                Cell::new(Role::Dim, finding.context.as_deref().unwrap_or_default()),
                Cell::new(Role::Plain, &finding.namespace),
                Cell::new(Role::Heading, &finding.name),
                Cell::new(Role::Plain, finding.revision.to_string()),
                Cell::new(Role::Plain, &finding.chart),
                Cell::new(role, &finding.api_version),
                Cell::new(Role::Plain, &finding.kind),
                Cell::new(Role::Plain, finding.objects.to_string()),
                Cell::new(Role::Dim, version(finding.deprecated_in)),
                Cell::new(role, version(finding.removed_in)),
                Cell::new(Role::Plain, finding.replacement.as_deref().unwrap_or_default()),
            ]);
        }
        table
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn finding(name: &str, api_version: &str, kind: &str, version: &str) -> Finding {
        let api = Api { api_version: api_version.to_owned(), kind: kind.to_owned() };
        let found = Found {
            namespace: "shop".to_owned(),
            name: name.to_owned(),
            revision: 7,
            chart: "web-1.0.0".to_owned(),
            context: None,
        };
        let end = api.end().expect("it does not stay");
        Finding::new(found, (api, 2), end, version.parse().ok())
    }

    fn text(version: Option<&str>, findings: Vec<Finding>) -> String {
        let version = version.and_then(|version| version.parse().ok());
        let view = ApisView::new(version, 9, findings, (vec!["it is cut off".to_owned()], Vec::new()));
        let mut out = Vec::new();
        view.write_text(Painter::new(false), None, &mut out).unwrap();
        String::from_utf8(out).unwrap()
    }

    #[test]
    fn what_is_gone_comes_before_what_goes() {
        let all = |version: &str| {
            vec![
                finding("a", "autoscaling/v2beta2", "HorizontalPodAutoscaler", version),
                finding("b", "policy/v1beta1", "PodDisruptionBudget", version),
            ]
        };
        let shown = text(None, all("1.25"));
        let lines: Vec<&str> = shown.lines().collect();
        assert!(lines[1].starts_with("shop       b     7    web-1.0.0  policy/v1beta1 "), "{shown}");
        assert!(
            lines[1].ends_with("  1.25     policy/v1") && lines[2].ends_with("  1.26     autoscaling/v2"),
            "{shown}"
        );
        let summary = "\n1 of 9 releases has API versions that the server does not serve\n1 of 9 releases has deprecated API versions\n! it is cut off\n";
        assert!(shown.contains(summary), "{shown}");
        let before = text(Some("1.24"), all("1.24"));
        assert!(before.contains("\n2 of 9 releases have deprecated API versions\n"), "{before}");
        assert!(!before.contains("not serve"), "{before}");
        assert!(text(Some("1.25"), all("1.25")).contains("API versions that Kubernetes 1.25 does not serve"));
        let none = "the API versions of 9 releases are neither removed nor deprecated\n";
        assert!(text(None, Vec::new()).starts_with(none));
    }
}
