//! Rights that are needed, and asking for them with few questions: of a kind as a whole first, and of each object by its name only
//! where that is denied, as a Role with `resourceNames` allows.
//!
//! The API server knows the object's name where it is part of the path, and where a list or watch selects by it alone; with a new
//! object only where that is applied (k8s.io/apiserver, pkg/endpoints/request/requestinfo.go and handlers/patch.go).

use std::collections::BTreeMap;

use futures::stream::{self, StreamExt as _};

use super::AT_ONCE;
use crate::checks::snapshot::{Known, Need, Permission};
use crate::cluster::{Cluster, Resource, Right};

/// Where something is done, and what: kind in URLs, group, namespace, verb.
type Place = (String, String, Option<String>, &'static str);

/// What a right is needed for: for all objects, or for those of some names.
#[derive(Default)]
struct Of {
    all: Option<Need>,
    named: BTreeMap<String, Need>,
}

/// The rights that are needed, each once, with the gravest reason.
#[derive(Default)]
pub(super) struct Needs(BTreeMap<Place, Of>);

impl Needs {
    /// Something is done with objects of whatever name.
    pub(super) fn add(&mut self, resource: &Resource, namespace: Option<String>, verbs: &[&'static str], need: Need) {
        for verb in verbs {
            let known = &mut self.of(resource, namespace.clone(), verb).all;
            *known = Some(known.map_or(need, |known| known.min(need)));
        }
    }

    /// Something is done with one object.
    pub(super) fn add_named(
        &mut self,
        (resource, namespace): (&Resource, Option<String>),
        name: &str,
        (verb, need): (&'static str, Need),
    ) {
        let known = self.of(resource, namespace, verb).named.entry(name.to_owned()).or_insert(need);
        *known = (*known).min(need);
    }

    fn of(&mut self, resource: &Resource, namespace: Option<String>, verb: &'static str) -> &mut Of {
        self.0.entry((resource.plural.to_string(), resource.group.to_string(), namespace, verb)).or_default()
    }

    /// Asks for all of them.
    pub(super) async fn ask<C: Cluster>(self, cluster: &C) -> Vec<Permission> {
        let asked = stream::iter(self.0).map(async |(place, of)| one(cluster, place, of).await);
        asked.buffered(AT_ONCE).collect::<Vec<_>>().await.into_iter().flatten().collect()
    }
}

async fn one<C: Cluster>(cluster: &C, place: Place, of: Of) -> Vec<Permission> {
    let (plural, group, namespace, verb) = place;
    let may = async |name: Option<&str>| -> Known<bool> {
        let (group, plural, namespace) = (group.clone(), plural.clone(), namespace.clone());
        let right = Right { verb: verb.into(), group, plural, namespace, name: name.map(str::to_owned) };
        cluster.may(&right).await.map_err(|error| error.to_string())
    };
    let dot = if group.is_empty() { "" } else { "." };
    let resource = format!("{plural}{dot}{group}");
    let permission = |need, names, allowed| {
        let (resource, namespace) = (resource.clone(), namespace.clone());
        Permission { verb, resource, namespace, names, need, allowed }
    };
    let gravest = of.all.into_iter().chain(of.named.values().copied()).min().unwrap_or(Need::Upgrade);
    let allowed = may(None).await;
    if allowed != Ok(false) {
        return vec![permission(gravest, Vec::new(), allowed)];
    }
    let mut found: Vec<Permission> = of.all.map(|need| permission(need, Vec::new(), Ok(false))).into_iter().collect();
    // What is needed of all is missing already; of single objects something graver may be needed.
    let graver = |(_, need): &(String, Need)| of.all.is_none_or(|all| *need < all);
    let mut denied: BTreeMap<Need, Vec<String>> = BTreeMap::new();
    let mut any = false;
    // A few at a time, the gravest first: where those are denied, all are, as a rule.
    let mut names: Vec<(String, Need)> = of.named.into_iter().filter(graver).collect();
    names.sort_by_key(|(_, need)| *need);
    for some in names.chunks(AT_ONCE) {
        let answers = stream::iter(some).map(async |(name, need)| (name, need, may(Some(name)).await));
        let answers: Vec<_> = answers.buffered(AT_ONCE).collect().await;
        for (name, need, answer) in answers {
            match answer {
                Ok(true) => any = true,
                Ok(false) => denied.entry(*need).or_default().push(name.clone()),
                Err(reason) => {
                    found.push(permission(*need, Vec::new(), Err(reason)));
                    return found;
                }
            }
        }
        if !denied.is_empty() {
            break;
        }
    }
    if denied.is_empty() && any {
        found.push(permission(gravest, Vec::new(), Ok(true)));
    }
    let lacking = |(need, names)| permission(need, if any { names } else { Vec::new() }, Ok(false));
    found.extend(denied.into_iter().map(lacking));
    found
}
