//! One object that differs: its title, and its hunks below.

use crate::diff::resources;
use crate::manifest::node::Node;
use crate::report::style::Role;
use crate::report::text::{Page, counted};
use crate::report::view::Resource;

impl Page {
    pub(super) fn resource(&mut self, resource: &Resource<'_>) {
        let (sign, role) = match resource.change {
            resources::Change::Added => ("+", Role::Added),
            resources::Change::Removed => ("-", Role::Removed),
            resources::Change::Modified => ("~", Role::Changed),
        };
        self.text.push('\n');
        self.put(role, &format!("{sign} "));
        self.put(Role::Heading, &resource.object.id.to_string());
        self.put(Role::Dim, &resource_note(resource));
        self.text.push('\n');
        if !resource.also.is_empty() {
            let also: Vec<String> = resource.also.iter().map(|object| object.id.to_string()).collect();
            self.put(Role::Dim, &format!("  the same in {}: ", counted(also.len(), "more object")));
            self.line(Role::Plain, &also.join(", "));
        }
        if let Some(problem) = &resource.object.problem {
            self.line(
                Role::Warning,
                &format!("  this document can't be read as YAML and is compared as text: {problem}"),
            );
        }
        self.hunks(&resource.hunks);
    }
}

fn resource_note(resource: &Resource<'_>) -> String {
    let mut notes = Vec::new();
    let version = resource.object.id.api_version();
    match &resource.old_api_version {
        Some(old) => notes.push(format!("{old} → {version}")),
        None if !version.is_empty() => notes.push(version),
        None => {}
    }
    if let Some(name) = &resource.old_name {
        notes.push(format!("renamed from {name}"));
    }
    if resource.object.hook {
        let events = resource.object.node.get("metadata").and_then(|metadata| metadata.get("annotations"));
        let events = events.and_then(|annotations| annotations.get("helm.sh/hook")).and_then(Node::as_str);
        notes.push(format!("{} hook", events.unwrap_or_default()).trim_start().to_owned());
    }
    notes.extend(resource.object.source.clone());
    notes.iter().map(|note| format!("  {note}")).collect()
}
