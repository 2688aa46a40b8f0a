//! Saving what was reviewed of an upgrade, and seeing later whether it is still so.

use std::path::{Path, PathBuf};

use serde::Deserialize;
use tempfile::TempDir;

use super::{Options, Prepared, Seams};
use crate::chart::copy::copy;
use crate::chart::files::sorted_content;
use crate::cluster::{Cluster, ObjectRef, Resource};
use crate::command::live;
use crate::command::upgrade::Request;
use crate::diff::live::report::Compare;
use crate::diff::select::Selection;
use crate::error::{Error, Kind};
use crate::helm::Helm;
use crate::manifest::mask::Masker;
use crate::storage::Storage;
use crate::storage::record::object_name;
use crate::upgrade::plan::{Anew, Digests, Identifier, Key, Plan, RestsOn, VERSION, anew, changes};

/// Where the plan comes from.
pub struct Origin {
    /// Random bytes in hexadecimal, half of the key.
    pub salt: String,
    /// Helm's flags that are kept.
    pub flags: crate::upgrade::plan::Flags,
    /// Where the values came from.
    pub values: crate::upgrade::plan::Values,
}

/// A plan, and the chart that goes with it.
pub struct Taken {
    /// The plan.
    pub plan: Plan,
    /// A copy of the chart.
    pub chart: Chart,
}

/// A chart as it goes into a plan: a copy of a folder, or an archive in its place.
pub struct Chart {
    folder: Option<TempDir>,
    path: PathBuf,
}

impl Chart {
    /// Takes a chart without the values files that lie in its folder: these may hold secrets, and are compared by their digest.
    fn of(path: &Path, values: &[String]) -> Result<Self, Error> {
        if !path.is_dir() {
            return Ok(Self { folder: None, path: path.to_owned() });
        }
        let failed = |error: std::io::Error| {
            Error::new(Kind::Output, format!("cannot copy the chart {}: {error}", path.display()))
        };
        let folder = tempfile::tempdir().map_err(failed)?;
        let target = folder.path().join("chart");
        copy(path, &target).map_err(failed)?;
        let root = path.canonicalize().map_err(failed)?;
        for file in values {
            let inside = Path::new(file).canonicalize().ok();
            let inside = inside.and_then(|file| file.strip_prefix(&root).map(Path::to_owned).ok());
            // The chart's own defaults are read by Helm whether they are named or not.
            if let Some(inside) = inside.filter(|inside| inside != Path::new("values.yaml")) {
                _ = std::fs::remove_file(target.join(inside));
            }
        }
        Ok(Self { folder: Some(folder), path: target })
    }

    /// The folder or the archive.
    #[must_use]
    pub fn path(&self) -> &Path {
        debug_assert!(self.folder.is_none() || self.path.exists());
        &self.path
    }

    fn digest(&self, key: &Key) -> Result<String, Error> {
        let content = sorted_content(&self.path).map_err(|error| {
            Error::new(Kind::Usage, format!("cannot read the chart {}: {error}", self.path.display()))
        })?;
        Ok(key.digest(&content))
    }
}

