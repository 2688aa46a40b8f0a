//! What the rules need of a pod, read once when it changes, so that ten thousand pods are judged in milliseconds.

use jiff::Timestamp;

use super::events::one_line;
use crate::manifest::node::{Node, Number, Value};
use crate::manifest::observed::{Condition, Observed};

/// So many characters of a container's message are kept.
const MESSAGE: usize = 500;

/// Why a container waits for its image. (k8s.io/kubernetes, pkg/kubelet/images/types.go)
const PULL_ERRORS: [&str; 5] =
    ["ErrImagePull", "ImagePullBackOff", "ImageInspectError", "RegistryUnavailable", "SignatureValidationFailed"];

/// A pod as the rules see it.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct PodFacts {
    /// As in `Running`.
    pub phase: String,
    /// Its condition `Ready` is true.
    pub ready: bool,
    /// It is on its way out.
    pub leaving: bool,
    /// The node that it is on; empty before it has one.
    pub node: String,
    /// Something outside of it ends it, as a drain, a preemption or the loss of its node.
    pub disrupted: bool,
    /// The scheduler found no node for it: what it says.
    pub unschedulable: Option<String>,
    /// It is started anew whenever it ends.
    pub lives_on: bool,
    /// The claims that it mounts.
    pub claims: Vec<String>,
    /// Why it failed as a whole, as in `Evicted`.
    pub reason: String,
    /// And in words.
    pub message: String,
    /// Its containers, the init containers first.
    pub containers: Vec<ContainerFacts>,
}

/// A container of a pod.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct ContainerFacts {
    /// Its name.
    pub name: String,
    /// Its image, as the pod says it.
    pub image: String,
    /// Whether it is an init container; one that is restarted always is a sidecar.
    pub init: bool,
    /// A sidecar: an init container that lives on.
    pub sidecar: bool,
    /// It is ready.
    pub ready: bool,
    /// How often it was restarted.
    pub restarts: i64,
    /// Why it waits, as in `CrashLoopBackOff`; empty if it does not.
    pub waiting: String,
    /// What the kubelet says besides.
    pub message: String,
    /// Why the image could not be pulled when it was last tried.
    pub pull_error: String,
    /// It runs.
    pub running: bool,
    /// How it ended last, as in `exit code 1` or `OOMKilled`.
    pub ended: Option<Ended>,
    /// Its image could not be pulled, and is tried again.
    pub image_trouble: bool,
    /// How often it was seen to go into `ImagePullBackOff`.
    pub back_offs: u32,
    /// For how many seconds its probes allow it not to be ready.
    pub allowance: i64,
}

/// How a container ended.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Ended {
    /// Its exit code.
    pub exit_code: i64,
    /// As in `OOMKilled`.
    pub reason: String,
    /// What it left as its termination message.
    pub message: String,
    /// When it had begun, by the node's clock.
    pub started: Option<Timestamp>,
}

impl PodFacts {
    /// Reads a pod. `before` is what was known of the same pod.
    pub(super) fn read(pod: &Observed, before: Option<&Self>) -> Self {
        let scheduled = pod.condition("PodScheduled");
        let unschedulable = scheduled
            .filter(|condition| condition.is_false() && condition.text("reason") == "Unschedulable")
            .map(|condition| one_line(condition.text("message"), MESSAGE));
        let mut facts = Self {
            phase: pod.text(&["status", "phase"]).to_owned(),
            ready: pod.condition("Ready").is_some_and(Condition::is_true),
            leaving: pod.is_deleting(),
            node: pod.text(&["spec", "nodeName"]).to_owned(),
            disrupted: is_disrupted(pod),
            unschedulable,
            lives_on: !matches!(pod.text(&["spec", "restartPolicy"]), "Never" | "OnFailure"),
            claims: claims(pod),
            reason: one_line(pod.text(&["status", "reason"]), 128),
            message: one_line(pod.text(&["status", "message"]), MESSAGE),
            containers: Vec::new(),
        };
        for (init, statuses, specs) in
            [(true, "initContainerStatuses", "initContainers"), (false, "containerStatuses", "containers")]
        {
            let specs = pod.at(&["spec", specs]).and_then(Node::as_list).unwrap_or_default();
            let statuses = pod.at(&["status", statuses]).and_then(Node::as_list).unwrap_or_default();
            for status in statuses {
                let name = text(status, &["name"]);
                let spec = specs.iter().find(|spec| text(spec, &["name"]) == name);
                let known = before.and_then(|facts| facts.containers.iter().find(|c| c.init == init && c.name == name));
                facts.containers.push(ContainerFacts::read(status, spec, init, known));
            }
        }
        facts
    }
}

