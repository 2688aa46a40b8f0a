//! What speaks against two releases of one chart side by side: whose the object is that leads the traffic, and what both of them
//! want for themselves. These are no checks of an upgrade: `helm safe-upgrade blue-green` looks at them beside the checklist.

mod led;

use std::collections::{BTreeMap, BTreeSet};

use super::scene::{items, string};
use super::snapshot::Known;
use super::{Finding, Severity};
use crate::diff::workload::{containers, is_hook};
use crate::manifest::document::Object;
use crate::manifest::hook;
use crate::manifest::live::Ownership;
use crate::manifest::node::Node;
use crate::manifest::observed::Observed;
use crate::upgrade::blue_green::side::{Labels, Side, chooses, has_port, labels, shown};
use crate::upgrade::blue_green::traffic::Route;
use crate::upgrade::blue_green::{Retire, Switch};

const OWNER: &str = "switch-owner";
const NAMES: &str = "clash-names";
const SELECTORS: &str = "clash-selectors";
const PORTS: &str = "clash-ports";
const HOSTS: &str = "clash-hosts";
const CLAIMS: &str = "clash-claims";
const RETIRED: &str = "retired-claims";
const LED: &str = "retired-traffic";
/// The check that the new pods have the ports that the Service asks for.
pub const TARGETS: &str = "switch-ports";

/// The names, as `--accept` takes them.
pub const CHECKS: [&str; 9] = [OWNER, TARGETS, NAMES, SELECTORS, PORTS, HOSTS, CLAIMS, RETIRED, LED];

/// Two releases side by side.
#[derive(Debug)]
pub struct Beside<'a> {
    /// The release that has the traffic.
    pub live: Side<'a>,
    /// The other one, as it would be.
    pub idle: Side<'a>,
    /// What leads the traffic.
    pub switch: &'a Switch,
    /// Where it leads now.
    pub route: &'a Route,
    /// Where it is to lead.
    pub after: &'a Route,
    /// The ports of pods that it names, where it is a Service.
    pub targets: &'a BTreeSet<String>,
    /// Whose it is, by its marks.
    pub owner: &'a Ownership,
    /// What becomes of the release that has the traffic.
    pub retire: Retire,
    /// The Ingresses of the cluster, or of the namespace where no others may be seen.
    pub ingresses: Known<&'a [Observed]>,
    /// The Services of the namespace.
    pub services: Known<&'a [Observed]>,
    /// The claims of the namespace.
    pub claims: Known<&'a [Observed]>,
}

/// Looks at all of it. Each check says something.
#[must_use]
pub fn look(beside: &Beside<'_>) -> Vec<Finding> {
    type Look = fn(&Beside<'_>) -> Vec<Finding>;
    let checks: [(&str, Look, &str); 9] = [
        (OWNER, owner, "what leads the traffic is of neither release"),
        (TARGETS, targets, "the pods have the ports that what leads the traffic names"),
        (NAMES, names, "the releases have no object in common"),
        (SELECTORS, selectors, "no Service of one release chooses pods of the other"),
        (PORTS, ports, "the releases want no port of a node or a balancer in common"),
        (HOSTS, hosts, "no Ingress of the release has a host and path that another one has"),
        (CLAIMS, claims, "the releases share no volume"),
        (RETIRED, retired, "no volume goes with the release that is retired"),
        (LED, led::led, "nothing else leads to the release that is retired"),
    ];
    let found = checks.into_iter().flat_map(|(name, look, passed)| {
        let found = look(beside);
        if found.is_empty() { vec![Finding::new(name, Severity::Pass, passed)] } else { found }
    });
    found.collect()
}

fn called(object: &Object) -> String {
    format!("{}/{}", object.id.kind.to_lowercase(), object.id.name)
}

const WAYS_OUT: &str = "let neither colour have it: a release of its own (a router, led by --switch-release) or an object of no release; or let the \
    new colour adopt it: annotate it in the old one with helm.sh/resource-policy: keep and upgrade that, roll out without it, and upgrade the new one \
    with it and --take-ownership once it has the traffic";

fn owner(beside: &Beside<'_>) -> Vec<Finding> {
    let (kind, name) = match beside.switch {
        Switch::Service { name } => ("Service", name),
        Switch::Ingress { name, .. } => ("Ingress", name),
        Switch::Release { .. } => return Vec::new(),
    };
    let has = |side: &Side<'_>| {
        let is = |object: &&Object| object.id.kind == kind && object.id.name == *name;
        let found = side.own().find(|object| is(object) && side.namespace_of(object) == side.namespace);
        found.map(|object| hook::is_kept(&object.node))
    };
    let (live, idle) = (beside.live.release, beside.idle.release);
    let blocker = |message: String| {
        Finding::new(OWNER, Severity::Blocker, message).about(beside.switch.to_string()).hint(WAYS_OUT)
    };
    let later = "a later upgrade of it leads the traffic back (Helm 3), or stops at the conflict (Helm 4)";
    let mut found = Vec::new();
    match has(&beside.live) {
        Some(false) if beside.retire == Retire::Uninstall => {
            found.push(blocker(format!("it belongs to release {live:?}, and would vanish with it")));
        }
        Some(false) => {
            found.push(blocker(format!("it belongs to release {live:?}: it would vanish with it, and {later}")))
        }
        Some(true) => {
            let message = format!("it belongs to release {live:?}, which leaves it where it is; {later}");
            found.push(Finding::new(OWNER, Severity::Warning, message).about(beside.switch.to_string()));
        }
        None => {}
    }
    if has(&beside.idle).is_some() {
        let message = format!(
            "it is among the objects of release {idle:?}: upgrading that would write to it before anything is tested"
        );
        let hint = format!(
            "leave it out of {idle} until that has the traffic; an upgrade with it and --take-ownership adopts it then"
        );
        found.push(Finding::new(OWNER, Severity::Blocker, message).about(beside.switch.to_string()).hint(hint));
    }
    let other = beside.owner.release.as_deref().filter(|release| *release != live && *release != idle);
    if let Some(other) = other {
        let message = format!("it belongs to release {other:?}; {later}");
        let finding = Finding::new(OWNER, Severity::Warning, message).about(beside.switch.to_string());
        found.push(
            finding.hint(format!("lead it by its values: --switch-release {other} --switch-set KEY={{release}}")),
        );
    }
    found
}

