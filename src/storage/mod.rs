//! Where releases are stored: Secrets or ConfigMaps, which are read directly, or a SQL database, which is read through
//! the `helm` binary.

mod failure;
pub(crate) mod item;
pub(crate) mod record;

use futures::future::{join, join_all};

use crate::cluster::{Cluster, ListQuery, ObjectRef, Resource};
use crate::error::{Error, Kind};
use crate::helm::Helm;
use crate::release::Release;
use crate::release::decode::DecodeError;
use crate::release::head::Head;
use crate::release::history::{Entry, History};

/// Helm's storage drivers (`HELM_DRIVER`).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Driver {
    /// Secrets in the release's namespace: the default.
    Secret,
    /// ConfigMaps in the release's namespace.
    ConfigMap,
    /// A PostgreSQL database.
    Sql,
}

impl Driver {
    /// Reads `HELM_DRIVER` as Helm does.
    ///
    /// # Errors
    /// For `memory`, and for names that Helm doesn't know.
    pub fn parse(name: &str) -> Result<Self, Error> {
        match name {
            "" | "secret" | "secrets" => Ok(Self::Secret),
            "configmap" | "configmaps" => Ok(Self::ConfigMap),
            "sql" => Ok(Self::Sql),
            "memory" => Err(Error::new(
                Kind::Unsupported,
                "cannot read releases: the storage driver \"memory\" keeps nothing once helm has ended",
            )
            .hint("unset HELM_DRIVER, or set it to secret, configmap or sql")),
            other => Err(Error::new(Kind::Usage, format!("cannot read releases: unknown storage driver {other:?}"))
                .hint("HELM_DRIVER is one of secret, configmap, sql")),
        }
    }
}

/// The stored releases of one namespace.
pub enum Storage<C, H> {
    /// In the cluster: as objects of this resource.
    Objects {
        /// The cluster.
        cluster: C,
        /// Secrets or ConfigMaps.
        resource: Resource,
    },
    /// Wherever Helm keeps them.
    Helm {
        /// Helm.
        helm: H,
        /// The namespace, where one is named; else the context's, which only Helm knows.
        namespace: Option<String>,
    },
}

/// The object that holds a revision, as it was read.
struct Stored {
    at: ObjectRef,
    /// What was being done.
    reading: String,
    body: Vec<u8>,
}

fn reading(name: &str, revision: u32) -> String {
    format!("cannot read revision {revision} of release \"{name}\"")
}

impl Stored {
    async fn get<C: Cluster>(cluster: &C, resource: &Resource, (name, revision): (&str, u32)) -> Result<Self, Error> {
        let at = ObjectRef {
            resource: resource.clone(),
            namespace: Some(cluster.namespace().to_owned()),
            name: record::object_name(name, revision),
        };
        let reading = reading(name, revision);
        match cluster.get(&at).await {
            Ok(body) => Ok(Self { at, reading, body }),
            Err(error) => Err(Error::from(error).while_doing(&reading)),
        }
    }

    fn damaged(&self, error: &DecodeError) -> Error {
        record::damaged(error, &self.at).while_doing(&self.reading)
    }
}

impl<C: Cluster, H: Helm> Storage<C, H> {
    /// The namespace the releases are in.
    pub fn namespace(&self) -> &str {
        match self {
            Self::Objects { cluster, .. } => cluster.namespace(),
            Self::Helm { namespace, .. } => namespace.as_deref().unwrap_or("default"),
        }
    }

    /// The revisions there are of a release, known without reading any.
    ///
    /// # Errors
    /// If they can't be listed.
    pub async fn history(&self, name: &str) -> Result<History, Error> {
        let entries = match self {
            Self::Helm { helm, .. } => helm.history(name).await?,
            Self::Objects { cluster, resource } => {
                let selector = format!("owner=helm,name={name}");
                let query = ListQuery {
                    resource: resource.clone(),
                    namespace: Some(cluster.namespace().to_owned()),
                    label_selector: Some(selector),
                };
                let found = cluster.list_metadata(&query).await.map_err(|error| {
                    Error::from(error).while_doing(&format!("cannot list the revisions of release \"{name}\""))
                })?;
                found.iter().filter_map(|meta| record::entry(name, meta)).collect::<Vec<Entry>>()
            }
        };
        Ok(History::new(entries))
    }

