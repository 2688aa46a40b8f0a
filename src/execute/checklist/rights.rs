//! The rights that an upgrade, watching it and going back need: exactly those, each asked for once.

use std::collections::{BTreeSet, HashMap};

use super::needs::Needs;
use crate::checks::snapshot::{Known, Need, Objects, Rights};
use crate::cluster::{ApiKind, Cluster, Resource};
use crate::command::upgrade::Proposed;
use crate::diff::workload::Kind;
use crate::execute::scope::Scope;
use crate::execute::{Options, Prepared, Seams};
use crate::helm::Helm;
use crate::manifest::document::Object;
use crate::manifest::hook;
use crate::manifest::identity::ObjectId;
use crate::manifest::node::Node;
use crate::release::Release;
use crate::storage::Storage;
use crate::upgrade::next::OnFailure;

/// What is done with an object.
const READ: [&str; 1] = ["get"];
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
        uses.extend(going_back(revisions, options, &releases.new));
    }
    let kinds: BTreeSet<ApiKind> = uses.iter().map(|one| ApiKind::from(&one.id)).collect();
    let kinds: Vec<ApiKind> = kinds.into_iter().filter(|kind| !kind.kind.is_empty()).collect();
    let served = seams.cluster.discover(&kinds).await.map_err(|error| error.to_string())?;
    let mut unserved = BTreeSet::new();
    for Use { id, verb, need, named } in &uses {
        let Some(served) = served.get(&ApiKind::from(id)) else {
            unserved.insert(format!("{} ({})", id.kind, id.api_version()));
            continue;
        };
        let own = || id.namespace.clone().unwrap_or_else(|| releases.new.namespace.clone());
        let namespace = served.namespaced.then(own);
        match *named && !id.name.is_empty() {
            true => needs.add_named((&served.resource, namespace), &id.name, (verb, *need)),
            false => needs.add(&served.resource, namespace, &[*verb], *need),
        }
    }
    let watched: Vec<&Release> = vec![&releases.new];
    let scope = Scope::of(seams.cluster, &watched).await.map_err(|error| error.to_string())?;
    for query in scope.queries {
        needs.add(&query.resource, query.namespace, &WATCHED, Need::Watching);
    }
    ours(&mut needs, seams, options, prepared);
    Ok(Rights { asked: needs.ask(seams.cluster).await, unserved: unserved.into_iter().collect() })
}

/// Something that Helm does with an object.
struct Use {
    id: ObjectId,
    verb: &'static str,
    need: Need,
    /// Whether the server is told the object's name, so that a right on it alone is enough.
    named: bool,
}

impl Use {
    fn named(object: &Object, verb: &'static str, need: Need) -> Self {
        Self { id: object.id.clone(), verb, need, named: true }
    }

    fn of_all(object: &Object, verb: &'static str, need: Need) -> Self {
        Self { named: false, ..Self::named(object, verb, need) }
    }
}

/// How a Helm does its work.
#[derive(Clone, Copy)]
struct Ways {
    /// Helm 4: it watches whole kinds, and Helm 3 single objects.
    four: bool,
    /// Whether it applies at the server. That makes what is not there under the name that it has.
    by_server: bool,
    /// The verb that changes an object.
    write: &'static str,
}

impl Ways {
    fn of(release: &Release, options: &Options) -> Self {
        let write = if options.apply.waiting.force { "update" } else { "patch" };
        let by_server = release.is_applied_by_server();
        // Helm 3 does not say how it applies.
        Self { four: release.apply_method.is_some(), by_server, write }
    }

    fn create(self, object: &Object, need: Need) -> Vec<Use> {
        let create = Use { named: self.by_server, ..Use::of_all(object, "create", need) };
        let apply = self.by_server.then(|| Use::named(object, "patch", need));
        [create].into_iter().chain(apply).collect()
    }

