//! What ends a run before its time: signals, and the loss of the `helm` that started us.

use std::os::unix::process::parent_id;
use std::time::{Duration, Instant};

use tokio::signal::unix::{Signal, SignalKind, signal};
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

/// What is listened to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Heard {
    interrupt: bool,
    terminate: bool,
    hangup: bool,
}

impl Heard {
    /// Who has started us may have asked that a signal be ignored, as `nohup` does: it stays so.
    fn now() -> Self {
        // Where the system has no such file, all are listened to.
        Self::of(&std::fs::read_to_string("/proc/self/status").unwrap_or_default())
    }

    /// By what Linux says of a process: signal `n` is the bit `n - 1` (proc(5)).
    fn of(status: &str) -> Self {
        let ignored = status.lines().find_map(|line| line.strip_prefix("SigIgn:"));
        let ignored = ignored.and_then(|set| u64::from_str_radix(set.trim(), 16).ok()).unwrap_or_default();
        let is_heard = |signal: SignalKind| ignored & (1 << (signal.as_raw_value() - 1)) == 0;
        Self {
            interrupt: is_heard(SignalKind::interrupt()),
            terminate: is_heard(SignalKind::terminate()),
            hangup: is_heard(SignalKind::hangup()),
        }
    }
}

/// A signal, where it is listened to.
fn listen_to(kind: SignalKind, heard: bool) -> Result<Option<Signal>, Error> {
    let failed = |error: std::io::Error| Error::new(Kind::Output, format!("cannot listen to signals: {error}"));
    heard.then(|| signal(kind)).transpose().map_err(failed)
}

async fn received(signal: &mut Option<Signal>) {
    match signal {
        Some(signal) => _ = signal.recv().await,
        None => std::future::pending().await,
    }
}

/// Counts what asks the run to end. The first asks to end cleanly, the second to let go at once.
#[derive(Clone)]
pub struct Interrupts {
    count: watch::Receiver<(u32, &'static str)>,
}

impl Interrupts {
    /// Listens from now on, but to no signal that is to be ignored; and where a helm has started us, whether it still lives.
    ///
    /// # Errors
    /// If the signals can't be taken over.
    pub fn listen(by_helm: bool) -> Result<Self, Error> {
        let heard = Heard::now();
        let mut interrupt = listen_to(SignalKind::interrupt(), heard.interrupt)?;
        let mut terminate = listen_to(SignalKind::terminate(), heard.terminate)?;
        let mut hangup = listen_to(SignalKind::hangup(), heard.hangup)?;
        let (sender, count) = watch::channel((0, ""));
        let parent = parent_id();
        tokio::spawn(async move {
            let mut look = interval(LOOK);
            let mut tally = Tally::default();
            loop {
                let asked = tokio::select! {
                    () = received(&mut interrupt) => Asked::Interrupt,
                    () = received(&mut terminate) => Asked::Terminate,
                    () = received(&mut hangup) => Asked::Hangup,
                    _ = look.tick(), if by_helm => {
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

/// The error where an end was asked for before anything was done.
#[must_use]
pub fn stopped(release: &str) -> Error {
    Error::new(Kind::Interrupted, format!("stopped before anything was done to release \"{release}\""))
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
    fn what_is_ignored_stays_ignored() {
        let heard =
            |set: &str| Heard::of(&format!("Name:\tx\nSigBlk:\t0000000000000007\nSigIgn:\t{set}\nSigCgt:\t0\n"));
        let all = Heard { interrupt: true, terminate: true, hangup: true };
        assert_eq!(heard("0000000000001000"), all, "a pipe that breaks is none of them");
        assert_eq!(heard("0000000000000001"), Heard { hangup: false, ..all }, "nohup");
        assert_eq!(heard("0000000000000006"), Heard { interrupt: false, ..all }, "in the background of a script");
        assert_eq!(heard("0000000000004000"), Heard { terminate: false, ..all });
        assert_eq!(heard("nonsense"), all);
        assert_eq!(Heard::of(""), all, "a system that does not say");
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
