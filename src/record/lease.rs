//! Who is at work on a release: a lease (`coordination.k8s.io/v1`) of that release, in its namespace.
//!
//! Whoever works holds it, renews it every [`RENEW_EVERY`] and deletes it in the end. What a holder is at stands in it, so that
//! the next one learns what a dead one left behind. Every write names the version that it replaces.

use std::fmt;
use std::time::Duration;

use jiff::Timestamp;
use tokio::sync::Mutex;
use tokio::time::sleep;

use crate::cluster::{Cluster, ClusterError, ObjectRef, Only};
use crate::error::Error;
use crate::record::lease_object::{Judged, Seen, judge_lease, reference};
use crate::record::process::{Holder, ended};

/// How often a holder renews its lease. It counts for 15 seconds after that.
pub const RENEW_EVERY: Duration = Duration::from_secs(5);

/// So often a lease is looked at while others write to it.
const MOST_ATTEMPTS: u32 = 6;

/// A lease that is held. It is not given back when it is dropped: see [`Lease::release`].
pub struct Lease<'a, C> {
    cluster: &'a C,
    at: ObjectRef,
    me: Holder,
    now: fn() -> Timestamp,
    state: Mutex<Seen>,
    /// What a dead holder left behind.
    pub left: Option<Left>,
}

/// What a dead holder left behind.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Left {
    /// Who it was.
    pub holder: String,
    /// With which revision it was at work.
    pub revision: Option<u32>,
    /// What it was at; empty if it had not come to anything.
    pub phase: String,
    /// When it last renewed its lease.
    pub last_sign: Option<Timestamp>,
}

/// What came of asking for a lease.
pub enum Acquired<'a, C> {
    /// It is ours.
    Held(Box<Lease<'a, C>>),
    /// Somebody else is at work.
    Busy {
        /// Who, as [`Holder::identity`] has it.
        holder: String,
        /// Since when.
        since: Option<Timestamp>,
        /// When it last renewed its lease.
        last_sign: Option<Timestamp>,
    },
    /// The user may not make one, or the server has none: warn, and go on without.
    NoRight(String),
}

impl<C> fmt::Debug for Lease<'_, C> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Lease({} of {})", self.at, self.me.identity)
    }
}

impl<C> fmt::Debug for Acquired<'_, C> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Held(lease) => write!(f, "Held({lease:?})"),
            Self::Busy { holder, .. } => write!(f, "Busy({holder})"),
            Self::NoRight(reason) => write!(f, "NoRight({reason})"),
        }
    }
}

/// What came of renewing a lease.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Renewal {
    /// It is still ours.
    Held,
    /// It is not any more. Whoever holds it now is named; nobody does if it was deleted.
    Lost(Option<String>),
}

/// Asks for the lease of a release. A lease whose holder seems dead by the clock alone is watched for some seconds first.
///
/// # Errors
/// If the API server can't be reached, or there is no such namespace.
pub async fn acquire<'a, C: Cluster>(
    cluster: &'a C,
    namespace: &str,
    release: &str,
    me: &Holder,
    now: fn() -> Timestamp,
) -> Result<Acquired<'a, C>, Error> {
    acquire_after(cluster, (namespace, release), me, now, None).await
}

/// The same, where a lease has already been watched and did not move: see [`inspect`].
///
/// # Errors
/// As [`acquire`].
pub async fn acquire_after<'a, C: Cluster>(
    cluster: &'a C,
    (namespace, release): (&str, &str),
    me: &Holder,
    now: fn() -> Timestamp,
    mut silent: Option<Seen>,
) -> Result<Acquired<'a, C>, Error> {
    let asking = Asking { cluster, at: reference(namespace, release), me, now };
    let failed = |error: ClusterError| {
        Error::from(error).while_doing(&format!("cannot take the lease of release \"{release}\""))
    };
    for _ in 0..MOST_ATTEMPTS {
        let made = match asking.make().await {
            Ok(lease) => return Ok(Acquired::Held(Box::new(lease))),
            Err(error) => error,
        };
        let seen = match made {
            ClusterError::Conflict { .. } => asking.look().await.map_err(failed)?,
            // Somebody else's lease counts for those too who can make none.
            ClusterError::Forbidden(_) | ClusterError::NotServed { .. } => {
                return Ok(match asking.somebody(silent).await {
                    Some(seen) => busy(seen),
                    None => Acquired::NoRight(made.to_string()),
                });
            }
            error => return Err(failed(error)),
        };
        let Some(seen) = seen else { continue };
        match asking.judge(&seen) {
            Judged::Live => return Ok(busy(seen)),
            Judged::Silent(look) if silent.as_ref() != Some(&seen) => {
                sleep(look).await;
                silent = Some(seen);
            }
            Judged::Silent(_) | Judged::Free | Judged::Mine => match asking.take(seen).await {
                Ok(lease) => return Ok(Acquired::Held(Box::new(lease))),
                Err(ClusterError::Conflict { .. } | ClusterError::NotFound { .. }) => {}
                Err(error @ ClusterError::Forbidden(_)) => return Ok(Acquired::NoRight(error.to_string())),
                Err(error) => return Err(failed(error)),
            },
        }
    }
    // Others come and go: one of them is at work now.
    Ok(asking
        .look()
        .await
        .map_err(failed)?
        .map_or(Acquired::Busy { holder: String::new(), since: None, last_sign: None }, busy))
}

