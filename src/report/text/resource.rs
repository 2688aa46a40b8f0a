//! One object that differs: its title, and its hunks below.

use crate::diff::resources;
use crate::report::style::Role;
use crate::report::text::Page;
use crate::report::view::Resource;
use crate::report::wording::{counted, notes};

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
        self.put(Role::Dim, &notes(resource).iter().map(|note| format!("  {note}")).collect::<String>());
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
        for notice in &resource.object.notices {
            self.line(Role::Warning, &format!("  {notice}"));
        }
        if let Some(drift) = resource.drift {
            self.drift(drift);
        }
        self.hunks(&resource.hunks);
    }
}
