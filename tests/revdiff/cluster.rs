//! The cluster as the tests see it, with all rights: what they put there and look at behind the user's back.

use std::path::Path;
use std::sync::LazyLock;
use std::thread;
use std::time::{Duration, Instant};

use k8s_openapi::NamespaceResourceScope;
use k8s_openapi::api::core::v1::Namespace;
use kube::api::{DeleteParams, Patch, PatchParams, PostParams};
use kube::config::{KubeConfigOptions, Kubeconfig};
use kube::{Api, Client, Config, Resource};
use serde::Serialize;
use serde::de::DeserializeOwned;
use serde_json::{Value, json};

use crate::environment;

/// How long the server may take to know of what was just made.
const PATIENCE: Duration = Duration::from_secs(30);

const RBAC: &str = "rbac.authorization.k8s.io";

static RUNTIME: LazyLock<tokio::runtime::Runtime> = LazyLock::new(|| tokio::runtime::Runtime::new().unwrap());

static CLIENT: LazyLock<Client> = LazyLock::new(|| {
    RUNTIME.block_on(async {
        let config = Config::from_custom_kubeconfig(kubeconfig(), &KubeConfigOptions::default()).await.unwrap();
        Client::try_from(config).unwrap()
    })
});

/// The test cluster's kubeconfig.
pub(crate) fn kubeconfig() -> Kubeconfig {
    Kubeconfig::read_from(environment::kubeconfig()).expect("cannot read the test cluster's kubeconfig")
}

/// The API server's URL.
pub(crate) fn server() -> String {
    let cluster = kubeconfig().clusters.into_iter().next().and_then(|named| named.cluster);
    cluster.and_then(|cluster| cluster.server).expect("the kubeconfig names a server")
}

/// Makes a namespace.
pub(crate) fn make_namespace(name: &str) {
    let namespace: Namespace = serde_json::from_value(json!({"metadata": {"name": name}})).unwrap();
    let api: Api<Namespace> = Api::all(CLIENT.clone());
    RUNTIME.block_on(api.create(&PostParams::default(), &namespace)).expect("cannot make a namespace");
}

/// Asks for the deletion of a namespace, and does not wait for it.
pub(crate) fn remove_namespace(name: &str) {
    let api: Api<Namespace> = Api::all(CLIENT.clone());
    _ = RUNTIME.block_on(api.delete(name, &DeleteParams::default()));
}

/// An object of the core or another group that the tests handle as a whole.
pub(crate) trait Object:
    Resource<Scope = NamespaceResourceScope, DynamicType = ()> + Clone + Serialize + DeserializeOwned + std::fmt::Debug
{
}

impl<T> Object for T where
    T: Resource<Scope = NamespaceResourceScope, DynamicType = ()>
        + Clone
        + Serialize
        + DeserializeOwned
        + std::fmt::Debug
{
}

fn api<K: Object>(namespace: &str) -> Api<K> {
    Api::namespaced(CLIENT.clone(), namespace)
}

/// Makes an object.
#[allow(dead_code)] // of no use to the tests of revdiff
pub(crate) fn create<K: Object>(namespace: &str, object: Value) {
    let object: K = serde_json::from_value(object).unwrap();
    RUNTIME.block_on(api::<K>(namespace).create(&PostParams::default(), &object)).expect("cannot make an object");
}

/// Reads an object; `None` if there is none of this name.
pub(crate) fn find<K: Object>(namespace: &str, name: &str) -> Option<K> {
    RUNTIME.block_on(api::<K>(namespace).get_opt(name)).expect("cannot read an object")
}

/// Changes the named fields of an object, and leaves the others.
pub(crate) fn merge<K: Object>(namespace: &str, name: &str, change: Value) {
    let change = Patch::Merge(change);
    RUNTIME
        .block_on(api::<K>(namespace).patch(name, &PatchParams::default(), &change))
        .expect("cannot change an object");
}

/// Writes to an object or a subresource as a program of this name does it: with a merge patch, or `how` else.
pub(crate) fn writes_as(manager: &str, how: &str, path: &str, change: &Value) {
    let force = if how == "apply" { "&force=true" } else { "" };
    let content_type = match how {
        "apply" => "application/apply-patch+yaml".to_owned(),
        how => format!("application/{how}-patch+json"),
    };
    let request = http::Request::patch(format!("{path}?fieldManager={manager}{force}"))
        .header("Content-Type", content_type)
        .body(change.to_string().into_bytes())
        .unwrap();
    let answer: Result<Value, _> = RUNTIME.block_on(CLIENT.request(request));
    answer.unwrap_or_else(|error| panic!("cannot write {path} as {manager}: {error}"));
}