/// Takes a plan of what was prepared.
///
/// # Errors
/// If the chart, or what only the cluster knows, can't be read.
pub async fn take<C: Cluster, H: Helm>(
    seams: &Seams<'_, C, H>,
    (request, options, prepared): (&Request, &Options, &Prepared),
    origin: Origin,
) -> Result<Taken, Error> {
    let release = &request.upgrade.release;
    let new = &prepared.proposed.outcome.releases.new;
    let chart = Chart::of(prepared.proposed.chart(), &origin.values.files)?;
    let known = identifiers(seams, release, prepared.proposed.last).await;
    if known.is_empty() {
        let message =
            format!("cannot save a plan for release \"{release}\": you may read nothing that only the cluster knows");
        return Err(Error::new(Kind::Forbidden, message).hint(
            "the digests in a plan need it, so that nobody can guess secrets by them; get on the namespace is enough",
        ));
    }
    let (identifiers, uids): (Vec<Identifier>, Vec<String>) = known.into_iter().unzip();
    let key = Key::new(&origin.salt, &uids);
    let regenerated = anew(&prepared.proposed.outcome.diff.regenerated);
    let mut rests_on = observe(seams, &key, (prepared, options), &regenerated).await?;
    rests_on.chart = chart.digest(&key)?;
    let plan = Plan {
        version: VERSION,
        made: jiff::Timestamp::now(),
        who: options.who.clone(),
        release: release.clone(),
        namespace: seams.storage.namespace().to_owned(),
        chart: request.upgrade.chart.clone(),
        chart_version: format!("{}-{}", new.chart.name(), new.chart.version()),
        flags: origin.flags,
        values: origin.values,
        salt: origin.salt,
        identifiers,
        rests_on,
        regenerated,
    };
    Ok(Taken { plan, chart })
}

/// The key of a plan, if this is the cluster and the release that it was made on, and the chart in it is the one that was reviewed.
///
/// # Errors
/// Of kind [`Kind::Refused`] if not.
pub async fn unlock<C: Cluster, H: Helm>(seams: &Seams<'_, C, H>, plan: &Plan, chart: &Path) -> Result<Key, Error> {
    let known = identifiers(seams, &plan.release, plan.rests_on.last).await;
    let mut uids = Vec::new();
    for wanted in &plan.identifiers {
        let Some((_, uid)) = known.iter().find(|(name, _)| name == wanted) else {
            let cause = match wanted {
                Identifier::Cluster => "the namespace kube-system can't be read".to_owned(),
                Identifier::Namespace => format!("the namespace {} can't be read", plan.namespace),
                Identifier::Record => format!("release: revision {} is gone, or can't be read", plan.rests_on.last),
            };
            return Err(refused(plan, &[cause]));
        };
        uids.push(uid.clone());
    }
    let key = Key::new(&plan.salt, &uids);
    if key.digest(b"key") != plan.rests_on.key {
        let last = plan.rests_on.last;
        let cause = format!(
            "server: it is another cluster, or another release whose revision {last} is not the one of the plan"
        );
        return Err(refused(plan, &[cause]));
    }
    let kept = Chart { folder: None, path: chart.to_owned() };
    if kept.digest(&key)? != plan.rests_on.chart {
        return Err(refused(plan, &["chart: the files in the plan are not those that were reviewed".to_owned()]));
    }
    Ok(key)
}

/// Whether all that the plan rests on is still so.
///
/// # Errors
/// Of kind [`Kind::Refused`], with what has changed.
pub async fn verify<C: Cluster, H: Helm>(
    seams: &Seams<'_, C, H>,
    (plan, key): (&Plan, &Key),
    (prepared, options): (&Prepared, &Options),
) -> Result<(), Error> {
    let mut now = observe(seams, key, (prepared, options), &plan.regenerated).await?;
    now.chart.clone_from(&plan.rests_on.chart);
    // The folder that was planned from need not be here; where it is, it should say the same.
    let named = Path::new(&plan.chart);
    if named.exists() {
        now.chart = Chart::of(named, &plan.values.files)?.digest(key)?;
    }
    let found = changes(&plan.rests_on, &now, plan.identifiers.contains(&Identifier::Cluster));
    if found.is_empty() { Ok(()) } else { Err(refused(plan, &found)) }
}

fn refused(plan: &Plan, causes: &[String]) -> Error {
    let mut message =
        format!("cannot apply the plan for release \"{}\": something changed since it was made", plan.release);
    causes.iter().for_each(|cause| message.push_str(&format!("\n  {cause}")));
    let mut hint = format!("make a new one: helm safe-upgrade plan {} {} --out FILE", plan.release, plan.chart);
    if causes.iter().any(|cause| cause.starts_with("values:")) {
        hint.push_str("; if other values were meant, give those of the plan again with -f and --set");
    }
    Error::new(Kind::Refused, message).hint(hint)
}

