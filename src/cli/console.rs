//! Telling a run: a live table on a terminal, lines in a log, or one JSON event a line.
//!
//! What can't be written is lost, and stops nothing: the terminal may go away while a release is being rolled back.

use std::io::Write as _;
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use indicatif::{ProgressBar, ProgressDrawTarget, ProgressStyle};
use jiff::Timestamp;
use serde::Serialize;

use crate::cli::Environment;
use crate::execute::Listener;
use crate::report::rollout::story::Story;
use crate::report::rollout::table::{Frame, Head, lines};
use crate::report::style::Painter;
use crate::upgrade::event::Event;

/// Terminal columns where nothing says how many there are.
const DEFAULT_WIDTH: u16 = 100;

/// How often the table is drawn at most, in a second.
const FRAMES: u8 = 10;

/// In which form a run is told.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Telling {
    /// For a reader, on standard error.
    Story,
    /// One JSON event a line, on standard output.
    Events,
    /// Not at all.
    Nothing,
}

/// Where a run is told.
pub(super) struct Console {
    telling: Telling,
    frame: Frame,
    state: Mutex<State>,
    with_table: bool,
    step: Option<StepName>,
}

/// The step of a staged roll-out that is told.
#[derive(Clone, Copy, Debug, Serialize)]
pub(super) struct StepName {
    /// Which; 1 is the first.
    pub(super) number: usize,
    /// How many there are.
    pub(super) steps: usize,
}

struct State {
    story: Story,
    head: Option<Head>,
    release: String,
    bar: Option<ProgressBar>,
}

impl Console {
    pub(super) fn new(telling: Telling, release: &str, (painter, environment): (Painter, &Environment)) -> Self {
        let with_table = environment.stderr_is_terminal && environment.text("TERM") != Some("dumb");
        let width = usize::from(environment.columns.unwrap_or(DEFAULT_WIDTH));
        let state =
            State { story: Story::new(painter, with_table), head: None, release: release.to_owned(), bar: None };
        Self {
            telling,
            frame: Frame { width, painter, now: Timestamp::now() },
            state: Mutex::new(state),
            with_table,
            step: None,
        }
    }

    /// The same for a step of a staged roll-out, which each event names.
    pub(super) fn at_step(self, step: StepName) -> Self {
        Self { step: Some(step), ..self }
    }

    /// Takes the table away, so that something else can be printed.
    pub(super) fn clear(&self) {
        if let Some(bar) = self.state().bar.take() {
            bar.finish_and_clear();
        }
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn draw(&self, state: &mut State, event: &Event) {
        let (Event::Progress { rows, signs, elapsed, .. }, Some(head)) = (event, &state.head) else { return };
        let frame = Frame { now: Timestamp::now(), ..self.frame };
        let text = lines(head, rows, signs, (*elapsed, frame)).join("\n");
        state.bar.get_or_insert_with(bar).set_message(text);
    }
}

/// An event, when it happened (RFC 3339, with milliseconds), and to which release, where there are several.
#[derive(Serialize)]
struct Timed<'a, I, E> {
    time: String,
    #[serde(rename = "of", skip_serializing_if = "Option::is_none")]
    release: Option<&'a I>,
    #[serde(skip_serializing_if = "Option::is_none")]
    step: Option<StepName>,
    #[serde(flatten)]
    event: &'a E,
}

/// Writes an event as a line of JSON on standard output.
pub(super) fn event_line<I: Serialize>(release: Option<&I>, event: &impl Serialize) {
    write_event(&Timed { time: now(), release, step: None, event });
}

fn now() -> String {
    format!("{:.3}", Timestamp::now())
}

fn write_event(event: &impl Serialize) {
    if let Ok(line) = serde_json::to_string(event) {
        _ = writeln!(std::io::stdout(), "{line}");
    }
}

/// Lines on standard error that are drawn again and again.
pub(super) fn bar() -> ProgressBar {
    let bar = ProgressBar::with_draw_target(None, ProgressDrawTarget::stderr_with_hz(FRAMES));
    if let Ok(style) = ProgressStyle::with_template("{msg}") {
        bar.set_style(style);
    }
    bar.enable_steady_tick(Duration::from_millis(250));
    bar
}

impl Listener for Console {
    fn hear(&self, event: &Event) {
        if self.telling == Telling::Nothing {
            return;
        }
        if self.telling == Telling::Events {
            return write_event(&Timed { time: now(), release: None::<&()>, step: self.step, event });
        }
        let mut state = self.state();
        if let Event::Begun { task, revision, to, chart, timeout } = event {
            let (release, chart) = (state.release.clone(), chart.clone());
            state.head = Some(Head { task: *task, release, revision: *revision, to: *to, chart, timeout: *timeout });
        }
        let head = state.head.clone();
        let told = state.story.tell(event, head.as_ref());
        if matches!(event, Event::Verdict { .. })
            && let Some(bar) = state.bar.take()
        {
            bar.finish_and_clear();
        }
        if !told.is_empty() {
            let print = || told.iter().for_each(|line| _ = writeln!(std::io::stderr(), "{line}"));
            match &state.bar {
                Some(bar) => bar.suspend(print),
                None => print(),
            }
        }
        if self.with_table {
            self.draw(&mut state, event);
        }
    }
}
