//! What a revision holds, masked.

use std::io::{Result, Write};

use crate::manifest::document::Object;
use crate::manifest::emit::{self, Lead};
use crate::manifest::node::{Node, Value};
use crate::report::releases::{history, moment};
use crate::report::style::{Painter, Role, clean};

/// Parts of a revision, in the order in which they are shown. What is not asked for is `None`.
#[derive(Clone, Debug, Default)]
pub struct ShowView {
    /// What the revision is.
    pub revision: history::Row,
    /// The values.
    pub values: Option<Node>,
    /// The chart's metadata.
    pub chart: Option<Node>,
    /// The objects without hooks.
    pub manifest: Option<Vec<Object>>,
    /// The hooks.
    pub hooks: Option<Vec<Object>>,
    /// The notes.
    pub notes: Option<String>,
}

impl ShowView {
    /// Writes it as YAML. A part alone stands by itself, so that it can be used; several are titled by comments.
    ///
    /// # Errors
    /// If the writer fails.
    pub fn write_text(&self, painter: Painter, out: &mut impl Write) -> Result<()> {
        let titled = self.parts() > 1;
        let mut text = String::new();
        let title = |text: &mut String, name: &str| {
            if titled {
                if !text.is_empty() {
                    text.push('\n');
                }
                painter.paint(text, Role::Heading, &format!("# {name}"));
                text.push('\n');
            }
        };
        if titled {
            let row = &self.revision;
            let time = row.updated.map(moment).unwrap_or_default();
            let line = format!("# revision {}, {}, {time}: {}", row.revision, row.status, row.description);
            painter.paint(&mut text, Role::Dim, &line);
            text.push('\n');
        }
        for (name, part) in [("values", &self.values), ("chart", &self.chart)] {
            if let Some(node) = part {
                title(&mut text, name);
                yaml(node, &mut text);
            }
        }
        for (name, part) in [("manifest", &self.manifest), ("hooks", &self.hooks)] {
            if let Some(objects) = part {
                title(&mut text, name);
                objects.iter().for_each(|object| document(object, &mut text));
            }
        }
        if let Some(notes) = &self.notes {
            title(&mut text, "notes");
            for line in notes.lines() {
                text.push_str(&clean(line));
                text.push('\n');
            }
        }
        out.write_all(text.as_bytes())
    }

    /// The same as one tree, for JSON and YAML.
    #[must_use]
    pub fn tree(&self) -> Node {
        let objects =
            |objects: &Vec<Object>| Node::new(Value::List(objects.iter().map(|one| one.node.clone()).collect()));
        let parts = [
            ("values", self.values.clone()),
            ("chart", self.chart.clone()),
            ("manifest", self.manifest.as_ref().map(objects)),
            ("hooks", self.hooks.as_ref().map(objects)),
            ("notes", self.notes.as_deref().map(Node::string)),
        ];
        let mut parts: Vec<(&str, Node)> = parts.into_iter().filter_map(|(name, part)| Some((name, part?))).collect();
        match parts.as_slice() {
            [_] => parts.remove(0).1,
            _ => Node::new(Value::Map(parts.into_iter().map(|(name, part)| (name.into(), part)).collect())),
        }
    }

    /// Writes the tree as YAML.
    ///
    /// # Errors
    /// If the writer fails.
    pub fn write_yaml(&self, out: &mut impl Write) -> Result<()> {
        let mut text = String::new();
        yaml(&self.tree(), &mut text);
        out.write_all(text.as_bytes())
    }

    fn parts(&self) -> usize {
        usize::from(self.values.is_some())
            + usize::from(self.chart.is_some())
            + usize::from(self.manifest.is_some())
            + usize::from(self.hooks.is_some())
            + usize::from(self.notes.is_some())
    }
}

fn document(object: &Object, text: &mut String) {
    text.push_str("---\n");
    if let Some(source) = &object.source {
        text.push_str(&format!("# Source: {}\n", clean(source)));
    }
    if let Some(problem) = &object.problem {
        text.push_str(&format!("# this document can't be read: {}\n", clean(problem)));
    }
    yaml(&object.node, text);
}

fn yaml(node: &Node, text: &mut String) {
    // No values are an empty map to Helm.
    if matches!(node.value(), Value::Null) {
        text.push_str("{}\n");
        return;
    }
    emit::write(node, &Lead::root(), &mut |line| {
        text.push_str(&clean(&line));
        text.push('\n');
    });
}
