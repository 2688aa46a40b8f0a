//! Everything that is watched during an upgrade, indexed so that judging it is linear.
//!
//! It is fed from watches: the kinds that the release declares, and besides them Pods, ReplicaSets, Jobs, claims and the
//! events of the core group. It has no clock. What it keeps of events is bounded.

mod before;
mod collected;
mod events;
mod key;
mod nodes;
mod pods;

use std::collections::{BTreeSet, HashMap, HashSet};
use std::sync::Arc;

use crate::manifest::observed::Observed;

pub use before::Earlier;
pub use collected::Collected;
pub use events::{Event, one_line};
pub use key::{Key, Wanted};
pub use pods::{ContainerFacts, Ended, PodFacts};

/// Everything that is watched.
#[derive(Debug, Default)]
pub struct World {
    wanted: Vec<Wanted>,
    objects: HashMap<Arc<Key>, Entry>,
    /// What an object of this uid controls.
    controlled: HashMap<String, BTreeSet<Arc<Key>>>,
    events: events::Events,
    /// How many pods use a claim, by its namespace and name.
    uses: HashMap<(String, String), u32>,
    /// The Jobs that went.
    collected: collected::Gone,
    /// How each object was that was there before the upgrade, by its uid.
    before: Earlier,
    /// The replicas that the release declares.
    replicas: HashMap<Key, i64>,
    unseen: Vec<Unseen>,
    /// The nodes that were lost before the upgrade.
    lost_nodes: BTreeSet<String>,
    /// The kinds, and their namespaces, of which nothing is heard for the moment.
    lost: BTreeSet<(String, String, Option<String>)>,
}

#[derive(Debug)]
struct Entry {
    object: Observed,
    /// Of a pod.
    facts: Option<Box<PodFacts>>,
}

/// A kind of objects that may not be watched.
#[derive(Debug)]
struct Unseen {
    group: String,
    kind: String,
    reason: String,
}

/// A pod with what the rules need of it.
#[derive(Clone, Copy, Debug)]
pub struct PodRef<'a> {
    /// The pod.
    pub object: &'a Observed,
    /// What was read of it.
    pub facts: &'a PodFacts,
}

impl World {
    /// Nothing is seen yet.
    #[must_use]
    pub fn new(wanted: Vec<Wanted>) -> Self {
        let replicas = wanted.iter().filter_map(|wanted| Some((wanted.key.clone(), wanted.replicas?))).collect();
        Self { wanted, replicas, ..Self::default() }
    }

    /// Wants this object too, if it does not yet.
    pub fn want(&mut self, wanted: Wanted) {
        if !self.wanted.contains(&wanted) {
            self.replicas.extend(wanted.replicas.map(|replicas| (wanted.key.clone(), replicas)));
            self.wanted.push(wanted);
        }
    }

    /// What the release consists of.
    #[must_use]
    pub fn wanted(&self) -> &[Wanted] {
        &self.wanted
    }

    /// An object is new, or has changed. An [event](Event) is kept with the object that it is about.
    pub fn set(&mut self, object: Observed) {
        let key = Key::of(&object);
        if is_event(&key.group, &key.kind) {
            self.events.set(&object);
            return;
        }
        self.collected.forget(&key);
        let same = self.objects.get(&key).filter(|entry| entry.object.uid() == object.uid());
        let facts = key.is("", "Pod").then(|| {
            let before = same.and_then(|entry| entry.facts.as_deref());
            Box::new(PodFacts::read(&object, before))
        });
        self.remove(&key);
        let key = Arc::new(key);
        for claim in facts.as_deref().map_or(&[][..], |facts: &PodFacts| &facts.claims) {
            *self.uses.entry((key.namespace.clone(), claim.clone())).or_default() += 1;
        }
        if let Some(owner) = object.owner() {
            self.controlled.entry(owner.uid).or_default().insert(Arc::clone(&key));
        }
        self.objects.insert(key, Entry { object, facts });
    }

    /// An object is gone.
    pub fn gone(&mut self, object: &Observed) {
        let key = Key::of(object);
        if is_event(&key.group, &key.kind) {
            self.events.gone(object);
        } else {
            let is_changed = self.is_changed(object);
            self.collected.note(object, is_changed);
            self.remove(&key);
        }
    }

