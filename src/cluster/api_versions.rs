//! All API versions and kinds that a server serves, named as charts ask for them (`.Capabilities.APIVersions`).

use std::collections::BTreeSet;

use serde::Deserialize;

/// The answer for the core group (`/api`), or for all others (`/apis`): with the kinds in it where the server has aggregated
/// discovery, else with the names of the group versions.
#[derive(Deserialize)]
pub(super) struct Root {
    #[serde(default)]
    items: Vec<Group>,
    #[serde(default)]
    versions: Vec<String>,
    #[serde(default)]
    groups: Vec<NamedGroup>,
}

#[derive(Deserialize)]
struct Group {
    #[serde(default)]
    metadata: GroupName,
    #[serde(default)]
    versions: Vec<Version>,
}

#[derive(Default, Deserialize)]
struct GroupName {
    #[serde(default)]
    name: String,
}

#[derive(Deserialize)]
struct Version {
    version: String,
    #[serde(default)]
    resources: Vec<Resource>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Resource {
    #[serde(default)]
    response_kind: Option<Kind>,
    #[serde(default)]
    subresources: Vec<Resource>,
}

#[derive(Deserialize)]
struct Kind {
    #[serde(default)]
    kind: String,
}

#[derive(Deserialize)]
struct NamedGroup {
    #[serde(default)]
    versions: Vec<NamedVersion>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct NamedVersion {
    group_version: String,
}

/// The kinds of one group version, where the server has no aggregated discovery.
#[derive(Deserialize)]
pub(super) struct Kinds {
    #[serde(default)]
    resources: Vec<Kind>,
}

impl Root {
    /// Adds what is known already (`apps/v1`, `apps/v1/Deployment`), and returns the group versions whose kinds are not.
    pub(super) fn add_to(self, found: &mut BTreeSet<String>) -> Vec<String> {
        for group in self.items {
            for version in group.versions {
                let name = match group.metadata.name.as_str() {
                    "" => version.version,
                    group => format!("{group}/{}", version.version),
                };
                for resource in &version.resources {
                    let kinds = [resource].into_iter().chain(&resource.subresources);
                    add_kinds(found, &name, kinds.filter_map(|one| one.response_kind.as_ref()));
                }
                found.insert(name);
            }
        }
        let named = self.groups.into_iter().flat_map(|group| group.versions).map(|version| version.group_version);
        let left: Vec<String> = self.versions.into_iter().chain(named).collect();
        found.extend(left.iter().cloned());
        left
    }
}

impl Kinds {
    /// Adds the kinds of a group version.
    pub(super) fn add_to(self, found: &mut BTreeSet<String>, version: &str) {
        add_kinds(found, version, self.resources.iter());
    }
}

fn add_kinds<'k>(found: &mut BTreeSet<String>, version: &str, kinds: impl Iterator<Item = &'k Kind>) {
    found.extend(kinds.filter(|kind| !kind.kind.is_empty()).map(|kind| format!("{version}/{}", kind.kind)));
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(answer: &str) -> (Vec<String>, Vec<String>) {
        let mut found = BTreeSet::new();
        let left = serde_json::from_str::<Root>(answer).unwrap().add_to(&mut found);
        (found.into_iter().collect(), left)
    }

    #[test]
    fn aggregated_discovery_has_all() {
        let core = r#"{"kind":"APIGroupDiscoveryList","items":[{"metadata":{},"versions":[{"version":"v1","resources":[
            {"resource":"pods","responseKind":{"kind":"Pod"},"subresources":[{"responseKind":{"kind":"Eviction"}},{"responseKind":null}]}]}]}]}"#;
        assert_eq!(read(core), (vec!["v1".into(), "v1/Eviction".into(), "v1/Pod".into()], Vec::new()));
        let apps = core.replace("\"metadata\":{}", "\"metadata\":{\"name\":\"apps\"}");
        assert_eq!(read(&apps).0[0], "apps/v1");
    }

    #[test]
    fn older_servers_are_asked_for_each_version() {
        let groups = r#"{"kind":"APIGroupList","groups":[{"name":"apps","versions":[{"groupVersion":"apps/v1","version":"v1"}]}]}"#;
        assert_eq!(read(groups), (vec!["apps/v1".into()], vec!["apps/v1".into()]));
        assert_eq!(read(r#"{"kind":"APIVersions","versions":["v1"]}"#).1, ["v1"]);
        let mut found = BTreeSet::new();
        let kinds: Kinds =
            serde_json::from_str(r#"{"resources":[{"name":"deployments","kind":"Deployment"}]}"#).unwrap();
        kinds.add_to(&mut found, "apps/v1");
        assert!(found.contains("apps/v1/Deployment"));
    }
}
