//! A helm that is lost in the middle: it was killed, or the API server did not answer it. That says nothing of the release, so
//! nothing is concluded from it: the same is done once more, with all of its time, for the server may have been away for most of it.

use std::time::Duration;

use tokio::time::{Instant, sleep};

use crate::helm::is_lost_for_long;

/// So many attempts may be lost one after the other, however little time there is.
const LEAST: u32 = 5;
/// No more, however much time there is: each attempt may leave a failed revision in the history.
const MOST: u32 = 30;
/// The wait before the second attempt. It doubles from one to the next, up to the longest.
const FIRST_WAIT: Duration = Duration::from_secs(1);
const LONGEST_WAIT: Duration = Duration::from_secs(8);

/// The attempts at one step.
#[derive(Debug, Default)]
pub(super) struct Attempts {
    began: Option<Instant>,
    first_lost: Option<Instant>,
    lost: u32,
}

impl Attempts {
    /// What is left of the time that the step may take in all. It begins with the first question.
    pub(super) fn left(&mut self, whole: Duration) -> Duration {
        whole.saturating_sub(self.began.get_or_insert_with(Instant::now).elapsed())
    }

    /// The same, where the question begins nothing.
    pub(super) fn remaining(&self, whole: Duration) -> Duration {
        self.began.map_or(whole, |began| whole.saturating_sub(began.elapsed()))
    }

    /// Whether the step has begun.
    pub(super) fn has_begun(&self) -> bool {
        self.began.is_some()
    }

    /// Whether there is to be another attempt after helm was lost with this message. If so, it waits a while first, and the time
    /// begins anew. A server that answers only now and then is tried for as long as the step may take.
    pub(super) async fn again(&mut self, whole: Duration, message: &str) -> bool {
        let since = self.first_lost.get_or_insert_with(Instant::now).elapsed();
        let since = if is_lost_for_long(message) { Duration::MAX } else { since };
        let Some(wait) = self.wait(whole, since) else { return false };
        sleep(wait).await;
        self.began = Some(Instant::now());
        true
    }

    /// How long to wait for the next attempt, so long after the first one was lost.
    fn wait(&mut self, whole: Duration, since: Duration) -> Option<Duration> {
        let wait = (FIRST_WAIT * 2_u32.pow(self.lost.min(LEAST))).min(LONGEST_WAIT);
        self.lost += 1;
        let tried = self.lost >= MOST || self.lost >= LEAST && since >= whole;
        (!tried && self.left(whole) > 2 * wait).then_some(wait)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn waits(since: Duration) -> Vec<u64> {
        let mut attempts = Attempts::default();
        let wait = || attempts.wait(Duration::from_secs(300), since).map(|wait| wait.as_secs());
        std::iter::from_fn(wait).collect()
    }

    #[test]
    fn while_there_is_time_there_are_attempts() {
        let waits = waits(Duration::from_secs(299));
        assert_eq!(waits[..6], [1, 2, 4, 8, 8, 8]);
        assert_eq!(waits.len(), 29);
    }

    #[test]
    fn attempts_come_to_an_end() {
        assert_eq!(waits(Duration::from_secs(300)), [1, 2, 4, 8]);
    }

    #[test]
    fn there_is_no_attempt_without_time_for_it() {
        let mut attempts = Attempts::default();
        assert_eq!(attempts.wait(Duration::from_secs(1), Duration::ZERO), None);
    }
}
