//! Where the state of a batch is kept, as a user names it, and what is kept there already.

use std::path::{Path, PathBuf};

use super::given::Given;
use super::places::Places;
use crate::cli::Environment;
use crate::cli::args::BatchRunArgs;
use crate::cli::diagnose::state_folder;
use crate::cluster::KubeCluster;
use crate::error::{Error, Kind};
use crate::record::batch::{self, Store};
use crate::storage::Storage;
use crate::upgrade::batch::kept::Kept;
use crate::upgrade::batch::shard::Shard;

/// What a place in the cluster begins with.
const CONFIG_MAP: &str = "configmap:";

/// Opens the place that is named, or the one of this batch on this machine.
pub(super) async fn store(
    run: &BatchRunArgs,
    (title, digest): (&str, &str),
    places: &Places<'_>,
) -> Result<Store<KubeCluster>, Error> {
    match run.state.as_deref() {
        Some(named) if named.starts_with(CONFIG_MAP) => {
            let (namespace, batch) = config_map(named)?;
            let name = match run.shard {
                Some(Shard { index, count }) => format!("{batch}-{index}-of-{count}"),
                None => batch.clone(),
            };
            Ok(Store::config_map(cluster(places).await?, (namespace, name), batch))
        }
        Some(named) => Ok(Store::file(of_shard(Path::new(named), run.shard))),
        None => Ok(Store::file(of_shard(&default(title, digest, places.environment), run.shard))),
    }
}

/// `configmap:NAMESPACE/NAME`.
fn config_map(named: &str) -> Result<(String, String), Error> {
    let parts = named.trim_start_matches(CONFIG_MAP).split_once('/');
    let is_name = |text: &str| {
        let fits = |c: char| c.is_ascii_lowercase() || c.is_ascii_digit() || c == '-';
        !text.is_empty() && text.len() <= 63 && text.chars().all(fits) && !text.starts_with('-') && !text.ends_with('-')
    };
    match parts.filter(|(namespace, name)| is_name(namespace) && is_name(name)) {
        Some((namespace, name)) => Ok((namespace.to_owned(), name.to_owned())),
        None => Err(Error::new(Kind::Usage, format!("cannot keep the state in {named:?}"))
            .hint("it is configmap:NAMESPACE/NAME, each of lower case letters, digits and dashes")),
    }
}

async fn cluster(places: &Places<'_>) -> Result<KubeCluster, Error> {
    match &*places.of(None).await? {
        Storage::Objects { cluster, .. } => Ok(cluster.within(cluster_namespace(cluster))),
        Storage::Helm { .. } => {
            crate::cli::connection::cluster(&places.arguments(None, None)?, places.environment).await
        }
    }
}

fn cluster_namespace(cluster: &KubeCluster) -> &str {
    crate::cluster::Cluster::namespace(cluster)
}

/// `state.json` of the first of four shards is `state.0-of-4.json`.
fn of_shard(path: &Path, shard: Option<Shard>) -> PathBuf {
    let Some(Shard { index, count }) = shard else { return path.to_owned() };
    let extension = path.extension().map(|extension| format!(".{}", extension.to_string_lossy())).unwrap_or_default();
    path.with_extension(format!("{index}-of-{count}{extension}").trim_start_matches('.'))
}

fn default(title: &str, digest: &str, environment: &Environment) -> PathBuf {
    let plain = |c: char| if c.is_ascii_alphanumeric() || c == '.' || c == '-' { c } else { '-' };
    let name: String = title.chars().take(60).map(plain).collect();
    state_folder(environment).join("batches").join(format!("{name}-{}.json", &digest[..digest.len().min(8)]))
}

/// What is kept of this batch, where it goes on.
pub(super) async fn kept(store: &Store<KubeCluster>) -> Result<Option<Kept>, Error> {
    let Some(bytes) = store.take().await? else { return Ok(None) };
    read(&store.named(), &bytes).map(Some)
}

fn read(named: &str, bytes: &[u8]) -> Result<Kept, Error> {
    Kept::read(bytes).map_err(|cause| {
        Error::new(Kind::Damaged, format!("cannot read the state of the batch in {named}: {cause}"))
            .hint("--state names another place")
    })
}

/// What is kept must be of this batch, and wanted: a batch that was not finished is not begun anew by accident.
pub(super) fn fitting(kept: Option<Kept>, (given, resume): (&Given, bool), place: &str) -> Result<Option<Kept>, Error> {
    let title = &given.title;
    match kept {
        Some(kept) if resume && kept.batch != given.digest => {
            let message =
                format!("cannot go on with {title}: what is kept in {place} is of another batch, {}", kept.title);
            Err(Error::new(Kind::Usage, message)
                .hint("the plan or the selection has changed; without --resume it begins anew"))
        }
        Some(kept) if resume => Ok(Some(kept)),
        Some(kept) if kept.batch == given.digest && !kept.is_over() => {
            let (all, open) = (kept.releases.len(), kept.open());
            let message = format!("{title} was not finished: {} of {all} releases have ended ({place})", all - open);
            Err(Error::new(Kind::Refused, message).hint("--resume goes on with it; remove the state to begin anew"))
        }
        _ => Ok(None),
    }
}

/// The results that these places hold.
pub(super) async fn results(named: &[String], places: &Places<'_>) -> Result<Kept, Error> {
    let mut parts = Vec::new();
    for place in named {
        if place.starts_with(CONFIG_MAP) {
            let (namespace, batch) = config_map(place)?;
            for (name, bytes) in batch::all_of(&cluster(places).await?, &namespace, &batch).await? {
                parts.push(read(&name, &bytes)?);
            }
        } else {
            let store: Store<KubeCluster> = Store::file(PathBuf::from(place));
            let bytes = store.read().await?.ok_or_else(|| {
                Error::new(
                    Kind::NotFound,
                    format!("cannot read the state of the batch in {place}: there is no such file"),
                )
            })?;
            parts.push(read(place, &bytes)?);
        }
    }
    if parts.is_empty() {
        let message = format!("there are no results in {}", named.join(", "));
        return Err(Error::new(Kind::NotFound, message).hint("it is the --state of the batch, without the shard"));
    }
    Kept::gathered(parts).map_err(|cause| Error::new(Kind::Usage, format!("cannot put the results together: {cause}")))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_shard_has_a_file_of_its_own() {
        let shard = Some(Shard { index: 1, count: 4 });
        for (path, expected) in [("a/state.json", "a/state.1-of-4.json"), ("state", "state.1-of-4")] {
            assert_eq!(of_shard(Path::new(path), shard), Path::new(expected));
        }
        assert_eq!(of_shard(Path::new("state.json"), None), Path::new("state.json"));
    }

    #[test]
    fn a_config_map_is_named_by_namespace_and_name() {
        assert_eq!(config_map("configmap:ops/web-1").unwrap(), ("ops".to_owned(), "web-1".to_owned()));
        for wrong in
            ["configmap:", "configmap:ops", "configmap:ops/", "configmap:a/b/c", "configmap:a/B", "configmap:a/-b"]
        {
            assert!(config_map(wrong).is_err(), "{wrong}");
        }
    }
}
