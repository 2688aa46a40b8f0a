//! A helm that is lost in the middle: it was killed, or the API server did not answer it. That says nothing of the release, so
//! nothing is concluded from it: the same is done once more, with all of its time, for the server may have been away for most of it.

use std::time::Duration;

use tokio::time::{Instant, sleep};

/// Helm may be lost so often in one step. Each attempt may leave a failed revision in the history.
const MOST: u32 = 5;
/// The wait before the second attempt; it doubles from one to the next.
const FIRST_WAIT: Duration = Duration::from_secs(1);

/// The attempts at one step.
#[derive(Debug, Default)]
pub(super) struct Attempts {
    began: Option<Instant>,
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

    /// Whether there is to be another attempt. If so, it waits a while first, and the time begins anew.
    pub(super) async fn again(&mut self, whole: Duration) -> bool {
        let Some(wait) = self.wait(whole) else { return false };
        sleep(wait).await;
        self.began = Some(Instant::now());
        true
    }

    fn wait(&mut self, whole: Duration) -> Option<Duration> {
        let wait = FIRST_WAIT * 2_u32.pow(self.lost.min(MOST));
        self.lost += 1;
        (self.lost < MOST && self.left(whole) > 2 * wait).then_some(wait)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn attempts_come_to_an_end() {
        let mut attempts = Attempts::default();
        let waits: Vec<_> =
            (0..6).map(|_| attempts.wait(Duration::from_secs(300)).map(|wait| wait.as_secs())).collect();
        assert_eq!(waits, [Some(1), Some(2), Some(4), Some(8), None, None]);
    }

    #[test]
    fn there_is_no_attempt_without_time_for_it() {
        let mut attempts = Attempts::default();
        assert_eq!(attempts.wait(Duration::from_secs(1)), None);
    }
}
