//! What is wrong with a release, for readers: a terminal, a Markdown page, a program.
//!
//! All texts are masked before they come here; what steers a terminal or a page is taken care of here.

#[cfg(test)]
mod example;
mod json;
mod markdown;
mod text;

use serde::Serialize;

use crate::upgrade::diagnosis::Cause;

pub use json::write as write_json;
pub use markdown::markdown;
pub use text::text;

/// What was found.
#[derive(Clone, Debug, Default, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Diagnosis {
    /// The release's name.
    pub release: String,
    /// Its namespace.
    pub namespace: String,
    /// The revision looked at.
    pub revision: u32,
    /// Its status as Helm spells it.
    pub status: String,
    /// Its description.
    pub description: String,
    /// The chart, as `web-1.2.0`.
    pub chart: String,
    /// When it was looked at; RFC 3339.
    pub at: String,
    /// Whether nothing is wrong.
    pub healthy: bool,
    /// The causes, the best first.
    pub causes: Vec<Cause>,
    /// What is wrong.
    pub signs: Vec<SignLine>,
    /// The objects that take time or have a status.
    pub objects: Vec<ObjectLine>,
    /// The last lines of logs.
    pub logs: Vec<LogLines>,
    /// What happened, the oldest first.
    pub timeline: Vec<Moment>,
    /// What could not be read, and why.
    pub unread: Vec<String>,
    /// Where all of it is kept, if it is.
    pub kept: Option<Kept>,
}

/// Something that is wrong.
#[derive(Clone, Debug, Default, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct SignLine {
    /// The rule that saw it.
    pub rule: String,
    /// The object it is about.
    pub object: String,
    /// The pod that shows it.
    pub pod: Option<String>,
    /// The container that shows it.
    pub container: Option<String>,
    /// What is wrong.
    pub message: String,
    /// For so many seconds, where that is known.
    pub seconds: Option<i64>,
}

/// An object.
#[derive(Clone, Debug, Default, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct ObjectLine {
    /// As `deployment/web`.
    pub object: String,
    /// One of `ready`, `waiting`, `failed`, `unverified`, `unknown`.
    pub state: &'static str,
    /// Why it is in that state; empty where it is ready.
    pub why: String,
    /// So many pods are ready.
    pub ready: u32,
    /// So many are wanted.
    pub wanted: u32,
}

/// The last lines of a log.
#[derive(Clone, Debug, Default, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct LogLines {
    /// The pod.
    pub pod: String,
    /// The container.
    pub container: String,
    /// Whether it is of the run before the last restart.
    pub previous: bool,
    /// The lines.
    pub lines: Vec<String>,
}

/// Something that happened.
#[derive(Clone, Debug, Default, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Moment {
    /// When; RFC 3339.
    pub at: String,
    /// What.
    pub what: String,
    /// How often, where more than once.
    pub count: i64,
    /// Whether it is a warning, or a step of ours; what is neither is told where there is room.
    pub notable: bool,
}

/// Where evidence was written.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Kept {
    /// The folder.
    pub folder: String,
    /// The archive of it.
    pub archive: String,
}

impl Diagnosis {
    /// `web in namespace shop, revision 7 (failed)`
    #[must_use]
    pub fn subject(&self) -> String {
        let status = if self.status.is_empty() { String::new() } else { format!(" ({})", self.status) };
        format!("{} in namespace {}, revision {}{status}", self.release, self.namespace, self.revision)
    }

    /// What it comes to, in one sentence.
    #[must_use]
    pub fn verdict(&self) -> String {
        let waiting = self.objects.iter().filter(|object| matches!(object.state, "waiting" | "failed")).count();
        let (all, are) = (self.objects.len(), if self.objects.len() == 1 { "object is" } else { "objects are" });
        if self.healthy {
            let unverified = self.objects.iter().filter(|object| object.state != "ready").count();
            return match (all, unverified) {
                (0, _) => "healthy: nothing is wrong, and no object takes time to be ready".to_owned(),
                (_, 0) => format!("healthy: {all} {are} ready"),
                _ => format!(
                    "healthy as far as can be seen: {} of {all} {are} ready, {unverified} can't be verified",
                    all - unverified
                ),
            };
        }
        let unknown = self.objects.iter().filter(|object| object.state == "unknown").count();
        match waiting {
            0 if unknown > 0 && self.signs.is_empty() => {
                format!("can't be told: {unknown} of {all} {are} not to be seen")
            }
            0 if self.causes.is_empty() => {
                format!("revision {} is {}, and what is there now is ready", self.revision, self.status)
            }
            0 => "not well, though its objects are ready".to_owned(),
            _ => format!("not well: {waiting} of {all} {are} not ready"),
        }
    }
}

/// `3 s`, `2 min`, `5 h`, `3 d`.
fn duration(seconds: i64) -> String {
    match seconds.max(0) {
        s @ 0..=119 => format!("{s} s"),
        s @ 120..=7_199 => format!("{} min", s / 60),
        s @ 7_200..=172_799 => format!("{} h", s / 3_600),
        s => format!("{} d", s / 86_400),
    }
}

#[cfg(test)]
mod tests {
    use super::example::example;
    use super::*;

    #[test]
    fn the_verdict_says_how_many_are_ready() {
        let mut diagnosis = example();
        assert_eq!(diagnosis.verdict(), "not well: 1 of 2 objects are not ready");
        diagnosis.objects.remove(0);
        assert_eq!(diagnosis.verdict(), "not well, though its objects are ready");
        diagnosis.objects[0].state = "unknown";
        diagnosis.signs.clear();
        assert_eq!(diagnosis.verdict(), "can't be told: 1 of 1 object is not to be seen");
        diagnosis.objects[0].state = "ready";
        diagnosis.healthy = true;
        assert_eq!(diagnosis.verdict(), "healthy: 1 object is ready");
    }

    #[test]
    fn durations_are_short() {
        assert_eq!([5, 130, 8_000, 200_000].map(duration), ["5 s", "2 min", "2 h", "2 d"]);
    }
}
