//! Admission: a webhook, a policy or the Pod Security Standard refused an object, or a webhook could not be asked.

use crate::upgrade::diagnosis::message::{after, between, line_with, quoted_after, short};
use crate::upgrade::diagnosis::{Cause, Evidence};

pub(super) fn find(evidence: &Evidence) -> Vec<Cause> {
    let causes = evidence.complaints().filter_map(|(object, text)| {
        let cause = denied(text)
            .or_else(|| not_called(evidence, text))
            .or_else(|| policy(text))
            .or_else(|| pod_security(text))?;
        Some(match object {
            Some(object) => cause.on(object),
            None => cause,
        })
    });
    causes.take(5).collect()
}

/// `admission webhook "x" denied the request: message`
fn denied(text: &str) -> Option<Cause> {
    let line = line_with(text, "denied the request")?;
    let webhook = quoted_after(line, "admission webhook")?;
    let why = after(line, "denied the request: ").map(short);
    let why = why.unwrap_or_else(|| "no reason given".to_owned());
    Some(Cause::certain(
        format!("the admission webhook {webhook} denied the request: {why}"),
        "change the values so that the policy is kept, or ask those who keep it",
    ))
}

/// `failed calling webhook "x": … service "y" not found`
fn not_called(evidence: &Evidence, text: &str) -> Option<Cause> {
    let line = line_with(text, "failed calling webhook")?;
    let webhook = quoted_after(line, "failed calling webhook")?;
    let why = after(line, &format!("\"{webhook}\": ")).map(short).unwrap_or_default();
    let see = evidence.kubectl("get validatingwebhookconfigurations,mutatingwebhookconfigurations");
    let see = see.split(" -n ").next().unwrap_or_default().to_owned();
    Some(Cause::certain(
        format!("the admission webhook {webhook} could not be asked: {why}"),
        format!("bring what serves it back to life, then upgrade again; {see}"),
    ))
}

/// `ValidatingAdmissionPolicy 'x' with binding 'y' denied request: message`
fn policy(text: &str) -> Option<Cause> {
    let line = line_with(text, "denied request: ")?;
    let name = between(line, "ValidatingAdmissionPolicy '", "'")?;
    let why = after(line, "denied request: ").map(short)?;
    Some(Cause::certain(
        format!("the admission policy {name} denied the request: {why}"),
        "change the values so that the policy is kept, or ask those who keep it",
    ))
}

/// `violates PodSecurity "restricted:latest": allowPrivilegeEscalation != false (…)`
fn pod_security(text: &str) -> Option<Cause> {
    let line = line_with(text, "violates PodSecurity")?;
    // A warning of Helm's is no refusal.
    if line.contains("would violate PodSecurity") || !line.contains("forbidden") {
        return None;
    }
    let level = quoted_after(line, "violates PodSecurity")?;
    let why = after(line, &format!("\"{level}\": ")).map(short).unwrap_or_default();
    Some(Cause::certain(
        format!("the namespace takes only pods of the Pod Security Standard {level}: {why}"),
        "set the pods' securityContext in the values, as the standard asks for",
    ))
}

#[cfg(test)]
mod tests {
    use super::super::super::scene::{found, said, says, web};

    #[test]
    fn a_webhook_that_denies_is_named_with_its_words() {
        let text = "Error: UPGRADE FAILED: cannot patch \"web\" with kind Deployment: admission webhook \"policy.example.com\" denied the request: no limits";
        assert!(
            says("admission", &said(text))
                .starts_with("the admission webhook policy.example.com denied the request: no limits | ")
        );
    }

    #[test]
    fn a_webhook_that_is_down_needs_another_remedy() {
        let text = "Internal error occurred: failed calling webhook \"v.example.com\": failed to call webhook: Post \"https://w.ops.svc:443/v\": service \"w\" not found";
        let told = says("admission", &said(text));
        assert!(told.contains("could not be asked: failed to call webhook") && told.contains("back to life"), "{told}");
    }

    #[test]
    fn pods_that_a_namespace_does_not_take_are_told_by_an_event() {
        let message = "Error creating: pods \"web-1\" is forbidden: violates PodSecurity \"restricted:latest\": runAsNonRoot != true (pod or container \"web\" must set securityContext.runAsNonRoot=true)";
        let told = says("admission", &web().event("replicaset/web-6d5f", "FailedCreate", message));
        assert!(
            told.starts_with(
                "the namespace takes only pods of the Pod Security Standard restricted:latest: runAsNonRoot"
            ),
            "{told}"
        );
    }

    #[test]
    fn a_warning_about_pod_security_refuses_nothing() {
        assert_eq!(
            found("admission", &said("W1 warnings.go:70] would violate PodSecurity \"restricted:latest\": x")),
            []
        );
    }
}
