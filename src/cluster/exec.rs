//! Credential plugins: programs named in a kubeconfig that print a token or a client certificate, as those of the
//! cloud providers do.
//!
//! Contract: <https://kubernetes.io/docs/reference/access-authn-authz/authentication/#client-go-credential-plugins>

use std::io::{self, ErrorKind, IsTerminal};
use std::process::Stdio;
use std::sync::Arc;

use http::HeaderValue;
use jiff::Timestamp;
use kube::config::{Cluster, ExecAuthCluster, ExecConfig, ExecInteractiveMode};
use secrecy::SecretString;
use serde::{Deserialize, Serialize};
use tokio::io::AsyncReadExt;
use tokio::process::Command;
use tokio::sync::Mutex;

use super::credentials::bearer;
use super::error::{ClusterError, clean};
use super::tls::ClientCertificate;

/// Most that a plugin may print, in bytes. A token has a few thousand.
const MOST_OUTPUT: u64 = 1 << 20;

/// A credential plugin, run when it is first needed and whenever its last answer has expired.
pub(super) struct Plugin {
    config: ExecConfig,
    command: String,
    cluster: Option<ExecAuthCluster>,
    /// The lock is held while the plugin runs: it may ask the user something, and must not do so twice at a time.
    last: Mutex<Option<Arc<Credential>>>,
}

/// What a plugin gave.
#[derive(Debug)]
pub(super) struct Credential {
    pub(super) authorization: Option<HeaderValue>,
    pub(super) certificate: Option<ClientCertificate>,
    expires: Option<Timestamp>,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Request<'a> {
    kind: &'static str,
    api_version: Option<&'a str>,
    spec: RequestSpec<'a>,
}

#[derive(Serialize)]
struct RequestSpec<'a> {
    interactive: bool,
    #[serde(skip_serializing_if = "Option::is_none")]
    cluster: Option<&'a ExecAuthCluster>,
}

#[derive(Deserialize)]
struct Response {
    status: Option<ResponseStatus>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct ResponseStatus {
    expiration_timestamp: Option<String>,
    token: Option<SecretText>,
    client_certificate_data: Option<String>,
    client_key_data: Option<SecretText>,
}

/// Text that is never shown.
#[derive(Deserialize)]
#[serde(from = "String")]
struct SecretText(SecretString);

impl From<String> for SecretText {
    fn from(text: String) -> Self {
        Self(SecretString::from(text))
    }
}

impl Plugin {
    pub(super) fn new(config: ExecConfig, cluster: &Cluster) -> Result<Self, ClusterError> {
        let Some(command) = config.command.clone().filter(|command| !command.is_empty()) else {
            return Err(failed("the kubeconfig names a credential plugin without a command".to_owned()));
        };
        let cluster = match config.provide_cluster_info {
            true => Some(ExecAuthCluster::try_from(cluster).map_err(|error| failed(clean(&error.to_string(), 200)))?),
            false => None,
        };
        Ok(Self { config, command, cluster, last: Mutex::new(None) })
    }

    pub(super) fn command(&self) -> &str {
        &self.command
    }

    /// The last answer if it still holds, else a new one.
    pub(super) async fn credential(&self) -> Result<Arc<Credential>, ClusterError> {
        let mut last = self.last.lock().await;
        if let Some(credential) = last.as_ref()
            && credential.expires.is_none_or(|expires| Timestamp::now() < expires)
        {
            return Ok(credential.clone());
        }
        let credential = Arc::new(self.run().await?);
        *last = Some(credential.clone());
        Ok(credential)
    }

    /// Makes sure that this answer is not given again.
    pub(super) async fn forget(&self, refused: &Arc<Credential>) {
        let mut last = self.last.lock().await;
        if last.as_ref().is_some_and(|credential| Arc::ptr_eq(credential, refused)) {
            *last = None;
        }
    }

