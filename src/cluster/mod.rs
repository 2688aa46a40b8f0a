//! The seam to Kubernetes: the trait [`Cluster`] and its real implementation.
//!
//! Everything that talks to an API server goes through [`Cluster`], so tests can record, replay and fail it. The
//! modules below this one are the only place that knows the crate `kube`.

use std::borrow::Cow;
use std::collections::HashMap;
use std::fmt;

use crate::manifest::identity::ObjectId;
use crate::manifest::live::{Configuration, LiveObject};
use crate::manifest::observed::{Kept, Observed};

pub use k8s_openapi::apimachinery::pkg::apis::meta::v1::ObjectMeta;

mod api_versions;
mod connection;
mod credentials;
mod discovery;
mod dry_run;
mod error;
mod exec;
mod fault;
mod kube;
mod kubeconfig;
mod list;
mod protobuf;
mod proxy;
mod rate;
mod request;
mod settings;
mod status;
mod stream;
mod tls;
mod transport;

pub use connection::{Connection, Environment};
pub use dry_run::{Sending, Tried};
pub use error::{ClusterError, Forbidden};
pub use kube::KubeCluster;
pub use list::{Batch, Items, Object, Portion};
pub use stream::Watch;

/// As whom the server notes the fields that are changed by a patch.
pub const FIELD_MANAGER: &str = "helm-safe-upgrade";

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

    /// One object as it is in the cluster.
    fn get_live(&self, object: &ObjectRef) -> impl Future<Output = Result<LiveObject, ClusterError>> + Send {
        async move {
            let body = self.get(object).await?;
            LiveObject::from_json(&body).map_err(|_| ClusterError::NotKubernetes {
                action: format!("get {object}"),
                server: self.server().to_owned(),
                cause: "JSON of another form".to_owned(),
            })
        }
    }

    /// Some of the objects that match, whole, in the server's order: the first ones for an empty `token`, else those
    /// after the page that gave the token. Of a page that has [`ObjectPage::next`] empty nothing follows.
    fn list_page(
        &self,
        query: &ListQuery,
        token: &str,
    ) -> impl Future<Output = Result<ObjectPage, ClusterError>> + Send;

    /// A page of the objects that match, handed on as they come in, whole or their metadata only, for lists of any size.
    fn list_items(
        &self,
        query: &ListQuery,
        portion: Portion<'_>,
    ) -> impl Future<Output = Result<Items, ClusterError>> + Send;

    /// All objects that match, with their status, and the version of the list from which a watch goes on.
    fn list_observed(&self, query: &ListQuery) -> impl Future<Output = Result<Listing, ClusterError>> + Send {
        self.list_kept(query, Kept::All)
    }

    /// The same with only some fields of each object. No more than a page of them is ever whole in memory.
    fn list_kept(&self, query: &ListQuery, kept: Kept) -> impl Future<Output = Result<Listing, ClusterError>> + Send;

    /// What becomes of the objects that match, from a version on. The server ends it after some minutes.
    fn watch(&self, query: &ListQuery, from: &str) -> impl Future<Output = Result<Watch, ClusterError>> + Send;

    /// Makes an object of this JSON, and returns it as the server has it then. Of an object that is there already it is
    /// [`ClusterError::Conflict`].
    fn create(&self, object: &ObjectRef, body: &[u8]) -> impl Future<Output = Result<Vec<u8>, ClusterError>> + Send;

    /// Replaces an object by this JSON, and returns it as the server has it then. If the JSON names a resource version that is
    /// not the object's any more, it is [`ClusterError::Conflict`].
    fn update(&self, object: &ObjectRef, body: &[u8]) -> impl Future<Output = Result<Vec<u8>, ClusterError>> + Send;

    /// Changes what this JSON names of an object, a merge patch, as the field manager [`FIELD_MANAGER`], and returns the object as
    /// the server has it then. If the JSON names a resource version that is not the object's any more, it is
    /// [`ClusterError::Conflict`].
    fn merge(&self, object: &ObjectRef, change: &[u8]) -> impl Future<Output = Result<Vec<u8>, ClusterError>> + Send;

    /// Deletes an object and, in the background, what it owns.
    fn delete(&self, object: &ObjectRef, only: &Only) -> impl Future<Output = Result<(), ClusterError>> + Send;

    /// The end of what a container wrote.
    fn logs(&self, pod: &ObjectRef, query: &LogQuery) -> impl Future<Output = Result<Vec<u8>, ClusterError>> + Send;

    /// What a service answers to a GET, asked through the API server. Whatever its status is, it is an answer.
    fn ask_service(&self, path: &ServicePath) -> impl Future<Output = Result<HttpAnswer, ClusterError>> + Send;

    /// What the object would be after this configuration had been applied as Helm does it: server-side, forced, as the
    /// field manager `helm`. Nothing is stored.
    fn dry_run_apply(
        &self,
        object: &ObjectRef,
        configuration: &Configuration,
    ) -> impl Future<Output = Result<LiveObject, ClusterError>> + Send;

    /// What the server says of an object when it is sent in this way, with nothing stored. That it does not take it is no error.
    fn try_out(
        &self,
        object: &ObjectRef,
        sending: Sending,
        configuration: &Configuration,
    ) -> impl Future<Output = Result<Tried, ClusterError>> + Send;

    /// As what the server serves these kinds. Those that it does not know are missing in the answer.
    fn discover(
        &self,
        kinds: &[ApiKind],
    ) -> impl Future<Output = Result<HashMap<ApiKind, Served>, ClusterError>> + Send;

    /// Whether the user may do something, as far as the server's access rules tell before it is tried.
    fn may(&self, right: &Right) -> impl Future<Output = Result<bool, ClusterError>> + Send;

    /// All API versions and kinds that the server serves: `apps/v1`, `apps/v1/Deployment`. Those of servers that can't be reached
    /// behind it are missing.
    fn api_versions(&self) -> impl Future<Output = Result<Vec<String>, ClusterError>> + Send;

    /// The server's version as it says it, as in `v1.36.3`.
    fn version(&self) -> impl Future<Output = Result<String, ClusterError>> + Send;
}

