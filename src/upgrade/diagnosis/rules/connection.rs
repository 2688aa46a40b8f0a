//! Helm lost the API server.

use crate::upgrade::diagnosis::message::{has, has_any, line_with, short};
use crate::upgrade::diagnosis::{Cause, Evidence};

/// How Helm and client-go say it. `context deadline exceeded` alone is Helm's own timeout.
const WORDS: [&str; 11] = [
    "kubernetes cluster unreachable",
    "http2: client connection lost",
    "http2: server sent GOAWAY",
    "connect: connection refused",
    "connection reset by peer",
    "i/o timeout",
    "TLS handshake timeout",
    "no route to host",
    "network is unreachable",
    "etcdserver: request timed out",
    "the server is currently unable to handle the request",
];
/// What else may stand in such a line and speaks of another connection.
const OTHERS: [&str; 3] = ["failed calling webhook", "pull", "probe"];

pub(super) fn find(evidence: &Evidence) -> Vec<Cause> {
    let line = evidence
        .said()
        .find_map(|text| WORDS.iter().find_map(|words| line_with(text, words)).filter(|line| !has_any(line, &OTHERS)));
    let Some(line) = line else { return Vec::new() };
    let expired = has_any(line, &["unauthorized", "expired", "provide credentials"]);
    let hint = match expired {
        true => "log in again, then run the upgrade again".to_owned(),
        false => format!(
            "the upgrade may have gone on in part; see where it stands, then run it again: {}",
            evidence.helm(&format!("safe-upgrade diagnose {}", evidence.release))
        ),
    };
    let short = short(line.trim_start_matches("Error: "));
    let what = if has(line, "unable to handle the request") {
        "the API server, or one behind it, could not answer"
    } else {
        "Helm lost the API server"
    };
    vec![Cause::certain(format!("{what}: {short}"), hint)]
}

#[cfg(test)]
mod tests {
    use super::super::super::scene::{found, said, says};

    #[test]
    fn a_lost_server_is_quoted() {
        let told = says(
            "connection",
            &said(
                "Error: UPGRADE FAILED: Kubernetes cluster unreachable: Get \"https://127.0.0.1:6443/version\": dial tcp 127.0.0.1:6443: connect: connection refused",
            ),
        );
        assert!(
            told.starts_with("Helm lost the API server: Kubernetes cluster unreachable")
                && told.contains("diagnose web -n shop"),
            "{told}"
        );
    }

    #[test]
    fn a_timeout_of_helm_is_no_lost_server() {
        assert_eq!(found("connection", &said("Error: UPGRADE FAILED: context deadline exceeded")), []);
    }

    #[test]
    fn a_webhook_that_is_down_is_not_the_api_server() {
        assert_eq!(
            found(
                "connection",
                &said(
                    "failed calling webhook \"x\": Post \"https://w\": dial tcp 10.0.0.1:443: connect: connection refused"
                )
            ),
            []
        );
    }
}
