//! The values of an upgrade: what is wrong with them, and what the new chart makes of them.

mod changed;
mod dead;
mod nulls;
mod plain;
mod retyped;
mod reuse;
mod schema;
mod unknown;

#[cfg(test)]
mod tests;

use super::Check;
use super::snapshot::values::{ChartValues, is_open};
use crate::diff::changes::{Step, location};
use crate::manifest::node::{Node, Number, Value};
use crate::release::supplied::gather;

pub(super) const SCHEMA: Check = schema::CHECK;
pub(super) const DEAD: Check = dead::CHECK;
pub(super) const UNKNOWN: Check = unknown::CHECK;
pub(super) const RETYPED: Check = retyped::CHECK;
pub(super) const CHANGED: Check = changed::CHECK;
pub(super) const REUSE: Check = reuse::CHECK;
pub(super) const PLAIN: Check = plain::CHECK;
pub(super) const NULLS: Check = nulls::CHECK;

/// Of what is alike, so many are told.
const MOST: usize = 20;

/// `image.tag` of the steps to a value.
fn named(steps: &[impl AsRef<str>]) -> String {
    location(&steps.iter().map(|step| Step::Key(step.as_ref())).collect::<Vec<_>>())
}

/// What is at these steps, from map to map.
fn at<'n>(node: &'n Node, steps: &[impl AsRef<str>]) -> Option<&'n Node> {
    steps.iter().try_fold(node, |node, step| node.get(step.as_ref()))
}

/// The steps to each value that is no map, or an empty one.
fn leaves(values: &Node) -> Vec<Vec<String>> {
    let mut found = Vec::new();
    gather(values, &mut Vec::new(), &mut |steps| found.push(steps.iter().map(|&step| step.to_owned()).collect()));
    found
}

/// The index of the first step that these defaults have no place for. Below a default that is open, any key may stand, and
/// `global` is everybody's.
fn foreign_at(steps: &[String], defaults: &Node) -> Option<usize> {
    let mut node = defaults;
    for (index, step) in steps.iter().enumerate() {
        if is_open(node) || step == "global" {
            return None;
        }
        match node.get(step) {
            Some(inner) => node = inner,
            None => return Some(index),
        }
    }
    None
}

/// The key among those of a map that a mistyped one was most likely meant to be.
fn nearest(typed: &str, map: &Node) -> Option<String> {
    let distance = |key: &str| strsim::damerau_levenshtein(&typed.to_lowercase(), &key.to_lowercase());
    let keys = map.as_map().unwrap_or_default().iter().map(|(key, _)| &**key);
    let best = keys.min_by_key(|key| distance(key))?;
    (distance(best) <= 1 + best.len() / 3).then(|| best.to_owned())
}

/// Whether a value asks for nothing: nothing set is nothing lost.
fn is_off(value: &Node) -> bool {
    match value.value() {
        Value::Bool(on) => !on,
        Value::Number(number) => matches!(number, Number::Int(0)),
        Value::String(text) => text.is_empty(),
        Value::Null | Value::List(_) | Value::Map(_) => value.is_empty(),
    }
}

/// What kind of value it is, with its article.
fn kind(node: &Node) -> &'static str {
    match node.value() {
        Value::Null => "nothing",
        Value::Bool(_) => "true or false",
        Value::Number(_) => "a number",
        Value::String(_) => "text",
        Value::List(_) => "a list",
        Value::Map(_) => "a map",
    }
}

/// Whether a template takes a map around this step as it is.
fn is_within_whole(steps: &[String], index: usize, chart: &ChartValues) -> bool {
    steps[..index].iter().any(|step| chart.takes_whole(step))
}
