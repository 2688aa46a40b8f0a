//! From settings to connections: through which proxy, with which headers, and the client on top.
//!
//! The crate `kube` would build all of this by itself, but without `TCP_NODELAY`: each new connection then waits 40 ms
//! before its first request, for an acknowledgement that the server delays.

use std::net::IpAddr;
use std::time::Duration;

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use http::{HeaderValue, Uri, header};
use hyper_rustls::{FixedServerNameResolver, HttpsConnector, HttpsConnectorBuilder};
use hyper_util::client::legacy;
use hyper_util::client::legacy::connect::proxy::{SocksV5, Tunnel};
use hyper_util::client::legacy::connect::{Connect, HttpConnector};
use hyper_util::rt::{TokioExecutor, TokioTimer};
use kube::client::{Body, ConfigExt};
use kube::{Client, Config, Error};
use rustls::ClientConfig;
use rustls::pki_types::ServerName;
use tower::{BoxError, ServiceBuilder};
use tower_http::decompression::DecompressionLayer;

use super::connection::Environment;
use super::error::{ClusterError, clean};
use super::proxy;
use super::settings::Settings;
use super::tls::{self, ClientCertificate};

/// Longest wait for a connection. A host that drops packets is seen as such, and not as a slow server.
const LONGEST_CONNECT: Duration = Duration::from_secs(10);
/// How soon a silent connection is probed, so that one that a firewall has dropped is noticed.
const KEEP_ALIVE: Duration = Duration::from_secs(30);
/// Longest wait for a sign of life on a connection that is silent; client-go waits as long.
const LONGEST_PING: Duration = Duration::from_secs(15);
/// How many bytes a server may send of one answer, and of all answers of a connection, before we have read them. Lists are large.
const STREAM_WINDOW: u32 = 4 << 20;
const CONNECTION_WINDOW: u32 = 16 << 20;

/// How to make connections.
pub(super) struct Transport {
    config: Config,
    certificate: Option<ClientCertificate>,
}

impl Transport {
    /// Reads the certificates that the settings name.
    pub(super) fn new(settings: &mut Settings, environment: &Environment) -> Result<Self, ClusterError> {
        let cluster = &settings.cluster;
        let mut config = Config::new(with_port(&settings.server));
        let secure = settings.server.scheme_str() == Some("https");
        config.accept_invalid_certs = cluster.insecure_skip_tls_verify == Some(true);
        config.root_cert = match secure && !config.accept_invalid_certs {
            true => tls::trusted(cluster)?,
            // Without this the system's certificates would be read, for nothing.
            false => Some(Vec::new()),
        };
        config.tls_server_name.clone_from(&cluster.tls_server_name);
        config.proxy_url = proxy::choose(&settings.server, cluster.proxy_url.as_deref(), environment)?;
        // Packing costs the server more time than a local connection needs for what is saved.
        config.disable_compression = cluster.disable_compression == Some(true) || is_local(&settings.server);
        let agent = HeaderValue::from_static(concat!("helm-safe-upgrade/", env!("CARGO_PKG_VERSION")));
        config.headers.push((header::USER_AGENT, agent));
        let certificate = ClientCertificate::take_from(&mut settings.user)?;
        config.auth_info = settings.user.clone();
        Ok(Self { config, certificate })
    }

    /// A client that makes its connections when requests need them, and shows this certificate or else the
    /// kubeconfig's. It must be called within a tokio runtime.
    pub(super) fn client(&self, certificate: Option<&ClientCertificate>) -> Result<Client, ClusterError> {
        let tls = tls::configure(&self.config, certificate.or(self.certificate.as_ref()))?;
        let mut plain = HttpConnector::new();
        plain.enforce_http(false);
        plain.set_nodelay(true);
        plain.set_keepalive(Some(KEEP_ALIVE));
        plain.set_connect_timeout(Some(LONGEST_CONNECT));
        let Some(proxy) = self.config.proxy_url.clone() else {
            return self.stack(self.secured(tls, plain)?);
        };
        match proxy.scheme_str() {
            Some("socks5") => {
                let socks = match proxy::credentials(&proxy) {
                    Some((user, password)) => SocksV5::new(proxy, plain).with_auth(user, password),
                    None => SocksV5::new(proxy, plain),
                };
                self.stack(self.secured(tls, socks)?)
            }
            Some("https") => {
                let to_proxy = HttpsConnectorBuilder::new().with_tls_config(tls.clone()).https_or_http().enable_http1();
                let tunnel = tunnel(proxy, to_proxy.wrap_connector(plain));
                self.stack(self.secured(tls, tunnel)?)
            }
            _ => self.stack(self.secured(tls, tunnel(proxy, plain))?),
        }
    }

    fn secured<C>(&self, tls: ClientConfig, connector: C) -> Result<HttpsConnector<C>, ClusterError> {
        let mut builder = HttpsConnectorBuilder::new().with_tls_config(tls).https_or_http();
        if let Some(name) = &self.config.tls_server_name {
            let name = ServerName::try_from(name.clone())
                .map_err(|_| invalid(format!("{name:?} is not the name of a server")))?;
            builder = builder.with_server_name_resolver(FixedServerNameResolver::new(name));
        }
        Ok(builder.enable_all_versions().wrap_connector(connector))
    }

    /// From connections to requests.
    fn stack<C>(&self, connector: C) -> Result<Client, ClusterError>
    where
        C: Connect + Clone + Send + Sync + 'static,
    {
        let mut pool = legacy::Client::builder(TokioExecutor::new());
        pool.pool_timer(TokioTimer::new()).timer(TokioTimer::new());
        pool.http2_keep_alive_interval(KEEP_ALIVE).http2_keep_alive_timeout(LONGEST_PING);
        pool.http2_initial_stream_window_size(STREAM_WINDOW).http2_initial_connection_window_size(CONNECTION_WINDOW);
        let pool: legacy::Client<C, Body> = pool.build(connector);
        let unusable = |error| invalid(unusable(&error));
        let unpack = DecompressionLayer::new().gzip(!self.config.disable_compression);
        let service = ServiceBuilder::new()
            .layer(self.config.base_uri_layer())
            .layer(unpack)
            .option_layer(self.config.auth_layer().map_err(unusable)?)
            .layer(self.config.extra_headers_layer().map_err(unusable)?)
            .map_err(BoxError::from)
            .service(pool);
        Ok(Client::new(service, "default"))
    }
}

/// A way through an HTTP proxy.
fn tunnel<C>(proxy: Uri, connector: C) -> Tunnel<C> {
    let credentials = proxy::credentials(&proxy).map(|(user, password)| STANDARD.encode(format!("{user}:{password}")));
    let tunnel = Tunnel::new(proxy, connector);
    match credentials.and_then(|pair| HeaderValue::try_from(format!("Basic {pair}")).ok()) {
        Some(header) => tunnel.with_auth(header),
        None => tunnel,
    }
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

/// Why kube cannot use what is left to it: the headers to act as another user, and the old auth-providers.
fn unusable(error: &Error) -> String {
    match error {
        Error::Auth(cause) => format!("the auth-provider of the kubeconfig fails: {}", clean(&cause.to_string(), 200)),
        _ => "the user or group to act as holds a character that cannot be sent".to_owned(),
    }
}

fn invalid(cause: String) -> ClusterError {
    ClusterError::InvalidConnection { cause }
}
