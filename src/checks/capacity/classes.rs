//! Whether the classes that the new objects name are there: of storage, of priority, of ingress, of container runtimes.
//!
//! Sources: a pod of a missing PriorityClass or RuntimeClass is refused (k8s.io/kubernetes, plugin/pkg/admission/priority and
//! .../runtimeclass); a claim of a missing StorageClass waits, unless a volume of that class is there, which need not have a class of
//! that name (Kubernetes documentation, "Persistent Volumes").

use std::collections::{BTreeMap, HashSet};

use crate::checks::scene::{Scene, items, listed, string};
use crate::checks::wanted::{ListedKind, Wanted};
use crate::checks::{Check, Finding, Proposal, Severity, Snapshot};
use crate::manifest::node::Node;
use crate::manifest::observed::Observed;

const NAME: &str = "classes";

pub(crate) const CHECK: Check =
    Check::new(NAME, "storage, priority, ingress and runtime classes that new objects name", run)
        .worst(Severity::Blocker)
        .rights("list storageclasses, persistentvolumes, priorityclasses, ingressclasses, runtimeclasses")
        .wants(wants);

const VOLUMES: ListedKind = ListedKind::new("", "v1", "persistentvolumes", "PersistentVolume");

/// The annotation with which claims named their class before there was a field.
const OLD_CLAIM: &str = "volume.beta.kubernetes.io/storage-class";

/// The annotations of a class that stands for those who name none.
const DEFAULT: [&str; 2] =
    ["storageclass.kubernetes.io/is-default-class", "storageclass.beta.kubernetes.io/is-default-class"];

#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
enum What {
    Storage,
    Priority,
    Runtime,
    Ingress,
}

impl What {
    fn kind(self) -> (&'static str, ListedKind) {
        let of = ListedKind::new;
        match self {
            Self::Storage => ("StorageClass", of("storage.k8s.io", "v1", "storageclasses", "StorageClass").metadata()),
            Self::Priority => {
                ("PriorityClass", of("scheduling.k8s.io", "v1", "priorityclasses", "PriorityClass").metadata())
            }
            Self::Runtime => ("RuntimeClass", of("node.k8s.io", "v1", "runtimeclasses", "RuntimeClass").metadata()),
            Self::Ingress => {
                ("IngressClass", of("networking.k8s.io", "v1", "ingressclasses", "IngressClass").metadata())
            }
        }
    }
}

/// What is named, and by whom. An empty name stands for the default class.
type Needs<'a> = BTreeMap<(What, &'a str), Vec<String>>;

fn wants(proposal: &Proposal<'_>) -> Vec<Wanted> {
    let needs = needs(&Scene::proposed(proposal));
    let volumes = needs.keys().any(|(what, _)| *what == What::Storage).then(|| Wanted::all(VOLUMES));
    needs.keys().map(|(what, _)| Wanted::all(what.kind().1)).chain(volumes).collect()
}

fn run(snapshot: &Snapshot<'_>) -> Vec<Finding> {
    let scene = Scene::of(snapshot);
    let needs = needs(&scene);
    let mut findings = Vec::new();
    let mut unseen: BTreeMap<&str, (String, Vec<String>)> = BTreeMap::new();
    for ((what, name), users) in &needs {
        let (kind, listed_kind) = what.kind();
        match snapshot.lists.get(&Wanted::all(listed_kind)) {
            Err(reason) => unseen.entry(kind).or_insert_with(|| (reason.to_owned(), Vec::new())).1.push(shown(name)),
            Ok(there) if is_there(*what, name, there) => {}
            Ok(_) if *what == What::Storage => findings.extend(storage(snapshot, name, users)),
            Ok(_) => findings.push(missing(*what, name, users)),
        }
    }
    for (kind, (reason, names)) in unseen {
        let message = format!("whether {kind} {} is there: {reason}", listed(&names));
        findings.push(Finding::new(NAME, Severity::Unknown, message));
    }
    if findings.is_empty() {
        let message = match needs.len() {
            0 => "new objects name no classes but the chart's own",
            _ => "all classes that new objects name are there",
        };
        findings.push(Finding::new(NAME, Severity::Pass, message));
    }
    findings
}

fn shown(name: &str) -> String {
    if name.is_empty() { "of the default".to_owned() } else { name.to_owned() }
}

fn is_there(what: What, name: &str, there: &[Observed]) -> bool {
    // An ingress without a class is served by whoever serves all.
    match what {
        What::Storage if name.is_empty() => {
            there.iter().any(|class| DEFAULT.iter().any(|annotation| class.annotation(annotation) == "true"))
        }
        _ => there.iter().any(|class| class.name() == name),
    }
}

fn missing(what: What, name: &str, users: &[String]) -> Finding {
    let (kind, _) = what.kind();
    let (severity, message, hint) = match what {
        What::Ingress => (
            Severity::Warning,
            "there is no such class: unless its controller goes by the name alone, nobody serves it",
            "kubectl get ingressclass",
        ),
        What::Runtime => (Severity::Blocker, "there is no such class: pods are refused", "kubectl get runtimeclass"),
        _ => (Severity::Blocker, "there is no such class: pods are refused", "kubectl get priorityclass"),
    };
    let finding = Finding::new(NAME, severity, message).about(format!("{kind}/{name}"));
    finding.seen_by(vec![format!("named by {}", listed(users))]).hint(format!("{hint} shows which there are"))
}

