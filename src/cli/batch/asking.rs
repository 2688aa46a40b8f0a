//! Asking once for all that a batch would do. The differences and the checks of each release are shown before the answer, where they are
//! asked for: they are looked at anew, since nothing of a look is kept.

use super::hush;
use super::release::{Seen, Upgrades};
use crate::cli::checklist::Checked;
use crate::cli::guard::{ask, is_attended};
use crate::cli::output;
use crate::error::{Error, Kind};
use crate::report::style::Role;
use crate::upgrade::batch::Outcome;
use crate::upgrade::batch::kept::{Entry, Kept};

/// What is asked to be seen.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum What {
    Diff,
    Checks,
}

/// What the user says.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Answer<'a> {
    Yes,
    No,
    /// Show this, of one release where one is named.
    Show(What, Option<&'a str>),
}

/// Asks until there is a yes or a no. With `shows` there is a reader of text.
pub(super) async fn confirm(upgrades: &Upgrades<'_>, kept: &Kept, shows: bool) -> Result<(), Error> {
    let (undone, begun) = (kept.to_undo().count(), kept.begun());
    let of = |count: usize| if count == 1 { "1 release".to_owned() } else { format!("{count} releases") };
    // Where something is brought back, nothing is begun but what an earlier run has begun.
    let deed = match (undone, begun) {
        (0, _) => format!("upgrade {}", of(kept.open())),
        (undone, 0) => format!("bring back {}", of(undone)),
        (undone, begun) => format!("go on with the upgrade of {}, and bring back {}", of(begun), of(undone)),
    };
    let count = if undone == 0 { kept.open() } else { undone + begun };
    if upgrades.arguments.run.yes || count == 0 {
        return Ok(());
    }
    if !is_attended() {
        let message = format!("cannot {deed}: nobody is there to confirm it");
        return Err(Error::new(Kind::Refused, message).hint("look at the table above, and run it again with --yes"));
    }
    let shows = shows && (undone == 0 || begun > 0);
    let choice = if shows { "[y]es, [N]o, show [d]iff, show [c]hecks, of one: d RELEASE: " } else { "[y/N] " };
    loop {
        let question = format!("{}{}? {choice}", deed[..1].to_uppercase(), &deed[1..]);
        let asking = tokio::task::spawn_blocking(move || ask(&question));
        let answer = tokio::select! {
            answer = asking => answer.unwrap_or(None),
            () = upgrades.interrupts.more_than(0) => {
                return Err(Error::new(Kind::Interrupted, format!("stopped before anything was done to {}", of(count))));
            }
        };
        match said(answer.as_deref().unwrap_or_default()) {
            Answer::Yes => return Ok(()),
            Answer::Show(what, name) if shows => upgrades.show(&kept.releases, what, name).await?,
            _ => return Err(Error::new(Kind::Refused, format!("cannot {deed}: you said no"))),
        }
    }
}

fn said(answer: &str) -> Answer<'_> {
    let words: Vec<&str> = answer.split_whitespace().collect();
    match words.as_slice() {
        ["y" | "Y" | "yes" | "Yes"] => Answer::Yes,
        ["d" | "D" | "diff"] => Answer::Show(What::Diff, None),
        ["d" | "D" | "diff", name] => Answer::Show(What::Diff, Some(name)),
        ["c" | "C" | "checks"] => Answer::Show(What::Checks, None),
        ["c" | "C" | "checks", name] => Answer::Show(What::Checks, Some(name)),
        _ => Answer::No,
    }
}

impl Upgrades<'_> {
    /// Shows what is asked for of each release that would be begun, or is refused.
    async fn show(&self, entries: &[Entry], what: What, name: Option<&str>) -> Result<(), Error> {
        let is_shown = |entry: &Entry| {
            let may = matches!(entry.outcome, None | Some(Outcome::Refused));
            may && name.is_none_or(|name| entry.id.is_named(name))
        };
        let shown: Vec<usize> = (0..entries.len()).filter(|&at| is_shown(&entries[at])).collect();
        if shown.is_empty() {
            output::print_notice("there is nothing to show of a release of that name", self.places.environment);
        }
        for at in shown {
            self.show_one(at, what).await?;
        }
        Ok(())
    }

    async fn show_one(&self, at: usize, what: What) -> Result<(), Error> {
        let item = &self.items[at];
        self.tell(Role::Heading, &item.id.to_string())?;
        let setting = match self.setting(item).await {
            Ok(setting) => setting,
            Err(error) => return self.tell(Role::Error, &error.message),
        };
        let ear = self.screen.deaf(at);
        match self.see(&setting, &ear).await {
            Err(error) if error.kind == Kind::Interrupted => Err(error),
            Err(error) => {
                let error = hush::hushed(&setting.place, item, &setting.run.masker, error).await;
                self.tell(Role::Error, &error.message)
            }
            Ok(Seen::Nothing(report)) => self.tell(Role::Plain, &report.summary),
            Ok(Seen::May(prepared, findings)) => {
                let outcome = &prepared.proposed.outcome;
                if what == What::Diff {
                    return setting.run.show(outcome);
                }
                let chart = &outcome.releases.new.chart;
                let chart = format!("{}-{}", chart.name(), chart.version());
                let of = (item.id.release.as_str(), item.id.namespace.as_str());
                Checked::of(of, chart, findings, &setting.guard).show(&setting.run)
            }
        }
    }

    /// Writes lines, with an empty one before them.
    fn tell(&self, role: Role, text: &str) -> Result<(), Error> {
        let environment = self.places.environment;
        let painter = output::painter(&self.arguments.fleet.display, environment);
        let mut line = String::from("\n");
        painter.paint(&mut line, role, text.trim_end());
        output::write_result(false, environment, |out| writeln!(out, "{line}"))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_a_yes_is_one() {
        assert_eq!(said(" y\n"), Answer::Yes);
        assert_eq!(said("d\n"), Answer::Show(What::Diff, None));
        assert_eq!(said("checks shop/web"), Answer::Show(What::Checks, Some("shop/web")));
        for no in ["", "n", "yes please", "d a b", "dd", "\u{1b}[31my"] {
            assert_eq!(said(no), Answer::No, "{no:?}");
        }
    }
}
