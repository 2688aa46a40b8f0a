//! What to connect to, as plain data: what the user said, and what the process's environment offers.

use std::env;
use std::ffi::OsString;
use std::fmt;
use std::path::PathBuf;
use std::time::Duration;

use secrecy::SecretString;

/// What the user said about the cluster, by flags or by the environment that Helm gives its plugins. An empty text
/// counts as not said, as it does for Helm.
#[derive(Clone)]
pub struct Connection {
    /// `KUBECONFIG`: one path, or several separated as the system separates paths. `None`: `~/.kube/config`.
    pub kubeconfig: Option<OsString>,
    /// `HELM_KUBECONTEXT`. `None`: the kubeconfig's current context.
    pub context: Option<String>,
    /// `HELM_KUBEAPISERVER`: the URL to use in place of the context's.
    pub api_server: Option<String>,
    /// `HELM_KUBETOKEN`: a bearer token.
    pub token: Option<SecretString>,
    /// `HELM_KUBEASUSER`: the user to impersonate.
    pub as_user: Option<String>,
    /// `HELM_KUBEASGROUPS`: the groups to impersonate.
    pub as_groups: Vec<String>,
    /// `HELM_KUBECAFILE`: PEM certificates to trust in place of the context's.
    pub ca_file: Option<PathBuf>,
    /// `HELM_KUBEINSECURE_SKIP_TLS_VERIFY`: accept any certificate.
    pub insecure_skip_tls_verify: bool,
    /// `HELM_KUBETLS_SERVER_NAME`: the name that the server's certificate must carry.
    pub tls_server_name: Option<String>,
    /// `HELM_QPS`: requests a second once the burst is used up; 0, which is Helm's default, or less is no limit.
    pub qps: f32,
    /// `HELM_BURST_LIMIT`: requests that may be made at once where there is a limit; 0 means 10, as in client-go.
    pub burst: u32,
    /// `HELM_NAMESPACE`. `None`: the context's namespace, else `default`.
    pub namespace: Option<String>,
    /// How long one request may take, retries included; waiting for the rate limit or for a credential plugin is not
    /// counted.
    pub request_timeout: Duration,
}

impl Default for Connection {
    /// Nothing said, without a limit on the rate and half a minute for a request.
    fn default() -> Self {
        Self {
            kubeconfig: None,
            context: None,
            api_server: None,
            token: None,
            as_user: None,
            as_groups: Vec::new(),
            ca_file: None,
            insecure_skip_tls_verify: false,
            tls_server_name: None,
            qps: 0.0,
            burst: 100,
            namespace: None,
            request_timeout: Duration::from_secs(30),
        }
    }
}

impl fmt::Debug for Connection {
    /// Without the token, and without a password in the URL.
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.debug_struct("Connection")
            .field("kubeconfig", &self.kubeconfig)
            .field("context", &self.context)
            .field("api_server", &self.api_server.as_deref().map(without_userinfo))
            .field("token", &self.token)
            .field("as_user", &self.as_user)
            .field("as_groups", &self.as_groups)
            .field("ca_file", &self.ca_file)
            .field("insecure_skip_tls_verify", &self.insecure_skip_tls_verify)
            .field("tls_server_name", &self.tls_server_name)
            .field("qps", &self.qps)
            .field("burst", &self.burst)
            .field("namespace", &self.namespace)
            .field("request_timeout", &self.request_timeout)
            .finish()
    }
}

/// What the process's surroundings offer where the user said nothing.
#[derive(Debug, Clone, Default)]
pub struct Environment {
    /// The user's home folder.
    pub home: Option<PathBuf>,
    /// `KUBERNETES_SERVICE_HOST`, which every pod has.
    pub service_host: Option<String>,
    /// `KUBERNETES_SERVICE_PORT`, which every pod has.
    pub service_port: Option<String>,
    /// The folder with a pod's `token`, `ca.crt` and `namespace`.
    pub service_account: PathBuf,
    /// `POD_NAMESPACE`, which client-go prefers to the service account's namespace.
    pub pod_namespace: Option<String>,
    /// `HTTPS_PROXY`; it may hold a password.
    pub https_proxy: Option<SecretString>,
    /// `HTTP_PROXY`; it may hold a password.
    pub http_proxy: Option<SecretString>,
    /// `NO_PROXY`.
    pub no_proxy: Option<String>,
}

impl Environment {
    /// The environment of this process.
    pub fn of_process() -> Self {
        Self {
            home: env::home_dir(),
            service_host: variable("KUBERNETES_SERVICE_HOST"),
            service_port: variable("KUBERNETES_SERVICE_PORT"),
            service_account: PathBuf::from("/var/run/secrets/kubernetes.io/serviceaccount"),
            pod_namespace: variable("POD_NAMESPACE"),
            https_proxy: variable("HTTPS_PROXY").or_else(|| variable("https_proxy")).map(SecretString::from),
            http_proxy: variable("HTTP_PROXY").or_else(|| variable("http_proxy")).map(SecretString::from),
            no_proxy: variable("NO_PROXY").or_else(|| variable("no_proxy")),
        }
    }
}

fn variable(name: &str) -> Option<String> {
    env::var(name).ok().filter(|value| !value.is_empty())
}

/// A URL without the user name and password that may stand in it.
pub(super) fn without_userinfo(url: &str) -> String {
    let start = url.find("://").map_or(0, |at| at + 3);
    let end = url[start..].find(['/', '?', '#']).map_or(url.len(), |at| start + at);
    match url[start..end].rfind('@') {
        Some(at) => format!("{}{}", &url[..start], &url[start + at + 1..]),
        None => url.to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn debug_shows_neither_the_token_nor_a_password() {
        let connection = Connection {
            token: Some(SecretString::from("t0ken-value")),
            api_server: Some("https://joe:pa55@cluster.example:6443/k8s".to_owned()),
            ..Connection::default()
        };
        let environment = Environment {
            https_proxy: Some(SecretString::from("http://joe:pa55@proxy.example")),
            ..Environment::default()
        };
        let shown = format!("{connection:?} {connection:#?} {environment:?}");
        assert!(!shown.contains("t0ken-value"), "{shown}");
        assert!(!shown.contains("pa55"), "{shown}");
        assert!(shown.contains("https://cluster.example:6443/k8s"), "{shown}");
    }

    #[test]
    fn userinfo_is_found_only_where_it_can_stand() {
        assert_eq!(without_userinfo("https://a:b@c@host/p@q"), "https://host/p@q");
        assert_eq!(without_userinfo("https://host:1/p@q"), "https://host:1/p@q");
        assert_eq!(without_userinfo("joe:pw@host:6443"), "host:6443");
    }
}
