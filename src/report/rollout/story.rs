//! A run told line by line, for a log and for what stays on a terminal.

use std::collections::HashMap;

use super::table::{Head, span};
use crate::report::style::{Painter, Role};
use crate::upgrade::event::{Event, GateState, Report, Task, Verdict};
use crate::upgrade::judge::{Row, Sign, State};
use crate::upgrade::next::Ending;

/// More objects of one kind that stand alike are told together: charts have dozens of rules and monitors that never say how they are.
const MOST_ALIKE: usize = 4;

/// Tells events as lines, and remembers what it has told.
#[derive(Debug)]
pub struct Story {
    painter: Painter,
    /// Whether a table shows how far things are, so that lines need not.
    with_table: bool,
    rows: HashMap<String, String>,
    signs: Vec<String>,
}

impl Story {
    /// Nothing is told yet.
    #[must_use]
    pub fn new(painter: Painter, with_table: bool) -> Self {
        Self { painter, with_table, rows: HashMap::new(), signs: Vec::new() }
    }

    /// What there is to say of an event.
    pub fn tell(&mut self, event: &Event, head: Option<&Head>) -> Vec<String> {
        match event {
            Event::Observed { .. } => self.observed(event),
            Event::Notice { text } => vec![self.line(Role::Plain, "·", text)],
            Event::Warning { text } => vec![self.line(Role::Warning, "!", text)],
            Event::Begun { task, timeout, .. } => {
                let title = head.map(Head::title).unwrap_or_default();
                let text = if *task == Task::Soak {
                    title
                } else {
                    self.rows.clear();
                    format!("{title}, within {}", span(*timeout as f64))
                };
                if self.with_table { Vec::new() } else { vec![self.line(Role::Heading, "→", &text)] }
            }
            Event::Progress { rows, signs, elapsed, .. } => self.progress(rows, signs, *elapsed),
            Event::HelmEnded { success: true, .. } | Event::Recorded { .. } => Vec::new(),
            Event::HelmEnded { message, .. } => vec![self.line(Role::Error, "✗", &format!("helm: {message}"))],
            // What the soak came to is told as of each gate; the table shows how far it is.
            Event::Verdict { task: Task::Soak, .. } => Vec::new(),
            Event::Gate { name, state: GateState::Running, .. } if self.with_table && name.starts_with("soak ") => {
                Vec::new()
            }
            Event::Verdict { task, result, reasons, elapsed } => self.verdict((*task, *result), reasons, *elapsed),
            Event::Gate { name, state, detail } => vec![self.gate(name, *state, detail)],
            Event::Evidence { folder, archive, cause, .. } => {
                let mut lines = Vec::new();
                if !folder.is_empty() {
                    lines.push(self.line(
                        Role::Plain,
                        "·",
                        &format!("the evidence is kept in {folder}, and as one file:"),
                    ));
                    lines.push(self.line(Role::Plain, "   ", archive));
                }
                lines.extend(cause.iter().map(|cause| self.line(Role::Error, "✗", &format!("likely cause: {cause}"))));
                lines
            }
            Event::Compared { revision, objects, differing } => vec![self.compared(*revision, *objects, differing)],
            Event::Proven { revision } => vec![self.line(Role::Added, "✓", &format!("revision {revision} is proven"))],
            Event::Pruned { revisions } if revisions.is_empty() => Vec::new(),
            Event::Pruned { revisions } => {
                let list: Vec<String> = revisions.iter().map(u32::to_string).collect();
                vec![self.line(Role::Dim, "·", &format!("old revisions removed: {}", list.join(", ")))]
            }
            Event::Done(_) => Vec::new(),
        }
    }

    fn observed(&self, event: &Event) -> Vec<String> {
        let Event::Observed { release, namespace, deployed, last, proven, target, rollback, nothing_to_do } = event
        else {
            return Vec::new();
        };
        let mut at = match deployed {
            Some(deployed) => format!("{release} in {namespace}: revision {deployed} is deployed"),
            None => format!("{release} in {namespace}: nothing is deployed"),
        };
        if let Some(deployed) = deployed {
            at.push_str(if proven.contains(deployed) { " and proven" } else { ", and not proven" });
        }
        if let Some((last, status)) = last.as_ref().filter(|(last, _)| Some(*last) != *deployed) {
            at.push_str(&format!("; the last one is {last}, {status}"));
        }
        let mut lines = vec![self.line(Role::Heading, "·", &at)];
        match (target, rollback) {
            (Some(target), Some(command)) => {
                lines.push(self.line(
                    Role::Plain,
                    "·",
                    &format!("where it fails, it goes back to revision {target}; by hand:"),
                ));
                lines.push(self.line(Role::Plain, "   ", command));
            }
            _ if deployed.is_some() && !nothing_to_do => {
                lines.push(self.line(Role::Warning, "!", "there is no good revision to go back to"))
            }
            _ => {}
        }
        lines
    }

