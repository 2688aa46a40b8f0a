//! What is known of a release at one moment: the input of all rules.

use std::collections::{HashMap, HashSet};

use jiff::Timestamp;

use crate::manifest::node::Node;
use crate::manifest::observed::Observed;
use crate::upgrade::diagnosis::container::{self, Container};

/// What is known of a release. All texts are masked already.
#[derive(Clone, Debug, Default)]
pub struct Evidence {
    /// The release's name.
    pub release: String,
    /// Its namespace.
    pub namespace: String,
    /// The revision that is looked at; 0 if there is none yet.
    pub revision: u32,
    /// Its status as Helm spells it; empty if unknown.
    pub status: String,
    /// Its description, where Helm notes why it failed.
    pub description: String,
    /// All revisions, the oldest first.
    pub history: Vec<Revision>,
    /// The objects of the release and of its pods, and what they depend on: ReplicaSets, claims, nodes, quotas, slices.
    pub objects: Vec<Observed>,
    /// Events of those objects.
    pub events: Vec<Event>,
    /// The ends of logs.
    pub logs: Vec<Log>,
    /// What Helm printed.
    pub helm_output: String,
    /// Who is at work on the release, as its lease says.
    pub owner: Option<Owner>,
    /// What the upgrade changed.
    pub changes: Changes,
    /// The rollback, where one was tried.
    pub rollback: Option<Rollback>,
    /// The objects that are not ready, and what each waits for.
    pub waits: Vec<Wait>,
    /// When all this was looked at.
    pub now: Option<Timestamp>,
}

/// A revision of the history.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Revision {
    /// Its number.
    pub revision: u32,
    /// Its status as Helm spells it.
    pub status: String,
    /// Whether it was proven good.
    pub proven: bool,
    /// The size of its record as stored, in bytes, where that is known.
    pub bytes: Option<usize>,
}

/// An event of an object.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Event {
    /// The kind of the object it tells of, as in `Pod`.
    pub kind: String,
    /// The object's name.
    pub name: String,
    /// As in `FailedScheduling`.
    pub reason: String,
    /// The message.
    pub message: String,
    /// Whether its type is `Warning`.
    pub warning: bool,
    /// How often it was seen.
    pub count: i64,
    /// When it was seen last.
    pub last: Option<Timestamp>,
}

/// The end of what a container wrote.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Log {
    /// The pod's name.
    pub pod: String,
    /// The container's name.
    pub container: String,
    /// Whether it is of the run before the last restart.
    pub previous: bool,
    /// The lines.
    pub text: String,
}

/// Who holds the release's lease.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Owner {
    /// As the holder calls itself.
    pub holder: String,
    /// Since when, as to be shown.
    pub since: String,
}

/// What the upgrade changed, and with what it was made.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Changes {
    /// The files with values that the user named.
    pub values_files: Vec<String>,
    /// Whether the user's values are those of the revision before; `None` if unknown.
    pub same_values: Option<bool>,
    /// Whether the manifest is that of the revision before; `None` if unknown.
    pub same_manifest: Option<bool>,
    /// Values given that the chart's defaults have no place for, as `image.tga`, with the most similar one there is.
    pub unknown_keys: Vec<(String, Option<String>)>,
    /// Whether `--reuse-values` was given.
    pub reuse_values: bool,
    /// The chart as it was and as it is, as `web-1.2.0`; empty if unknown.
    pub charts: (String, String),
    /// The chart as it was named on the command line; empty if unknown.
    pub chart_argument: String,
}

/// An object that is not ready.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Wait {
    /// The object, as `deployment/web`.
    pub object: String,
    /// What it waits for, or why it failed.
    pub why: String,
}

/// A rollback that was tried.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Rollback {
    /// The revision gone back to.
    pub target: u32,
    /// Whether it ended well.
    pub succeeded: bool,
}

impl Evidence {
    /// What Helm said: its output and the description that it left.
    pub fn said(&self) -> impl Iterator<Item = &str> {
        [self.helm_output.as_str(), self.description.as_str()].into_iter().filter(|text| !text.is_empty())
    }

    /// The first text of Helm with this in it, in any case of letters.
    #[must_use]
    pub fn said_that(&self, part: &str) -> Option<&str> {
        self.said().find(|text| super::message::has(text, part))
    }

    /// What Helm said, then the messages of events that warn, and those of workloads that can't make pods.
    pub fn complaints(&self) -> impl Iterator<Item = (Option<String>, &str)> {
        let said = self.said().map(|text| (None, text));
        let events = self.events.iter().filter(|event| event.warning);
        let events = events.map(|event| (Some(named(&event.kind, &event.name)), event.message.as_str()));
        let failures = self.objects.iter().filter_map(|object| {
            let failure = object.condition("ReplicaFailure").filter(|condition| condition.is_true())?;
            Some((Some(name_of(object)), failure.text("message")))
        });
        said.chain(events).chain(failures)
    }

