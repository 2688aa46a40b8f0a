//! The API server that the tests run against: its users, its certificates, and a way to make objects on it.

use std::env;
use std::fs;
use std::io::Write;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

use helm_safe_upgrade::cluster::{
    Cluster, ClusterError, Connection, Environment, KubeCluster, ListQuery, ObjectRef, Resource,
};
use serde_json::{Value, json};
use tempfile::TempDir;

const MISSING: &str = "KUBECONFIG and HSU_TEST_CLUSTER do not name a test cluster: run this with \
    tests/cluster/testcluster with cargo test --test cluster_client";

/// A path in the test cluster's state folder.
pub(crate) fn state(path: &str) -> PathBuf {
    let state = env::var_os("HSU_TEST_CLUSTER").filter(|_| env::var_os("KUBECONFIG").is_some()).expect(MISSING);
    let path = Path::new(&state).join(path);
    assert!(path.exists(), "{MISSING} (no {})", path.display());
    path
}

pub(crate) fn url() -> String {
    fs::read_to_string(state("server")).unwrap().trim().to_owned()
}

pub(crate) fn port() -> String {
    url().rsplit_once(':').unwrap().1.to_owned()
}

pub(crate) fn ca() -> String {
    state("pki/ca.crt").to_str().unwrap().to_owned()
}

/// The token of `admin`, `viewer` or `nobody`.
pub(crate) fn token(user: &str) -> String {
    let tokens = fs::read_to_string(state("tokens.csv")).unwrap();
    let mut lines = tokens.lines().map(|line| line.split(',').collect::<Vec<_>>());
    lines.find(|fields| fields[1] == user).expect("a user")[0].to_owned()
}

/// A connection as one of the users, by the test cluster's own kubeconfig.
pub(crate) fn connection(user: &str) -> Connection {
    state("server");
    Connection { kubeconfig: env::var_os("KUBECONFIG"), context: Some(user.to_owned()), ..Connection::default() }
}

pub(crate) async fn cluster(user: &str) -> KubeCluster {
    connect(&connection(user)).await
}

/// Connects with nothing of this process's environment.
pub(crate) async fn connect(connection: &Connection) -> KubeCluster {
    KubeCluster::connect_in(connection, &Environment::default()).await.expect("a client")
}

/// A folder with files for one test.
pub(crate) struct Folder(TempDir);

impl Folder {
    pub(crate) fn new() -> Self {
        Self(tempfile::tempdir().unwrap())
    }

    pub(crate) fn path(&self, name: &str) -> String {
        self.0.path().join(name).to_str().unwrap().to_owned()
    }

    pub(crate) fn write(&self, name: &str, text: &str) -> String {
        let path = self.path(name);
        fs::create_dir_all(Path::new(&path).parent().unwrap()).unwrap();
        fs::write(&path, text).unwrap();
        path
    }

    pub(crate) fn read(&self, name: &str) -> String {
        fs::read_to_string(self.path(name)).unwrap_or_default()
    }

    /// A connection by a kubeconfig with one context of this cluster and this user.
    pub(crate) fn connection(&self, cluster: &Value, user: &Value) -> Connection {
        let path = self.write("kubeconfig", &kubeconfig(cluster, user));
        Connection { kubeconfig: Some(path.into()), ..Connection::default() }
    }

    /// A client certificate of this user, signed by the cluster's CA: the paths of certificate and key.
    pub(crate) fn certificate(&self, user: &str) -> (String, String) {
        self.signed(user, &["-extfile", &self.write("extensions", "extendedKeyUsage = clientAuth")])
    }

    /// The same without any extensions, for which openssl makes a certificate of X.509 version 1.
    pub(crate) fn old_certificate(&self, user: &str) -> (String, String) {
        self.signed(user, &[])
    }

    fn signed(&self, user: &str, options: &[&str]) -> (String, String) {
        let (certificate, key, request) = (self.path("client.crt"), self.path("client.key"), self.path("client.csr"));
        let subject = format!("/CN={user}");
        let new_key = ["-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes", "-keyout", &key];
        run("openssl", &[&["req", "-out", &request, "-subj", &subject][..], &new_key].concat());
        let (ca_certificate, ca_key) = (ca(), state("pki/ca.key").to_str().unwrap().to_owned());
        let sign = ["x509", "-req", "-in", &request, "-out", &certificate, "-CA", &ca_certificate, "-CAkey", &ca_key];
        run("openssl", &[&sign[..], &["-set_serial", "7", "-days", "1"], options].concat());
        (certificate, key)
    }
}

/// A kubeconfig with one context of this cluster and this user.
pub(crate) fn kubeconfig(cluster: &Value, user: &Value) -> String {
    json!({
        "current-context": "c",
        "contexts": [{"name": "c", "context": {"cluster": "k", "user": "u"}}],
        "clusters": [{"name": "k", "cluster": cluster}],
        "users": [{"name": "u", "user": user}],
    })
    .to_string()
}

