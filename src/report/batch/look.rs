//! What a batch would do, a line for each release.

use super::{charts, role};
use crate::report::releases::Sheet;
use crate::report::style::{Painter, Role};
use crate::report::table::{Cell, Table};
use crate::report::wording::{counted, shortened};
use crate::upgrade::batch::Outcome;
use crate::upgrade::batch::event::{Changes, Looked};

/// A reason is cut after so many characters.
const LONGEST_REASON: usize = 300;

/// So many checks are named; the prompt shows all.
const MOST_NAMES: usize = 3;

/// What a batch would do.
#[derive(Clone, Copy, Debug)]
pub struct LookView<'a> {
    /// What the batch does.
    pub title: &'a str,
    /// The part of the batch, where it is dealt out.
    pub shard: Option<&'a str>,
    /// The releases that were looked at, in their order.
    pub looked: &'a [Looked],
    /// How many have ended in an earlier run.
    pub ended: usize,
}

impl LookView<'_> {
    /// A table for a reader, on so many terminal columns.
    #[must_use]
    pub fn text(&self, painter: Painter, columns: Option<u16>) -> String {
        let mut sheet = Sheet::new(painter);
        if !self.looked.is_empty() {
            let mut table =
                Table::new(&["WAVE", "CONTEXT", "NAMESPACE", "RELEASE", "CHART", "OBJECTS", "CHECKS", "NOTE"]);
            let waves = self.looked.iter().any(|looked| looked.wave != 0);
            for looked in self.looked {
                table.row(vec![
                    Cell::new(Role::Dim, if waves { looked.wave.to_string() } else { String::new() }),
                    Cell::new(Role::Dim, looked.id.context.as_deref().unwrap_or_default()),
                    Cell::new(Role::Plain, &looked.id.namespace),
                    Cell::new(Role::Heading, &looked.id.release),
                    Cell::new(Role::Plain, charts(looked.from_chart.as_deref(), looked.to_chart.as_deref())),
                    Cell::new(Role::Plain, objects(looked)),
                    checks(looked),
                    note(looked),
                ]);
            }
            table.fit(columns, &["CHECKS", "WAVE"]);
            table.draw(painter, columns, &mut sheet.text);
            sheet.text.push('\n');
        }
        sheet.line(Role::Heading, &self.summary());
        sheet.text
    }

    /// `plan.yaml: 17 of 20 releases are to be upgraded; 1 refused, 2 nothing to do`.
    fn summary(&self) -> String {
        let count = |outcome: Option<Outcome>| self.looked.iter().filter(|looked| looked.outcome == outcome).count();
        let all = counted(self.looked.len(), "release");
        let mut text = match (self.looked.is_empty(), self.ended) {
            (true, 0) => format!("{}: no releases to upgrade", self.title),
            (true, _) => format!("{}: all releases have ended", self.title),
            (false, _) => format!("{}: {} of {all} to be upgraded", self.title, count(None)),
        };
        let again = self.looked.iter().filter(|looked| looked.again).count();
        if again > 0 {
            text.push_str(&format!(" ({again} looked at again before)"));
        }
        for outcome in Outcome::ALL {
            let found = count(Some(outcome));
            if found > 0 {
                text.push_str(&format!(", {found} {}", outcome.words()));
            }
        }
        if self.ended > 0 {
            text.push_str(&format!("; {} have ended before", self.ended));
        }
        if let Some(shard) = self.shard {
            text.push_str(&format!("; shard {shard}"));
        }
        text
    }
}

/// `+1 ~2 -1`, and `values` where no object differs.
fn objects(looked: &Looked) -> String {
    let Changes { added, changed, removed, any } = looked.changes;
    let parts = [(added, '+'), (changed, '~'), (removed, '-')];
    let parts: Vec<String> =
        parts.into_iter().filter(|(count, _)| *count > 0).map(|(count, sign)| format!("{sign}{count}")).collect();
    match (parts.is_empty(), any, looked.to_chart.is_some()) {
        (false, _, _) => parts.join(" "),
        (true, true, _) => "none".to_owned(),
        (true, false, true) => "as is".to_owned(),
        (true, false, false) => String::new(),
    }
}

