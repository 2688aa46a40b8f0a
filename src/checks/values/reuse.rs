//! The trap of `--reuse-values`: the new chart's defaults are not taken, and its templates may meet nothing where they expect one.

use super::{MOST, at, leaves, named};
use crate::checks::{Check, Finding, Severity, Snapshot, capped};

const NAME: &str = "reuse-values";

/// So many templates are named for a value.
const READERS: usize = 3;

pub(super) const CHECK: Check = Check::new(NAME, "new defaults that --reuse-values does not take", run);

fn run(snapshot: &Snapshot<'_>) -> Vec<Finding> {
    if !snapshot.values.reuse || snapshot.is_first {
        return vec![Finding::new(NAME, Severity::Pass, "the new chart's defaults are taken")];
    }
    let chart = match &snapshot.values.chart {
        Ok(chart) => chart,
        Err(reason) => {
            let message = format!("which defaults --reuse-values does not take: {reason}");
            return vec![Finding::new(NAME, Severity::Unknown, message)];
        }
    };
    let (old, taken) = (&snapshot.releases.old, snapshot.releases.new.computed_values());
    let (mut missing, mut kept): (Vec<Vec<String>>, Vec<String>) = (Vec::new(), Vec::new());
    for steps in leaves(&chart.defaults) {
        let lacks = (1..=steps.len()).find(|end| at(&taken, &steps[..*end]).is_none());
        match lacks {
            Some(end) if !missing.iter().any(|known| *known == steps[..end]) => missing.push(steps[..end].to_vec()),
            Some(_) => {}
            // What the user has set was meant to stay.
            None if at(&old.config, &steps).is_some() || at(&snapshot.releases.new.config, &steps).is_some() => {}
            None if at(&taken, &steps) != at(&chart.defaults, &steps) => kept.push(named(&steps)),
            None => {}
        }
    }
    let mut found: Vec<Finding> = Vec::new();
    for steps in missing.iter().take(MOST) {
        let words: Vec<&str> = steps.iter().map(String::as_str).collect();
        let readers: Vec<String> =
            chart.readers(&words, READERS).into_iter().map(|place| format!("read by {place}")).collect();
        let (severity, message) = match readers.is_empty() {
            true => (Severity::Info, "new in the chart, and not taken"),
            false => (Severity::Warning, "new in the chart, and not taken: templates that read it meet nothing"),
        };
        found.push(Finding::new(NAME, severity, message).about(named(steps)).seen_by(readers));
    }
    if !kept.is_empty() {
        let count = kept.len();
        let message = match count {
            1 => "a default of the new chart is not taken: the old one stays".to_owned(),
            _ => format!("{count} defaults of the new chart are not taken: the old ones stay"),
        };
        found.push(Finding::new(NAME, Severity::Warning, message).seen_by(capped(kept, MOST)));
    }
    match found.last_mut() {
        Some(last) => {
            let hint = "--reset-then-reuse-values keeps your values and takes the chart's defaults";
            last.hint = Some(hint.to_owned());
            found
        }
        None => vec![Finding::new(NAME, Severity::Pass, "the new chart has no default that is not taken")],
    }
}
