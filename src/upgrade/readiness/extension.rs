//! What makes the API larger: custom resource definitions, API services, namespaces.

use super::{Readiness, Subject, said};

/// It is established. (kstatus: `crdConditions`)
pub(super) fn definition(subject: &Subject<'_>) -> Readiness {
    let condition = |name| subject.object.condition(name);
    if let Some(names) = condition("NamesAccepted").filter(|condition| condition.is_false()) {
        return Readiness::Failed(said("its names are not accepted", names.text("message")));
    }
    match condition("Established") {
        Some(established) if established.is_true() => Readiness::Ready,
        Some(refused) if refused.is_false() && refused.text("reason") != "Installing" => {
            Readiness::Failed(said("is not established", refused.text("message")))
        }
        _ => Readiness::Waiting("is not established yet".to_owned()),
    }
}

/// It is available. (k8s.io/kube-aggregator, pkg/apis/apiregistration: `Available`)
pub(super) fn api_service(subject: &Subject<'_>) -> Readiness {
    match subject.object.condition("Available") {
        Some(available) if available.is_true() => Readiness::Ready,
        Some(other) => Readiness::Waiting(said("is not available", other.text("message"))),
        None => Readiness::Waiting("is not available yet".to_owned()),
    }
}

/// It is active.
pub(super) fn namespace(subject: &Subject<'_>) -> Readiness {
    match subject.object.text(&["status", "phase"]) {
        "Active" => Readiness::Ready,
        _ => Readiness::Waiting("is not active yet".to_owned()),
    }
}