/// The test cluster as a kubeconfig describes it.
pub(crate) fn trusted() -> Value {
    json!({"server": url(), "certificate-authority": ca()})
}

/// Whom the server takes us for, told by what it refuses; `admin` is refused nothing.
pub(crate) async fn who(cluster: &KubeCluster) -> Result<String, ClusterError> {
    let query = ListQuery { resource: Resource::SECRETS, namespace: Some("default".to_owned()), label_selector: None };
    match cluster.list_metadata(&query).await {
        Ok(_) => Ok("admin".to_owned()),
        Err(ClusterError::Forbidden(forbidden)) => Ok(forbidden.user.expect("a user")),
        Err(error) => Err(error),
    }
}

/// Makes an object as the administrator.
pub(crate) fn create(path: &str, object: &Value) -> Value {
    let answer = curl(&["--data-binary", "@-", &format!("{}{path}", url())], &object.to_string());
    serde_json::from_str(&answer).unwrap()
}

/// Makes many objects of one kind, several at a time.
pub(crate) fn create_many(path: &str, objects: &[Value]) {
    let header = format!("Authorization: Bearer {}", token("admin"));
    let parts: Vec<_> = objects
        .iter()
        .map(|object| {
            let body = json!(object.to_string());
            format!(
                "url = {:?}\nheader = {header:?}\nheader = \"Content-Type: application/json\"\ncacert = {:?}\n\
                fail\noutput = /dev/null\ndata = {body}\n",
                format!("{}{path}", url()),
                ca()
            )
        })
        .collect();
    pipe("curl", &["-sS", "--parallel", "--parallel-max", "20", "-K", "-"], &parts.join("next\n"));
}

fn curl(arguments: &[&str], body: &str) -> String {
    let header = format!("Authorization: Bearer {}", token("admin"));
    let (ca, json) = (ca(), "Content-Type: application/json");
    let options = ["-sS", "--fail-with-body", "--cacert", &ca, "-H", &header, "-H", json];
    pipe("curl", &[&options, arguments].concat(), body)
}

pub(crate) fn run(program: &str, arguments: &[&str]) -> String {
    pipe(program, arguments, "")
}

fn pipe(program: &str, arguments: &[&str], input: &str) -> String {
    let mut child = Command::new(program)
        .args(arguments)
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap_or_else(|error| panic!("{program}: {error}"));
    child.stdin.take().unwrap().write_all(input.as_bytes()).unwrap();
    let output = child.wait_with_output().unwrap();
    let (stdout, stderr) = (String::from_utf8_lossy(&output.stdout), String::from_utf8_lossy(&output.stderr));
    assert!(output.status.success(), "{program}: {stdout}{stderr}");
    stdout.into_owned()
}

/// Makes a namespace that no other test uses, and returns its name.
pub(crate) fn namespace(name: &str) -> String {
    let name = format!("{name}-{}", std::process::id());
    create("/api/v1/namespaces", &json!({"metadata": {"name": name}}));
    name
}

/// Lets `viewer` do this to Secrets of a namespace.
pub(crate) fn let_viewer(namespace: &str, verbs: &[&str]) {
    let path = format!("/apis/rbac.authorization.k8s.io/v1/namespaces/{namespace}");
    let rules = json!([{"apiGroups": [""], "resources": ["secrets"], "verbs": verbs}]);
    create(&format!("{path}/roles"), &json!({"metadata": {"name": "r"}, "rules": rules}));
    let role = json!({"apiGroup": "rbac.authorization.k8s.io", "kind": "Role", "name": "r"});
    let subjects = json!([{"apiGroup": "rbac.authorization.k8s.io", "kind": "User", "name": "viewer"}]);
    let binding = json!({"metadata": {"name": "b"}, "roleRef": role, "subjects": subjects});
    create(&format!("{path}/rolebindings"), &binding);
    // A Role and its binding are known to the authorizer a moment after they are made.
    let asked = json!({"namespace": namespace, "verb": verbs[0], "resource": "secrets"});
    let review = json!({"apiVersion": "authorization.k8s.io/v1", "kind": "SubjectAccessReview",
        "spec": {"user": "viewer", "resourceAttributes": asked}});
    let end = Instant::now() + Duration::from_secs(30);
    while create("/apis/authorization.k8s.io/v1/subjectaccessreviews", &review)["status"]["allowed"] != true {
        assert!(Instant::now() < end, "viewer may not yet do this: {asked}");
    }
}

pub(crate) fn secrets(namespace: &str) -> ListQuery {
    ListQuery { resource: Resource::SECRETS, namespace: Some(namespace.to_owned()), label_selector: None }
}

pub(crate) fn secret(namespace: &str, name: &str) -> ObjectRef {
    ObjectRef { resource: Resource::SECRETS, namespace: Some(namespace.to_owned()), name: name.to_owned() }
}
