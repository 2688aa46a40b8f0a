//! Whether traffic reaches the second release that a canary runs as: by the same Service as the stable one.
//!
//! Source: Kubernetes documentation, "Service" (selectors): it sends to the pods that have all of its labels.

use super::Service;
use crate::checks::{Check, Finding, Severity, Snapshot, capped};

const NAME: &str = "canary-service";

/// So many Services are told.
const MOST: usize = 5;

pub(crate) const CHECK: Check =
    Check::new(NAME, "whether a canary beside the stable release is behind the same Service", run)
        .worst(Severity::Blocker);

fn run(snapshot: &Snapshot<'_>) -> Vec<Finding> {
    let one = |severity, message: &str| Finding::new(NAME, severity, message);
    let Some(services) = snapshot.canary.and_then(|canary| canary.services.as_ref()) else {
        return vec![one(Severity::Pass, "it is no canary beside a stable release")];
    };
    if services.is_empty() {
        return vec![one(
            Severity::Info,
            "the stable release has no Service that selects its pods: what reaches them is not known",
        )];
    }
    let reached = |service: &&Service| snapshot.objects.new.iter().any(|object| service.selects(object));
    if services.iter().any(|service| reached(&service)) {
        return vec![one(Severity::Pass, "a Service of the stable release selects the pods of the canary")];
    }
    let told = services.iter().map(|service| {
        let labels: Vec<String> = service.selector.iter().map(|(key, value)| format!("{key}={value}")).collect();
        format!("service/{} selects {}", service.name, labels.join(","))
    });
    let message = "no Service of the stable release selects the pods of the canary: they get none of its traffic";
    let hint = "give its pods these labels by --canary-set, where the chart has values for that; or set weights instead of --keep-stable";
    vec![one(Severity::Blocker, message).seen_by(capped(told.collect(), MOST)).hint(hint)]
}