fn targets(beside: &Beside<'_>) -> Vec<Finding> {
    let (Route::Service { selector }, Route::Service { selector: after }) = (beside.route, beside.after) else {
        return Vec::new();
    };
    let has = |side: &Side<'_>, selector: &Labels, port: &str| {
        side.pods().any(|pods| chooses(selector, &pods.labels) && has_port(pods.spec, port))
    };
    // What the release that is live does not have either was never answered.
    let missed = |port: &&String| has(&beside.live, selector, port) && !has(&beside.idle, after, port);
    let finding = |port: &String| {
        let message = format!(
            "it leads to the port {port} of the pods, which those of {:?} have, and those of {:?} do not: nobody would answer",
            beside.live.release, beside.idle.release
        );
        let hint = format!("name a port of the containers {port}, or lead the Service to a number (targetPort)");
        Finding::new(TARGETS, Severity::Blocker, message).about(beside.switch.to_string()).hint(hint)
    };
    beside.targets.iter().filter(missed).map(finding).collect()
}

fn names(beside: &Beside<'_>) -> Vec<Finding> {
    let Beside { live, idle, .. } = beside;
    let key = |object: &Object| object.id.key(live.namespace);
    let theirs: BTreeSet<_> = live.objects.iter().map(key).collect();
    let both = idle.objects.iter().filter(|object| object.problem.is_none() && theirs.contains(&key(object)));
    let finding = |object: &Object| {
        let what =
            if is_hook(object) { "helm would delete or overwrite it" } else { "helm would fail, or take it over" };
        let message = format!("both {:?} and {:?} have it: {what}", live.release, idle.release);
        let hint = "names must hold the release's name: {{ .Release.Name }}";
        Finding::new(NAMES, Severity::Blocker, message).about(called(object)).hint(hint)
    };
    both.map(finding).collect()
}

fn selectors(beside: &Beside<'_>) -> Vec<Finding> {
    let Beside { live, idle, .. } = beside;
    let mut found = Vec::new();
    for (side, other) in [(live, idle), (idle, live)] {
        for service in side.services() {
            let selector = labels(service.node.find(&["spec", "selector"]));
            for pods in other.pods().filter(|pods| chooses(&selector, &pods.labels)) {
                let message = format!(
                    "it is of {:?} and would choose the pods of {} of {:?} ({})",
                    side.release,
                    called(pods.object),
                    other.release,
                    shown(&selector)
                );
                let hint =
                    "its selector must hold a label that only its own release has, such as app.kubernetes.io/instance";
                found.push(Finding::new(SELECTORS, Severity::Blocker, message).about(called(service)).hint(hint));
            }
        }
    }
    if let Route::Service { selector } = beside.route
        && idle.is_chosen_by(selector)
    {
        let message =
            format!("it chooses the pods of {:?} as soon as they are there ({})", idle.release, shown(selector));
        let hint = "the traffic must be led by a label that differs between the two releases";
        found.push(Finding::new(SELECTORS, Severity::Blocker, message).about(beside.switch.to_string()).hint(hint));
    }
    found
}

