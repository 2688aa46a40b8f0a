//! Where the releases of a batch are: a connection for each context, shared by all releases there.

use std::collections::HashMap;
use std::sync::Arc;

use tokio::sync::Mutex;

use crate::cli::Environment;
use crate::cli::args::ClusterArgs;
use crate::cli::connection::{self, AnyStorage};
use crate::cluster::KubeCluster;
use crate::error::{Error, Kind};
use crate::helm::process::HelmProcess;
use crate::storage::Storage;
use crate::upgrade::batch::Id;

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
        let storage = Arc::new(connection::storage(&self.arguments(context, None)?, self.environment).await?);
        open.insert(key, Arc::clone(&storage));
        Ok(storage)
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
