//! How far the canary of a release is.

use std::io::{Result, Write};

use jiff::Timestamp;
use serde::Serialize;

use super::command;
use crate::report::releases::{Command, SCHEMA_VERSION, Sheet, moment, span};
use crate::report::style::{Painter, Role};
use crate::report::table::{Cell, Table};
use crate::upgrade::canary::event::{StepState, Told};
use crate::upgrade::canary::kept::{Kept, Why};
use crate::upgrade::canary::next::Standing;

/// How far a canary is.
#[derive(Clone, Debug, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct StatusView<'a> {
    schema_version: u32,
    #[serde(flatten)]
    canary: Told<'a>,
    /// How the release stands to it.
    standing: &'static str,
    /// What can be done next.
    commands: Vec<Command>,
    /// When all this was seen.
    observed: Timestamp,
}

impl<'a> StatusView<'a> {
    /// The view of what is kept.
    #[must_use]
    pub fn new(kept: &'a Kept, standing: Standing, observed: Timestamp) -> Self {
        let next = |word: &str, does: &str| Command { line: command(kept, word), does: does.to_owned() };
        let failed = kept.halted.as_ref().is_some_and(|halt| halt.why == Why::Failed);
        let mut commands = Vec::new();
        if standing == Standing::Ours && !failed {
            commands.push(next("promote", "goes on"));
        }
        match standing {
            Standing::Proven(_) => commands.push(next("promote", "ends it")),
            Standing::Foreign => commands.push(next("abort", "forgets it")),
            _ => commands.push(next("abort", "goes back")),
        }
        let standing = match standing {
            Standing::Ours => "as-left",
            Standing::Bad => "failed",
            Standing::Back => "back",
            Standing::Proven(_) => "proven",
            Standing::Foreign => "changed-by-others",
        };
        Self { schema_version: SCHEMA_VERSION, canary: Told::of(kept), standing, commands, observed }
    }

    /// Writes it for a reader.
    ///
    /// # Errors
    /// If the writer fails.
    pub fn write_text(&self, (painter, columns): (Painter, Option<u16>), out: &mut impl Write) -> Result<()> {
        let mut sheet = Sheet::new(painter);
        let Told { release, namespace, chart, base, passed, steps, by, started, .. } = &self.canary;
        let title = format!(
            "{release} in namespace {namespace}: canary to {chart}, {passed} of {} steps have passed",
            steps.len()
        );
        sheet.line(Role::Heading, &title);
        sheet.line(
            Role::Dim,
            &format!("  begun by {by} at {}; a failure goes back to revision {base}", moment(*started)),
        );
        if let Some(beside) = self.canary.beside {
            sheet.line(Role::Plain, &format!("  it runs beside {release} as {beside}"));
        }
        if let Some(halt) = self.canary.halted {
            let since = span(self.observed.duration_since(halt.since));
            sheet.line(Role::Warning, &format!("  it waits since {since}: {}", halt.reason));
        }
        match self.standing {
            "changed-by-others" => sheet.line(Role::Error, "  the release was changed by somebody else since"),
            "failed" => sheet.line(Role::Error, "  a step failed, and the release is not back"),
            "back" => sheet.line(Role::Warning, "  a step failed, and the release is back"),
            _ => {}
        }
        sheet.text.push('\n');
        let mut table = Table::new(&["STEP", "SETS", "STATE", "REV", "TIME"]);
        for (at, step) in steps.iter().enumerate() {
            let (role, state) = match step.state {
                StepState::Passed => (Role::Added, "passed"),
                StepState::Skipped => (Role::Dim, "left out"),
                StepState::Begun => (Role::Warning, "begun"),
                StepState::Waiting => (Role::Dim, "waits"),
            };
            let took = step.started.zip(step.ended).map(|(from, to)| span(to.duration_since(from)));
            table.row(vec![
                Cell::new(Role::Plain, (at + 1).to_string()),
                Cell::new(Role::Heading, step.title),
                Cell::new(role, state),
                Cell::new(Role::Plain, step.revision.map(|revision| revision.to_string()).unwrap_or_default()),
                Cell::new(Role::Dim, took.unwrap_or_default()),
            ]);
        }
        table.draw(painter, columns, &mut sheet.text);
        sheet.commands("Next", &self.commands);
        out.write_all(sheet.text.as_bytes())
    }
}
