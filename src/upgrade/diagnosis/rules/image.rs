//! An image that can't be pulled: not there, not allowed, or its registry can't be reached.

use crate::upgrade::diagnosis::container::Container;
use crate::upgrade::diagnosis::evidence::{items, text};
use crate::upgrade::diagnosis::message::{after, has, has_any, quoted_after, short};
use crate::upgrade::diagnosis::{Cause, Evidence};

/// Reasons of a waiting container that tell of its image (`pkg/kubelet/images` of Kubernetes).
const REASONS: [&str; 6] = [
    "ErrImagePull",
    "ImagePullBackOff",
    "InvalidImageName",
    "ErrImageNeverPull",
    "RegistryUnavailable",
    "ImageInspectError",
];

/// How containerd, CRI-O, Docker and registries say why. What may mean two things comes first.
const KINDS: [(Why, &[&str]); 6] = [
    (Why::TooMany, &["toomanyrequests", "too many requests", "rate limit"]),
    (
        Why::NoRight,
        &[
            "401 unauthorized",
            "403 forbidden",
            "unauthorized",
            "authorization failed",
            "authentication required",
            "no basic auth credentials",
            "insufficient_scope",
            "pull access denied",
            "denied:",
            "access forbidden",
        ],
    ),
    (
        Why::Unreachable,
        &[
            "no such host",
            "connection refused",
            "i/o timeout",
            "connection reset",
            "network is unreachable",
            "no route to host",
            "tls handshake",
            "x509:",
            "server misbehaving",
            "context deadline exceeded",
            "client.timeout",
            "503 service unavailable",
            "502 bad gateway",
            "dial tcp",
            "http response to https client",
        ],
    ),
    (Why::Platform, &["no match for platform", "no matching manifest for", "no image found in manifest list"]),
    (
        Why::NotThere,
        &[
            "manifest unknown",
            "not found",
            "name unknown",
            "404",
            "does not exist",
            "no such image",
            "no such manifest",
        ],
    ),
    (Why::NoSpace, &["no space left on device"]),
];

#[derive(Clone, Copy, PartialEq, Eq)]
enum Why {
    NotThere,
    NoRight,
    Unreachable,
    Platform,
    TooMany,
    NoSpace,
}

pub(super) fn find(evidence: &Evidence) -> Vec<Cause> {
    let containers = evidence.containers();
    containers
        .iter()
        .filter(|container| REASONS.contains(&container.waiting().0))
        .map(|container| cause(evidence, container))
        .collect()
}

fn cause(evidence: &Evidence, container: &Container<'_>) -> Cause {
    let (reason, own) = container.waiting();
    let image = container.image();
    let what = format!("{}: the image {image} of container {}", evidence.workload(container.pod), container.name);
    let object = container.pod_name();
    match reason {
        "InvalidImageName" => {
            let hint = "an image is named REGISTRY/REPOSITORY:TAG, in lower case; look for an empty or doubled value";
            return Cause::certain(format!("{what} has a name that can't be read"), hint).on(object);
        }
        "ErrImageNeverPull" => {
            let hint = "set imagePullPolicy to IfNotPresent, or bring the image to the node";
            return Cause::certain(format!("{what} is not on the node, and imagePullPolicy is Never"), hint).on(object);
        }
        _ => {}
    }
    let message = message(evidence, container, own);
    let why = KINDS.iter().find(|(_, words)| has_any(message, words)).map(|(why, _)| *why);
    let words = if message.is_empty() { String::new() } else { format!(" ({})", short(message)) };
    let cause = match why {
        Some(Why::NotThere) => Cause::certain(
            format!("{what} is not in its registry{words}"),
            format!("check repository and tag of {image}; the image may not be pushed yet"),
        ),
        Some(Why::NoRight) => Cause::certain(
            format!("{what} may not be pulled, or is not there: {}{words}", pull_secret(evidence, container)),
            "check the name of the image, and the pull secret: imagePullSecrets of the pod or of its ServiceAccount, in the same namespace",
        ),
        Some(Why::Unreachable) => Cause::certain(
            format!("{what} can't be pulled: the node does not reach the registry{words}"),
            format!("check {} from a node: its name, its certificate, the proxy, the network", registry(image)),
        ),
        Some(Why::Platform) => Cause::certain(
            format!("{what} is not built for the node's platform{words}"),
            "build the image for that architecture too, or select other nodes with nodeSelector kubernetes.io/arch",
        ),
        Some(Why::TooMany) => Cause::certain(
            format!("{what} can't be pulled: the registry refuses so many requests{words}"),
            "log in with a pull secret, or pull through a mirror of the registry",
        ),
        Some(Why::NoSpace) => Cause::certain(
            format!("{what} does not fit on the node{words}"),
            "free disk space of the node, or use a smaller image",
        ),
        None => Cause::certain(
            format!("{what} can't be pulled{words}"),
            evidence.kubectl(&format!("describe pod {}", container.pod.name())) + " tells why",
        ),
    };
    cause.on(object)
}

/// The most telling message: that of the container, else of the pod's events about this image.
fn message<'a>(evidence: &'a Evidence, container: &Container<'a>, own: &'a str) -> &'a str {
    let tells = |text: &str| KINDS.iter().any(|(_, words)| has_any(text, words));
    let pulls = |text: &str| has_any(text, &["pull image", "pulling image", "image"]);
    let events: Vec<&str> =
        evidence.events_of(container.pod).map(|event| event.message.as_str()).filter(|text| pulls(text)).collect();
    // A pod of several containers has events of each.
    let of_image = |text: &&&str| has(text, container.image()) || !has(text, "image \"");
    let telling = events.iter().rev().filter(of_image).find(|text| tells(text)).copied();
    let chosen = if tells(own) { own } else { telling.unwrap_or(own) };
    after(chosen, "rpc error: code = ").and_then(|rest| after(rest, " desc = ")).unwrap_or(chosen)
}

