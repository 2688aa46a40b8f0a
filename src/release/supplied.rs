//! Where each of a user's values comes from: the file or the flag that set it.

use crate::manifest::node::{Node, Value};
use crate::release::set;

/// What one file or flag supplies.
#[derive(Clone, Debug)]
pub struct Supplied {
    /// The file's name as it was given, or the flag: `--set`.
    pub origin: String,
    /// Its values; of a flag, only their places count. `None` if it can't be read here (a URL): it may set anything.
    pub tree: Option<Node>,
    /// The text of a file, for the lines of its keys.
    pub text: Option<Text>,
}

/// The text of a values file. It does not print itself with `{:?}`: it may hold secrets.
#[derive(Clone)]
pub struct Text(pub Box<str>);

impl std::fmt::Debug for Text {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Text")
    }
}

impl Supplied {
    /// What `--set` and `--set-string`, `--set-file` or `--set-json` supply with this text.
    #[must_use]
    pub fn by_flag(flag: &str, text: &str) -> Self {
        Self { origin: flag.to_owned(), tree: Some(set::places(text)), text: None }
    }

    /// What `--set-literal` supplies: the key ends at the first equals sign, and the value with the text.
    #[must_use]
    pub fn by_literal(text: &str) -> Self {
        let key = text.split_once('=').map_or(text, |(key, _)| key);
        Self { origin: "--set-literal".to_owned(), tree: Some(set::places(&format!("{key}=x"))), text: None }
    }

    /// Where it sets this: the file and the line, `prod.yaml:12`, or the flag. Nothing if it does not.
    #[must_use]
    pub fn place(&self, steps: &[&str]) -> Option<String> {
        let tree = self.tree.as_ref().filter(|tree| reaches(tree, steps))?;
        let line = self.text.as_ref().map(|text| line_of(&text.0, tree, steps)).filter(|line| *line > 0);
        Some(line.map_or_else(|| self.origin.clone(), |line| format!("{}:{line}", self.origin)))
    }
}

/// Where a value comes from: the file and the line, or the flag, that sets it last; a URL that may have set it; else where values
/// were kept from.
#[must_use]
pub fn place(supplied: &[Supplied], steps: &[&str], kept: &str) -> String {
    let unread = || supplied.iter().rev().find(|one| one.tree.is_none()).map(|one| one.origin.clone());
    supplied.iter().rev().find_map(|one| one.place(steps)).or_else(unread).unwrap_or_else(|| kept.to_owned())
}

/// The line of the last step's key. Of a block, the line of what is in it is known: its key stands above.
fn line_of(text: &str, tree: &Node, steps: &[&str]) -> u32 {
    let (mut node, mut key) = (tree, "");
    for step in steps {
        match node.get(step) {
            Some(inner) => (node, key) = (inner, step),
            None => break,
        }
    }
    let is_key = |line: &&str| {
        let rest = line.trim_start_matches(['-', ' ', '{']).trim_start_matches(['"', '\'']).strip_prefix(key);
        rest.is_some_and(|rest| rest.trim_start_matches(['"', '\'', ' ']).starts_with(':'))
    };
    let Some(last) = usize::try_from(node.line()).ok().filter(|line| *line > 0 && !key.is_empty()) else {
        return node.line();
    };
    let above: Vec<&str> = text.lines().take(last).collect();
    let nearest = above.iter().rposition(is_key).and_then(|at| u32::try_from(at + 1).ok());
    nearest.unwrap_or(node.line())
}

/// The places of a tree of values, each with its origin. A place is a JSON Pointer (RFC 6901) to a value that is no map; lists are
/// one value.
#[derive(Clone, Debug, Default)]
pub struct Origins(Vec<(String, String)>);

impl Origins {
    /// Finds the origin of each value. `supplied` comes in the order in which Helm merges it: the last one wins.
    /// Values that none of them set were `kept` from somewhere else.
    #[must_use]
    pub fn of(values: &Node, supplied: &[Supplied], kept: &str) -> Self {
        let mut found = Vec::new();
        gather(values, &mut Vec::new(), &mut |steps| {
            let sets = |one: &&Supplied| one.tree.as_ref().is_some_and(|tree| reaches(tree, steps));
            let unread = || supplied.iter().rev().find(|one| one.tree.is_none());
            let origin = supplied.iter().rev().find(sets).or_else(unread).map_or(kept, |one| one.origin.as_str());
            found.push((pointer(steps), origin.to_owned()));
        });
        Self(found)
    }

