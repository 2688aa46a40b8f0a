//! HTTP to whom the user names, such as a service of metrics or a forge: one request, no redirects, a bounded body. Nothing of the
//! cluster's credentials is sent, whoever is asked.

use std::collections::VecDeque;

use http::{HeaderMap, Request, header};
use http_body_util::{BodyExt as _, Full};
use hyper_rustls::{HttpsConnector, HttpsConnectorBuilder};
use hyper_util::client::legacy::Client;
use hyper_util::client::legacy::connect::HttpConnector;
use hyper_util::rt::TokioExecutor;

/// Who asks.
pub const AGENT: &str = concat!("helm-safe-upgrade/", env!("CARGO_PKG_VERSION"));

/// What was answered.
#[derive(Debug)]
pub struct Answer {
    /// The status, as in 200.
    pub status: u16,
    /// The headers.
    pub headers: HeaderMap,
    /// The body, as far as it was wanted.
    pub body: Vec<u8>,
}

/// Sends a request, and reads so many bytes of the answer at most.
///
/// # Errors
/// Why there is no answer: the innermost cause, which quotes nothing of the request.
pub async fn send(mut request: Request<Vec<u8>>, most: usize) -> Result<Answer, String> {
    request.headers_mut().entry(header::USER_AGENT).or_insert(header::HeaderValue::from_static(AGENT));
    let secure = request.uri().scheme_str() == Some("https");
    let answer = client(secure)?.request(request.map(|body| Full::new(VecDeque::from(body)))).await;
    let answer = answer.map_err(|error| cause(&error))?;
    let (status, headers) = (answer.status().as_u16(), answer.headers().clone());
    let mut incoming = answer.into_body();
    let mut body = Vec::new();
    while let Some(frame) = incoming.frame().await {
        let frame = frame.map_err(|error| format!("its answer broke off: {}", cause(&error)))?;
        let Ok(bytes) = frame.into_data() else { continue };
        body.extend_from_slice(&bytes[..bytes.len().min(most - body.len())]);
        if body.len() == most {
            break;
        }
    }
    Ok(Answer { status, headers, body })
}

type Https = HttpsConnector<HttpConnector>;

/// A client for one request: what is asked now and then is better asked over a connection that was just made.
fn client(secure: bool) -> Result<Client<Https, Full<VecDeque<u8>>>, String> {
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
