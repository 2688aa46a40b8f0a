//! Seeing and changing where the traffic goes: the selector of a Service, the backends of an Ingress, or the values of a router.

use std::collections::BTreeSet;
use std::time::Duration;

use serde_json::{Value, json};
use tokio::time::{Instant, sleep};

use crate::cluster::{Cluster, ClusterError, ListQuery, ObjectRef, Resource};
use crate::error::{Error, Kind};
use crate::execute::Seams;
use crate::helm::Helm;
use crate::manifest::live::{LiveObject, Ownership};
use crate::manifest::node::{Node, Value as Content};
use crate::manifest::observed::Observed;
use crate::upgrade::blue_green::Switch;
use crate::upgrade::blue_green::side::shown;
use crate::upgrade::blue_green::traffic::{Backend, Route, backends_of, backends_patch, selector_of, selector_patch};

/// So often it is looked whether the traffic has arrived.
pub(super) const EVERY: Duration = Duration::from_millis(200);

/// The values with which a router leads the traffic to each of the two releases.
#[derive(Clone, Debug)]
pub struct RouterValues(pub Vec<(String, Node)>);

/// Where the traffic goes now.
#[derive(Debug)]
pub struct Now {
    /// As the object says.
    pub route: Route,
    /// Whose the object is; nobody's where it is a release.
    pub owner: Ownership,
    /// The object, with the version that a change replaces.
    object: Value,
}

/// Where the traffic goes now.
///
/// # Errors
/// If it can't be seen, or there is no such object.
pub async fn now<C: Cluster, H: Helm>(
    seams: &Seams<'_, C, H>,
    switch: &Switch,
    values: &RouterValues,
) -> Result<Now, Error> {
    if let Switch::Release { name } = switch {
        let history = seams.storage.history(name).await?;
        if history.is_empty() {
            return Err(seams.storage.no_release(name).await);
        }
        let computed = seams.storage.deployed(name, &history).await?.computed_values();
        let to: Vec<&String> =
            values.0.iter().filter(|(_, wanted)| holds(&computed, wanted)).map(|(release, _)| release).collect();
        let to = if let [one] = to.as_slice() { (*one).clone() } else { String::new() };
        return Ok(Now { route: Route::Release { to }, owner: Ownership::default(), object: Value::Null });
    }
    let body = seams.cluster.get(&reference(switch, seams.storage.namespace())).await.map_err(seeing)?;
    let damaged = |_| Error::new(Kind::Cluster, format!("cannot read {switch}: the server's answer is no object"));
    let owner = LiveObject::from_json(&body).map_err(damaged)?.ownership();
    let object: Value = serde_json::from_slice(&body).map_err(damaged)?;
    let route = match switch {
        Switch::Ingress { host, path, .. } => {
            Route::Ingress { backends: backends_of(&object, (host.as_deref(), path.as_deref())) }
        }
        _ => Route::Service { selector: selector_of(&object) },
    };
    Ok(Now { route, owner, object })
}

fn seeing(error: ClusterError) -> Error {
    Error::from(error).while_doing("cannot see where the traffic goes")
}

fn reference(switch: &Switch, namespace: &str) -> ObjectRef {
    let (resource, name) = match switch {
        Switch::Ingress { name, .. } => (Resource::INGRESSES, name),
        Switch::Service { name } | Switch::Release { name } => (Resource::SERVICES, name),
    };
    ObjectRef { resource, namespace: Some(namespace.to_owned()), name: name.clone() }
}

/// Whether values say all that these say.
fn holds(values: &Node, wanted: &Node) -> bool {
    match wanted.value() {
        Content::Map(entries) => {
            entries.iter().all(|(key, wanted)| values.get(key).is_some_and(|value| holds(value, wanted)))
        }
        _ => values.content_hash() == wanted.content_hash(),
    }
}

/// Leads the traffic elsewhere by changing the object that was seen, in the version that was seen. That it was changed in between is
/// no error: it is looked at again.
///
/// # Errors
/// If it can't be changed.
pub(super) async fn lead<C: Cluster, H: Helm>(
    seams: &Seams<'_, C, H>,
    switch: &Switch,
    (now, from, to): (&Now, &Route, &Route),
) -> Result<(), Error> {
    let mut change = match (&now.route, to, switch, from) {
        (Route::Service { selector }, Route::Service { selector: after }, ..) => selector_patch(selector, after),
        (_, Route::Ingress { backends }, Switch::Ingress { host, path, .. }, Route::Ingress { backends: from }) => {
            backends_patch(&now.object, (host.as_deref(), path.as_deref()), (from, backends))
        }
        _ => return Ok(()),
    };
    change["metadata"] = json!({"resourceVersion": now.object["metadata"]["resourceVersion"]});
    let at = reference(switch, seams.storage.namespace());
    match seams.cluster.merge(&at, change.to_string().as_bytes()).await {
        Ok(_) | Err(ClusterError::Conflict { .. }) => Ok(()),
        Err(error) => Err(Error::from(error).while_doing("cannot switch the traffic")),
    }
}

/// What of the traffic has arrived.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Arrival {
    /// All of it; for a reader.
    Arrived(String),
    /// Not all of it within the time; why.
    Missing(String),
    /// That can't be seen; why.
    Unseen(String),
    /// The user wants no more.
    Stopped,
}

/// Waits until the addresses behind a route are ready, and are all those of the pods that it names; no longer than until there were
/// more than so many interrupts.
pub(super) async fn arrival<C: Cluster, H: Helm>(
    seams: &Seams<'_, C, H>,
    switch: &Switch,
    ways: (&Route, &Route),
    (patience, interrupts): (Duration, u32),
) -> Arrival {
    tokio::select! {
        arrival = awaited(seams, switch, ways, patience) => arrival,
        () = seams.interrupts.more_than(interrupts) => Arrival::Stopped,
    }
}