/// The first of some names; the column is narrow.
fn names(all: &[String]) -> String {
    let shown = all.iter().take(MOST_NAMES).map(String::as_str).collect::<Vec<_>>().join(", ");
    match all.len().saturating_sub(MOST_NAMES) {
        0 => shown,
        rest => format!("{shown}, {rest} more"),
    }
}

fn checks(looked: &Looked) -> Cell {
    match (looked.blockers.as_slice(), looked.warnings.as_slice()) {
        ([], []) if looked.to_chart.is_some() => Cell::new(Role::Added, "ok"),
        ([], []) => Cell::new(Role::Plain, ""),
        ([], warnings) => Cell::new(Role::Warning, format!("warns: {}", names(warnings))),
        (blockers, _) => Cell::new(Role::Error, counted(blockers.len(), "blocker")),
    }
}

fn note(looked: &Looked) -> Cell {
    match (looked.outcome, &looked.reason) {
        (Some(Outcome::Unchanged), _) => Cell::new(Role::Dim, Outcome::Unchanged.words()),
        (Some(outcome), Some(reason)) => {
            Cell::new(role(outcome), format!("{}: {}", outcome.words(), shortened(reason, LONGEST_REASON)))
        }
        (Some(outcome), None) => Cell::new(role(outcome), outcome.words()),
        (None, Some(reason)) if looked.again => {
            Cell::new(Role::Warning, format!("not now: {}", shortened(reason, LONGEST_REASON)))
        }
        (None, _) if !looked.changes.any && looked.to_chart.is_some() => {
            Cell::new(Role::Dim, "nothing to change; is to be proven")
        }
        (None, _) if looked.from_chart.is_none() => Cell::new(Role::Dim, "is installed"),
        (None, _) if looked.needs.is_empty() => Cell::new(Role::Plain, ""),
        (None, _) => {
            let needs: Vec<String> = looked.needs.iter().map(ToString::to_string).collect();
            Cell::new(Role::Dim, shortened(&format!("after {}", needs.join(", ")), LONGEST_REASON))
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::upgrade::batch::Id;

    fn looked(release: &str, outcome: Option<Outcome>) -> Looked {
        let id = |release: &str| Id { context: None, namespace: "shop".to_owned(), release: release.to_owned() };
        Looked {
            id: id(release),
            wave: 0,
            needs: vec![id("db")],
            from_chart: Some("app-1.0.0".to_owned()),
            to_chart: Some("app-1.1.0".to_owned()),
            changes: Changes { added: 1, changed: 2, removed: 0, any: true },
            blockers: Vec::new(),
            warnings: Vec::new(),
            outcome,
            reason: outcome.map(|_| "images: it is not there".to_owned()),
            again: false,
        }
    }

    #[test]
    fn a_release_is_a_line_with_what_would_become_of_it() {
        let mut refused = looked("api", Some(Outcome::Refused));
        refused.blockers = vec!["images".to_owned()];
        let mut warned = looked("web", None);
        warned.warnings = ["pinned", "quota", "probes", "images"].map(str::to_owned).to_vec();
        let mut first = looked("new", None);
        (first.from_chart, first.needs) = (None, Vec::new());
        let mut later = looked("own", None);
        (later.again, later.reason, later.to_chart) = (true, Some("no kind Own".to_owned()), None);
        later.changes = Changes::default();
        let all = [warned, refused, first, later];
        let view = LookView { title: "plan.yaml", shard: Some("0/2"), looked: &all, ended: 4 };
        let expected = "\
NAMESPACE  RELEASE  CHART              OBJECTS  CHECKS                                NOTE
shop       web      app-1.0.0 → 1.1.0  +1 ~2    warns: pinned, quota, probes, 1 more  after shop/db
shop       api      app-1.0.0 → 1.1.0  +1 ~2    1 blocker                             refused: images: it is not there
shop       new      app-1.1.0          +1 ~2    ok                                    is installed
shop       own      app-1.0.0                                                         not now: no kind Own

plan.yaml: 3 of 4 releases to be upgraded (1 looked at again before), 1 refused; 4 have ended before; shard 0/2
";
        assert_eq!(view.text(Painter::new(false), None), expected);
    }
}
