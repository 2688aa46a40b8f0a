//! From settings to connections: which certificates to trust, which to show, through which proxy.

use std::net::IpAddr;
use std::time::Duration;

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use http::{HeaderValue, Uri, header};
use kube::config::{Cluster, KubeconfigError};
use kube::{Client, Config, Error};
use rustls::pki_types::CertificateDer;
use rustls::pki_types::pem::PemObject;
use secrecy::ExposeSecret;

use super::connection::Environment;
use super::error::{ClusterError, clean};
use super::exec::ClientCertificate;
use super::proxy;
use super::settings::Settings;

/// Longest wait for a connection. A host that drops packets is seen as such, and not as a slow server.
const LONGEST_CONNECT: Duration = Duration::from_secs(10);

/// How to make connections.
pub(super) fn configure(
    settings: &Settings,
    environment: &Environment,
    request_timeout: Duration,
) -> Result<Config, ClusterError> {
    let cluster = &settings.cluster;
    let mut config = Config::new(with_port(&settings.server));
    let secure = settings.server.scheme_str() == Some("https");
    config.accept_invalid_certs = cluster.insecure_skip_tls_verify == Some(true);
    config.root_cert = match secure && !config.accept_invalid_certs {
        true => trusted_certificates(cluster)?,
        // Without this the system's certificates would be read, for nothing.
        false => Some(Vec::new()),
    };
    config.tls_server_name.clone_from(&cluster.tls_server_name);
    config.proxy_url = proxy::choose(&settings.server, cluster.proxy_url.as_deref(), environment)?;
    config.auth_info = settings.user.clone();
    config.connect_timeout = Some(LONGEST_CONNECT.min(request_timeout));
    // The whole request has a deadline; see `request`. These hold where a connection is used in another way.
    config.read_timeout = Some(request_timeout);
    config.reset_reader_on_write = true;
    config.write_timeout = Some(request_timeout);
    // kube would try again for a quarter of an hour.
    config.default_retry = false;
    // Packing costs the server more time than a local connection needs for what is saved.
    config.disable_compression = cluster.disable_compression == Some(true) || is_local(&settings.server);
    let agent = HeaderValue::from_static(concat!("helm-safe-upgrade/", env!("CARGO_PKG_VERSION")));
    config.headers.push((header::USER_AGENT, agent));
    Ok(config)
}

/// A client that makes its connections when requests need them. It must be called within a tokio runtime.
pub(super) fn client(config: &Config, certificate: Option<&ClientCertificate>) -> Result<Client, ClusterError> {
    let mut config = config.clone();
    if let Some(ClientCertificate { certificate, key }) = certificate {
        config.auth_info.client_certificate_data = Some(STANDARD.encode(certificate));
        config.auth_info.client_key_data = Some(STANDARD.encode(key.expose_secret()).into());
    }
    Client::try_from(config).map_err(|error| ClusterError::InvalidConnection { cause: unusable(&error) })
}

/// The URL with its port spelled out: a tunnel through a proxy would else be made to 443 for plain HTTP too.
fn with_port(server: &Uri) -> Uri {
    let mut parts = server.clone().into_parts();
    if server.scheme_str() == Some("http")
        && server.port().is_none()
        && let Some(authority) = &parts.authority
    {
        parts.authority = format!("{authority}:80").parse().ok();
    }
    Uri::from_parts(parts).unwrap_or_else(|_| server.clone())
}

fn is_local(server: &Uri) -> bool {
    let host = server.host().unwrap_or_default().trim_start_matches('[').trim_end_matches(']');
    host == "localhost" || host.parse::<IpAddr>().is_ok_and(|address| address.is_loopback())
}

/// The kubeconfig's or the user's certificates; `None` for those of the system.
fn trusted_certificates(cluster: &Cluster) -> Result<Option<Vec<Vec<u8>>>, ClusterError> {
    let invalid = |cause: String| ClusterError::InvalidConnection { cause };
    let (pem, origin) = match (&cluster.certificate_authority_data, &cluster.certificate_authority) {
        (Some(data), _) => {
            let pem = STANDARD.decode(data);
            let pem =
                pem.map_err(|_| invalid("certificate-authority-data in the kubeconfig is not base64".to_owned()))?;
            (pem, "certificate-authority-data in the kubeconfig")
        }
        (None, Some(path)) => {
            let pem = std::fs::read(path);
            let pem =
                pem.map_err(|error| invalid(format!("cannot read {path}: {}", clean(&error.to_string(), 200))))?;
            (pem, path.as_str())
        }
        (None, None) => return Ok(None),
    };
    let certificates: Vec<_> = CertificateDer::pem_slice_iter(&pem).flatten().map(|der| der.to_vec()).collect();
    match certificates.is_empty() {
        true => Err(invalid(format!("no certificate in {origin}"))),
        false => Ok(Some(certificates)),
    }
}

/// Why kube cannot use a configuration. None of these texts quotes a key or a token.
fn unusable(error: &Error) -> String {
    match error {
        Error::InferKubeconfig(KubeconfigError::LoadClientCertificate(cause)) => {
            format!("the client certificate cannot be read: {}", clean(&cause.to_string(), 200))
        }
        Error::InferKubeconfig(KubeconfigError::LoadClientKey(cause)) => {
            format!("the key of the client certificate cannot be read: {}", clean(&cause.to_string(), 200))
        }
        Error::RustlsTls(cause) => clean(&cause.to_string(), 200),
        Error::Auth(cause) => format!("the auth-provider of the kubeconfig fails: {}", clean(&cause.to_string(), 200)),
        Error::HttpError(_) => "the user or group to act as holds a character that cannot be sent".to_owned(),
        _ => "the settings do not fit together".to_owned(),
    }
}
