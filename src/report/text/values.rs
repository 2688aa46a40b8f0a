//! What is said of values beside how they differ: where they come from, which of them the chart does not know any more, and
//! what the chart's own defaults have become.

use crate::diff::overrides::DeadOverride;
use crate::report::style::Role;
use crate::report::text::Page;
use crate::report::view::View;
use crate::report::wording::counted;

/// So many places are named of one file or flag, and so many defaults; JSON has all.
const NAMED: usize = 12;
const DEFAULTS: usize = 20;

impl Page {
    /// The user's values and all that belongs to them.
    pub(super) fn values(&mut self, view: &View<'_>) {
        self.section("values (user-supplied)", &view.values);
        self.origins(&view.origins);
        self.dead(view.dead_overrides);
        if let Some(computed) = &view.computed_values {
            self.section("values (computed)", computed);
        }
    }

    /// `  set by prod.yaml: image.tag, replicas`.
    fn origins(&mut self, origins: &[(String, Vec<String>)]) {
        for (origin, places) in origins {
            let mut named: Vec<&str> = places.iter().take(NAMED).map(String::as_str).collect();
            let more = format!("{} more", places.len().saturating_sub(NAMED));
            if places.len() > NAMED {
                named.push(&more);
            }
            self.put(Role::Dim, "  set by ");
            self.put(Role::Plain, origin);
            self.line(Role::Dim, &format!(": {}", named.join(", ")));
        }
    }

    /// A line for each value that has lost its meaning.
    fn dead(&mut self, dead: &[DeadOverride]) {
        if dead.is_empty() {
            return;
        }
        self.title("values that the new chart has no default for any more", Role::Warning, "");
        for one in dead {
            self.put(Role::Warning, "! ");
            self.put(Role::Plain, &one.location);
            if one.gone != one.location {
                self.put(Role::Dim, &format!("  ({} is gone)", one.gone));
            }
            if !one.origins.is_empty() {
                self.put(Role::Dim, &format!("  set by {}", one.origins.join(", ")));
            }
            self.text.push('\n');
        }
    }

    /// What the chart's defaults have become: a line each, the first of them.
    pub(super) fn defaults(&mut self, view: &View<'_>) {
        let changes = &view.defaults.changes;
        let shown = if self.all { changes.len() } else { changes.len().min(DEFAULTS) };
        self.rows("chart defaults", &changes[..shown]);
        if changes.len() > shown {
            let more = counted(changes.len() - shown, "more default");
            self.line(Role::Dim, &format!("  … {more} changed; --context -1 shows all"));
        }
    }
}