/// The lease of a release as it is, if there is one.
///
/// # Errors
/// If it can't be read.
pub async fn look<C: Cluster>(cluster: &C, namespace: &str, release: &str) -> Result<Option<Seen>, ClusterError> {
    match cluster.get(&reference(namespace, release)).await {
        Ok(body) => Ok(Seen::read(&body)),
        Err(ClusterError::NotFound { .. } | ClusterError::NotServed { .. }) => Ok(None),
        Err(error) => Err(error),
    }
}

/// The lease of a release, and whether its holder lives. A holder that seems dead by the clock alone is watched for some
/// seconds, so the answer is [`Judged::Free`] or [`Judged::Live`].
///
/// # Errors
/// If it can't be read.
pub async fn inspect<C: Cluster>(
    cluster: &C,
    namespace: &str,
    release: &str,
    now: fn() -> Timestamp,
) -> Result<Option<(Seen, Judged)>, ClusterError> {
    let nobody = Holder { identity: String::new(), process: None };
    let judge = |seen: &Seen| judge_lease(seen, &nobody, now(), Holder::is_alive(&seen.holder, &seen.process));
    let Some(seen) = look(cluster, namespace, release).await? else { return Ok(None) };
    let Judged::Silent(wait) = judge(&seen) else {
        let judged = judge(&seen);
        return Ok(Some((seen, judged)));
    };
    sleep(wait).await;
    match look(cluster, namespace, release).await? {
        Some(again) if again == seen => Ok(Some((again, Judged::Free))),
        Some(again) => Ok(Some((again, Judged::Live))),
        None => Ok(None),
    }
}

fn busy<'a, C>(seen: Seen) -> Acquired<'a, C> {
    Acquired::Busy { holder: seen.holder, since: seen.since, last_sign: seen.last_sign }
}

/// Asking for a lease.
struct Asking<'a, 'b, C> {
    cluster: &'a C,
    at: ObjectRef,
    me: &'b Holder,
    now: fn() -> Timestamp,
}

impl<'a, C: Cluster> Asking<'a, '_, C> {
    async fn make(&self) -> Result<Lease<'a, C>, ClusterError> {
        let wanted = Seen { transitions: -1, ..Seen::default() }.taken(self.me, (self.now)());
        let body = self.cluster.create(&self.at, &wanted.object(&self.at)).await?;
        Ok(self.held(Seen::read(&body).unwrap_or(wanted), None))
    }

    async fn take(&self, seen: Seen) -> Result<Lease<'a, C>, ClusterError> {
        let wanted = seen.taken(self.me, (self.now)());
        let body = self.cluster.update(&self.at, &wanted.object(&self.at)).await?;
        let Seen { holder, revision, phase, last_sign, .. } = seen;
        // If the answer to our own request was lost, nobody was there before us.
        let left =
            (!holder.is_empty() && holder != self.me.identity).then_some(Left { holder, revision, phase, last_sign });
        Ok(self.held(Seen::read(&body).unwrap_or(wanted), left))
    }

    fn held(&self, state: Seen, left: Option<Left>) -> Lease<'a, C> {
        let (cluster, now) = (self.cluster, self.now);
        Lease { cluster, at: self.at.clone(), me: self.me.clone(), now, state: Mutex::new(state), left }
    }

    async fn look(&self) -> Result<Option<Seen>, ClusterError> {
        match self.cluster.get(&self.at).await {
            Ok(body) => Ok(Seen::read(&body)),
            Err(ClusterError::NotFound { .. }) => Ok(None),
            Err(error) => Err(error),
        }
    }

    /// The lease of somebody who lives. One that seems dead by the clock alone is watched for some seconds, unless it was already and
    /// did not move.
    async fn somebody(&self, silent: Option<Seen>) -> Option<Seen> {
        let seen = self.look().await.ok()??;
        match self.judge(&seen) {
            Judged::Live => Some(seen),
            Judged::Silent(_) if silent.as_ref() == Some(&seen) => None,
            Judged::Silent(look) => {
                sleep(look).await;
                let again = self.look().await.ok()??;
                (again != seen && !again.holder.is_empty()).then_some(again)
            }
            Judged::Free | Judged::Mine => None,
        }
    }

    fn judge(&self, seen: &Seen) -> Judged {
        judge_lease(seen, self.me, (self.now)(), Holder::is_alive(&seen.holder, &seen.process))
    }
}

