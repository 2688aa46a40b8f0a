//! What the cluster knows of a release: one list of each kind and namespace, all at the same time, of which only what belongs
//! to the release is kept.

use std::collections::{BTreeSet, HashSet};

use futures::future::join_all;
use tokio::time::{Instant, timeout_at};

use crate::cluster::{ApiKind, Cluster, ListQuery, Resource};
use crate::manifest::live::Declared;
use crate::manifest::node::Node;
use crate::manifest::observed::Observed;
use crate::release::Release;
use crate::upgrade::readiness::takes_time;
use crate::upgrade::world::{Key, Wanted, World};

/// More objects than these are not kept.
const MOST_OBJECTS: usize = 2_000;

/// Kinds that tell nothing of how a release fares, and may be large or many.
const SILENT: [&str; 3] = ["Secret", "ConfigMap", "EndpointSlice"];

/// What was read.
#[derive(Default)]
pub(super) struct Read {
    /// For judging it.
    pub(super) world: World,
    /// What belongs to the release, and what it depends on.
    pub(super) objects: Vec<Observed>,
    /// Events of those.
    pub(super) events: Vec<Observed>,
    /// What could not be read, and why.
    pub(super) unread: Vec<String>,
}

/// Reads all of a release until a moment.
pub(super) async fn read<C: Cluster>(cluster: &C, release: &Release, until: Instant) -> Read {
    let mut read = Read::default();
    let declared = declared(release);
    let kinds: BTreeSet<ApiKind> =
        declared.iter().map(|(declared, _)| ApiKind::from(&declared.id)).filter(|kind| !kind.kind.is_empty()).collect();
    let kinds: Vec<ApiKind> = kinds.into_iter().collect();
    let served = match timeout_at(until, cluster.discover(&kinds)).await {
        Ok(Ok(served)) => served,
        Ok(Err(error)) => {
            read.unread.push(format!("which kinds there are: {error}"));
            return read;
        }
        Err(_) => {
            read.unread.push("which kinds there are: the API server did not answer in time".to_owned());
            return read;
        }
    };
    let mut wanted = Vec::new();
    let mut queries: Vec<ListQuery> = Vec::new();
    let mut namespaces = BTreeSet::from([release.namespace.clone()]);
    for (declared, hook) in &declared {
        let Some(served) = served.get(&ApiKind::from(&declared.id)).filter(|_| !declared.id.name.is_empty()) else {
            continue;
        };
        let mut key = Key::declared(&declared.id, &release.namespace);
        if !served.namespaced {
            key.namespace.clear();
        }
        let looked_at = takes_time(&key) || key.is("", "Service");
        if looked_at && !SILENT.contains(&key.kind.as_str()) {
            add(&mut queries, &served.resource, served.namespaced.then(|| key.namespace.clone()));
            namespaces.extend(served.namespaced.then(|| key.namespace.clone()));
            wanted.push(Wanted { key, hook: *hook, replicas: None, expires: false });
        }
    }
    for namespace in namespaces {
        for resource in around() {
            add(&mut queries, &resource, Some(namespace.clone()));
        }
    }
    add(&mut queries, &core("nodes", "Node"), None);
    read.world = World::new(wanted);
    let lists =
        queries.iter().map(|query| async move { (query, timeout_at(until, cluster.list_observed(query)).await) });
    let mut all = Vec::new();
    for (query, listed) in join_all(lists).await {
        match listed {
            Ok(Ok(listing)) => all.extend(listing.items),
            Ok(Err(error)) => read.cannot(query, &error.to_string()),
            Err(_) => read.cannot(query, "the API server did not answer in time"),
        }
    }
    read.keep(all, release);
    read
}

/// What is read beside the declared kinds, in each namespace of the release.
fn around() -> [Resource; 7] {
    let slices = Resource {
        group: "discovery.k8s.io".into(),
        version: "v1".into(),
        plural: "endpointslices".into(),
        kind: "EndpointSlice".into(),
    };
    [
        Resource::PODS,
        Resource::REPLICA_SETS,
        Resource::JOBS,
        Resource::CLAIMS,
        Resource::EVENTS,
        core("resourcequotas", "ResourceQuota"),
        slices,
    ]
}

