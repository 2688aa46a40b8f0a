//! `stalled`: an object says by its own conditions that it has failed: `Stalled`, or, of a custom resource definition, that its names
//! are not accepted. (kstatus: `checkGenericProperties`, `crdConditions`)
//!
//! Grace: `--fail-fast-after`, as controllers try again.

use super::{Found, Suspect};
use crate::upgrade::readiness::Readiness;

pub(super) const RULE: &str = "stalled";

pub(super) fn find<'a>(suspect: &Suspect<'a>, found: &mut Vec<Found<'a>>) {
    // These have rules of their own.
    let own = matches!((&*suspect.key.group, &*suspect.key.kind), (_, "Deployment") | ("batch", "Job") | ("", "Pod"));
    if let (false, Readiness::Failed(message)) = (own, suspect.readiness) {
        found.push(Found::of_object(RULE, message.clone(), suspect.patience.fail_fast_after));
    }
}