    /// What is done with a hook. Helm deletes none that is a definition; Helm 3 asks for a hook until it is gone, and waits for Jobs
    /// and Pods; Helm 4 lists and watches whatever it is (helm.sh/helm, pkg/action/hooks.go, pkg/kube: v3 client.go
    /// `watchUntilReady`, wait.go; v4 statuswait.go).
    fn hook(self, hook: &Object, need: Need) -> Vec<Use> {
        let mut uses = self.create(hook, need);
        let policies = hook::annotation(&hook.node, "helm.sh/hook-delete-policy").unwrap_or_default();
        let mut policies = policies
            .split(',')
            .map(|policy| policy.trim().to_ascii_lowercase())
            .filter(|one| !one.is_empty())
            .peekable();
        // Without a policy it is deleted before it is made anew; on failure alone it need not be.
        let deletes = policies.peek().is_none() || policies.any(|policy| policy != "hook-failed");
        if deletes && hook.id.kind != "CustomResourceDefinition" {
            uses.push(Use::named(hook, "delete", need));
            uses.extend((!self.four).then(|| Use::named(hook, "get", need)));
        }
        if self.four {
            uses.extend(WATCHED.map(|verb| Use::of_all(hook, verb, need)));
        } else if matches!(hook.id.kind.as_str(), "Job" | "Pod") {
            uses.extend(WATCHED.map(|verb| Use::named(hook, verb, need)));
        }
        uses
    }

    /// What waiting for an object takes, beside asking for it: Helm 4 lists and watches each kind that the manifest has; of a Deployment
    /// both list the ReplicaSets (helm.sh/helm, pkg/kube: v3 ready.go, v4 statuswait.go and the kstatus behind it).
    fn wait(self, object: &Object, need: Need) -> Vec<Use> {
        let watched = self.four.then(|| WATCHED.map(|verb| Use::of_all(object, verb, need)));
        let mut uses: Vec<Use> = watched.into_iter().flatten().collect();
        if Kind::of(&object.id) == Some(Kind::Deployment) {
            let (group, version, kind) = ("apps".into(), "v1".into(), "ReplicaSet".into());
            let id = ObjectId { group, version, kind, namespace: object.id.namespace.clone(), ..ObjectId::default() };
            uses.push(Use { id, verb: "list", need, named: false });
        }
        uses
    }
}

/// What Helm does with each object. Helm 3 patches what changed; Helm 4 applies every object at the server.
fn uses(revisions: &Objects, options: &Options, proposed: &Proposed) -> Vec<Use> {
    let release = &proposed.outcome.releases.new;
    let ways = Ways::of(release, options);
    let (old, new) = (plain(&revisions.old, &release.namespace), plain(&revisions.new, &release.namespace));
    let mut uses: Vec<Use> = Vec::new();
    for (key, object) in &new {
        uses.extend(READ.map(|verb| Use::named(object, verb, Need::Upgrade)));
        uses.extend(ways.wait(object, Need::Upgrade));
        let before = old.get(key);
        if ways.by_server || before.is_some_and(|before| before.node != object.node) {
            uses.push(Use::named(object, ways.write, Need::Upgrade));
        }
        if before.is_none() {
            uses.extend(ways.create(object, Need::Upgrade));
            uses.push(Use::named(object, "delete", Need::Cleaning));
        }
    }
    for (_, object) in old.iter().filter(|(key, _)| !new.contains_key(*key)) {
        uses.push(Use::named(object, "delete", Need::Upgrade));
        uses.extend(ways.create(object, Need::GoingBack));
    }
    let points = hook::points_of_upgrade(proposed.is_first, options.apply.waiting.no_hooks);
    uses.extend(of_hooks(&revisions.new, points).flat_map(|hook| ways.hook(hook, Need::Upgrade)));
    uses
}

/// The hooks that run at these points.
fn of_hooks<'a>(objects: &'a [Object], points: &[&str]) -> impl Iterator<Item = &'a Object> {
    objects.iter().filter(|object| object.hook && hook::runs_at(&object.node, points))
}