/// Whether the pod has a pull secret at all, and one that is there.
fn pull_secret(evidence: &Evidence, container: &Container<'_>) -> String {
    let named: Vec<&str> =
        items(container.pod.at(&["spec", "imagePullSecrets"])).map(|secret| text(secret, "name")).collect();
    let missing = evidence
        .events_of(container.pod)
        .find_map(|event| (event.reason == "FailedToRetrieveImagePullSecret").then(|| quoted_or_list(&event.message)));
    match (named.as_slice(), missing) {
        (_, Some(missing)) => format!("its pull secret {missing} is not in the namespace"),
        ([], None) => "the pod has no pull secret".to_owned(),
        (some, None) => format!("its pull secret {} was not accepted", some.join(", ")),
    }
}

/// `Unable to retrieve some image pull secrets (a, b); attempting …`
fn quoted_or_list(message: &str) -> String {
    let list = after(message, "pull secrets (").and_then(|rest| rest.split(')').next());
    list.or_else(|| quoted_after(message, "secret")).unwrap_or("?").to_owned()
}

/// The registry of an image; Docker Hub where it names none.
fn registry(image: &str) -> &str {
    match image.split_once('/') {
        Some((first, _)) if first.contains(['.', ':']) || first == "localhost" => first,
        _ => "docker.io",
    }
}

#[cfg(test)]
mod tests {
    use super::super::super::scene::{found, pod, says, with};

    fn waiting(reason: &str, message: &str) -> String {
        pod("web-1", &format!("restartCount: 0, state: {{waiting: {{reason: {reason}, message: '{message}'}}}}"))
    }

    #[test]
    fn an_image_that_is_not_there() {
        let text = waiting(
            "ErrImagePull",
            "rpc error: code = NotFound desc = failed to pull and unpack image \"registry.example/web:1.2\": manifest unknown",
        );
        let told = says("image", &with(&[&text]));
        assert!(told.starts_with("deployment/web: the image registry.example/web:1.2 of container web is not in its registry (failed to pull"), "{told}");
        assert!(told.contains("check repository and tag"), "{told}");
    }

    #[test]
    fn a_back_off_is_explained_by_the_event_before() {
        let evidence = with(&[&waiting("ImagePullBackOff", "Back-off pulling image \"registry.example/web:1.2\"")])
            .event(
                "pod/web-1",
                "Failed",
                "Failed to pull image \"registry.example/web:1.2\": dial tcp: lookup registry.example: no such host",
            );
        let told = says("image", &evidence);
        assert!(
            told.contains("does not reach the registry") && told.contains("check registry.example from a node"),
            "{told}"
        );
    }

    #[test]
    fn without_a_right_the_pull_secret_is_asked_for() {
        let denied = "failed to authorize: 401 Unauthorized";
        assert!(says("image", &with(&[&waiting("ErrImagePull", denied)])).contains("the pod has no pull secret"));
        let text = waiting("ErrImagePull", denied).replace("spec:\n", "spec:\n  imagePullSecrets: [{name: regcred}]\n");
        assert!(says("image", &with(&[&text])).contains("its pull secret regcred was not accepted"));
        let evidence = with(&[&text]).event(
            "pod/web-1",
            "FailedToRetrieveImagePullSecret",
            "Unable to retrieve some image pull secrets (regcred); attempting to pull the image may not succeed.",
        );
        assert!(says("image", &evidence).contains("its pull secret regcred is not in the namespace"));
    }

    #[test]
    fn names_and_platforms_and_limits() {
        assert!(says("image", &with(&[&waiting("InvalidImageName", "")])).contains("a name that can"));
        assert!(
            says("image", &with(&[&waiting("ErrImagePull", "no match for platform in manifest: not found")]))
                .contains("not built for the node")
        );
        assert!(
            says(
                "image",
                &with(&[&waiting("ErrImagePull", "429 toomanyrequests: You have reached your pull rate limit")])
            )
            .contains("so many requests")
        );
    }

    #[test]
    fn an_unknown_message_is_quoted_and_not_guessed() {
        let told = says("image", &with(&[&waiting("ErrImagePull", "weird")]));
        assert!(told.contains("can't be pulled (weird) | kubectl describe pod web-1 -n shop tells why"), "{told}");
    }

    #[test]
    fn a_container_that_is_being_made_waits_for_no_image() {
        assert_eq!(found("image", &with(&[&waiting("ContainerCreating", "")])), []);
    }

    #[test]
    fn the_old_pods_of_a_deployment_are_not_of_this_upgrade() {
        let set = |name: &str, uid: &str, revision: u32| {
            format!(
                "apiVersion: apps/v1\nkind: ReplicaSet\nmetadata: {{name: {name}, namespace: shop, uid: {uid}, annotations: {{deployment.kubernetes.io/revision: '{revision}'}}, ownerReferences: [{{kind: Deployment, name: web, uid: d, controller: true}}]}}\n"
            )
        };
        let old = waiting("ErrImagePull", "manifest unknown");
        assert_eq!(found("image", &with(&[&old, &set("web-6d5f", "rs", 1), &set("web-77aa", "new", 2)])), []);
        assert_eq!(found("image", &with(&[&old, &set("web-6d5f", "rs", 2), &set("web-77aa", "older", 1)])).len(), 1);
    }
}
