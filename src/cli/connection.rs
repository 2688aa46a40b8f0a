//! From Helm's flags and environment to the place where the releases are stored.

use std::ops::Deref;
use std::path::PathBuf;

use secrecy::{ExposeSecret as _, SecretString};

use crate::chart::repository::Repositories;
use crate::cli::Environment;
use crate::cli::args::ClusterArgs;
use crate::cluster::{Cluster as _, Connection, KubeCluster, Resource};
use crate::error::{Error, Kind};
use crate::helm::process::HelmProcess;
use crate::storage::{Driver, Storage};

/// The storage as the command line has it.
pub(super) type AnyStorage = Storage<KubeCluster, HelmProcess>;

/// Opens the storage that `HELM_DRIVER` names. Makes no request yet.
pub(super) async fn storage(arguments: &ClusterArgs, environment: &Environment) -> Result<AnyStorage, Error> {
    storage_in(None, arguments, environment).await
}

/// The same in a namespace of its own.
pub(super) async fn storage_in(
    namespace: Option<String>,
    arguments: &ClusterArgs,
    environment: &Environment,
) -> Result<AnyStorage, Error> {
    let mut connection = connection(arguments, environment)?;
    connection.namespace = namespace.or(connection.namespace);
    storage_by(connection, environment).await
}

/// The same in another context of the kubeconfig, with that context's own server and user.
pub(super) async fn storage_at(
    context: &str,
    namespace: &str,
    arguments: &ClusterArgs,
    environment: &Environment,
) -> Result<AnyStorage, Error> {
    let Connection { kubeconfig, qps, burst, .. } = connection(arguments, environment)?;
    let (context, namespace) = (Some(context.to_owned()), Some(namespace.to_owned()));
    storage_by(Connection { kubeconfig, context, namespace, qps, burst, ..Connection::default() }, environment).await
}

/// The same in that context's own namespace, where none is named.
pub(super) async fn storage_of(
    context: &str,
    arguments: &ClusterArgs,
    environment: &Environment,
) -> Result<AnyStorage, Error> {
    let told = beside(connection(arguments, environment)?, arguments).await?;
    // What else was told leads to one cluster, and not to that context's; as whom to act counts everywhere.
    let Connection { kubeconfig, as_user, as_groups, qps, burst, namespace, .. } = told;
    let context = Some(context.to_owned());
    let connection =
        Connection { kubeconfig, context, as_user, as_groups, qps, burst, namespace, ..Connection::default() };
    storage_by(connection, environment).await
}

/// The storage of these arguments, which name another context than those that were told. That context's own namespace is meant, where
/// none is named.
pub(super) async fn storage_beside(
    told: &ClusterArgs,
    arguments: &ClusterArgs,
    environment: &Environment,
) -> Result<AnyStorage, Error> {
    let namespace = beside(connection(told, environment)?, told).await?.namespace;
    storage_by(Connection { namespace, ..connection(arguments, environment)? }, environment).await
}

/// A connection whose namespace holds for every context. Helm names one to its plugins in any case, and does not say whether the
/// user did: what is just the current context's own is taken to be that.
async fn beside(told: Connection, arguments: &ClusterArgs) -> Result<Connection, Error> {
    if arguments.namespace.is_some() || told.namespace.is_none() {
        return Ok(told);
    }
    let own = Connection { namespace: None, ..told.clone() };
    let is_own = match KubeCluster::connect(&own).await {
        Ok(cluster) => told.namespace.as_deref() == Some(cluster.namespace()),
        // A kubeconfig may have no current context: then Helm knows but the namespace "default".
        Err(_) => told.namespace.as_deref() == Some("default"),
    };
    Ok(Connection { namespace: told.namespace.clone().filter(|_| !is_own), ..told })
}

async fn storage_by(connection: Connection, environment: &Environment) -> Result<AnyStorage, Error> {
    let resource = match Driver::parse(environment.text("HELM_DRIVER").unwrap_or_default())? {
        Driver::Secret => Resource::SECRETS,
        Driver::ConfigMap => Resource::CONFIG_MAPS,
        Driver::Sql => {
            let helm_bin = environment.raw("HELM_BIN").map(Into::into);
            let namespace = connection.namespace.clone();
            let helm = HelmProcess::find(helm_bin, helm_environment(&connection))?;
            return Ok(Storage::Helm { helm, namespace });
        }
    };
    Ok(Storage::Objects { cluster: KubeCluster::connect(&connection).await?, resource })
}

