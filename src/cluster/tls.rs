//! Certificates: which ones to trust, and which one to show.

use std::fs;
use std::sync::Arc;

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use kube::Config;
use kube::client::ConfigExt;
use kube::config::{AuthInfo, Cluster};
use rustls::client::ResolvesClientCert;
use rustls::crypto::CryptoProvider;
use rustls::pki_types::pem::PemObject;
use rustls::pki_types::{CertificateDer, PrivateKeyDer};
use rustls::sign::{CertifiedKey, SingleCertAndKey};
use rustls::{ClientConfig, InconsistentKeys, RootCertStore};
use secrecy::{ExposeSecret, SecretString};

use super::error::{ClusterError, clean};

/// A client certificate and its key, both in PEM.
#[derive(Debug)]
pub(super) struct ClientCertificate {
    pub(super) certificate: String,
    pub(super) key: SecretString,
}

/// The certificates that the kubeconfig or the user trusts; `None` for those of the system.
pub(super) fn trusted(cluster: &Cluster) -> Result<Option<Vec<Vec<u8>>>, ClusterError> {
    let data = cluster.certificate_authority_data.as_deref();
    let Some(pem) = Pem::read(data, cluster.certificate_authority.as_deref(), "certificate-authority")? else {
        return Ok(None);
    };
    // A bundle may hold certificates of a kind that is not supported; the others still count, as they do for Go.
    let mut usable = RootCertStore::empty();
    let certificates: Vec<_> = CertificateDer::pem_slice_iter(pem.text.expose_secret().as_bytes())
        .flatten()
        .filter(|certificate| usable.add(certificate.clone()).is_ok())
        .map(|certificate| certificate.to_vec())
        .collect();
    match certificates.is_empty() {
        true => Err(invalid(format!("no certificate in {}", pem.origin))),
        false => Ok(Some(certificates)),
    }
}

impl ClientCertificate {
    /// Takes the user's certificate and key out of a kubeconfig's user.
    pub(super) fn take_from(user: &mut AuthInfo) -> Result<Option<Self>, ClusterError> {
        let (data, path) = (user.client_certificate_data.take(), user.client_certificate.take());
        let certificate = Pem::read(data.as_deref(), path.as_deref(), "client-certificate")?;
        let (data, path) = (user.client_key_data.take(), user.client_key.take());
        let key = Pem::read(data.as_ref().map(SecretString::expose_secret), path.as_deref(), "client-key")?;
        match (certificate, key) {
            (Some(certificate), Some(key)) => {
                let certificate = certificate.text.expose_secret().to_owned();
                Ok(Some(Self { certificate, key: key.text }))
            }
            (Some(_), None) => Err(invalid("the kubeconfig has a client certificate without its key".to_owned())),
            // A key alone proves nothing, and client-go passes over it.
            (None, _) => Ok(None),
        }
    }

    /// What shows it in a handshake. The library's own way refuses certificates of X.509 version 1, which openssl
    /// makes unless told otherwise, and which API servers accept.
    fn resolver(&self, provider: &CryptoProvider) -> Result<Arc<dyn ResolvesClientCert>, ClusterError> {
        let chain: Vec<_> = CertificateDer::pem_slice_iter(self.certificate.as_bytes()).flatten().collect();
        if chain.is_empty() {
            return Err(invalid("the client certificate is not PEM".to_owned()));
        }
        let key = PrivateKeyDer::from_pem_slice(self.key.expose_secret().as_bytes()).ok();
        let key = key.and_then(|key| provider.key_provider.load_private_key(key).ok());
        let key = key.ok_or_else(|| invalid("the key of the client certificate cannot be used".to_owned()))?;
        let certified = CertifiedKey::new(chain, key);
        match certified.keys_match() {
            Err(rustls::Error::InconsistentKeys(InconsistentKeys::KeyMismatch)) => {
                Err(invalid("the client certificate and its key do not belong together".to_owned()))
            }
            _ => Ok(Arc::new(SingleCertAndKey::from(certified))),
        }
    }
}

/// How to make TLS connections.
pub(super) fn configure(
    config: &Config,
    certificate: Option<&ClientCertificate>,
) -> Result<ClientConfig, ClusterError> {
    let tls = config.rustls_client_config();
    let mut tls = tls.map_err(|error| invalid(clean(&format!("no TLS: {error}"), 200)))?;
    if let Some(certificate) = certificate {
        tls.client_auth_cert_resolver = certificate.resolver(tls.crypto_provider())?;
    }
    Ok(tls)
}

/// Text in PEM, and where it stood.
struct Pem {
    text: SecretString,
    origin: String,
}

impl Pem {
    /// Reads what a kubeconfig has as base64 or names as a file; the former wins.
    fn read(data: Option<&str>, path: Option<&str>, key: &str) -> Result<Option<Self>, ClusterError> {
        let (bytes, origin) = match (data, path) {
            (Some(data), _) => {
                let origin = format!("{key}-data in the kubeconfig");
                (STANDARD.decode(data).map_err(|_| invalid(format!("{origin} is not base64")))?, origin)
            }
            (None, Some(path)) => {
                let bytes = fs::read(path);
                let unreadable = |error: std::io::Error| {
                    invalid(format!("cannot read the {key} {path}: {}", clean(&error.to_string(), 200)))
                };
                (bytes.map_err(unreadable)?, path.to_owned())
            }
            (None, None) => return Ok(None),
        };
        // PEM is plain ASCII; whatever else there is makes it invalid where it matters.
        Ok(Some(Self { text: String::from_utf8_lossy(&bytes).into_owned().into(), origin }))
    }
}

fn invalid(cause: String) -> ClusterError {
    ClusterError::InvalidConnection { cause }
}
