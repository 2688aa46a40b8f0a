//! Whether what new pods refer to is there: config maps, secrets, service accounts, claims, pull secrets. What the chart itself
//! brings counts, and so does what the reference calls optional.
//!
//! Sources: without its service account a pod is refused (k8s.io/kubernetes, plugin/pkg/admission/serviceaccount); without a
//! volume's object or a variable's it does not start (Kubernetes documentation, "ConfigMaps", "Secrets"); without a pull secret
//! the kubelet pulls all the same (pkg/kubelet, `getPullSecretsForPod`).

use std::collections::{BTreeMap, BTreeSet, HashMap, HashSet};

use super::makers::{Makers, sets};
use crate::checks::scene::{Scene, items, listed, string};
use crate::checks::wanted::{ListedKind, Wanted};
use crate::checks::{Check, Finding, Proposal, Severity, Snapshot};
use crate::diff::workload;
use crate::manifest::document::Object;
use crate::manifest::node::Node;
use crate::manifest::observed::Observed;

const NAME: &str = "references";

pub(crate) const CHECK: Check =
    Check::new(NAME, "config maps, secrets, service accounts and claims that new pods refer to", run)
        .worst(Severity::Blocker)
        .rights("list configmaps, secrets, serviceaccounts, persistentvolumeclaims in the namespace; metadata only")
        .wants(wants);

/// What is referred to.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(super) enum What {
    ConfigMap,
    Secret,
    ServiceAccount,
    Claim,
    PullSecret,
}

impl What {
    fn kind(self) -> &'static str {
        match self {
            Self::ConfigMap => "ConfigMap",
            Self::Secret | Self::PullSecret => "Secret",
            Self::ServiceAccount => "ServiceAccount",
            Self::Claim => "PersistentVolumeClaim",
        }
    }

    fn wanted(self, namespace: &str) -> Wanted {
        let kind = match self {
            Self::ConfigMap => ListedKind::new("", "v1", "configmaps", "ConfigMap"),
            Self::Secret | Self::PullSecret => ListedKind::new("", "v1", "secrets", "Secret"),
            Self::ServiceAccount => ListedKind::new("", "v1", "serviceaccounts", "ServiceAccount"),
            Self::Claim => ListedKind::new("", "v1", "persistentvolumeclaims", "PersistentVolumeClaim"),
        };
        Wanted::within(kind.metadata(), namespace)
    }

    /// What happens to a pod without it.
    fn consequence(self) -> &'static str {
        match self {
            Self::ServiceAccount => "its pods are refused",
            Self::Claim => "its pods are never scheduled",
            Self::PullSecret => "images are pulled without it",
            Self::ConfigMap | Self::Secret => "its pods do not start",
        }
    }
}

/// The claims of a namespace.
pub(super) fn claims(namespace: &str) -> Wanted {
    What::Claim.wanted(namespace)
}

/// An object that pods refer to and the chart does not bring: namespace, what, name.
type Key<'a> = (&'a str, What, &'a str);

/// Who refers to it.
#[derive(Default)]
struct Users {
    names: Vec<String>,
    /// Whether pods are made that need it, and not only some that stay.
    new: bool,
    /// A hook that runs before the chart's objects are there.
    early: bool,
}

fn wants(proposal: &Proposal<'_>) -> Vec<Wanted> {
    needs(&Scene::proposed(proposal)).keys().map(|(namespace, what, _)| what.wanted(namespace)).collect()
}

fn run(snapshot: &Snapshot<'_>) -> Vec<Finding> {
    let scene = Scene::of(snapshot);
    let needs = needs(&scene);
    let (mut findings, mut unseen) = (Vec::new(), BTreeMap::new());
    let mut present: BTreeMap<Wanted, Result<HashMap<&str, &Observed>, &str>> = BTreeMap::new();
    let (leaving, makers) = (leaving(&scene), Makers::of(&scene));
    for (&(namespace, what, name), users) in &needs {
        let there = present.entry(what.wanted(namespace)).or_insert_with_key(|wanted| {
            snapshot.lists.get(wanted).map(|all| all.iter().map(|one| (one.name(), one)).collect())
        });
        let leaves = leaving.contains(&(what.kind(), namespace, name));
        match there {
            Err(reason) => {
                let unseen = unseen.entry((namespace, what.kind()));
                unseen.or_insert_with(|| ((*reason).to_owned(), Vec::new())).1.push(name);
            }
            Ok(there) => match there.get(name) {
                Some(live) if !leaves || live.is_kept() => {}
                None if !users.new => {}
                live => findings.push(missing((namespace, what, name), users, live.is_some(), &makers)),
            },
        }
    }
    for ((namespace, kind), (reason, names)) in unseen {
        let names: Vec<String> = names.into_iter().map(str::to_owned).collect();
        let message = format!("whether {kind} {} is there in namespace {namespace}: {reason}", listed(&names));
        findings.push(Finding::new(NAME, Severity::Unknown, message));
    }
    findings.extend(keys(&scene));
    if findings.is_empty() {
        let message = match needs.len() {
            0 => "new pods refer to nothing but what the chart brings",
            _ => "all that new pods refer to is there",
        };
        findings.push(Finding::new(NAME, Severity::Pass, message));
    }
    findings
}

