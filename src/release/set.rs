//! Which values a text of `--set` sets: `image.tag=1.27,ports[0].name=http,list={a,b}`. Only the places; what the values are, Helm says.

use std::iter::Peekable;
use std::str::Chars;

use crate::manifest::node::{Node, Value};

/// Keys within keys are followed to this depth, as by Helm (`strvals.MaxNestedNameLevel`).
const MAX_DEPTH: usize = 30;

/// A tree with something in each place that the text sets. What can't be read sets nothing: Helm refuses it anyway.
/// (Helm: package `strvals`.)
#[must_use]
pub fn places(text: &str) -> Node {
    let mut root = Vec::new();
    let mut rest = text.chars().peekable();
    while rest.peek().is_some() {
        let steps = key(&mut rest);
        if !steps.is_empty() {
            put(&mut root, &steps);
        }
        skip_value(&mut rest);
    }
    Node::new(Value::Map(root))
}

/// Reads up to the equals sign. What follows a bracket belongs to a list, which counts as one value.
fn key(rest: &mut Peekable<Chars<'_>>) -> Vec<String> {
    let (mut steps, mut step, mut in_list) = (Vec::new(), String::new(), false);
    while let Some(c) = rest.next() {
        match c {
            '\\' => step.extend(rest.next()),
            '=' => break,
            ',' => return Vec::new(),
            '.' if !in_list => steps.push(std::mem::take(&mut step)),
            '[' => in_list = true,
            _ if in_list => {}
            other => step.push(other),
        }
    }
    steps.push(step);
    if steps.len() > MAX_DEPTH || steps.iter().any(String::is_empty) { Vec::new() } else { steps }
}

/// Reads behind the value: up to a comma that is in no list, JSON or text in quotes.
fn skip_value(rest: &mut Peekable<Chars<'_>>) {
    let (mut depth, mut quoted) = (0_usize, false);
    while let Some(c) = rest.next() {
        match c {
            '\\' => _ = rest.next(),
            '"' if depth > 0 => quoted = !quoted,
            '{' | '[' if !quoted => depth += 1,
            '}' | ']' if !quoted => depth = depth.saturating_sub(1),
            ',' if depth == 0 => return,
            _ => {}
        }
    }
}

type Entries = Vec<(Box<str>, Node)>;

fn put(entries: &mut Entries, steps: &[String]) {
    let [step, below @ ..] = steps else { return };
    let at = entries.iter().position(|(key, _)| **key == **step);
    let inner = at.map(|at| entries.remove(at).1.into_value());
    let node = match (below.is_empty(), inner) {
        (true, _) => Node::string("set"),
        (false, inner) => {
            let mut inner = match inner {
                Some(Value::Map(inner)) => inner,
                _ => Vec::new(),
            };
            put(&mut inner, below);
            Node::new(Value::Map(inner))
        }
    };
    entries.push((step.as_str().into(), node));
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_places_of_a_text() {
        let set = |text: &str, path: &[&str]| {
            let tree = places(text);
            path.iter().try_fold(tree, |node, step| node.get(step).cloned()).is_some()
        };
        assert!(set("a.b=1,c=2", &["a", "b"]) && set("a.b=1,c=2", &["c"]));
        assert!(set("a.b=1,a.c=2", &["a", "b"]) && set("a.b=1,a.c=2", &["a", "c"]));
        assert!(set(r"a\.b=1", &["a.b"]));
        assert!(set(r"a=1\,2,b=3", &["b"]));
        assert!(set("a={x,y},b=3", &["b"]) && !set("a={x,y},b=3", &["y}"]));
        assert!(set(r#"a={"k":"v,}","l":[1,2]},b=3"#, &["b"]));
        assert!(set("ports[0].name=http", &["ports"]) && !set("ports[0].name=http", &["ports", "name"]));
        assert!(!set("", &["a"]) && !set("=1", &[""]) && !set("nothing", &["x"]));
    }
}
