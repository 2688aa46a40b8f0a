//! What a lease says, and what follows from it: the pure half of `lease`.

use std::time::Duration;

use jiff::{SignedDuration, Timestamp};
use serde_json::{Map, Value, json};

use crate::cluster::{ObjectRef, Resource};
use crate::record::process::Holder;

/// How long a lease counts after its last renewal, in seconds.
pub(super) const LEASE_SECONDS: i64 = 15;

/// How long a holder must be silent before our eyes, besides being late by our clock: longer than it takes two renewals.
const LOOK: Duration = Duration::from_secs(11);

/// The same where the holder's clock is ahead of ours, and says nothing.
const LONG_LOOK: Duration = Duration::from_secs(LEASE_SECONDS as u64 + 1);

const PHASE: &str = "safe-upgrade/phase";
const REVISION: &str = "safe-upgrade/revision";
const SINCE: &str = "safe-upgrade/since";
const PROCESS: &str = "safe-upgrade/process";

/// The name of a release's lease.
#[must_use]
pub(super) fn lease_name(release: &str) -> String {
    format!("helm-safe-upgrade.{release}")
}

/// Where a release's lease is.
pub(super) fn reference(namespace: &str, release: &str) -> ObjectRef {
    ObjectRef { resource: Resource::LEASES, namespace: Some(namespace.to_owned()), name: lease_name(release) }
}

/// A lease as it was seen. Whatever is not there, or has another form, is empty.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Seen {
    /// Who holds it, as it says itself; empty if nobody does.
    pub holder: String,
    /// Which process that is; see [`Holder::process`].
    pub process: String,
    /// Since when.
    pub since: Option<Timestamp>,
    /// When the holder last renewed it.
    pub last_sign: Option<Timestamp>,
    /// How long it counts after that, in seconds.
    pub duration: i64,
    /// What the holder was at.
    pub phase: String,
    /// Since when it was at that.
    pub phase_since: Option<Timestamp>,
    /// With which revision.
    pub revision: Option<u32>,
    pub(super) uid: String,
    pub(super) resource_version: String,
    pub(super) transitions: i64,
}

impl Seen {
    /// Reads a lease.
    pub(super) fn read(body: &[u8]) -> Option<Self> {
        let object: Value = serde_json::from_slice(body).ok()?;
        let metadata = object.get("metadata")?.as_object()?;
        let nothing = Value::Null;
        let (spec, notes) = (object.get("spec").unwrap_or(&nothing), metadata.get("annotations").unwrap_or(&nothing));
        let text = |of: &Value, key: &str| of.get(key).and_then(Value::as_str).unwrap_or_default().to_owned();
        let time = |of: &Value, key: &str| of.get(key).and_then(Value::as_str).and_then(|time| time.parse().ok());
        let own = |key: &str| metadata.get(key).and_then(Value::as_str).unwrap_or_default().to_owned();
        Some(Self {
            holder: text(spec, "holderIdentity"),
            process: text(notes, PROCESS),
            since: time(spec, "acquireTime"),
            last_sign: time(spec, "renewTime"),
            duration: spec.get("leaseDurationSeconds").and_then(Value::as_i64).unwrap_or(LEASE_SECONDS),
            phase: text(notes, PHASE),
            phase_since: time(notes, SINCE),
            revision: text(notes, REVISION).parse().ok(),
            uid: own("uid"),
            resource_version: own("resourceVersion"),
            transitions: spec.get("leaseTransitions").and_then(Value::as_i64).unwrap_or_default(),
        })
    }

    /// The object to write. With a resource version it replaces that version, without one it is new.
    pub(super) fn object(&self, at: &ObjectRef) -> Vec<u8> {
        let mut notes = Map::new();
        let revision = self.revision.map(|revision| revision.to_string()).unwrap_or_default();
        let since = self.phase_since.map(micro).unwrap_or_default();
        for (key, value) in [(PROCESS, &self.process), (PHASE, &self.phase), (REVISION, &revision), (SINCE, &since)] {
            if !value.is_empty() {
                notes.insert(key.to_owned(), value.as_str().into());
            }
        }
        let mut object = json!({
            "apiVersion": "coordination.k8s.io/v1",
            "kind": "Lease",
            "metadata": {
                "name": at.name,
                "namespace": at.namespace,
                "labels": {"app.kubernetes.io/managed-by": "helm-safe-upgrade"},
                "annotations": notes,
            },
            "spec": {
                "holderIdentity": self.holder,
                "leaseDurationSeconds": self.duration,
                "acquireTime": self.since.map(micro),
                "renewTime": self.last_sign.map(micro),
                "leaseTransitions": self.transitions,
            },
        });
        for (key, value) in [("uid", &self.uid), ("resourceVersion", &self.resource_version)] {
            if !value.is_empty() {
                object["metadata"][key] = value.as_str().into();
            }
        }
        object.to_string().into_bytes()
    }

