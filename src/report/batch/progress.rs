//! A batch while it runs: what has happened as lines, and where each release is that is being upgraded.

use std::collections::BTreeMap;

use crate::report::rollout::table::{Head, span};
use crate::report::style::{Painter, Role, clean};
use crate::report::wording::shortened;
use crate::upgrade::batch::event::{BatchEvent, Progress as SoFar};
use crate::upgrade::batch::{Id, Outcome};
use crate::upgrade::event::{Event, GateState, Task};

use super::role;

/// A reason is cut after so many characters.
const LONGEST_REASON: usize = 160;

/// Where a release is.
#[derive(Clone, Debug, PartialEq)]
pub struct Line {
    id: String,
    doing: Option<String>,
    ready: Option<(u32, u32)>,
}

impl Line {
    /// What an event says of that; `None` for nothing.
    #[must_use]
    pub fn of(id: &Id, head: Option<&Head>, event: &Event) -> Option<Self> {
        let line = |doing: Option<String>, ready| Some(Self { id: id.to_string(), doing, ready });
        match event {
            Event::Begun { .. } => line(head.map(doing), None),
            Event::Progress { rows, .. } => {
                let (ready, wanted) =
                    rows.iter().fold((0, 0), |(ready, wanted), row| (ready + row.ready, wanted + row.wanted));
                line(None, (wanted > 0).then_some((ready, wanted)))
            }
            Event::Gate { name, state: GateState::Running, .. } => line(Some(name.clone()), None),
            _ => None,
        }
    }

    /// A line about a release, with its name before it.
    #[must_use]
    pub fn named(id: &Id, line: &str, painter: Painter) -> String {
        let mut out = String::new();
        painter.paint(&mut out, Role::Heading, &id.to_string());
        format!("{out}  {line}")
    }
}

fn doing(head: &Head) -> String {
    match head.task {
        Task::Upgrade => format!("upgrade to revision {} ({})", head.revision, head.chart),
        Task::Install => format!("installation of {}", head.chart),
        Task::Rollback => format!("rollback to revision {}", head.to.unwrap_or_default()),
        Task::Look => format!("look at revision {}", head.revision),
        Task::Soak => "soak".to_owned(),
    }
}

/// `7 of 20 done, about 3m left`.
#[must_use]
pub fn so_far(progress: &SoFar) -> String {
    let left = progress.seconds_left.map(|left| format!(", about {} left", span(left)));
    format!("{} of {} done{}", progress.done, progress.of, left.unwrap_or_default())
}

/// How far a batch is, and where each release is that is at work.
#[derive(Debug)]
pub struct Progress {
    /// Columns and rows of the terminal.
    size: (usize, usize),
    so_far: SoFar,
    /// Since when each release is at work, and where it is.
    running: BTreeMap<usize, (f64, Line)>,
}

impl Progress {
    /// Nothing has begun, on a terminal of so many columns and rows.
    #[must_use]
    pub fn new(size: (usize, usize)) -> Self {
        Self { size, so_far: SoFar::default(), running: BTreeMap::new() }
    }

    /// The batch is so far now.
    pub fn is_at(&mut self, so_far: SoFar) {
        self.so_far = so_far;
    }

    /// A release has moved on, so many seconds after the start.
    pub fn moves(&mut self, at: usize, line: Line, now: f64) {
        let (_, known) = self.running.entry(at).or_insert_with(|| (now, line.clone()));
        known.ready = line.ready;
        if line.doing.is_some() {
            known.doing = line.doing;
        }
    }

    /// A release is not worked on any more.
    pub fn over(&mut self, at: usize) {
        self.running.remove(&at);
    }

    /// The lines, no more than the terminal has.
    #[must_use]
    pub fn lines(&self, now: f64, painter: Painter) -> Vec<String> {
        let (columns, rows) = self.size;
        let mut out = vec![painted(painter, Role::Heading, &cut(&so_far(&self.so_far), columns))];
        let most = rows.saturating_sub(3).max(1);
        let shown = if self.running.len() > most { most - 1 } else { most };
        let widest = self.running.values().map(|(_, line)| line.id.chars().count()).max().unwrap_or(0).min(columns / 2);
        for (since, line) in self.running.values().take(shown) {
            let ready = line.ready.map(|(ready, wanted)| format!("  {ready}/{wanted} ready")).unwrap_or_default();
            let doing = line.doing.as_deref().unwrap_or("looking");
            let text = format!("  {:<widest$}  {doing}{ready}  {}", line.id, span(now - since));
            out.push(painted(painter, Role::Plain, &cut(&text, columns)));
        }
        if self.running.len() > shown {
            let rest = self.running.len() - shown;
            out.push(painted(painter, Role::Dim, &cut(&format!("  and {rest} more"), columns)));
        }
        out
    }
}

