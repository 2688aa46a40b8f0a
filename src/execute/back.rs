//! Going back to a good revision, and proving that the release is there.

use std::time::Duration;

use jiff::Timestamp;

use super::act::{first_line, verdict, word};
use super::allowance::Allowance;
use super::interrupts::stopped;
use super::lost_nodes::{doubts, helm_waits};
use super::prepare::differing;
use super::record::Entry;
use super::run::Run;
use super::watching::{How, Term, Watching, Work};
use crate::cluster::Cluster;
use crate::error::{Error, Kind};
use crate::helm::{Back, Helm, Loss, Waiting};
use crate::manifest::hook::points_of_rollback;
use crate::release::Release;
use crate::upgrade::event::{Event, Task, Verdict};
use crate::upgrade::next::Step;
use crate::upgrade::target::rollback_among;
use crate::upgrade::world::World;

/// The status of a rollback that has not ended.
const PENDING: &str = "pending-rollback";

impl<'a, C: Cluster, H: Helm> Run<'_, 'a, C, H> {
    /// Rolls back and watches.
    pub(super) async fn go_back(&mut self, target: u32) -> Result<Option<String>, Error> {
        let name = self.name().to_owned();
        let revision = self.newest + 1;
        self.note("rollback", revision).await;
        let release = self.persistently(|| self.seams.storage.read(&name, target)).await?;
        let mut watching = self.watch_back(&release).await?;
        if let Some(why) = self.seams.interrupts.asked().filter(|_| self.state.rollback_asked) {
            return self.not_gone_back(why, watching);
        }
        let (timeout, allowance) = self.time_to_go_back(&release);
        let left = self.going_back.left(allowance.whole);
        let back = self.order_back(&release, timeout.min(left), &watching.world);
        self.begun(Task::Rollback, revision, Some(target), &back.waiting);
        let mut running = self.seams.helm.rollback(&back).await?;
        let term = Term {
            task: Task::Rollback,
            timeout: left,
            interrupts: self.seams.interrupts,
            // The first interrupt is what the rollback follows, or what it is hurried by; the second one ends it.
            seen: u32::from(!self.state.rollback_asked),
            listener: self.seams.listener,
            mask: &|text| self.veil.mask(text),
        };
        // Where it is not known, no pod is of what is gone back from.
        let failed_since = Some(self.failed_since.unwrap_or(Timestamp::MAX));
        let work = Work { running: &mut running, longest: allowance.helm, failed_since };
        let watched = watching.until_settled(&release, Some(work), &term).await;
        let (result, reasons) = verdict(&watched);
        if let How::HelmLost(message) = &watched.how
            && self.try_to_go_back_again(allowance.whole, Loss::of(message)).await
        {
            self.let_hooks_end(&release, back.waiting.timeout).await;
            return self.go_back_again(message).await;
        }
        let elapsed = watched.took.as_secs_f64();
        self.tell(&Event::Verdict { task: Task::Rollback, result, reasons: reasons.clone(), elapsed });
        self.state.back = match result {
            Verdict::Ready => Step::Good,
            Verdict::Interrupted => Step::Interrupted,
            _ => Step::Bad,
        };
        if let How::Interrupted(why) = watched.how {
            self.interrupted = Some(why);
        }
        if self.state.back == Step::Good && !self.state.rollback_asked {
            self.notes.extend(doubts(&watching.world));
        }
        self.end_pending(&reasons).await?;
        if self.state.rollback_asked {
            self.reasons = reasons;
            self.ours = self.newest;
            if let Some(ended) = watched.helm {
                self.failure.helm = ended.output;
            }
            self.failure.judgement = Some(watched.last);
            self.watching = Some(watching);
        } else {
            self.notes.extend(reasons.into_iter().map(|reason| format!("the rollback: {reason}")));
        }
        Ok(Some(word(result).to_owned()))
    }

    /// Helm's timeout, and how long the whole may take. Who wants to end waits no longer than he says, hooks or not.
    fn time_to_go_back(&self, target: &Release) -> (Duration, Allowance) {
        let timeout = self.options.rollback_timeout;
        if self.seams.interrupts.asked().is_some() {
            let timeout = timeout.min(self.options.grace);
            return (timeout, Allowance::at_most(timeout));
        }
        let points = points_of_rollback(self.options.apply.waiting.no_hooks);
        (timeout, Allowance::of(timeout, target, points))
    }

    fn order_back(&self, target: &Release, timeout: Duration, world: &World) -> Back {
        let points = points_of_rollback(self.options.apply.waiting.no_hooks);
        let until_ready = helm_waits(world, target, points);
        // Going back must not fail for what others wrote in the meantime, such as replicas by an autoscaler.
        Back {
            force_conflicts: target.is_applied_by_server() && self.ground.current.is_applied_by_server(),
            release: self.name().to_owned(),
            revision: target.revision,
            cleanup_on_fail: self.state.rollback_asked && self.options.cleanup_on_fail,
            waiting: Waiting { timeout, until_ready, ..self.options.apply.waiting.clone() },
        }
    }

    async fn try_to_go_back_again(&mut self, whole: Duration, loss: Loss) -> bool {
        let is_to_end = self.seams.interrupts.asked().is_some();
        self.going_back.again(whole, loss, is_to_end).await
    }

    /// Begins to watch, before anything is led back. What a lost helm has led back is led back by this run.
    async fn watch_back(&mut self, target: &Release) -> Result<Watching<'a, C>, Error> {
        let releases = [target, self.ground.current];
        let mut watching =
            self.persistently(|| Watching::open(self.seams.cluster, &releases, self.options.patience.clone())).await?;
        watching.world.count_from(self.before_back.get_or_insert_with(|| watching.world.before().clone()));
        Ok(watching)
    }

    /// The user has interrupted the rollback that was asked for while it waited for the API server: no helm is started any more.
    fn not_gone_back(&mut self, why: &'static str, watching: Watching<'a, C>) -> Result<Option<String>, Error> {
        if !self.going_back.has_begun() {
            return Err(stopped(self.name()));
        }
        self.watching = Some(watching);
        self.state.back = Step::Interrupted;
        self.interrupted = Some(why);
        self.reasons = vec![format!("interrupted by {why}")];
        self.ours = self.newest;
        Ok(Some(word(Verdict::Interrupted).to_owned()))
    }

    /// Ends the revision of a lost helm, so that there can be another one.
    async fn go_back_again(&mut self, message: &str) -> Result<Option<String>, Error> {
        let lost = first_line(message);
        self.notice(format!("helm was lost, which says nothing of the release; it is tried again: {lost}"));
        self.state.back = Step::Bad;
        self.end_pending(&[format!("helm was lost: {lost}")]).await?;
        self.state.back = Step::Open;
        Ok(Some("helm was lost".to_owned()))
    }

    /// A rollback that failed or was stopped may be left as pending: it has failed. What somebody else has made at the same time stays
    /// as it is, and the release is theirs then.
    async fn end_pending(&mut self, reasons: &[String]) -> Result<(), Error> {
        let name = self.name().to_owned();
        let history = self.persistently(|| self.seams.storage.history(&name)).await?;
        let mut since = Vec::new();
        for entry in history.entries().iter().filter(|entry| entry.revision > self.newest) {
            match self.persistently(|| self.seams.storage.head(&name, entry.revision)).await {
                Ok(head) => since.push((entry.revision, head)),
                Err(error) if error.kind == Kind::NotFound => {}
                Err(error) => return Err(error),
            }
        }
        let target = self.state.target.unwrap_or_default();
        let ours = rollback_among(since.iter().map(|(revision, head)| (*revision, &*head.description)), target);
        let theirs = since.iter().map(|(revision, _)| *revision).rfind(|revision| Some(*revision) != ours);
        self.state.overtaken_by = self.state.overtaken_by.or(theirs);
        let Some((made, head)) = since.iter().find(|(revision, _)| Some(*revision) == ours) else { return Ok(()) };
        self.newest = *made;
        let failed = self.state.back != Step::Good;
        let status = head.status.as_str();
        // Over theirs, nothing is written but what unlocks the release.
        if failed && !self.seams.interrupts.twice() && status != "failed" && (theirs.is_none() || status == PENDING) {
            let reason = reasons.first().map_or("it failed", String::as_str);
            let description = format!("Rollback to {target} failed: {reason}");
            let only_if = Some(status.to_owned());
            self.write(&Entry { only_if, ..Entry::failed(*made, description, false) }).await?;
        }
        Ok(())
    }

    /// Compares every object of the revision with what runs.
    pub(super) async fn prove(&mut self) -> Result<Option<String>, Error> {
        self.note("proof", self.newest).await;
        let name = self.name().to_owned();
        let (revision, target) = (self.newest, self.state.target.unwrap_or_default());
        let compared = self.for_a_while(|| differing(self.seams, &name, revision)).await;
        let compared = match compared {
            Ok(compared) => compared,
            Err(error) => {
                self.state.proof = Step::Inconclusive;
                self.notes
                    .push(format!("whether all objects are as revision {target} has them, can't be told: {error}"));
                return Ok(Some("not proven".to_owned()));
            }
        };
        self.tell(&Event::Compared { revision, objects: compared.objects, differing: compared.differing.clone() });
        self.state.proof = super::run::step(compared.differing.is_empty());
        if !compared.differing.is_empty() {
            self.notes
                .extend(compared.differing.iter().map(|object| format!("{object} is not as revision {target} has it")));
            return Ok(Some(format!("{} objects differ", compared.differing.len())));
        }
        if self.state.rollback_asked {
            return Ok(Some(format!("{} objects equal", compared.objects)));
        }
        let was_proven =
            self.ground.history.entries().iter().any(|entry| entry.revision == target && entry.marks.is_proven());
        if was_proven {
            let description = format!("Rollback to {target} after revision {} failed; proven", self.ours);
            self.write(&Entry::proven(revision, description)).await?;
            self.tell(&Event::Proven { revision });
        }
        self.supersede_before(revision).await;
        Ok(Some(format!("{} objects equal", compared.objects)))
    }
}