fn missing((namespace, what, name): Key<'_>, users: &Users, leaves: bool, makers: &Makers<'_>) -> Finding {
    let consequence = what.consequence();
    let (mut severity, mut message) = match leaves {
        true => {
            (Severity::Warning, format!("the upgrade deletes it, and it is still used: {consequence} once it is gone"))
        }
        false => (Severity::Blocker, format!("it is neither in the cluster nor in the chart: {consequence}")),
    };
    let mut evidence = vec![format!("used by {}", listed(&users.names))];
    if what == What::PullSecret {
        severity = Severity::Warning;
    } else if users.early && !leaves {
        message = format!("a hook needs it before the upgrade makes it, and it is not there yet: {consequence}");
    } else if let Some(maker) = makers.may_make(what, name).filter(|_| !leaves) {
        severity = Severity::Warning;
        message = "it is neither in the cluster nor in the chart, and may be made by something else".to_owned();
        evidence.push(maker);
    }
    let hint = match leaves {
        true => "keep it with the annotation helm.sh/resource-policy: keep, or change what uses it".to_owned(),
        false => format!("make it in namespace {namespace} first, or correct the name in the values"),
    };
    Finding::new(NAME, severity, message).about(format!("{}/{name}", what.kind())).seen_by(evidence).hint(hint)
}

/// What the upgrade deletes, but for what is kept in the cluster: kind, namespace, name.
fn leaving<'a>(scene: &Scene<'a>) -> HashSet<(&'a str, &'a str, &'a str)> {
    let gone = scene.gone.iter().filter(|object| object.id.group.is_empty());
    gone.map(|object| (object.id.kind.as_str(), scene.namespace_of(object), object.id.name.as_str())).collect()
}

/// What new pods need and the chart does not bring.
fn needs<'a>(scene: &Scene<'a>) -> BTreeMap<Key<'a>, Users> {
    let brought = |hooks_only: bool| -> HashSet<(&str, &str, &str)> {
        let objects = scene.all.iter().filter(|object| !hooks_only || workload::is_hook(object));
        let core = objects.filter(|object| object.id.group.is_empty());
        core.map(|object| (object.id.kind.as_str(), scene.namespace_of(object), object.id.name.as_str())).collect()
    };
    let (in_chart, in_hooks, sets) = (brought(false), brought(true), sets(scene));
    let leaving = leaving(scene);
    let mut needs: BTreeMap<Key<'a>, Users> = BTreeMap::new();
    let mut add = |object: &'a Object, spec: &'a Node, stays: bool, early: bool| {
        let namespace = scene.namespace_of(object);
        for (what, name) in of_pod(spec) {
            let key = (what.kind(), namespace, name);
            let comes = in_chart.contains(&key)
                || (what == What::Claim && sets.iter().any(|set| set.namespace == namespace && set.claims(name)));
            let is_known = if early { in_hooks.contains(&key) } else { comes };
            if is_known || is_everywhere(what, name) || (stays && !leaving.contains(&key)) {
                continue;
            }
            let users = needs.entry((namespace, what, name)).or_default();
            users.names.push(object.id.to_string());
            users.new |= !stays;
            users.early |= early && comes;
        }
    };
    for workload in scene.workloads() {
        // Pods that stay as they are need nothing new, but what goes is missing once they start again.
        add(workload.pair.new, workload.spec, !workload.starts_pods(), false);
    }
    for (hook, early) in scene.hooks(true).map(|hook| (hook, true)).chain(scene.hooks(false).map(|hook| (hook, false)))
    {
        if let Some(spec) = workload::pod_spec(hook) {
            add(hook, spec, false, early);
        }
    }
    needs
}

