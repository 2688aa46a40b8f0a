//! The chart's templates can't be rendered with these values.

use crate::upgrade::diagnosis::message::{after, before, between, has, has_any, line_with, short};
use crate::upgrade::diagnosis::{Cause, Evidence};

/// How Helm's engine says it.
const WORDS: [&str; 5] =
    ["execution error at (", "error calling ", "nil pointer evaluating", "parse error at (", "YAML parse error on "];

pub(super) fn find(evidence: &Evidence) -> Vec<Cause> {
    let line = evidence.said().find_map(|text| WORDS.iter().find_map(|words| line_with(text, words)));
    let Some(line) = line else { return Vec::new() };
    // With --reuse-values there is a better explanation.
    if evidence.changes.reuse_values && has(line, "nil pointer evaluating") {
        return Vec::new();
    }
    let place = between(line, "at (", ")")
        .or_else(|| between(line, "template: ", ": executing"))
        .or_else(|| after(line, "YAML parse error on ").and_then(|rest| before(rest, ":")));
    let at = place.map(|place| format!("{} ", short(place))).unwrap_or_default();
    let cause = if let Some(path) =
        after(line, "nil pointer evaluating ").map(|rest| rest.split_whitespace().next().unwrap_or(rest))
    {
        let key = path.trim_start_matches("interface {}").rsplit("}.").next().unwrap_or(path).trim_matches(['.', ':']);
        let values = after(line, "at <.").and_then(|rest| before(rest, ">")).filter(|rest| rest.starts_with("Values."));
        let what = values.map_or_else(|| key.to_owned(), |path| path.trim_start_matches("Values.").to_owned());
        Cause::certain(
            format!("the template {at}asks for {}, and what is above it has no value", short(&what)),
            format!(
                "give {} a value, as the chart's values.yaml has it: helm show values {}",
                short(&what),
                evidence.chart()
            ),
        )
    } else if has(line, "YAML parse error on ") || has(line, "error converting YAML") {
        Cause::certain(
            format!("the template {at}renders what is no YAML: {}", short(line.rsplit(": ").next().unwrap_or(line))),
            format!(
                "look for a value with a colon, a # or several lines that is not quoted: helm template {} --debug",
                evidence.chart()
            ),
        )
    } else {
        let why = after(line, "): ").or_else(|| line.rsplit_once(": ").map(|(_, why)| why)).unwrap_or(line);
        let hint = match has_any(line, &["required", "error calling required", "must", "missing", "please set"]) {
            true => "give the value that the chart asks for with -f or --set",
            false => "correct the value that the message names, or the chart",
        };
        Cause::certain(format!("the template {at}can't be rendered: {}", short(why)), hint)
    };
    vec![cause]
}

#[cfg(test)]
mod tests {
    use super::super::super::evidence::Changes;
    use super::super::super::scene::{found, said, says};
    use super::*;

    const NIL: &str = "Error: UPGRADE FAILED: template: web/templates/deployment.yaml:12:20: executing \"web/templates/deployment.yaml\" at <.Values.ingress.tls.secret>: nil pointer evaluating interface {}.secret";

    #[test]
    fn a_value_that_is_missing_is_named() {
        let told = says("template", &said(NIL));
        assert!(told.starts_with("the template web/templates/deployment.yaml:12:20 asks for ingress.tls.secret, and what is above it has no value | give ingress.tls.secret a value"), "{told}");
    }

    #[test]
    fn what_a_chart_requires_is_quoted() {
        let text = "Error: UPGRADE FAILED: execution error at (web/templates/secret.yaml:3:14): password is required";
        let told = says("template", &said(text));
        assert!(
            told.starts_with(
                "the template web/templates/secret.yaml:3:14 can't be rendered: password is required | give the value"
            ),
            "{told}"
        );
    }

    #[test]
    fn what_is_no_yaml_names_its_template() {
        let text = "Error: UPGRADE FAILED: YAML parse error on web/templates/cm.yaml: error converting YAML to JSON: yaml: line 4: mapping values are not allowed in this context";
        assert!(says("template", &said(text)).starts_with(
            "the template web/templates/cm.yaml renders what is no YAML: mapping values are not allowed in this context"
        ));
    }

    #[test]
    fn reused_values_have_a_rule_of_their_own() {
        let changes = Changes { reuse_values: true, ..Changes::default() };
        assert_eq!(found("template", &Evidence { changes, ..said(NIL) }), []);
    }

    #[test]
    fn the_upgrade_itself_is_no_template() {
        assert_eq!(found("template", &said("Error: UPGRADE FAILED: context deadline exceeded")), []);
    }
}
