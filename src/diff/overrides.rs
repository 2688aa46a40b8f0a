//! Values that a user sets and that the new chart does not know any more.

use crate::diff::changes::{Step, location};
use crate::diff::release::Both;
use crate::manifest::node::{Node, Value};
use crate::release::Release;
use crate::release::supplied::{Origins, gather, pointer};

/// A value that has lost its meaning.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct DeadOverride {
    /// Where it is: `image.pullSecret`.
    pub location: String,
    /// The part of it that the chart had and has no more: `image`.
    pub gone: String,
    /// The files or flags that set it; none if not known.
    pub origins: Vec<String>,
}

/// What is to be said of the values beside how they differ.
#[derive(Clone, Debug, Default)]
pub struct AboutValues {
    /// The defaults of the two charts, where both are known.
    pub defaults: Option<Both<Node>>,
    /// Where the user's new values come from.
    pub origins: Origins,
    /// Those that the new chart does not know any more.
    pub dead: Vec<DeadOverride>,
}

impl AboutValues {
    /// Adds where the new values come from, and which of them the new chart does not know any more.
    pub fn explain(&mut self, releases: &Both<Release>, origins: Origins) {
        let (old, new) = (&releases.old.chart.values, &releases.new.chart.values);
        let dead = dead(&releases.new.config, old, new).into_iter().map(|(steps, gone)| {
            let words: Vec<&str> = steps.iter().map(String::as_str).collect();
            DeadOverride {
                location: place(&words),
                gone: place(&words[..=gone]),
                origins: origins.at(&pointer(&words)).into_iter().map(str::to_owned).collect(),
            }
        });
        self.dead = dead.collect();
        self.origins = origins;
    }
}

/// `image.tag` of the steps to a value.
fn place(steps: &[&str]) -> String {
    location(&steps.iter().map(|step| Step::Key(step)).collect::<Vec<_>>())
}

/// The values of the user that the old chart's defaults have a place for and the new chart's have not. Where a default is empty
/// (`{}`, null) or no map, a chart takes whatever it is given, and nothing can be said.
#[must_use]
pub fn dead(supplied: &Node, old_defaults: &Node, new_defaults: &Node) -> Vec<(Vec<String>, usize)> {
    let mut found = Vec::new();
    gather(supplied, &mut Vec::new(), &mut |steps| {
        if let Some(known) = lost_at(steps, old_defaults, new_defaults) {
            found.push((steps.iter().map(|&step| step.to_owned()).collect(), known));
        }
    });
    found
}

/// The index of the step that the new defaults lack and the old ones had.
fn lost_at(steps: &[&str], old: &Node, new: &Node) -> Option<usize> {
    let (mut old, mut new) = (old, new);
    for (at, step) in steps.iter().enumerate() {
        let open = |node: &Node| !matches!(node.value(), Value::Map(entries) if !entries.is_empty());
        if open(old) || open(new) {
            return None;
        }
        old = old.get(step)?;
        match new.get(step) {
            Some(inner) => new = inner,
            None => return Some(at),
        }
    }
    None
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::manifest::yaml::parse;

    fn found(supplied: &str, old: &str, new: &str) -> Vec<String> {
        let parse = |text| parse(text).unwrap();
        let found = dead(&parse(supplied), &parse(old), &parse(new));
        found.into_iter().map(|(steps, at)| format!("{}@{at}", steps.join("."))).collect()
    }

    #[test]
    fn a_key_that_went_away_is_told() {
        assert_eq!(found("{a: {b: 1}, c: 2}", "{a: {b: 0, x: 0}, c: 0}", "{a: {x: 0}, c: 0}"), ["a.b@1"]);
        assert_eq!(found("{a: {b: {c: 1}}}", "{a: {b: {c: 0}}, z: 0}", "{z: 0}"), ["a.b.c@0"]);
    }

    #[test]
    fn keys_of_free_maps_and_unknown_keys_are_not() {
        for (supplied, old, new) in [
            ("{labels: {team: x}}", "{labels: {}}", "{labels: {}}"),
            ("{labels: {team: x}}", "{labels: {team: y}}", "{labels: {}}"),
            ("{labels: {team: x}}", "{labels: {team: y}}", "{labels: null}"),
            ("{own: 1}", "{a: 0}", "{a: 0}"),
            ("{sub: {key: 1}}", "{a: 0}", "{b: 0}"),
            ("{a: 1}", "{}", "{}"),
            ("{a: 1}", "null", "null"),
        ] {
            assert!(found(supplied, old, new).is_empty(), "{supplied}");
        }
    }
}
