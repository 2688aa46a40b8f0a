//! `helm safe-upgrade batch`: many releases, each under guard: look at all, show what would be done, ask once, upgrade in order.

mod asking;
mod content;
mod given;
mod hush;
mod outcome;
mod places;
mod release;
mod screen;
mod selection;
mod state;
mod undo;

use futures::stream::{self, StreamExt as _};
use jiff::Timestamp;

use self::given::Given;
use self::places::Places;
use self::release::Upgrades;
use self::screen::Screen;
use crate::cli::args::{BatchArgs, BatchCommand, BatchFormat, BatchReportArgs};
use crate::cli::console::Telling;
use crate::cli::{Environment, configuration, output};
use crate::cluster::KubeCluster;
use crate::error::{EXIT_CHANGED, EXIT_OK, Error, Kind};
use crate::execute::batch::{Batch, needs_bad};
use crate::execute::interrupts::Interrupts;
use crate::record::batch::Store;
use crate::report::batch::{BatchView, LookView};
use crate::report::style::Painter;
use crate::upgrade::batch::Outcome;
use crate::upgrade::batch::event::{BatchEvent, Looked, Progress};
use crate::upgrade::batch::kept::{Entry, Kept, SCHEMA_VERSION, Told};
use crate::upgrade::batch::next::{Terms, is_stopped};

/// Runs the command and returns the exit code.
pub(super) async fn run(mut arguments: BatchArgs, environment: &Environment) -> Result<u8, Error> {
    if let Some(BatchCommand::Report(report)) = arguments.command.take() {
        return self::report(*report, environment).await;
    }
    let places = Places::new(arguments.fleet.cluster.clone(), environment);
    let interrupts = Interrupts::listen(environment.is_of_helm())?;
    let running = Running { arguments: &arguments, environment, interrupts: &interrupts };
    running.go(&places).await
}

/// `helm safe-upgrade batch report`.
async fn report(arguments: BatchReportArgs, environment: &Environment) -> Result<u8, Error> {
    let places = Places::new(arguments.cluster, environment);
    let (kept, notes) = state::results(&arguments.places, &places).await?;
    for note in notes {
        output::print_notice(&note, environment);
    }
    let painter = output::painter(&arguments.display, environment);
    write(&kept, (arguments.output, painter), environment)?;
    // A batch that has not ended, and one without the results of a part, are not good.
    Ok(exit_code(&kept, (false, kept.open() > 0 || kept.shard.is_some())))
}

/// One run of the command.
struct Running<'a> {
    arguments: &'a BatchArgs,
    environment: &'a Environment,
    interrupts: &'a Interrupts,
}