    /// One revision.
    ///
    /// # Errors
    /// If it does not exist (of kind [`Kind::NotFound`]), may not be read, or is damaged.
    pub async fn read(&self, name: &str, revision: u32) -> Result<Release, Error> {
        match self {
            Self::Helm { helm, .. } => helm.release(name, revision).await,
            Self::Objects { cluster, resource } => {
                let stored = Stored::get(cluster, resource, (name, revision)).await?;
                // Decoding two revisions takes two cores.
                let (kind, name_of_record) = (resource.clone(), name.to_owned());
                let decoding = tokio::task::spawn_blocking(move || {
                    let decoded = record::decode(&stored.body, &kind, &name_of_record, revision);
                    decoded.map_err(|error| stored.damaged(&error))
                });
                let broken = |_| Error::new(Kind::Damaged, "decoding it failed").while_doing(&reading(name, revision));
                decoding.await.map_err(broken)?
            }
        }
    }

    /// What a list shows of a revision, of which only the beginning is decoded.
    ///
    /// # Errors
    /// As [`Self::read`].
    pub async fn head(&self, name: &str, revision: u32) -> Result<Head, Error> {
        let Self::Objects { cluster, resource } = self else {
            return self.read(name, revision).await.map(|release| Head::of(&release));
        };
        let stored = Stored::get(cluster, resource, (name, revision)).await?;
        record::head(&stored.body, resource).map_err(|error| stored.damaged(&error))
    }

    /// The digest of the chart of a revision ([`crate::release::content`]). `None` where it is not kept.
    ///
    /// # Errors
    /// As [`Self::read`].
    pub async fn content(&self, name: &str, revision: u32) -> Result<Option<String>, Error> {
        let Self::Objects { cluster, resource } = self else { return Ok(None) };
        let stored = Stored::get(cluster, resource, (name, revision)).await?;
        record::chart_content(&stored.body, resource).map_err(|error| stored.damaged(&error))
    }

    /// Two revisions, read at the same time. If one is missing, the error says what there is instead.
    ///
    /// # Errors
    /// As [`Self::read`].
    pub async fn read_two(&self, name: &str, old: u32, new: u32) -> Result<(Release, Release), Error> {
        match join(self.read(name, old), self.read(name, new)).await {
            (Ok(old), Ok(new)) => Ok((old, new)),
            // Of two errors it is always the first that is told.
            (Err(error), _) | (_, Err(error)) => Err(self.explain(name, &[old, new], error).await),
        }
    }

    /// One revision. If it is missing, the error says what there is instead.
    ///
    /// # Errors
    /// As [`Self::read`].
    pub async fn read_one(&self, name: &str, revision: u32) -> Result<Release, Error> {
        match self.read(name, revision).await {
            Ok(release) => Ok(release),
            Err(error) => Err(self.explain(name, &[revision], error).await),
        }
    }

    /// Adds to an error what there is instead of a revision that is missing or damaged.
    async fn explain(&self, name: &str, wanted: &[u32], error: Error) -> Error {
        match error.kind {
            Kind::Damaged => self.others_work(name, error).await,
            Kind::NotFound => {
                // Who may not list learns at least which object was not found.
                let Ok(history) = self.history(name).await else { return error };
                let known = history.revisions();
                match wanted.iter().find(|revision| !known.contains(revision)) {
                    Some(&missing) => self.missing(name, missing, &history).await,
                    None => error,
                }
            }
            _ => error,
        }
    }

