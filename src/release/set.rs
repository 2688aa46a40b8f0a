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

/// The keys of a text and what each is set to, several where it is a list, as Helm takes them: with a backslash before it, a comma belongs
/// to the value. (Helm: package `strvals`.)
#[must_use]
pub fn pairs(text: &str) -> Vec<(String, Vec<String>)> {
    let mut rest = text.chars().peekable();
    let mut pairs = Vec::new();
    while rest.peek().is_some() {
        let (key, end) = until(&mut rest, &['=', ',']);
        if end == Some('=') {
            pairs.push((key, given(&mut rest)));
        }
    }
    pairs
}

/// A value, or those of a list.
fn given(rest: &mut Peekable<Chars<'_>>) -> Vec<String> {
    if rest.next_if_eq(&'{').is_none() {
        return vec![until(rest, &[',']).0];
    }
    let mut values = Vec::new();
    loop {
        let (value, end) = until(rest, &[',', '}']);
        values.push(value);
        if end != Some(',') {
            rest.next_if_eq(&',');
            return values;
        }
    }
}

/// Reads up to one of these characters, and says which.
fn until(rest: &mut Peekable<Chars<'_>>, ends: &[char]) -> (String, Option<char>) {
    let mut text = String::new();
    while let Some(c) = rest.next() {
        match c {
            '\\' => text.extend(rest.next()),
            end if ends.contains(&end) => return (text, Some(end)),
            other => text.push(other),
        }
    }
    (text, None)
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
    fn what_each_key_is_set_to() {
        let told = |text: &str| -> Vec<String> {
            pairs(text).iter().map(|(key, values)| format!("{key}: {}", values.join(" | "))).collect()
        };
        assert_eq!(told(r"a.b=1\,2,c=x=y"), ["a.b: 1,2", "c: x=y"]);
        assert_eq!(told(r"a={x,y\,z\}},ports[0].name=http"), ["a: x | y,z}", "ports[0].name: http"]);
        assert_eq!(told(r"a=x{y,b=z\\,c="), ["a: x{y", r"b: z\", "c: "]);
        assert_eq!(told("nothing,a={x"), ["a: x"]);
        assert!(told("").is_empty());
    }

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
