//! An object of a list that holds a revision, as it came in: its name and labels are read, nothing of its payload is decoded yet.

use std::borrow::Cow;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use base64::read::DecoderReader;
use bytes::Bytes;
use jiff::Timestamp;
use prost::Message as _;
use serde::Deserialize;

use super::record::revision_of;
use crate::cluster::{Object, Resource};
use crate::release::Release;
use crate::release::decode::{self, DecodeError};
use crate::release::head::Head;
use crate::release::history::Entry;
use crate::release::marks::{self, Marks};

/// An object that holds a revision.
pub(crate) struct Item<'a> {
    name: Cow<'a, str>,
    namespace: Cow<'a, str>,
    labels: Labels<'a>,
    created: Option<Timestamp>,
    resource_version: Cow<'a, str>,
    payload: Option<Payload<'a>>,
}

/// The labels that count here.
#[derive(Default, Deserialize)]
struct Labels<'a> {
    #[serde(borrow, default)]
    name: Cow<'a, str>,
    #[serde(borrow, default)]
    status: Cow<'a, str>,
    #[serde(borrow, default, rename = "safe-upgrade/proven")]
    proven: Option<Cow<'a, str>>,
    #[serde(borrow, default, rename = "safe-upgrade/bad")]
    bad: Option<Cow<'a, str>>,
    #[serde(borrow, default, rename = "safe-upgrade/canary")]
    step: Option<Cow<'a, str>>,
}

/// What Helm has written, and in JSON the data of a Secret encoded once more.
enum Payload<'a> {
    Json(Cow<'a, str>),
    Protobuf(Bytes),
}

impl<'a> Item<'a> {
    /// Reads an object.
    pub(crate) fn read(object: &Object<'a>) -> Option<Self> {
        match object {
            Object::Json(json) => json::read(json),
            Object::Protobuf(message) => protobuf::Record::decode(message.clone()).ok()?.item(),
        }
    }

    /// Of which release it is a revision, by namespace and name, and which; `None` if it is none.
    pub(crate) fn key(&self) -> Option<(&str, &str, u32)> {
        let release = &self.labels.name;
        Some((&self.namespace, release, revision_of(release, &self.name)?))
    }

    /// What its metadata say.
    pub(crate) fn entry(&self) -> Option<Entry> {
        let (_, _, revision) = self.key()?;
        let Labels { status, proven, bad, step, .. } = &self.labels;
        let mark = |name: &str| match name {
            marks::PROVEN => proven.as_deref(),
            marks::BAD => bad.as_deref(),
            _ => step.as_deref(),
        };
        Some(Entry {
            revision,
            status_hint: status.to_string(),
            marks: Marks::of(revision, mark),
            created: self.created,
            resource_version: self.resource_version.to_string(),
            writers: Vec::new(),
        })
    }

    /// The head of the revision. No more is decoded than that takes.
    pub(crate) fn head(&self, resource: &Resource) -> Result<Head, DecodeError> {
        match self.payload()? {
            Payload::Json(text) if *resource == Resource::SECRETS => {
                Head::decode_from(DecoderReader::new(text.trim_ascii().as_bytes(), &STANDARD))
            }
            Payload::Json(text) => Head::decode_from(text.trim_ascii().as_bytes()),
            Payload::Protobuf(bytes) => Head::decode_from(bytes.trim_ascii()),
        }
    }

    /// The whole revision.
    pub(crate) fn release(&self, resource: &Resource) -> Result<Release, DecodeError> {
        match self.payload()? {
            Payload::Json(text) if *resource == Resource::SECRETS => {
                decode::decode(&STANDARD.decode(text.as_bytes()).map_err(|_| DecodeError::Base64)?)
            }
            Payload::Json(text) => decode::decode(text.as_bytes()),
            Payload::Protobuf(bytes) => decode::decode(bytes),
        }
    }

    fn payload(&self) -> Result<&Payload<'a>, DecodeError> {
        self.payload.as_ref().ok_or(DecodeError::MissingKey)
    }
}

