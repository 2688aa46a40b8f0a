//! The rights that an upgrade, watching it and going back need: exactly those, each asked for once.

use std::collections::{BTreeMap, BTreeSet, HashMap};

use futures::stream::{self, StreamExt as _};

use super::AT_ONCE;
use crate::checks::snapshot::{Known, Need, Objects, Permission, Rights};
use crate::cluster::{ApiKind, Cluster, Resource, Right};
use crate::command::upgrade::Proposed;
use crate::execute::scope::Scope;
use crate::execute::{Options, Prepared, Seams};
use crate::helm::Helm;
use crate::manifest::document::Object;
use crate::manifest::hook;
use crate::manifest::identity::ObjectId;
use crate::release::Release;
use crate::storage::Storage;
use crate::upgrade::next::OnFailure;

/// What is done with an object.
const READ: [&str; 1] = ["get"];
const HOOK: [&str; 5] = ["create", "delete", "get", "list", "watch"];
const STORED: [&str; 4] = ["create", "get", "list", "update"];
const LEASED: [&str; 4] = ["create", "delete", "get", "update"];
const WATCHED: [&str; 2] = ["list", "watch"];

/// Asks for every right. Which these are follows from what changes.
pub(super) async fn ask<C: Cluster, H: Helm>(
    seams: &Seams<'_, C, H>,
    options: &Options,
    (prepared, revisions): (&Prepared, &Objects),
) -> Known<Rights> {
    let mut needs = Needs::default();
    let releases = &prepared.proposed.outcome.releases;
    let mut uses = uses(revisions, options, &prepared.proposed);
    if options.on_failure != OnFailure::Keep {
        uses.extend(going_back(revisions, options, &releases.new.namespace));
    }
    let kinds: BTreeSet<ApiKind> = uses.iter().map(|(id, ..)| ApiKind::from(id)).collect();
    let kinds: Vec<ApiKind> = kinds.into_iter().filter(|kind| !kind.kind.is_empty()).collect();
    let served = seams.cluster.discover(&kinds).await.map_err(|error| error.to_string())?;
    let mut unserved = BTreeSet::new();
    for (id, verb, need) in &uses {
        let Some(served) = served.get(&ApiKind::from(id)) else {
            unserved.insert(format!("{} ({})", id.kind, id.api_version()));
            continue;
        };
        let own = || id.namespace.clone().unwrap_or_else(|| releases.new.namespace.clone());
        needs.add(&served.resource, served.namespaced.then(own), &[*verb], *need);
    }
    let watched: Vec<&Release> = vec![&releases.new];
    let scope = Scope::of(seams.cluster, &watched).await.map_err(|error| error.to_string())?;
    for query in scope.queries {
        needs.add(&query.resource, query.namespace, &WATCHED, Need::Watching);
    }
    ours(&mut needs, seams, options, prepared);
    let asked = stream::iter(needs.0)
        .map(async |((resource, group, namespace, verb), need)| {
            let (plural, namespace_of_it) = (resource.clone(), namespace.clone());
            let right =
                Right { verb: verb.into(), group: group.clone(), plural, namespace: namespace_of_it, name: None };
            let allowed = seams.cluster.may(&right).await.map_err(|error| error.to_string());
            let dot = if group.is_empty() { "" } else { "." };
            Permission { verb, resource: format!("{resource}{dot}{group}"), namespace, need, allowed }
        })
        .buffered(AT_ONCE);
    Ok(Rights { asked: asked.collect().await, unserved: unserved.into_iter().collect() })
}