    async fn run(&self) -> Result<Credential, ClusterError> {
        let mut child = self.prepare()?.spawn().map_err(|error| self.not_started(&error))?;
        let mut output = Vec::new();
        if let Some(stdout) = child.stdout.take() {
            let read = stdout.take(MOST_OUTPUT + 1).read_to_end(&mut output).await;
            read.map_err(|error| {
                self.failed(&format!("its output cannot be read: {}", clean(&error.to_string(), 200)))
            })?;
        }
        if output.len() as u64 > MOST_OUTPUT {
            return Err(self.failed("it printed more than 1 MiB"));
        }
        let status = child.wait().await;
        let status = status.map_err(|error| self.failed(&clean(&error.to_string(), 200)))?;
        if !status.success() {
            return Err(self.failed(&format!("it ended with {status}")));
        }
        self.parse(&output)
    }

    fn prepare(&self) -> Result<Command, ClusterError> {
        let interactive = self.interactive()?;
        let request = Request {
            kind: "ExecCredential",
            api_version: self.config.api_version.as_deref(),
            spec: RequestSpec { interactive, cluster: self.cluster.as_ref() },
        };
        let request = serde_json::to_string(&request).map_err(|error| self.failed(&clean(&error.to_string(), 200)))?;
        let mut command = Command::new(&self.command);
        command.args(self.config.args.iter().flatten());
        for variable in self.config.env.iter().flatten() {
            if let (Some(name), Some(value)) = (variable.get("name"), variable.get("value")) {
                command.env(name, value);
            }
        }
        command.env("KUBERNETES_EXEC_INFO", request);
        command.stdin(if interactive { Stdio::inherit() } else { Stdio::null() });
        // Its messages, such as where to log in, are for the user.
        command.stdout(Stdio::piped()).stderr(Stdio::inherit()).kill_on_drop(true);
        Ok(command)
    }

    /// Whether the plugin may ask the user something.
    fn interactive(&self) -> Result<bool, ClusterError> {
        let terminal = io::stdin().is_terminal();
        match self.config.interactive_mode {
            Some(ExecInteractiveMode::Never) => Ok(false),
            Some(ExecInteractiveMode::IfAvailable) | None => Ok(terminal),
            Some(ExecInteractiveMode::Always) if terminal => Ok(true),
            Some(ExecInteractiveMode::Always) => {
                Err(self.failed("it has to ask the user something, and standard input is no terminal"))
            }
        }
    }

    fn parse(&self, output: &[u8]) -> Result<Credential, ClusterError> {
        // A parser's own message could quote the token.
        let response: Response =
            serde_saphyr::from_slice(output).map_err(|_| self.failed("what it printed is no ExecCredential"))?;
        let status = response.status.ok_or_else(|| self.failed("what it printed has no status"))?;
        let expires = match status.expiration_timestamp.as_deref().filter(|time| !time.is_empty()) {
            Some(time) => Some(time.parse().map_err(|_| self.failed("it gave an expiration time that is none"))?),
            None => None,
        };
        let authorization = match status.token {
            Some(SecretText(token)) if !secrecy::ExposeSecret::expose_secret(&token).is_empty() => {
                Some(bearer(&token)?)
            }
            _ => None,
        };
        let certificate = match (status.client_certificate_data, status.client_key_data) {
            (Some(certificate), Some(SecretText(key))) => Some(ClientCertificate { certificate, key }),
            (None, None) => None,
            _ => return Err(self.failed("it gave a client certificate or a key, but not both")),
        };
        if authorization.is_none() && certificate.is_none() {
            return Err(self.failed("it gave neither a token nor a client certificate"));
        }
        Ok(Credential { authorization, certificate, expires })
    }

    fn not_started(&self, error: &io::Error) -> ClusterError {
        match error.kind() {
            ErrorKind::NotFound => ClusterError::Credentials {
                cause: format!("credential plugin {:?} is not installed", self.command),
                advice: self.config.install_hint.as_deref().map(|hint| clean(hint, 500)),
            },
            _ => self.failed(&clean(&error.to_string(), 200)),
        }
    }

    fn failed(&self, cause: &str) -> ClusterError {
        failed(format!("credential plugin {:?} failed: {cause}", self.command))
    }
}

fn failed(cause: String) -> ClusterError {
    ClusterError::Credentials { cause, advice: None }
}
