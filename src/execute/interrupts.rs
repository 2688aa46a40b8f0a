//! What ends a run before its time: signals, and the loss of the `helm` that started us.

use std::os::unix::process::parent_id;
use std::time::{Duration, Instant};

use tokio::signal::unix::{SignalKind, signal};
use tokio::sync::watch;
use tokio::time::interval;

use crate::error::{Error, Kind};

/// How often it is looked whether our parent still lives. Helm hands no signal on: Ctrl-C ends it within milliseconds, and
/// leaves us without a parent.
const LOOK: Duration = Duration::from_millis(200);

/// Within so long of the loss of helm, a signal that a terminal sends is the one that has ended helm.
const TOGETHER: Duration = Duration::from_secs(1);

/// What asks for an end.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Asked {
    Interrupt,
    Terminate,
    Hangup,
    /// The `helm` that started us is gone.
    Orphaned,
}

impl Asked {
    fn name(self) -> &'static str {
        match self {
            Self::Interrupt => "SIGINT",
            Self::Terminate => "SIGTERM",
            Self::Hangup => "SIGHUP",
            Self::Orphaned => "the loss of helm",
        }
    }
}

/// How often an end was asked for. Ctrl-C at a terminal, and a terminal that is closed, come as a signal and as the loss of
/// helm, in either order: that is once.
#[derive(Default)]
struct Tally {
    count: u32,
    /// When helm was lost, and whether no signal has been taken for the reason yet.
    lost: Option<(Instant, bool)>,
}

impl Tally {
    /// Whether this asks once more.
    fn counts(&mut self, asked: Asked, now: Instant) -> bool {
        let counts = match (asked, self.lost) {
            // It follows from a signal, or says alone that nobody is there any more.
            (Asked::Orphaned, _) => {
                let first = self.count == 0;
                self.lost = Some((now, first));
                first
            }
            (Asked::Interrupt | Asked::Hangup, Some((lost, true))) if now.duration_since(lost) < TOGETHER => {
                self.lost = Some((lost, false));
                false
            }
            // A terminal that goes away with helm is no second wish.
            (Asked::Hangup, Some(_)) => false,
            _ => true,
        };
        self.count += u32::from(counts);
        counts
    }
}

/// Counts what asks the run to end. The first asks to end cleanly, the second to let go at once.
#[derive(Clone)]
pub struct Interrupts {
    count: watch::Receiver<(u32, &'static str)>,
}

impl Interrupts {
    /// Listens from now on.
    ///
    /// # Errors
    /// If the signals can't be taken over.
    pub fn listen() -> Result<Self, Error> {
        let failed = |error: std::io::Error| Error::new(Kind::Output, format!("cannot listen to signals: {error}"));
        let mut interrupt = signal(SignalKind::interrupt()).map_err(failed)?;
        let mut terminate = signal(SignalKind::terminate()).map_err(failed)?;
        let mut hangup = signal(SignalKind::hangup()).map_err(failed)?;
        let (sender, count) = watch::channel((0, ""));
        let parent = parent_id();
        tokio::spawn(async move {
            let mut look = interval(LOOK);
            let mut tally = Tally::default();
            loop {
                let asked = tokio::select! {
                    _ = interrupt.recv() => Asked::Interrupt,
                    _ = terminate.recv() => Asked::Terminate,
                    _ = hangup.recv() => Asked::Hangup,
                    _ = look.tick() => {
                        if tally.lost.is_some() || parent_id() == parent {
                            continue;
                        }
                        Asked::Orphaned
                    }
                };
                if tally.counts(asked, Instant::now()) && sender.send((tally.count, asked.name())).is_err() {
                    return;
                }
            }
        });
        Ok(Self { count })
    }

    /// Never interrupted.
    #[must_use]
    pub fn never() -> Self {
        let (_, count) = watch::channel((0, ""));
        Self { count }
    }

    /// What has asked for an end, if anything has.
    #[must_use]
    pub fn asked(&self) -> Option<&'static str> {
        let (count, why) = *self.count.borrow();
        (count > 0).then_some(why)
    }

    /// Whether to let go at once.
    #[must_use]
    pub fn twice(&self) -> bool {
        self.count.borrow().0 > 1
    }

    /// Waits until there were more than `seen`. May be dropped while it waits.
    pub async fn more_than(&self, seen: u32) {
        let mut count = self.count.clone();
        if count.wait_for(|(count, _)| *count > seen).await.is_err() {
            std::future::pending::<()>().await;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::Asked::{Hangup, Interrupt, Orphaned, Terminate};
    use super::*;

    /// How often an end was asked for by these, each so many milliseconds after the start.
    fn asked(events: &[(u64, Asked)]) -> u32 {
        let (start, mut tally) = (Instant::now(), Tally::default());
        for (after, asked) in events {
            tally.counts(*asked, start + Duration::from_millis(*after));
        }
        tally.count
    }

    #[test]
    fn ctrl_c_at_a_terminal_is_one_interrupt_in_whichever_order_it_is_seen() {
        assert_eq!(asked(&[(0, Interrupt), (150, Orphaned)]), 1);
        assert_eq!(asked(&[(0, Orphaned), (5, Interrupt)]), 1);
        assert_eq!(asked(&[(0, Orphaned), (5, Hangup)]), 1);
        assert_eq!(asked(&[(0, Hangup), (5, Orphaned), (10, Hangup)]), 1);
    }

    #[test]
    fn a_second_ctrl_c_lets_go() {
        assert_eq!(asked(&[(0, Interrupt), (150, Orphaned), (700, Interrupt)]), 2);
        assert_eq!(asked(&[(0, Orphaned), (5, Interrupt), (700, Interrupt)]), 2);
        assert_eq!(asked(&[(0, Interrupt), (10, Interrupt)]), 2);
        assert_eq!(asked(&[(0, Terminate), (10, Terminate)]), 2);
        // Long after helm is gone, a signal is a wish of its own.
        assert_eq!(asked(&[(0, Orphaned), (5_000, Interrupt)]), 2);
    }

    #[test]
    fn a_terminal_that_goes_away_after_helm_asks_for_nothing_new() {
        assert_eq!(asked(&[(0, Orphaned), (5_000, Hangup), (6_000, Hangup)]), 1);
    }
}
