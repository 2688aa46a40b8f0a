//! The key `ignore`: differences that are not shown.

use crate::config::reading::{Problem, Table, text};
use crate::diff::ignore::{Objects, Place, Rule};
use crate::manifest::node::Node;

/// The keys of a rule.
pub(super) const KEYS: [&str; 7] = ["release", "group", "kind", "name", "namespace", "paths", "managers"];

/// Reads one rule.
pub(super) fn rule(node: &Node) -> Result<Rule, Problem> {
    let table = Table::of(node, "a rule of ignore", &KEYS)?;
    let rule = Rule {
        objects: Objects {
            release: table.text("release")?,
            group: table.text("group")?,
            kind: table.text("kind")?,
            name: table.text("name")?,
            namespace: table.text("namespace")?,
        },
        paths: table.list("paths", place)?,
        managers: table.list("managers", |node| text(node, "a manager"))?,
    };
    // Such a rule would ignore everything.
    if rule == Rule::default() {
        return Err(Problem::at(table.node, "a rule of ignore names nothing"));
    }
    Ok(rule)
}

fn place(node: &Node) -> Result<Place, Problem> {
    Place::parse(&text(node, "a path")?).map_err(|what| Problem::at(node, what))
}
