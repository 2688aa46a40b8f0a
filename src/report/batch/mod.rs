//! A batch for a reader: what would be done, how it goes, and what became of each release.

mod html;
mod look;
mod markdown;
pub mod progress;

use std::io::{Result, Write};

use jiff::Timestamp;

pub use look::LookView;

use crate::report::releases::Sheet;
use crate::report::rollout::table::span;
use crate::report::style::{Painter, Role};
use crate::report::table::{Cell, Table};
use crate::report::wording::shortened;
use crate::upgrade::batch::Outcome;
use crate::upgrade::batch::kept::{Entry, Kept};

/// A reason is cut after so many characters.
const LONGEST_REASON: usize = 300;

/// What became of a batch.
#[derive(Clone, Copy, Debug)]
pub struct BatchView<'a> {
    kept: &'a Kept,
    now: Timestamp,
}

/// The colour of an outcome.
pub(super) fn role(outcome: Outcome) -> Role {
    match outcome {
        Outcome::Upgraded => Role::Added,
        Outcome::Unchanged => Role::Dim,
        Outcome::Failed | Outcome::NotUndone | Outcome::RolledBack => Role::Error,
        Outcome::Refused | Outcome::Unproven | Outcome::Interrupted | Outcome::Undone => Role::Warning,
        Outcome::Skipped => Role::Plain,
    }
}

impl<'a> BatchView<'a> {
    /// The view of a batch, at a time.
    #[must_use]
    pub fn new(kept: &'a Kept, now: Timestamp) -> Self {
        Self { kept, now }
    }

    /// Writes a table for a reader, on so many terminal columns: what went well first, so that the rest is next to the prompt.
    ///
    /// # Errors
    /// If the writer fails.
    pub fn write_text(&self, (painter, columns): (Painter, Option<u16>), out: &mut impl Write) -> Result<()> {
        let mut sheet = Sheet::new(painter);
        sheet.text.push('\n');
        let upwards: Vec<&Entry> = self.sorted().into_iter().rev().collect();
        let mut table = self.table(&upwards);
        table.fit(columns, &["TIME", "REV", "CHART"]);
        table.draw(painter, columns, &mut sheet.text);
        let kept: Vec<&Entry> = self.sorted().into_iter().filter(|entry| entry.evidence.is_some()).collect();
        if !kept.is_empty() {
            sheet.text.push('\n');
            sheet.line(Role::Heading, "evidence");
            for entry in kept {
                sheet.line(Role::Plain, &format!("  {}  {}", entry.id, entry.evidence.as_deref().unwrap_or_default()));
            }
        }
        if !self.kept.left_out.is_empty() {
            sheet.text.push('\n');
            self.kept.left_out.iter().for_each(|line| sheet.line(Role::Warning, line));
        }
        sheet.text.push('\n');
        let worst = self.sorted().first().and_then(|entry| entry.outcome);
        sheet.line(worst.map_or(Role::Plain, role), &self.summary());
        out.write_all(sheet.text.as_bytes())
    }

    /// Writes it as Markdown, for a comment: what went wrong first.
    ///
    /// # Errors
    /// If the writer fails.
    pub fn write_markdown(&self, out: &mut impl Write) -> Result<()> {
        markdown::write(self, out)
    }

    /// Writes it as a page.
    ///
    /// # Errors
    /// If the writer fails.
    pub fn write_html(&self, out: &mut impl Write) -> Result<()> {
        html::write((&self.kept.title, &self.summary()), &self.sorted(), self.kept, out)
    }

    /// Writes what is kept of it, as one document (docs/schema/batch-state.json).
    ///
    /// # Errors
    /// If the writer fails.
    pub fn write_json(&self, out: &mut impl Write) -> Result<()> {
        out.write_all(&self.kept.write())?;
        out.write_all(b"\n")
    }