    /// The objects of a kind.
    pub fn of_kind<'a>(&'a self, kind: &'a str) -> impl Iterator<Item = &'a Observed> {
        self.objects.iter().filter(move |object| object.text(&["kind"]) == kind)
    }

    /// The object of this kind and name in the release's namespace.
    #[must_use]
    pub fn object(&self, kind: &str, name: &str) -> Option<&Observed> {
        self.objects.iter().find(|object| object.text(&["kind"]) == kind && object.name() == name)
    }

    /// The pods of what is rolled out now: neither those of older ReplicaSets nor those on their way out.
    #[must_use]
    pub fn pods(&self) -> Vec<&Observed> {
        let stale = self.stale_owners();
        let is_stale = |pod: &Observed| pod.owner().is_some_and(|owner| stale.contains(owner.uid.as_str()));
        self.of_kind("Pod").filter(|pod| !pod.is_deleting() && !is_stale(pod)).collect()
    }

    /// The uids of ReplicaSets that are not the newest of their Deployment.
    fn stale_owners(&self) -> HashSet<&str> {
        let number = |set: &Observed| set.annotation("deployment.kubernetes.io/revision").parse::<u64>().unwrap_or(0);
        let mut newest: HashMap<String, u64> = HashMap::new();
        let sets: Vec<_> =
            self.of_kind("ReplicaSet").filter_map(|set| Some((set.owner()?.uid, number(set), set.uid()))).collect();
        for (owner, revision, _) in &sets {
            let highest = newest.entry(owner.clone()).or_default();
            *highest = (*highest).max(*revision);
        }
        sets.into_iter()
            .filter(|(owner, revision, _)| newest.get(owner) != Some(revision))
            .map(|(_, _, uid)| uid)
            .collect()
    }

    /// The containers of those pods.
    #[must_use]
    pub fn containers(&self) -> Vec<Container<'_>> {
        self.pods().into_iter().flat_map(container::of).collect()
    }

    /// Events of an object, the newest last.
    pub fn events_of<'a>(&'a self, object: &'a Observed) -> impl Iterator<Item = &'a Event> {
        let (kind, name) = (object.text(&["kind"]), object.name());
        self.events.iter().filter(move |event| event.kind == kind && event.name == name)
    }

    /// What made a pod, as `deployment/web`; the pod itself where nothing did.
    #[must_use]
    pub fn workload(&self, pod: &Observed) -> String {
        let Some(owner) = pod.owner() else { return name_of(pod) };
        if owner.kind != "ReplicaSet" {
            return named(&owner.kind, &owner.name);
        }
        if let Some(above) = self.object("ReplicaSet", &owner.name).and_then(Observed::owner) {
            return named(&above.kind, &above.name);
        }
        let hash = pod.label("pod-template-hash");
        match owner.name.strip_suffix(hash).and_then(|name| name.strip_suffix('-')) {
            Some(deployment) if !hash.is_empty() => named("Deployment", deployment),
            _ => named("ReplicaSet", &owner.name),
        }
    }

    /// The log of a container that tells why it ended: of the run before, if there is one.
    #[must_use]
    pub fn log(&self, pod: &str, container: &str) -> Option<&Log> {
        let of = |previous| {
            let is = move |log: &&Log| log.pod == pod && log.container == container && log.previous == previous;
            self.logs.iter().find(is).filter(|log| !log.text.trim().is_empty())
        };
        of(true).or_else(|| of(false))
    }

    /// `kubectl WORDS -n NAMESPACE`, ready to copy.
    #[must_use]
    pub fn kubectl(&self, words: &str) -> String {
        format!("kubectl {words}{}", self.in_namespace())
    }

    /// `helm WORDS -n NAMESPACE`, ready to copy.
    #[must_use]
    pub fn helm(&self, words: &str) -> String {
        format!("helm {words}{}", self.in_namespace())
    }

    fn in_namespace(&self) -> String {
        if self.namespace.is_empty() { String::new() } else { format!(" -n {}", self.namespace) }
    }

    /// The chart as a user names it in the next command.
    #[must_use]
    pub fn chart(&self) -> &str {
        if self.changes.chart_argument.is_empty() { "CHART" } else { &self.changes.chart_argument }
    }
}

/// `deployment/web` of an object.
#[must_use]
pub fn name_of(object: &Observed) -> String {
    named(object.text(&["kind"]), object.name())
}

/// `deployment/web`.
#[must_use]
pub fn named(kind: &str, name: &str) -> String {
    format!("{}/{name}", kind.to_lowercase())
}

/// The entries of a list at these keys; none where there is no list.
pub fn items(node: Option<&Node>) -> impl Iterator<Item = &Node> {
    node.and_then(Node::as_list).unwrap_or_default().iter()
}

/// The text at a key; empty where there is none.
#[must_use]
pub fn text<'a>(node: &'a Node, key: &str) -> &'a str {
    node.get(key).and_then(Node::as_str).unwrap_or_default()
}