/// Whether nothing but us writes to the terminal while this storage is read. A credential plugin may ask for a password.
pub(super) fn is_quiet(storage: &AnyStorage) -> bool {
    !matches!(storage, Storage::Objects { cluster, .. } if cluster.has_plugin())
}

/// The cluster itself, for releases that are kept elsewhere.
pub(super) async fn cluster(arguments: &ClusterArgs, environment: &Environment) -> Result<KubeCluster, Error> {
    Ok(KubeCluster::connect(&connection(arguments, environment)?).await?)
}

/// The cluster of a storage, or one of its own where releases are kept elsewhere.
pub(super) enum Reached<'s> {
    /// That of the storage: one limit on the rate for all requests.
    Same(&'s KubeCluster),
    /// One for the objects alone.
    Own(Box<KubeCluster>),
}

impl Deref for Reached<'_> {
    type Target = KubeCluster;

    fn deref(&self) -> &KubeCluster {
        match self {
            Self::Same(cluster) => cluster,
            Self::Own(cluster) => cluster,
        }
    }
}

/// The cluster that the objects of a storage's releases are in.
pub(super) async fn reached<'s>(
    storage: &'s AnyStorage,
    arguments: &ClusterArgs,
    environment: &Environment,
) -> Result<Reached<'s>, Error> {
    match storage {
        Storage::Objects { cluster, .. } => Ok(Reached::Same(cluster)),
        Storage::Helm { .. } => Ok(Reached::Own(Box::new(cluster(arguments, environment).await?))),
    }
}

/// The `helm` binary, told about the same cluster.
pub(super) fn helm(arguments: &ClusterArgs, environment: &Environment) -> Result<HelmProcess, Error> {
    let mut variables = helm_environment(&connection(arguments, environment)?);
    let paths = [
        ("HELM_REGISTRY_CONFIG", &arguments.registry_config),
        ("HELM_REPOSITORY_CACHE", &arguments.repository_cache),
        ("HELM_REPOSITORY_CONFIG", &arguments.repository_config),
        ("HELM_CONTENT_CACHE", &arguments.content_cache),
    ];
    variables.extend(paths.into_iter().filter_map(|(name, path)| Some((name.into(), path.clone()?.into()))));
    HelmProcess::find(environment.raw("HELM_BIN").map(Into::into), variables)
}

/// Where Helm keeps the indexes of chart repositories. Helm says so to its plugins; else it is as Helm itself finds the folder.
/// (Helm: `pkg/helmpath`.)
pub(super) fn repositories(arguments: &ClusterArgs, environment: &Environment) -> Repositories {
    let named = |name| environment.raw(name).map(PathBuf::from);
    let home =
        || named("HOME").map(|home| home.join(if cfg!(target_os = "macos") { "Library/Caches" } else { ".cache" }));
    let helms = || named("HELM_CACHE_HOME").or_else(|| Some(named("XDG_CACHE_HOME").or_else(home)?.join("helm")));
    let told = arguments.repository_cache.clone().map(PathBuf::from).or_else(|| named("HELM_REPOSITORY_CACHE"));
    Repositories { cache: told.or_else(|| Some(helms()?.join("repository"))) }
}

/// The variables that name the cluster to a command of the user's, which may run `helm` or `kubectl`.
pub(super) fn variables(
    arguments: &ClusterArgs,
    environment: &Environment,
) -> Result<Vec<(std::ffi::OsString, std::ffi::OsString)>, Error> {
    Ok(helm_environment(&connection(arguments, environment)?))
}

/// The namespace that is named, if one is.
pub(super) fn namespace(arguments: &ClusterArgs, environment: &Environment) -> Option<String> {
    arguments.namespace.clone().or_else(|| environment.text("HELM_NAMESPACE").map(str::to_owned))
}