    /// `17 of 20 releases are good: 1 rolled back, 2 refused, 17 upgraded; 2m5s`.
    #[must_use]
    pub fn summary(&self) -> String {
        let kept = self.kept;
        let mut parts: Vec<String> = Outcome::ALL
            .into_iter()
            .map(|outcome| (kept.count(outcome), outcome.words()))
            .filter(|(count, _)| *count > 0)
            .map(|(count, words)| format!("{count} {words}"))
            .collect();
        if kept.open() > 0 {
            parts.push(format!("{} not begun", kept.open()));
        }
        let good = kept.count(Outcome::Upgraded) + kept.count(Outcome::Unchanged);
        let all = kept.releases.len();
        let releases = if all == 1 { "1 release is" } else { "releases are" };
        let took = span(kept.ended.unwrap_or(self.now).duration_since(kept.started).as_secs_f64());
        let mut text = match (all, parts.is_empty()) {
            (_, true) => "there are no releases".to_owned(),
            (1, _) if good == 1 => format!("the {releases} good: {}", parts.join(", ")),
            _ => format!("{good} of {all} {releases} good: {}", parts.join(", ")),
        };
        text.push_str(&format!("; {took}"));
        match &kept.shard {
            Some(shard) if shard.starts_with("without") => {
                text.push_str(&format!("; {shard}: there are no results yet"))
            }
            Some(shard) => text.push_str(&format!("; shard {shard}")),
            None => {}
        }
        text
    }

    /// The releases, the worst first, and else in their order.
    fn sorted(&self) -> Vec<&'a Entry> {
        let rank = |entry: &&Entry| {
            let outcome = entry.outcome.map(|outcome| Outcome::ALL.iter().position(|one| *one == outcome));
            outcome.flatten().unwrap_or(Outcome::ALL.len())
        };
        let mut sorted: Vec<&Entry> = self.kept.releases.iter().collect();
        sorted.sort_by_key(rank);
        sorted
    }

    fn table(&self, entries: &[&Entry]) -> Table {
        let mut table = Table::new(&["CONTEXT", "NAMESPACE", "RELEASE", "RESULT", "CHART", "REV", "TIME", "WHY"]);
        for entry in entries {
            let (role, words) = match entry.outcome {
                Some(outcome) => (role(outcome), outcome.words()),
                None if entry.running => (Role::Plain, "running"),
                None => (Role::Dim, "not begun"),
            };
            table.row(vec![
                Cell::new(Role::Dim, entry.id.context.as_deref().unwrap_or_default()),
                Cell::new(Role::Plain, &entry.id.namespace),
                Cell::new(Role::Heading, &entry.id.release),
                Cell::new(role, words),
                Cell::new(Role::Plain, charts(entry.from_chart.as_deref(), entry.to_chart.as_deref())),
                Cell::new(Role::Plain, revisions(entry)),
                Cell::new(Role::Dim, took(entry)),
                Cell::new(Role::Plain, shortened(&why(entry), LONGEST_REASON)),
            ]);
        }
        table
    }
}

/// `nginx-1.0.0 → 1.1.0`: the name once where it stays.
pub(super) fn charts(from: Option<&str>, to: Option<&str>) -> String {
    match (from, to) {
        (Some(from), Some(to)) if from == to => from.to_owned(),
        (Some(from), Some(to)) => {
            let name = from.char_indices().rev().filter(|(_, c)| *c == '-').map(|(at, _)| &from[..=at]);
            // A version may have dashes, too: the longest name that both have counts.
            let rest = name
                .filter_map(|name| to.strip_prefix(name))
                .find(|rest| rest.starts_with(|c: char| c.is_ascii_digit()));
            format!("{from} → {}", rest.unwrap_or(to))
        }
        (None, Some(to)) => to.to_owned(),
        (Some(from), None) => from.to_owned(),
        (None, None) => String::new(),
    }
}

fn revisions(entry: &Entry) -> String {
    match (entry.from, entry.revision) {
        (Some(from), Some(revision)) if from != revision => format!("{from} → {revision}"),
        (_, Some(revision)) => revision.to_string(),
        (Some(from), None) => from.to_string(),
        (None, None) => String::new(),
    }
}

/// Why it ended so, and which checks had warned before.
fn why(entry: &Entry) -> String {
    let warned = (!entry.warnings.is_empty()).then(|| format!("warnings: {}", entry.warnings.join(", ")));
    entry.reason.clone().into_iter().chain(warned).collect::<Vec<_>>().join("; ")
}