/// What going back does beside taking the upgrade back, with hooks of its own; and where it leads to another revision than the one
/// that the upgrade starts from, all in which that differs.
fn going_back(revisions: &Objects, options: &Options, release: &Release) -> Vec<Use> {
    let other = revisions.back.as_ref().ok().and_then(Option::as_deref);
    let target = other.unwrap_or(&revisions.old);
    let (ways, namespace) = (Ways::of(release, options), &release.namespace);
    let points = hook::points_of_rollback(options.apply.waiting.no_hooks);
    let mut uses: Vec<Use> = of_hooks(target, points).flat_map(|hook| ways.hook(hook, Need::GoingBack)).collect();
    uses.extend(freed(revisions, namespace));
    let Some(back) = other else { return uses };
    let (new, back) = (plain(&revisions.new, namespace), plain(back, namespace));
    for (key, object) in &back {
        match new.get(key) {
            None => uses.extend(ways.create(object, Need::GoingBack)),
            Some(new) if new.node != object.node => uses.push(Use::named(object, ways.write, Need::GoingBack)),
            Some(_) => {}
        }
    }
    let left = new.iter().filter(|(key, _)| !back.contains_key(*key));
    uses.extend(left.map(|(_, object)| Use::named(object, "delete", Need::Cleaning)));
    uses
}

/// Deleting pods of StatefulSets that change and would not replace them by themselves ([`crate::upgrade::held_up`]).
fn freed(revisions: &Objects, namespace: &str) -> Vec<Use> {
    let (old, new) = (plain(&revisions.old, namespace), plain(&revisions.new, namespace));
    let ordered = |object: &Object| {
        let policy = object.node.find(&["spec", "podManagementPolicy"]).and_then(Node::as_str);
        Kind::of(&object.id) == Some(Kind::StatefulSet) && policy != Some("Parallel")
    };
    let changed = new.iter().filter(|(key, object)| old.get(*key).is_some_and(|old| old.node != object.node));
    let sets = changed.map(|(_, object)| object).filter(|object| ordered(object));
    sets.map(|set| {
        let (version, kind) = ("v1".into(), "Pod".into());
        let id = ObjectId { version, kind, namespace: set.id.namespace.clone(), ..ObjectId::default() };
        Use { id, verb: "delete", need: Need::Freeing, named: false }
    })
    .collect()
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

#[cfg(test)]
mod tests {
    use super::*;
    use crate::manifest::document::Manifest;
    use crate::manifest::mask::Masker;

    /// What a Helm does with a hook: `delete one` where the server is told the name, `create` where it is not.
    fn done(ways: Ways, kind: &str, policy: &str) -> String {
        let text = format!(
            "apiVersion: v1\nkind: {kind}\nmetadata: {{name: one, annotations: {{helm.sh/hook: pre-upgrade, helm.sh/hook-delete-policy: '{policy}'}}}}\n"
        );
        let manifest = Manifest::new(text);
        let document = manifest.documents(true).remove(0);
        let hook = Masker::new(b"k").open(&document).remove(0);
        let uses = ways.hook(&hook, Need::Upgrade).into_iter();
        uses.map(|one| if one.named { format!("{} {}", one.verb, one.id.name) } else { one.verb.to_owned() })
            .collect::<Vec<_>>()
            .join(", ")
    }

    #[test]
    fn of_hooks_each_helm_needs_what_it_does_with_them() {
        let three = Ways { four: false, by_server: false, write: "patch" };
        assert_eq!(done(three, "Job", ""), "create, delete one, get one, list one, watch one");
        assert_eq!(done(three, "Pod", "hook-failed"), "create, list one, watch one");
        assert_eq!(done(three, "ConfigMap", "before-hook-creation,hook-succeeded"), "create, delete one, get one");
        assert_eq!(done(three, "CustomResourceDefinition", ""), "create");
        let four = Ways { four: true, by_server: true, write: "patch" };
        assert_eq!(done(four, "ConfigMap", ""), "create one, patch one, delete one, list, watch");
        assert_eq!(done(Ways { by_server: false, ..four }, "Job", "hook-failed"), "create, list, watch");
    }
}
