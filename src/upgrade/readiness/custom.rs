//! Custom resources: what their conditions say.
//!
//! `Reconciling`, `Stalled` and the observed generation are looked at before (kstatus: `checkGenericProperties`). Of the conditions below,
//! all that are there must be true; kstatus knows `Ready` alone. Where none is there, kstatus takes the object for current; here
//! it is unverified.

use super::{Readiness, Subject, said};
use crate::manifest::node::Node;

/// Conditions that mean that all is well, as their names say.
const WELL: [&str; 3] = ["Ready", "Available", "Healthy"];

pub(super) fn resource(subject: &Subject<'_>) -> Readiness {
    let object = subject.object;
    let said_here: Vec<_> = WELL.iter().filter_map(|name| Some((*name, object.condition(name)?))).collect();
    for (name, condition) in &said_here {
        let stale = condition.number("observedGeneration").is_some_and(|observed| observed < object.generation());
        if stale {
            return Readiness::Waiting("its controller has not seen the change yet".to_owned());
        }
        if !condition.is_true() {
            return Readiness::Waiting(said(&format!("is not {}", name.to_lowercase()), condition.text("message")));
        }
    }
    if !said_here.is_empty() {
        return Readiness::Ready;
    }
    let empty = object.at(&["status"]).is_none_or(Node::is_empty);
    let text = if empty { "has no status" } else { "its status does not say whether it is ready" };
    Readiness::Unverified(text.to_owned())
}
