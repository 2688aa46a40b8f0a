//! What the server says of an object in a dry run: whether it takes it, why not, and what it warns of.

use http::header::WARNING;
use http::{HeaderMap, Method, StatusCode};

use super::ObjectRef;
use super::error::{ClusterError, clean};
use super::kube::{JSON, KubeCluster, collection, path_of};
use super::request::{Request, Sent, Subject};
use super::status::{RawCause, Status};
use crate::manifest::live::Configuration;
use crate::manifest::refusal::{Cause, Refusal};

/// More than this of what a server says is not taken over: characters of a message, causes, and warnings.
const LONGEST_MESSAGE: usize = 1_000;
const LONGEST_NAME: usize = 300;
const MOST_CAUSES: usize = 100;
const MOST_WARNINGS: usize = 50;

/// How an object is sent in a dry run.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Sending {
    /// As a new object.
    Create,
    /// In place of the one that is there, whose version the object names.
    Replace,
    /// Applied at the server, as the field manager `helm`, with unknown fields refused, as Helm 4 does it.
    Apply {
        /// Whether fields are taken from other managers.
        force: bool,
    },
    /// As a patch that merges lists by their keys, which only the server's own kinds take.
    StrategicPatch,
    /// As a JSON merge patch.
    MergePatch,
}

/// What came of a dry run.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Tried {
    /// Why the server does not take the object; `None` where it takes it.
    pub refusal: Option<Refusal>,
    /// What it warns of. None of a Secret, whose content a warning may repeat.
    pub warnings: Vec<String>,
}

/// An answer as it came.
pub(super) struct Answered {
    pub(super) status: StatusCode,
    pub(super) warnings: Vec<String>,
    pub(super) body: Vec<u8>,
}

impl KubeCluster {
    pub(super) async fn send_dry_run(
        &self,
        object: &ObjectRef,
        (sending, configuration): (Sending, &Configuration),
    ) -> Result<Tried, ClusterError> {
        let place = path_of(object)?;
        let (subject, path, method, content_type) = match sending {
            Sending::Create => {
                let all = collection(&object.resource, object.namespace.as_deref());
                (Subject::Create(object), format!("{all}?{QUERY}"), Method::POST, JSON)
            }
            Sending::Replace => (Subject::Update(object), format!("{place}?{QUERY}"), Method::PUT, JSON),
            Sending::Apply { force } => {
                let path = format!("{place}?{QUERY}&fieldValidation=Strict&force={force}");
                (Subject::Apply(object), path, Method::PATCH, "application/apply-patch+yaml")
            }
            Sending::StrategicPatch => {
                let kind = "application/strategic-merge-patch+json";
                (Subject::Apply(object), format!("{place}?{QUERY}"), Method::PATCH, kind)
            }
            Sending::MergePatch => {
                let kind = "application/merge-patch+json";
                (Subject::Apply(object), format!("{place}?{QUERY}"), Method::PATCH, kind)
            }
        };
        let body = Some(Sent { method, content_type, content: configuration.json() });
        let answer = self.sender.send_for_status(&Request { subject, path, accept: JSON, body }).await?;
        let secret = object.resource.kind == "Secret";
        Ok(Tried {
            refusal: (!answer.status.is_success()).then(|| refusal(answer.status, &answer.body, secret)),
            warnings: if secret { Vec::new() } else { answer.warnings },
        })
    }
}

/// In every dry run: nothing is stored, and the field manager is Helm's.
const QUERY: &str = "dryRun=All&fieldManager=helm";

/// What an apply says of fields that are not in the schema, or of another type, without naming it as causes: a line each, as in
/// `.spec.replica: field not declared in schema` (`structured-merge-diff`, `typed/validate.go`).
fn untyped(message: &str) -> Vec<RawCause> {
    let Some((_, lines)) = message.strip_prefix(UNTYPED).and_then(|rest| rest.split_once("): ")) else {
        return Vec::new();
    };
    let causes = lines.lines().filter_map(|line| line.trim().strip_prefix('.')?.split_once(": "));
    let cause = |(field, message): (&str, &str)| RawCause {
        reason: "FieldValueInvalid".to_owned(),
        field: field.to_owned(),
        message: message.to_owned(),
    };
    causes.map(cause).collect()
}

