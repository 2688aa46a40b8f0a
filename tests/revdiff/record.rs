//! The object in which Helm keeps a revision, read and written behind Helm's back.

use std::io::{Read as _, Write as _};

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use flate2::Compression;
use flate2::read::GzDecoder;
use flate2::write::GzEncoder;
use k8s_openapi::api::core::v1::{ConfigMap, Secret};
use serde_json::{Value, json};

use crate::cluster;
use crate::user::User;

/// The Secret of one revision.
pub(crate) struct Record<'a> {
    namespace: &'a str,
    pub(crate) name: String,
}

impl<'a> Record<'a> {
    pub(crate) fn of(user: &'a User, release: &str, revision: u32) -> Self {
        Self { namespace: &user.namespace, name: format!("sh.helm.release.v1.{release}.v{revision}") }
    }

    /// Whether Helm has written it.
    pub(crate) fn exists(&self) -> bool {
        cluster::find::<Secret>(self.namespace, &self.name).is_some()
    }

    /// Whether Helm is at work on it.
    pub(crate) fn is_pending(&self) -> bool {
        let labels = cluster::find::<Secret>(self.namespace, &self.name).and_then(|secret| secret.metadata.labels);
        labels.is_some_and(|labels| labels.get("status").is_some_and(|status| status.starts_with("pending-")))
    }

    /// The whole release as JSON.
    pub(crate) fn read(&self) -> Value {
        let secret: Secret = cluster::find(self.namespace, &self.name).expect("the revision is stored");
        let payload = STANDARD.decode(&secret.data.unwrap()["release"].0).unwrap();
        let mut json = Vec::new();
        GzDecoder::new(payload.as_slice()).read_to_end(&mut json).unwrap();
        serde_json::from_slice(&json).unwrap()
    }

    /// Replaces the release.
    pub(crate) fn write(&self, release: &Value) {
        self.put(&encoded(release.to_string().as_bytes()));
    }

    /// Changes the release.
    pub(crate) fn edit(&self, change: impl FnOnce(&mut Value)) {
        let mut release = self.read();
        change(&mut release);
        self.write(&release);
    }

    /// Replaces the payload, as it stands below the API's own base64.
    pub(crate) fn put(&self, payload: &[u8]) {
        cluster::merge::<Secret>(self.namespace, &self.name, json!({"data": {"release": STANDARD.encode(payload)}}));
    }

    /// Takes the payload away.
    pub(crate) fn empty(&self) {
        cluster::merge::<Secret>(self.namespace, &self.name, json!({"data": {"release": null}}));
    }

    /// Sets a label, and leaves the release alone.
    pub(crate) fn label(&self, key: &str, value: &str) {
        cluster::merge::<Secret>(self.namespace, &self.name, json!({"metadata": {"labels": {key: value}}}));
    }
}

/// Replaces the payload of a revision that is kept in a ConfigMap.
pub(crate) fn put_config_map(user: &User, release: &str, revision: u32, payload: &str) {
    let name = format!("sh.helm.release.v1.{release}.v{revision}");
    cluster::merge::<ConfigMap>(&user.namespace, &name, json!({"data": {"release": payload}}));
}

/// Packs as Helm does: gzip, then base64.
pub(crate) fn encoded(content: &[u8]) -> Vec<u8> {
    STANDARD.encode(gzip(content)).into_bytes()
}

pub(crate) fn gzip(content: &[u8]) -> Vec<u8> {
    let mut encoder = GzEncoder::new(Vec::new(), Compression::fast());
    encoder.write_all(content).unwrap();
    encoder.finish().unwrap()
}
