//! What holds in the end, when the user's flags, the kubeconfig and a pod's service account are put together.
//!
//! The precedence is that of Helm, which is client-go's: `genericclioptions.ConfigFlags` over
//! `clientcmd.DeferredLoadingClientConfig`. So the plugin and the `helm` that it starts always speak to the same
//! cluster as the same user. The one difference: with nothing to connect to, client-go tries
//! `http://localhost:8080`, and this is an error that says where a configuration was looked for.

use std::fs;
use std::net::IpAddr;

use http::Uri;
use kube::config::{AuthInfo, Cluster, Context};
use secrecy::{ExposeSecret, SecretString};

use super::connection::{Connection, Environment, without_userinfo};
use super::error::ClusterError;
use super::kubeconfig::{self, Merged};

/// Where to connect to and as whom.
#[derive(Debug)]
pub(super) struct Settings {
    /// The API server, with a scheme and a host, without user name, password or query.
    pub(super) server: Uri,
    /// The namespace to work in.
    pub(super) namespace: String,
    /// How to reach the server and how to know it. `server` is filled.
    pub(super) cluster: Cluster,
    /// How to prove who we are; empty where the connection is not encrypted.
    pub(super) user: AuthInfo,
    /// Whose credentials these are, for messages.
    pub(super) identity: String,
}

/// Finds out what holds. Reads the kubeconfig files, and a pod's namespace where that is needed.
pub(super) fn resolve(connection: &Connection, environment: &Environment) -> Result<Settings, ClusterError> {
    let merged = kubeconfig::load(connection.kubeconfig.as_deref(), environment.home.as_deref())?;
    let context = choose_context(&merged, connection)?;
    let pod = Pod::of(environment);
    let namespace = namespace(connection, context, pod.as_ref());
    let mut cluster = cluster(&merged, connection, context)?;
    let Some(server) = cluster.server.take().filter(|server| !server.is_empty()) else {
        let pod = pod.ok_or_else(|| nothing_found(&merged, environment))?;
        return pod.settings(connection, namespace);
    };
    let server = parse_server(&server)?;
    cluster.server = Some(server.to_string());
    let (mut user, identity) = user(&merged, connection, context)?;
    if server.scheme_str() != Some("https") {
        user = only_impersonation(user);
    }
    Ok(Settings { server, namespace, cluster, user, identity })
}

fn given(text: Option<&String>) -> Option<&String> {
    text.filter(|text| !text.is_empty())
}

fn choose_context<'a>(merged: &'a Merged, connection: &Connection) -> Result<Option<&'a Context>, ClusterError> {
    let Some(name) = given(connection.context.as_ref()).or(merged.current_context.as_ref()) else {
        return Ok(None);
    };
    merged
        .contexts
        .get(name)
        .map(Some)
        .ok_or_else(|| ClusterError::UnknownContext { name: name.clone(), contexts: merged.context_names() })
}

fn nothing_found(merged: &Merged, environment: &Environment) -> ClusterError {
    if !merged.contexts.is_empty() && merged.current_context.is_none() {
        return ClusterError::NoContext { contexts: merged.context_names() };
    }
    let mut looked_at: Vec<String> = merged.looked_at.iter().map(|path| path.display().to_string()).collect();
    looked_at.push(environment.service_account.display().to_string());
    ClusterError::NoConfiguration { looked_at }
}

fn namespace(connection: &Connection, context: Option<&Context>, pod: Option<&Pod<'_>>) -> String {
    given(connection.namespace.as_ref())
        .or_else(|| given(context?.namespace.as_ref()))
        .cloned()
        .or_else(|| pod?.namespace())
        .unwrap_or_else(|| "default".to_owned())
}

