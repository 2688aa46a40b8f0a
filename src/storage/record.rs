//! The objects in which Helm keeps revisions: their names and labels, and the way to their payload.

use std::borrow::Cow;
use std::collections::BTreeSet;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use k8s_openapi::apimachinery::pkg::apis::meta::v1::ObjectMeta;
use serde::Deserialize;

use crate::cluster::{ObjectRef, Resource};
use crate::error::{Error, Kind};
use crate::release::decode::{self, DecodeError};
use crate::release::head::Head;
use crate::release::history::Entry;
use crate::release::marks::Marks;
use crate::release::{Release, content};

/// So many names are listed in a hint.
const MOST_NAMES: usize = 8;

/// The name of the object that holds a revision.
pub(crate) fn object_name(name: &str, revision: u32) -> String {
    format!("sh.helm.release.v1.{name}.v{revision}")
}

/// The revision that an object holds, as its name says; none if it is no record of this release.
pub(crate) fn entry(release: &str, meta: &ObjectMeta) -> Option<Entry> {
    let revision = revision_of(release, meta.name.as_deref()?)?;
    let label = |name: &str| meta.labels.as_ref()?.get(name).map(String::as_str);
    Some(Entry {
        revision,
        status_hint: label("status").unwrap_or_default().to_owned(),
        marks: Marks::of(revision, label),
        created: meta.creation_timestamp.as_ref().map(|time| time.0),
        resource_version: meta.resource_version.clone().unwrap_or_default(),
        writers: meta.managed_fields.iter().flatten().filter_map(|entry| entry.manager.clone()).collect(),
    })
}

/// The revision that the object of this name holds of a release.
pub(super) fn revision_of(release: &str, object: &str) -> Option<u32> {
    object.strip_prefix("sh.helm.release.v1.")?.strip_prefix(release)?.strip_prefix(".v")?.parse().ok()
}

/// The names of the releases that the objects belong to, sorted.
pub(super) fn release_names(found: &[ObjectMeta]) -> Vec<String> {
    let labelled = found.iter().filter_map(|meta| meta.labels.as_ref()?.get("name").cloned());
    labelled.collect::<BTreeSet<String>>().into_iter().collect()
}

/// Names for a hint, those that look like the wanted one first.
pub(super) fn closest(wanted: &str, mut names: Vec<String>) -> String {
    let shared = |name: &str| name.chars().zip(wanted.chars()).take_while(|(a, b)| a == b).count();
    names
        .sort_by_key(|name| std::cmp::Reverse((name.contains(wanted) || wanted.contains(name.as_str()), shared(name))));
    let rest = names.len().saturating_sub(MOST_NAMES);
    names.truncate(MOST_NAMES);
    let more = if rest > 0 { format!(" and {rest} more") } else { String::new() };
    format!("{}{more}", names.join(", "))
}

#[derive(Deserialize)]
struct Object<'a> {
    #[serde(borrow, default)]
    data: Option<Payload<'a>>,
}

#[derive(Deserialize)]
struct Payload<'a> {
    #[serde(borrow, default)]
    release: Option<Cow<'a, str>>,
}

/// The payload of an object, below the API's own base64.
fn payload(body: &[u8], resource: &Resource) -> Result<Vec<u8>, DecodeError> {
    let not_json = |error: serde_json::Error| DecodeError::Json {
        what: "no object of the Kubernetes API",
        line: error.line(),
        column: error.column(),
    };
    let object: Object<'_> = serde_json::from_slice(body).map_err(not_json)?;
    let payload = object.data.and_then(|data| data.release).ok_or(DecodeError::MissingKey)?;
    if *resource == Resource::SECRETS {
        // The API encodes the data of Secrets once more.
        return STANDARD.decode(payload.as_bytes()).map_err(|_| DecodeError::Base64);
    }
    Ok(payload.into_owned().into_bytes())
}

/// Decodes the head of the revision that an object holds.
pub(crate) fn head(body: &[u8], resource: &Resource) -> Result<Head, DecodeError> {
    Head::decode(&payload(body, resource)?)
}

/// The digest of the chart of the revision that an object holds.
pub(super) fn chart_content(body: &[u8], resource: &Resource) -> Result<Option<String>, DecodeError> {
    content::of_payload(&payload(body, resource)?)
}

/// Decodes the revision that an object holds.
pub(super) fn decode(body: &[u8], resource: &Resource, name: &str, revision: u32) -> Result<Release, DecodeError> {
    let release = decode::decode(&payload(body, resource)?)?;
    if release.name != name || release.revision != revision {
        return Err(DecodeError::OtherRelease);
    }
    Ok(release)
}

/// The error for a record that can't be decoded.
pub(crate) fn damaged(error: &DecodeError, at: &ObjectRef) -> Error {
    let (kind, name) = (&at.resource.kind, &at.name);
    let namespace = at.namespace.as_deref().unwrap_or_default();
    let message = format!("{kind} \"{name}\" in namespace \"{namespace}\" is no usable record: {error}");
    let lower = kind.to_lowercase();
    Error::new(Kind::Damaged, message).hint(format!(
        "restore that {kind} from a backup, or save it and delete it: kubectl -n {namespace} delete {lower} {name}"
    ))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn meta(name: &str) -> ObjectMeta {
        ObjectMeta { name: Some(name.to_owned()), ..ObjectMeta::default() }
    }

    #[test]
    fn the_revision_is_read_from_the_name() {
        assert_eq!(entry("web", &meta("sh.helm.release.v1.web.v12")).unwrap().revision, 12);
        assert!(entry("web", &meta("sh.helm.release.v1.web.v2.v3")).is_none());
        assert!(entry("web", &meta("sh.helm.release.v1.web2.v1")).is_none());
    }

    #[test]
    fn the_closest_names_come_first() {
        let names = ["alpha", "web2", "zeta"].map(str::to_owned).to_vec();
        assert_eq!(closest("web", names), "web2, alpha, zeta");
    }
}