    /// The origins of what is at this pointer, or below it, or around it, each once.
    #[must_use]
    pub fn at(&self, place: &str) -> Vec<&str> {
        let within = |inner: &str, outer: &str| {
            inner.strip_prefix(outer).is_some_and(|rest| rest.is_empty() || rest.starts_with('/'))
        };
        let mut found: Vec<&str> = Vec::new();
        for (leaf, origin) in &self.0 {
            if (within(leaf, place) || within(place, leaf)) && !found.contains(&origin.as_str()) {
                found.push(origin);
            }
        }
        found
    }

    /// Whether nothing is known.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }
}

/// The steps to each value that is no map, or an empty one.
pub(crate) fn gather<'a>(node: &'a Node, steps: &mut Vec<&'a str>, found: &mut impl FnMut(&[&'a str])) {
    match node.value() {
        Value::Map(entries) if !entries.is_empty() => {
            for (key, value) in entries {
                steps.push(key);
                gather(value, steps, found);
                steps.pop();
            }
        }
        _ if steps.is_empty() => {}
        _ => found(steps),
    }
}

/// Whether a tree has something to say about a place: a value there, or one around it that is no map.
fn reaches(tree: &Node, steps: &[&str]) -> bool {
    let mut node = tree;
    for step in steps {
        match node.value() {
            Value::Map(_) => match node.get(step) {
                Some(inner) => node = inner,
                None => return false,
            },
            Value::Null => return false,
            _ => return true,
        }
    }
    true
}

/// RFC 6901.
pub(crate) fn pointer(steps: &[&str]) -> String {
    steps.iter().map(|step| format!("/{}", step.replace('~', "~0").replace('/', "~1"))).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::manifest::yaml::parse;

    #[test]
    fn the_last_that_sets_a_value_is_its_origin() {
        let file = |origin: &str, text: &str| Supplied {
            origin: origin.into(),
            tree: parse(text).ok(),
            text: Some(Text(text.into())),
        };
        let supplied = [
            file("base.yaml", "{image: {tag: a, name: n}, list: [1, 2]}"),
            file("prod.yaml", "{image: {tag: b}}"),
            Supplied::by_flag("--set", "replicas=3,list[0]=5"),
            Supplied::by_literal("text=a,b=c"),
        ];
        let values = parse("{image: {tag: b, name: n}, replicas: 3, list: [5, 2], old: 1, text: 'a,b=c'}").unwrap();
        let origins = Origins::of(&values, &supplied, "revision 6");
        for (place, origin) in [
            ("/image/tag", vec!["prod.yaml"]),
            ("/image", vec!["prod.yaml", "base.yaml"]),
            ("/replicas", vec!["--set"]),
            ("/list", vec!["--set"]),
            ("/list/1", vec!["--set"]),
            ("/old", vec!["revision 6"]),
            ("/text", vec!["--set-literal"]),
            ("/imag", vec![]),
        ] {
            assert_eq!(origins.at(place), origin, "{place}");
        }
    }

    #[test]
    fn a_place_is_the_line_of_the_key() {
        let text =
            "# base\nimage:\n  # which\n  tag: a\n\"mode\": b\nempty:\nflow: {one: 1, two: {}}\nlist:\n- a: 1\n- b\n";
        let tree = parse(text).ok();
        let supplied = [
            Supplied { origin: "a.yaml".into(), tree, text: Some(Text(text.into())) },
            Supplied::by_flag("--set", "x=1"),
        ];
        for (steps, expected) in [
            (&["image"][..], "a.yaml:2"),
            (&["image", "tag"], "a.yaml:4"),
            (&["mode"], "a.yaml:5"),
            (&["flow", "two"], "a.yaml:7"),
            (&["list"], "a.yaml:8"),
            (&["list", "1"], "a.yaml:8"),
            (&["x"], "--set"),
            (&["nowhere"], "revision 3"),
        ] {
            assert_eq!(place(&supplied, steps, "revision 3"), expected, "{steps:?}");
        }
    }

    #[test]
    fn what_could_not_be_read_may_have_set_it() {
        let supplied = [Supplied { origin: "https://example/values.yaml".into(), tree: None, text: None }];
        let origins = Origins::of(&parse("a: 1").unwrap(), &supplied, "revision 1");
        assert_eq!(origins.at("/a"), ["https://example/values.yaml"]);
    }
}
