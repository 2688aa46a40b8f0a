//! A ConfigMap that keeps one text. Each write names the version that it replaces.

use serde_json::{Value, json};

use crate::cluster::{ObjectRef, Resource};

/// A ConfigMap does not hold more than this, in bytes.
pub(super) const MAX_BYTES: usize = 1024 * 1024;

/// Where it is.
pub(super) fn reference(namespace: &str, name: &str) -> ObjectRef {
    ObjectRef { resource: Resource::CONFIG_MAPS, namespace: Some(namespace.to_owned()), name: name.to_owned() }
}

/// The ConfigMap as it is written, with a label; `version` is empty for one that is new.
pub(super) fn object(
    at: &ObjectRef,
    (label, value): (&str, &str),
    (key, bytes): (&str, &[u8]),
    version: &str,
) -> Vec<u8> {
    let labels = json!({"app.kubernetes.io/managed-by": "helm-safe-upgrade", label: value});
    let mut metadata = json!({"name": at.name, "namespace": at.namespace, "labels": labels});
    if !version.is_empty() {
        metadata["resourceVersion"] = version.into();
    }
    let data = json!({key: String::from_utf8_lossy(bytes)});
    json!({"apiVersion": "v1", "kind": "ConfigMap", "metadata": metadata, "data": data}).to_string().into_bytes()
}

/// What a ConfigMap keeps, and its version.
pub(super) fn content(body: &[u8], key: &str) -> Option<(Vec<u8>, String)> {
    let object: Value = serde_json::from_slice(body).ok()?;
    let text = object.get("data")?.get(key)?.as_str()?.as_bytes().to_vec();
    let version = object.get("metadata")?.get("resourceVersion")?.as_str()?.to_owned();
    Some((text, version))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_config_map_is_read_as_it_was_written() {
        let at = reference("ops", "web");
        let mut body: Value = serde_json::from_slice(&object(&at, ("a/b", "web"), ("k", b"{}"), "7")).unwrap();
        assert_eq!(body["metadata"]["labels"]["a/b"], "web");
        assert_eq!(content(body.to_string().as_bytes(), "k"), Some((b"{}".to_vec(), "7".to_owned())));
        assert_eq!(content(body.to_string().as_bytes(), "other"), None);
        body["data"] = json!({});
        assert_eq!(content(body.to_string().as_bytes(), "k"), None);
        assert_eq!(content(b"[1]", "k"), None);
    }
}