/// A kind of object as manifests name it.
#[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct ApiKind {
    /// API group; empty for the core group.
    pub group: String,
    /// Version within the group, as in `v1`.
    pub version: String,
    /// The kind, as in `Deployment`.
    pub kind: String,
}

impl From<&ObjectId> for ApiKind {
    fn from(object: &ObjectId) -> Self {
        Self { group: object.group.clone(), version: object.version.clone(), kind: object.kind.clone() }
    }
}

/// How the server serves a kind.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Served {
    /// Where its objects are.
    pub resource: Resource,
    /// Whether its objects are in namespaces.
    pub namespaced: bool,
}

/// Some of the objects of a list.
#[derive(Debug, Default)]
pub struct ObjectPage {
    /// The objects.
    pub items: Vec<LiveObject>,
    /// What to ask for the next page with; empty after the last one.
    pub next: String,
}

/// Objects with their status.
#[derive(Debug, Default)]
pub struct Listing {
    /// The objects.
    pub items: Vec<Observed>,
    /// The version of the list, from which a watch goes on.
    pub resource_version: String,
}

/// What a watch tells.
#[derive(Debug)]
pub enum Change {
    /// An object is new, or has changed.
    Set(Observed),
    /// An object is gone; this is how it was.
    Gone(Observed),
    /// Nothing has changed up to this version.
    Bookmark(String),
}

/// Which state an object must be in to be deleted.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Only {
    /// The object of this uid, and no other of its name.
    pub uid: Option<String>,
    /// In this version.
    pub resource_version: Option<String>,
}

/// Which part of a log is wanted.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct LogQuery {
    /// The container's name.
    pub container: String,
    /// Of the run before the last restart.
    pub previous: bool,
    /// So many lines of its end.
    pub tail_lines: u32,
    /// At most so many bytes.
    pub limit_bytes: u32,
}

