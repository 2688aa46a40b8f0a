//! The chart's custom resource definitions that the cluster does not have as they are in the chart.

use crate::report::remarks::{CRDS, NOT_APPLIED, crds};
use crate::report::style::Role;
use crate::report::text::Page;
use crate::report::view::View;

impl Page {
    pub(super) fn crds(&mut self, view: &View<'_>) {
        let Some((crds, said)) = crds(view) else { return };
        self.text.push('\n');
        self.put(Role::Heading, &CRDS.to_lowercase());
        self.put(Role::Warning, &format!("  {NOT_APPLIED}"));
        for cell in said {
            // The count stands beside the title.
            let before = if cell.text.starts_with('!') { "" } else { "  " };
            self.line(cell.role, &format!("{before}{}", cell.text));
        }
        crds.resources.iter().for_each(|resource| self.resource(resource));
    }
}