/// An object in JSON.
mod json {
    use super::{Cow, Deserialize, Item, Labels, Payload, Timestamp};

    #[derive(Deserialize)]
    struct Record<'a> {
        #[serde(borrow)]
        metadata: Metadata<'a>,
        #[serde(borrow, default)]
        data: Option<Data<'a>>,
    }

    #[derive(Deserialize)]
    #[serde(rename_all = "camelCase")]
    struct Metadata<'a> {
        #[serde(borrow)]
        name: Cow<'a, str>,
        #[serde(borrow, default)]
        namespace: Cow<'a, str>,
        #[serde(borrow, default)]
        labels: Option<Labels<'a>>,
        #[serde(default)]
        creation_timestamp: Option<Timestamp>,
        #[serde(borrow, default)]
        resource_version: Cow<'a, str>,
    }

    #[derive(Deserialize)]
    struct Data<'a> {
        #[serde(borrow, default)]
        release: Option<Cow<'a, str>>,
    }

    pub(super) fn read(json: &[u8]) -> Option<Item<'_>> {
        let Record { metadata, data } = serde_json::from_slice(json).ok()?;
        let Metadata { name, namespace, labels, creation_timestamp: created, resource_version } = metadata;
        let payload = data.and_then(|data| data.release).map(Payload::Json);
        Some(Item { name, namespace, labels: labels.unwrap_or_default(), created, resource_version, payload })
    }
}

/// An object in protobuf: as far as it counts here, Secrets, ConfigMaps and `PartialObjectMetadata` are written alike. The numbers
/// of the fields are those of Kubernetes' `generated.proto` of `core/v1` and `meta/v1`.
mod protobuf {
    use super::{Bytes, Cow, Item, Labels, Payload, Timestamp, marks};

    #[derive(Clone, PartialEq, prost::Message)]
    pub(super) struct Record {
        #[prost(message, optional, tag = "1")]
        pub(super) metadata: Option<Metadata>,
        #[prost(message, repeated, tag = "2")]
        pub(super) data: Vec<Data>,
    }

    #[derive(Clone, PartialEq, prost::Message)]
    pub(super) struct Metadata {
        #[prost(string, tag = "1")]
        pub(super) name: String,
        #[prost(string, tag = "3")]
        pub(super) namespace: String,
        #[prost(string, tag = "6")]
        pub(super) resource_version: String,
        #[prost(message, optional, tag = "8")]
        pub(super) creation_timestamp: Option<Time>,
        #[prost(message, repeated, tag = "11")]
        pub(super) labels: Vec<Label>,
    }

    #[derive(Clone, PartialEq, prost::Message)]
    pub(super) struct Time {
        #[prost(int64, tag = "1")]
        pub(super) seconds: i64,
    }

    #[derive(Clone, PartialEq, prost::Message)]
    pub(super) struct Label {
        #[prost(string, tag = "1")]
        pub(super) key: String,
        #[prost(string, tag = "2")]
        pub(super) value: String,
    }

    #[derive(Clone, PartialEq, prost::Message)]
    pub(super) struct Data {
        #[prost(string, tag = "1")]
        pub(super) key: String,
        #[prost(bytes = "bytes", tag = "2")]
        pub(super) value: Bytes,
    }

