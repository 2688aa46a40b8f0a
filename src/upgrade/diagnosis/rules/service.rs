//! A Service that leads nowhere: its selector matches no pod, or its port is none of theirs.

use crate::manifest::node::Node;
use crate::manifest::observed::Observed;
use crate::upgrade::diagnosis::container::{self, number};
use crate::upgrade::diagnosis::evidence::{items, name_of, text};
use crate::upgrade::diagnosis::message::listed;
use crate::upgrade::diagnosis::{Cause, Evidence};

pub(super) fn find(evidence: &Evidence) -> Vec<Cause> {
    let pods: Vec<&Observed> = evidence.pods().into_iter().filter(|pod| lasts(pod)).collect();
    // Where there are no pods, or none could be read, nothing can be said of who leads to them.
    if pods.is_empty() {
        return Vec::new();
    }
    evidence.of_kind("Service").filter_map(|service| cause(evidence, service, &pods)).collect()
}

/// Whether a pod serves for long; those of Jobs don't.
fn lasts(pod: &Observed) -> bool {
    !matches!(pod.text(&["status", "phase"]), "Succeeded" | "Failed")
        && pod.owner().is_none_or(|owner| owner.kind != "Job")
}

fn cause(evidence: &Evidence, service: &Observed, pods: &[&Observed]) -> Option<Cause> {
    let selector = service.at(&["spec", "selector"]).and_then(Node::as_map).unwrap_or_default();
    // Without a selector its endpoints are made by somebody else.
    if selector.is_empty() || service.text(&["spec", "type"]) == "ExternalName" || service.is_deleting() {
        return None;
    }
    let name = name_of(service);
    let matches = |pod: &&&Observed| {
        pod.namespace() == service.namespace()
            && selector.iter().all(|(key, value)| value.as_str() == Some(pod.label(key)))
    };
    let matched: Vec<&Observed> = pods.iter().filter(matches).copied().collect();
    if matched.is_empty() {
        if is_served(evidence, service) {
            return None;
        }
        let pairs: Vec<String> =
            selector.iter().map(|(key, value)| format!("{key}={}", value.as_str().unwrap_or_default())).collect();
        let selector = pairs.join(",");
        let differ = differing(service, pods);
        let sentence = format!("{name}: its selector {selector} matches no pod of the release{differ}");
        let hint = format!(
            "make the selector and the labels of the pods' template agree; {}",
            evidence.kubectl("get pods --show-labels")
        );
        return Some(Cause::likely(sentence, hint).on(name));
    }
    wrong_port(service, &matched).map(|(port, there)| {
        let there =
            if there.is_empty() { "they name no ports".to_owned() } else { format!("they have {}", listed(&there)) };
        let sentence = format!("{name}: its targetPort {port} is no port of its pods; {there}");
        Cause::likely(sentence, "give the Service a targetPort that the containers have").on(name.clone())
    })
}

/// Whether an EndpointSlice has addresses for it: pods that are none of the release's, or written by hand.
fn is_served(evidence: &Evidence, service: &Observed) -> bool {
    let mut slices = evidence.of_kind("EndpointSlice").filter(|slice| {
        slice.namespace() == service.namespace() && slice.label("kubernetes.io/service-name") == service.name()
    });
    slices
        .any(|slice| items(slice.at(&["endpoints"])).any(|endpoint| items(endpoint.get("addresses")).next().is_some()))
}

/// What the nearest pod has instead: `; they have app=web`
fn differing(service: &Observed, pods: &[&Observed]) -> String {
    let selector = service.at(&["spec", "selector"]).and_then(Node::as_map).unwrap_or_default();
    let agrees = |pod: &Observed| selector.iter().filter(|(key, value)| value.as_str() == Some(pod.label(key))).count();
    let nearest = pods.iter().filter(|pod| pod.namespace() == service.namespace()).max_by_key(|pod| agrees(pod));
    let Some(nearest) = nearest else { return String::new() };
    let differs = selector.iter().filter(|(key, value)| value.as_str() != Some(nearest.label(key)));
    let has: Vec<String> = differs
        .map(|(key, _)| match nearest.label(key) {
            "" => format!("no label {key}"),
            value => format!("{key}={value}"),
        })
        .collect();
    if has.is_empty() { String::new() } else { format!("; {} has {}", name_of(nearest), listed(&has)) }
}