impl Running<'_> {
    async fn go(&self, places: &Places<'_>) -> Result<u8, Error> {
        let run = &self.arguments.run;
        let (mut given, store, kept) = tokio::select! {
            taken = self.taken_up(places) => taken?,
            () = self.interrupts.more_than(0) => {
                return Err(Error::new(Kind::Interrupted, "stopped before anything was done"));
            }
        };
        if kept.is_none() && run.resume && !run.dry_run {
            let text = format!("nothing is kept of {} in {}: it begins", given.title, store.named());
            output::print_notice(&text, self.environment);
        }
        let mut kept = kept.unwrap_or_else(|| self.begun(&given));
        kept.rollback_set |= run.rollback_set;
        let terms = self.terms(&given);
        let ended = kept.ended;
        let killed = kept.take_up(is_stopped(&kept, &terms));
        if let Some(ended) = ended.filter(|_| kept.is_over() && !kept.releases.is_empty()) {
            let text = format!("{} has ended at {ended:.0}; without --resume it is done again", given.title);
            output::print_notice(&text, self.environment);
        }
        let telling = match run.output {
            BatchFormat::Json => Telling::Events,
            _ => Telling::Story,
        };
        let painter = output::painter(&self.arguments.fleet.display, self.environment);
        let screen = Screen::new(telling, painter, self.environment);
        for note in std::mem::take(&mut given.notes).iter().chain(&kept.left_out) {
            output::print_notice(note, self.environment);
        }
        let upgrades = Upgrades {
            arguments: self.arguments,
            items: &given.items,
            places,
            policies: configuration::load(run.config.as_deref())?.policies,
            interrupts: self.interrupts,
            screen: &screen,
            killed,
        };
        self.arguments.gates.fit_soak(upgrades.any_soaks())?;
        let all_known = self.look((&upgrades, &screen), &given, &mut kept).await?;
        if run.dry_run {
            return Ok(self.looked_code(&kept, all_known));
        }
        asking::confirm(&upgrades, &kept, run.output == BatchFormat::Text).await?;
        screen.starts(Progress::of(&kept, terms.concurrency));
        let batch =
            Batch { releases: &upgrades, order: &given.order, terms, store: &store, interrupts: self.interrupts };
        let ran = batch.run(&mut kept).await;
        screen.clear();
        if run.output != BatchFormat::Json && !kept.releases.is_empty() {
            write(&kept, (run.output, painter), self.environment)?;
        }
        ran?;
        if !kept.is_over() {
            let text = format!("--resume goes on with it; its state is in {}", store.named());
            output::print_notice(&text, self.environment);
        }
        Ok(exit_code(&kept, (self.interrupts.asked().is_some(), false)))
    }

    /// The exit code of a look.
    fn looked_code(&self, kept: &Kept, all_known: bool) -> u8 {
        let code = exit_code(kept, (false, !all_known));
        let differs = self.arguments.run.detailed_exitcode && code == EXIT_OK && kept.open() > 0;
        if differs { EXIT_CHANGED } else { code }
    }

    /// The batch, where its state is kept, and what is kept of it that goes on.
    async fn taken_up(&self, places: &Places<'_>) -> Result<(Given, Store<KubeCluster>, Option<Kept>), Error> {
        let run = &self.arguments.run;
        // A selection finds other releases once some are upgraded: those of a batch that goes on are known.
        let none = self.arguments.plan.is_none().then(Vec::new);
        let known = Given::of(self.arguments, places, none.filter(|_| run.resume)).await?;
        let store = state::store(run, &known, places).await?;
        // A look changes nothing, and needs nothing kept.
        let kept = if run.dry_run { None } else { state::kept(&store).await? };
        let kept = match run.dry_run {
            true => None,
            false => state::fitting(kept, (&known, run.resume), &store.named())?,
        };
        let given = match &kept {
            Some(kept) if self.arguments.plan.is_none() => {
                let ids = kept.releases.iter().map(|entry| entry.id.clone()).collect();
                Given::of(self.arguments, places, Some(ids)).await?
            }
            None if self.arguments.plan.is_none() && run.resume => {
                Given::of(self.arguments, places, None).await?.only(run.shard)?
            }
            _ => known.only(run.shard)?,
        };
        if let Some(kept) = &kept
            && !given.items.iter().map(|item| &item.id).eq(kept.releases.iter().map(|entry| &entry.id))
        {
            let message = format!("cannot go on with {}: what is kept of it names other releases", given.title);
            return Err(
                Error::new(Kind::Usage, message).hint("namespaces may come from the context; name the same one")
            );
        }
        Ok((given, store, kept))
    }

    fn begun(&self, given: &Given) -> Kept {
        Kept {
            schema_version: SCHEMA_VERSION,
            batch: given.digest.clone(),
            title: given.title.clone(),
            shard: self.arguments.run.shard.map(|shard| shard.to_string()),
            clusters: given.clusters.clone(),
            by: self.environment.who(),
            rollback_set: false,
            left_out: given.left_out.clone(),
            started: Timestamp::now(),
            ended: None,
            looked_again: None,
            releases: given.items.iter().map(|item| Entry::new(item.id.clone(), item.planned.wave)).collect(),
        }
    }

    fn terms(&self, given: &Given) -> Terms {
        let (run, said) = (&self.arguments.run, given.terms);
        let stops_by_flag = run.stop_on_failure || run.max_failures.is_some();
        Terms {
            concurrency: run.concurrency.map_or(said.concurrency, usize::from),
            max_failures: if run.stop_on_failure { Some(0) } else { run.max_failures.or(said.max_failures) },
            stops_after_wave: said.stops_after_wave && !stops_by_flag,
            soak: said.soak,
        }
    }

    /// Looks at what has not ended, and shows what would be done. Returns whether nothing is left to be looked at again.
    async fn look(
        &self,
        (upgrades, screen): (&Upgrades<'_>, &Screen),
        given: &Given,
        kept: &mut Kept,
    ) -> Result<bool, Error> {
        let open: Vec<usize> = (0..kept.releases.len()).filter(|&at| kept.releases[at].outcome.is_none()).collect();
        let looking = open.iter().map(|&at| async move { (at, upgrades.look(at, &given.order.needs[at]).await) });
        let mut looking = stream::iter(looking).buffered(self.terms(given).concurrency);
        let mut all: Vec<Looked> = Vec::new();
        screen.looked(0, open.len());
        while let Some((at, mut looked)) = looking.next().await {
            if self.interrupts.asked().is_some() {
                screen.clear();
                return Err(Error::new(
                    Kind::Interrupted,
                    format!("stopped before anything was done of {}", given.title),
                ));
            }
            let entries = &kept.releases;
            self.weigh(&mut looked, (entries, at), &given.order.needs[at]);
            let entry = &mut kept.releases[at];
            (entry.from_chart, entry.to_chart) = (looked.from_chart.clone(), looked.to_chart.clone());
            entry.warnings.clone_from(&looked.warnings);
            if let Some(outcome) = looked.outcome {
                entry.end(Told::new(outcome, looked.reason.clone()), Timestamp::now());
            }
            if self.arguments.run.output == BatchFormat::Json {
                screen.hear(&BatchEvent::BatchLooked { release: &looked });
            }
            all.push(looked);
            screen.looked(all.len(), open.len());
        }
        screen.clear();
        let all_known = !all.iter().any(|looked| looked.again);
        if self.arguments.run.output == BatchFormat::Json {
            return Ok(all_known);
        }
        let painter = output::painter(&self.arguments.fleet.display, self.environment);
        let ended = kept.releases.len() - open.len();
        let view = LookView { title: &given.title, shard: kept.shard.as_deref(), looked: &all, ended };
        let text = view.text(painter, self.environment.columns);
        // With another format the report alone is the result.
        match (self.arguments.run.output, self.arguments.run.dry_run) {
            (BatchFormat::Text, _) | (_, true) => {
                output::write_result(false, self.environment, |out| out.write_all(text.as_bytes()))?;
            }
            _ => {
                output::print_text(&text);
            }
        }
        Ok(all_known)
    }

    /// What a look comes to beside the others, of which those before it have been looked at: what needs one that is not good is left
    /// out, and a refusal stands only where nothing can be expected to change it until its turn.
    fn weigh(&self, looked: &mut Looked, (entries, at): (&[Entry], usize), needs: &[usize]) {
        let mut needed = needs.iter().map(|&need| &entries[need]);
        let is_bad = |need: &&Entry| need.outcome.is_some_and(|outcome| !outcome.is_good());
        match looked.outcome {
            None => {
                // What was killed in the middle is taken up in any case.
                if let Some(need) = needed.find(is_bad).filter(|_| entries[at].started.is_none()) {
                    (looked.outcome, looked.reason) = (Some(Outcome::Skipped), Some(needs_bad(need)));
                }
                looked.again = false;
            }
            Some(Outcome::Refused) => {
                let is_open = |entry: &Entry| entry.outcome.is_none();
                let earlier = |entry: &Entry| entry.wave < looked.wave && is_open(entry);
                let may_change =
                    !needed.clone().any(|need| is_bad(&need)) && (needed.any(is_open) || entries.iter().any(earlier));
                looked.again = may_change || looked.again && !self.arguments.run.dry_run;
                if looked.again {
                    looked.outcome = None;
                }
            }
            Some(_) => looked.again = false,
        }
    }
}

