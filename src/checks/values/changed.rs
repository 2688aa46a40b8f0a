//! Defaults that the new chart has changed.

use super::{MOST, at, kind, named};
use crate::checks::{Check, Finding, Severity, Snapshot, capped};
use crate::manifest::node::{Node, Value};

const NAME: &str = "changed-default";

/// Longer texts are cut, in characters.
const LONGEST: usize = 60;

pub(super) const CHECK: Check =
    Check::new(NAME, "defaults of the chart that change, under keys you set and under those you do not", run)
        .worst(Severity::Info);

fn run(snapshot: &Snapshot<'_>) -> Vec<Finding> {
    // What is secret in these is masked.
    let Some(defaults) = &snapshot.diff.about_values.defaults else {
        let message = match snapshot.values.reuse {
            true => "the chart's defaults are not taken, because of --reuse-values",
            false => "no default changes",
        };
        return vec![Finding::new(NAME, Severity::Pass, message)];
    };
    let (mut untouched, mut set) = (Vec::new(), Vec::new());
    changes(&defaults.old, &defaults.new, &mut Vec::new(), &mut |steps, old, new| {
        let line = format!("{}: {} → {}", named(steps), shown(old), shown(new));
        match at(&snapshot.releases.new.config, steps) {
            Some(_) => set.push(format!("{line}; yours: {}", snapshot.values.place(steps))),
            None => untouched.push(line),
        }
    });
    let told = |lines: Vec<String>, one: &str, many: &str| {
        let count = lines.len();
        let message = if count == 1 { one.to_owned() } else { format!("{count} {many}") };
        (count > 0).then(|| Finding::new(NAME, Severity::Info, message).seen_by(capped(lines, MOST)))
    };
    let untouched =
        told(untouched, "a default changes that you leave to the chart", "defaults change that you leave to the chart");
    let set = told(
        set,
        "a default changes where you set a value of your own, which stays",
        "defaults change where you set values of your own, which stay",
    );
    let found: Vec<Finding> = [untouched, set].into_iter().flatten().collect();
    match found.is_empty() {
        true => vec![Finding::new(NAME, Severity::Pass, "defaults come and go, and none changes")],
        false => found,
    }
}

fn changes<'a>(old: &'a Node, new: &'a Node, steps: &mut Vec<&'a str>, differ: &mut impl FnMut(&[&str], &Node, &Node)) {
    if let (Value::Map(entries), Value::Map(_)) = (old.value(), new.value()) {
        for (key, value) in entries {
            if let Some(new) = new.get(key) {
                steps.push(key);
                changes(value, new, steps, differ);
                steps.pop();
            }
        }
        return;
    }
    if old != new {
        differ(steps, old, new);
    }
}

fn shown(node: &Node) -> String {
    let text = match node.value() {
        Value::String(text) if text.is_empty() => "empty text".to_owned(),
        Value::String(text) => text.lines().next().unwrap_or_default().to_owned(),
        Value::Number(number) => number.to_string(),
        Value::Bool(on) => on.to_string(),
        Value::List(items) if items.is_empty() => "an empty list".to_owned(),
        Value::Map(entries) if entries.is_empty() => "an empty map".to_owned(),
        Value::Null => kind(node).to_owned(),
        Value::List(_) | Value::Map(_) => serde_json::to_string(node).unwrap_or_else(|_| kind(node).to_owned()),
    };
    match text.chars().count() > LONGEST {
        true => text.chars().take(LONGEST).chain(['…']).collect(),
        false => text,
    }
}
