//! An API server that is away for a while: what can't be asked now is asked again.

use std::future::Future;
use std::time::Duration;

use tokio::time::{Instant, sleep};

use crate::error::{Error, Kind};

/// How long an API server may be away before a step is given up.
pub(super) const AWAY: Duration = Duration::from_secs(90);
const FIRST_WAIT: Duration = Duration::from_millis(250);
const LONGEST_WAIT: Duration = Duration::from_secs(5);

/// Tries until it works, fails for another reason than that the server does not answer, or the time is over.
pub(super) async fn patiently<T, F>(within: Duration, mut attempt: impl FnMut() -> F) -> Result<T, Error>
where
    F: Future<Output = Result<T, Error>>,
{
    let end = Instant::now() + within;
    let mut wait = FIRST_WAIT;
    loop {
        match attempt().await {
            Err(error) if may_pass(error.kind) && Instant::now() + wait < end => {
                sleep(wait).await;
                wait = (wait * 2).min(LONGEST_WAIT);
            }
            result => return result,
        }
    }
}

/// A token may be renewed, and a server may come back.
fn may_pass(kind: Kind) -> bool {
    matches!(kind, Kind::Unreachable | Kind::Cluster | Kind::Unauthorized)
}
