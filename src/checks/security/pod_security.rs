//! Whether new pods keep to the Pod Security level of their namespace. The API server takes a Deployment whatever its pods do,
//! and refuses the pods (Kubernetes documentation, "Pod Security Admission").

use std::collections::{BTreeMap, BTreeSet, HashMap};

use crate::checks::scene::{Scene, Workload, is, string};
use crate::checks::trial::{Outcome, Trial, Trials};
use crate::checks::wanted::{ListedKind, Wanted};
use crate::checks::{Check, Finding, Proposal, Severity, Snapshot, capped};
use crate::diff::workload;

use super::standards::{Level, violations};

const NAME: &str = "pod-security";

pub(crate) const CHECK: Check =
    Check::new(NAME, "whether new pods keep to the Pod Security level of their namespace", run)
        .worst(Severity::Blocker)
        .rights("get the namespace")
        .wants(wants);

const NAMESPACES: ListedKind = ListedKind::new("", "v1", "namespaces", "Namespace");
const ENFORCE: &str = "pod-security.kubernetes.io/enforce";
const VERSION: &str = "pod-security.kubernetes.io/enforce-version";
const WARN: &str = "pod-security.kubernetes.io/warn";

/// How the API server's warning starts.
const WOULD_VIOLATE: &str = "would violate PodSecurity";

/// So many violations of a workload are told.
const MOST: usize = 8;

fn wants(proposal: &Proposal<'_>) -> Vec<Wanted> {
    let scene = Scene::proposed(proposal);
    new_pods(&scene).map(|workload| Wanted::one(NAMESPACES, workload.pair.namespace)).collect()
}

fn new_pods<'s, 'a: 's>(scene: &'s Scene<'a>) -> impl Iterator<Item = Workload<'a>> + 's {
    scene.workloads().filter(Workload::starts_pods)
}

fn run(snapshot: &Snapshot<'_>) -> Vec<Finding> {
    let scene = Scene::of(snapshot);
    let trials = Tried::of(snapshot, &scene);
    let mut findings = Vec::new();
    let mut unseen: BTreeMap<&str, String> = BTreeMap::new();
    let mut said: BTreeSet<Key<'_>> = BTreeSet::new();
    let mut any = false;
    for workload in new_pods(&scene) {
        any = true;
        match level(snapshot, &scene, workload.pair.namespace) {
            Err(reason) => _ = unseen.insert(workload.pair.namespace, reason),
            Ok(None) => {}
            Ok(Some(enforced)) => {
                let finding = judge(&workload, &enforced, trials.says(&workload, &enforced));
                said.extend(finding.iter().map(|_| key(&workload)));
                findings.extend(finding);
            }
        }
    }
    findings.extend(warned(&scene, &trials, &said));
    for (namespace, reason) in unseen {
        let message = format!("the Pod Security level of namespace {namespace}: {reason}");
        findings.push(Finding::new(NAME, Severity::Unknown, message));
    }
    if findings.is_empty() {
        let message =
            if any { "new pods keep to the Pod Security level of their namespace" } else { "no new pods are made" };
        findings.push(Finding::new(NAME, Severity::Pass, message));
    }
    findings
}

/// The level that a namespace enforces.
struct Enforced {
    level: Level,
    /// Whether it is that of an older version.
    pinned: bool,
    /// Whether the server warns of all that it would refuse: a level that is warned of and is less strict hides it.
    is_warned_of: bool,
}

/// The level that a namespace enforces; none where everything is allowed.
fn level(snapshot: &Snapshot<'_>, scene: &Scene<'_>, namespace: &str) -> Result<Option<Enforced>, String> {
    let of = |enforce: &str, version: &str, warn: &str| {
        let level = Level::of(enforce)?;
        let is_warned_of = warn == "restricted" || warn == level.word();
        Some(Enforced { level, pinned: !version.is_empty() && version != "latest", is_warned_of })
    };
    let own = scene.all.iter().find(|object| is(&object.id, "", "Namespace") && object.id.name == namespace);
    let label = |name| own.and_then(|own| string(&own.node, &["metadata", "labels", name]));
    if let Some(enforce) = label(ENFORCE) {
        // The chart may change it only now, so that the dry run does not see it yet.
        return Ok(of(enforce, label(VERSION).unwrap_or_default(), ""));
    }
    let there = snapshot.lists.get(&Wanted::one(NAMESPACES, namespace)).map_err(str::to_owned)?;
    let Some(namespace) = there.first() else { return Ok(None) };
    Ok(of(namespace.label(ENFORCE), namespace.label(VERSION), namespace.label(WARN)))
}

/// What the dry run of a workload says of its pods.
enum Answer {
    /// They would be refused.
    Refused,
    /// They would be let in.
    LetIn,
    /// It says nothing of what is enforced.
    Silent,
    /// There was none: why.
    Untried(String),
}

type Key<'a> = (&'a str, &'a str, &'a str);