/// A path of a service.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ServicePath {
    /// The service's namespace.
    pub namespace: String,
    /// Its name.
    pub name: String,
    /// The number or the name of its port.
    pub port: String,
    /// Path and query, with the slash before it.
    pub path: String,
}

/// An answer over HTTP.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct HttpAnswer {
    /// The status code.
    pub status: u16,
    /// The body, at most a megabyte of it.
    pub body: Vec<u8>,
}

/// Something that a user may do or not.
#[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Right {
    /// As in `patch`.
    pub verb: Cow<'static, str>,
    /// API group; empty for the core group.
    pub group: String,
    /// Name in URLs, as in `secrets`; of a part of an object as rules name it, as in `pods/log`; what begins with a slash is a path
    /// that is of no object, as in `/metrics`.
    pub plural: String,
    /// The namespace; `None` for a kind without namespaces, and for all namespaces.
    pub namespace: Option<String>,
    /// The one object of this name; `None` for all.
    pub name: Option<String>,
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
    /// Namespaces.
    pub const NAMESPACES: Self = Self::core("namespaces", "Namespace");
    /// Definitions of custom resources.
    pub const CUSTOM_RESOURCE_DEFINITIONS: Self = Self {
        group: Cow::Borrowed("apiextensions.k8s.io"),
        version: Cow::Borrowed("v1"),
        plural: Cow::Borrowed("customresourcedefinitions"),
        kind: Cow::Borrowed("CustomResourceDefinition"),
    };

    /// Services.
    pub const SERVICES: Self = Self::core("services", "Service");
    /// Pods.
    pub const PODS: Self = Self::core("pods", "Pod");
    /// Nodes.
    pub const NODES: Self = Self::core("nodes", "Node");
    /// Events, in their older form, which every server has.
    pub const EVENTS: Self = Self::core("events", "Event");
    /// Claims to volumes.
    pub const CLAIMS: Self = Self::core("persistentvolumeclaims", "PersistentVolumeClaim");
    /// Ingresses.
    pub const INGRESSES: Self = Self {
        group: Cow::Borrowed("networking.k8s.io"),
        version: Cow::Borrowed("v1"),
        plural: Cow::Borrowed("ingresses"),
        kind: Cow::Borrowed("Ingress"),
    };
    /// The addresses behind Services.
    pub const ENDPOINT_SLICES: Self = Self {
        group: Cow::Borrowed("discovery.k8s.io"),
        version: Cow::Borrowed("v1"),
        plural: Cow::Borrowed("endpointslices"),
        kind: Cow::Borrowed("EndpointSlice"),
    };
    /// Leases.
    pub const LEASES: Self = Self {
        group: Cow::Borrowed("coordination.k8s.io"),
        version: Cow::Borrowed("v1"),
        plural: Cow::Borrowed("leases"),
        kind: Cow::Borrowed("Lease"),
    };
    /// What Deployments make their pods by.
    pub const REPLICA_SETS: Self = Self {
        group: Cow::Borrowed("apps"),
        version: Cow::Borrowed("v1"),
        plural: Cow::Borrowed("replicasets"),
        kind: Cow::Borrowed("ReplicaSet"),
    };
    /// Jobs.
    pub const JOBS: Self = Self {
        group: Cow::Borrowed("batch"),
        version: Cow::Borrowed("v1"),
        plural: Cow::Borrowed("jobs"),
        kind: Cow::Borrowed("Job"),
    };

    /// Its version with its group, as objects name it: `apps/v1`.
    #[must_use]
    pub fn api_version(&self) -> String {
        if self.group.is_empty() { self.version.to_string() } else { format!("{}/{}", self.group, self.version) }
    }

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

impl fmt::Display for Right {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { verb, group, plural, namespace, name } = self;
        let dot = if group.is_empty() { "" } else { "." };
        write!(out, "{verb} {plural}{dot}{group}")?;
        if let Some(name) = name {
            write!(out, " {name:?}")?;
        }
        match namespace {
            Some(namespace) => write!(out, " in namespace {namespace:?}"),
            None => Ok(()),
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
