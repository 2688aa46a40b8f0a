//! A batch while it runs: what has happened as lines, and where each release is that is being upgraded.

use std::collections::BTreeMap;

use crate::report::rollout::table::{Head, span};
use crate::report::style::{Painter, Role, clean};
use crate::report::wording::shortened;
use crate::upgrade::batch::event::BatchEvent;
use crate::upgrade::batch::kept::Entry;
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

/// How far a batch is.
#[derive(Debug)]
pub struct Progress {
    /// Columns and rows of the terminal.
    size: (usize, usize),
    all: usize,
    concurrency: usize,
    done: usize,
    /// How many were upgraded, well or not, and the seconds that took.
    worked: (usize, f64),
    /// Since when each release is at work, and where it is.
    running: BTreeMap<usize, (f64, Line)>,
}

impl Progress {
    /// Nothing has begun, on a terminal of so many columns and rows.
    #[must_use]
    pub fn new(size: (usize, usize)) -> Self {
        Self { size, all: 0, concurrency: 1, done: 0, worked: (0, 0.0), running: BTreeMap::new() }
    }

    /// So many releases are to be upgraded, so many at the same time.
    pub fn starts(&mut self, all: usize, concurrency: usize) {
        (self.all, self.concurrency) = (all, concurrency.max(1));
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

    /// A release has ended.
    pub fn ended(&mut self, entry: &Entry) {
        self.done += 1;
        if let (Some(started), Some(ended)) = (entry.started, entry.ended) {
            self.worked.0 += 1;
            self.worked.1 += ended.duration_since(started).as_secs_f64();
        }
    }

    /// The seconds that are left, by what it took so far.
    fn left(&self) -> Option<f64> {
        let (count, seconds) = self.worked;
        let open = self.all.saturating_sub(self.done);
        let rounds = open.div_ceil(self.concurrency) as f64;
        (count > 0 && open > 0).then(|| seconds / count as f64 * rounds)
    }

    /// The lines, no more than the terminal has.
    #[must_use]
    pub fn lines(&self, now: f64, painter: Painter) -> Vec<String> {
        let (columns, rows) = self.size;
        // Those that are brought back end twice.
        let mut head = format!("{} of {} done", self.done.min(self.all), self.all);
        if let Some(left) = self.left() {
            head.push_str(&format!(", about {} left", span(left)));
        }
        let mut out = vec![painted(painter, Role::Heading, &cut(&head, columns))];
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

/// What there is to say of an event.
#[must_use]
pub fn told(event: &BatchEvent<'_>, painter: Painter) -> Vec<String> {
    let line = |id: &Id, role: Role, mark: &str, text: &str| {
        vec![Line::named(id, &painted(painter, role, &format!("{mark} {text}")), painter)]
    };
    match event {
        BatchEvent::BatchLooked { .. } | BatchEvent::BatchDone { .. } => Vec::new(),
        BatchEvent::BatchBegun { release } => line(release, Role::Plain, "→", "begins"),
        BatchEvent::BatchUndoing { release } => line(release, Role::Plain, "→", "is brought back"),
        BatchEvent::BatchEnded { release } => {
            let outcome = release.outcome.unwrap_or(Outcome::Skipped);
            let why = release.reason.as_deref().map(|why| format!(": {}", shortened(why, LONGEST_REASON)));
            let text = format!("{}{}", outcome.words(), why.unwrap_or_default());
            line(&release.id, role(outcome), mark(outcome), &text)
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

    fn id(release: &str) -> Id {
        Id { context: None, namespace: "shop".to_owned(), release: release.to_owned() }
    }

    #[test]
    fn the_lines_fit_the_terminal() {
        let mut progress = Progress::new((40, 7));
        progress.starts(20, 8);
        for at in 0..8 {
            let line = Line { id: id(&format!("web-{at}")).to_string(), doing: None, ready: Some((1, 3)) };
            progress.moves(at, line, 1.0);
        }
        let lines = progress.lines(4.0, Painter::new(false));
        assert_eq!(lines.len(), 5);
        assert_eq!(lines[0], "0 of 20 done");
        assert_eq!(lines[1], "  shop/web-0  looking  1/3 ready  3.0s");
        assert_eq!(lines[4], "  and 5 more");
        assert!(lines.iter().all(|line| line.chars().count() < 40), "{lines:#?}");
    }

    #[test]
    fn the_time_left_follows_from_what_the_others_took() {
        let mut progress = Progress::new((80, 24));
        progress.starts(9, 4);
        let mut entry = Entry::new(id("web"), 0);
        entry.begin(jiff::Timestamp::UNIX_EPOCH);
        entry.ended = jiff::Timestamp::from_second(30).ok();
        progress.ended(&entry);
        assert_eq!(progress.lines(30.0, Painter::new(false)), ["1 of 9 done, about 1m left"]);
    }
}