    /// What a new list of a kind says, in a namespace or in all of them: what is missing in it is gone.
    pub fn replace(&mut self, group: &str, kind: &str, namespace: Option<&str>, objects: Vec<Observed>) {
        self.regain_sight(group, kind, namespace);
        if is_event(group, kind) {
            self.events.replace(namespace, &objects);
            return;
        }
        let still: HashSet<Key> = objects.iter().map(Key::of).collect();
        let listed = |key: &Key| key.is(group, kind) && namespace.is_none_or(|namespace| namespace == key.namespace);
        let gone: Vec<Arc<Key>> =
            self.objects.keys().filter(|key| listed(key) && !still.contains(&***key)).cloned().collect();
        for key in gone {
            if let Some(entry) = self.objects.get(&key) {
                let is_changed = self.is_changed(&entry.object);
                self.collected.note(&entry.object, is_changed);
            }
            self.remove(&key);
        }
        for object in objects {
            self.set(object);
        }
    }

    /// Nothing is heard of this kind for the moment, in a namespace or in all of them. Until that is over, no grace of
    /// what it can tell of runs, and the release is not ready: what is known is old, and may have healed meanwhile.
    pub fn lose_sight(&mut self, group: &str, kind: &str, namespace: Option<&str>) {
        self.lost.insert((group.to_owned(), kind.to_owned(), namespace.map(str::to_owned)));
    }

    /// The kind is heard of again, as by a watch that goes on. A [new list](Self::replace) means that too.
    pub fn regain_sight(&mut self, group: &str, kind: &str, namespace: Option<&str>) {
        if !self.lost.is_empty() {
            self.lost.remove(&(group.to_owned(), kind.to_owned(), namespace.map(str::to_owned)));
        }
    }

    /// Whether all that is watched is heard of.
    #[must_use]
    pub fn is_in_sight(&self) -> bool {
        self.lost.is_empty()
    }

    /// Whether all that can tell of this object is heard of: its own kind, and what is around workloads.
    #[must_use]
    pub fn is_seen(&self, key: &Key) -> bool {
        const AROUND: [&str; 4] = ["Pod", "ReplicaSet", "Event", "PersistentVolumeClaim"];
        !self.lost.iter().any(|(group, kind, _)| key.is(group, kind) || AROUND.contains(&&**kind))
    }

    /// All that is there now was there before the upgrade. To be called once each kind was listed: what is listed first after it
    /// counts as new.
    pub fn mark_before(&mut self) {
        self.before.objects.clear();
        for Entry { object, .. } in self.objects.values() {
            // Two objects never have one uid; if a server says so none the less, the order in which they stand must not matter.
            let before = before::Before::of(object);
            let known = self.before.objects.entry(object.uid().to_owned()).or_insert(before);
            *known = before.max(*known);
        }
        self.events.mark_before();
    }

    /// What was there before, for a later attempt at the same.
    #[must_use]
    pub fn before(&self) -> &Earlier {
        &self.before
    }

    /// An attempt before this one was lost: what it has changed is changed by this one, too. To be called after [`Self::mark_before`].
    pub fn count_from(&mut self, earlier: &Earlier) {
        self.before = earlier.clone();
    }

