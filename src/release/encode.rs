//! Writes a release as Helm's storage holds it: what Helm needs of it to plan an upgrade.

use serde::Serialize;

use crate::manifest::node::Node;
use crate::release::Release;

/// Helm's storage with this release in it, deployed, as `revision`; with nothing in it where there is none. The next
/// revision follows that number. JSON, which is YAML too: what `HELM_MEMORY_DRIVER_DATA` names. The manifest is left
/// out: Helm needs it to apply an upgrade, and not to render one. Holds the user's values, which may be secret.
#[must_use]
pub fn storage(release: Option<&Release>, revision: u32) -> Vec<u8> {
    let records: Vec<Record<'_>> = release.iter().map(|release| record(release, revision)).collect();
    // Trees and texts always have a JSON form.
    serde_json::to_vec(&records).unwrap_or_default()
}

fn record(release: &Release, revision: u32) -> Record<'_> {
    let when = if release.info.last_deployed.is_empty() { "1970-01-01T00:00:00Z" } else { &release.info.last_deployed };
    Record {
        name: &release.name,
        namespace: &release.namespace,
        version: revision,
        info: Info { status: "deployed", first_deployed: when, last_deployed: when },
        chart: Chart { metadata: &release.chart.metadata, values: &release.chart.values },
        config: &release.config,
        apply_method: release.apply_method.as_deref(),
    }
}

#[derive(Serialize)]
struct Record<'a> {
    name: &'a str,
    namespace: &'a str,
    version: u32,
    info: Info<'a>,
    chart: Chart<'a>,
    config: &'a Node,
    #[serde(skip_serializing_if = "Option::is_none")]
    apply_method: Option<&'a str>,
}

#[derive(Serialize)]
struct Info<'a> {
    status: &'a str,
    first_deployed: &'a str,
    last_deployed: &'a str,
}

#[derive(Serialize)]
struct Chart<'a> {
    metadata: &'a Node,
    values: &'a Node,
}