async fn observe<C: Cluster, H: Helm>(
    seams: &Seams<'_, C, H>,
    key: &Key,
    (prepared, options): (&Prepared, &Options),
    regenerated: &[Anew],
) -> Result<RestsOn, Error> {
    let releases = &prepared.proposed.outcome.releases;
    let hooks = !options.apply.waiting.no_hooks;
    let last = prepared.history.entries().last();
    Ok(RestsOn {
        server: seams.cluster.server().to_owned(),
        helm: seams.helm.major_version().await?,
        last: prepared.proposed.last,
        status: last.map(|entry| entry.status_hint.clone()).unwrap_or_default(),
        deployed: prepared.deployed,
        key: key.digest(b"key"),
        chart: String::new(),
        supplied: key.of_node(&releases.new.config),
        computed: key.of_node(&releases.new.computed_values()),
        proposed: key.of_objects(&releases.new, hooks, regenerated),
        running: key.of_objects(&releases.old, hooks, &[]),
        drift: match prepared.deployed {
            Some(revision) => drift(seams, key, (&releases.old.name, revision)).await?,
            None => Digests::new(),
        },
    })
}

/// How the live objects differ from their revision.
async fn drift<C: Cluster, H: Helm>(
    seams: &Seams<'_, C, H>,
    key: &Key,
    (release, revision): (&str, u32),
) -> Result<Digests, Error> {
    let options = live::Options {
        release: release.to_owned(),
        revision: Some(revision),
        compare: Compare::Auto,
        selection: Selection::default(),
        ignore: Vec::new(),
    };
    let found = live::run(seams.storage, seams.cluster, &Masker::showing_secrets(), &options, &()).await?;
    if let Some(error) = found.incomplete {
        return Err(error.while_doing("cannot tell whether what runs is as it was"));
    }
    let mut digests = Digests::new();
    for resource in &found.outcome.diff.manifest.resources {
        let Some(object) = resource.object() else { continue };
        let live = resource.new.as_ref().map(|live| serde_json::to_vec(&live.node).unwrap_or_default());
        digests.insert(object.id.to_string(), key.digest(&live.unwrap_or_default()));
    }
    Ok(digests)
}

/// What only the cluster knows, as far as it may be read.
async fn identifiers<C: Cluster, H: Helm>(
    seams: &Seams<'_, C, H>,
    release: &str,
    last: u32,
) -> Vec<(Identifier, String)> {
    let namespace = seams.storage.namespace();
    let mut wanted = vec![
        (Identifier::Cluster, ObjectRef { resource: NAMESPACES, namespace: None, name: "kube-system".to_owned() }),
        (Identifier::Namespace, ObjectRef { resource: NAMESPACES, namespace: None, name: namespace.to_owned() }),
    ];
    if let (Storage::Objects { resource, .. }, 1..) = (seams.storage, last) {
        let (resource, name) = (resource.clone(), object_name(release, last));
        wanted.push((Identifier::Record, ObjectRef { resource, namespace: Some(namespace.to_owned()), name }));
    }
    let mut found = Vec::new();
    for (identifier, at) in wanted {
        if let Ok(body) = seams.cluster.get(&at).await
            && let Ok(object) = serde_json::from_slice::<Identified>(&body)
        {
            found.push((identifier, object.metadata.uid));
        }
    }
    found
}

/// Namespaces.
const NAMESPACES: Resource = Resource {
    group: std::borrow::Cow::Borrowed(""),
    version: std::borrow::Cow::Borrowed("v1"),
    plural: std::borrow::Cow::Borrowed("namespaces"),
    kind: std::borrow::Cow::Borrowed("Namespace"),
};

#[derive(Deserialize)]
struct Identified {
    metadata: Uid,
}

#[derive(Deserialize)]
struct Uid {
    uid: String,
}