fn key<'a>(workload: &Workload<'a>) -> Key<'a> {
    (workload.pair.new.id.kind.as_str(), workload.pair.namespace, workload.pair.new.id.name.as_str())
}

/// The dry runs by what they are of.
struct Tried<'a> {
    by_key: HashMap<Key<'a>, &'a Trial>,
    missing: Option<&'a str>,
}

impl<'a> Tried<'a> {
    fn of(snapshot: &'a Snapshot<'_>, scene: &Scene<'a>) -> Self {
        let (trials, missing) = match &snapshot.trials {
            Ok(trials) => (Some(trials), None),
            Err(reason) => (None, Some(reason.as_str())),
        };
        let key = |trial: &'a Trial| {
            let namespace = trial.id.namespace.as_deref().unwrap_or(scene.namespace);
            ((trial.id.kind.as_str(), namespace, trial.id.name.as_str()), trial)
        };
        Self { by_key: trials.into_iter().flat_map(Trials::applied).map(key).collect(), missing }
    }

    fn says(&self, workload: &Workload<'a>, enforced: &Enforced) -> Answer {
        let Some(trial) = self.by_key.get(&key(workload)) else {
            return Answer::Untried(self.missing.unwrap_or("it was not tried").to_owned());
        };
        match &trial.outcome {
            Outcome::Accepted if would_violate(trial).is_some() => Answer::Refused,
            Outcome::Accepted if enforced.is_warned_of => Answer::LetIn,
            Outcome::Accepted => Answer::Silent,
            Outcome::Refused(_) => Answer::Silent,
            Outcome::Unserved => Answer::Untried("the server does not serve its kind".to_owned()),
            Outcome::Untried(reason) => Answer::Untried(reason.clone()),
        }
    }
}

fn would_violate(trial: &Trial) -> Option<&String> {
    trial.warnings.iter().find(|warning| warning.contains(WOULD_VIOLATE))
}

fn judge(workload: &Workload<'_>, enforced: &Enforced, answer: Answer) -> Option<Finding> {
    let of =
        |object| workload::template(object).map(|template| violations(template, enforced.level)).unwrap_or_default();
    let (now, before) = (of(workload.pair.new), workload.pair.old.map(of).unwrap_or_default());
    if now.is_empty() {
        return None;
    }
    // Pods that run although they are not allowed to may be exempt, or older than the label.
    let new = now.difference(&before).next().is_some();
    let word = enforced.level.word();
    let enforces = format!("the namespace enforces the Pod Security level {word}");
    let (severity, message) = match answer {
        // The server has looked at the object as its webhooks leave it, and knows who is exempt.
        Answer::LetIn => return None,
        Answer::Untried(reason) if new => {
            let message =
                format!("{enforces}, whose rules its pods break, and whether the server lets them in: {reason}");
            (Severity::Unknown, message)
        }
        _ if !new => {
            let message =
                format!("{enforces}, and refuses its pods, unless they are exempt: they were like this before");
            (Severity::Warning, message)
        }
        _ if enforced.pinned => {
            (Severity::Warning, format!("{enforces}, in an older version, which may refuse its pods"))
        }
        Answer::Refused => (Severity::Blocker, format!("{enforces}, and refuses its pods")),
        _ => (
            Severity::Warning,
            format!("{enforces}, and refuses its pods, unless they are exempt or a webhook mends them"),
        ),
    };
    let evidence = capped(now.into_iter().collect(), MOST);
    let finding = Finding::new(NAME, severity, message).about(workload.pair.new.id.to_string()).seen_by(evidence);
    Some(finding.hint("set the securityContext of pod and containers, or ask for another level of the namespace"))
}

/// What the API server itself warned of in the dry run, as the namespace wants it to be warned of. As before, nobody need be told.
fn warned(scene: &Scene<'_>, trials: &Tried<'_>, said: &BTreeSet<Key<'_>>) -> Vec<Finding> {
    let workloads: HashMap<Key<'_>, Workload<'_>> =
        scene.workloads().map(|workload| (key(&workload), workload)).collect();
    let mut tried: Vec<_> = trials.by_key.iter().filter(|(key, _)| !said.contains(*key)).collect();
    tried.sort_by_key(|(key, _)| **key);
    let about = tried.into_iter().filter_map(|(key, trial)| {
        let warning = would_violate(trial)?;
        let level = if warning.contains("\"baseline:") { Level::Baseline } else { Level::Restricted };
        let of = |object| workload::template(object).map(|template| violations(template, level)).unwrap_or_default();
        let old = workloads.get(key).and_then(|workload| Some((of(workload.pair.old?), of(workload.pair.new))));
        if old.is_some_and(|(before, now)| now.is_subset(&before)) {
            return None;
        }
        let message = "the API server takes it, and warns of its pods: they break rules that the namespace warns of";
        let finding = Finding::new(NAME, Severity::Warning, message).about(trial.id.to_string());
        Some(finding.seen_by(vec![warning.clone()]))
    });
    about.collect()
}
