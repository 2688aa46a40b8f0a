//! Where the releases of a batch are: a connection for each context, shared by all releases there.

use std::collections::HashMap;
use std::sync::Arc;
use std::time::Duration;

use futures::future::join_all;
use tokio::sync::Mutex;
use tokio::time::timeout;

use crate::cli::Environment;
use crate::cli::args::ClusterArgs;
use crate::cli::connection::{self, AnyStorage};
use crate::cluster::{Cluster as _, KubeCluster, ObjectRef, Resource};
use crate::error::{Error, Kind};
use crate::helm::process::HelmProcess;
use crate::storage::Storage;
use crate::upgrade::batch::Id;
use crate::upgrade::batch::kept::ClusterIdentity;

/// A server that takes longer to say which cluster it is of is told by its URL.
const TO_TELL: Duration = Duration::from_secs(10);

/// Connections by context.
pub(super) struct Places<'a> {
    pub(super) environment: &'a Environment,
    cluster: ClusterArgs,
    open: Mutex<HashMap<Option<String>, Arc<AnyStorage>>>,
}

/// What the run of one release acts on.
pub(super) struct Place {
    pub(super) storage: AnyStorage,
    pub(super) helm: HelmProcess,
    /// The cluster, where releases are kept elsewhere.
    elsewhere: Option<KubeCluster>,
}

impl Place {
    /// The cluster.
    pub(super) fn cluster(&self) -> Result<&KubeCluster, Error> {
        match (&self.storage, &self.elsewhere) {
            (Storage::Objects { cluster, .. }, _) | (_, Some(cluster)) => Ok(cluster),
            _ => Err(Error::new(Kind::Unsupported, "there is no cluster")),
        }
    }
}

impl<'a> Places<'a> {
    pub(super) fn new(cluster: ClusterArgs, environment: &'a Environment) -> Self {
        Self { environment, cluster, open: Mutex::default() }
    }

    /// The storage of a context, in its own namespace or the one that was named for all.
    pub(super) async fn of(&self, context: Option<&str>) -> Result<Arc<AnyStorage>, Error> {
        let key = context.map(str::to_owned);
        let mut open = self.open.lock().await;
        if let Some(storage) = open.get(&key) {
            return Ok(Arc::clone(storage));
        }
        let arguments = self.arguments(context, None)?;
        let storage = match context {
            Some(_) => connection::storage_beside(&self.cluster, &arguments, self.environment).await?,
            None => connection::storage(&arguments, self.environment).await?,
        };
        let storage = Arc::new(storage);
        open.insert(key, Arc::clone(&storage));
        Ok(storage)
    }

    /// What tells the clusters of these contexts from others. One that can't be connected to is left out: what is wrong with it is
    /// told of each of its releases.
    pub(super) async fn identities(&self, mut contexts: Vec<Option<String>>) -> Vec<ClusterIdentity> {
        contexts.sort();
        contexts.dedup();
        join_all(contexts.iter().map(|context| self.identity(context.as_deref()))).await.into_iter().flatten().collect()
    }

    async fn identity(&self, context: Option<&str>) -> Option<ClusterIdentity> {
        let storage = self.of(context).await.ok()?;
        let arguments = self.arguments(context, None).ok()?;
        let cluster = connection::reached(&storage, &arguments, self.environment).await.ok()?;
        let at = ObjectRef { resource: Resource::NAMESPACES, namespace: None, name: "kube-system".to_owned() };
        // Who may not read it is told by the server's URL.
        let answer = timeout(TO_TELL, cluster.get(&at)).await.ok().and_then(Result::ok);
        let uid = answer.and_then(|body| {
            let object: serde_json::Value = serde_json::from_slice(&body).ok()?;
            Some(object.get("metadata")?.get("uid")?.as_str()?.to_owned())
        });
        Some(ClusterIdentity { context: context.map(str::to_owned), server: cluster.server().to_owned(), uid })
    }

    /// Where a release is.
    pub(super) async fn place(&self, id: &Id) -> Result<Place, Error> {
        let base = self.of(id.context.as_deref()).await?;
        let arguments = self.arguments(id.context.as_deref(), Some(&id.namespace))?;
        let helm = connection::helm(&arguments, self.environment)?;
        Ok(match &*base {
            Storage::Objects { cluster, resource } => Place {
                storage: Storage::Objects { cluster: cluster.within(&id.namespace), resource: resource.clone() },
                helm,
                elsewhere: None,
            },
            Storage::Helm { .. } => Place {
                storage: connection::storage(&arguments, self.environment).await?,
                helm,
                elsewhere: Some(connection::cluster(&arguments, self.environment).await?),
            },
        })
    }

    /// The flags that lead to a context and a namespace.
    pub(super) fn arguments(&self, context: Option<&str>, namespace: Option<&str>) -> Result<ClusterArgs, Error> {
        let mut arguments = self.cluster.clone();
        if let Some(namespace) = namespace {
            arguments.namespace = Some(namespace.to_owned());
        }
        let Some(context) = context else { return Ok(arguments) };
        let told = |flag: &Option<String>, name: &str| flag.is_some() || self.environment.text(name).is_some();
        // These lead to one cluster, whatever a context says.
        if told(&arguments.kube_apiserver, "HELM_KUBEAPISERVER") || told(&arguments.kube_token, "HELM_KUBETOKEN") {
            let message = format!("cannot use context {context:?}: an API server or a token is named for all releases");
            return Err(Error::new(Kind::Usage, message).hint("leave out --kube-apiserver and --kube-token"));
        }
        arguments.kube_context = Some(context.to_owned());
        Ok(arguments)
    }
}
