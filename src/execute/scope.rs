//! Which objects of a release are watched, and by which lists.

use std::collections::{BTreeSet, HashMap};

use crate::cluster::{ApiKind, Cluster, ClusterError, ListQuery, Resource};
use crate::manifest::live::Declared;
use crate::release::Release;
use crate::upgrade::world::{Key, Wanted, World};

/// Kinds that are as they should be once they exist. They are not watched, but compared after they were applied.
const AT_ONCE: [&str; 21] = [
    "ClusterRole",
    "ClusterRoleBinding",
    "ConfigMap",
    "CSIDriver",
    "EndpointSlice",
    "Endpoints",
    "IngressClass",
    "LimitRange",
    "MutatingWebhookConfiguration",
    "NetworkPolicy",
    "PodTemplate",
    "PriorityClass",
    "ResourceQuota",
    "Role",
    "RoleBinding",
    "RuntimeClass",
    "Secret",
    "ServiceAccount",
    "StorageClass",
    "ValidatingAdmissionPolicyBinding",
    "ValidatingWebhookConfiguration",
];

/// What to watch.
#[derive(Debug, Default)]
pub(super) struct Scope {
    pub(super) wanted: Vec<Wanted>,
    pub(super) queries: Vec<ListQuery>,
    /// Whether there is a kind that the server does not know. It may come with the chart.
    pub(super) unserved: bool,
}

impl Scope {
    /// What to watch of a release: the objects of its manifest that take time, its hooks, and what they make: pods, claims,
    /// events.
    pub(super) async fn of<C: Cluster>(cluster: &C, releases: &[&Release]) -> Result<Self, ClusterError> {
        let mut declared: Vec<(Declared, bool, &Release)> = Vec::new();
        for release in releases {
            declared.extend(objects(release));
        }
        let kinds: BTreeSet<ApiKind> = declared
            .iter()
            .filter(|(declared, ..)| takes_time(declared))
            .map(|(declared, ..)| ApiKind::from(&declared.id))
            .collect();
        let kinds: Vec<ApiKind> = kinds.into_iter().filter(|kind| !kind.kind.is_empty()).collect();
        let served = cluster.discover(&kinds).await?;
        let mut scope = Self::default();
        let mut seen = BTreeSet::new();
        let mut lists = Lists::default();
        for (object, hook, release) in &declared {
            if !takes_time(object) || object.id.name.is_empty() {
                continue;
            }
            let Some(served) = served.get(&ApiKind::from(&object.id)) else {
                scope.unserved = true;
                continue;
            };
            let mut key = Key::declared(&object.id, &release.namespace);
            if !served.namespaced {
                key.namespace.clear();
            }
            lists.add(&served.resource, served.namespaced.then(|| key.namespace.clone()));
            // Of an object that both revisions have, one row is enough.
            if std::ptr::eq(*release, releases[0]) && seen.insert(key.clone()) {
                let replicas = object.number(&["spec", "replicas"]);
                let expires = key.is("batch", "Job") && object.says(&["spec", "ttlSecondsAfterFinished"]);
                scope.wanted.push(Wanted { key, hook: *hook, replicas, expires });
            }
        }
        let namespaces: BTreeSet<String> =
            scope.wanted.iter().map(|wanted| wanted.key.namespace.clone()).filter(|name| !name.is_empty()).collect();
        for namespace in namespaces {
            let around = [Resource::PODS, Resource::REPLICA_SETS, Resource::EVENTS, Resource::CLAIMS, Resource::JOBS];
            for resource in around {
                lists.add(&resource, Some(namespace.clone()));
            }
        }
        scope.queries = lists.queries;
        Ok(scope)
    }
}

/// The objects of a manifest that are not as another one has them, and that run already as this one wants them, be it in another
/// number, as after a step of a canary.
pub(super) fn left_of_attempts(wanted: &Release, good: &Release, world: &World) -> Vec<Key> {
    let others: HashMap<Key, (String, Declared)> = declared(good).collect();
    let unlike = declared(wanted).filter(|(key, (text, _))| others.get(key).map(|(other, _)| other) != Some(text));
    let there = unlike.filter(|(key, (_, declared))| {
        let Some(live) = world.object(key) else { return false };
        let scaled = declared.at_any_scale();
        let is_only_scaled = others.get(key).is_some_and(|(_, other)| other.at_any_scale().is_same_as(&scaled));
        declared.is_in(live) || (!is_only_scaled && scaled.is_in(live))
    });
    there.map(|(key, _)| key).collect()
}

/// The objects of a manifest, and the text of the document that declares each.
fn declared(release: &Release) -> impl Iterator<Item = (Key, (String, Declared))> + use<'_> {
    release.manifest.documents(false).into_iter().flat_map(move |document| {
        let text = document.fingerprint().1.to_owned();
        let declared = Declared::of(&document).unwrap_or_default().into_iter();
        declared.map(move |object| (Key::declared(&object.id, &release.namespace), (text.clone(), object)))
    })
}

/// Each kind and namespace once.
#[derive(Default)]
struct Lists {
    seen: HashMap<(String, String, Option<String>), ()>,
    queries: Vec<ListQuery>,
}

impl Lists {
    fn add(&mut self, resource: &Resource, namespace: Option<String>) {
        let key = (resource.group.to_string(), resource.plural.to_string(), namespace.clone());
        if self.seen.insert(key, ()).is_none() {
            self.queries.push(ListQuery { resource: resource.clone(), namespace, label_selector: None });
        }
    }
}

/// The objects of the manifest, and those of the hooks (true).
fn objects(release: &Release) -> Vec<(Declared, bool, &Release)> {
    let own = release.manifest.documents(false).into_iter().map(|document| (document, false));
    let hooks = release.hooks.iter().flat_map(|hook| hook.manifest.documents(true)).map(|document| (document, true));
    let declared = own.chain(hooks).filter_map(|(document, hook)| Some((Declared::of(&document).ok()?, hook)));
    declared.flat_map(|(objects, hook)| objects.into_iter().map(move |object| (object, hook, release))).collect()
}

fn takes_time(declared: &Declared) -> bool {
    !AT_ONCE.contains(&declared.id.kind.as_str())
}
