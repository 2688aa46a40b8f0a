//! `helm safe-upgrade apis`: API versions in what runs that do not stay.

use std::collections::{BTreeMap, HashSet};
use std::sync::Arc;

use crate::checks::apis::{Api, KubeVersion, newest_known};
use crate::cluster::Cluster;
use crate::command::fleet::{Place, Wanted, each};
use crate::error::{Error, Kind};
use crate::fleet::{self, Decode, Key, Narrow, payloads};
use crate::helm::Helm;
use crate::manifest::live::Declared;
use crate::release::Release;
use crate::release::fleet::Unreadable;
use crate::report::fleet::apis::{ApisView, Finding, Found};
use crate::storage::Storage;

/// What is asked for.
#[derive(Clone, Debug)]
pub struct Options {
    /// The version of Kubernetes to look at it from; that of each server if not named.
    pub kube_version: Option<KubeVersion>,
    /// Where to look.
    pub wanted: Wanted,
}

/// What a revision has: its chart, and the objects of each API version that does not stay.
type Ending = (String, BTreeMap<Api, usize>);

/// What was found in one place.
struct Part {
    looked_at: usize,
    findings: Vec<Finding>,
    damaged: Vec<String>,
    unreadable: Vec<Unreadable>,
}

/// Looks at the deployed revision of each release; at the last one where none is deployed.
///
/// # Errors
/// If nothing at all can be read; of kind [`Kind::Unsupported`] for `HELM_DRIVER=sql`, and for a version of Kubernetes that is newer
/// than what is known here.
pub async fn run<C: Cluster, H: Helm>(places: &[Place<C, H>], options: &Options) -> Result<ApisView, Error> {
    if let (Some(wanted), Some(newest)) = (options.kube_version, newest_known())
        && wanted > newest
    {
        let message =
            format!("cannot tell what Kubernetes {wanted} removes: this program knows versions up to {newest}");
        return Err(Error::new(Kind::Unsupported, message).hint("a newer helm-safe-upgrade may know"));
    }
    let parts = each(places, async |storage| part(storage, options).await).await?;
    let (mut looked_at, mut findings, mut damaged, mut unreadable) = (0, Vec::new(), Vec::new(), Vec::new());
    for (context, mut part) in parts.found {
        part.findings.iter_mut().for_each(|one| one.context.clone_from(&context));
        part.unreadable.iter_mut().for_each(|one| one.context.clone_from(&context));
        looked_at += part.looked_at;
        findings.extend(part.findings);
        damaged.extend(part.damaged);
        unreadable.extend(part.unreadable);
    }
    unreadable.extend(parts.unreadable);
    Ok(ApisView::new(options.kube_version, looked_at, findings, (damaged, unreadable)))
}

async fn part<C: Cluster, H: Helm>(storage: &Storage<C, H>, options: &Options) -> Result<Part, Error> {
    let Storage::Objects { cluster, resource } = storage else {
        let message = "cannot read the manifests of many releases: the storage driver \"sql\" gives one at a time";
        return Err(Error::new(Kind::Unsupported, message).hint("helm safe-upgrade check looks at one release"));
    };
    let place = fleet::Place { cluster, resource };
    let version = match options.kube_version {
        Some(version) => Some(version),
        None => cluster.version().await?.parse().ok(),
    };
    let narrow = Narrow { release: None, selector: options.wanted.selector.as_deref() };
    let listing = fleet::list(place, &options.wanted.scope(storage), narrow).await?;
    let running = listing.releases.iter().filter_map(|((namespace, release), entries)| {
        let last = entries.last().filter(|last| last.status_hint != "uninstalled");
        let entry = entries.iter().rev().find(|entry| entry.status_hint == "deployed").or(last)?;
        Some(Key { namespace: namespace.clone(), release: release.clone(), revision: entry.revision })
    });
    let wanted: HashSet<Key> = running.collect();
    let decode: Decode<Ending> = Arc::new(|item, resource| Ok(ending(&item.release(resource)?)));
    let read = payloads(place, &listing, (&wanted, &HashSet::new()), decode).await?;
    let mut part =
        Part { looked_at: read.len(), findings: Vec::new(), damaged: Vec::new(), unreadable: listing.unreadable };
    for (key, read) in read {
        match read {
            Err(problem) => part.damaged.push(problem),
            Ok((chart, apis)) => part.findings.extend(apis.into_iter().filter_map(|(api, objects)| {
                let end = api.end()?;
                let Key { namespace, release: name, revision } = key.clone();
                let found = Found { context: None, namespace, name, revision, chart: chart.clone() };
                Some(Finding::new(found, (api, objects), end, version))
            })),
        }
    }
    part.damaged.sort();
    Ok(part)
}

fn ending(release: &Release) -> Ending {
    let mut found: BTreeMap<Api, usize> = BTreeMap::new();
    let objects = release.documents().into_iter().flat_map(|document| Declared::of(&document).unwrap_or_default());
    for object in objects {
        let api = Api { api_version: object.id.api_version(), kind: object.id.kind.clone() };
        if api.end().is_some() {
            *found.entry(api).or_default() += 1;
        }
    }
    (format!("{}-{}", release.chart.name(), release.chart.version()), found)
}