impl<C: Cluster> Lease<'_, C> {
    /// Says that we are still at work. To be called every [`RENEW_EVERY`]. That the server can't be reached does not lose it by
    /// itself; somebody else may take it 15 seconds after the last renewal.
    ///
    /// # Errors
    /// If it could not be renewed now.
    pub async fn renew(&self) -> Result<Renewal, Error> {
        self.write(|_, _| {}).await
    }

    /// Writes down what we are at, and renews the lease.
    ///
    /// # Errors
    /// If it could not be written now.
    pub async fn note(&self, phase: &str, revision: Option<u32>) -> Result<Renewal, Error> {
        self.write(|lease, now| {
            if lease.phase != phase {
                lease.phase_since = Some(now);
            }
            phase.clone_into(&mut lease.phase);
            lease.revision = revision;
        })
        .await
    }

    /// Ends in the middle of something, and does not give it back: what we were at stays written for the next one, who need not
    /// wait for it, though this process may go on with something else.
    ///
    /// # Errors
    /// If that could not be written.
    pub async fn leave(&self) -> Result<Renewal, Error> {
        self.write(|lease, _| lease.process = ended(&lease.process)).await
    }

    /// Gives it back: the lease is gone then, unless it is somebody else's by now.
    ///
    /// # Errors
    /// If it could not be deleted. It ends by itself then, 15 seconds after the last renewal.
    pub async fn release(&self) -> Result<(), Error> {
        let mut state = self.state.lock().await;
        for _ in 0..MOST_ATTEMPTS {
            let version = Some(state.resource_version.clone()).filter(|version| !version.is_empty());
            let only = Only { uid: Some(state.uid.clone()).filter(|uid| !uid.is_empty()), resource_version: version };
            match self.cluster.delete(&self.at, &only).await {
                Ok(()) | Err(ClusterError::NotFound { .. }) => return Ok(()),
                Err(ClusterError::Conflict { .. }) => match self.current().await? {
                    Some(seen) if seen.holder == self.me.identity => *state = seen,
                    _ => return Ok(()),
                },
                Err(error) => return Err(self.failed("give back", error)),
            }
        }
        Ok(())
    }

    async fn write(&self, change: impl Fn(&mut Seen, Timestamp)) -> Result<Renewal, Error> {
        let mut state = self.state.lock().await;
        for _ in 0..MOST_ATTEMPTS {
            let (mut wanted, now) = (state.clone(), (self.now)());
            wanted.last_sign = Some(now);
            change(&mut wanted, now);
            match self.cluster.update(&self.at, &wanted.object(&self.at)).await {
                Ok(body) => {
                    *state = Seen::read(&body).unwrap_or(wanted);
                    return Ok(Renewal::Held);
                }
                Err(ClusterError::NotFound { .. }) => return Ok(Renewal::Lost(None)),
                Err(ClusterError::Conflict { .. }) => match self.current().await? {
                    Some(seen) if seen.holder == self.me.identity => *state = seen,
                    Some(seen) => return Ok(Renewal::Lost(Some(seen.holder).filter(|holder| !holder.is_empty()))),
                    None => return Ok(Renewal::Lost(None)),
                },
                Err(error) => return Err(self.failed("renew", error)),
            }
        }
        Ok(Renewal::Held)
    }

    async fn current(&self) -> Result<Option<Seen>, Error> {
        match self.cluster.get(&self.at).await {
            Ok(body) => Ok(Seen::read(&body)),
            Err(ClusterError::NotFound { .. }) => Ok(None),
            Err(error) => Err(self.failed("read", error)),
        }
    }

    fn failed(&self, what: &str, error: ClusterError) -> Error {
        Error::from(error).while_doing(&format!("cannot {what} lease \"{}\"", self.at.name))
    }
}