const UNTYPED: &str = "failed to create typed patch object (";

/// Causes whose message is of the server's own words alone.
const CONTENTLESS: [&str; 2] = ["FieldManagerConflict", "NamespaceTerminating"];

/// Whether the message says nothing of the object's content: who may not do it (`ForbiddenMessage` in k8s.io/apiserver), or that
/// a quota is used up.
fn is_without_content(message: &str) -> bool {
    let of_rights = message.contains("User \"") && message.contains("\" cannot ");
    of_rights
        || message.contains(" is forbidden: exceeded quota: ")
        || message.contains("because it is being terminated")
}

/// Reads a refusal. What the server says of a Secret may repeat its content.
fn refusal(code: StatusCode, body: &[u8], secret: bool) -> Refusal {
    let status: Status = serde_json::from_slice(body).unwrap_or_default();
    let name = |name: &str| clean(name, LONGEST_NAME);
    let details = status.details.unwrap_or_default();
    let about_namespace = details.kind == "namespaces";
    let text = |text: &str, told: bool| match secret {
        true if text.contains("immutable") => "field is immutable".to_owned(),
        true if !told => String::new(),
        _ => clean(text, LONGEST_MESSAGE),
    };
    let causes = details.causes.unwrap_or_else(|| untyped(&status.message));
    let causes = causes.into_iter().take(MOST_CAUSES);
    let causes = causes.map(|cause| Cause {
        message: text(&cause.message, CONTENTLESS.contains(&cause.reason.as_str())),
        reason: name(&cause.reason),
        field: name(&cause.field),
    });
    let causes = causes.collect();
    Refusal {
        code: code.as_u16(),
        reason: name(&status.reason),
        message: text(&status.message, about_namespace || is_without_content(&status.message)),
        kind: name(&details.kind),
        name: name(&details.name),
        causes,
    }
}

/// Reads the headers `Warning`: code, agent, the quoted text and perhaps a date (RFC 9111, section 5.5), as
/// `ParseWarningHeaders` of k8s.io/apimachinery does. What has another form is passed over.
pub(super) fn warnings(headers: &HeaderMap) -> Vec<String> {
    let mut found: Vec<String> = Vec::new();
    for header in headers.get_all(WARNING) {
        let text = String::from_utf8_lossy(header.as_bytes());
        let mut rest: &str = &text;
        while let Some((warning, behind)) = first_warning(rest) {
            let warning = clean(&warning, LONGEST_MESSAGE);
            if found.len() < MOST_WARNINGS && !warning.is_empty() && !found.contains(&warning) {
                found.push(warning);
            }
            rest = behind;
        }
    }
    found
}

/// The text of the first warning, and what comes after it.
fn first_warning(text: &str) -> Option<(String, &str)> {
    let text = text.trim_start_matches([',', ' ']);
    let (_, behind) = text.split_once(' ')?.1.split_once(" \"")?;
    let mut warning = String::new();
    let mut letters = behind.char_indices();
    while let Some((at, letter)) = letters.next() {
        match letter {
            '"' => {
                let rest = &behind[at + 1..];
                // A date may follow, in quotes as well.
                let date = rest.trim_start().strip_prefix('"').and_then(|date| date.split_once('"'));
                return Some((warning, date.map_or(rest, |(_, rest)| rest)));
            }
            '\\' => warning.extend(letters.next().map(|(_, letter)| letter)),
            letter => warning.push(letter),
        }
    }
    None
}

#[cfg(test)]
mod tests {
    use super::*;
    use http::HeaderValue;

