//! The real [`Cluster`], on the crate `kube`.

use std::time::Duration;

use k8s_openapi::apimachinery::pkg::apis::meta::v1::ObjectMeta;
use serde::Deserialize;
use serde::de::DeserializeOwned;
use tokio::sync::Mutex;

use super::connection::{Connection, Environment};
use super::credentials::Credentials;
use super::error::{ClusterError, clean};
use super::rate::RateLimit;
use super::request::{Request, Sender, Subject, encode};
use super::transport::Transport;
use super::{Cluster, ListQuery, ObjectRef, Resource, settings};

/// Objects a page. Large pages cost less than many: 500 of 5,000 Secrets in one page take half the time of five.
const PAGE: u32 = 500;
/// More objects, and more pages, than any real list has; a server that sends more is broken.
const MOST_OBJECTS: usize = 200_000;
const MOST_PAGES: u32 = 1_000;
const METADATA_LIST: &str = "application/json;as=PartialObjectMetadataList;g=meta.k8s.io;v=v1";
const JSON: &str = "application/json";

/// A cluster that is reached over the network.
pub struct KubeCluster {
    namespace: String,
    sender: Sender,
}

impl KubeCluster {
    /// Finds out where the cluster is and who we are, and makes no request yet.
    pub async fn connect(connection: &Connection) -> Result<Self, ClusterError> {
        Self::connect_in(connection, &Environment::of_process()).await
    }

    /// The same in other surroundings than the process's own.
    // It is async because kube's client needs a tokio runtime around it from the start.
    #[allow(clippy::unused_async)]
    pub async fn connect_in(connection: &Connection, environment: &Environment) -> Result<Self, ClusterError> {
        let mut settings = settings::resolve(connection, environment)?;
        let credentials = Credentials::take_from(&mut settings)?;
        // A timeout of zero would fail each request, and one of ages overflows.
        let timeout = connection.request_timeout.clamp(Duration::from_millis(1), Duration::from_secs(86_400));
        let transport = Transport::new(&mut settings, environment)?;
        let client = transport.client(None)?;
        let sender = Sender {
            client,
            transport,
            credentials,
            rate: RateLimit::new(connection.qps, connection.burst),
            timeout,
            server: settings.server.to_string().trim_end_matches('/').to_owned(),
            identity: settings.identity,
            certified: Mutex::new(None),
        };
        Ok(Self { namespace: settings.namespace, sender })
    }

    /// Whether a credential plugin runs before a request, now and then. It may speak to the user at the terminal.
    #[must_use]
    pub fn has_plugin(&self) -> bool {
        matches!(self.sender.credentials, Credentials::Plugin(_))
    }

    async fn page(&self, query: &ListQuery, limit: u32, token: &str) -> Result<Page, ClusterError> {
        let mut path = format!("{}?limit={limit}", collection(&query.resource, query.namespace.as_deref()));
        if let Some(selector) = &query.label_selector {
            path.push_str(&format!("&labelSelector={}", encode(selector)));
        }
        if !token.is_empty() {
            path.push_str(&format!("&continue={}", encode(token)));
        }
        let request = Request { subject: Subject::List(query), path, accept: METADATA_LIST };
        self.decode(&request, &self.sender.send(&request).await?)
    }

    fn decode<T: DeserializeOwned>(&self, request: &Request<'_>, body: &[u8]) -> Result<T, ClusterError> {
        serde_json::from_slice(body).map_err(|error| ClusterError::NotKubernetes {
            action: request.subject.to_string(),
            server: self.sender.server.clone(),
            cause: clean(&format!("JSON of another form ({error})"), 200),
        })
    }

    fn endless(&self, query: &ListQuery) -> ClusterError {
        ClusterError::TooLarge {
            action: Subject::List(query).to_string(),
            server: self.sender.server.clone(),
            limit: format!("{MOST_OBJECTS} objects"),
        }
    }
}

impl Cluster for KubeCluster {
    fn namespace(&self) -> &str {
        &self.namespace
    }

    fn server(&self) -> &str {
        &self.sender.server
    }

    async fn list_metadata(&self, query: &ListQuery) -> Result<Vec<ObjectMeta>, ClusterError> {
        if let Some(namespace) = query.namespace.as_deref().filter(|namespace| !is_segment(namespace)) {
            return Err(ClusterError::InvalidConnection {
                cause: format!("{namespace:?} is not the name of a namespace"),
            });
        }
        let mut found = Vec::new();
        let mut token = String::new();
        for _ in 0..MOST_PAGES {
            let page = match self.page(query, PAGE, &token).await {
                // The list took so long that the server forgot where it began: only one page is one state.
                Err(ClusterError::Server { code: 410, .. }) if !token.is_empty() => {
                    found.clear();
                    self.page(query, 0, "").await?
                }
                page => page?,
            };
            found.extend(page.items.into_iter().flatten().map(|item| item.metadata));
            token = page.metadata.r#continue.unwrap_or_default();
            if token.is_empty() {
                return Ok(found);
            }
            if found.len() > MOST_OBJECTS {
                break;
            }
        }
        Err(self.endless(query))
    }

    async fn get(&self, object: &ObjectRef) -> Result<Vec<u8>, ClusterError> {
        // Nothing can have such a name, and the path would lead elsewhere.
        if !is_segment(&object.name) || object.namespace.as_deref().is_some_and(|namespace| !is_segment(namespace)) {
            return Err(ClusterError::NotFound {
                kind: object.resource.kind.to_string(),
                name: object.name.clone(),
                namespace: object.namespace.clone(),
            });
        }
        let path = format!("{}/{}", collection(&object.resource, object.namespace.as_deref()), encode(&object.name));
        self.sender.send(&Request { subject: Subject::Get(object), path, accept: JSON }).await
    }

    async fn version(&self) -> Result<String, ClusterError> {
        let request = Request { subject: Subject::Version, path: "/version".to_owned(), accept: JSON };
        let version: Version = self.decode(&request, &self.sender.send(&request).await?)?;
        Ok(clean(&version.git_version, 100))
    }
}

/// Whether this can stand alone between two slashes of a path.
fn is_segment(name: &str) -> bool {
    !matches!(name, "" | "." | "..") && !name.contains(['/', '%'])
}

/// The path of all objects of a kind.
fn collection(resource: &Resource, namespace: Option<&str>) -> String {
    let Resource { group, version, plural, .. } = resource;
    let root = match group.as_ref() {
        "" => format!("/api/{}", encode(version)),
        group => format!("/apis/{}/{}", encode(group), encode(version)),
    };
    match namespace {
        Some(namespace) => format!("{root}/namespaces/{}/{}", encode(namespace), encode(plural)),
        None => format!("{root}/{}", encode(plural)),
    }
}

#[derive(Deserialize)]
struct Page {
    #[serde(default)]
    metadata: PageMetadata,
    /// Where nothing matches, the server says `null`.
    items: Option<Vec<Item>>,
}

#[derive(Default, Deserialize)]
struct PageMetadata {
    r#continue: Option<String>,
}

#[derive(Deserialize)]
struct Item {
    metadata: ObjectMeta,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Version {
    git_version: String,
}