    /// The error for a revision, or a whole release, that isn't there.
    pub async fn missing(&self, name: &str, revision: u32, history: &History) -> Error {
        if history.is_empty() {
            return self.no_release(name).await;
        }
        let namespace = self.namespace();
        let message = format!("release \"{name}\" in namespace \"{namespace}\" has no revision {revision}");
        Error::new(Kind::NotFound, message).hint(history.sentence())
    }

    /// The error for a release that isn't there, with the names of those that are.
    pub async fn no_release(&self, name: &str) -> Error {
        let namespace = self.namespace();
        let error = Error::new(Kind::NotFound, format!("release \"{name}\" not found in namespace \"{namespace}\""));
        match self.names().await {
            Ok(names) if names.is_empty() => error.hint("there are no releases here; try -n NAMESPACE"),
            Ok(names) => error.hint(format!("releases here: {}; try -n NAMESPACE", record::closest(name, names))),
            Err(_) => error.hint("try -n NAMESPACE"),
        }
    }

    /// The deployed revision: the one whose record says so, whatever its label says.
    ///
    /// # Errors
    /// If there is none, or it can't be read.
    pub async fn deployed(&self, name: &str, history: &History) -> Result<Release, Error> {
        let mut damaged = None;
        for (at, revision) in history.deployed_candidates().into_iter().enumerate() {
            match self.read(name, revision).await {
                Ok(release) if release.info.status == "deployed" => return Ok(release),
                Ok(_) => {}
                Err(error) if error.kind != Kind::Damaged => return Err(error),
                // Where the label calls it deployed, no other revision can stand in for it.
                Err(error) if at == 0 => return Err(self.others_work(name, error).await),
                Err(error) => damaged = damaged.or(Some(error)),
            }
        }
        if let Some(error) = damaged {
            return Err(self.others_work(name, error).await);
        }
        let message = format!("release \"{name}\" in namespace \"{}\" has no deployed revision", self.namespace());
        Err(Error::new(Kind::NotFound, message).hint(format!("name both revisions to compare; {}", history.sentence())))
    }

    /// A revision and the history, read at the same time.
    ///
    /// # Errors
    /// As [`Self::read`] and [`Self::history`].
    pub async fn read_with_history(&self, name: &str, revision: u32) -> Result<(Release, History), Error> {
        match join(self.read(name, revision), self.history(name)).await {
            (Ok(release), history) => Ok((release, history?)),
            (Err(error), _) => Err(self.explain(name, &[revision], error).await),
        }
    }

    /// Adds to an error about a damaged record that other revisions can be read.
    async fn others_work(&self, name: &str, error: Error) -> Error {
        let Ok(history) = self.history(name).await else { return error };
        let revisions = history.revisions();
        let newest = &revisions[revisions.len().saturating_sub(10)..];
        let read = join_all(newest.iter().map(|&revision| self.read(name, revision))).await;
        let good: Vec<Entry> = read
            .into_iter()
            .flatten()
            .map(|release| Entry { revision: release.revision, ..Entry::default() })
            .collect();
        if good.is_empty() {
            return error;
        }
        let hint = format!("other revisions can be read: {}", History::new(good).describe());
        let hint = error.hint.as_ref().map_or(hint.clone(), |first| format!("{hint}; {first}"));
        Error { hint: Some(hint), ..error }
    }

    /// The names of the releases in the namespace, sorted.
    ///
    /// # Errors
    /// If they can't be listed.
    pub async fn names(&self) -> Result<Vec<String>, Error> {
        let Self::Objects { cluster, resource } = self else {
            let Self::Helm { helm, .. } = self else { return Ok(Vec::new()) };
            return helm.names().await;
        };
        let query = ListQuery {
            resource: resource.clone(),
            namespace: Some(cluster.namespace().to_owned()),
            label_selector: Some("owner=helm".to_owned()),
        };
        let found = cluster.list_metadata(&query).await?;
        Ok(record::release_names(&found))
    }
}
