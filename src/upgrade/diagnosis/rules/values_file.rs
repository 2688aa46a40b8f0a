//! A wrong values file: it changes nothing, or has keys that the chart does not know.

use crate::upgrade::diagnosis::message::listed;
use crate::upgrade::diagnosis::{Cause, Evidence};

/// More keys than these are not named.
const MOST_KEYS: usize = 5;

pub(super) fn find(evidence: &Evidence) -> Vec<Cause> {
    let changes = &evidence.changes;
    let mut causes = Vec::new();
    let show = format!("helm show values {}", evidence.chart());
    if !changes.unknown_keys.is_empty() {
        let names: Vec<String> = changes
            .unknown_keys
            .iter()
            .take(MOST_KEYS)
            .map(|(key, similar)| match similar {
                Some(similar) => format!("{key} (similar: {similar})"),
                None => key.clone(),
            })
            .collect();
        let one = names.len() == 1;
        let (key, is) = if one { ("key", "is") } else { ("keys", "are") };
        let sentence =
            format!("the values set the {key} {}, which {is} not among the chart's defaults", listed(&names));
        causes.push(Cause::possible(sentence, format!("check the spelling and the indentation: {show}")));
    }
    if changes.same_values == Some(true) && !changes.values_files.is_empty() {
        let files = listed(&changes.values_files);
        let unchanged = if changes.same_manifest == Some(true) { ", and no object changed" } else { "" };
        let sentence = format!("with {files} the values are those of the revision before{unchanged}");
        let values = evidence.helm(&format!("get values {}", evidence.release));
        causes.push(Cause::possible(
            sentence,
            format!("if they should differ, a wrong file was named; what is in effect: {values}"),
        ));
    }
    causes
}

#[cfg(test)]
mod tests {
    use super::super::super::evidence::Changes;
    use super::super::super::scene::{found, says, web};
    use super::*;

    #[test]
    fn a_file_that_changes_nothing_may_be_the_wrong_one() {
        let changes = Changes {
            values_files: vec!["prod.yaml".to_owned()],
            same_values: Some(true),
            same_manifest: Some(true),
            ..Changes::default()
        };
        let told = says("values-file", &Evidence { changes, ..web() });
        assert!(
            told.starts_with(
                "with prod.yaml the values are those of the revision before, and no object changed | if they"
            ),
            "{told}"
        );
    }

    #[test]
    fn a_key_that_the_chart_does_not_know_is_named_with_the_most_similar() {
        let changes = Changes {
            unknown_keys: vec![("image.tga".to_owned(), Some("image.tag".to_owned())), ("x".to_owned(), None)],
            ..Changes::default()
        };
        assert!(
            says("values-file", &Evidence { changes, ..web() })
                .starts_with("the values set the keys image.tga (similar: image.tag) and x, which are not among")
        );
    }

    #[test]
    fn values_that_differ_were_read() {
        let changes =
            Changes { values_files: vec!["prod.yaml".to_owned()], same_values: Some(false), ..Changes::default() };
        assert_eq!(found("values-file", &Evidence { changes, ..web() }), []);
    }
}
