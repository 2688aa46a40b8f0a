//! What ends a run before its time: signals, and the loss of the `helm` that started us.

use std::os::unix::process::parent_id;
use std::time::Duration;

use tokio::signal::unix::{SignalKind, signal};
use tokio::sync::watch;
use tokio::time::interval;

use crate::error::{Error, Kind};

/// How often it is looked whether our parent still lives. Helm hands no signal on: Ctrl-C ends it within milliseconds, and
/// leaves us without a parent.
const LOOK: Duration = Duration::from_millis(200);

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
            let mut orphaned = false;
            loop {
                let why = tokio::select! {
                    _ = interrupt.recv() => "SIGINT",
                    _ = terminate.recv() => "SIGTERM",
                    _ = hangup.recv() => "SIGHUP",
                    _ = look.tick() => {
                        if orphaned || parent_id() == parent {
                            continue;
                        }
                        orphaned = true;
                        "the loss of helm"
                    }
                };
                // Ctrl-C at a terminal comes as a signal and as the loss of helm: it is one interrupt.
                let before = sender.borrow().0;
                let same = (why == "the loss of helm" || (orphaned && why == "SIGHUP")) && before > 0;
                if !same && sender.send((before + 1, why)).is_err() {
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