/// The context's cluster with the user's flags over it.
fn cluster(merged: &Merged, flags: &Connection, context: Option<&Context>) -> Result<Cluster, ClusterError> {
    let named = context.map(|context| context.cluster.as_str()).filter(|name| !name.is_empty());
    let mut cluster = match named {
        Some(name) => match merged.clusters.get(name) {
            Some(cluster) => cluster.clone(),
            None if given(flags.api_server.as_ref()).is_some() => Cluster::default(),
            None => {
                return Err(invalid(format!("the kubeconfig's context names cluster {name:?}, which is not in it")));
            }
        },
        None => Cluster::default(),
    };
    let server = given(flags.api_server.as_ref());
    let server_name = given(flags.tls_server_name.as_ref());
    if server.is_some() || server_name.is_some() {
        // Another server's certificate carries another name.
        cluster.tls_server_name = server_name.cloned();
    }
    if let Some(server) = server {
        cluster.server = Some(server.clone());
    }
    let ca_file = flags.ca_file.as_ref().filter(|path| !path.as_os_str().is_empty());
    if flags.insecure_skip_tls_verify || ca_file.is_some() {
        // What the user says about trust replaces all that the kubeconfig says about it.
        cluster.insecure_skip_tls_verify = Some(flags.insecure_skip_tls_verify);
        cluster.certificate_authority = ca_file.map(|path| path.to_string_lossy().into_owned());
        cluster.certificate_authority_data = None;
    }
    cluster.certificate_authority = cluster.certificate_authority.filter(|path| !path.is_empty());
    cluster.certificate_authority_data = without_whitespace(cluster.certificate_authority_data);
    let has_ca = cluster.certificate_authority.is_some() || cluster.certificate_authority_data.is_some();
    if has_ca && cluster.insecure_skip_tls_verify == Some(true) {
        return Err(invalid("certificates to trust are given, and so is insecure-skip-tls-verify".to_owned()));
    }
    cluster.tls_server_name = cluster.tls_server_name.filter(|name| !name.is_empty());
    Ok(cluster)
}

/// The context's user with the user's flags over it, and whose credentials that makes them.
///
/// As in client-go a token of the flags goes before a credential plugin, but after a token file; a client
/// certificate is shown beside it, and the server decides.
fn user(merged: &Merged, flags: &Connection, context: Option<&Context>) -> Result<(AuthInfo, String), ClusterError> {
    let name = context.and_then(|context| given(context.user.as_ref()));
    let mut user = name.and_then(|name| merged.users.get(name)).cloned().unwrap_or_default();
    let mut identity = match name {
        Some(name) => format!("user {name:?} of the kubeconfig"),
        None => "an anonymous user".to_owned(),
    };
    user.token = user.token.filter(is_given);
    user.password = user.password.filter(is_given);
    user.token_file = user.token_file.filter(|path| !path.is_empty());
    user.username = user.username.filter(|name| !name.is_empty());
    user.client_certificate = user.client_certificate.filter(|path| !path.is_empty());
    user.client_key = user.client_key.filter(|path| !path.is_empty());
    user.client_certificate_data = without_whitespace(user.client_certificate_data);
    if let Some(token) = flags.token.clone().filter(is_given) {
        user.token = Some(token);
        (user.username, user.password) = (None, None);
        identity = "the given token".to_owned();
    }
    if user.token.is_some() || user.token_file.is_some() {
        (user.exec, user.auth_provider) = (None, None);
    }
    if let Some(name) = given(flags.as_user.as_ref()) {
        user.impersonate = Some(name.clone());
    }
    if !flags.as_groups.is_empty() {
        user.impersonate_groups = Some(flags.as_groups.clone());
    }
    user.impersonate = user.impersonate.filter(|name| !name.is_empty());
    if user.impersonate.is_none() {
        let groups = user.impersonate_groups.as_ref().is_some_and(|groups| !groups.is_empty());
        let extra = user.impersonate_user_extra.as_ref().is_some_and(|extra| !extra.is_empty());
        if groups || extra || given(user.impersonate_uid.as_ref()).is_some() {
            return Err(invalid("groups to act as are given, but no user to act as".to_owned()));
        }
    }
    Ok((user, identity))
}

