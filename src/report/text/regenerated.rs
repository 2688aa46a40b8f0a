//! What the chart makes anew at each render: one line with a count, and where.

use crate::diff::regenerated::Regenerated;
use crate::report::style::Role;
use crate::report::text::Page;
use crate::report::wording::counted;

/// So many objects are named; JSON has all.
const NAMED: usize = 5;

impl Page {
    pub(super) fn regenerated(&mut self, all: &[Regenerated]) {
        if all.is_empty() {
            return;
        }
        let fields: usize = all.iter().map(|one| one.paths.len().max(1)).sum();
        let (fields, objects) = (counted(fields, "value"), counted(all.len(), "object"));
        self.put(Role::Warning, &format!("  made anew at each render: {fields} in {objects}"));
        let mut names: Vec<String> = all.iter().take(NAMED).map(name).collect();
        if all.len() > NAMED {
            names.push(format!("{} more", all.len() - NAMED));
        }
        self.line(Role::Dim, &format!("  {}", names.join(", ")));
        let restarting: Vec<String> = all.iter().filter(|one| one.restarts).map(|one| one.object.to_string()).collect();
        if !restarting.is_empty() {
            let each = if restarting.len() == 1 { "restarts" } else { "restart" };
            self.line(
                Role::Warning,
                &format!("  {each} with every upgrade because of that: {}", restarting.join(", ")),
            );
        }
    }
}

fn name(one: &Regenerated) -> String {
    match one.paths.as_slice() {
        [] => format!("{} (its name)", one.object),
        [path] => format!("{} {path}", one.object),
        [path, rest @ ..] => format!("{} {path} and {} more", one.object, rest.len()),
    }
}
