//! Seeing and changing where the traffic goes: the selector of a Service, the backends of an Ingress, or the values of a router.

use std::collections::BTreeSet;

use serde_json::{Value, json};
use tokio::time::sleep;

use super::arrival::EVERY;
use crate::cluster::{Cluster, ClusterError, ObjectRef, Resource};
use crate::error::{Error, Kind};
use crate::execute::Seams;
use crate::helm::Helm;
use crate::manifest::live::{LiveObject, Ownership};
use crate::manifest::node::{Node, Value as Content};
use crate::release::Release;
use crate::release::history::History;
use crate::upgrade::blue_green::Switch;
use crate::upgrade::blue_green::side::named_targets;
use crate::upgrade::blue_green::traffic::{Route, backends_of, backends_patch, selector_of, selector_patch};

/// So often a router is looked at again of which no revision is deployed at this moment.
const TRIES: u32 = 5;

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
    /// Why it may lead elsewhere than it says: the last revision of a router is not deployed, though its objects may be there.
    pub unsettled: Option<String>,
    /// Whether that is because helm is at work on it, or was when it was cut off.
    pub pending: bool,
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
        let (history, deployed) = deployed(seams, name).await?;
        let last = history.entries().last().filter(|last| last.revision != deployed.revision);
        let unsettled = last
            .map(|last| format!("revision {} of release {name} is {}, not deployed", last.revision, last.status_hint));
        let pending = last.is_some_and(|last| last.status_hint.starts_with("pending-"));
        let computed = deployed.computed_values();
        let to: Vec<&String> =
            values.0.iter().filter(|(_, wanted)| holds(&computed, wanted)).map(|(release, _)| release).collect();
        let to = if let [one] = to.as_slice() { (*one).clone() } else { String::new() };
        let route = Route::Release { to };
        return Ok(Now { route, owner: Ownership::default(), unsettled, pending, object: Value::Null });
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
    Ok(Now { route, owner, unsettled: None, pending: false, object })
}

/// The history of a router, and its deployed revision.
async fn deployed<C: Cluster, H: Helm>(seams: &Seams<'_, C, H>, name: &str) -> Result<(History, Release), Error> {
    let mut left = TRIES;
    loop {
        let history = seams.storage.history(name).await?;
        if history.is_empty() {
            return Err(seams.storage.no_release(name).await);
        }
        match seams.storage.deployed(name, &history).await {
            // Helm calls the old revision superseded a moment before it calls the new one deployed.
            Err(error) if error.kind == Kind::NotFound && left > 0 && is_pending(&history) => {
                left -= 1;
                sleep(EVERY).await;
            }
            found => return found.map(|release| (history, release)),
        }
    }
}

/// Whether the last revision is being made, or helm was cut off while it made it.
fn is_pending(history: &History) -> bool {
    history.entries().last().is_some_and(|last| last.status_hint.starts_with("pending-"))
}

impl Now {
    /// The ports of pods that a Service names; none of what is no Service.
    #[must_use]
    pub fn named_targets(&self) -> BTreeSet<String> {
        if matches!(self.route, Route::Service { .. }) { named_targets(&self.object) } else { BTreeSet::new() }
    }
}

fn seeing(error: ClusterError) -> Error {
    Error::from(error).while_doing("cannot see where the traffic goes")
}

pub(super) fn reference(switch: &Switch, namespace: &str) -> ObjectRef {
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