    impl Record {
        pub(super) fn item<'a>(self) -> Option<Item<'a>> {
            let metadata = self.metadata?;
            let mut labels = Labels::default();
            for Label { key, value } in metadata.labels {
                match key.as_str() {
                    "name" => labels.name = Cow::Owned(value),
                    "status" => labels.status = Cow::Owned(value),
                    marks::PROVEN => labels.proven = Some(Cow::Owned(value)),
                    marks::BAD => labels.bad = Some(Cow::Owned(value)),
                    marks::STEP => labels.step = Some(Cow::Owned(value)),
                    _ => {}
                }
            }
            let payload = self.data.into_iter().find(|data| data.key == "release");
            Some(Item {
                name: Cow::Owned(metadata.name),
                namespace: Cow::Owned(metadata.namespace),
                labels,
                created: metadata.creation_timestamp.and_then(|time| Timestamp::from_second(time.seconds).ok()),
                resource_version: Cow::Owned(metadata.resource_version),
                payload: payload.map(|data| Payload::Protobuf(data.value)),
            })
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const PAYLOAD: &str = "eyJpbmZvIjp7InN0YXR1cyI6ImZhaWxlZCJ9LCJjaGFydCI6bnVsbH0=";
    const LABELS: [(&str, &str); 5] =
        [("name", "web"), ("owner", "helm"), ("status", "deployed"), (marks::PROVEN, "7.1766668400"), ("x", "y")];

    fn in_json(name: &str, payload: &str) -> String {
        let labels: serde_json::Map<String, serde_json::Value> =
            LABELS.iter().map(|(key, value)| ((*key).to_owned(), (*value).into())).collect();
        serde_json::json!({"metadata": {"name": name, "namespace": "shop", "resourceVersion": "5", "labels": labels,
            "creationTimestamp": "2026-11-21T13:00:00Z", "managedFields": [{"manager": "helm"}]},
            "data": {"release": payload}})
        .to_string()
    }

    fn in_protobuf(name: &str) -> Bytes {
        let labels = LABELS.map(|(key, value)| protobuf::Label { key: key.to_owned(), value: value.to_owned() });
        let metadata = protobuf::Metadata {
            name: name.to_owned(),
            namespace: "shop".to_owned(),
            resource_version: "5".to_owned(),
            creation_timestamp: Some(protobuf::Time { seconds: 1_795_266_000 }),
            labels: labels.to_vec(),
        };
        let data = [("other", "x"), ("release", PAYLOAD)]
            .map(|(key, value)| protobuf::Data { key: key.to_owned(), value: Bytes::from(value.to_owned()) });
        protobuf::Record { metadata: Some(metadata), data: data.to_vec() }.encode_to_vec().into()
    }

    #[test]
    fn it_says_of_which_revision_it_is_in_either_form() {
        let name = "sh.helm.release.v1.web.v7";
        let (json, message) = (in_json(name, PAYLOAD), in_protobuf(name));
        let (json, message) =
            (Item::read(&Object::Json(json.as_bytes())).unwrap(), Item::read(&Object::Protobuf(message)).unwrap());
        assert_eq!(json.entry(), message.entry());
        for item in [&json, &message] {
            assert_eq!(item.key(), Some(("shop", "web", 7)));
            let entry = item.entry().unwrap();
            assert_eq!((entry.status_hint.as_str(), entry.resource_version.as_str()), ("deployed", "5"));
            assert!(entry.marks.is_proven());
            assert_eq!(entry.created, Some("2026-11-21T13:00:00Z".parse().unwrap()));
            assert_eq!(item.head(&Resource::CONFIG_MAPS).unwrap().status, "failed");
        }
        assert_eq!(message.head(&Resource::SECRETS).unwrap().status, "failed");
        assert_eq!(json.head(&Resource::SECRETS).unwrap_err(), DecodeError::Base64);
        let once_more = in_json(name, &STANDARD.encode(PAYLOAD));
        let json = Item::read(&Object::Json(once_more.as_bytes())).unwrap();
        assert_eq!(json.head(&Resource::SECRETS).unwrap().status, "failed");
    }

    #[test]
    fn what_is_no_record_has_no_key() {
        for json in [r#"{"metadata":{"name":"x"}}"#.to_owned(), in_json("sh.helm.release.v1.other.v7", "")] {
            assert_eq!(Item::read(&Object::Json(json.as_bytes())).unwrap().key(), None, "{json}");
        }
        assert_eq!(Item::read(&Object::Protobuf(in_protobuf("x"))).unwrap().key(), None);
        for object in
            [Object::Protobuf(Bytes::new()), Object::Protobuf(Bytes::from_static(b"\x0a\xff")), Object::Json(b"7")]
        {
            assert!(Item::read(&object).is_none(), "{object:?}");
        }
    }
}
