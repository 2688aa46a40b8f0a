//! What an API server's refusal means: from an HTTP status and a Kubernetes `Status` object to a [`ClusterError`].

use http::StatusCode;
use serde::Deserialize;

use super::error::{ClusterError, Forbidden, clean};
use super::request::Subject;

/// Longest text taken over from a server, in characters.
const LONGEST_MESSAGE: usize = 300;
/// Longest name taken over from a server: Kubernetes allows 253, users may be longer.
const LONGEST_NAME: usize = 300;

#[derive(Debug, Default, Deserialize)]
struct Status {
    #[serde(default)]
    kind: String,
    #[serde(default)]
    message: String,
    #[serde(default)]
    reason: String,
    #[serde(default)]
    details: Option<Details>,
}

#[derive(Debug, Default, Deserialize)]
struct Details {
    #[serde(default)]
    name: String,
}

/// The refusal of a request.
#[derive(Debug)]
pub(super) struct Refusal<'a> {
    pub(super) subject: &'a Subject<'a>,
    pub(super) server: &'a str,
    pub(super) identity: &'a str,
    pub(super) code: StatusCode,
    pub(super) content_type: &'a str,
    pub(super) body: &'a [u8],
}

impl Refusal<'_> {
    /// What it means.
    pub(super) fn into_error(self) -> ClusterError {
        let status = serde_json::from_slice::<Status>(self.body).ok().filter(|status| status.kind == "Status");
        let (action, server) = (self.subject.to_string(), self.server.to_owned());
        match self.code {
            StatusCode::UNAUTHORIZED => {
                ClusterError::Unauthorized { action, server, identity: self.identity.to_owned() }
            }
            StatusCode::TOO_MANY_REQUESTS => ClusterError::Throttled { action, server },
            StatusCode::BAD_REQUEST if self.body.starts_with(b"Client sent an HTTP request to an HTTPS server") => {
                ClusterError::Tls {
                    advice: format!("use {}", server.replacen("http://", "https://", 1)),
                    server,
                    cause: "it speaks TLS, and its URL says http".to_owned(),
                }
            }
            _ => match status {
                Some(status) => self.explained(status),
                None => self.unexplained(),
            },
        }
    }

    fn explained(&self, status: Status) -> ClusterError {
        let (action, server) = (self.subject.to_string(), self.server.to_owned());
        let message = clean(&status.message, LONGEST_MESSAGE);
        let named = status.details.is_some_and(|details| !details.name.is_empty());
        match (self.code, self.subject) {
            (StatusCode::FORBIDDEN, subject) => ClusterError::Forbidden(Box::new(forbidden(&status.message, subject))),
            (StatusCode::NOT_FOUND, Subject::Get(object)) if named => ClusterError::NotFound {
                kind: object.resource.kind.to_string(),
                name: object.name.clone(),
                namespace: object.namespace.clone(),
            },
            (StatusCode::NOT_FOUND, _) if status.reason == "NotFound" => ClusterError::NotServed { action, server },
            _ => ClusterError::Server { action, server, code: self.code.as_u16(), message },
        }
    }

    /// An API server always explains itself; a load balancer before it, whose servers are gone, does not.
    fn unexplained(&self) -> ClusterError {
        let (action, server) = (self.subject.to_string(), self.server.to_owned());
        let code = self.code.as_u16();
        if self.code.is_server_error() {
            let message = self.code.canonical_reason().unwrap_or_default().to_lowercase();
            return ClusterError::Server { action, server, code, message };
        }
        let content = what_it_is(self.content_type, self.body);
        ClusterError::NotKubernetes { action, server, cause: format!("status {code} with {content}") }
    }
}

/// Names what came in place of JSON.
pub(super) fn what_it_is(content_type: &str, body: &[u8]) -> String {
    let content_type = clean(content_type.split(';').next().unwrap_or_default(), 60);
    let text = String::from_utf8_lossy(&body[..body.len().min(2000)]);
    let title = text.split_once("<title>").and_then(|(_, rest)| rest.split_once("</title>"));
    match title {
        Some((title, _)) if !title.trim().is_empty() => format!("the page {:?}", clean(title, 80)),
        _ if body.is_empty() => "an empty answer".to_owned(),
        _ if content_type.is_empty() => "an answer that is no JSON".to_owned(),
        _ => format!("content of type {content_type}"),
    }
}

/// Reads `User "U" cannot VERB resource "R" in API group "G" in the namespace "N": DETAIL`, which is how the API
/// server words each refusal (`ForbiddenMessage` in k8s.io/apiserver). What it does not say is known from the request.
fn forbidden(message: &str, subject: &Subject<'_>) -> Forbidden {
    let mut forbidden = asked(subject);
    let Some((user, rest)) = message.split_once("User \"").and_then(|(_, rest)| rest.split_once("\" cannot ")) else {
        forbidden.detail = clean(message, LONGEST_MESSAGE);
        return forbidden;
    };
    forbidden.user = Some(clean(user, LONGEST_NAME));
    let (verb, rest) = rest.split_once(' ').unwrap_or((rest, ""));
    let (what, rest) = quoted(rest);
    if verb != forbidden.verb || what != forbidden.resource {
        // Something else was refused on the way there, such as impersonation.
        let name = message.split('"').nth(1).filter(|_| message.split_once(" is forbidden").is_some());
        forbidden.name = name.map(|name| clean(name, LONGEST_NAME));
        forbidden.verb = clean(verb, 40);
        forbidden.resource = clean(what, LONGEST_NAME);
    }
    let (group, rest) = match rest.strip_prefix(" in API group ") {
        Some(rest) => quoted(rest),
        None => ("", rest),
    };
    forbidden.group = clean(group, LONGEST_NAME);
    let rest = match rest.strip_prefix(" in the namespace ") {
        Some(rest) => {
            let (namespace, rest) = quoted(rest);
            forbidden.namespace = Some(clean(namespace, LONGEST_NAME));
            rest
        }
        None => {
            forbidden.namespace = None;
            rest.strip_prefix(" at the cluster scope").unwrap_or(rest)
        }
    };
    forbidden.detail = clean(rest.trim_start_matches([':', ' ']), LONGEST_MESSAGE);
    forbidden
}

/// What the request was about, before the server's own words are read.
fn asked(subject: &Subject<'_>) -> Forbidden {
    let (resource, name, namespace) = match subject {
        Subject::List(query) => (Some(&query.resource), None, query.namespace.clone()),
        Subject::Get(object) => (Some(&object.resource), Some(object.name.clone()), object.namespace.clone()),
        Subject::Version => (None, None, None),
    };
    Forbidden {
        user: None,
        verb: subject.verb().to_owned(),
        resource: resource.map_or_else(|| "/version".to_owned(), |resource| resource.plural.to_string()),
        group: resource.map(|resource| resource.group.to_string()).unwrap_or_default(),
        name,
        namespace,
        detail: String::new(),
    }
}

/// The first text in quotes, and what comes after it.
fn quoted(text: &str) -> (&str, &str) {
    text.split_once('"').and_then(|(_, rest)| rest.split_once('"')).unwrap_or(("", text))
}
