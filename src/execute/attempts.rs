//! A helm that is lost in the middle: it was killed, or the API server did not answer it. That says nothing of the release, so
//! nothing is concluded from it: the same is done once more, with all of its time, for the server may have been away for most of it.

use std::time::Duration;

use tokio::time::{Instant, sleep};

use crate::helm::Loss;

/// So many attempts may be lost one after the other, however little time there is.
const LEAST: u32 = 5;
/// No more, however much time there is: each attempt may leave a failed revision in the history.
const MOST: u32 = 30;
/// The wait before the second attempt. It doubles from one to the next, up to the longest.
const FIRST_WAIT: Duration = Duration::from_secs(1);
const LONGEST_WAIT: Duration = Duration::from_secs(8);
/// So long a webhook may restart, or credentials be renewed.
const FOR_ANOTHER_ANSWER: Duration = Duration::from_secs(60);

/// The attempts at one step.
#[derive(Debug, Default)]
pub(super) struct Attempts {
    has_begun: bool,
    began: Option<Instant>,
    first_lost: Option<Instant>,
    lost: u32,
}

impl Attempts {
    /// What is left of the time that an attempt may take in all. It begins with the first question.
    pub(super) fn left(&mut self, whole: Duration) -> Duration {
        self.has_begun = true;
        whole.saturating_sub(self.began.get_or_insert_with(Instant::now).elapsed())
    }

    /// The same, where the question begins nothing.
    pub(super) fn remaining(&self, whole: Duration) -> Duration {
        self.began.map_or(whole, |began| whole.saturating_sub(began.elapsed()))
    }

    /// Whether the step has begun.
    pub(super) fn has_begun(&self) -> bool {
        self.has_begun
    }

    /// Whether there is to be another attempt after helm was lost in this way. If so, it waits a while first. A server that answers
    /// only now and then is tried for as long as the step may take, and each attempt has all of its time; who wants the end gets no
    /// more time than there was.
    pub(super) async fn again(&mut self, whole: Duration, loss: Loss, is_to_end: bool) -> bool {
        let next = if is_to_end { self.within(whole, loss) } else { self.anew(whole, loss) };
        match next {
            Some(wait) => sleep(wait).await,
            None => return false,
        }
        true
    }

    fn anew(&mut self, whole: Duration, loss: Loss) -> Option<Duration> {
        let since = self.first_lost.get_or_insert_with(Instant::now).elapsed();
        let wait = self.wait(whole, (loss, since))?;
        self.began = None;
        Some(wait)
    }

    fn within(&mut self, whole: Duration, loss: Loss) -> Option<Duration> {
        let left = self.left(whole);
        self.wait(whole, (loss, Duration::MAX)).filter(|wait| left > 2 * *wait)
    }

    /// How long to wait for the next attempt, so long after the first one was lost.
    fn wait(&mut self, whole: Duration, (loss, since): (Loss, Duration)) -> Option<Duration> {
        let wait = (FIRST_WAIT * 2_u32.pow(self.lost.min(LEAST))).min(LONGEST_WAIT);
        let most = match loss {
            Loss::NoAnswer => whole,
            Loss::Answer => whole.min(FOR_ANOTHER_ANSWER),
            Loss::Killed => Duration::ZERO,
        };
        self.lost += 1;
        (self.lost < LEAST || (self.lost < MOST && since < most)).then_some(wait)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const WHOLE: Duration = Duration::from_secs(300);

    fn waits(loss: Loss, seconds: u64) -> Vec<u64> {
        let mut attempts = Attempts::default();
        let wait = || attempts.wait(WHOLE, (loss, Duration::from_secs(seconds))).map(|wait| wait.as_secs());
        std::iter::from_fn(wait).collect()
    }

    #[test]
    fn while_there_is_time_there_are_attempts() {
        let waits = waits(Loss::NoAnswer, 299);
        assert_eq!(waits[..6], [1, 2, 4, 8, 8, 8]);
        assert_eq!(waits.len(), 29);
    }

    #[test]
    fn attempts_come_to_an_end() {
        assert_eq!(waits(Loss::NoAnswer, 300), [1, 2, 4, 8]);
    }

    #[test]
    fn a_webhook_may_restart() {
        assert_eq!((waits(Loss::Answer, 59).len(), waits(Loss::Answer, 60).len()), (29, 4));
    }

    #[test]
    fn what_is_killed_again_and_again_is_not_run_for_long() {
        assert_eq!(waits(Loss::Killed, 0), [1, 2, 4, 8]);
    }

    fn begun(seconds: u64) -> Attempts {
        let began = Instant::now().checked_sub(Duration::from_secs(seconds)).unwrap();
        Attempts { has_begun: true, began: Some(began), ..Attempts::default() }
    }

    #[test]
    fn an_attempt_has_all_of_its_time() {
        let mut attempts = begun(400);
        assert_eq!(attempts.left(WHOLE), Duration::ZERO, "the server was away until the time was over");
        assert_eq!(attempts.anew(WHOLE, Loss::NoAnswer), Some(Duration::from_secs(1)));
        assert!(attempts.has_begun());
        assert_eq!(attempts.remaining(WHOLE), WHOLE, "it begins when it is asked for");
    }

    #[test]
    fn who_wants_the_end_gets_no_more_time() {
        let mut attempts = begun(290);
        assert_eq!(attempts.within(WHOLE, Loss::NoAnswer), Some(Duration::from_secs(1)));
        assert!(attempts.left(WHOLE) < Duration::from_secs(11));
        assert_eq!(begun(299).within(WHOLE, Loss::NoAnswer), None);
    }
}
