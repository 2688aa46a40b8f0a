//! A container as its pod has it: what it was told to run and how it fares.

use crate::manifest::node::{Node, Number, Value};
use crate::manifest::observed::{Observed, at};
use crate::upgrade::diagnosis::evidence::{items, text};

/// A container of a pod.
#[derive(Clone, Copy)]
pub struct Container<'a> {
    /// The pod.
    pub pod: &'a Observed,
    /// The container's name.
    pub name: &'a str,
    /// Whether it runs before the others.
    pub init: bool,
    /// Its entry in the pod's specification.
    pub spec: &'a Node,
    status: Option<&'a Node>,
}

/// How a container ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Exit<'a> {
    /// The exit code.
    pub code: i64,
    /// As in `OOMKilled` or `Error`.
    pub reason: &'a str,
    /// What it left as a last message.
    pub message: &'a str,
}

/// The containers of a pod, those that run first in front.
pub fn of(pod: &Observed) -> Vec<Container<'_>> {
    let kinds = [("initContainers", "initContainerStatuses", true), ("containers", "containerStatuses", false)];
    let containers = kinds.into_iter().flat_map(|(specs, statuses, init)| {
        items(pod.at(&["spec", specs])).map(move |spec| {
            let name = text(spec, "name");
            let status = items(pod.at(&["status", statuses])).find(|status| text(status, "name") == name);
            Container { pod, name, init, spec, status }
        })
    });
    containers.collect()
}

impl<'a> Container<'a> {
    /// The image as it was asked for.
    #[must_use]
    pub fn image(&self) -> &'a str {
        text(self.spec, "image")
    }

    /// Why it waits: reason and message; empty texts where it does not.
    #[must_use]
    pub fn waiting(&self) -> (&'a str, &'a str) {
        let waiting = self.status.and_then(|status| at(status, &["state", "waiting"]));
        waiting.map_or(("", ""), |waiting| (text(waiting, "reason"), text(waiting, "message")))
    }

    /// How it ended, now or before its last restart.
    #[must_use]
    pub fn exit(&self) -> Option<Exit<'a>> {
        let status = self.status?;
        let ended = at(status, &["state", "terminated"]).or_else(|| at(status, &["lastState", "terminated"]))?;
        Some(Exit {
            code: number(ended, "exitCode").unwrap_or_default(),
            reason: text(ended, "reason"),
            message: text(ended, "message"),
        })
    }

    /// Whether it has ended, is not started again, or waits long to be.
    #[must_use]
    pub fn crashes(&self) -> bool {
        let ended = self.status.and_then(|status| at(status, &["state", "terminated"]));
        let failed = ended.is_some_and(|ended| number(ended, "exitCode") != Some(0));
        failed || self.waiting().0 == "CrashLoopBackOff"
    }

    /// How often it was started again.
    #[must_use]
    pub fn restarts(&self) -> i64 {
        self.status.and_then(|status| number(status, "restartCount")).unwrap_or_default()
    }

    /// Whether it runs.
    #[must_use]
    pub fn runs(&self) -> bool {
        self.status.is_some_and(|status| at(status, &["state", "running"]).is_some())
    }

    /// Whether it is ready.
    #[must_use]
    pub fn is_ready(&self) -> bool {
        self.status.and_then(|status| status.get("ready")).and_then(Node::as_bool) == Some(true)
    }

    /// Whether it is over and ended well.
    #[must_use]
    pub fn is_done(&self) -> bool {
        let ended = self.status.and_then(|status| at(status, &["state", "terminated"]));
        ended.is_some_and(|ended| number(ended, "exitCode") == Some(0))
    }

    /// `pod/NAME`.
    #[must_use]
    pub fn pod_name(&self) -> String {
        format!("pod/{}", self.pod.name())
    }
}

/// The whole number at a key.
#[must_use]
pub fn number(node: &Node, key: &str) -> Option<i64> {
    match node.get(key)?.value() {
        Value::Number(Number::Int(number)) => Some(*number),
        _ => None,
    }
}