impl ContainerFacts {
    fn read(status: &Node, spec: Option<&Node>, init: bool, before: Option<&Self>) -> Self {
        let state = |key: &str| status.find(&["state", key]);
        let waiting = state("waiting").map(|waiting| text(waiting, &["reason"])).unwrap_or_default().to_owned();
        let ended = [&["state", "terminated"], &["lastState", "terminated"]];
        let ended = ended.iter().find_map(|path| status.find(&path[..])).map(|ended| Ended {
            exit_code: number(ended, &["exitCode"]).unwrap_or_default(),
            reason: one_line(text(ended, &["reason"]), 128),
            message: one_line(text(ended, &["message"]), MESSAGE),
            started: text(ended, &["startedAt"]).parse().ok(),
        });
        let message = state("waiting").map(|state| one_line(text(state, &["message"]), MESSAGE)).unwrap_or_default();
        let image_trouble = PULL_ERRORS.contains(&&*waiting);
        let in_back_off = waiting == "ImagePullBackOff";
        let was = before.is_some_and(|before| before.waiting == "ImagePullBackOff");
        let image = spec.map(|spec| text(spec, &["image"])).filter(|image| !image.is_empty());
        let sidecar = init && spec.is_some_and(|spec| text(spec, &["restartPolicy"]) == "Always");
        Self {
            name: one_line(text(status, &["name"]), 128),
            image: one_line(image.unwrap_or_else(|| text(status, &["image"])), MESSAGE),
            init,
            sidecar,
            ready: status.get("ready").and_then(Node::as_bool) == Some(true),
            restarts: number(status, &["restartCount"]).unwrap_or_default(),
            pull_error: match &*waiting {
                "ImagePullBackOff" => before.map_or_else(String::new, |before| before.pull_error.clone()),
                _ if image_trouble => message.clone(),
                _ => String::new(),
            },
            image_trouble,
            message,
            waiting,
            running: state("running").is_some(),
            ended,
            back_offs: before.map_or(0, |before| before.back_offs).saturating_add(u32::from(in_back_off && !was)),
            allowance: spec.map_or(0, allowance),
        }
    }
}

/// For how many seconds the probes allow a container not to be ready: the startup probe runs out first, and then the
/// longer of the two others, each with `initialDelaySeconds + periodSeconds × failureThreshold`. The defaults are those of
/// `SetDefaults_Probe` (k8s.io/kubernetes, pkg/apis/core/v1/defaults.go): every 10 s, 3 failures.
fn allowance(spec: &Node) -> i64 {
    let of = |name: &str| {
        spec.find(&[name]).map_or(0, |probe| {
            let field = |key: &str, default: i64| number(probe, &[key]).filter(|n| *n >= 0).unwrap_or(default);
            let failures = field("periodSeconds", 10).saturating_mul(field("failureThreshold", 3));
            field("initialDelaySeconds", 0).saturating_add(failures)
        })
    };
    of("startupProbe").saturating_add(of("readinessProbe").max(of("livenessProbe")))
}

/// Whether a condition says that something outside of the pod ends it (k8s.io/api, core/v1/types.go: `DisruptionTarget`). One that a
/// kubelet evicts may have taken too much by itself.
fn is_disrupted(pod: &Observed) -> bool {
    pod.condition("DisruptionTarget").is_some_and(Condition::is_true) && pod.text(&["status", "reason"]) != "Evicted"
}

/// The names of the claims that a pod mounts: those it names, and those made for its generic ephemeral volumes.
fn claims(pod: &Observed) -> Vec<String> {
    let volumes = pod.at(&["spec", "volumes"]).and_then(Node::as_list).unwrap_or_default();
    let named = |volume: &Node| {
        let claim = text(volume, &["persistentVolumeClaim", "claimName"]);
        let made = volume.find(&["ephemeral"]).map(|_| format!("{}-{}", pod.name(), text(volume, &["name"])));
        if claim.is_empty() { made } else { Some(claim.to_owned()) }
    };
    volumes.iter().filter_map(named).collect()
}

fn text<'a>(node: &'a Node, path: &[&str]) -> &'a str {
    node.find(path).and_then(Node::as_str).unwrap_or_default()
}

fn number(node: &Node, path: &[&str]) -> Option<i64> {
    match node.find(path)?.value() {
        Value::Number(Number::Int(number)) => Some(*number),
        _ => None,
    }
}