fn painted(painter: Painter, role: Role, text: &str) -> String {
    let mut out = String::new();
    painter.paint(&mut out, role, text);
    out
}

fn cut(text: &str, columns: usize) -> String {
    clean(text).chars().take(columns.saturating_sub(1)).collect()
}

/// What there is to say of an event. In a log, which has no line that always says so, how far the batch is stands behind each end.
#[must_use]
pub fn told(event: &BatchEvent<'_>, painter: Painter, is_log: bool) -> Vec<String> {
    let line = |id: &Id, role: Role, mark: &str, text: &str| {
        vec![Line::named(id, &painted(painter, role, &format!("{mark} {text}")), painter)]
    };
    match event {
        BatchEvent::BatchLooked { .. } | BatchEvent::BatchDone { .. } => Vec::new(),
        BatchEvent::BatchBegun { release } => line(release, Role::Plain, "→", "begins"),
        BatchEvent::BatchUndoing { release } => line(release, Role::Plain, "→", "is brought back"),
        BatchEvent::BatchEnded { release, progress } => {
            let outcome = release.outcome.unwrap_or(Outcome::Skipped);
            let why = release.reason.as_deref().map(|why| format!(": {}", shortened(why, LONGEST_REASON)));
            let text = format!("{}{}", outcome.words(), why.unwrap_or_default());
            let mut lines = line(&release.id, role(outcome), mark(outcome), &text);
            lines.extend(is_log.then(|| painted(painter, Role::Dim, &format!("· {}", so_far(progress)))));
            lines
        }
        BatchEvent::BatchSoaking { wave, until } => {
            let text = format!("· wave {wave} soaks until {}", crate::report::releases::moment(*until));
            vec![painted(painter, Role::Plain, &text)]
        }
    }
}

fn mark(outcome: Outcome) -> &'static str {
    match outcome {
        Outcome::Upgraded | Outcome::Unchanged => "✓",
        Outcome::Failed | Outcome::RolledBack | Outcome::Refused | Outcome::NotUndone => "✗",
        _ => "·",
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::upgrade::batch::kept::{Entry, Told};

    fn id(release: &str) -> Id {
        Id { context: None, namespace: "shop".to_owned(), release: release.to_owned() }
    }

    #[test]
    fn the_lines_fit_the_terminal() {
        let mut progress = Progress::new((40, 7));
        progress.is_at(SoFar { done: 7, of: 20, seconds_left: Some(180.0) });
        for at in 0..8 {
            let line = Line { id: id(&format!("web-{at}")).to_string(), doing: None, ready: Some((1, 3)) };
            progress.moves(at, line, 1.0);
        }
        let lines = progress.lines(4.0, Painter::new(false));
        assert_eq!(lines.len(), 5);
        assert_eq!(lines[0], "7 of 20 done, about 3m left");
        assert_eq!(lines[1], "  shop/web-0  looking  1/3 ready  3.0s");
        assert_eq!(lines[4], "  and 5 more");
        assert!(lines.iter().all(|line| line.chars().count() < 40), "{lines:#?}");
    }

    #[test]
    fn a_log_says_how_far_it_is_at_each_end() {
        let mut entry = Entry::new(id("web\u{1b}[31m"), 0);
        entry.end(
            Told::new(Outcome::Skipped, Some("needs shop/db, which failed".to_owned())),
            jiff::Timestamp::UNIX_EPOCH,
        );
        let progress = SoFar { done: 2, of: 3, seconds_left: Some(61.0) };
        let event = BatchEvent::BatchEnded { release: &entry, progress };
        let line = "shop/web\\u{1b}[31m  · skipped: needs shop/db, which failed";
        assert_eq!(told(&event, Painter::new(false), true), [line, "· 2 of 3 done, about 1m1s left"]);
        assert_eq!(told(&event, Painter::new(false), false), [line]);
    }
}