/// A port by name that no container has. A number may be served without being declared, so it says something only where
/// ports are declared and none is that.
fn wrong_port(service: &Observed, pods: &[&Observed]) -> Option<(String, Vec<String>)> {
    let containers: Vec<_> = pods.iter().flat_map(|pod| container::of(pod)).collect();
    let declared: Vec<&Node> = containers.iter().flat_map(|container| items(container.spec.get("ports"))).collect();
    let mut there: Vec<String> = declared
        .iter()
        .filter_map(|port| {
            let number = number(port, "containerPort")?;
            Some(match text(port, "name") {
                "" => number.to_string(),
                name => format!("{name} ({number})"),
            })
        })
        .collect();
    there.sort_unstable();
    there.dedup();
    for port in items(service.at(&["spec", "ports"])) {
        let target = port.get("targetPort").or_else(|| port.get("port"))?;
        let known = match target.as_str() {
            Some(name) if name.parse::<u16>().is_err() => declared.iter().any(|one| text(one, "name") == name),
            _ => {
                let wanted = super::amount(target);
                declared.is_empty()
                    || declared
                        .iter()
                        .any(|one| number(one, "containerPort").is_some_and(|number| number.to_string() == wanted))
            }
        };
        if !known {
            return Some((super::amount(target), there));
        }
    }
    None
}

#[cfg(test)]
mod tests {
    use super::super::super::scene::{found, pod, says, with};

    const SERVICE: &str = "apiVersion: v1\nkind: Service\nmetadata: {name: web, namespace: shop}\nspec: {selector: {app: web}, ports: [{port: 80, targetPort: http}]}\n";

    fn runs() -> String {
        pod("web-1", "restartCount: 0, state: {running: {}}")
    }

    #[test]
    fn a_selector_that_matches_nothing() {
        let service = SERVICE.replace("{app: web}", "{app: web, tier: front}");
        let told = says("service", &with(&[&runs(), &service]));
        assert!(told.starts_with("service/web: its selector app=web,tier=front matches no pod of the release; pod/web-1 has no label tier | make the selector"), "{told}");
    }

    #[test]
    fn a_port_that_no_container_has() {
        let told = says("service", &with(&[&runs(), &SERVICE.replace("targetPort: http", "targetPort: web")]));
        assert!(
            told.starts_with("service/web: its targetPort web is no port of its pods; they have http (8080) | "),
            "{told}"
        );
        assert!(
            says("service", &with(&[&runs(), &SERVICE.replace("targetPort: http", "targetPort: 9090")]))
                .contains("targetPort 9090")
        );
    }

    #[test]
    fn one_that_leads_to_its_pods_is_well() {
        assert_eq!(found("service", &with(&[&runs(), SERVICE])), []);
        assert_eq!(found("service", &with(&[&runs(), &SERVICE.replace("targetPort: http", "targetPort: 8080")])), []);
    }

    #[test]
    fn endpoints_of_other_pods_serve_too() {
        let slice = "apiVersion: discovery.k8s.io/v1\nkind: EndpointSlice\nmetadata: {name: web-x, namespace: shop, labels: {kubernetes.io/service-name: web}}\nendpoints: [{addresses: [10.0.0.1]}]\n";
        let service = SERVICE.replace("app: web", "app: other");
        assert_eq!(found("service", &with(&[&runs(), &service, slice])), []);
    }

    #[test]
    fn without_pods_or_a_selector_nothing_is_said() {
        assert_eq!(found("service", &with(&[SERVICE])), []);
        assert_eq!(found("service", &with(&[&runs(), &SERVICE.replace("selector: {app: web}, ", "")])), []);
    }
}
