//! The time for graces: what passes in this process, not what the wall clock says. A clock that is set, or a machine that
//! slept, must not end a grace at once.

use std::time::Duration;

use jiff::Timestamp;
use tokio::time::Instant;

/// A clock that is never set.
#[derive(Clone, Copy, Debug)]
pub(super) struct Clock {
    began: Instant,
    at: Timestamp,
}

impl Clock {
    /// It starts with the wall clock's time.
    pub(super) fn start() -> Self {
        Self { began: Instant::now(), at: Timestamp::now() }
    }

    pub(super) fn now(&self) -> Timestamp {
        self.at.saturating_add(self.began.elapsed()).unwrap_or(Timestamp::MAX)
    }

    /// How long it is until then.
    pub(super) fn until(&self, time: Timestamp) -> Duration {
        Duration::try_from(time.duration_since(self.now())).unwrap_or(Duration::ZERO)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn it_goes_as_far_as_time_passes() {
        let at = Timestamp::from_second(1_766_668_400).unwrap();
        let clock = Clock { began: Instant::now().checked_sub(Duration::from_secs(3600)).unwrap(), at };
        let passed = clock.now().duration_since(at).as_secs();
        assert!((3600..3660).contains(&passed), "{passed}");
        assert_eq!(clock.until(at), Duration::ZERO);
        let left = clock.until(at.saturating_add(Duration::from_secs(2 * 3600)).unwrap()).as_secs();
        assert!((3540..=3600).contains(&left), "{left}");
    }
}
