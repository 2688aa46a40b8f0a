//! Where the state of a batch is kept, as a user names it, and what is kept there already.

use std::path::{Path, PathBuf};

use super::content::Content;
use super::given::Given;
use super::places::Places;
use crate::cli::Environment;
use crate::cli::args::BatchRunArgs;
use crate::cli::diagnose::state_folder;
use crate::cluster::KubeCluster;
use crate::error::{Error, Kind};
use crate::record::batch::{self, Store};
use crate::storage::Storage;
use crate::upgrade::batch::kept::{ClusterIdentity, Kept};
use crate::upgrade::batch::shard::Shard;

/// What a place in the cluster begins with.
const CONFIG_MAP: &str = "configmap:";

/// Opens the place that is named, or the one of this batch on this machine.
pub(super) async fn store(run: &BatchRunArgs, given: &Given, places: &Places<'_>) -> Result<Store<KubeCluster>, Error> {
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
        None => Ok(Store::file(of_shard(&default(given, places.environment), run.shard))),
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

/// The same batch in another cluster is another one.
fn default(given: &Given, environment: &Environment) -> PathBuf {
    let plain = |c: char| if c.is_ascii_alphanumeric() || c == '.' || c == '-' { c } else { '-' };
    let name: String = given.title.chars().take(60).map(plain).collect();
    // By what is known without an answer: the name must not depend on whether a server is there just now.
    let clusters = given.clusters.iter().map(|cluster| cluster.server.as_str());
    let digest = Content::of_texts([given.digest.as_str()].into_iter().chain(clusters));
    state_folder(environment).join("batches").join(format!("{name}-{digest}.json"))
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
    let (title, usage) = (&given.title, |message: String| Error::new(Kind::Usage, message));
    match kept {
        Some(kept) if resume => {
            if let Some((before, now)) = elsewhere(&kept.clusters, &given.clusters) {
                let message =
                    format!("cannot go on with {title}: it was begun in the cluster {before}, and this is {now}");
                return Err(usage(message).hint("name the context of that cluster, or another --state"));
            }
            if kept.batch != given.digest {
                let message =
                    format!("cannot go on with {title}: what is kept in {place} is of another batch, {}", kept.title);
                return Err(usage(message).hint(
                    "the plan, its values, its charts or the selection have changed; --state names another place for it",
                ));
            }
            Ok(Some(kept))
        }
        Some(kept) if !kept.is_over() => {
            let (all, open) = (kept.releases.len(), kept.open());
            let message = match open {
                0 => format!("{} was not finished: its releases are still to be brought back ({place})", kept.title),
                _ => {
                    format!("{} was not finished: {} of {all} releases have ended ({place})", kept.title, all - open)
                }
            };
            let hint = match kept.batch == given.digest {
                true => "--resume goes on with it; remove the state to begin anew",
                false => "it is another batch: finish it first, name another --state, or remove the state to forget it",
            };
            Err(Error::new(Kind::Refused, message).hint(hint))
        }
        _ => Ok(None),
    }
}

/// The server that a batch was begun with, and another one that the same context leads to now.
fn elsewhere<'a>(before: &'a [ClusterIdentity], now: &'a [ClusterIdentity]) -> Option<(&'a str, &'a str)> {
    now.iter().find_map(|now| {
        let before = before.iter().find(|before| before.context == now.context)?;
        (!before.is_same(now)).then_some((before.server.as_str(), now.server.as_str()))
    })
}

/// The results that these places hold, and what is there besides, a line each.
pub(super) async fn results(named: &[String], places: &Places<'_>) -> Result<(Kept, Vec<String>), Error> {
    let (mut parts, mut notes) = (Vec::new(), Vec::new());
    for place in named {
        if place.starts_with(CONFIG_MAP) {
            let (namespace, batch) = config_map(place)?;
            let mut found = Vec::new();
            for (name, bytes) in batch::all_of(&cluster(places).await?, &namespace, &batch).await? {
                found.push((name.clone(), read(&name, &bytes)?));
            }
            let (newest, older) = Kept::newest(found);
            notes.extend(older.into_iter().map(|name| format!("{name} is of an earlier batch, and is left out")));
            parts.extend(newest);
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
    let gathered = Kept::gathered(parts);
    let gathered =
        gathered.map_err(|cause| Error::new(Kind::Usage, format!("cannot put the results together: {cause}")))?;
    Ok((gathered, notes))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::upgrade::batch::kept::{Entry, SCHEMA_VERSION, Told};
    use crate::upgrade::batch::{Id, Outcome};

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

    fn kept(outcome: Option<Outcome>) -> Kept {
        let id = Id { context: None, namespace: "shop".to_owned(), release: "web".to_owned() };
        let mut entry = Entry::new(id, 0);
        if let Some(outcome) = outcome {
            entry.end(Told::new(outcome, None), jiff::Timestamp::UNIX_EPOCH);
        }
        let cluster = ClusterIdentity { context: None, server: "https://stage".to_owned(), uid: None };
        Kept {
            schema_version: SCHEMA_VERSION,
            batch: "abc".to_owned(),
            title: "plan.yaml".to_owned(),
            shard: None,
            clusters: vec![cluster],
            by: String::new(),
            rollback_set: false,
            left_out: Vec::new(),
            started: jiff::Timestamp::UNIX_EPOCH,
            ended: None,
            looked_again: None,
            releases: vec![entry],
        }
    }

    fn given(digest: &str, server: &str) -> Given {
        let cluster = ClusterIdentity { context: None, server: server.to_owned(), uid: None };
        let (title, digest) = ("plan.yaml".to_owned(), digest.to_owned());
        Given { title, digest, clusters: vec![cluster], ..Given::default() }
    }

    #[test]
    fn a_state_is_gone_on_with_only_where_it_belongs() {
        let ended = || Some(kept(Some(Outcome::Upgraded)));
        let fits = |given: &Given, resume| fitting(ended(), (given, resume), "state.json");
        assert_eq!(fits(&given("abc", "https://stage"), true).unwrap(), ended());
        assert_eq!(fits(&given("abc", "https://stage"), false).unwrap(), None, "it is done again");
        let error = fits(&given("abc", "https://production"), true).unwrap_err();
        assert!(
            error.message.contains("begun in the cluster https://stage, and this is https://production"),
            "{error}"
        );
        let error = fits(&given("other", "https://stage"), true).unwrap_err();
        assert!(error.message.contains("is of another batch"), "{error}");
    }

    #[test]
    fn a_batch_that_was_not_finished_is_not_overwritten_by_another_one() {
        for digest in ["abc", "other"] {
            let error = fitting(Some(kept(None)), (&given(digest, "https://stage"), false), "state.json").unwrap_err();
            assert_eq!((error.kind, error.message.contains("was not finished: 0 of 1")), (Kind::Refused, true));
        }
    }

    #[test]
    fn the_same_plan_in_another_cluster_has_another_state() {
        let environment = Environment::of_process();
        let path = |server| default(&given("abc", server), &environment);
        assert_ne!(path("https://stage"), path("https://production"));
        assert_eq!(path("https://stage"), path("https://stage"));
    }
}
