//! Whether somebody answers where the traffic is to go, and whether it has arrived there: pods that are ready, with the ports that
//! are asked for.

use std::collections::BTreeSet;
use std::time::Duration;

use serde_json::Value;
use tokio::time::{Instant, sleep};

use super::released::of_release;
use super::routes::reference;
use crate::checks::blue_green::TARGETS;
use crate::cluster::{Cluster, ClusterError, ListQuery, ObjectRef, Resource};
use crate::error::Error;
use crate::execute::Seams;
use crate::execute::patience::{AWAY, patiently};
use crate::helm::Helm;
use crate::manifest::node::Node;
use crate::manifest::observed::Observed;
use crate::upgrade::blue_green::Switch;
use crate::upgrade::blue_green::side::{Labels, has_port, shown};
use crate::upgrade::blue_green::traffic::{Backend, Route};

/// So often it is looked.
pub(super) const EVERY: Duration = Duration::from_millis(200);

/// Where the traffic is to go, and what is asked for there.
#[derive(Clone, Copy, Debug)]
pub(super) struct Goal<'a> {
    /// The way there.
    pub(super) route: &'a Route,
    /// The other way. What that does not have either is not missed.
    pub(super) other: &'a Route,
    /// How much of it must answer.
    pub(super) enough: Enough,
}

/// How much must answer where the traffic is to go.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Enough {
    /// All ports of a Service, and all backends of an Ingress.
    All,
    /// One of them. On the way back that is so: what only the failed release has was never answered where the traffic came from. On the
    /// way there it is so for the ports of a Service where the user has accepted that some are missing.
    One,
}

impl Enough {
    /// For the way there, with these checks accepted.
    pub(super) fn of(switch: &Switch, accepted: &[String]) -> Self {
        // The check says nothing of the backends of an Ingress, so nothing of them is accepted.
        let is_of_service = matches!(switch, Switch::Service { .. });
        if is_of_service && accepted.iter().any(|name| name == TARGETS) { Self::One } else { Self::All }
    }
}

/// Whether somebody answers where a route leads, before it is taken.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Readiness {
    /// Somebody does.
    Ready,
    /// Nobody does; why.
    Nobody(String),
    /// That can't be seen; why.
    Unseen(String),
}

/// Whether somebody answers where a route leads.
///
/// # Errors
/// If the server can't say.
pub(super) async fn readiness<C: Cluster, H: Helm>(
    seams: &Seams<'_, C, H>,
    switch: &Switch,
    goal: Goal<'_>,
) -> Result<Readiness, Error> {
    let nobody = match goal.route {
        Route::Release { to } => return of_release(seams, to, goal.enough).await,
        Route::Service { selector } => of_pods(seams, switch, (selector, goal)).await,
        Route::Ingress { backends } => of_backends(seams, (backends, goal)).await.map(Result::err),
    };
    judged(nobody)
}

pub(super) fn judged(nobody: Result<Option<String>, ClusterError>) -> Result<Readiness, Error> {
    match nobody {
        Ok(None) => Ok(Readiness::Ready),
        Ok(Some(why)) => Ok(Readiness::Nobody(why)),
        Err(ClusterError::Forbidden(refusal)) => Ok(Readiness::Unseen(refusal.to_string())),
        Err(error) => Err(Error::from(error).while_doing("cannot see whether pods are ready for the traffic")),
    }
}

