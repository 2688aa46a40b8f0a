//! What a long run is at: one line on standard error, only where that is a terminal.
//!
//! ```ignore
//! let progress = Progress::new(environment, debug);
//! progress.stage("rendering the chart");
//! progress.clear(); // before anything else is printed
//! ```

use std::sync::mpsc::{self, RecvTimeoutError, Sender};
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::thread::{self, JoinHandle};
use std::time::Duration;

use indicatif::{ProgressBar, ProgressDrawTarget, ProgressStyle};

use crate::cli::Environment;
use crate::command::Stages;
use crate::report::style::clean;

/// A run that is shorter shows nothing, so that nothing flickers.
const PATIENCE: Duration = Duration::from_millis(300);

/// How often the sign of life moves.
const TICK: Duration = Duration::from_millis(100);

/// A line that says what the run is at, and goes away when it ends.
pub(super) struct Progress {
    wanted: bool,
    line: Mutex<Option<Line>>,
}

impl Progress {
    /// Shows nothing until the first stage. With `--debug` it never does: those lines say more.
    pub(super) fn new(environment: &Environment, debug: bool) -> Self {
        let able = environment.stderr_is_terminal && environment.text("TERM") != Some("dumb");
        Self { wanted: able && !debug, line: Mutex::default() }
    }

    /// Says what the run is at from now on.
    pub(super) fn stage(&self, name: &str) {
        if self.wanted {
            self.line().get_or_insert_with(Line::new).bar.set_message(clean(name).into_owned());
        }
    }

    /// Takes the line away until the next stage. Call it before something else writes to the terminal: a result, a pager,
    /// a question, or a program that may speak to the user.
    pub(super) fn clear(&self) {
        drop(self.line().take());
    }

    fn line(&self) -> MutexGuard<'_, Option<Line>> {
        self.line.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Stages for Progress {
    fn stage(&self, name: &str) {
        Self::stage(self, name);
    }
}

/// The line itself, hidden for a while. It goes when it is dropped.
struct Line {
    bar: ProgressBar,
    /// Ends the wait when it is dropped.
    waits: Option<Sender<()>>,
    waiter: Option<JoinHandle<()>>,
}

impl Line {
    fn new() -> Self {
        let bar = ProgressBar::with_draw_target(None, ProgressDrawTarget::hidden());
        if let Ok(style) = ProgressStyle::with_template("{spinner} {msg} ({elapsed})") {
            bar.set_style(style);
        }
        let (waits, end) = mpsc::channel();
        let hidden = bar.clone();
        let waiter = thread::spawn(move || {
            if end.recv_timeout(PATIENCE) == Err(RecvTimeoutError::Timeout) {
                hidden.set_draw_target(ProgressDrawTarget::stderr());
                hidden.enable_steady_tick(TICK);
            }
        });
        Self { bar, waits: Some(waits), waiter: Some(waiter) }
    }
}

impl Drop for Line {
    fn drop(&mut self) {
        drop(self.waits.take());
        // Only when nobody can show it any more, it is taken away.
        if let Some(waiter) = self.waiter.take() {
            _ = waiter.join();
        }
        self.bar.finish_and_clear();
    }
}