/// What the control plane makes in each namespace.
fn is_everywhere(what: What, name: &str) -> bool {
    matches!((what, name), (What::ServiceAccount, "default") | (What::ConfigMap, "kube-root-ca.crt"))
}

/// All that a pod refers to and cannot do without, each once.
fn of_pod(spec: &Node) -> BTreeSet<(What, &str)> {
    let mut found = BTreeSet::new();
    for container in workload::containers(spec).map(|container| container.node) {
        for source in items(container, &["envFrom"]) {
            found.extend(reference(What::ConfigMap, source.find(&["configMapRef"]), "name"));
            found.extend(reference(What::Secret, source.find(&["secretRef"]), "name"));
        }
        for variable in items(container, &["env"]) {
            found.extend(reference(What::ConfigMap, variable.find(&["valueFrom", "configMapKeyRef"]), "name"));
            found.extend(reference(What::Secret, variable.find(&["valueFrom", "secretKeyRef"]), "name"));
        }
    }
    for volume in items(spec, &["volumes"]) {
        found.extend(reference(What::ConfigMap, volume.find(&["configMap"]), "name"));
        found.extend(reference(What::Secret, volume.find(&["secret"]), "secretName"));
        found.extend(reference(What::Claim, volume.find(&["persistentVolumeClaim"]), "claimName"));
        for source in items(volume, &["projected", "sources"]) {
            found.extend(reference(What::ConfigMap, source.find(&["configMap"]), "name"));
            found.extend(reference(What::Secret, source.find(&["secret"]), "name"));
        }
    }
    for secret in items(spec, &["imagePullSecrets"]) {
        found.extend(reference(What::PullSecret, Some(secret), "name"));
    }
    let account = string(spec, &["serviceAccountName"]).or_else(|| string(spec, &["serviceAccount"]));
    found.extend(account.filter(|name| !name.is_empty()).map(|name| (What::ServiceAccount, name)));
    found
}

/// What is referred to, unless that is optional.
fn reference<'a>(what: What, of: Option<&'a Node>, key: &str) -> Option<(What, &'a str)> {
    let of = of.filter(|of| of.find(&["optional"]).and_then(Node::as_bool) != Some(true))?;
    Some((what, string(of, &[key]).filter(|name| !name.is_empty())?))
}

/// Keys that variables take from config maps and secrets of the chart which these do not have. Whoever else writes to the
/// object may add them.
fn keys(scene: &Scene<'_>) -> Vec<Finding> {
    let mut content: BTreeMap<(&str, &str, &str), HashSet<&str>> = BTreeMap::new();
    for pair in scene.of_kind("", "ConfigMap").chain(scene.of_kind("", "Secret")) {
        let maps = ["data", "binaryData", "stringData"].map(|key| pair.new.node.find(&[key]).and_then(Node::as_map));
        let keys = maps.into_iter().flatten().flatten().map(|(key, _)| &**key).collect();
        content.insert((pair.namespace, pair.new.id.kind.as_str(), pair.new.id.name.as_str()), keys);
    }
    let mut lacking: BTreeMap<(&str, &str, &str), Vec<String>> = BTreeMap::new();
    for workload in scene.workloads().filter(|workload| workload.starts_pods()) {
        let containers = workload::containers(workload.spec).map(|container| container.node);
        for variable in containers.flat_map(|container| items(container, &["env"])) {
            for (kind, from) in [("ConfigMap", "configMapKeyRef"), ("Secret", "secretKeyRef")] {
                let Some((_, name)) = reference(What::Secret, variable.find(&["valueFrom", from]), "name") else {
                    continue;
                };
                let key = string(variable, &["valueFrom", from, "key"]).unwrap_or_default();
                let lacks = content.get(&(workload.pair.namespace, kind, name)).is_some_and(|keys| !keys.contains(key));
                if lacks {
                    lacking.entry((kind, name, key)).or_default().push(workload.pair.new.id.to_string());
                }
            }
        }
    }
    let finding = |((kind, name, key), users): ((&str, &str, &str), Vec<String>)| {
        let message =
            format!("the chart puts no key {key} into it, and new pods take a variable from that: they do not start");
        let evidence = vec![format!("used by {}", listed(&crate::checks::scene::distinct(users)))];
        Finding::new(NAME, Severity::Warning, message).about(format!("{kind}/{name}")).seen_by(evidence)
    };
    lacking.into_iter().map(finding).collect()
}
