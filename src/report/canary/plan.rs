//! The plan of a canary: what each step sets, and how many pods and what requests that comes to.

use std::time::Duration;

use crate::report::releases::Sheet;
use crate::report::releases::span;
use crate::report::style::{Painter, Role};
use crate::report::table::{Cell, Table};
use crate::report::wording::counted;
use crate::upgrade::canary::event::Planned;
use crate::upgrade::canary::kept::{Chart, Stable};
use crate::upgrade::canary::pods::{Pods, total};

/// The plan.
#[derive(Clone, Copy, Debug)]
pub struct PlanView<'a> {
    /// The release's name.
    pub release: &'a str,
    /// The chart.
    pub chart: &'a Chart,
    /// The revision to which a failure leads back.
    pub base: u32,
    /// What runs before.
    pub before: &'a [Pods],
    /// The steps.
    pub steps: &'a [Planned],
    /// How long each step is watched.
    pub interval: Duration,
    /// The stable release, where it runs beside that.
    pub beside: Option<&'a Stable>,
}

impl PlanView<'_> {
    /// A table for a reader, on so many terminal columns.
    #[must_use]
    pub fn text(&self, painter: Painter, columns: Option<u16>) -> String {
        let mut sheet = Sheet::new(painter);
        let Self { release, chart, base, .. } = self;
        let steps = counted(self.steps.len(), "step");
        let title = format!(
            "Canary of {release} to {}-{} in {steps}; a failure goes back to revision {base}",
            chart.name, chart.version
        );
        sheet.line(Role::Heading, &title);
        if let Some(stable) = self.beside {
            let text = format!(
                "{} runs beside {release}, which is scaled down as it grows and upgraded with the last step",
                stable.canary
            );
            sheet.line(Role::Plain, &text);
        }
        let mut table = Table::new(&["STEP", "SETS", "PODS", "CPU", "MEMORY", "THEN"]);
        row(&mut table, ("now", "", ""), self.before);
        let last = self.steps.len();
        for (at, step) in self.steps.iter().enumerate() {
            let watched = span(self.interval.try_into().unwrap_or(jiff::SignedDuration::MAX));
            let then = match (at + 1 == last, step.pause, step.confirm) {
                (true, ..) => "is marked as proven".to_owned(),
                (_, true, _) => format!("is watched for {watched}, then it pauses"),
                (_, _, true) => format!("is watched for {watched}, then it asks"),
                _ => format!("is watched for {watched}"),
            };
            row(&mut table, (&(at + 1).to_string(), &step.title, &then), &step.pods);
        }
        table.draw(painter, columns, &mut sheet.text);
        sheet.text.push('\n');
        sheet.text
    }
}

fn row(table: &mut Table, (number, title, then): (&str, &str, &str), pods: &[Pods]) {
    let (count, cpu, memory) = total(pods);
    table.row(vec![
        Cell::new(Role::Plain, number),
        Cell::new(Role::Heading, title),
        Cell::new(Role::Plain, count.to_string()),
        Cell::new(Role::Plain, cpu),
        Cell::new(Role::Plain, memory),
        Cell::new(Role::Dim, then),
    ]);
}
