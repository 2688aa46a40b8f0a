//! How a release was compared with the cluster, and who made an object differ.

use crate::diff::live::Drift;
use crate::diff::live::report::LiveReport;
use crate::report::live::{authors, comparison};
use crate::report::style::Role;
use crate::report::text::Page;

/// More places of one author are only counted.
const MOST_PLACES: usize = 8;

impl Page {
    pub(super) fn comparison(&mut self, report: &LiveReport) {
        for line in comparison(report) {
            self.line(Role::Dim, &format!("  {line}"));
        }
    }

    /// A line for each author, with the places that they changed.
    pub(super) fn drift(&mut self, drift: &Drift) {
        if let Some(note) = &drift.note {
            self.line(Role::Dim, &format!("  {note}"));
        }
        for (by, places) in authors(drift) {
            let more = places.len().saturating_sub(MOST_PLACES);
            let mut shown = places[..places.len() - more].join(", ");
            if more > 0 {
                shown.push_str(&format!(" and {more} more"));
            }
            self.put(Role::Plain, &format!("  {by}: "));
            self.line(Role::Dim, &shown);
        }
    }
}