    fn read(headers: &[&'static str]) -> Vec<String> {
        let mut map = HeaderMap::new();
        for header in headers {
            map.append(WARNING, HeaderValue::from_static(header));
        }
        warnings(&map)
    }

    #[test]
    fn warnings_are_read_out_of_their_headers() {
        assert_eq!(
            read(&[r#"299 - "a is deprecated""#, r#"299 - "unknown field \"spec.x\"""#]),
            ["a is deprecated", "unknown field \"spec.x\""]
        );
        let two = r#"299 - "one, two" "Wed, 21 Oct 2026 07:28:00 GMT", 299 - "three""#;
        assert_eq!(read(&[two]), ["one, two", "three"]);
        assert_eq!(read(&[r#"299 - "twice""#, r#"299 - "twice""#]), ["twice"]);
        for odd in ["", "299", "299 -", "299 - \"", "299 - \"open", "299 - open", ",,,", "299 - \"\\"] {
            let mut map = HeaderMap::new();
            map.append(WARNING, HeaderValue::from_str(odd).unwrap());
            assert_eq!(warnings(&map), [""; 0], "{odd}");
        }
    }

    #[test]
    fn a_refusal_names_its_fields_and_nothing_of_a_secret() {
        let body = r#"{"kind":"Status","status":"Failure","message":"Deployment.apps \"web\" is invalid: hunter22",
            "reason":"Invalid","details":{"name":"web","kind":"Deployment","causes":[
            {"reason":"FieldValueInvalid","message":"Invalid value: hunter22: field is immutable","field":"spec.selector"}]},"code":422}"#;
        let open = refusal(StatusCode::UNPROCESSABLE_ENTITY, body.as_bytes(), false);
        assert_eq!((open.code, &*open.reason, &*open.kind, &*open.name), (422, "Invalid", "Deployment", "web"));
        assert_eq!(open.causes[0].to_string(), "spec.selector: Invalid value: hunter22: field is immutable");
        let hidden = refusal(StatusCode::UNPROCESSABLE_ENTITY, body.as_bytes(), true);
        assert!(!format!("{hidden:?}").contains("hunter22"), "{hidden:?}");
        assert_eq!(hidden.causes[0].field, "spec.selector");
    }

    #[test]
    fn an_apply_that_fits_no_schema_names_its_fields() {
        let message = "failed to create typed patch object (shop/web; apps/v1, Kind=Deployment): errors:\n  .spec.replicas: expected \
            numeric (int or float), got string\n  .spec.template.spec.containers[name=\"m\"].foo: field not declared in schema";
        let body = serde_json::json!({"kind": "Status", "message": message}).to_string();
        let read = refusal(StatusCode::INTERNAL_SERVER_ERROR, body.as_bytes(), false);
        let causes: Vec<String> = read.causes.iter().map(ToString::to_string).collect();
        assert_eq!(
            causes,
            [
                "spec.replicas: expected numeric (int or float), got string",
                "spec.template.spec.containers[name=\"m\"].foo: field not declared in schema"
            ]
        );
        let one = message.replace("errors:\n  ", "");
        let body = serde_json::json!({"kind": "Status", "message": one}).to_string();
        assert_eq!(refusal(StatusCode::INTERNAL_SERVER_ERROR, body.as_bytes(), true).causes[0].field, "spec.replicas");
    }

    #[test]
    fn an_answer_of_another_form_is_a_refusal_without_words() {
        for odd in ["", "[]", "null", r#"{"details":null}"#, r#"{"details":{"causes":null}}"#] {
            let read = refusal(StatusCode::BAD_REQUEST, odd.as_bytes(), false);
            assert_eq!((read.code, &*read.message), (400, ""), "{odd}");
        }
    }

    #[test]
    fn who_may_not_do_it_is_told_from_what_is_denied() {
        let body = |message: &str| serde_json::json!({"kind": "Status", "message": message}).to_string();
        let rights = body("secrets \"a\" is forbidden: User \"joe\" cannot patch resource \"secrets\"");
        assert!(refusal(StatusCode::FORBIDDEN, rights.as_bytes(), true).is_of_rights());
        let quota = body("pods \"a\" is forbidden: exceeded quota: few");
        assert!(!refusal(StatusCode::FORBIDDEN, quota.as_bytes(), false).is_of_rights());
    }
}
