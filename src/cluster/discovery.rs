//! Discovery: from the kinds that manifests name to the resources that the server serves.
//!
//! A few group versions are asked for one by one. For more, one request brings all of them, where the server has
//! aggregated discovery (Kubernetes 1.26 and later); an older one answers the same request in its own way.

use std::collections::{BTreeMap, BTreeSet, HashMap};

use serde::Deserialize;

use super::{ApiKind, Resource, Served};

/// Aggregated discovery, or else what older servers have.
pub(super) const AGGREGATED: &str = "application/json;g=apidiscovery.k8s.io;v=v2;as=APIGroupDiscoveryList,\
    application/json;g=apidiscovery.k8s.io;v=v2beta1;as=APIGroupDiscoveryList,application/json";

/// Up to so many group versions are asked for one by one: all of a large server are some hundred kilobytes.
pub(super) const FEW: usize = 3;

/// A group and its version.
pub(super) type GroupVersion = (String, String);

/// The kinds that are wanted, by group version. The core group stands apart: it is never part of the aggregated answer
/// for the others.
pub(super) fn by_group_version(kinds: &[ApiKind]) -> BTreeMap<GroupVersion, BTreeSet<&str>> {
    let mut wanted: BTreeMap<GroupVersion, BTreeSet<&str>> = BTreeMap::new();
    for kind in kinds {
        wanted.entry((kind.group.clone(), kind.version.clone())).or_default().insert(&kind.kind);
    }
    wanted
}

/// The answer for one group version.
#[derive(Deserialize)]
pub(super) struct ResourceList {
    #[serde(default)]
    resources: Vec<Listed>,
}

#[derive(Deserialize)]
struct Listed {
    name: String,
    #[serde(default)]
    kind: String,
    #[serde(default)]
    namespaced: bool,
}

impl ResourceList {
    /// Adds the kinds of the group version that are wanted.
    pub(super) fn add_to(self, found: &mut HashMap<ApiKind, Served>, at: &GroupVersion, wanted: &BTreeSet<&str>) {
        for listed in self.resources {
            // `deployments/scale` is of kind Scale, and no resource by itself.
            if wanted.contains(listed.kind.as_str()) && !listed.name.contains('/') {
                add(found, at, listed.kind, listed.name, listed.namespaced);
            }
        }
    }
}

/// The answer for all groups but the core group.
#[derive(Deserialize)]
pub(super) struct GroupList {
    #[serde(default)]
    kind: String,
    #[serde(default)]
    items: Vec<Group>,
}

#[derive(Deserialize)]
struct Group {
    metadata: GroupName,
    #[serde(default)]
    versions: Vec<Version>,
}

#[derive(Deserialize)]
struct GroupName {
    #[serde(default)]
    name: String,
}

#[derive(Deserialize)]
struct Version {
    version: String,
    #[serde(default)]
    resources: Vec<Aggregated>,
    #[serde(default)]
    freshness: String,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Aggregated {
    resource: String,
    #[serde(default)]
    response_kind: Option<ResponseKind>,
    #[serde(default)]
    scope: String,
}

#[derive(Deserialize)]
struct ResponseKind {
    #[serde(default)]
    kind: String,
}

impl GroupList {
    /// Whether this is aggregated discovery; else it only names the groups.
    pub(super) fn is_aggregated(&self) -> bool {
        self.kind == "APIGroupDiscoveryList"
    }

