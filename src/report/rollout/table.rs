//! The table of what is waited for, with the roll-out drawn pod by pod.
//!
//! ```text
//! upgrading web to revision 4 (web-0.2.0) · 12s of 5m
//!   deployment/web     2/3 ready  ●●◐○   waits for 1 of 3 pods
//!   statefulset/db     1/1 ready  ●
//! ```

use unicode_width::UnicodeWidthStr as _;

use crate::report::style::{Painter, Role, clean};
use crate::upgrade::event::Task;
use crate::upgrade::judge::{Look, PodLook, Row, Sign, State};

/// More rows than this are counted.
const MOST_ROWS: usize = 20;
/// More pods than this are counted.
const MOST_PODS: usize = 24;
/// More signs than this are counted.
const MOST_SIGNS: usize = 4;

/// What is under way.
#[derive(Clone, Debug)]
pub struct Head {
    /// The task.
    pub task: Task,
    /// The release's name.
    pub release: String,
    /// The revision that it makes.
    pub revision: u32,
    /// The revision that it goes back to.
    pub to: Option<u32>,
    /// The chart.
    pub chart: String,
    /// Seconds that it may take.
    pub timeout: u64,
}

impl Head {
    /// What is being done, in a few words.
    #[must_use]
    pub fn title(&self) -> String {
        let Self { release, revision, chart, .. } = self;
        match self.task {
            Task::Upgrade => format!("upgrading {release} to revision {revision} ({chart})"),
            Task::Install => format!("installing {release} ({chart})"),
            Task::Rollback => format!("rolling {release} back to revision {}", self.to.unwrap_or_default()),
            Task::Look => format!("looking at revision {revision} of {release}"),
            Task::Soak => {
                format!(
                    "watching revision {revision} of {release} for {}",
                    span(self.timeout as f64).replace(".0s", "s")
                )
            }
        }
    }
}

/// How a table is drawn.
#[derive(Clone, Copy, Debug)]
pub struct Frame {
    /// Columns of the terminal.
    pub width: usize,
    /// Its colours.
    pub painter: Painter,
}

/// The lines of the table. What is not ready comes first.
#[must_use]
pub fn lines(head: &Head, rows: &[Row], signs: &[Sign], (elapsed, frame): (f64, Frame)) -> Vec<String> {
    let mut out = vec![title(head, elapsed, frame)];
    let mut sorted: Vec<&Row> = rows.iter().collect();
    sorted.sort_by_key(|row| rank(&row.state));
    let names: Vec<String> =
        sorted.iter().take(MOST_ROWS).map(|row| clean(&row.key.to_string()).into_owned()).collect();
    let longest = names.iter().map(|name| name.width()).max().unwrap_or_default().min(frame.width / 2);
    for (row, name) in sorted.iter().zip(&names) {
        out.push(self::row(row, (name, longest), frame));
    }
    if sorted.len() > MOST_ROWS {
        let hidden = &sorted[MOST_ROWS..];
        let ready = hidden.iter().filter(|row| row.state == State::Ready).count();
        out.push(format!("  and {} more, {ready} of them ready", hidden.len()));
    }
    out.extend(signs.iter().take(MOST_SIGNS).map(|sign| self::sign(sign, frame)));
    out
}

fn title(head: &Head, elapsed: f64, frame: Frame) -> String {
    let mut line = String::new();
    frame.painter.paint(&mut line, Role::Heading, &head.title());
    let time = format!(" · {} of {}", span(elapsed), span(head.timeout as f64));
    frame.painter.paint(&mut line, Role::Dim, &time);
    line
}

fn row(row: &Row, (name, longest): (&str, usize), frame: Frame) -> String {
    let mut line = String::from("  ");
    let painter = frame.painter;
    let (role, word) = state(&row.state);
    painter.paint(&mut line, Role::Plain, &cut(name, longest));
    line.push_str(&" ".repeat(longest.saturating_sub(name.width()) + 2));
    let counts =
        if row.wanted > 0 || row.old > 0 { format!("{}/{} {word}", row.ready, row.wanted) } else { word.to_owned() };
    painter.paint(&mut line, role, &counts);
    let used = 2 + longest + 2 + counts.width();
    let pods = row.pods.len().min(MOST_PODS);
    line.push_str("  ");
    row.pods.iter().take(MOST_PODS).for_each(|pod| self::pod(&mut line, pod, painter));
    if row.pods.len() > MOST_PODS {
        line.push_str(&format!("+{}", row.pods.len() - MOST_PODS));
    }
    let (_, reason) = row.state.told();
    let reason = if reason.is_empty() || row.state == State::Ready { String::new() } else { format!("  {reason}") };
    let room = frame.width.saturating_sub(used + 2 + pods + 4);
    painter.paint(&mut line, Role::Dim, &cut(&clean(&reason), room));
    line
}

/// New pods are filled, old ones are not.
fn pod(line: &mut String, pod: &PodLook, painter: Painter) {
    let (role, sign) = match (pod.new, pod.look) {
        (_, Look::Trouble) => (Role::Error, "✗"),
        (_, Look::Leaving) => (Role::Dim, "◌"),
        (true, Look::Ready) => (Role::Added, "●"),
        (true, Look::Starting) => (Role::Changed, "◐"),
        (false, _) => (Role::Dim, "○"),
    };
    painter.paint(line, role, sign);
}

fn sign(sign: &Sign, frame: Frame) -> String {
    let mut line = String::from("  ");
    let pod = sign.pod.as_deref().map(|pod| format!(" (pod {pod})")).unwrap_or_default();
    let text = format!("! {}: {}{pod}", sign.object, sign.message);
    frame.painter.paint(&mut line, Role::Warning, &cut(&clean(&text), frame.width.saturating_sub(3)));
    line
}

fn state(state: &State) -> (Role, &'static str) {
    match state {
        State::Ready => (Role::Added, "ready"),
        State::Waiting(_) => (Role::Changed, "ready"),
        State::Failed(_) => (Role::Error, "failed"),
        State::Unverified(_) => (Role::Dim, "unverified"),
        State::Unknown(_) => (Role::Warning, "unknown"),
    }
}

fn rank(state: &State) -> u8 {
    match state {
        State::Failed(_) => 0,
        State::Waiting(_) => 1,
        State::Unknown(_) => 2,
        State::Unverified(_) => 3,
        State::Ready => 4,
    }
}

/// A text that takes no more columns than this.
fn cut(text: &str, columns: usize) -> String {
    if text.width() <= columns {
        return text.to_owned();
    }
    let mut cut = String::new();
    for letter in text.chars() {
        if cut.width() + 1 >= columns {
            break;
        }
        cut.push(letter);
    }
    if columns > 0 {
        cut.push('…');
    }
    cut
}

/// A length of time in short: `8s`, `2m5s`, `1h3m`.
#[must_use]
pub fn span(seconds: f64) -> String {
    #[allow(clippy::cast_possible_truncation, clippy::cast_sign_loss)] // times of runs are small and positive
    let whole = seconds.max(0.0).round() as u64;
    match (whole / 3600, whole / 60 % 60, whole % 60) {
        (0, 0, _) if seconds > 0.0 && seconds < 9.95 => format!("{seconds:.1}s"),
        (0, 0, s) => format!("{s}s"),
        (0, m, 0) => format!("{m}m"),
        (0, m, s) => format!("{m}m{s}s"),
        (h, m, _) => format!("{h}h{m}m"),
    }
}