    /// The same lease in another's hands.
    pub(super) fn taken(&self, me: &Holder, now: Timestamp) -> Self {
        Self {
            holder: me.identity.clone(),
            process: me.process.clone().unwrap_or_default(),
            since: Some(now),
            last_sign: Some(now),
            duration: LEASE_SECONDS,
            phase: String::new(),
            phase_since: None,
            revision: None,
            uid: self.uid.clone(),
            resource_version: self.resource_version.clone(),
            transitions: self.transitions.saturating_add(1),
        }
    }
}

/// Times as the API server wants them in a lease: with six digits of a second.
fn micro(time: Timestamp) -> String {
    format!("{time:.6}")
}

/// What follows from a lease.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Judged {
    /// It is ours.
    Mine,
    /// Nobody holds it, or its holder is dead.
    Free,
    /// Its holder lives, or must be taken to live.
    Live,
    /// Its holder is late. It is dead if it stays silent for this long before our eyes.
    Silent(Duration),
}

/// Judges a lease. `alive` says whether the holder's process runs, where that can be told; a process that runs holds its lease,
/// however late it is, as it may only have been suspended.
#[must_use]
pub fn judge_lease(lease: &Seen, me: &Holder, now: Timestamp, alive: Option<bool>) -> Judged {
    if lease.holder.is_empty() || alive == Some(false) {
        return Judged::Free;
    }
    if lease.holder == me.identity {
        return Judged::Mine;
    }
    if alive == Some(true) {
        return Judged::Live;
    }
    let Some(last) = lease.last_sign else { return Judged::Silent(LONG_LOOK) };
    let age = now.duration_since(last);
    // What says to be renewed an hour before it is counts no longer than any other.
    let duration = SignedDuration::from_secs(lease.duration.clamp(1, 4 * LEASE_SECONDS));
    match () {
        () if age < -duration => Judged::Silent(LONG_LOOK),
        () if age <= duration => Judged::Live,
        () => Judged::Silent(LOOK),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn holder(identity: &str) -> Holder {
        Holder { identity: identity.to_owned(), process: None }
    }

    #[test]
    fn a_lease_is_free_only_where_its_holder_is_surely_gone() {
        let now = Timestamp::from_second(1_766_668_400).unwrap();
        let renewed = |age: i64| Some(Timestamp::from_second(1_766_668_400 - age).unwrap());
        let rows = [
            ("", renewed(0), None, Judged::Free, "nobody holds it"),
            ("me", renewed(0), Some(true), Judged::Mine, "our own"),
            ("me", renewed(99), None, Judged::Mine, "our own, renewed late"),
            ("other", renewed(3), None, Judged::Live, "renewed in time"),
            ("other", renewed(15), None, Judged::Live, "at its very end"),
            ("other", renewed(16), None, Judged::Silent(LOOK), "late by our clock, which may be wrong"),
            ("other", renewed(99_999), None, Judged::Silent(LOOK), "very late"),
            ("other", renewed(99_999), Some(true), Judged::Live, "late, but it runs: it was suspended"),
            ("other", renewed(0), Some(false), Judged::Free, "renewed a moment ago, and dead since"),
            ("other", renewed(-10), None, Judged::Live, "its clock is a little ahead"),
            ("other", renewed(-3600), None, Judged::Silent(LONG_LOOK), "its clock is an hour ahead"),
            ("other", None, None, Judged::Silent(LONG_LOOK), "it was never renewed"),
        ];
        for (who, last_sign, alive, expected, why) in rows {
            let lease = Seen { holder: who.to_owned(), last_sign, duration: 15, ..Seen::default() };
            assert_eq!(judge_lease(&lease, &holder("me"), now, alive), expected, "{why}");
        }
    }

    #[test]
    fn a_lease_that_claims_to_last_for_years_does_not() {
        let now = Timestamp::from_second(1_766_668_400).unwrap();
        let last_sign = Some(Timestamp::from_second(1_766_660_000).unwrap());
        let lease = Seen { holder: "x".to_owned(), last_sign, duration: i64::MAX, ..Seen::default() };
        assert_eq!(judge_lease(&lease, &holder("me"), now, None), Judged::Silent(LOOK));
    }

    #[test]
    fn what_is_written_is_read_again() {
        let now = Timestamp::from_microsecond(1_766_668_400_123_456).unwrap();
        let seen = Seen { uid: "u".to_owned(), resource_version: "5".to_owned(), ..Seen::default() };
        let mut taken = seen.taken(&Holder { identity: "a@b:1:c".to_owned(), process: Some("m/n/7".to_owned()) }, now);
        taken.phase = "rollback".to_owned();
        taken.phase_since = Some(now);
        taken.revision = Some(7);
        assert_eq!(Seen::read(&taken.object(&reference("shop", "web"))), Some(taken));
    }

    #[test]
    fn a_lease_of_another_form_is_read_as_far_as_it_goes() {
        let seen =
            Seen::read(br#"{"metadata":{"annotations":5},"spec":{"renewTime":"soon","holderIdentity":[]}}"#).unwrap();
        assert_eq!(seen, Seen { duration: 15, ..Seen::default() });
        assert_eq!(Seen::read(b"[]"), None);
    }
}