fn is_given(secret: &SecretString) -> bool {
    !secret.expose_secret().is_empty()
}

/// Base64 as Go reads it: line breaks within do not matter.
fn without_whitespace(data: Option<String>) -> Option<String> {
    data.map(|data| data.split_ascii_whitespace().collect()).filter(|data: &String| !data.is_empty())
}

/// Credentials are for encrypted connections alone; anyone on the way could read them otherwise.
fn only_impersonation(user: AuthInfo) -> AuthInfo {
    AuthInfo {
        impersonate: user.impersonate,
        impersonate_uid: user.impersonate_uid,
        impersonate_groups: user.impersonate_groups,
        impersonate_user_extra: user.impersonate_user_extra,
        ..AuthInfo::default()
    }
}

/// Reads a URL, or a host and port, which mean plain HTTP.
fn parse_server(text: &str) -> Result<Uri, ClusterError> {
    let shown = without_userinfo(text);
    let address = if shown.contains("://") { shown.clone() } else { format!("http://{shown}") };
    let address = address.split(['?', '#']).next().unwrap_or_default().trim_end_matches('/');
    let uri: Uri = address.parse().map_err(|_| invalid(format!("{shown:?} is not the URL of an API server")))?;
    match (uri.scheme_str(), uri.host()) {
        (Some("http" | "https"), Some(host)) if !host.is_empty() => Ok(uri),
        _ => Err(invalid(format!("{shown:?} is not the URL of an API server"))),
    }
}

fn invalid(cause: String) -> ClusterError {
    ClusterError::InvalidConnection { cause }
}

/// The pod that this process runs in.
struct Pod<'a> {
    host: &'a str,
    port: &'a str,
    environment: &'a Environment,
}

impl<'a> Pod<'a> {
    /// `None` outside of a cluster, and in a pod without a service account.
    fn of(environment: &'a Environment) -> Option<Self> {
        let host = given(environment.service_host.as_ref())?;
        let port = given(environment.service_port.as_ref())?;
        let token = fs::metadata(environment.service_account.join("token")).ok()?;
        (!token.is_dir()).then_some(Self { host, port, environment })
    }

    fn namespace(&self) -> Option<String> {
        if let Some(namespace) = given(self.environment.pod_namespace.as_ref()) {
            return Some(namespace.clone());
        }
        let text = fs::read_to_string(self.environment.service_account.join("namespace")).ok()?;
        Some(text.trim().to_owned()).filter(|namespace| !namespace.is_empty())
    }

    /// client-go heeds only the token and the CA of the flags here, not impersonation.
    fn settings(&self, flags: &Connection, namespace: String) -> Result<Settings, ClusterError> {
        let host = match self.host.parse::<IpAddr>() {
            Ok(IpAddr::V6(address)) => format!("[{address}]"),
            _ => self.host.to_owned(),
        };
        let server = parse_server(&format!("https://{host}:{}", self.port))?;
        let folder = &self.environment.service_account;
        let given_ca = flags.ca_file.clone().filter(|path| !path.as_os_str().is_empty());
        let ca = given_ca.or_else(|| Some(folder.join("ca.crt")).filter(|path| path.is_file()));
        let given_token = flags.token.clone().filter(is_given);
        let identity = match given_token {
            Some(_) => "the given token".to_owned(),
            None => "the pod's service account".to_owned(),
        };
        let token_file = folder.join("token").to_string_lossy().into_owned();
        Ok(Settings {
            cluster: Cluster {
                server: Some(server.to_string()),
                certificate_authority: ca.map(|path| path.to_string_lossy().into_owned()),
                ..Cluster::default()
            },
            user: AuthInfo {
                token_file: given_token.is_none().then_some(token_file),
                token: given_token,
                ..AuthInfo::default()
            },
            server,
            namespace,
            identity,
        })
    }
}

#[cfg(test)]
mod tests;