    /// What an attempt before has left of these objects, and of their pods, counts as made by this upgrade: without that, an
    /// upgrade that is tried again and changes nothing would never be seen to fail. To be called after [`Self::mark_before`].
    pub fn count_as_new<'k>(&mut self, keys: impl IntoIterator<Item = &'k Key>) {
        for key in keys {
            let Some(object) = self.object(key) else { continue };
            let pods = self.pods_of(key);
            let uids = pods.iter().map(|pod| pod.object.uid()).chain([object.uid()]);
            let uids: Vec<String> = uids.map(str::to_owned).collect();
            for uid in uids {
                self.before.objects.remove(&uid);
            }
        }
    }

    /// Objects of this kind may not be watched, and why: they are unknown.
    pub fn cannot_see(&mut self, group: &str, kind: &str, reason: String) {
        self.unseen.retain(|unseen| unseen.group != group || unseen.kind != kind);
        self.unseen.push(Unseen { group: group.to_owned(), kind: kind.to_owned(), reason });
    }

    /// Why objects of this kind are unknown, if they are.
    #[must_use]
    pub fn unseen(&self, group: &str, kind: &str) -> Option<&str> {
        self.unseen.iter().find(|unseen| unseen.group == group && unseen.kind == kind).map(|unseen| &*unseen.reason)
    }

    /// The object, if it is there.
    #[must_use]
    pub fn object(&self, key: &Key) -> Option<&Observed> {
        self.objects.get(key).map(|entry| &entry.object)
    }

    /// How a Job ended that is not there, as it was removed after its end.
    #[must_use]
    pub fn collected(&self, wanted: &Wanted) -> Option<Collected> {
        self.collected.of(wanted)
    }

    /// What an object controls, in the order of names.
    pub fn controlled<'a>(&'a self, owner: &Observed) -> impl Iterator<Item = &'a Observed> + use<'a> {
        self.entries(owner.uid()).map(|entry| &entry.object)
    }

    /// The pods of an object, in the order of names: itself, those it controls, and those of the ReplicaSets and Jobs that it
    /// controls.
    #[must_use]
    pub fn pods_of(&self, key: &Key) -> Vec<PodRef<'_>> {
        let Some(entry) = self.objects.get(key) else { return Vec::new() };
        let mut pods: Vec<PodRef<'_>> = entry.pod().into_iter().collect();
        for entry in self.entries(entry.object.uid()) {
            match entry.pod() {
                Some(pod) => pods.push(pod),
                None => pods.extend(self.pods_controlled_by(&entry.object)),
            }
        }
        pods
    }

    /// The pods that an object itself controls.
    pub fn pods_controlled_by<'a>(&'a self, owner: &Observed) -> impl Iterator<Item = PodRef<'a>> + use<'a> {
        self.entries(owner.uid()).filter_map(Entry::pod)
    }

    /// Whether a pod uses the claim.
    #[must_use]
    pub fn is_used(&self, claim: &Observed) -> bool {
        self.uses.contains_key(&(claim.namespace().to_owned(), claim.name().to_owned()))
    }

    /// The events of an object, the newest last.
    #[must_use]
    pub fn events_of(&self, object: &Observed) -> &[Event] {
        self.events.of(object.uid())
    }

    /// Whether the upgrade made the object, or changed its specification. That somebody else has scaled it is no change of the
    /// upgrade.
    #[must_use]
    pub fn is_changed(&self, object: &Observed) -> bool {
        let Some(before) = self.before.objects.get(object.uid()) else { return true };
        before.is_changed(object, || self.replicas.get(&Key::of(object)).copied())
    }

    /// Whether the object was made since the upgrade began.
    #[must_use]
    pub fn is_new(&self, object: &Observed) -> bool {
        !self.before.objects.contains_key(object.uid())
    }

    fn entries(&self, owner: &str) -> impl Iterator<Item = &Entry> + use<'_> {
        self.controlled.get(owner).into_iter().flatten().filter_map(|key| self.objects.get(key))
    }

    fn remove(&mut self, key: &Key) {
        let Some(entry) = self.objects.remove(key) else { return };
        for claim in entry.facts.iter().flat_map(|facts| &facts.claims) {
            let place = (key.namespace.clone(), claim.clone());
            if let Some(count) = self.uses.get_mut(&place) {
                *count -= 1;
                if *count == 0 {
                    self.uses.remove(&place);
                }
            }
        }
        let Some(owner) = entry.object.owner() else { return };
        if let Some(keys) = self.controlled.get_mut(&owner.uid) {
            keys.remove(key);
            if keys.is_empty() {
                self.controlled.remove(&owner.uid);
            }
        }
    }
}

impl Entry {
    fn pod(&self) -> Option<PodRef<'_>> {
        Some(PodRef { object: &self.object, facts: self.facts.as_deref()? })
    }
}

fn is_event(group: &str, kind: &str) -> bool {
    kind == "Event" && matches!(group, "" | "events.k8s.io")
}
