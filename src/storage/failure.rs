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
            | ClusterError::Throttled { .. } => Kind::Unreachable,
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