/// A claim of a class that is missing is bound where a volume says that it is of that class.
fn storage(snapshot: &Snapshot<'_>, name: &str, users: &[String]) -> Option<Finding> {
    let about = match name.is_empty() {
        true => "StorageClass".to_owned(),
        false => format!("StorageClass/{name}"),
    };
    let evidence = vec![format!("named by {}", listed(users))];
    let free = |volume: &Observed| {
        volume.text(&["spec", "storageClassName"]) == name && volume.text(&["status", "phase"]) == "Available"
    };
    let finding = match snapshot.lists.get(&Wanted::all(VOLUMES)) {
        Ok(volumes) if volumes.iter().any(free) => return None,
        Ok(_) if name.is_empty() => {
            let message =
                "the claim names no class, and the cluster has no default one: it waits for a volume made by hand";
            Finding::new(NAME, Severity::Warning, message).seen_by(vec![format!("wanted by {}", listed(users))])
        }
        Ok(_) => {
            let message =
                "there is no such class, and no free volume of it: claims wait for ever, and their pods with them";
            Finding::new(NAME, Severity::Blocker, message).seen_by(evidence)
        }
        Err(reason) => {
            let message = format!("there is no such class, and whether a volume says it is of it: {reason}");
            Finding::new(NAME, Severity::Unknown, message).seen_by(evidence)
        }
    };
    Some(finding.about(about).hint("kubectl get storageclass shows which there are"))
}

/// What new objects name and the chart does not bring.
fn needs<'a>(scene: &Scene<'a>) -> Needs<'a> {
    let brought: HashSet<(&str, &str)> =
        scene.all.iter().map(|object| (object.id.kind.as_str(), object.id.name.as_str())).collect();
    let volumes: HashSet<&str> = scene
        .of_kind("", "PersistentVolume")
        .map(|pair| string(&pair.new.node, &["spec", "storageClassName"]).unwrap_or_default())
        .collect();
    let mut needs = Needs::new();
    let mut add = |what: What, name: &'a str, user: String| {
        let in_chart = brought.contains(&(what.kind().0, name)) || (what == What::Storage && volumes.contains(name));
        let of_the_system = what == What::Priority && name.starts_with("system-");
        if !in_chart && !of_the_system {
            needs.entry((what, name)).or_default().push(user);
        }
    };
    for pair in scene.of_kind("", "PersistentVolumeClaim").filter(|pair| pair.old.is_none()) {
        if let Some(class) = class_of_claim(&pair.new.node) {
            add(What::Storage, class, pair.new.id.to_string());
        }
    }
    for pair in scene.of_kind("networking.k8s.io", "Ingress") {
        let (old, new) = (pair.old.and_then(|old| class_of_ingress(&old.node)), class_of_ingress(&pair.new.node));
        if let Some(class) = new.filter(|_| old != new) {
            add(What::Ingress, class, pair.new.id.to_string());
        }
    }
    for workload in scene.workloads().filter(|workload| workload.starts_pods()) {
        let user = || workload.pair.new.id.to_string();
        for (what, key) in [(What::Priority, "priorityClassName"), (What::Runtime, "runtimeClassName")] {
            if let Some(class) = string(workload.spec, &[key]).filter(|class| !class.is_empty()) {
                add(what, class, user());
            }
        }
        if workload.pair.old.is_none() {
            let claims = items(&workload.pair.new.node, &["spec", "volumeClaimTemplates"]);
            claims.iter().filter_map(class_of_claim).for_each(|class| add(What::Storage, class, user()));
        }
    }
    for hook in scene.hooks(true).chain(scene.hooks(false)) {
        let spec = crate::diff::workload::pod_spec(hook);
        for (what, key) in [(What::Priority, "priorityClassName"), (What::Runtime, "runtimeClassName")] {
            if let Some(class) = spec.and_then(|spec| string(spec, &[key])).filter(|class| !class.is_empty()) {
                add(what, class, hook.id.to_string());
            }
        }
    }
    needs
}

/// The class of a claim; empty for the default one, none where it wants none or a volume that it names.
fn class_of_claim(claim: &Node) -> Option<&str> {
    if string(claim, &["spec", "volumeName"]).is_some() {
        return None;
    }
    let said = string(claim, &["metadata", "annotations", OLD_CLAIM]);
    match said.or_else(|| string(claim, &["spec", "storageClassName"])) {
        // It says that it wants a volume without a class.
        Some("") => None,
        Some(class) => Some(class),
        None => Some(""),
    }
}

/// The annotation of old takes no class: a controller goes by the name alone.
fn class_of_ingress(ingress: &Node) -> Option<&str> {
    string(ingress, &["spec", "ingressClassName"]).filter(|class| !class.is_empty())
}
