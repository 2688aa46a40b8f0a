//! Which kind of error a failed request is to the user.

use crate::cluster::ClusterError;
use crate::error::{Error, Kind};

impl From<ClusterError> for Error {
    fn from(error: ClusterError) -> Self {
        let kind = match &error {
            ClusterError::NotFound { .. } => Kind::NotFound,
            ClusterError::Forbidden(_) => Kind::Forbidden,
            ClusterError::Unauthorized { .. } | ClusterError::Credentials { .. } => Kind::Unauthorized,
            ClusterError::Unreachable { .. }
            | ClusterError::ConnectionLost { .. }
            | ClusterError::Tls { .. }
            | ClusterError::Timeout { .. }
            | ClusterError::Throttled { .. }
            // What stands before the server says that it is away, or the server that it is not up yet.
            | ClusterError::Server { code: 502..=504, .. } => Kind::Unreachable,
            ClusterError::NoConfiguration { .. }
            | ClusterError::NoContext { .. }
            | ClusterError::UnknownContext { .. }
            | ClusterError::Kubeconfig { .. }
            | ClusterError::InvalidConnection { .. } => Kind::Usage,
            _ => Kind::Cluster,
        };
        let message = Self::new(kind, error.to_string());
        match error.hint() {
            Some(hint) => message.hint(hint),
            None => message,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_load_balancer_without_a_server_behind_it_means_that_the_server_is_away() {
        let kind = |code| {
            let (action, server) = ("list pods".to_owned(), "https://k.example".to_owned());
            Error::from(ClusterError::Server { action, server, code, message: String::new() }).kind
        };
        assert_eq!([502, 503, 504].map(kind), [Kind::Unreachable; 3]);
        assert_eq!([422, 500].map(kind), [Kind::Cluster; 2], "the server itself has answered");
    }
}
