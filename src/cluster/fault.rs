//! What a failed attempt means: the error it would be, and whether another attempt may help.

use std::error::Error as StdError;
use std::io::{self, ErrorKind};
use std::time::Duration;

use hyper_util::client::legacy;
use rustls::{AlertDescription, CertificateError, InvalidMessage};

use super::error::{ClusterError, clean};

/// A failed attempt.
#[derive(Debug)]
pub(super) struct Fault {
    pub(super) error: ClusterError,
    pub(super) retry: Retry,
}

/// Whether a request may be made again.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Retry {
    /// It would fail again.
    Never,
    /// Once, at once: a server that has just started answers by then.
    Once,
    /// A few times, each later than the last; the server may say how long to wait.
    Later(Option<Duration>),
    /// With new credentials, if they can be had.
    NewCredentials,
}

impl Fault {
    pub(super) fn final_one(error: ClusterError) -> Self {
        Self { error, retry: Retry::Never }
    }

    /// No answer came, or only a part of one.
    pub(super) fn of_connection(error: &kube::Error, server: &str, action: &str) -> Self {
        let chain = chain(error);
        if let kube::Error::Auth(cause) = error {
            let cause = format!("the auth-provider of the kubeconfig fails: {}", clean(&cause.to_string(), 200));
            return Self::final_one(ClusterError::Credentials { cause, advice: None });
        }
        if let Some(cause) = chain.iter().find_map(|cause| cause.downcast_ref::<kube::client::AuthError>()) {
            let cause = format!("the auth-provider of the kubeconfig fails: {}", clean(&cause.to_string(), 200));
            return Self::final_one(ClusterError::Credentials { cause, advice: None });
        }
        if let Some(cause) = chain.iter().find_map(|cause| cause.downcast_ref::<rustls::Error>()) {
            return Self::final_one(of_tls(cause, server));
        }
        let cause = network_cause(&chain);
        let connecting =
            chain.iter().any(|cause| cause.downcast_ref::<legacy::Error>().is_some_and(legacy::Error::is_connect));
        match connecting {
            true => Self { error: ClusterError::Unreachable { server: server.to_owned(), cause }, retry: Retry::Once },
            false => {
                let (action, server) = (action.to_owned(), server.to_owned());
                Self { error: ClusterError::ConnectionLost { action, server, cause }, retry: Retry::Later(None) }
            }
        }
    }
}

/// An error and all that it wraps, outermost first.
fn chain<'a>(error: &'a (dyn StdError + 'static)) -> Vec<&'a (dyn StdError + 'static)> {
    const DEEPEST: usize = 32;
    let mut chain = Vec::new();
    let mut next = Some(error);
    while let Some(error) = next
        && chain.len() < DEEPEST
    {
        chain.push(error);
        // An `io::Error` passes over the error it wraps and names that one's source.
        let inner = error.downcast_ref::<io::Error>().and_then(io::Error::get_ref);
        next = inner.map(|inner| inner as &(dyn StdError + 'static)).or_else(|| error.source());
    }
    chain
}

fn network_cause(chain: &[&(dyn StdError + 'static)]) -> String {
    let io = chain.iter().rev().find_map(|cause| cause.downcast_ref::<io::Error>());
    let known = io.and_then(|error| match error.kind() {
        ErrorKind::ConnectionRefused => Some("connection refused"),
        ErrorKind::ConnectionReset => Some("connection reset"),
        ErrorKind::TimedOut => Some("no connection in time"),
        ErrorKind::HostUnreachable => Some("no route to the host"),
        ErrorKind::NetworkUnreachable => Some("no route to the network"),
        ErrorKind::UnexpectedEof => Some("connection closed"),
        _ => None,
    });
    match (known, chain.last()) {
        (Some(known), _) => known.to_owned(),
        (None, Some(last)) => {
            let text = clean(&last.to_string(), 200);
            match text.strip_prefix("failed to lookup address information: ") {
                Some(cause) => format!("its name cannot be resolved: {cause}"),
                None => text,
            }
        }
        (None, None) => String::new(),
    }
}

fn of_tls(error: &rustls::Error, server: &str) -> ClusterError {
    const CA: &str = "give the cluster's CA with --kube-ca-file, or certificate-authority in the kubeconfig";
    let (cause, advice) = match error {
        rustls::Error::InvalidCertificate(certificate) => of_certificate(certificate, CA),
        rustls::Error::InvalidMessage(InvalidMessage::InvalidContentType) => (
            "it does not speak TLS".to_owned(),
            format!("use {} if that is meant", server.replacen("https://", "http://", 1)),
        ),
        rustls::Error::AlertReceived(
            AlertDescription::CertificateRequired
            | AlertDescription::BadCertificate
            | AlertDescription::CertificateExpired
            | AlertDescription::CertificateUnknown
            | AlertDescription::UnknownCA,
        ) => (
            "it does not accept the client certificate".to_owned(),
            "the client certificate may have expired: renew the credentials in the kubeconfig".to_owned(),
        ),
        other => (clean(&other.to_string(), 200), "check the server's TLS settings, and any proxy between".to_owned()),
    };
    ClusterError::Tls { server: server.to_owned(), cause, advice }
}

fn of_certificate(error: &CertificateError, ca: &str) -> (String, String) {
    match error {
        CertificateError::UnknownIssuer => {
            ("its certificate is signed by an unknown authority".to_owned(), ca.to_owned())
        }
        CertificateError::BadSignature => {
            ("its certificate is not signed by the given authority".to_owned(), ca.to_owned())
        }
        CertificateError::Expired | CertificateError::ExpiredContext { .. } => (
            "its certificate has expired".to_owned(),
            "renew the server's certificate; check this machine's clock".to_owned(),
        ),
        CertificateError::NotValidYet | CertificateError::NotValidYetContext { .. } => {
            ("its certificate is not valid yet".to_owned(), "check this machine's clock".to_owned())
        }
        CertificateError::NotValidForName => ("its certificate is for another name".to_owned(), OTHER_NAME.to_owned()),
        CertificateError::NotValidForNameContext { expected, presented } => {
            let cause = format!("its certificate is not for {} but for {}", expected.to_str(), names(presented));
            (cause, OTHER_NAME.to_owned())
        }
        other => (clean(&format!("its certificate is not valid: {other}"), 200), ca.to_owned()),
    }
}

/// The names in a certificate, which the library gives as `DnsName("localhost")`.
fn names(presented: &[String]) -> String {
    const SHOWN: usize = 5;
    let bare = |name: &String| match name.split_once('(').and_then(|(_, rest)| rest.strip_suffix(')')) {
        Some(name) => name.trim_matches('"').to_owned(),
        None => name.clone(),
    };
    let mut shown: Vec<_> = presented.iter().take(SHOWN).map(bare).collect();
    if presented.len() > SHOWN {
        shown.push(format!("{} more", presented.len() - SHOWN));
    }
    clean(&shown.join(", "), 300)
}

const OTHER_NAME: &str = "connect by one of its names, or give one with --kube-tls-server-name; --kube-insecure-skip-tls-verify trusts anyone";