/// The rights that are needed, each once, with the gravest reason.
#[derive(Default)]
struct Needs(BTreeMap<(String, String, Option<String>, &'static str), Need>);

impl Needs {
    fn add(&mut self, resource: &Resource, namespace: Option<String>, verbs: &[&'static str], need: Need) {
        for verb in verbs {
            let key = (resource.plural.to_string(), resource.group.to_string(), namespace.clone(), *verb);
            let known = self.0.entry(key).or_insert(need);
            *known = (*known).min(need);
        }
    }
}

type Use = (ObjectId, &'static str, Need);

/// What Helm does with each object. Helm 3 patches what changed; Helm 4 applies every object at the server.
fn uses(revisions: &Objects, options: &Options, proposed: &Proposed) -> Vec<Use> {
    let release = &proposed.outcome.releases.new;
    let (old, new) = (plain(&revisions.old, &release.namespace), plain(&revisions.new, &release.namespace));
    let write = write(options);
    let mut uses: Vec<Use> = Vec::new();
    for (key, object) in &new {
        let mut takes = |verb, need| uses.push((object.id.clone(), verb, need));
        READ.into_iter().for_each(|verb| takes(verb, Need::Upgrade));
        let before = old.get(key);
        if release.is_applied_by_server() || before.is_some_and(|before| before.node != object.node) {
            takes(write, Need::Upgrade);
        }
        if before.is_none() {
            takes("create", Need::Upgrade);
            takes("delete", Need::Cleaning);
        }
    }
    for (_, object) in old.iter().filter(|(key, _)| !new.contains_key(*key)) {
        uses.push((object.id.clone(), "delete", Need::Upgrade));
        uses.push((object.id.clone(), "create", Need::GoingBack));
    }
    let points = hook::points_of_upgrade(proposed.is_first, options.apply.waiting.no_hooks);
    uses.extend(of_hooks(&revisions.new, points, Need::Upgrade));
    uses
}

/// The verb that changes an object.
fn write(options: &Options) -> &'static str {
    if options.apply.waiting.force { "update" } else { "patch" }
}

/// What Helm does with the hooks that run at these points.
fn of_hooks(objects: &[Object], points: &[&str], need: Need) -> Vec<Use> {
    let hooks = objects.iter().filter(|object| object.hook && hook::runs_at(&object.node, points));
    hooks.flat_map(|hook| HOOK.map(|verb| (hook.id.clone(), verb, need))).collect()
}

/// What going back does beside taking the upgrade back, with hooks of its own; and where it leads to another revision than the one
/// that the upgrade starts from, all in which that differs.
fn going_back(revisions: &Objects, options: &Options, namespace: &str) -> Vec<Use> {
    let other = revisions.back.as_ref().ok().and_then(Option::as_deref);
    let target = other.unwrap_or(&revisions.old);
    let points = hook::points_of_rollback(options.apply.waiting.no_hooks);
    let mut uses = of_hooks(target, points, Need::GoingBack);
    let Some(back) = other else { return uses };
    let (new, back) = (plain(&revisions.new, namespace), plain(back, namespace));
    let write = write(options);
    for (key, object) in &back {
        match new.get(key) {
            None => uses.push((object.id.clone(), "create", Need::GoingBack)),
            Some(new) if new.node != object.node => uses.push((object.id.clone(), write, Need::GoingBack)),
            Some(_) => {}
        }
    }
    let left = new.iter().filter(|(key, _)| !back.contains_key(*key));
    uses.extend(left.map(|(_, object)| (object.id.clone(), "delete", Need::Cleaning)));
    uses
}

type Key = (String, String, Option<String>, String);

/// The objects without the hooks, by what makes them the same.
fn plain<'a>(objects: &'a [Object], namespace: &str) -> HashMap<Key, &'a Object> {
    let plain = objects.iter().filter(|object| !object.hook && !object.id.kind.is_empty());
    plain.map(|object| (object.id.key(namespace), object)).collect()
}

/// What is needed beside the objects: where releases are stored, a lease, logs, and what installing needs.
fn ours<C: Cluster, H: Helm>(needs: &mut Needs, seams: &Seams<'_, C, H>, options: &Options, prepared: &Prepared) {
    let namespace = Some(seams.storage.namespace().to_owned());
    if let Storage::Objects { resource, .. } = seams.storage {
        needs.add(resource, namespace.clone(), &STORED, Need::Upgrade);
        needs.add(resource, namespace.clone(), &["delete"], Need::Pruning);
    }
    needs.add(&Resource::LEASES, namespace.clone(), &LEASED, Need::Lease);
    let logs = Resource { plural: "pods/log".into(), ..Resource::PODS };
    needs.add(&logs, namespace, &READ, Need::Evidence);
    if prepared.proposed.is_first {
        if options.apply.create_namespace {
            let namespaces = Resource { plural: "namespaces".into(), kind: "Namespace".into(), ..Resource::PODS };
            needs.add(&namespaces, None, &["create"], Need::Upgrade);
        }
        if prepared.proposed.outcome.diff.crds.is_some() && !options.apply.skip_crds {
            needs.add(&Resource::CUSTOM_RESOURCE_DEFINITIONS, None, &["create"], Need::Upgrade);
        }
    }
}
