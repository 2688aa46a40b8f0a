//! What else leads to the release from before, beside what is switched: once that is retired, it would lead to nobody.

use super::{Beside, Finding, LED, Severity};
use crate::checks::scene::{items, string};
use crate::manifest::node::Node;
use crate::manifest::observed::Observed;
use crate::upgrade::blue_green::side::labels;
use crate::upgrade::blue_green::traffic::Route;
use crate::upgrade::blue_green::{Retire, Switch};

pub(super) fn led(beside: &Beside<'_>) -> Vec<Finding> {
    if beside.retire == Retire::Keep {
        return Vec::new();
    }
    let mut found = Vec::new();
    match &beside.services {
        Ok(services) => found.extend(services.iter().filter_map(|service| of_service(beside, service))),
        Err(reason) => found.push(unknown("Services", reason)),
    }
    match &beside.ingresses {
        Ok(ingresses) => found.extend(ingresses.iter().flat_map(|ingress| of_ingress(beside, ingress))),
        Err(reason) => found.push(unknown("Ingresses", reason)),
    }
    found
}

fn unknown(kinds: &str, reason: &str) -> Finding {
    Finding::new(LED, Severity::Unknown, format!("whether other {kinds} lead to the release that is retired: {reason}"))
}

fn blocker(beside: &Beside<'_>, about: String, leads: &str) -> Finding {
    let message = format!(
        "it leads {leads} of release {:?} too, is not switched, and would lead to nobody once that is retired",
        beside.live.release
    );
    let hint = "lead it elsewhere first, switch all of it, or keep the release: --retire keep";
    Finding::new(LED, Severity::Blocker, message).about(about).hint(hint)
}

/// Whether it goes with the release, or is led by the switch itself: by its name, or as one of the objects of the router.
fn is_led(beside: &Beside<'_>, object: &Observed) -> bool {
    let owner = object.annotation("meta.helm.sh/release-name");
    let of_router = matches!(beside.switch, Switch::Release { name } if owner == name);
    of_router || owner == beside.live.release || owner == beside.idle.release
}

fn of_service(beside: &Beside<'_>, service: &Observed) -> Option<Finding> {
    let is_switched = matches!(beside.switch, Switch::Service { name } if name == service.name());
    let selector = labels(service.at(&["spec", "selector"]));
    let leads = beside.live.is_chosen_by(&selector) && !beside.idle.is_chosen_by(&selector);
    (leads && !is_switched && !is_led(beside, service))
        .then(|| blocker(beside, format!("service/{}", service.name()), "to the pods"))
}

fn of_ingress(beside: &Beside<'_>, ingress: &Observed) -> Vec<Finding> {
    if ingress.namespace() != beside.live.namespace || is_led(beside, ingress) {
        return Vec::new();
    }
    let switched = |at: &str, service: &str| match (beside.switch, beside.route, beside.after) {
        (Switch::Ingress { name, .. }, Route::Ingress { backends }, Route::Ingress { backends: after })
            if name == ingress.name() =>
        {
            let mut ways = backends.iter().zip(after);
            ways.any(|(before, after)| before != after && before.at == at && before.service == service)
        }
        _ => false,
    };
    let is_theirs = |name: &str| beside.live.services().any(|service| service.id.name == name);
    let led = backends(ingress.node());
    let led = led.iter().filter(|(at, service)| is_theirs(service) && !switched(at, service));
    led.map(|(at, service)| {
        blocker(beside, format!("ingress/{}", ingress.name()), &format!("{at} to service/{service}"))
    })
    .collect()
}

/// Host and path of each backend, as [`Route`] names them, and its Service.
fn backends(ingress: &Node) -> Vec<(String, String)> {
    let service = |node: &Node| string(node, &["service", "name"]).map(str::to_owned);
    let default = ingress.find(&["spec", "defaultBackend"]).and_then(service);
    let mut found: Vec<(String, String)> =
        default.into_iter().map(|service| ("default backend".to_owned(), service)).collect();
    for rule in items(ingress, &["spec", "rules"]) {
        let host = string(rule, &["host"]).unwrap_or_default();
        for path in items(rule, &["http", "paths"]) {
            let Some(service) = path.get("backend").and_then(service) else { continue };
            found.push((format!("{host}{}", string(path, &["path"]).unwrap_or_default()), service));
        }
    }
    found
}
