//! Telling a batch while it runs: a line for each release that is being upgraded on a terminal, plain lines with the release's name
//! in a log, or one JSON event a line.
//!
//! What can't be written is lost, and stops nothing.

use std::collections::BTreeMap;
use std::io::Write as _;
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::Instant;

use indicatif::ProgressBar;

use crate::cli::Environment;
use crate::cli::console::{Telling, bar, event_line};
use crate::execute::Listener;
use crate::report::batch::progress::{Line, Progress, told};
use crate::report::rollout::story::Story;
use crate::report::rollout::table::Head;
use crate::report::style::Painter;
use crate::upgrade::batch::Id;
use crate::upgrade::batch::event::{BatchEvent, Progress as SoFar};
use crate::upgrade::event::Event;

/// Terminal columns and rows where nothing says how many there are.
const DEFAULT_SIZE: (u16, u16) = (100, 24);

/// Where a batch is told.
pub(super) struct Screen {
    telling: Telling,
    painter: Painter,
    with_lines: bool,
    state: Mutex<State>,
}

struct State {
    progress: Progress,
    started: Instant,
    stories: BTreeMap<usize, (Story, Option<Head>)>,
    bar: Option<ProgressBar>,
}

/// Hears what happens to one release.
pub(super) struct Ear<'a> {
    screen: &'a Screen,
    at: usize,
    /// Nothing is told without it.
    id: Option<&'a Id>,
}

impl Screen {
    pub(super) fn new(telling: Telling, painter: Painter, environment: &Environment) -> Self {
        let with_lines =
            telling == Telling::Story && environment.stderr_is_terminal && environment.text("TERM") != Some("dumb");
        let size = terminal_size::terminal_size_of(std::io::stderr());
        let (columns, rows) = size.map_or(DEFAULT_SIZE, |(width, height)| (width.0, height.0));
        let progress = Progress::new((usize::from(columns), usize::from(rows)));
        let state = State { progress, started: Instant::now(), stories: BTreeMap::new(), bar: None };
        Self { telling, painter, with_lines, state: Mutex::new(state) }
    }

    /// Hears of a release.
    pub(super) fn ear<'a>(&'a self, at: usize, id: &'a Id) -> Ear<'a> {
        Ear { screen: self, at, id: Some(id) }
    }

    /// Hears nothing: for a look.
    pub(super) fn deaf(&self, at: usize) -> Ear<'_> {
        Ear { screen: self, at, id: None }
    }

    /// So many of the releases have been looked at.
    pub(super) fn looked(&self, done: usize, all: usize) {
        if self.with_lines {
            let mut state = self.state();
            state.bar.get_or_insert_with(bar).set_message(format!("looking at the releases: {done} of {all}"));
        }
    }

    /// The releases are begun now, and the batch is so far.
    pub(super) fn starts(&self, so_far: SoFar) {
        let mut state = self.state();
        state.started = Instant::now();
        state.progress.is_at(so_far);
    }

    /// A release is not worked on any more.
    pub(super) fn over(&self, at: usize) {
        let mut state = self.state();
        state.stories.remove(&at);
        state.progress.over(at);
        self.draw(&mut state);
    }

    /// Takes the lines away, so that something else can be printed.
    pub(super) fn clear(&self) {
        if let Some(bar) = self.state().bar.take() {
            bar.finish_and_clear();
        }
    }

    /// Something has happened to the batch.
    pub(super) fn hear(&self, event: &BatchEvent<'_>) {
        match self.telling {
            Telling::Nothing => {}
            Telling::Events => event_line(None::<&()>, event),
            Telling::Story => {
                let mut state = self.state();
                if let BatchEvent::BatchEnded { progress, .. } = event {
                    state.progress.is_at(*progress);
                }
                self.print(&state, &told(event, self.painter, !self.with_lines));
                self.draw(&mut state);
            }
        }
    }

    fn hear_of(&self, (at, id): (usize, &Id), event: &Event) {
        if self.telling == Telling::Events {
            return event_line(Some(id), event);
        }
        if self.telling == Telling::Nothing {
            return;
        }
        let mut state = self.state();
        let since = state.started.elapsed().as_secs_f64();
        let story = || (Story::new(self.painter, self.with_lines), None);
        let (story, head) = state.stories.entry(at).or_insert_with(story);
        if let Event::Begun { task, revision, to, chart, timeout } = event {
            let (release, chart) = (id.release.clone(), chart.clone());
            *head = Some(Head { task: *task, release, revision: *revision, to: *to, chart, timeout: *timeout });
        }
        // Where each release stands before is in the table, and what it came to in the report.
        let lines = match event {
            Event::Observed { .. } | Event::Pruned { .. } => Vec::new(),
            _ => story.tell(event, head.as_ref()),
        };
        let line = Line::of(id, head.as_ref(), event);
        let lines: Vec<String> = lines.iter().map(|line| Line::named(id, line, self.painter)).collect();
        if let Some(line) = line {
            state.progress.moves(at, line, since);
        }
        self.print(&state, &lines);
        self.draw(&mut state);
    }

    fn print(&self, state: &State, lines: &[String]) {
        if lines.is_empty() {
            return;
        }
        let print = || lines.iter().for_each(|line| _ = writeln!(std::io::stderr(), "{line}"));
        match &state.bar {
            Some(bar) => bar.suspend(print),
            None => print(),
        }
    }

    fn draw(&self, state: &mut State) {
        if self.with_lines {
            let text = state.progress.lines(state.started.elapsed().as_secs_f64(), self.painter).join("\n");
            state.bar.get_or_insert_with(bar).set_message(text);
        }
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Listener for Ear<'_> {
    fn hear(&self, event: &Event) {
        if let Some(id) = self.id {
            self.screen.hear_of((self.at, id), event);
        }
    }
}
