//! The steps of a canary as a file says them: what it may say, and what is wrong with it. Its schema for editors is
//! `docs/schema/canary-steps.json`.

use jiff::SignedDuration;

use super::policy::{Gates, gates};
use super::reading::{Problem, Table, text};
use super::{failed, parsed};
use crate::error::Error;
use crate::manifest::node::{Node, Value};

/// Values are taken apart to this depth; what is deeper is set as a whole.
const MAX_DEPTH: usize = 16;

/// What a file says.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Steps {
    /// The value that sets how many pods there are.
    pub replicas_key: Option<String>,
    /// How long each step is watched before the next one.
    pub interval: Option<SignedDuration>,
    /// The steps.
    pub steps: Vec<Step>,
}

/// A step of a file.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Step {
    /// How many pods.
    pub replicas: Option<u32>,
    /// Values as `--set` takes them.
    pub set: Vec<String>,
    /// Values as `--set-json` takes them, out of a tree: each with its path, and what a reader sees of it.
    pub values: Vec<(String, String)>,
    /// Whether it ends after it until somebody promotes it.
    pub pause: bool,
    /// Whether it asks after it.
    pub confirm: bool,
    /// What is asked of this step instead of what is asked of all.
    pub gates: Option<Gates>,
}

/// Reads the steps. `name` is the file's, for messages.
///
/// # Errors
/// As [`super::read`].
pub fn read(name: &str, text: &str) -> Result<Steps, Error> {
    parse(text)
        .map_err(|problem| failed((name, text), problem, "docs/canary.md says what may stand in a file of steps"))
}

fn parse(text: &str) -> Result<Steps, Problem> {
    let root = parsed(text)?;
    let table = Table::of(&root, "the file", &["replicasKey", "interval", "steps"])?;
    let steps = table.list("steps", step)?;
    if steps.is_empty() {
        return Err(Problem::at(&root, "the file has no \"steps\""));
    }
    Ok(Steps { replicas_key: table.text("replicasKey")?, interval: table.span("interval")?, steps })
}

fn step(node: &Node) -> Result<Step, Problem> {
    let table = Table::of(node, "a step", &["replicas", "set", "values", "pause", "confirm", "gates"])?;
    let mut values = Vec::new();
    if let Some(tree) = node.get("values") {
        if !matches!(tree.value(), Value::Map(_)) {
            return Err(Problem::at(tree, "\"values\" is no map"));
        }
        leaves(tree, String::new(), 0, &mut values);
    }
    let step = Step {
        replicas: table.number("replicas", 0)?,
        set: table.list("set", |node| text(node, "a value of \"set\""))?,
        values,
        pause: table.switch("pause")?.unwrap_or(false),
        confirm: table.switch("confirm")?.unwrap_or(false),
        gates: node.get("gates").map(gates).transpose()?,
    };
    if step.replicas.is_none() && step.set.is_empty() && step.values.is_empty() {
        return Err(Problem::at(node, "a step sets nothing: it has \"replicas\", \"values\" or \"set\""));
    }
    Ok(step)
}

/// What stands at the ends of a tree, each with its path as Helm's `--set-json` reads it.
fn leaves(node: &Node, path: String, depth: usize, found: &mut Vec<(String, String)>) {
    match node.value() {
        Value::Map(entries) if (!entries.is_empty() || depth == 0) && depth < MAX_DEPTH => {
            for (key, value) in entries {
                let mut at = path.clone();
                if !at.is_empty() {
                    at.push('.');
                }
                for c in key.chars() {
                    if matches!(c, '\\' | '.' | ',' | '=' | '[' | ']') {
                        at.push('\\');
                    }
                    at.push(c);
                }
                leaves(value, at, depth + 1, found);
            }
        }
        _ => found.push((path, serde_json::to_string(node).unwrap_or_default())),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn steps_are_read() {
        let text = "\
replicasKey: web.replicas
interval: 5m
steps:
- replicas: 1
  pause: true
- values: {canary: {weight: 10, 'a.b': [x, {z: 1}], none: {}, gone: null}}
  gates: {soak: 10m, test: true}
- set: ['canary.weight=100,canary.enabled=false']
  confirm: true
";
        let steps = read("steps.yaml", text).unwrap();
        assert_eq!(
            (steps.replicas_key.as_deref(), steps.interval),
            (Some("web.replicas"), Some(SignedDuration::from_mins(5)))
        );
        assert_eq!((steps.steps[0].replicas, steps.steps[0].pause), (Some(1), true));
        let values: Vec<String> = steps.steps[1].values.iter().map(|(path, json)| format!("{path}={json}")).collect();
        let expected = ["canary.weight=10", r#"canary.a\.b=["x",{"z":1}]"#, "canary.none={}", "canary.gone=null"];
        assert_eq!(values, expected);
        assert_eq!(steps.steps[1].gates.as_ref().unwrap().soak, Some(SignedDuration::from_mins(10)));
        assert_eq!((steps.steps[2].set.len(), steps.steps[2].confirm), (1, true));
    }

    #[test]
    fn what_is_wrong_is_told_with_its_line() {
        for (text, expected) in [
            ("steps: []\n", "line 1: the file has no \"steps\""),
            ("steps:\n- pause: true\n", "line 2: a step sets nothing"),
            ("steps:\n- replicas: 1\n  puase: true\n", "line 3: a step has no key \"puase\""),
            ("steps:\n- values: [a]\n", "line 2: \"values\" is no map"),
            ("steps:\n- replicas: many\n", "line 2: \"replicas\" is no whole number"),
            ("interval: soon\nsteps:\n- replicas: 1\n", "line 1: \"interval\" is no length of time"),
            ("- a\n", "the file is no map"),
        ] {
            let message = read("steps.yaml", text).unwrap_err().message;
            assert!(message.starts_with("cannot use steps.yaml: ") && message.contains(expected), "{text}: {message}");
        }
    }
}