    /// Rows that are news, a line each; many of one kind of which the same is told are one line.
    fn rows_of(&mut self, rows: &[Row], elapsed: f64) -> Vec<String> {
        let mut news: Vec<(Role, &str, String, String)> = Vec::new();
        for row in rows {
            let name = row.key.to_string();
            let (word, reason) = row.state.told();
            let counts = if row.wanted > 0 { format!("{}/{} ready", row.ready, row.wanted) } else { word.to_owned() };
            let reason =
                if reason.is_empty() || row.state == State::Ready { String::new() } else { format!(", {reason}") };
            let told = format!("{counts}{reason}");
            if self.rows.get(&name) != Some(&told) {
                let role = if row.state == State::Ready { Role::Added } else { Role::Plain };
                self.rows.insert(name.clone(), told.clone());
                news.push((role, &row.key.kind, name, told));
            }
        }
        let mut lines = Vec::new();
        let mut folded: Vec<(&str, &str)> = Vec::new();
        for (role, kind, name, told) in &news {
            let many = news.iter().filter(|(_, other, _, says)| other == kind && says == told).count();
            let text = match many > MOST_ALIKE {
                true if folded.contains(&(*kind, told.as_str())) => continue,
                true => format!("{many} × {}: {told}", name.split('/').next().unwrap_or_default()),
                false => format!("{name}: {told}"),
            };
            folded.push((*kind, told.as_str()));
            lines.push(self.line(*role, &format!("  {:>5}", span(elapsed)), &text));
        }
        lines
    }

    /// Rows and signs that are news.
    fn progress(&mut self, rows: &[Row], signs: &[Sign], elapsed: f64) -> Vec<String> {
        let mut lines = if self.with_table { Vec::new() } else { self.rows_of(rows, elapsed) };
        for sign in signs {
            let pod = sign.pod.as_deref().map(|pod| format!(" (pod {pod})")).unwrap_or_default();
            let text = format!("{}: {}{pod}", sign.object, sign.message);
            if !self.signs.contains(&text) {
                if !self.with_table {
                    lines.push(self.line(Role::Warning, "!", &text));
                }
                self.signs.push(text);
            }
        }
        lines
    }

    fn verdict(&self, (task, result): (Task, Verdict), reasons: &[String], elapsed: f64) -> Vec<String> {
        let (what, after) = (name(task), span(elapsed));
        let (role, mark, word) = match result {
            Verdict::Ready => (Role::Added, "✓", format!("{what}: everything is ready after {after}")),
            Verdict::Failed => (Role::Error, "✗", format!("{what}: failed after {after}")),
            Verdict::TimedOut => (Role::Error, "✗", format!("{what}: not ready within {after}")),
            Verdict::Interrupted => (Role::Warning, "!", format!("{what}: interrupted after {after}")),
        };
        let mut lines = vec![self.line(role, mark, &word)];
        lines.extend(reasons.iter().map(|reason| self.line(Role::Plain, "   ", reason)));
        lines
    }

    fn gate(&self, name: &str, state: GateState, detail: &str) -> String {
        let (role, mark, word) = match state {
            GateState::Running => (Role::Plain, "·", "runs"),
            GateState::Passed => (Role::Added, "✓", "passed"),
            GateState::Failed => (Role::Error, "✗", "failed"),
            GateState::Inconclusive => (Role::Warning, "!", "could not tell"),
        };
        let detail = if detail.is_empty() { String::new() } else { format!(": {detail}") };
        self.line(role, mark, &format!("{name} {word}{detail}"))
    }

