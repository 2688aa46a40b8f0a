//! Values that the chart's schema refuses.

use crate::upgrade::diagnosis::message::{after, short};
use crate::upgrade::diagnosis::{Cause, Evidence};

/// As Helm says it (`ToRenderValues` of its package `chartutil`).
const REFUSED: &str = "values don't meet the specifications of the schema(s) in the following chart(s):";

pub(super) fn find(evidence: &Evidence) -> Vec<Cause> {
    let Some(rest) = evidence.said().find_map(|text| after(text, REFUSED)) else { return Vec::new() };
    let lines = rest
        .lines()
        .map(str::trim)
        .filter(|line| line.starts_with("- "))
        .map(|line| short(line.trim_start_matches("- ")));
    let all: Vec<String> = lines.take(5).collect();
    let what = if all.is_empty() { short(rest) } else { all.join("; ") };
    let hint = format!("correct it in the values; what the chart takes: helm show values {}", evidence.chart());
    vec![Cause::certain(format!("the values are not as the chart's schema wants them: {what}"), hint)]
}

#[cfg(test)]
mod tests {
    use super::super::super::scene::{found, said, says};

    #[test]
    fn what_the_schema_says_is_quoted() {
        let text = "Error: UPGRADE FAILED: values don't meet the specifications of the schema(s) in the following chart(s):\nweb:\n- at '/replicas': got string, want integer\n- at '': missing property 'host'\n";
        assert!(says("values-schema", &said(text)).starts_with("the values are not as the chart's schema wants them: at '/replicas': got string, want integer; at '': missing property 'host' | "));
    }

    #[test]
    fn a_schema_of_an_object_is_another() {
        assert_eq!(found("values-schema", &said("error validating data: unknown field \"spec.x\"")), []);
    }
}
