//! The table of what is waited for, with the roll-out drawn pod by pod.
//!
//! ```text
//! upgrading web to revision 4 (web-0.2.0) · 12s of 5m
//!   deployment/web     2/3 ready  ●●◐○   waits for 1 of 3 pods
//!   statefulset/db     1/1 ready  ●
//! ```

use jiff::Timestamp;
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
    /// The time at which it is drawn, for ages.
    pub now: Timestamp,
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
    let counts = counts(row, word);
    painter.paint(&mut line, role, &counts);
    let used = 2 + longest + 2 + counts.width();
    let pods = row.pods.len().min(MOST_PODS);
    line.push_str("  ");
    row.pods.iter().take(MOST_PODS).for_each(|pod| self::pod(&mut line, pod, painter));
    if row.pods.len() > MOST_PODS {
        line.push_str(&format!("+{}", row.pods.len() - MOST_PODS));
    }
    let reason = more(row, frame.now);
    let room = frame.width.saturating_sub(used + 2 + pods + 4);
    painter.paint(&mut line, Role::Dim, &cut(&clean(&reason), room));
    line
}

/// How many pods are ready, new and old.
fn counts(row: &Row, word: &str) -> String {
    if row.wanted == 0 && row.old == 0 {
        return word.to_owned();
    }
    let mut text = format!("{}/{} {word}", row.ready, row.wanted);
    if row.old > 0 {
        text.push_str(&format!(", {} updated, {} old", row.updated, row.old));
    }
    text
}

/// What is waited for, since when, and the last event.
fn more(row: &Row, now: Timestamp) -> String {
    if row.state == State::Ready {
        return String::new();
    }
    let (_, reason) = row.state.told();
    let age = row.since.map(|since| now.duration_since(since).as_secs_f64()).filter(|age| *age >= 1.0);
    let age = age.map(|age| format!(" ({})", span(age.floor()))).unwrap_or_default();
    let event = row.event.as_deref().map(|event| format!(" · {event}")).unwrap_or_default();
    format!("  {reason}{age}{event}")
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

#[cfg(test)]
mod tests {
    use super::*;
    use crate::upgrade::world::Key;

    fn row(name: &str, state: State) -> Row {
        let key = Key { group: "apps".into(), kind: "Deployment".into(), namespace: "shop".into(), name: name.into() };
        let pod = |new, look| PodLook { name: "p".into(), new, look };
        let pods =
            vec![pod(true, Look::Ready), pod(true, Look::Starting), pod(true, Look::Trouble), pod(false, Look::Ready)];
        let event = Some("Pulled: image is here".to_owned());
        Row { key, state, ready: 2, wanted: 3, updated: 2, old: 1, pods, since: None, event, hook: false }
    }

    fn drawn(rows: &[Row], width: usize) -> Vec<String> {
        let head = Head {
            task: Task::Upgrade,
            release: "web".into(),
            revision: 4,
            to: None,
            chart: "web-1.0.0".into(),
            timeout: 300,
        };
        let frame = Frame { width, painter: Painter::new(false), now: Timestamp::UNIX_EPOCH };
        lines(&head, rows, &[], (12.0, frame))
    }

    #[test]
    fn the_roll_out_is_drawn_pod_by_pod_and_what_is_not_ready_comes_first() {
        let rows = [row("api", State::Ready), row("web", State::Waiting("1 old pod is left".into()))];
        assert_eq!(
            drawn(&rows, 100),
            [
                "upgrading web to revision 4 (web-1.0.0) · 12s of 5m",
                "  deployment/web  2/3 ready, 2 updated, 1 old  ●◐✗○  1 old pod is left · Pulled: image is here",
                "  deployment/api  2/3 ready, 2 updated, 1 old  ●◐✗○",
            ]
        );
    }

    #[test]
    fn no_line_is_wider_than_the_terminal_and_nothing_steers_it() {
        let hostile = format!("\u{1b}[2J{}", "x".repeat(500));
        for line in drawn(&[row(&"n".repeat(300), State::Waiting(hostile))], 80) {
            assert!(line.width() <= 80, "{} columns: {line}", line.width());
            assert!(!line.contains('\u{1b}'), "{line:?}");
        }
    }

    #[test]
    fn spans_are_short() {
        let all = [0.0, 0.42, 9.0, 12.4, 60.0, 125.0, 3780.0].map(span);
        assert_eq!(all, ["0s", "0.4s", "9.0s", "12s", "1m", "2m5s", "1h3m"]);
    }
}
