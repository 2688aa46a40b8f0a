//! The real [`Cluster`], on the crate `kube`.

use std::collections::{BTreeSet, HashMap};
use std::sync::Arc;
use std::time::Duration;

use futures::future::{try_join, try_join_all};
use http::Method;
use k8s_openapi::apimachinery::pkg::apis::meta::v1::ObjectMeta;
use serde::Deserialize;
use serde::de::DeserializeOwned;
use tokio::sync::Mutex;

use super::api_versions::{Kinds, Root};
use super::connection::{Connection, Environment};
use super::credentials::Credentials;
use super::discovery::{self, AGGREGATED, GroupList, GroupVersion, ResourceList};
use super::error::{ClusterError, clean};
use super::rate::RateLimit;
use super::request::{Request, Sender, Sent, Subject, encode};
use super::stream::{WATCH_SECONDS, Watch};
use super::transport::Transport;
use super::{
    ApiKind, Cluster, FIELD_MANAGER, HttpAnswer, Items, ListQuery, Listing, LogQuery, ObjectPage, ObjectRef, Only,
    Portion, Resource, Right, Sending, Served, ServicePath, Tried, settings,
};
use crate::manifest::live::{Configuration, LiveObject};
use crate::manifest::node::Node;
use crate::manifest::observed::{Kept, Observed};

/// Objects a page. Large pages cost less than many: 500 of 5,000 Secrets in one page take half the time of five.
const PAGE: u32 = 500;
/// More objects, and more pages, than any real list has; a server that sends more is broken.
const MOST_OBJECTS: usize = 200_000;
const MOST_PAGES: u32 = 1_000;
/// Whole objects a page: a few hundred kilobytes usually, and no more than a hundred objects in memory.
const OBJECT_PAGE: u32 = 100;
pub(super) const METADATA_LIST: &str = "application/json;as=PartialObjectMetadataList;g=meta.k8s.io;v=v1";
pub(super) const JSON: &str = "application/json";

