//! Whether the values meet the schema that the new chart has for them.

use super::{MOST, named};
use crate::checks::{Check, Finding, Severity, Snapshot};

const NAME: &str = "values-schema";

pub(super) const CHECK: Check =
    Check::new(NAME, "what of the values does not meet the new chart's schema", run).worst(Severity::Blocker);

fn run(snapshot: &Snapshot<'_>) -> Vec<Finding> {
    let values = snapshot.values;
    if values.schema_skipped {
        return match &values.chart {
            Ok(chart) if !chart.has_schema => vec![Finding::new(NAME, Severity::Pass, "the chart has no schema")],
            _ => vec![Finding::new(NAME, Severity::Info, "not looked at, because of --skip-schema-validation")],
        };
    }
    let mut found: Vec<Finding> = values
        .refused
        .iter()
        .map(|one| {
            let place = if one.steps.is_empty() { Vec::new() } else { vec![values.place(&one.steps)] };
            Finding::new(NAME, Severity::Blocker, one.message.clone()).about(named(&one.steps)).seen_by(place)
        })
        .collect();
    if found.is_empty() {
        return vec![Finding::new(NAME, Severity::Pass, "the values meet the chart's schema, where it has one")];
    }
    found.sort_by(|a, b| a.resource.cmp(&b.resource));
    let more = found.len().saturating_sub(MOST);
    found.truncate(MOST);
    if let Some(last) = found.last_mut() {
        last.evidence.extend((more > 0).then(|| format!("and {more} more")));
        last.hint = Some(
            "mend the values: Helm refuses them, accepted here or not; --skip-schema-validation goes on without the schema"
                .to_owned(),
        );
    }
    found
}
