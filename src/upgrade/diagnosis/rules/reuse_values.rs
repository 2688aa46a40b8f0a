//! `--reuse-values` keeps the old values, defaults of the old chart included, and so hides new defaults of the chart.

use crate::upgrade::diagnosis::message::{after, short};
use crate::upgrade::diagnosis::{Cause, Evidence};

pub(super) fn find(evidence: &Evidence) -> Vec<Cause> {
    let changes = &evidence.changes;
    if !changes.reuse_values {
        return Vec::new();
    }
    let hint = "use --reset-then-reuse-values, which takes the new chart's defaults and keeps your values over them";
    if let Some(text) = evidence.said_that("nil pointer evaluating") {
        let path = after(text, "at <.Values.").and_then(|rest| rest.split('>').next()).map(short);
        let what = path.map_or_else(
            || "a value that the new chart has by default".to_owned(),
            |path| format!("{path}, which the new chart has by default"),
        );
        return vec![Cause::certain(
            format!("--reuse-values keeps the old chart's defaults, so the templates miss {what}"),
            hint,
        )];
    }
    let (old, new) = &changes.charts;
    if !old.is_empty() && !new.is_empty() && old != new {
        let sentence =
            format!("--reuse-values keeps the defaults of {old}, so those that {new} brings are not in effect");
        return vec![Cause::possible(sentence, hint)];
    }
    Vec::new()
}

#[cfg(test)]
mod tests {
    use super::super::super::evidence::Changes;
    use super::super::super::scene::{found, said, says, web};
    use super::*;

    fn reusing(old: &str, new: &str) -> Changes {
        Changes { reuse_values: true, charts: (old.to_owned(), new.to_owned()), ..Changes::default() }
    }

    #[test]
    fn a_value_that_the_new_chart_brings_is_missed() {
        let text = "template: web/templates/a.yaml:1:2: executing \"web/templates/a.yaml\" at <.Values.probe.path>: nil pointer evaluating interface {}.path";
        let told = says("reuse-values", &Evidence { changes: reusing("web-1.0.0", "web-2.0.0"), ..said(text) });
        assert!(
            told.starts_with("--reuse-values keeps the old chart's defaults, so the templates miss probe.path, which"),
            "{told}"
        );
    }

    #[test]
    fn another_chart_may_bring_other_defaults() {
        let told = says("reuse-values", &Evidence { changes: reusing("web-1.0.0", "web-2.0.0"), ..web() });
        assert!(told.contains("keeps the defaults of web-1.0.0, so those that web-2.0.0 brings"), "{told}");
    }

    #[test]
    fn the_same_chart_has_the_same_defaults() {
        assert_eq!(found("reuse-values", &Evidence { changes: reusing("web-1.0.0", "web-1.0.0"), ..web() }), []);
        assert_eq!(found("reuse-values", &web()), []);
    }
}