/// Lets a user do something in a namespace by a Role of this name, and waits until the server lets them do the last of it.
pub(crate) fn allow(namespace: &str, role: &str, who: &str, rules: &Value) {
    let path = format!("/apis/{RBAC}/v1/namespaces/{namespace}");
    post(&format!("{path}/roles"), &json!({"metadata": {"name": role}, "rules": rules}));
    let binding = json!({
        "metadata": {"name": role},
        "roleRef": {"apiGroup": RBAC, "kind": "Role", "name": role},
        "subjects": [{"apiGroup": RBAC, "kind": "User", "name": who}],
    });
    post(&format!("{path}/rolebindings"), &binding);
    // A Role and its binding are known to the authorizer a moment after they are made.
    let rule = &rules[rules.as_array().unwrap().len() - 1];
    let (resource, subresource) = match rule["resources"][0].as_str().unwrap().split_once('/') {
        Some((resource, subresource)) => (resource, subresource),
        None => (rule["resources"][0].as_str().unwrap(), ""),
    };
    let asked = json!({"namespace": namespace, "verb": rule["verbs"][0], "group": rule["apiGroups"][0],
        "resource": resource, "subresource": subresource, "name": rule["resourceNames"][0]});
    await_right(who, &asked);
}

/// Waits until the server lets a user do this, as a review of access asks it.
pub(crate) fn await_right(who: &str, asked: &Value) {
    let end = Instant::now() + PATIENCE;
    while !may(who, asked) {
        assert!(Instant::now() < end, "{who} may not yet do this: {asked}");
        thread::sleep(Duration::from_millis(20));
    }
}

/// Whether the server lets a user do this, as a review of access asks it.
pub(crate) fn may(who: &str, asked: &Value) -> bool {
    let review = json!({"spec": {"user": who, "resourceAttributes": asked}});
    try_post("/apis/authorization.k8s.io/v1/subjectaccessreviews", &review).unwrap()["status"]["allowed"] == true
}

/// Makes an object at a path, as soon as the server knows its kind; one that is there already is fine.
pub(crate) fn post(path: &str, object: &Value) {
    let end = Instant::now() + PATIENCE;
    loop {
        match try_post(path, object) {
            Ok(_) => return,
            Err(kube::Error::Api(status)) if status.code == 409 => return,
            // A definition is there before its objects can be made.
            Err(kube::Error::Api(status)) if status.code == 404 && Instant::now() < end => {}
            Err(error) => panic!("cannot make an object at {path}: {error}"),
        }
        thread::sleep(Duration::from_millis(50));
    }
}

/// What the server answers to an object that is made at a path.
pub(crate) fn try_post(path: &str, object: &Value) -> Result<Value, kube::Error> {
    let request = http::Request::post(path)
        .header("Content-Type", "application/json")
        .body(object.to_string().into_bytes())
        .unwrap();
    RUNTIME.block_on(CLIENT.request(request))
}

/// What is at a path; `None` if nothing is.
pub(crate) fn at(path: &str) -> Option<Value> {
    let request = http::Request::get(path).body(Vec::new()).unwrap();
    RUNTIME.block_on(CLIENT.request::<Value>(request)).ok()
}

/// Removes what is at a path, and waits until it is gone.
pub(crate) fn remove(path: &str) {
    let request = http::Request::delete(path).body(Vec::new()).unwrap();
    let _: Value = RUNTIME.block_on(CLIENT.request(request)).expect("cannot remove an object");
    for _ in 0..200 {
        if at(path).is_none() {
            return;
        }
        thread::sleep(Duration::from_millis(50));
    }
    panic!("{path} is still there");
}

/// Waits until clients find the kinds of a group, or no longer do.
pub(crate) fn await_group(group: &str, wanted: bool) {
    let end = Instant::now() + PATIENCE;
    loop {
        let request = http::Request::get("/apis")
            .header("Accept", "application/json;g=apidiscovery.k8s.io;v=v2;as=APIGroupDiscoveryList")
            .body(Vec::new())
            .unwrap();
        let all: Value = RUNTIME.block_on(CLIENT.request(request)).expect("cannot read what the server knows");
        let found = all["items"].as_array().unwrap().iter().find(|one| one["metadata"]["name"] == group);
        let has_kinds = found.is_some_and(|one| !one["versions"][0]["resources"][0].is_null());
        if has_kinds == wanted && at(&format!("/apis/{group}")).is_some() == wanted {
            return;
        }
        assert!(Instant::now() < end, "the server still has it otherwise: {group}: {wanted}");
        thread::sleep(Duration::from_millis(50));
    }
}

/// Writes the kubeconfig anew, with another namespace in every context.
pub(crate) fn write_kubeconfig(to: &Path, namespace: &str) {
    let mut kubeconfig = kubeconfig();
    for context in kubeconfig.contexts.iter_mut().filter_map(|named| named.context.as_mut()) {
        context.namespace = Some(namespace.to_owned());
    }
    // JSON is YAML.
    std::fs::write(to, serde_json::to_vec(&kubeconfig).unwrap()).unwrap();
}
