//! Telling a canary: lines on standard error, or one JSON event a line on standard output. What can't be written is lost, and stops
//! nothing.

use std::io::Write as _;

use crate::cli::console::{Telling, event_line};
use crate::report::canary::told;
use crate::report::style::Painter;
use crate::upgrade::canary::event::CanaryEvent;

/// Where a canary is told.
pub(super) struct Screen<'a> {
    pub(super) telling: Telling,
    pub(super) painter: Painter,
    pub(super) release: &'a str,
}

impl Screen<'_> {
    /// Something has happened.
    pub(super) fn hear(&self, event: &CanaryEvent<'_>) {
        match self.telling {
            Telling::Nothing => {}
            Telling::Events => event_line(None::<&()>, event),
            Telling::Story => {
                told(event, self.release, self.painter)
                    .iter()
                    .for_each(|line| _ = writeln!(std::io::stderr(), "{line}"));
            }
        }
    }
}