/// Why no pod with these labels would get the traffic of a Service, if none would.
async fn of_pods<C: Cluster, H: Helm>(
    seams: &Seams<'_, C, H>,
    switch: &Switch,
    (selector, goal): (&Labels, Goal<'_>),
) -> Result<Option<String>, ClusterError> {
    let mut ready = pods(seams, selector).await?;
    ready.retain(is_ready);
    if ready.is_empty() {
        return Ok(Some(format!("none of {}", shown(selector))));
    }
    let service = service(seams, &reference(switch, seams.storage.namespace())).await?;
    let answers = |port: &Value| match port["targetPort"].as_str() {
        Some(name) => ready.iter().any(|pod| names(pod, name)),
        None => true,
    };
    let missing = missed(seams, silent(&service, answers, goal.enough), goal.other).await?;
    Ok(missing.map(|port| format!("none of {} has a port {port}, which {switch} asks for", shown(selector))))
}

/// The ports of pods that a Service names, and that nobody answers; none where enough others are answered.
fn silent(service: &Value, answers: impl Fn(&Value) -> bool, enough: Enough) -> BTreeSet<String> {
    let ports = service["spec"]["ports"].as_array().into_iter().flatten();
    let (answered, silent): (Vec<&Value>, Vec<&Value>) = ports.partition(|port| answers(port));
    if enough == Enough::One && !answered.is_empty() {
        return BTreeSet::new();
    }
    silent.into_iter().filter_map(|port| Some(port["targetPort"].as_str()?.to_owned())).collect()
}

/// The first of these ports of pods that those of the other way have: what they don't have was never answered.
async fn missed<C: Cluster, H: Helm>(
    seams: &Seams<'_, C, H>,
    missing: BTreeSet<String>,
    other: &Route,
) -> Result<Option<String>, ClusterError> {
    if !missing.is_empty()
        && let Route::Service { selector } = other
    {
        return Ok(had(missing, &pods(seams, selector).await?));
    }
    Ok(missing.into_iter().next())
}

/// The first of these ports that one of these pods has.
fn had(missing: BTreeSet<String>, others: &[Observed]) -> Option<String> {
    missing.into_iter().find(|port| others.iter().any(|pod| names(pod, port)))
}

async fn of_backends<C: Cluster, H: Helm>(
    seams: &Seams<'_, C, H>,
    (backends, goal): (&[Backend], Goal<'_>),
) -> Result<Result<usize, String>, ClusterError> {
    let others: &[Backend] = if let Route::Ingress { backends } = goal.other { backends } else { &[] };
    let mut found = Vec::new();
    for backend in backends.iter().filter(|backend| !others.contains(backend)) {
        found.push(behind_backend(seams, backend).await?);
    }
    Ok(of_all(found, goal.enough))
}

/// How many are ready behind all backends together; or why that is not enough.
fn of_all(found: Vec<Result<usize, String>>, enough: Enough) -> Result<usize, String> {
    let total: usize = found.iter().flatten().sum();
    match found.into_iter().find_map(Result::err) {
        Some(why) if enough == Enough::All || total == 0 => Err(why),
        _ => Ok(total),
    }
}

/// How many are ready behind a backend, or why nobody answers there.
async fn behind_backend<C: Cluster, H: Helm>(
    seams: &Seams<'_, C, H>,
    backend: &Backend,
) -> Result<Result<usize, String>, ClusterError> {
    let addresses = addresses(seams, &backend.service).await?;
    if addresses.ready.is_empty() {
        return Ok(Err(format!("no ready pod is behind service/{}", backend.service)));
    }
    if !is_answered(seams, backend, &addresses).await? {
        return Ok(Err(format!("port {} of service/{} leads to no ready pod", backend.port, backend.service)));
    }
    Ok(Ok(addresses.ready.len()))
}

/// Whether the port that a backend asks for leads to a pod that is ready, as far as that may be seen.
async fn is_answered<C: Cluster, H: Helm>(
    seams: &Seams<'_, C, H>,
    backend: &Backend,
    addresses: &Addresses,
) -> Result<bool, ClusterError> {
    let switch = Switch::Service { name: backend.service.clone() };
    let service = match service(seams, &reference(&switch, seams.storage.namespace())).await {
        Err(ClusterError::Forbidden(_)) => return Ok(true),
        service => service?,
    };
    let mut ports = service["spec"]["ports"].as_array().into_iter().flatten();
    let number = backend.port.parse::<u64>().ok();
    Ok(ports.any(|port| {
        let name = port["name"].as_str().unwrap_or_default();
        let is = (number.is_some() && port["port"].as_u64() == number) || name == backend.port;
        is && addresses.ports.contains(name)
    }))
}

/// What of the traffic has arrived.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Arrival {
    /// All of it; for a reader.
    Arrived(String),
    /// Not all of it within the time; why.
    Missing(String),
    /// That may not be seen; why.
    Unseen(String),
    /// The user wants no more.
    Stopped,
}

/// Waits until the addresses behind a route are ready, and are all those of the pods that it names; no longer than until there were
/// more than so many interrupts.
///
/// # Errors
/// If the server stays away: that says nothing of the traffic.
pub(super) async fn arrival<C: Cluster, H: Helm>(
    seams: &Seams<'_, C, H>,
    switch: &Switch,
    goal: Goal<'_>,
    (patience, interrupts): (Duration, u32),
) -> Result<Arrival, Error> {
    tokio::select! {
        arrival = awaited(seams, switch, goal, patience) => arrival,
        () = seams.interrupts.more_than(interrupts) => Ok(Arrival::Stopped),
    }
}

async fn awaited<C: Cluster, H: Helm>(
    seams: &Seams<'_, C, H>,
    switch: &Switch,
    goal: Goal<'_>,
    patience: Duration,
) -> Result<Arrival, Error> {
    let end = Instant::now() + patience;
    let looked = || async {
        match arrived(seams, switch, goal).await {
            Ok(Ok(text)) => Ok(Arrival::Arrived(text)),
            Ok(Err(why)) => Ok(Arrival::Missing(why)),
            Err(ClusterError::Forbidden(refusal)) => Ok(Arrival::Unseen(refusal.to_string())),
            Err(error) => Err(Error::from(error).while_doing("cannot see whether the traffic has arrived")),
        }
    };
    loop {
        match patiently(AWAY, looked).await? {
            Arrival::Missing(_) if Instant::now() < end => sleep(EVERY).await,
            arrival => return Ok(arrival),
        }
    }
}

async fn arrived<C: Cluster, H: Helm>(
    seams: &Seams<'_, C, H>,
    switch: &Switch,
    goal: Goal<'_>,
) -> Result<Result<String, String>, ClusterError> {
    let route = goal.route;
    match route {
        Route::Release { to } => Ok(Ok(format!("the router leads to {to}"))),
        Route::Service { selector } => behind_service(seams, switch, (selector, goal)).await,
        Route::Ingress { backends } => {
            let found = of_backends(seams, (backends, goal)).await?;
            Ok(found.map(|total| format!("{total} ready behind {route}")))
        }
    }
}

async fn behind_service<C: Cluster, H: Helm>(
    seams: &Seams<'_, C, H>,
    switch: &Switch,
    (selector, goal): (&Labels, Goal<'_>),
) -> Result<Result<String, String>, ClusterError> {
    let at = reference(switch, seams.storage.namespace());
    let (addresses, pods) = (addresses(seams, &at.name).await?, pods(seams, selector).await?);
    let others = addresses.ready.iter().filter(|pod| !pods.iter().any(|own| own.name() == pod.as_str())).count();
    let ready = addresses.ready.len() - others;
    match (ready, others) {
        (0, _) => return Ok(Err(format!("no ready pod is behind {switch} ({})", shown(selector)))),
        (_, 1..) => return Ok(Err(format!("{others} pods from before are still behind {switch}"))),
        _ => {}
    }
    // A pod that is ready and has no port of the name is an address at which nothing is asked.
    let service = service(seams, &at).await?;
    let answers = |port: &Value| addresses.ports.contains(port["name"].as_str().unwrap_or_default());
    let silent = silent(&service, answers, goal.enough);
    Ok(match missed(seams, silent, goal.other).await? {
        Some(port) => Err(format!("no ready pod behind {switch} has a port {port}")),
        None => Ok(format!("{ready} ready behind {switch}, all of them {}", shown(selector))),
    })
}

/// The pods with these labels.
pub(super) async fn pods<C: Cluster, H: Helm>(
    seams: &Seams<'_, C, H>,
    labels: &Labels,
) -> Result<Vec<Observed>, ClusterError> {
    let query = ListQuery {
        resource: Resource::PODS,
        namespace: Some(seams.storage.namespace().to_owned()),
        label_selector: Some(shown(labels)),
    };
    seams.cluster.list_observed(&query).await.map(|listing| listing.items)
}

/// Whether a pod says that it is ready, and is to stay.
pub(super) fn is_ready(pod: &Observed) -> bool {
    !pod.is_deleting() && pod.condition("Ready").is_some_and(|condition| condition.is_true())
}

fn names(pod: &Observed, port: &str) -> bool {
    pod.at(&["spec"]).is_some_and(|spec| has_port(spec, port))
}

async fn service<C: Cluster, H: Helm>(seams: &Seams<'_, C, H>, at: &ObjectRef) -> Result<Value, ClusterError> {
    let body = seams.cluster.get(at).await?;
    Ok(serde_json::from_slice(&body).unwrap_or_default())
}

/// What is behind a Service.
struct Addresses {
    /// The pods that are ready.
    ready: BTreeSet<String>,
    /// The names of the Service's ports that lead to one of them; empty for a port without a name.
    ports: BTreeSet<String>,
}

async fn addresses<C: Cluster, H: Helm>(seams: &Seams<'_, C, H>, service: &str) -> Result<Addresses, ClusterError> {
    let query = ListQuery {
        resource: Resource::ENDPOINT_SLICES,
        namespace: Some(seams.storage.namespace().to_owned()),
        label_selector: Some(format!("kubernetes.io/service-name={service}")),
    };
    let mut addresses = Addresses { ready: BTreeSet::new(), ports: BTreeSet::new() };
    for slice in &seams.cluster.list_observed(&query).await?.items {
        let items = |key: &str| slice.at(&[key]).and_then(Node::as_list).unwrap_or_default().iter();
        // Not said is ready, as the API has it.
        let is_ready =
            |endpoint: &&Node| endpoint.find(&["conditions", "ready"]).and_then(Node::as_bool) != Some(false);
        let pod = |endpoint: &Node| endpoint.find(&["targetRef", "name"]).and_then(Node::as_str).map(str::to_owned);
        let ready: Vec<String> = items("endpoints").filter(is_ready).filter_map(pod).collect();
        if !ready.is_empty() {
            let name = |port: &Node| port.get("name").and_then(Node::as_str).unwrap_or_default().to_owned();
            addresses.ports.extend(items("ports").map(name));
        }
        addresses.ready.extend(ready);
    }
    Ok(addresses)
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn none() -> BTreeSet<String> {
        BTreeSet::new()
    }

    #[test]
    fn a_port_that_nobody_answers_is_missed_as_far_as_all_must_answer() {
        let service = json!({"spec": {"ports": [
            {"name": "http", "port": 80, "targetPort": "http"},
            {"name": "metrics", "port": 81, "targetPort": "metrics"},
        ]}});
        let (both, metrics) = (["http".to_owned(), "metrics".to_owned()].into(), ["metrics".to_owned()].into());
        let http = |port: &Value| port["name"] == "http";
        for (answered, enough, expected) in [
            (&http as &dyn Fn(&Value) -> bool, Enough::All, &metrics),
            (&http, Enough::One, &none()),
            (&|_: &Value| true, Enough::All, &none()),
            (&|_: &Value| false, Enough::All, &both),
            // Where nobody answers at all, that is missed on every way.
            (&|_: &Value| false, Enough::One, &both),
        ] {
            assert_eq!(&silent(&service, answered, enough), expected, "{enough:?}");
        }
        let by_number = json!({"spec": {"ports": [{"port": 80}]}});
        assert_eq!(silent(&by_number, |_| false, Enough::All), none(), "it names no port of a pod");
    }

    #[test]
    fn a_port_that_no_other_pod_has_is_not_missed() {
        let pod = "{metadata: {name: a}, spec: {containers: [{name: a, ports: [{name: http}]}]}}";
        let pod = Observed::new(crate::manifest::yaml::parse(pod).unwrap(), "v1", "Pod").unwrap();
        let missing = |names: &[&str]| names.iter().map(|name| (*name).to_owned()).collect::<BTreeSet<_>>();
        let others = [pod];
        assert_eq!(had(missing(&["admin", "http"]), &others), Some("http".to_owned()));
        assert_eq!(had(missing(&["admin"]), &others), None);
        assert_eq!(had(missing(&["admin"]), &[]), None, "nor where they are gone");
    }

    #[test]
    fn ports_that_are_accepted_to_be_missing_are_those_of_a_service() {
        let service = Switch::Service { name: "web".to_owned() };
        let accepted = |names: &[&str]| names.iter().map(|name| (*name).to_owned()).collect::<Vec<_>>();
        for (switch, names, expected) in [
            (&service, &["clash-names", "switch-ports"] as &[&str], Enough::One),
            (&service, &["clash-names"], Enough::All),
            (&Switch::ingress("web"), &["switch-ports"], Enough::All),
        ] {
            assert_eq!(Enough::of(switch, &accepted(names)), expected, "{switch} {names:?}");
        }
    }

    #[test]
    fn one_backend_that_answers_is_enough_on_the_way_back() {
        let nobody = || Err("nobody".to_owned());
        for (found, enough, expected) in [
            (vec![Ok(2), Ok(1)], Enough::All, Ok(3)),
            (vec![Ok(2), nobody()], Enough::All, nobody()),
            (vec![nobody(), Ok(2)], Enough::One, Ok(2)),
            (vec![nobody(), nobody()], Enough::One, nobody()),
            (vec![], Enough::All, Ok(0)),
        ] {
            assert_eq!(of_all(found.clone(), enough), expected, "{found:?} {enough:?}");
        }
    }
}