    /// Adds the kinds that are wanted, and returns the group versions that are left to be asked for by themselves: what
    /// their servers said last is out of date.
    pub(super) fn add_to(
        self,
        found: &mut HashMap<ApiKind, Served>,
        wanted: &BTreeMap<GroupVersion, BTreeSet<&str>>,
    ) -> Vec<GroupVersion> {
        let mut stale = Vec::new();
        for group in self.items {
            for version in group.versions {
                let at = (group.metadata.name.clone(), version.version);
                let Some(kinds) = wanted.get(&at) else { continue };
                if version.freshness == "Stale" {
                    stale.push(at);
                    continue;
                }
                for one in version.resources {
                    let kind = one.response_kind.map(|response| response.kind).unwrap_or_default();
                    if kinds.contains(kind.as_str()) {
                        add(found, &at, kind, one.resource, one.scope == "Namespaced");
                    }
                }
            }
        }
        stale
    }
}

fn add(
    found: &mut HashMap<ApiKind, Served>,
    (group, version): &GroupVersion,
    kind: String,
    plural: String,
    namespaced: bool,
) {
    let resource = Resource {
        group: group.clone().into(),
        version: version.clone().into(),
        plural: plural.into(),
        kind: kind.clone().into(),
    };
    let kind = ApiKind { group: group.clone(), version: version.clone(), kind };
    // The first of several resources of one kind is the one that is meant, as for kubectl.
    found.entry(kind).or_insert(Served { resource, namespaced });
}

/// Where the kinds of a group version are named.
pub(super) fn path((group, version): &GroupVersion) -> String {
    use super::request::encode;
    match group.as_str() {
        "" => format!("/api/{}", encode(version)),
        group => format!("/apis/{}/{}", encode(group), encode(version)),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn kind(group: &str, version: &str, kind: &str) -> ApiKind {
        ApiKind { group: group.into(), version: version.into(), kind: kind.into() }
    }

    #[test]
    fn a_group_version_names_its_kinds_but_not_those_of_subresources() {
        let answer = r#"{"kind":"APIResourceList","resources":[
            {"name":"deployments/scale","kind":"Scale","namespaced":true,"group":"autoscaling"},
            {"name":"deployments/status","kind":"Deployment","namespaced":true},
            {"name":"deployments","kind":"Deployment","namespaced":true}]}"#;
        let kinds = [kind("apps", "v1", "Deployment"), kind("apps", "v1", "Scale"), kind("apps", "v1", "Nothing")];
        let wanted = by_group_version(&kinds);
        let mut found = HashMap::new();
        let at = ("apps".to_owned(), "v1".to_owned());
        serde_json::from_str::<ResourceList>(answer).unwrap().add_to(&mut found, &at, &wanted[&at]);
        assert_eq!(found.len(), 1);
        assert_eq!(found[&kinds[0]].resource.plural, "deployments");
        assert!(found[&kinds[0]].namespaced);
    }

    #[test]
    fn aggregated_discovery_is_told_from_the_list_of_groups_and_says_what_is_stale() {
        let groups: GroupList = serde_json::from_str(r#"{"kind":"APIGroupList","groups":[{"name":"apps"}]}"#).unwrap();
        assert!(!groups.is_aggregated());
        let answer = r#"{"kind":"APIGroupDiscoveryList","items":[
            {"metadata":{"name":"rbac.authorization.k8s.io"},"versions":[{"version":"v1","freshness":"Current","resources":[
              {"resource":"clusterroles","responseKind":{"group":"","version":"","kind":"ClusterRole"},"scope":"Cluster"},
              {"resource":"odd","scope":"Namespaced"}]}]},
            {"metadata":{"name":"metrics.k8s.io"},"versions":[{"version":"v1","freshness":"Stale","resources":[]}]}]}"#;
        let groups: GroupList = serde_json::from_str(answer).unwrap();
        assert!(groups.is_aggregated());
        let kinds =
            [kind("rbac.authorization.k8s.io", "v1", "ClusterRole"), kind("metrics.k8s.io", "v1", "PodMetrics")];
        let mut found = HashMap::new();
        let stale = groups.add_to(&mut found, &by_group_version(&kinds));
        assert_eq!(stale, [("metrics.k8s.io".to_owned(), "v1".to_owned())]);
        assert_eq!(found.len(), 1);
        assert!(!found[&kinds[0]].namespaced);
    }
}
