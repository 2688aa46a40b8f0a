//! The decisions of a canary: a release that is upgraded in steps, each a guarded upgrade, of which only the last is marked as proven.
//!
//! [`kept`] is what is known of it from one run to the next, [`next`] says what to do, and [`pods`] what each step asks for.

pub mod event;
pub mod kept;
pub mod next;
pub mod pods;

use jiff::SignedDuration;
use serde::{Deserialize, Serialize};

/// The label of a revision that a step has made: `<revision>.<canary>-<step>`. Helm copies it to later revisions, where it does not
/// count.
pub use crate::release::marks::STEP as LABEL;

/// More steps are no plan that somebody wrote.
pub const MOST_STEPS: usize = 50;

/// One step.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct Step {
    /// What it sets, for a reader: `replicaCount=1`.
    pub title: String,
    /// The same as Helm's `--set` takes it.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub set: Vec<String>,
    /// The same as Helm's `--set-json` takes it.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub set_json: Vec<String>,
    /// The number of pods, where that is what it sets.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub replicas: Option<u32>,
    /// Whether the command ends after it, until somebody promotes it.
    #[serde(default)]
    pub pause: bool,
    /// Whether somebody is asked after it.
    #[serde(default)]
    pub confirm: bool,
    /// What is asked of this step alone.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub gates: Option<Gates>,
}

/// What is asked of one step, instead of what is asked of all.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct Gates {
    /// `--test`.
    pub test: Option<bool>,
    /// `--gate-cmd`.
    pub commands: Option<Vec<String>>,
    /// `--gate-http`.
    pub http: Option<Vec<String>>,
    /// `--gate-prometheus`: address, query, comparison, number.
    pub prometheus: Option<Vec<[String; 4]>>,
    /// `--soak`.
    pub soak: Option<SignedDuration>,
}

impl Step {
    /// A step to this number of pods.
    #[must_use]
    pub fn to_replicas(key: &str, count: u32) -> Self {
        let set = format!("{key}={count}");
        Self { title: set.clone(), set: vec![set], replicas: Some(count), ..Self::default() }
    }
}

/// The values of all steps up to this one: what a step does not say stays as the step before has it.
#[must_use]
pub fn values(steps: &[Step], at: usize) -> (Vec<String>, Vec<String>) {
    let until = &steps[..steps.len().min(at + 1)];
    let all = |of: fn(&Step) -> &Vec<String>| until.iter().flat_map(of).cloned().collect();
    (all(|step| &step.set), all(|step| &step.set_json))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_a_step_does_not_say_stays_as_the_step_before_has_it() {
        let step = |set: &str| Step { set: vec![set.to_owned()], ..Step::default() };
        let steps = [step("canary.enabled=true,weight=1"), step("weight=50"), step("weight=100")];
        assert_eq!(values(&steps, 1).0, ["canary.enabled=true,weight=1", "weight=50"]);
        assert_eq!(values(&steps, 9).0.len(), 3);
        assert_eq!(Step::to_replicas("web.replicas", 3).set, ["web.replicas=3"]);
    }
}
