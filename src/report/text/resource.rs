//! One object that differs: its title, and its hunks below.

use crate::diff::resources;
use crate::report::remarks::remarks;
use crate::report::style::Role;
use crate::report::text::Page;
use crate::report::view::Resource;
use crate::report::wording::notes;

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
        for remark in remarks(resource) {
            self.put(Role::Plain, "  ");
            self.put(remark.lead.role, &remark.lead.text);
            self.line(remark.rest.role, &remark.rest.text);
        }
        self.hunks(&resource.hunks);
    }
}
