//! Who we are, request by request: a fixed token or password, a token file that is replaced now and then, or a
//! credential plugin.
//!
//! The crate `kube` can do most of this, but it runs a plugin three times to connect, and shows the plugin's output
//! and environment in its errors. Client certificates from a kubeconfig, and the old OIDC provider, stay with it.

use std::fs;
use std::path::PathBuf;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use http::HeaderValue;
use kube::config::AuthInfo;
use secrecy::{ExposeSecret, SecretString};

use super::error::{ClusterError, clean};
use super::exec::{Credential, Plugin};
use super::settings::Settings;

/// Where a request's credentials come from.
pub(super) enum Credentials {
    /// None, or such as belong to the connection.
    None,
    /// The same for each request.
    Fixed(HeaderValue),
    /// A file with a token.
    File(TokenFile),
    /// A credential plugin.
    Plugin(Box<Plugin>),
}

/// The credentials of one request.
#[derive(Debug, Default, Clone)]
pub(super) struct Proof {
    /// The `Authorization` header.
    pub(super) authorization: Option<HeaderValue>,
    /// What the plugin gave, which may hold a client certificate.
    pub(super) plugin: Option<Arc<Credential>>,
}

impl Credentials {
    /// Takes what is to be sent with requests out of the settings, and leaves there what belongs to the connection.
    pub(super) fn take_from(settings: &mut Settings) -> Result<Self, ClusterError> {
        let user = &mut settings.user;
        let token = user.token.take();
        if let Some(path) = user.token_file.take() {
            return Ok(Self::File(TokenFile { path: PathBuf::from(path), fallback: token, read: Mutex::new(None) }));
        }
        if let Some(token) = token {
            return bearer(&token).map(Self::Fixed);
        }
        if let Some(plugin) = user.exec.take() {
            let plugin = Plugin::new(plugin, &settings.cluster)?;
            settings.identity = format!("{}, from credential plugin {:?}", settings.identity, plugin.command());
            return Ok(Self::Plugin(Box::new(plugin)));
        }
        match basic(user) {
            Some(header) => header.map(Self::Fixed),
            None => Ok(Self::None),
        }
    }

    /// What to send with the next request. Runs the credential plugin if its last answer has expired.
    pub(super) async fn proof(&self) -> Result<Proof, ClusterError> {
        Ok(match self {
            Self::None => Proof::default(),
            Self::Fixed(header) => Proof { authorization: Some(header.clone()), plugin: None },
            Self::File(file) => Proof { authorization: Some(file.header()?), plugin: None },
            Self::Plugin(plugin) => {
                let credential = plugin.credential().await?;
                Proof { authorization: credential.authorization.clone(), plugin: Some(credential) }
            }
        })
    }

    /// Forgets credentials that the server did not accept. Whether the next ones may be others.
    pub(super) async fn renew(&self, refused: &Proof) -> bool {
        match (self, &refused.plugin) {
            (Self::Plugin(plugin), Some(credential)) => {
                plugin.forget(credential).await;
                true
            }
            (Self::File(file), _) => file.forget(refused.authorization.as_ref()),
            _ => false,
        }
    }
}

/// The header for a token; the token is not shown when it is refused.
pub(super) fn bearer(token: &SecretString) -> Result<HeaderValue, ClusterError> {
    let mut header =
        HeaderValue::try_from(format!("Bearer {}", token.expose_secret())).map_err(|_| ClusterError::Credentials {
            cause: "the token holds a line break or another control character".to_owned(),
            advice: None,
        })?;
    header.set_sensitive(true);
    Ok(header)
}

fn basic(user: &mut AuthInfo) -> Option<Result<HeaderValue, ClusterError>> {
    let (name, password) = (user.username.take(), user.password.take());
    if name.is_none() && password.is_none() {
        return None;
    }
    let password = password.as_ref().map_or("", |password| password.expose_secret());
    let pair = STANDARD.encode(format!("{}:{password}", name.unwrap_or_default()));
    let header = HeaderValue::try_from(format!("Basic {pair}")).map(|mut header| {
        header.set_sensitive(true);
        header
    });
    // Base64 always makes a valid header.
    Some(
        header.map_err(|_| ClusterError::Credentials { cause: "the password cannot be sent".to_owned(), advice: None }),
    )
}

/// A token that something else, such as the kubelet, replaces before it expires.
pub(super) struct TokenFile {
    path: PathBuf,
    /// What counts while the file cannot be read.
    fallback: Option<SecretString>,
    read: Mutex<Option<(HeaderValue, Instant)>>,
}

impl TokenFile {
    /// client-go reads it again after this time too.
    const FRESH: Duration = Duration::from_secs(60);

    fn header(&self) -> Result<HeaderValue, ClusterError> {
        let mut read = self.read.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some((header, when)) = read.as_ref()
            && when.elapsed() < Self::FRESH
        {
            return Ok(header.clone());
        }
        let header = match fs::read_to_string(&self.path) {
            Ok(token) => bearer(&SecretString::from(token.trim()))?,
            // The last token may still do.
            Err(error) => match (read.take(), &self.fallback) {
                (Some((header, _)), _) => header,
                (None, Some(token)) => bearer(token)?,
                (None, None) => {
                    let cause = clean(&error.to_string(), 200);
                    let cause = format!("cannot read the token file {}: {cause}", self.path.display());
                    return Err(ClusterError::Credentials { cause, advice: None });
                }
            },
        };
        *read = Some((header.clone(), Instant::now()));
        Ok(header)
    }

    /// Whether the file now holds another token than the refused one.
    fn forget(&self, refused: Option<&HeaderValue>) -> bool {
        *self.read.lock().unwrap_or_else(PoisonError::into_inner) = None;
        self.header().is_ok_and(|header| Some(&header) != refused)
    }
}
