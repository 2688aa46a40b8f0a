//! How a release was compared with the cluster.

use crate::diff::live::report::LiveReport;
use crate::report::live::comparison;
use crate::report::style::Role;
use crate::report::text::Page;

impl Page {
    pub(super) fn comparison(&mut self, report: &LiveReport) {
        for line in comparison(report) {
            self.line(Role::Dim, &format!("  {line}"));
        }
    }
}
