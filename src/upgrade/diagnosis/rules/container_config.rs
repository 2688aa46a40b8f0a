//! A ConfigMap or Secret that a container needs is not there, or lacks a key.

use crate::upgrade::diagnosis::message::{after, has, quoted_after, short};
use crate::upgrade::diagnosis::{Cause, Evidence};

/// Reasons of a waiting container (`pkg/kubelet/container` of Kubernetes).
const REASONS: [&str; 3] = ["CreateContainerConfigError", "CreateContainerError", "RunContainerError"];

pub(super) fn find(evidence: &Evidence) -> Vec<Cause> {
    let containers = evidence.containers();
    let mut causes: Vec<Cause> = containers
        .iter()
        .filter_map(|container| {
            let (reason, message) = container.waiting();
            if !REASONS.contains(&reason) {
                return None;
            }
            let workload = evidence.workload(container.pod);
            let what = format!("{workload}: container {}", container.name);
            Some(cause(evidence, &what, message).on(container.pod_name()))
        })
        .collect();
    causes.extend(mounts(evidence));
    causes
}

/// Volumes of pods that can't be mounted: `MountVolume.SetUp failed for volume "v" : configmap "x" not found`
fn mounts(evidence: &Evidence) -> Vec<Cause> {
    let pods = evidence.pods();
    let waiting = pods.iter().filter(|pod| pod.text(&["status", "phase"]) == "Pending");
    let causes = waiting.filter_map(|pod| {
        let events = evidence.events_of(pod).filter(|event| event.reason == "FailedMount");
        let event = events
            .filter(|event| has(&event.message, "not found") || has(&event.message, "non-existent config key"))
            .last()?;
        let volume = quoted_after(&event.message, "for volume").map(|volume| format!(" {volume}")).unwrap_or_default();
        let what = format!("{}: the volume{volume}", evidence.workload(pod));
        Some(cause(evidence, &what, &event.message).on(format!("pod/{}", pod.name())))
    });
    causes.collect()
}

fn cause(evidence: &Evidence, what: &str, message: &str) -> Cause {
    if let Some((kind, name)) = missing(message) {
        let there = evidence.kubectl(&format!("get {}s", kind.to_lowercase()));
        let sentence = format!("{what} needs the {kind} {name}, which is not there");
        return Cause::certain(sentence, format!("make it, or correct its name in the values; what there is: {there}"));
    }
    if let Some((key, object)) = missing_key(message) {
        let sentence = format!("{what} needs the key {key} of {object}, which has no such key");
        return Cause::certain(sentence, "add the key, or correct its name in the values");
    }
    if has(message, "executable file not found") || has(message, "no such file or directory") {
        let sentence = format!("{what} can't be started: {}", short(message));
        return Cause::certain(
            sentence,
            "correct command and args in the values, or use the image that has the program",
        );
    }
    if has(message, "runAsNonRoot") {
        let sentence = format!("{what} would run as root, which its securityContext forbids");
        return Cause::certain(
            sentence,
            "set runAsUser to another number than 0, or use an image whose user is not root",
        );
    }
    Cause::certain(
        format!("{what} can't be set up: {}", short(message)),
        "correct what the message names, in the values or the chart",
    )
}

/// `configmap "x" not found`, `secret "shop/x" not found`
fn missing(message: &str) -> Option<(&'static str, &str)> {
    [("configmap", "ConfigMap"), ("secret", "Secret")].into_iter().find_map(|(word, kind)| {
        let name = quoted_after(message, word).filter(|name| has(message, &format!("{word} \"{name}\" not found")))?;
        Some((kind, name.rsplit('/').next().unwrap_or(name)))
    })
}

/// `couldn't find key PASSWORD in Secret shop/web`; of a volume: `references non-existent config key: app.conf`
fn missing_key(message: &str) -> Option<(&str, String)> {
    if let Some(key) = after(message, "references non-existent config key: ") {
        return Some((key.split_whitespace().next()?, "its ConfigMap".to_owned()));
    }
    let rest = after(message, "couldn't find key ")?;
    let mut words = rest.split_whitespace();
    let key = words.next()?;
    let (kind, place) = (words.nth(1)?, words.next()?);
    let name = place.rsplit('/').next().unwrap_or(place).trim_matches('"');
    Some((key, format!("{kind} {name}")))
}

#[cfg(test)]
mod tests {
    use super::super::super::scene::{found, pod, says, with};

    fn waiting(message: &str) -> String {
        let message = message.replace('\'', "''");
        pod(
            "web-1",
            &format!(
                "restartCount: 0, state: {{waiting: {{reason: CreateContainerConfigError, message: '{message}'}}}}"
            ),
        )
    }

    #[test]
    fn a_missing_config_map_is_named() {
        let told = says("container-config", &with(&[&waiting("configmap \"settings\" not found")]));
        assert_eq!(
            told,
            "deployment/web: container web needs the ConfigMap settings, which is not there | make it, or correct its name in the values; what there is: kubectl get configmaps -n shop"
        );
    }

    #[test]
    fn a_missing_key_is_named() {
        let told = says("container-config", &with(&[&waiting("couldn't find key PASSWORD in Secret shop/db")]));
        assert!(
            told.starts_with(
                "deployment/web: container web needs the key PASSWORD of Secret db, which has no such key | "
            ),
            "{told}"
        );
    }

    #[test]
    fn a_volume_without_its_secret_is_told_by_an_event() {
        let pending = pod("web-1", "restartCount: 0, state: {waiting: {reason: ContainerCreating}}")
            .replace("phase: Running", "phase: Pending");
        let evidence = with(&[&pending]).event(
            "pod/web-1",
            "FailedMount",
            "MountVolume.SetUp failed for volume \"tls\" : secret \"web-tls\" not found",
        );
        assert!(
            says("container-config", &evidence)
                .starts_with("deployment/web: the volume tls needs the Secret web-tls, which is not there")
        );
    }

    #[test]
    fn a_program_that_is_not_in_the_image() {
        let told = says(
            "container-config",
            &with(&[&waiting("exec: \"serve\": executable file not found in $PATH: unknown")]),
        );
        assert!(told.contains("correct command and args"), "{told}");
    }

    #[test]
    fn a_mount_that_waits_for_its_disk_is_something_else() {
        let pending = pod("web-1", "restartCount: 0").replace("phase: Running", "phase: Pending");
        let evidence = with(&[&pending]).event(
            "pod/web-1",
            "FailedMount",
            "Unable to attach or mount volumes: timed out waiting for the condition",
        );
        assert_eq!(found("container-config", &evidence), []);
    }
}
