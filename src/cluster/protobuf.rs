//! An answer of the API server in protobuf: four bytes, and a `runtime.Unknown` that holds the object. Whoever asks for protobuf is
//! also refused in it.
//!
//! The numbers of the fields are those of Kubernetes' `generated.proto` of `runtime` and `meta/v1`. See
//! <https://kubernetes.io/docs/reference/using-api/api-concepts/#protobuf-encoding>.

use prost::Message;

use super::status::{self, RawCause};

/// What every answer in protobuf begins with.
pub(super) const MAGIC: [u8; 4] = *b"k8s\0";

#[derive(Clone, PartialEq, Message)]
struct Unknown {
    #[prost(message, optional, tag = "1")]
    type_meta: Option<TypeMeta>,
    #[prost(bytes = "vec", tag = "2")]
    raw: Vec<u8>,
}

#[derive(Clone, PartialEq, Message)]
struct TypeMeta {
    #[prost(string, tag = "2")]
    kind: String,
}

#[derive(Clone, PartialEq, Message)]
struct Status {
    #[prost(string, tag = "3")]
    message: String,
    #[prost(string, tag = "4")]
    reason: String,
    #[prost(message, optional, tag = "5")]
    details: Option<Details>,
}

#[derive(Clone, PartialEq, Message)]
struct Details {
    #[prost(string, tag = "1")]
    name: String,
    #[prost(string, tag = "3")]
    kind: String,
    #[prost(message, repeated, tag = "4")]
    causes: Vec<Cause>,
}

#[derive(Clone, PartialEq, Message)]
struct Cause {
    #[prost(string, tag = "1")]
    reason: String,
    #[prost(string, tag = "2")]
    message: String,
    #[prost(string, tag = "3")]
    field: String,
}

/// The `Status` that an answer is, if it is one.
pub(super) fn status(answer: &[u8]) -> Option<status::Status> {
    let unknown = Unknown::decode(answer.strip_prefix(&MAGIC)?).ok()?;
    let kind = unknown.type_meta?.kind;
    let Status { message, reason, details } = Status::decode(unknown.raw.as_slice()).ok()?;
    let details = details.map(|Details { name, kind, causes }| {
        let causes = causes.into_iter().map(|Cause { reason, message, field }| RawCause { reason, field, message });
        status::Details { name, kind, causes: Some(causes.collect()) }
    });
    Some(status::Status { kind, message, reason, details })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_refusal_is_read() {
        let cause =
            Cause { reason: "FieldValueInvalid".to_owned(), message: "no".to_owned(), field: "spec".to_owned() };
        let details = Details { name: "web".to_owned(), kind: "pods".to_owned(), causes: vec![cause] };
        let sent = Status { message: "gone".to_owned(), reason: "Expired".to_owned(), details: Some(details) };
        let type_meta = Some(TypeMeta { kind: "Status".to_owned() });
        let unknown = Unknown { type_meta, raw: sent.encode_to_vec() };
        let read = status(&[MAGIC.to_vec(), unknown.encode_to_vec()].concat()).unwrap();
        assert_eq!((read.kind.as_str(), read.message.as_str(), read.reason.as_str()), ("Status", "gone", "Expired"));
        let details = read.details.unwrap();
        assert_eq!((details.name.as_str(), details.kind.as_str()), ("web", "pods"));
        assert_eq!(details.causes.unwrap()[0].field, "spec");
        for other in [b"".as_slice(), b"{}", b"k8s\0", b"k8s\0\x0a\xff"] {
            assert!(status(other).is_none(), "{other:?}");
        }
    }
}