fn ports(beside: &Beside<'_>) -> Vec<Finding> {
    let (theirs, ours) = (wanted_ports(&beside.live), wanted_ports(&beside.idle));
    let both = ours.iter().filter_map(|(port, who)| Some((port, who, theirs.get(port)?)));
    let finding = |(port, who, other): (&String, &String, &String)| {
        let message = format!("{port} is wanted by {other} of {:?} too", beside.live.release);
        let hint = "leave it out, or give each colour its own";
        Finding::new(PORTS, Severity::Blocker, message).about(who.as_str()).hint(hint)
    };
    both.map(finding).collect()
}

/// The ports of nodes and the addresses of balancers, and who wants them.
fn wanted_ports(side: &Side<'_>) -> BTreeMap<String, String> {
    let mut found = BTreeMap::new();
    for service in side.services() {
        for port in items(&service.node, &["spec", "ports"]) {
            if let Some(number) = port.get("nodePort").and_then(Node::as_count).filter(|port| *port > 0) {
                found.insert(format!("node port {number}"), called(service));
            }
        }
        if let Some(address) = string(&service.node, &["spec", "loadBalancerIP"]).filter(|address| !address.is_empty())
        {
            found.insert(format!("the balancer's address {address}"), called(service));
        }
    }
    for pods in side.pods() {
        let on_host = pods.spec.get("hostNetwork").and_then(Node::as_bool) == Some(true);
        for port in containers(pods.spec).flat_map(|container| items(container.node, &["ports"])) {
            let number = |key: &str| port.get(key).and_then(Node::as_count).filter(|port| *port > 0);
            let protocol = port.get("protocol").and_then(Node::as_str).unwrap_or("TCP");
            if let Some(number) = number("hostPort").or_else(|| number("containerPort").filter(|_| on_host)) {
                found.insert(format!("host port {number}/{protocol}"), called(pods.object));
            }
        }
    }
    found
}

/// Class, host and path of an Ingress, each once.
fn places(ingress: &Node) -> BTreeSet<(String, String)> {
    let rules = items(ingress, &["spec", "rules"]).iter();
    let places = rules.flat_map(|rule| {
        let host = string(rule, &["host"]).unwrap_or("*").to_owned();
        let paths = items(rule, &["http", "paths"]).iter();
        paths.map(move |path| (host.clone(), string(path, &["path"]).unwrap_or("/").to_owned()))
    });
    places.collect()
}

fn hosts(beside: &Beside<'_>) -> Vec<Finding> {
    let Beside { live, idle, .. } = beside;
    let class = |node: &Node| string(node, &["spec", "ingressClassName"]).map(str::to_owned);
    let mut found = Vec::new();
    let own: BTreeSet<&str> =
        idle.of_kind("networking.k8s.io", "Ingress").map(|object| object.id.name.as_str()).collect();
    let theirs = live.of_kind("networking.k8s.io", "Ingress").map(|object| {
        (format!("{} of {:?}", called(object), live.release), &object.node, (live.namespace, object.id.name.as_str()))
    });
    let theirs: Vec<_> = theirs.collect();
    let known: BTreeSet<(&str, &str)> = theirs.iter().map(|(_, _, at)| *at).collect();
    let cluster = beside.ingresses.as_ref().ok().map_or(&[][..], |all| *all).iter();
    let others = cluster.filter(|ingress| {
        let at = (ingress.namespace(), ingress.name());
        let is_own = at.0 == idle.namespace && own.contains(at.1);
        !is_own && !known.contains(&at)
    });
    let others = others.map(|ingress| {
        (format!("ingress/{} in namespace {}", ingress.name(), ingress.namespace()), ingress.node(), ("", ""))
    });
    let all: Vec<_> = theirs.into_iter().chain(others).collect();
    for ingress in idle.of_kind("networking.k8s.io", "Ingress") {
        let wanted = places(&ingress.node);
        for (name, other, _) in &all {
            let same_class = match (class(&ingress.node), class(other)) {
                (Some(one), Some(two)) => one == two,
                _ => true,
            };
            for (host, path) in places(other).into_iter().filter(|place| same_class && wanted.contains(place)) {
                let message = format!("{host}{path} is led by {name} already: the two would share or fight for it");
                let hint = "give each colour a host of its own, and lead the traffic by one Ingress that is of neither";
                found.push(Finding::new(HOSTS, Severity::Blocker, message).about(called(ingress)).hint(hint));
            }
        }
        if let Err(reason) = &beside.ingresses {
            let message = format!("whether others lead the same hosts and paths: {reason}");
            found.push(Finding::new(HOSTS, Severity::Unknown, message).about(called(ingress)));
        }
    }
    found
}