fn core(plural: &'static str, kind: &'static str) -> Resource {
    Resource { group: "".into(), version: "v1".into(), plural: plural.into(), kind: kind.into() }
}

fn add(queries: &mut Vec<ListQuery>, resource: &Resource, namespace: Option<String>) {
    let query = ListQuery { resource: resource.clone(), namespace, label_selector: None };
    let same = |other: &ListQuery| {
        other.namespace == query.namespace
            && other.resource.plural == query.resource.plural
            && other.resource.group == query.resource.group
    };
    if !queries.iter().any(same) {
        queries.push(query);
    }
}

impl Read {
    fn cannot(&mut self, query: &ListQuery, reason: &str) {
        let optional = matches!(&*query.resource.plural, "nodes" | "resourcequotas" | "endpointslices");
        let group = query.resource.group.to_string();
        let kind = query.resource.kind.to_string();
        if !optional {
            self.world.cannot_see(&group, &kind, reason.to_owned());
        }
        // The reason names the list already, where the API server gave one.
        self.unread.push(match reason.contains(&*query.resource.plural) {
            true => reason.to_owned(),
            false => format!("{query}: {reason}"),
        });
    }

    /// Keeps what belongs to the release.
    fn keep(&mut self, all: Vec<Observed>, release: &Release) {
        let wanted: HashSet<Key> = self.world.wanted().iter().map(|wanted| wanted.key.clone()).collect();
        let mut of_release = vec![false; all.len()];
        let mut uids: HashSet<String> = HashSet::new();
        let is_event = |object: &Observed| object.text(&["kind"]) == "Event";
        // Owners may come after what they own: ReplicaSets, then pods, then what is deeper is found in rounds.
        for _ in 0..4 {
            for (index, object) in all.iter().enumerate().filter(|(_, object)| !is_event(object)) {
                let owned = object.owner().is_some_and(|owner| uids.contains(&owner.uid));
                let labelled =
                    object.text(&["kind"]) == "Pod" && object.label("app.kubernetes.io/instance") == release.name;
                if !of_release[index] && (owned || labelled || wanted.contains(&Key::of(object))) {
                    of_release[index] = true;
                    uids.insert(object.uid().to_owned());
                }
            }
        }
        let claims = self.claims(&all, &of_release);
        for (index, object) in all.iter().enumerate() {
            let around = match object.text(&["kind"]) {
                "Node" | "ResourceQuota" => true,
                "PersistentVolumeClaim" => claims.contains(&(object.namespace().to_owned(), object.name().to_owned())),
                _ => false,
            };
            if around {
                of_release[index] = true;
                uids.insert(object.uid().to_owned());
            }
        }
        for (object, of_release) in all.into_iter().zip(of_release) {
            if is_event(&object) {
                let about = object.text(&["involvedObject", "uid"]);
                // Of a node others may tell too; an event without a uid names its object.
                if uids.contains(about) && object.text(&["involvedObject", "kind"]) != "Node" {
                    self.events.push(object.clone());
                }
                self.world.set(object);
            } else if of_release && self.objects.len() < MOST_OBJECTS {
                self.world.set(object.clone());
                self.objects.push(object);
            }
        }
    }

    /// The claims that pods of the release mount.
    fn claims(&self, all: &[Observed], of_release: &[bool]) -> HashSet<(String, String)> {
        let pods =
            all.iter().zip(of_release).filter(|(object, of_release)| **of_release && object.text(&["kind"]) == "Pod");
        let claims = pods.flat_map(|(pod, _)| {
            let volumes = pod.at(&["spec", "volumes"]).and_then(Node::as_list).unwrap_or_default();
            volumes.iter().filter_map(|volume| {
                let name = volume.find(&["persistentVolumeClaim", "claimName"]).and_then(Node::as_str)?;
                Some((pod.namespace().to_owned(), name.to_owned()))
            })
        });
        claims.collect()
    }
}

/// The objects of the manifest, and those of the hooks (true).
fn declared(release: &Release) -> Vec<(Declared, bool)> {
    let documents = release.documents();
    let objects = documents.iter().filter_map(|document| Some((Declared::of(document).ok()?, document.is_hook())));
    objects.flat_map(|(objects, hook)| objects.into_iter().map(move |object| (object, hook))).collect()
}
