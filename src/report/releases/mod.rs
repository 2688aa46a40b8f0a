//! What the commands about releases show: each has a view in a file of its own, and the formats for it.

pub mod history;
pub mod prune;
pub mod show;
pub mod status;
pub mod unlock;

use std::io::{Result, Write};

use jiff::{SignedDuration, Timestamp};
use serde::Serialize;

use crate::report::escape::Escaping;
use crate::report::style::{Painter, Role};

/// The version of the documents' form. It grows when a field changes its meaning or goes away.
pub const SCHEMA_VERSION: u32 = 1;

/// Writes a view as JSON, indented, with a newline at its end.
///
/// # Errors
/// If the writer fails.
pub fn write_json(view: &impl Serialize, out: &mut impl Write) -> Result<()> {
    let mut serializer = serde_json::Serializer::with_formatter(&mut *out, Escaping::default());
    view.serialize(&mut serializer).map_err(std::io::Error::from)?;
    out.write_all(b"\n")
}

/// A time as the reader sees it: `2026-11-21 13:20:11`.
pub(in crate::report) fn moment(time: Timestamp) -> String {
    time.strftime("%Y-%m-%d %H:%M:%S").to_string()
}

/// A span of time in one or two units: `45 s`, `3 min 5 s`, `2 h 10 min`, `12 days`.
#[must_use]
pub fn span(time: SignedDuration) -> String {
    let seconds = time.as_secs().max(0);
    let (minutes, hours, days) = (seconds / 60, seconds / 3600, seconds / 86_400);
    let two = |first: String, rest: i64, unit: &str| if rest == 0 { first } else { format!("{first} {rest} {unit}") };
    match () {
        () if minutes == 0 => format!("{seconds} s"),
        () if hours == 0 => two(format!("{minutes} min"), seconds % 60, "s"),
        () if days < 2 => two(format!("{hours} h"), minutes % 60, "min"),
        () => format!("{days} days"),
    }
}

/// A moment and how long ago it was: `2026-11-21 13:20:11 (3 min ago)`.
fn ago(time: Timestamp, now: Timestamp) -> String {
    format!("{} ({} ago)", moment(time), span(now.duration_since(time)))
}

/// Text for a reader, piece by piece.
pub(super) struct Sheet {
    pub(super) text: String,
    pub(in crate::report) painter: Painter,
}

impl Sheet {
    pub(in crate::report) fn new(painter: Painter) -> Self {
        Self { text: String::new(), painter }
    }

    pub(in crate::report) fn put(&mut self, role: Role, text: &str) {
        self.painter.paint(&mut self.text, role, text);
    }

    pub(in crate::report) fn line(&mut self, role: Role, text: &str) {
        self.put(role, text);
        self.text.push('\n');
    }

    /// `web in namespace shop: ` and what follows on that line.
    fn head(&mut self, release: &str, namespace: &str, role: Role, rest: &str) {
        self.put(Role::Heading, release);
        self.put(Role::Plain, " in namespace ");
        self.put(Role::Heading, namespace);
        self.put(Role::Plain, ": ");
        self.line(role, rest);
    }

    /// A line with what it is about before it, aligned.
    fn fact(&mut self, name: &str, role: Role, text: &str) {
        self.put(Role::Dim, &format!("  {name:<11}"));
        self.line(role, text);
    }

    /// Commands to copy, a line each, each with what it does.
    pub(in crate::report) fn commands(&mut self, title: &str, commands: &[Command]) {
        if commands.is_empty() {
            return;
        }
        self.text.push('\n');
        self.line(Role::Heading, title);
        let widest = commands.iter().map(|command| command.line.chars().count()).max().unwrap_or(0);
        for Command { line, does } in commands {
            self.put(Role::Plain, &format!("  {line:<widest$}"));
            self.line(Role::Dim, &format!("   {does}"));
        }
    }
}

/// A command to copy.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Command {
    /// As it is typed.
    pub line: String,
    /// What it does.
    pub does: String,
}

/// Who holds, or held, the lease of a release.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Owner {
    /// Who, with the process.
    pub holder: String,
    /// Since when.
    pub since: Option<Timestamp>,
    /// When it last gave a sign of life.
    pub last_sign: Option<Timestamp>,
    /// What it is or was at.
    pub phase: Option<String>,
    /// With which revision.
    pub revision: Option<u32>,
    /// Whether it is alive; `None` if nobody knows.
    pub alive: Option<bool>,
}

impl Owner {
    /// `ann@ci-7 (process 4711), last sign of life 13:20:40 (3 s ago): watching revision 8`.
    fn sentence(&self, now: Timestamp) -> String {
        let mut text = self.holder.clone();
        if let Some(since) = self.since {
            text.push_str(&format!(", since {}", moment(since)));
        }
        if let Some(last) = self.last_sign {
            text.push_str(&format!(", last sign of life {} ago", span(now.duration_since(last))));
        }
        match (&self.phase, self.revision) {
            (Some(phase), Some(revision)) => text.push_str(&format!(": {phase}, revision {revision}")),
            (Some(phase), None) => text.push_str(&format!(": {phase}")),
            (None, Some(revision)) => text.push_str(&format!(": revision {revision}")),
            (None, None) => {}
        }
        text
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn spans_of_time_read_as_one_says_them() {
        let text = |seconds| span(SignedDuration::from_secs(seconds));
        let rows = [
            (-5, "0 s"),
            (45, "45 s"),
            (60, "1 min"),
            (185, "3 min 5 s"),
            (7800, "2 h 10 min"),
            (90_000, "25 h"),
            (1_036_800, "12 days"),
        ];
        rows.iter().for_each(|(seconds, expected)| assert_eq!(text(*seconds), *expected));
    }
}