    fn compared(&self, revision: u32, objects: usize, differing: &[String]) -> String {
        let plural = if objects == 1 { "" } else { "s" };
        match differing {
            [] => self.line(
                Role::Added,
                "✓",
                &format!("what runs is as revision {revision} has it: {objects} object{plural} compared"),
            ),
            some => self.line(Role::Warning, "!", &format!("not as revision {revision} has it: {}", some.join(", "))),
        }
    }

    fn line(&self, role: Role, mark: &str, text: &str) -> String {
        let mut line = String::new();
        self.painter.paint(&mut line, role, mark);
        line.push(' ');
        for (index, part) in text.lines().enumerate() {
            if index > 0 {
                line.push_str("\n  ");
            }
            let role = if matches!(role, Role::Heading) { Role::Heading } else { Role::Plain };
            self.painter.paint(&mut line, role, part);
        }
        line
    }
}

fn name(task: Task) -> &'static str {
    match task {
        Task::Upgrade => "upgrade",
        Task::Install => "installation",
        Task::Rollback => "rollback",
        Task::Look => "look",
        Task::Soak => "soak",
    }
}

/// The report at the end, as lines.
#[must_use]
pub fn report(report: &Report, painter: Painter) -> Vec<String> {
    let good = matches!(report.ending, Ending::Upgraded | Ending::Passed | Ending::Nothing | Ending::WentBack);
    let (role, mark) = match report.ending {
        _ if good => (Role::Added, "✓"),
        Ending::RolledBack | Ending::Unproven | Ending::Overtaken => (Role::Warning, "!"),
        _ => (Role::Error, "✗"),
    };
    let mut lines = vec![String::new()];
    let mut first = String::new();
    painter.paint(&mut first, role, mark);
    first.push(' ');
    painter.paint(&mut first, Role::Heading, &report.summary);
    lines.push(first);
    lines.extend(report.reasons.iter().map(|reason| plain(painter, &format!("  {reason}"))));
    let told = [
        ("likely cause", &report.cause),
        ("hint", &report.hint),
        ("evidence", &report.evidence),
        ("archive", &report.archive),
    ];
    lines.extend(told.iter().filter_map(|(name, text)| Some(plain(painter, &format!("  {name}: {}", text.as_ref()?)))));
    if !report.parts.is_empty() {
        let width = report.parts.iter().map(|part| part.name.len()).max().unwrap_or_default();
        let results = report.parts.iter().map(|part| part.result.len()).max().unwrap_or_default();
        for part in &report.parts {
            let text = format!("  {:width$}  {:results$}  {:>6}", part.name, part.result, span(part.seconds));
            lines.push(plain(painter, &text));
        }
    }
    if !report.next.is_empty() {
        lines.push(plain(painter, "  Next:"));
        lines.extend(report.next.iter().map(|next| plain(painter, &format!("    {next}"))));
    }
    lines
}

fn plain(painter: Painter, text: &str) -> String {
    let mut line = String::new();
    painter.paint(&mut line, Role::Plain, text);
    line
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::upgrade::world::Key;

    fn row(kind: &str, name: usize, state: State) -> Row {
        let (group, namespace, name) = ("monitoring.example".to_owned(), "shop".to_owned(), format!("r{name}"));
        let key = Key { group, kind: kind.to_owned(), namespace, name };
        let (pods, since, event) = (Vec::new(), None, None);
        Row { key, state, ready: 0, wanted: 0, updated: 0, old: 0, pods, since, event, hook: false }
    }

    #[test]
    fn many_that_stand_alike_are_one_line_and_what_is_news_of_one_is_told() {
        let silent = || State::Unverified("has no status".to_owned());
        let mut rows: Vec<Row> = (0..9).map(|number| row("Rule", number, silent())).collect();
        rows.extend((0..2).map(|number| row("Probe", number, State::Ready)));
        let mut story = Story::new(Painter::new(false), false);
        let first = story.progress(&rows, &[], 0.0);
        assert_eq!(first.len(), 3, "{first:#?}");
        assert!(first[0].contains("9 × rule.monitoring.example: unverified, has no status"), "{first:#?}");
        assert!(first[1].contains("probe.monitoring.example/r0: ready"), "{first:#?}");
        rows[3].state = State::Ready;
        let then = story.progress(&rows, &[], 1.0);
        assert!(then.len() == 1 && then[0].contains("rule.monitoring.example/r3: ready"), "{then:#?}");
    }
}
