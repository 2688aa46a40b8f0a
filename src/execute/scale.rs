//! Setting the number of pods of a workload outside of Helm, and leaving no trace of it that Helm would stumble over.
//!
//! Source: Kubernetes documentation, "Server-Side Apply" (conflicts): whoever sets a field owns it, and an apply of another one that
//! sets it otherwise is refused. So what we set is given away at once.

use serde_json::{Value, json};

use super::patience::{AWAY, patiently};
use crate::cluster::{Cluster, ClusterError, ObjectRef, Resource};
use crate::error::{Error, Kind};

/// So often a write is tried that others get in the way of.
const MOST_ATTEMPTS: u32 = 6;

/// What became of it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Scaled {
    /// It has as many pods already.
    Same,
    /// It was set.
    Set,
}

/// Sets how many pods a workload has. A server that is away for a while is waited for.
///
/// # Errors
/// If it can't be read or written.
pub async fn scale<C: Cluster>(
    cluster: &C,
    namespace: &str,
    named: (&str, &str),
    replicas: u32,
) -> Result<Scaled, Error> {
    let at = place(namespace, named);
    patiently(AWAY, || scale_now(cluster, &at, replicas)).await
}

async fn scale_now<C: Cluster>(cluster: &C, at: &ObjectRef, replicas: u32) -> Result<Scaled, Error> {
    let failed = |error: ClusterError| Error::from(error).while_doing(&format!("cannot scale {at} to {replicas} pods"));
    let mut scaled = Scaled::Same;
    for _ in 0..MOST_ATTEMPTS {
        let body = cluster.get(at).await.map_err(failed)?;
        let Some(changed) = changed(&body, replicas) else { return Ok(scaled) };
        match cluster.update(at, &changed).await {
            // Once more: what that has made us own is given away.
            Ok(_) => scaled = Scaled::Set,
            Err(ClusterError::Conflict { .. }) => {}
            Err(error) => return Err(failed(error)),
        }
    }
    match scaled {
        Scaled::Set => Ok(scaled),
        Scaled::Same => Err(Error::new(Kind::Locked, format!("cannot scale {at}: somebody else keeps changing it"))),
    }
}

/// How many pods a workload is to have as it runs, whatever a manifest says. A server that is away for a while is waited for.
///
/// # Errors
/// If it can't be read.
pub async fn replicas<C: Cluster>(cluster: &C, namespace: &str, named: (&str, &str)) -> Result<u32, Error> {
    let at = place(namespace, named);
    let failed = |error: Error| error.while_doing(&format!("cannot see how many pods {at} has"));
    let body = patiently(AWAY, || async { cluster.get(&at).await.map_err(Error::from) }).await.map_err(failed)?;
    count(&body).ok_or_else(|| failed(Error::new(Kind::Damaged, "it is no workload")))
}

/// A workload without a number has one pod.
fn count(body: &[u8]) -> Option<u32> {
    let object: Value = serde_json::from_slice(body).ok()?;
    let said = object.get("spec")?.get("replicas").and_then(Value::as_u64).unwrap_or(1);
    u32::try_from(said).ok()
}

fn place(namespace: &str, (kind, name): (&str, &str)) -> ObjectRef {
    let plural = format!("{}s", kind.to_lowercase());
    let resource =
        Resource { group: "apps".into(), version: "v1".into(), plural: plural.into(), kind: kind.to_owned().into() };
    ObjectRef { resource, namespace: Some(namespace.to_owned()), name: name.to_owned() }
}

/// The object with so many pods, and owned by nobody for that; `None` where it is so already.
fn changed(body: &[u8], replicas: u32) -> Option<Vec<u8>> {
    let mut object: Value = serde_json::from_slice(body).ok()?;
    let is = object.pointer("/spec/replicas").and_then(Value::as_u64).unwrap_or(1);
    if is != u64::from(replicas) {
        object.get_mut("spec")?["replicas"] = replicas.into();
        return Some(object.to_string().into_bytes());
    }
    let fields = object.pointer_mut("/metadata/managedFields")?.as_array_mut()?;
    let before = fields.len();
    let alone = json!({"f:spec": {"f:replicas": {}}});
    fields.retain(|entry| entry["operation"] != "Update" || entry["fieldsV1"] != alone);
    (fields.len() < before && !fields.is_empty()).then(|| object.to_string().into_bytes())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_set_is_given_away() {
        let owned = |fields: Value| json!({"manager": "us", "operation": "Update", "fieldsV1": fields});
        let alone = owned(json!({"f:spec": {"f:replicas": {}}}));
        let more = owned(json!({"f:spec": {"f:replicas": {}, "f:paused": {}}}));
        let object = |replicas: u32, fields: &[&Value]| {
            json!({"metadata": {"managedFields": fields}, "spec": {"replicas": replicas}}).to_string().into_bytes()
        };
        let read = |bytes: Option<Vec<u8>>| bytes.map(|bytes| serde_json::from_slice::<Value>(&bytes).unwrap());
        assert_eq!(read(changed(&object(3, &[&more]), 2)).unwrap()["spec"]["replicas"], 2);
        let given = read(changed(&object(2, &[&more, &alone]), 2)).unwrap();
        assert_eq!(given["metadata"]["managedFields"].as_array().unwrap().len(), 1);
        assert_eq!(read(changed(&object(2, &[&more]), 2)), None, "what others own besides is theirs");
        assert_eq!(read(changed(b"[]", 2)), None);
    }

    #[test]
    fn pods_are_counted_as_the_cluster_has_them() {
        for (object, expected) in [
            (json!({"spec": {"replicas": 4}, "status": {"replicas": 2}}), Some(4)),
            (json!({"spec": {"replicas": 0}}), Some(0)),
            (json!({"spec": {}}), Some(1)),
            (json!({"spec": {"replicas": 1_u64 << 40}}), None),
            (json!([]), None),
        ] {
            assert_eq!(count(object.to_string().as_bytes()), expected, "{object}");
        }
    }
}
