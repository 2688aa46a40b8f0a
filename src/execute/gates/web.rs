//! Asking over HTTP: one GET, no redirects, a bounded body. Whoever is asked, nothing of the cluster's credentials is sent.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use http::{Request, header};
use http_body_util::{BodyExt as _, Empty};
use hyper_rustls::{HttpsConnector, HttpsConnectorBuilder};
use hyper_util::client::legacy::Client;
use hyper_util::client::legacy::connect::HttpConnector;
use hyper_util::rt::TokioExecutor;

use crate::cluster::{Cluster, ClusterError, HttpAnswer, ServicePath};
use crate::upgrade::gates::address::Address;

/// So much of a body is read, in bytes.
const MAX_BODY: usize = 1 << 20;

/// Asks an address. The error says why there is no answer; it quotes no password.
pub(super) async fn get<C: Cluster>(address: &Address, cluster: &C, namespace: &str) -> Result<HttpAnswer, String> {
    match address {
        Address::Service { name, port, path } => {
            let (namespace, name) = (namespace.to_owned(), name.clone());
            let path = ServicePath { namespace, name, port: port.clone(), path: path.clone() };
            cluster.ask_service(&path).await.map_err(|error| match error {
                ClusterError::NotServed { .. } | ClusterError::NotFound { .. } => {
                    format!("there is no service {} in namespace {}", path.name, path.namespace)
                }
                error => error.to_string(),
            })
        }
        Address::Url { uri, user } => {
            let mut request = Request::get(uri.clone())
                .header(header::USER_AGENT, concat!("helm-safe-upgrade/", env!("CARGO_PKG_VERSION")));
            if let Some((name, password)) = user {
                let pair = STANDARD.encode(format!("{name}:{password}"));
                request = request.header(header::AUTHORIZATION, format!("Basic {pair}"));
            }
            let request = request.body(Empty::<&'static [u8]>::new()).map_err(|error| error.to_string())?;
            let answer = client(uri.scheme_str() == Some("https"))?.request(request).await;
            let answer = answer.map_err(|error| cause(&error))?;
            let status = answer.status().as_u16();
            let mut incoming = answer.into_body();
            let mut body = Vec::new();
            while let Some(frame) = incoming.frame().await {
                let frame = frame.map_err(|error| format!("its answer broke off: {}", cause(&error)))?;
                let Ok(bytes) = frame.into_data() else { continue };
                body.extend_from_slice(&bytes[..bytes.len().min(MAX_BODY - body.len())]);
                if body.len() == MAX_BODY {
                    break;
                }
            }
            Ok(HttpAnswer { status, body })
        }
    }
}

type Https = HttpsConnector<HttpConnector>;

/// A client for one request: what is asked every ten seconds is better asked over a connection that was just made.
fn client(secure: bool) -> Result<Client<Https, Empty<&'static [u8]>>, String> {
    let mut plain = HttpConnector::new();
    plain.enforce_http(false);
    let builder = HttpsConnectorBuilder::new();
    let builder = if secure {
        let provider = rustls::crypto::ring::default_provider();
        let trusted = builder.with_provider_and_native_roots(provider);
        trusted.map_err(|error| format!("the system's certificates can't be read: {error}"))?
    } else {
        // Not read for nothing.
        let provider = std::sync::Arc::new(rustls::crypto::ring::default_provider());
        let config = rustls::ClientConfig::builder_with_provider(provider).with_safe_default_protocol_versions();
        let config = config.map_err(|error| error.to_string())?;
        builder.with_tls_config(config.with_root_certificates(rustls::RootCertStore::empty()).with_no_client_auth())
    };
    Ok(Client::builder(TokioExecutor::new()).build(builder.https_or_http().enable_http1().wrap_connector(plain)))
}

/// The innermost cause says most: `connection refused`.
fn cause(error: &dyn std::error::Error) -> String {
    let mut innermost = error;
    while let Some(source) = innermost.source() {
        innermost = source;
    }
    innermost.to_string()
}
