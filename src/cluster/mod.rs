//! The seam to Kubernetes: the trait [`Cluster`] and its real implementation.
//!
//! Everything that talks to an API server goes through [`Cluster`], so tests can record, replay and fail it. The
//! modules below this one are the only place that knows the crate `kube`.

use std::borrow::Cow;
use std::fmt;

pub use k8s_openapi::apimachinery::pkg::apis::meta::v1::ObjectMeta;

mod connection;
mod credentials;
mod error;
mod exec;
mod fault;
mod kube;
mod kubeconfig;
mod proxy;
mod rate;
mod request;
mod settings;
mod status;
mod tls;
mod transport;

pub use connection::{Connection, Environment};
pub use error::{ClusterError, Forbidden};
pub use kube::KubeCluster;

/// What the product asks of a cluster. Every call is one or more requests; none is made before the first call.
pub trait Cluster: Send + Sync {
    /// The namespace to work in where the user names none: the one asked for, else the context's, else `default`.
    fn namespace(&self) -> &str;

    /// The API server's URL for messages, without any user name or password in it.
    fn server(&self) -> &str;

    /// The metadata of all objects that match, without their content, in the server's order.
    fn list_metadata(&self, query: &ListQuery) -> impl Future<Output = Result<Vec<ObjectMeta>, ClusterError>> + Send;

    /// One object as the server's JSON, at most 64 MiB, so that a caller decodes only what it needs.
    fn get(&self, object: &ObjectRef) -> impl Future<Output = Result<Vec<u8>, ClusterError>> + Send;

    /// The server's version as it says it, as in `v1.36.3`.
    fn version(&self) -> impl Future<Output = Result<String, ClusterError>> + Send;
}

/// A kind of object as the API serves it.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct Resource {
    /// API group; empty for the core group.
    pub group: Cow<'static, str>,
    /// Version within the group, as in `v1`.
    pub version: Cow<'static, str>,
    /// Name in URLs, as in `secrets`.
    pub plural: Cow<'static, str>,
    /// Name in objects, as in `Secret`.
    pub kind: Cow<'static, str>,
}

impl Resource {
    /// Secrets, where Helm keeps releases unless told otherwise.
    pub const SECRETS: Self = Self::core("secrets", "Secret");
    /// ConfigMaps, where Helm keeps releases with `HELM_DRIVER=configmap`.
    pub const CONFIG_MAPS: Self = Self::core("configmaps", "ConfigMap");

    const fn core(plural: &'static str, kind: &'static str) -> Self {
        Self {
            group: Cow::Borrowed(""),
            version: Cow::Borrowed("v1"),
            plural: Cow::Borrowed(plural),
            kind: Cow::Borrowed(kind),
        }
    }
}

/// Which objects to list.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct ListQuery {
    /// The kind of object.
    pub resource: Resource,
    /// The namespace to look in; `None` is all of them.
    pub namespace: Option<String>,
    /// Kubernetes' own syntax, as in `owner=helm,name in (web)`.
    pub label_selector: Option<String>,
}

/// Names one object.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct ObjectRef {
    /// The kind of object.
    pub resource: Resource,
    /// Its namespace; `None` for a kind without namespaces.
    pub namespace: Option<String>,
    /// Its name.
    pub name: String,
}

impl fmt::Display for ListQuery {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(out, "{}", self.resource.plural)?;
        match &self.namespace {
            Some(namespace) => write!(out, " in namespace {namespace:?}"),
            None => write!(out, " in all namespaces"),
        }
    }
}

impl fmt::Display for ObjectRef {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(out, "{} {:?}", self.resource.kind.to_lowercase(), self.name)?;
        match &self.namespace {
            Some(namespace) => write!(out, " in namespace {namespace:?}"),
            None => Ok(()),
        }
    }
}
