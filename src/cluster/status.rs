//! What an API server's refusal means: from an HTTP status and a Kubernetes `Status` object to a [`ClusterError`].

use http::StatusCode;
use serde::Deserialize;

use super::Resource;
use super::error::{ClusterError, Forbidden, clean};
use super::protobuf;
use super::request::Subject;

/// Longest text taken over from a server, in characters.
const LONGEST_MESSAGE: usize = 300;
/// Longest name taken over from a server: Kubernetes allows 253, users may be longer.
const LONGEST_NAME: usize = 300;

#[derive(Debug, Default, Deserialize)]
pub(super) struct Status {
    #[serde(default)]
    pub(super) kind: String,
    #[serde(default)]
    pub(super) message: String,
    #[serde(default)]
    pub(super) reason: String,
    #[serde(default)]
    pub(super) details: Option<Details>,
}

#[derive(Debug, Default, Deserialize)]
pub(super) struct Details {
    #[serde(default)]
    pub(super) name: String,
    /// The resource, in its plural.
    #[serde(default)]
    pub(super) kind: String,
    #[serde(default)]
    pub(super) causes: Option<Vec<RawCause>>,
}

#[derive(Debug, Deserialize)]
pub(super) struct RawCause {
    #[serde(default)]
    pub(super) reason: String,
    #[serde(default)]
    pub(super) field: String,
    #[serde(default)]
    pub(super) message: String,
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
        let status = serde_json::from_slice::<Status>(self.body).ok().or_else(|| protobuf::status(self.body));
        let status = status.filter(|status| status.kind == "Status");
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
            // An unknown group has no Status of its own, but a plain page.
            StatusCode::NOT_FOUND if matches!(self.subject, Subject::Discovery(_)) => {
                ClusterError::NotServed { action, server }
            }
            _ => match status {
                Some(status) => self.explained(status),
                None => self.unexplained(),
            },
        }
    }

    fn explained(&self, status: Status) -> ClusterError {
        let (action, server) = (self.subject.to_string(), self.server.to_owned());
        // What the server says about a Secret that it refuses may hold a piece of it.
        let of_secret = matches!(self.subject, Subject::Apply(object) | Subject::Create(object) | Subject::Update(object) | Subject::Patch(object) if object.resource == Resource::SECRETS);
        let message = if of_secret { String::new() } else { clean(&status.message, LONGEST_MESSAGE) };
        let named = status.details.is_some_and(|details| !details.name.is_empty());
        match (self.code, self.subject) {
            (StatusCode::FORBIDDEN, subject) => {
                let mut forbidden = forbidden(&status.message, subject);
                if of_secret {
                    forbidden.detail.clear();
                }
                ClusterError::Forbidden(Box::new(forbidden))
            }
            (
                StatusCode::NOT_FOUND,
                Subject::Get(object)
                | Subject::Apply(object)
                | Subject::Update(object)
                | Subject::Patch(object)
                | Subject::Delete(object)
                | Subject::Logs(object),
            ) if named => ClusterError::NotFound {
                kind: object.resource.kind.to_string(),
                name: object.name.clone(),
                namespace: object.namespace.clone(),
            },
            (StatusCode::CONFLICT, _) => ClusterError::Conflict { action, exists: status.reason == "AlreadyExists" },
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
    if verb.starts_with("impersonate-on:") {
        // From Kubernetes 1.36 on the server names the request that was to be made as another user, not that user.
        let (verb, resource) = ("impersonate".to_owned(), "users".to_owned());
        return Forbidden { verb, resource, group: String::new(), name: None, namespace: None, ..forbidden };
    }
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
        Subject::List(query) | Subject::Watch(query) => (Some(&query.resource), None, query.namespace.clone()),
        Subject::Get(object)
        | Subject::Apply(object)
        | Subject::Create(object)
        | Subject::Update(object)
        | Subject::Patch(object)
        | Subject::Delete(object)
        | Subject::Logs(object) => (Some(&object.resource), Some(object.name.clone()), object.namespace.clone()),
        Subject::Service(path) => (Some(&Resource::SERVICES), Some(path.name.clone()), Some(path.namespace.clone())),
        Subject::Discovery(_) | Subject::Access(_) | Subject::Version => (None, None, None),
    };
    let part = match subject {
        Subject::Logs(_) => "/log",
        Subject::Service(_) => "/proxy",
        _ => "",
    };
    let path = match subject {
        Subject::Discovery(path) => path,
        Subject::Access(_) => "/apis/authorization.k8s.io/v1/selfsubjectaccessreviews",
        _ => "/version",
    };
    Forbidden {
        user: None,
        verb: subject.verb().to_owned(),
        resource: resource.map_or_else(|| path.to_owned(), |resource| format!("{}{part}", resource.plural)),
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

#[cfg(test)]
mod tests {
    use super::*;
    use crate::cluster::{ListQuery, ObjectRef, Resource};

    fn list() -> ListQuery {
        ListQuery { resource: Resource::SECRETS, namespace: Some("web".to_owned()), label_selector: None }
    }

    fn refused(subject: &Subject<'_>, code: u16, body: &str) -> ClusterError {
        let code = StatusCode::from_u16(code).expect("a status");
        let (server, identity) = ("https://k.example", "user \"joe\" of the kubeconfig");
        let content_type = "application/json";
        Refusal { subject, server, identity, code, content_type, body: body.as_bytes() }.into_error()
    }

    fn status(message: &str) -> String {
        serde_json::json!({"kind": "Status", "message": message, "reason": "Forbidden", "code": 403}).to_string()
    }

    /// What the user sees when a list of Secrets in `web` is refused with this message.
    fn forbidden(message: &str) -> (String, String) {
        let error = refused(&Subject::List(&list()), 403, &status(message));
        assert!(matches!(error, ClusterError::Forbidden(_)), "{error:?}");
        (error.to_string(), error.hint().expect("a hint"))
    }

    #[test]
    fn the_missing_right_is_named() {
        let (message, hint) = forbidden(
            r#"secrets is forbidden: User "viewer" cannot list resource "secrets" in API group "" in the namespace "web""#,
        );
        assert_eq!(message, r#"user "viewer" cannot list resource "secrets" in namespace "web""#);
        assert_eq!(hint, r#"ask for a Role in namespace "web" with verbs [get list] on secrets, bound to "viewer""#);
    }

    #[test]
    fn what_the_server_adds_is_kept() {
        let (message, _) = forbidden(
            "secrets is forbidden: User \"joe\" cannot list resource \"secrets\" in API group \"\" in the namespace \
            \"web\": requires one of [\"container.secrets.list\"] permission(s).",
        );
        assert_eq!(
            message,
            "user \"joe\" cannot list resource \"secrets\" in namespace \"web\": \
            requires one of [\"container.secrets.list\"] permission(s)."
        );
    }

    #[test]
    fn a_right_for_the_whole_cluster() {
        let (message, hint) = forbidden(
            r#"secrets is forbidden: User "joe" cannot list resource "secrets" in API group "" at the cluster scope"#,
        );
        assert_eq!(message, r#"user "joe" cannot list resource "secrets" in the whole cluster"#);
        assert_eq!(hint, r#"ask for a ClusterRole with verbs [get list] on secrets, bound to "joe""#);
    }

    #[test]
    fn the_right_to_act_as_another_user() {
        let (message, hint) = forbidden(
            r#"users "boss" is forbidden: User "joe" cannot impersonate resource "users" in API group "" at the cluster scope"#,
        );
        assert_eq!(message, r#"user "joe" cannot impersonate resource "users" "boss" in the whole cluster"#);
        assert_eq!(hint, r#"ask for a ClusterRole with verbs [impersonate] on users, bound to "joe""#);
    }

    #[test]
    fn the_right_to_act_as_another_user_in_the_words_of_kubernetes_1_36() {
        let (message, hint) = forbidden(
            r#"secrets is forbidden: User "joe" cannot impersonate-on:user-info:list resource "secrets" in API group "" in the namespace "web""#,
        );
        assert_eq!(message, r#"user "joe" cannot impersonate resource "users" in the whole cluster"#);
        assert_eq!(hint, r#"ask for a ClusterRole with verbs [impersonate] on users, bound to "joe""#);
    }

    #[test]
    fn a_path_that_is_no_resource() {
        let body = status(r#"forbidden: User "joe" cannot get path "/version""#);
        let error = refused(&Subject::Version, 403, &body);
        assert_eq!(error.to_string(), r#"user "joe" cannot get path "/version""#);
        let hint = error.hint().expect("a hint");
        assert_eq!(hint, r#"ask for a ClusterRole with verbs [get] on nonResourceURLs /version, bound to "joe""#);
    }

    #[test]
    fn one_object_of_another_api_group() {
        let object = ObjectRef {
            resource: Resource {
                group: "apps".into(),
                version: "v1".into(),
                plural: "deployments".into(),
                kind: "Deployment".into(),
            },
            namespace: Some("web".to_owned()),
            name: "front".to_owned(),
        };
        let message = r#"deployments.apps "front" is forbidden: User "joe" cannot get resource "deployments" in API group "apps" in the namespace "web""#;
        let error = refused(&Subject::Get(&object), 403, &status(message));
        assert_eq!(error.to_string(), r#"user "joe" cannot get resource "deployments" "front" in namespace "web""#);
        let hint = error.hint().expect("a hint");
        assert!(hint.contains("on deployments.apps"), "{hint}");
    }

    #[test]
    fn without_credentials_the_hint_is_about_credentials() {
        let (_, hint) = forbidden(
            r#"secrets is forbidden: User "system:anonymous" cannot list resource "secrets" in API group "" in the namespace "web""#,
        );
        assert_eq!(hint, "the server got no credentials; check the user of the kubeconfig's context");
    }

    #[test]
    fn a_refusal_in_other_words_is_told_by_the_request() {
        let (message, hint) = forbidden("blocked by policy no-secrets");
        assert_eq!(
            message,
            r#"the user cannot list resource "secrets" in namespace "web": blocked by policy no-secrets"#
        );
        assert_eq!(hint, r#"ask for a Role in namespace "web" with verbs [get list] on secrets"#);
    }

    #[test]
    fn what_the_server_says_is_bounded_and_harmless() {
        let evil = format!("User \"\u{1b}[2Jjoe\u{202e}\n{}\" cannot list resource \"secrets\"", "x".repeat(5000));
        let (message, hint) = forbidden(&evil);
        for text in [&message, &hint] {
            assert!(text.chars().all(|letter| !letter.is_control() && letter != '\u{202e}'), "{text}");
            assert!(text.len() < 1000, "{}", text.len());
        }
        let (message, _) = forbidden(&format!("no\r\n\u{9b}31m {}", "y ".repeat(5000)));
        assert!(message.chars().all(|letter| !letter.is_control()) && message.len() < 1000, "{message}");
    }

    #[test]
    fn broken_quotes_do_no_harm() {
        for message in ["User \"", "User \"a\" cannot ", "User \"a\" cannot list \"", "\" cannot list", ""] {
            let (message, _) = forbidden(message);
            assert!(message.contains("cannot"), "{message}");
        }
    }

    #[test]
    fn not_found_means_the_object_only_if_the_server_names_one() {
        let object = ObjectRef { resource: Resource::SECRETS, namespace: Some("web".to_owned()), name: "a".to_owned() };
        let named = r#"{"kind":"Status","reason":"NotFound","details":{"name":"a","kind":"secrets"}}"#;
        let error = refused(&Subject::Get(&object), 404, named);
        assert_eq!(error.to_string(), r#"secret "a" not found in namespace "web""#);
        let unnamed = r#"{"kind":"Status","reason":"NotFound","message":"the server could not find the requested resource","details":{}}"#;
        let error = refused(&Subject::Get(&object), 404, unnamed);
        assert!(matches!(error, ClusterError::NotServed { .. }), "{error:?}");
        let error = refused(&Subject::Get(&object), 404, "<html><title>404 Not Found</title></html>");
        assert_eq!(
            error.to_string(),
            "cannot get secret \"a\" in namespace \"web\": https://k.example does not answer as an API server does: \
            status 404 with the page \"404 Not Found\""
        );
    }

    #[test]
    fn expired_credentials_are_told_whose_they_are() {
        let error = refused(&Subject::List(&list()), 401, r#"{"kind":"Status","message":"Unauthorized"}"#);
        assert_eq!(
            error.to_string(),
            "cannot list secrets in namespace \"web\": https://k.example does not accept the credentials of \
            user \"joe\" of the kubeconfig"
        );
        assert_eq!(error.hint().as_deref(), Some("the credentials may have expired: log in to the cluster again"));
    }
}
