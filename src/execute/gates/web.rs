//! Asking a gate's address: a Service through the API server, or a URL with one GET.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use http::{Request, header};

use crate::cluster::{Cluster, ClusterError, HttpAnswer, ServicePath};
use crate::upgrade::gates::address::Address;
use crate::web;

/// So much of a body is read, in bytes.
const MAX_BODY: usize = 1 << 20;

/// Asks an address. The error says why there is no answer; it quotes no password.
pub(in crate::execute) async fn get<C: Cluster>(
    address: &Address,
    cluster: &C,
    namespace: &str,
) -> Result<HttpAnswer, String> {
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
            let mut request = Request::get(uri.clone());
            if let Some((name, password)) = user {
                let pair = STANDARD.encode(format!("{name}:{password}"));
                request = request.header(header::AUTHORIZATION, format!("Basic {pair}"));
            }
            let request = request.body(Vec::new()).map_err(|error| error.to_string())?;
            let answer = web::send(request, MAX_BODY).await?;
            Ok(HttpAnswer { status: answer.status, body: answer.body })
        }
    }
}