/// A flag wins over the variable that Helm has put into the environment.
fn connection(arguments: &ClusterArgs, environment: &Environment) -> Result<Connection, Error> {
    let text = |flag: &Option<String>, name: &str| flag.clone().or_else(|| environment.text(name).map(str::to_owned));
    let groups = || -> Vec<String> {
        let all = environment.text("HELM_KUBEASGROUPS").unwrap_or_default();
        all.split(',').filter(|group| !group.is_empty()).map(str::to_owned).collect()
    };
    let defaults = Connection::default();
    Ok(Connection {
        kubeconfig: arguments
            .kubeconfig
            .clone()
            .map(Into::into)
            .or_else(|| environment.raw("KUBECONFIG").map(Into::into)),
        context: text(&arguments.kube_context, "HELM_KUBECONTEXT"),
        api_server: text(&arguments.kube_apiserver, "HELM_KUBEAPISERVER"),
        token: text(&arguments.kube_token, "HELM_KUBETOKEN").map(SecretString::from),
        as_user: text(&arguments.kube_as_user, "HELM_KUBEASUSER"),
        as_groups: if arguments.kube_as_group.is_empty() { groups() } else { arguments.kube_as_group.clone() },
        ca_file: arguments.kube_ca_file.clone().or_else(|| environment.raw("HELM_KUBECAFILE").map(Into::into)),
        insecure_skip_tls_verify: arguments
            .kube_insecure_skip_tls_verify
            .unwrap_or_else(|| environment.switch("HELM_KUBEINSECURE_SKIP_TLS_VERIFY")),
        tls_server_name: text(&arguments.kube_tls_server_name, "HELM_KUBETLS_SERVER_NAME"),
        qps: number(arguments.qps, "HELM_QPS", environment)?.unwrap_or(defaults.qps),
        burst: burst(arguments, environment)?.unwrap_or(defaults.burst),
        namespace: namespace(arguments, environment),
        ..defaults
    })
}

fn number<T: std::str::FromStr>(flag: Option<T>, name: &str, environment: &Environment) -> Result<Option<T>, Error> {
    if flag.is_some() {
        return Ok(flag);
    }
    let Some(text) = environment.text(name) else { return Ok(None) };
    let wrong =
        |_| Error::new(Kind::Usage, format!("{name} is {text:?}, which is no number")).hint(format!("unset {name}"));
    text.parse().map(Some).map_err(wrong)
}

/// Helm takes any number; below one there is no burst to speak of.
fn burst(arguments: &ClusterArgs, environment: &Environment) -> Result<Option<u32>, Error> {
    let wanted = number(arguments.burst_limit, "HELM_BURST_LIMIT", environment)?;
    Ok(wanted.map(|burst| u32::try_from(burst.max(0)).unwrap_or(u32::MAX)))
}

/// What a Helm child needs in its environment to see the same cluster, where flags were given to us directly.
fn helm_environment(connection: &Connection) -> Vec<(std::ffi::OsString, std::ffi::OsString)> {
    let mut variables = Vec::new();
    let mut set = |name: &str, value: Option<std::ffi::OsString>| {
        variables.extend(value.map(|value| (name.into(), value)));
    };
    set("KUBECONFIG", connection.kubeconfig.clone());
    set("HELM_KUBECONTEXT", connection.context.clone().map(Into::into));
    set("HELM_KUBEAPISERVER", connection.api_server.clone().map(Into::into));
    set("HELM_KUBETOKEN", connection.token.as_ref().map(|token| token.expose_secret().into()));
    set("HELM_KUBEASUSER", connection.as_user.clone().map(Into::into));
    let groups = connection.as_groups.join(",");
    set("HELM_KUBEASGROUPS", (!groups.is_empty()).then(|| groups.into()));
    set("HELM_KUBECAFILE", connection.ca_file.clone().map(Into::into));
    set("HELM_KUBEINSECURE_SKIP_TLS_VERIFY", connection.insecure_skip_tls_verify.then(|| "true".into()));
    set("HELM_KUBETLS_SERVER_NAME", connection.tls_server_name.clone().map(Into::into));
    set("HELM_NAMESPACE", connection.namespace.clone().map(Into::into));
    variables
}