/// A cluster that is reached over the network.
pub struct KubeCluster {
    namespace: String,
    pub(super) sender: Arc<Sender>,
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
        Ok(Self { namespace: settings.namespace, sender: Arc::new(sender) })
    }

    /// The same cluster with another namespace to work in. Connections and the limit on the rate of requests are shared.
    #[must_use]
    pub fn within(&self, namespace: &str) -> Self {
        Self { namespace: namespace.to_owned(), sender: Arc::clone(&self.sender) }
    }

    /// Whether a credential plugin runs before a request, now and then. It may speak to the user at the terminal.
    #[must_use]
    pub fn has_plugin(&self) -> bool {
        matches!(self.sender.credentials, Credentials::Plugin(_))
    }

    async fn page<T: DeserializeOwned>(
        &self,
        query: &ListQuery,
        (limit, accept): (u32, &'static str),
        token: &str,
    ) -> Result<Page<T>, ClusterError> {
        let mut path = format!("{}?limit={limit}", collection(&query.resource, query.namespace.as_deref()));
        if let Some(selector) = &query.label_selector {
            path.push_str(&format!("&labelSelector={}", encode(selector)));
        }
        if !token.is_empty() {
            path.push_str(&format!("&continue={}", encode(token)));
        }
        let request = Request { subject: Subject::List(query), path, accept, body: None };
        self.decode(&request, &self.sender.send(&request).await?)
    }

    async fn api_root(&self, path: &'static str) -> Result<Root, ClusterError> {
        let subject = Subject::Discovery(path);
        let request = Request { subject, path: path.to_owned(), accept: AGGREGATED, body: None };
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
        check_namespace(query)?;
        let mut found = Vec::new();
        let mut token = String::new();
        for _ in 0..MOST_PAGES {
            let page = match self.page(query, (PAGE, METADATA_LIST), &token).await {
                // The list took so long that the server forgot where it began: only one page is one state.
                Err(ClusterError::Server { code: 410, .. }) if !token.is_empty() => {
                    found.clear();
                    self.page(query, (0, METADATA_LIST), "").await?
                }
                page => page?,
            };
            let page: Page<Item> = page;
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
        let path = path_of(object)?;
        self.sender.send(&Request { subject: Subject::Get(object), path, accept: JSON, body: None }).await
    }

    async fn list_page(&self, query: &ListQuery, token: &str) -> Result<ObjectPage, ClusterError> {
        check_namespace(query)?;
        let page: Page<LiveObject> = self.page(query, (OBJECT_PAGE, JSON), token).await?;
        Ok(ObjectPage { items: page.items.unwrap_or_default(), next: page.metadata.r#continue.unwrap_or_default() })
    }

    async fn list_items(&self, query: &ListQuery, portion: Portion<'_>) -> Result<Items, ClusterError> {
        self.begin_list(query, portion).await
    }

    async fn list_kept(&self, query: &ListQuery, kept: Kept) -> Result<Listing, ClusterError> {
        check_namespace(query)?;
        let mut listing = Listing::default();
        let mut token = String::new();
        for _ in 0..MOST_PAGES {
            let page: Page<Node> = self.page(query, (PAGE, JSON), &token).await?;
            let (version, kind) = (query.resource.api_version(), &query.resource.kind);
            let items = page.items.into_iter().flatten();
            let observed = items.filter_map(|item| Observed::new(item, &version, kind));
            listing.items.extend(observed.map(|item| item.keeping(kept)));
            listing.resource_version = page.metadata.resource_version;
            token = page.metadata.r#continue.unwrap_or_default();
            if token.is_empty() {
                return Ok(listing);
            }
            if listing.items.len() > MOST_OBJECTS {
                break;
            }
        }
        Err(self.endless(query))
    }

    async fn watch(&self, query: &ListQuery, from: &str) -> Result<Watch, ClusterError> {
        check_namespace(query)?;
        let mut path = format!(
            "{}?watch=1&allowWatchBookmarks=true&timeoutSeconds={WATCH_SECONDS}&resourceVersion={}",
            collection(&query.resource, query.namespace.as_deref()),
            encode(from)
        );
        if let Some(selector) = &query.label_selector {
            path.push_str(&format!("&labelSelector={}", encode(selector)));
        }
        let request = Request { subject: Subject::Watch(query), path, accept: JSON, body: None };
        let body = self.sender.send_for_stream(&request).await?;
        Ok(Watch::new(body, query, &self.sender.server))
    }

    async fn create(&self, object: &ObjectRef, body: &[u8]) -> Result<Vec<u8>, ClusterError> {
        path_of(object)?;
        let path = collection(&object.resource, object.namespace.as_deref());
        let body = Some(Sent { method: Method::POST, content_type: JSON, content: body });
        self.sender.send(&Request { subject: Subject::Create(object), path, accept: JSON, body }).await
    }

    async fn update(&self, object: &ObjectRef, body: &[u8]) -> Result<Vec<u8>, ClusterError> {
        let path = path_of(object)?;
        let body = Some(Sent { method: Method::PUT, content_type: JSON, content: body });
        self.sender.send(&Request { subject: Subject::Update(object), path, accept: JSON, body }).await
    }

    async fn merge(&self, object: &ObjectRef, change: &[u8]) -> Result<Vec<u8>, ClusterError> {
        let path = format!("{}?fieldManager={FIELD_MANAGER}", path_of(object)?);
        let content_type = "application/merge-patch+json";
        let body = Some(Sent { method: Method::PATCH, content_type, content: change });
        self.sender.send(&Request { subject: Subject::Patch(object), path, accept: JSON, body }).await
    }

    async fn delete(&self, object: &ObjectRef, only: &Only) -> Result<(), ClusterError> {
        let path = path_of(object)?;
        let mut options = serde_json::json!({
            "apiVersion": "v1", "kind": "DeleteOptions", "propagationPolicy": "Background",
        });
        let wanted = [("uid", &only.uid), ("resourceVersion", &only.resource_version)];
        for (key, value) in wanted {
            if let Some(value) = value {
                options["preconditions"][key] = value.as_str().into();
            }
        }
        let content = options.to_string();
        let body = Some(Sent { method: Method::DELETE, content_type: JSON, content: content.as_bytes() });
        self.sender.send(&Request { subject: Subject::Delete(object), path, accept: JSON, body }).await.map(drop)
    }

    async fn logs(&self, pod: &ObjectRef, query: &LogQuery) -> Result<Vec<u8>, ClusterError> {
        let LogQuery { container, previous, tail_lines, limit_bytes } = query;
        let path = format!(
            "{}/log?container={}&previous={previous}&tailLines={tail_lines}&limitBytes={limit_bytes}",
            path_of(pod)?,
            encode(container)
        );
        self.sender.send_for_text(&Request { subject: Subject::Logs(pod), path, accept: "*/*", body: None }).await
    }

    async fn ask_service(&self, service: &ServicePath) -> Result<HttpAnswer, ClusterError> {
        let ServicePath { namespace, name, port, path } = service;
        let named = ObjectRef { resource: Resource::SERVICES, namespace: Some(namespace.clone()), name: name.clone() };
        path_of(&named)?;
        let services = collection(&Resource::SERVICES, Some(namespace));
        let path = format!("{services}/{}:{}/proxy{path}", encode(name), encode(port));
        let request = Request { subject: Subject::Service(service), path, accept: "*/*", body: None };
        self.sender.send_for_any(&request).await
    }

    async fn dry_run_apply(
        &self,
        object: &ObjectRef,
        configuration: &Configuration,
    ) -> Result<LiveObject, ClusterError> {
        let path = format!("{}?dryRun=All&fieldManager=helm&force=true", path_of(object)?);
        let body =
            Sent { method: Method::PATCH, content_type: "application/apply-patch+yaml", content: configuration.json() };
        let request = Request { subject: Subject::Apply(object), path, accept: JSON, body: Some(body) };
        self.decode(&request, &self.sender.send(&request).await?)
    }

    async fn try_out(
        &self,
        object: &ObjectRef,
        sending: Sending,
        configuration: &Configuration,
    ) -> Result<Tried, ClusterError> {
        self.send_dry_run(object, (sending, configuration)).await
    }

    async fn discover(&self, kinds: &[ApiKind]) -> Result<HashMap<ApiKind, Served>, ClusterError> {
        let wanted = discovery::by_group_version(kinds);
        let mut found = HashMap::new();
        let mut left: Vec<GroupVersion> = wanted.keys().cloned().collect();
        if left.iter().filter(|(group, _)| !group.is_empty()).count() > discovery::FEW {
            let request = Request {
                subject: Subject::Discovery("/apis"),
                path: "/apis".to_owned(),
                accept: AGGREGATED,
                body: None,
            };
            let groups: GroupList = self.decode(&request, &self.sender.send(&request).await?)?;
            if groups.is_aggregated() {
                let stale = groups.add_to(&mut found, &wanted);
                left.retain(|at| at.0.is_empty() || stale.contains(at));
            }
        }
        let answers = left.iter().map(async |at| {
            let path = discovery::path(at);
            let request = Request { subject: Subject::Discovery(&path), path: path.clone(), accept: JSON, body: None };
            match self.sender.send(&request).await {
                Ok(answer) => self.decode::<ResourceList>(&request, &answer).map(|list| Some((at, list))),
                // A group version that there is not has no kinds.
                Err(ClusterError::NotServed { .. }) => Ok(None),
                Err(error) => Err(error),
            }
        });
        for (at, list) in try_join_all(answers).await?.into_iter().flatten() {
            list.add_to(&mut found, at, &wanted[at]);
        }
        Ok(found)
    }

    async fn may(&self, right: &Right) -> Result<bool, ClusterError> {
        let (resource, subresource) = right.plural.split_once('/').unwrap_or((&right.plural, ""));
        let spec = match right.plural.starts_with('/') {
            true => serde_json::json!({"nonResourceAttributes": {"verb": right.verb, "path": right.plural}}),
            false => serde_json::json!({"resourceAttributes": {
                "verb": right.verb, "group": right.group, "resource": resource, "subresource": subresource,
                "namespace": right.namespace, "name": right.name,
            }}),
        };
        let review = serde_json::json!({
            "apiVersion": "authorization.k8s.io/v1",
            "kind": "SelfSubjectAccessReview",
            "spec": spec,
        });
        let content = review.to_string();
        let body = Sent { method: Method::POST, content_type: JSON, content: content.as_bytes() };
        let path = "/apis/authorization.k8s.io/v1/selfsubjectaccessreviews".to_owned();
        let request = Request { subject: Subject::Access(right), path, accept: JSON, body: Some(body) };
        let review: AccessReview = self.decode(&request, &self.sender.send(&request).await?)?;
        Ok(review.status.allowed)
    }

    async fn api_versions(&self) -> Result<Vec<String>, ClusterError> {
        let (core, others) = try_join(self.api_root("/api"), self.api_root("/apis")).await?;
        let mut found = BTreeSet::new();
        let mut left = core.add_to(&mut found);
        left.extend(others.add_to(&mut found));
        let answers = left.iter().map(async |version| {
            let group_version = version.rsplit_once('/').unwrap_or(("", version));
            let path = discovery::path(&(group_version.0.to_owned(), group_version.1.to_owned()));
            let request = Request { subject: Subject::Discovery(&path), path: path.clone(), accept: JSON, body: None };
            match self.sender.send(&request).await {
                Ok(answer) => self.decode::<Kinds>(&request, &answer).map(|kinds| Some((version, kinds))),
                Err(ClusterError::NotServed { .. } | ClusterError::Server { .. }) => Ok(None),
                Err(error) => Err(error),
            }
        });
        for (version, kinds) in try_join_all(answers).await?.into_iter().flatten() {
            kinds.add_to(&mut found, version);
        }
        Ok(found.into_iter().collect())
    }

    async fn version(&self) -> Result<String, ClusterError> {
        let request = Request { subject: Subject::Version, path: "/version".to_owned(), accept: JSON, body: None };
        let version: Version = self.decode(&request, &self.sender.send(&request).await?)?;
        Ok(clean(&version.git_version, 100))
    }
}

/// Where an object is.
pub(super) fn path_of(object: &ObjectRef) -> Result<String, ClusterError> {
    // Nothing can have such a name, and the path would lead elsewhere.
    if !is_segment(&object.name) || object.namespace.as_deref().is_some_and(|namespace| !is_segment(namespace)) {
        return Err(ClusterError::NotFound {
            kind: object.resource.kind.to_string(),
            name: object.name.clone(),
            namespace: object.namespace.clone(),
        });
    }
    Ok(format!("{}/{}", collection(&object.resource, object.namespace.as_deref()), encode(&object.name)))
}

pub(super) fn check_namespace(query: &ListQuery) -> Result<(), ClusterError> {
    match query.namespace.as_deref().filter(|namespace| !is_segment(namespace)) {
        Some(namespace) => {
            Err(ClusterError::InvalidConnection { cause: format!("{namespace:?} is not the name of a namespace") })
        }
        None => Ok(()),
    }
}

/// Whether this can stand alone between two slashes of a path.
fn is_segment(name: &str) -> bool {
    !matches!(name, "" | "." | "..") && !name.contains(['/', '%'])
}

/// The path of all objects of a kind.
pub(super) fn collection(resource: &Resource, namespace: Option<&str>) -> String {
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
struct Page<T> {
    #[serde(default)]
    metadata: PageMetadata,
    /// Where nothing matches, the server says `null`.
    items: Option<Vec<T>>,
}

#[derive(Default, Deserialize)]
#[serde(rename_all = "camelCase")]
struct PageMetadata {
    r#continue: Option<String>,
    #[serde(default)]
    resource_version: String,
}

#[derive(Deserialize)]
struct Item {
    metadata: ObjectMeta,
}

#[derive(Deserialize)]
struct AccessReview {
    status: AccessStatus,
}

#[derive(Deserialize)]
struct AccessStatus {
    #[serde(default)]
    allowed: bool,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Version {
    git_version: String,
}