/// The claims that a release's pods mount, and who mounts them.
fn mounted(side: &Side<'_>) -> BTreeMap<String, String> {
    let mut found = BTreeMap::new();
    for pods in side.pods() {
        for volume in items(pods.spec, &["volumes"]) {
            if let Some(claim) = string(volume, &["persistentVolumeClaim", "claimName"]) {
                found.insert(claim.to_owned(), called(pods.object));
            }
        }
    }
    found
}

fn claims(beside: &Beside<'_>) -> Vec<Finding> {
    let (theirs, ours) = (mounted(&beside.live), mounted(&beside.idle));
    let both = ours.iter().filter_map(|(claim, who)| Some((claim, who, theirs.get(claim)?)));
    let finding = |(claim, who, other): (&String, &String, &String)| {
        let about = format!("persistentvolumeclaim/{claim}");
        let shared = match &beside.claims {
            Ok(all) => {
                let live = all.iter().find(|one| one.name() == claim.as_str());
                let modes = live.map(|live| items(live.node(), &["spec", "accessModes"])).unwrap_or_default();
                Ok(modes.iter().filter_map(Node::as_str).any(|mode| mode == "ReadWriteMany" || mode == "ReadOnlyMany"))
            }
            Err(reason) => Err(reason),
        };
        let (severity, message) = match shared {
            Ok(true) => (Severity::Warning, format!("{who} and {other} would write to it at the same time")),
            Ok(false) => (
                Severity::Blocker,
                format!("{who} would mount it beside {other}, and it is not to be shared (ReadWriteMany)"),
            ),
            Err(reason) => {
                (Severity::Unknown, format!("{who} would mount it beside {other}; whether it may be shared: {reason}"))
            }
        };
        Finding::new(CLAIMS, severity, message).about(about).hint("give each colour a volume of its own")
    };
    both.map(finding).collect()
}

fn retired(beside: &Beside<'_>) -> Vec<Finding> {
    let live = beside.live;
    let mut found = retired_sets(beside);
    if beside.retire != Retire::Uninstall {
        return found;
    }
    let going = live.of_kind("", "PersistentVolumeClaim").filter(|claim| !hook::is_kept(&claim.node));
    let finding = |claim: &Object| {
        let message =
            format!("it goes with release {:?} when that is uninstalled, and what is stored in it", live.release);
        let hint = "annotate it with helm.sh/resource-policy: keep, or keep the release: --retire scale";
        Finding::new(RETIRED, Severity::Blocker, message).about(called(claim)).hint(hint)
    };
    found.extend(going.map(finding));
    found
}

/// The StatefulSets whose claims are deleted with them, or with their pods.
/// See <https://kubernetes.io/docs/concepts/workloads/controllers/statefulset/#persistentvolumeclaim-retention>.
fn retired_sets(beside: &Beside<'_>) -> Vec<Finding> {
    let live = beside.live;
    let (policy, when) = match beside.retire {
        Retire::Keep => return Vec::new(),
        Retire::Scale => ("whenScaled", "scaled to zero"),
        Retire::Uninstall => ("whenDeleted", "uninstalled"),
    };
    let goes = |set: &&Object| {
        let says = string(&set.node, &["spec", "persistentVolumeClaimRetentionPolicy", policy]);
        says == Some("Delete") && !items(&set.node, &["spec", "volumeClaimTemplates"]).is_empty()
    };
    let sets = live.of_kind("apps", "StatefulSet").filter(goes);
    let sets = sets.filter(|set| beside.retire == Retire::Scale || !hook::is_kept(&set.node));
    let finding = |set: &Object| {
        let message = format!("its volumes go when release {:?} is {when}, and what is stored in them", live.release);
        let hint =
            format!("set persistentVolumeClaimRetentionPolicy.{policy} to Retain and upgrade it, or --retire keep");
        Finding::new(RETIRED, Severity::Blocker, message).about(called(set)).hint(hint)
    };
    sets.map(finding).collect()
}

#[cfg(test)]
mod tests;
