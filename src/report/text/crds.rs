//! The chart's custom resource definitions that the cluster does not have as they are in the chart.

use crate::report::style::Role;
use crate::report::text::Page;
use crate::report::view::Crds;
use crate::report::wording::counted;

impl Page {
    pub(super) fn crds(&mut self, crds: &Crds<'_>) {
        if crds.is_empty() {
            return;
        }
        self.text.push('\n');
        self.put(Role::Heading, "custom resource definitions");
        self.put(Role::Warning, "  not applied by Helm");
        let changed = crds.resources.len() - crds.added;
        let count = format!("  {changed} changed, {} new, {} as in the cluster", crds.added, crds.unchanged);
        self.line(Role::Dim, &count);
        for problem in crds.problems {
            let name = problem.id.as_ref().map(|id| format!(" {id}")).unwrap_or_default();
            self.line(Role::Warning, &format!("! {}{name}: {}", problem.file, problem.reason));
        }
        if crds.added > 0 {
            let them = if crds.added == 1 { "it" } else { "them" };
            let line = format!(
                "  Helm creates {} only when it installs: kubectl apply {them}",
                counted(crds.added, "of these")
            );
            self.line(Role::Dim, &line);
        }
        crds.resources.iter().for_each(|resource| self.resource(resource));
    }
}