fn took(entry: &Entry) -> String {
    let both = entry.started.zip(entry.ended);
    both.map(|(started, ended)| span(ended.duration_since(started).as_secs_f64())).unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::upgrade::batch::Id;
    use crate::upgrade::batch::kept::{SCHEMA_VERSION, Told};

    pub(super) fn kept() -> Kept {
        let second = |second| Timestamp::from_second(second).unwrap();
        let entry = |name: &str, outcome: Outcome, reason: Option<&str>| {
            let id = Id { context: None, namespace: "shop".to_owned(), release: name.to_owned() };
            let mut entry = Entry::new(id, 0);
            entry.from_chart = Some("my-app-1.0.0".to_owned());
            entry.to_chart = Some("my-app-1.1.0".to_owned());
            if outcome != Outcome::Skipped {
                entry.begin(second(0));
            }
            let told = Told { from: Some(1), revision: Some(2), ..Told::new(outcome, reason.map(str::to_owned)) };
            entry.end(told, second(65));
            entry
        };
        let mut warned = entry("web", Outcome::Upgraded, None);
        warned.warnings = vec!["pinned".to_owned(), "probes".to_owned()];
        let mut failed = entry("api<b>", Outcome::RolledBack, Some("cannot pull image \"x|y\""));
        failed.evidence = Some("/tmp/evidence/api".to_owned());
        Kept {
            schema_version: SCHEMA_VERSION,
            batch: "abc".to_owned(),
            title: "plan.yaml".to_owned(),
            shard: None,
            clusters: Vec::new(),
            by: "ann@ci-7".to_owned(),
            rollback_set: false,
            left_out: vec!["b\u{1b}[31m/<i> could not be read, and is left out: refused".to_owned()],
            started: second(0),
            ended: Some(second(125)),
            looked_again: None,
            releases: vec![
                failed,
                warned,
                entry("shop\u{1b}[31m", Outcome::Skipped, Some("needs shop/api<b>, which failed")),
            ],
        }
    }

    fn written(write: impl Fn(&BatchView<'_>, &mut Vec<u8>)) -> String {
        let kept = kept();
        let mut out = Vec::new();
        write(&BatchView::new(&kept, Timestamp::UNIX_EPOCH), &mut out);
        String::from_utf8(out).unwrap()
    }

    #[test]
    fn what_went_wrong_stands_next_to_the_prompt() {
        let text = written(|view, out| view.write_text((Painter::new(false), None), out).unwrap());
        let expected = "
NAMESPACE  RELEASE         RESULT       CHART                 REV    TIME  WHY
shop       web             upgraded     my-app-1.0.0 → 1.1.0  1 → 2  1m5s  warnings: pinned, probes
shop       shop\\u{1b}[31m  skipped      my-app-1.0.0 → 1.1.0  1 → 2        needs shop/api<b>, which failed
shop       api<b>          rolled back  my-app-1.0.0 → 1.1.0  1 → 2  1m5s  cannot pull image \"x|y\"

evidence
  shop/api<b>  /tmp/evidence/api

b\\u{1b}[31m/<i> could not be read, and is left out: refused

1 of 3 releases are good: 1 rolled back, 1 skipped, 1 upgraded; 2m5s
";
        assert_eq!(text, expected);
    }

    #[test]
    fn content_stays_content_in_markdown_and_html() {
        for text in
            [written(|view, out| view.write_markdown(out).unwrap()), written(|view, out| view.write_html(out).unwrap())]
        {
            assert!(!text.contains("api<b>") && !text.contains('\u{1b}'), "{text}");
            assert!(text.contains("1 of 3 releases are good") && !text.contains("<i>"), "{text}");
            assert!(text.contains("could not be read, and is left out"), "{text}");
            assert!(text.contains("warnings: pinned, probes"), "{text}");
            assert!(text.find("rolled back") < text.find("<td>web"), "the worst first: {text}");
        }
    }

    #[test]
    fn a_chart_is_named_once() {
        assert_eq!(charts(Some("my-app-1.0.0"), Some("my-app-1.1.0-rc.1")), "my-app-1.0.0 → 1.1.0-rc.1");
        assert_eq!(charts(Some("my-app-1.0.0"), Some("app-1.0.0")), "my-app-1.0.0 → app-1.0.0");
        assert_eq!(charts(None, Some("app-1.0.0")), "app-1.0.0");
        assert_eq!(charts(Some("app-1.0.0"), Some("app-1.0.0")), "app-1.0.0");
    }
}