/// Writes the report.
fn write(kept: &Kept, (format, painter): (BatchFormat, Painter), environment: &Environment) -> Result<(), Error> {
    let view = BatchView::new(kept, Timestamp::now());
    output::write_result(false, environment, |mut out| match format {
        BatchFormat::Text => view.write_text((painter, environment.columns), &mut out),
        BatchFormat::Markdown => view.write_markdown(&mut out),
        BatchFormat::Html => view.write_html(&mut out),
        BatchFormat::Json => view.write_json(&mut out),
    })
}

/// The worst of what became of the releases.
fn exit_code(kept: &Kept, (interrupted, incomplete): (bool, bool)) -> u8 {
    let any = |outcomes: &[Outcome]| outcomes.iter().any(|outcome| kept.count(*outcome) > 0);
    if any(&[Outcome::Failed, Outcome::NotUndone]) {
        return Kind::NotRolledBack.exit_code();
    }
    if interrupted || any(&[Outcome::Interrupted]) {
        return Kind::Interrupted.exit_code();
    }
    if any(&[Outcome::RolledBack]) {
        return Kind::RolledBack.exit_code();
    }
    if any(&[Outcome::Refused, Outcome::Skipped]) {
        return Kind::Refused.exit_code();
    }
    let is_incomplete = incomplete || any(&[Outcome::Unproven]) || !kept.left_out.is_empty();
    if is_incomplete { Kind::Incomplete.exit_code() } else { EXIT_OK }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::upgrade::batch::Id;

    #[test]
    fn what_is_missing_is_not_good() {
        let id = Id { context: None, namespace: "shop".to_owned(), release: "web".to_owned() };
        let mut entry = Entry::new(id, 0);
        entry.end(Told::new(Outcome::Upgraded, None), Timestamp::UNIX_EPOCH);
        let mut kept = Kept::of(vec![entry]);
        assert_eq!(exit_code(&kept, (false, false)), 0);
        assert_eq!(exit_code(&kept, (false, true)), 1, "a part has not ended");
        kept.left_out.push("a context could not be read".to_owned());
        assert_eq!(exit_code(&kept, (false, false)), 1);
        kept.releases[0].end(Told::new(Outcome::RolledBack, None), Timestamp::UNIX_EPOCH);
        assert_eq!(exit_code(&kept, (false, true)), 4, "the worst is told");
    }
}
