//! An object that the API server does not take as it is.

use crate::upgrade::diagnosis::evidence::named;
use crate::upgrade::diagnosis::message::{after, find as find_in, has, has_any, line_with, quoted_after, short};
use crate::upgrade::diagnosis::{Cause, Evidence};

/// What has a rule of its own.
const OTHERS: [&str; 8] = [
    "immutable",
    "updates to statefulset spec",
    "may not change once set",
    "provided port is already allocated",
    "may not be more than 1048576",
    "cannot change roleRef",
    "admission",
    "primary clusterIP can not be unset",
];

pub(super) fn find(evidence: &Evidence) -> Vec<Cause> {
    evidence.said().find_map(|text| invalid(text).or_else(|| unknown_field(text))).into_iter().collect()
}

/// `Deployment.apps "web" is invalid: spec.template.spec.containers[0].image: Required value`
fn invalid(text: &str) -> Option<Cause> {
    let line = line_with(text, "\" is invalid: ").filter(|line| !has_any(line, &OTHERS))?;
    let at = find_in(line, "\" is invalid: ")?;
    let (head, name) = line.get(..at)?.rsplit_once('"')?;
    let kind = head.trim_end().rsplit(char::is_whitespace).next()?.split('.').next()?;
    let why = short(after(line, "\" is invalid: ")?);
    let object = named(kind, name);
    Some(
        Cause::certain(
            format!("{object}: the API server does not take it: {why}"),
            "correct the value that sets this field",
        )
        .on(object),
    )
}

/// `error validating data: ValidationError(Deployment.spec): unknown field "replica" in …`, `strict decoding error: unknown field "spec.x"`
fn unknown_field(text: &str) -> Option<Cause> {
    let line = line_with(text, "unknown field ")?;
    if has(line, "warning") {
        return None;
    }
    let field = quoted_after(line, "unknown field")?;
    Some(Cause::certain(
        format!("an object has the field {field}, which its kind does not have"),
        "correct the template or the values; a typing error, or a field of another version of Kubernetes",
    ))
}

#[cfg(test)]
mod tests {
    use super::super::super::scene::{found, said, says};

    #[test]
    fn the_field_is_named() {
        let text = "failed to create resource: Deployment.apps \"web\" is invalid: spec.template.spec.containers[0].image: Required value";
        assert!(says("invalid-object", &said(text)).starts_with(
            "deployment/web: the API server does not take it: spec.template.spec.containers[0].image: Required value"
        ));
    }

    #[test]
    fn an_unknown_field_is_named() {
        assert!(
            says("invalid-object", &said("error validating data: unknown field \"spec.replica\""))
                .starts_with("an object has the field spec.replica")
        );
    }

    #[test]
    fn an_immutable_field_has_a_rule_of_its_own() {
        assert_eq!(
            found(
                "invalid-object",
                &said("Deployment.apps \"web\" is invalid: spec.selector: Invalid value: x: field is immutable")
            ),
            []
        );
    }
}
