//! Telling a roll-out while it runs: its steps beside the story of each release, or one JSON event a line.

use std::io::Write as _;

use crate::cli::Environment;
use crate::cli::console::{Console, Telling, event_line};
use crate::execute::Listener;
use crate::execute::blue_green::Teller;
use crate::report::blue_green::told;
use crate::report::style::Painter;
use crate::upgrade::blue_green::event::BlueGreenEvent;
use crate::upgrade::event::Event;

/// Where a roll-out is told.
pub(super) struct Screen {
    telling: Telling,
    painter: Painter,
    ears: Vec<Ear>,
}

/// Hears what happens to one release.
struct Ear {
    release: String,
    telling: Telling,
    console: Console,
}

impl Screen {
    /// A screen for these releases.
    pub(super) fn new(telling: Telling, releases: &[&str], (painter, environment): (Painter, &Environment)) -> Self {
        let ear = |release: &&str| Ear {
            release: (*release).to_owned(),
            telling,
            console: Console::new(telling, release, (painter, environment)),
        };
        Self { telling, painter, ears: releases.iter().map(ear).collect() }
    }

    /// Takes the tables away, so that something else can be printed.
    pub(super) fn clear(&self) {
        self.ears.iter().for_each(|ear| ear.console.clear());
    }
}

impl Teller for Screen {
    fn tell(&self, event: &BlueGreenEvent<'_>) {
        match self.telling {
            Telling::Nothing => {}
            Telling::Events => event_line(None::<&()>, event),
            Telling::Story => {
                self.clear();
                if let Some(text) = told(event, self.painter) {
                    _ = writeln!(std::io::stderr(), "{text}");
                }
            }
        }
    }

    fn listener(&self, release: &str) -> &dyn Listener {
        match self.ears.iter().find(|ear| ear.release == release) {
            Some(ear) => ear,
            None => &Deaf,
        }
    }
}

impl Listener for Ear {
    fn hear(&self, event: &Event) {
        match self.telling {
            Telling::Events => event_line(Some(&self.release), event),
            // Where each release stands is in the plan, and what failures lead to is not as for one alone.
            _ if matches!(event, Event::Observed { .. }) => {}
            _ => self.console.hear(event),
        }
    }
}

/// Hears nothing: for a look.
pub(super) struct Deaf;

impl Listener for Deaf {
    fn hear(&self, _: &Event) {}
}
