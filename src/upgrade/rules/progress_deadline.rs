//! `progress-deadline`: a Deployment made no progress within its own `progressDeadlineSeconds`.
//!
//! Looks at the condition `Progressing` with the reason `ProgressDeadlineExceeded`, once the controller has seen the newest
//! specification (k8s.io/kubernetes, pkg/controller/deployment/progress.go).
//!
//! Grace: 5 s, as the condition may still be that of the revision before.

use jiff::SignedDuration;

use super::{Found, Suspect, because};

pub(super) const RULE: &str = "progress-deadline";

pub(super) fn find<'a>(suspect: &Suspect<'a>, found: &mut Vec<Found<'a>>) {
    let object = suspect.object;
    let seen = object.number(&["status", "observedGeneration"]) == Some(object.generation());
    if suspect.key.kind != "Deployment" || !seen {
        return;
    }
    let exceeded = object
        .condition("Progressing")
        .filter(|condition| condition.is_false() && condition.text("reason") == "ProgressDeadlineExceeded");
    if let Some(condition) = exceeded {
        let message = because("made no progress within its deadline".to_owned(), condition.text("message"));
        found.push(Found::of_object(RULE, message, SignedDuration::from_secs(5)));
    }
}