async fn awaited<C: Cluster, H: Helm>(
    seams: &Seams<'_, C, H>,
    switch: &Switch,
    (route, before): (&Route, &Route),
    patience: Duration,
) -> Arrival {
    let end = Instant::now() + patience;
    loop {
        let missing = match arrived(seams, switch, (route, before)).await {
            Ok(Ok(text)) => return Arrival::Arrived(text),
            Ok(Err(why)) => Arrival::Missing(why),
            Err(ClusterError::Forbidden(refusal)) => return Arrival::Unseen(refusal.to_string()),
            // That the server stays away says nothing of the traffic.
            Err(error) => Arrival::Unseen(error.to_string()),
        };
        if Instant::now() >= end {
            return missing;
        }
        sleep(EVERY).await;
    }
}

async fn arrived<C: Cluster, H: Helm>(
    seams: &Seams<'_, C, H>,
    switch: &Switch,
    (route, before): (&Route, &Route),
) -> Result<Result<String, String>, ClusterError> {
    match (route, before) {
        (Route::Release { to }, _) => Ok(Ok(format!("the router leads to {to}"))),
        (Route::Service { selector }, _) => {
            let name = reference(switch, seams.storage.namespace()).name;
            let addresses = addresses(seams, &name).await?;
            let pods = ListQuery {
                resource: Resource::PODS,
                namespace: Some(seams.storage.namespace().to_owned()),
                label_selector: Some(shown(selector)),
            };
            let pods = seams.cluster.list_metadata(&pods).await?;
            let own: BTreeSet<String> = pods.into_iter().filter_map(|pod| pod.name).collect();
            let others = addresses.ready.iter().filter(|pod| !own.contains(*pod)).count();
            Ok(match (addresses.ready.len() - others, others) {
                (0, _) => Err(format!("no ready pod is behind service/{name} ({})", shown(selector))),
                (_, 1..) => Err(format!("{others} pods from before are still behind service/{name}")),
                (ready, _) => Ok(format!("{ready} ready behind service/{name}, all of them {}", shown(selector))),
            })
        }
        (Route::Ingress { backends }, before) => {
            let old: &[Backend] = if let Route::Ingress { backends } = before { backends } else { &[] };
            let mut total = 0;
            for backend in backends.iter().filter(|backend| !old.contains(backend)) {
                let ready = addresses(seams, &backend.service).await?.ready.len();
                if ready == 0 {
                    return Ok(Err(format!("no ready pod is behind service/{}", backend.service)));
                }
                total += ready;
            }
            Ok(Ok(format!("{total} ready behind {route}")))
        }
    }
}

/// Why no pod is ready where a route leads, before it is taken; none where one is, or where that may not be seen.
///
/// # Errors
/// If the server can't say.
pub(super) async fn not_ready<C: Cluster, H: Helm>(
    seams: &Seams<'_, C, H>,
    route: &Route,
    before: &Route,
) -> Result<Option<String>, Error> {
    let why = match route {
        Route::Release { .. } => return Ok(None),
        Route::Service { selector } => {
            let pods = ListQuery {
                resource: Resource::PODS,
                namespace: Some(seams.storage.namespace().to_owned()),
                label_selector: Some(shown(selector)),
            };
            let pods = seams.cluster.list_observed(&pods).await;
            pods.map(|pods| (!pods.items.iter().any(is_ready)).then(|| format!("none of {}", shown(selector))))
        }
        Route::Ingress { backends } => {
            let old: &[Backend] = if let Route::Ingress { backends } = before { backends } else { &[] };
            let mut why = Ok(None);
            for backend in backends.iter().filter(|backend| !old.contains(backend)) {
                let found = addresses(seams, &backend.service).await;
                why =
                    found.map(|at| at.ready.is_empty().then(|| format!("none is behind service/{}", backend.service)));
                if !matches!(why, Ok(None)) {
                    break;
                }
            }
            why
        }
    };
    match why {
        Ok(why) => Ok(why),
        Err(ClusterError::Forbidden(_)) => Ok(None),
        Err(error) => Err(Error::from(error).while_doing("cannot see whether pods are ready for the traffic")),
    }
}

/// Whether a pod says that it is ready.
fn is_ready(pod: &Observed) -> bool {
    let conditions = pod.at(&["status", "conditions"]).and_then(Node::as_list).unwrap_or_default();
    let says = |condition: &Node, key: &str, value: &str| condition.get(key).and_then(Node::as_str) == Some(value);
    conditions.iter().any(|condition| says(condition, "type", "Ready") && says(condition, "status", "True"))
}

/// The pods behind a Service.
struct Addresses {
    ready: BTreeSet<String>,
}

async fn addresses<C: Cluster, H: Helm>(seams: &Seams<'_, C, H>, service: &str) -> Result<Addresses, ClusterError> {
    let query = ListQuery {
        resource: Resource::ENDPOINT_SLICES,
        namespace: Some(seams.storage.namespace().to_owned()),
        label_selector: Some(format!("kubernetes.io/service-name={service}")),
    };
    let slices = seams.cluster.list_observed(&query).await?;
    let endpoints = slices.items.iter().filter_map(|slice| slice.at(&["endpoints"]).and_then(Node::as_list)).flatten();
    // Not said is ready, as the API has it.
    let is_ready = |endpoint: &&Node| endpoint.find(&["conditions", "ready"]).and_then(Node::as_bool) != Some(false);
    let pod = |endpoint: &Node| endpoint.find(&["targetRef", "name"]).and_then(Node::as_str).map(str::to_owned);
    Ok(Addresses { ready: endpoints.filter(is_ready).filter_map(pod).collect() })
}
