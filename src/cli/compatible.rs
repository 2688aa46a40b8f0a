//! What scripts written for the plugin helm-diff expect: its environment variables, as the flags that they stand for.

use std::ffi::{OsStr, OsString};

use crate::cli::Environment;

/// The variables, each with the flag it stands for and the names of flags that go before it.
const VARIABLES: [(&str, &str, &[&str]); 2] = [
    ("HELM_DIFF_OUTPUT", "--output", &["-o", "--output", "--stat"]),
    ("HELM_DIFF_OUTPUT_CONTEXT", "--context", &["-C", "--context"]),
];

/// The arguments, with the flags added that helm-diff's variables stand for. A flag that is given wins.
pub(super) fn with_variables(mut arguments: Vec<OsString>, environment: &Environment) -> Vec<OsString> {
    let end = arguments.iter().position(|word| word == "--").unwrap_or(arguments.len());
    let mut added: Vec<OsString> = Vec::new();
    for (variable, flag, names) in VARIABLES {
        if let Some(value) = environment.text(variable).filter(|value| !value.is_empty())
            && !is_given(&arguments[..end], names)
        {
            added.push(format!("{flag}={value}").into());
        }
    }
    if let Some(wanted) = environment.text("HELM_DIFF_COLOR").filter(|value| !value.is_empty())
        && !is_given(&arguments[..end], &["--color", "--colour", "--no-color"])
    {
        let on = matches!(wanted.to_ascii_lowercase().as_str(), "1" | "t" | "true");
        added.push(if on { "--color=always" } else { "--color=never" }.into());
    }
    arguments.splice(end..end, added);
    arguments
}

/// Whether a flag of one of these names is among the arguments: `-o json`, `-ojson`, `--output=json`.
fn is_given(arguments: &[OsString], names: &[&str]) -> bool {
    let is = |word: &OsStr, name: &str| {
        let Some(rest) = word.to_str().and_then(|word| word.strip_prefix(name)) else { return false };
        rest.is_empty() || rest.starts_with('=') || !name.starts_with("--")
    };
    arguments.iter().any(|word| names.iter().any(|name| is(word, name)))
}

/// The arguments without an unknown flag, where the user wants such flags ignored.
pub(super) fn without(arguments: &[OsString], unknown: &str, environment: &Environment) -> Option<Vec<OsString>> {
    if !environment.switch("HELM_DIFF_IGNORE_UNKNOWN_FLAGS") {
        return None;
    }
    let is = |word: &OsString| {
        let word = word.to_string_lossy();
        word == unknown || word.strip_prefix(unknown).is_some_and(|rest| rest.starts_with('='))
    };
    let at = arguments.iter().position(is)?;
    let mut rest = arguments.to_vec();
    rest.remove(at);
    Some(rest)
}
