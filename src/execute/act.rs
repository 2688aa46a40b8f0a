//! Making the upgrade, and writing down how it ended.

use std::time::Duration;

use super::allowance::{Allowance, runs_hooks};
use super::lost_nodes::helm_waits;
use super::prepare::Prepared;
use super::record::Entry;
use super::run::Run;
use super::scope::left_of_attempts;
use super::watching::{How, Term, Watched, Watching, Work, waited_for};
use crate::cluster::Cluster;
use crate::error::Error;
use crate::helm::{Apply, Helm, Loss, Waiting};
use crate::manifest::hook::points_of_upgrade;
use crate::record::Records;
use crate::release::Release;
use crate::release::marks::RUN;
use crate::upgrade::event::{Event, Task, Verdict};
use crate::upgrade::next::{OnFailure, Step};

impl<'a, C: Cluster, H: Helm> Run<'_, 'a, C, H> {
    /// Takes up what a run before has left: a pending revision of a dead owner is a failed one.
    pub(super) async fn take_up(&mut self) -> Result<(), Error> {
        let Some(revision) = self.ground.abandoned else { return Ok(()) };
        let left = self.keeper.left();
        let phase = left.map(|left| left.phase.clone()).filter(|phase| !phase.is_empty());
        let holder = left.map_or_else(|| "its owner".to_owned(), |left| crate::record::shown(&left.holder));
        let doing = phase.map(|phase| format!(" during its {phase}")).unwrap_or_default();
        self.notice(format!("revision {revision} was left pending: {holder} ended{doing}; it is recorded as failed"));
        let description = format!("Interrupted: {holder} ended{doing}");
        let entry = self.ground.history.entries().iter().find(|entry| entry.revision == revision);
        // Whoever was taken to be dead may have come back and finished.
        let only_if = entry.map(|entry| entry.status_hint.clone());
        self.write(&Entry { only_if, ..Entry::failed(revision, description, false) }).await
    }

    /// Upgrades or installs, and watches; where there is nothing to change, only watches.
    pub(super) async fn apply(&mut self) -> Result<Option<String>, Error> {
        let Some(prepared) = self.prepared else { return Ok(None) };
        let proposed = &prepared.proposed;
        let (old, new) = (&proposed.outcome.releases.old, &proposed.outcome.releases.new);
        let Waiting { timeout, no_hooks, .. } = self.options.apply.waiting;
        let look_only = prepared.nothing_to_do;
        let points = points_of_upgrade(self.state.first_install, no_hooks || look_only);
        let allowance = Allowance::of(timeout, new, points);
        let task = match (look_only, self.state.first_install) {
            (true, _) => Task::Look,
            (false, true) => Task::Install,
            (false, false) => Task::Upgrade,
        };
        if look_only {
            self.ours = self.newest;
            self.tell_of_cut_off(prepared);
        }
        self.note("upgrade", self.ours).await;
        let mut watching = self.watch_before(new, old).await?;
        if let Some(why) = self.seams.interrupts.asked() {
            return self.not_applied(why, watching);
        }
        let left = self.applying.left(allowance.whole);
        let until_ready = helm_waits(&watching.world, new, points);
        let waiting = &Waiting { timeout: timeout.min(left), until_ready, ..self.options.apply.waiting.clone() };
        self.begun(task, self.ours, None, waiting);
        let mut running = match look_only {
            true => None,
            false => Some(self.seams.helm.upgrade(&self.order(prepared, waiting)).await?),
        };
        let term = Term {
            task,
            timeout: left,
            interrupts: self.seams.interrupts,
            seen: 0,
            listener: self.seams.listener,
            mask: &|text| self.veil.mask(text),
        };
        let work = running.as_mut().map(|running| Work { running, longest: allowance.helm, failed_since: None });
        let mut watched = watching.until_settled(new, work, &term).await;
        self.watching = Some(watching);
        if !look_only {
            self.see_what_helm_made(&watched).await?;
        }
        if let How::HelmLost(message) = &watched.how
            && self.can_be_made_again(new)
            && self.may_try_again(allowance.whole, message).await
        {
            self.begin_again(message, timeout).await?;
            return Ok(Some("helm was lost".to_owned()));
        }
        self.answer_for_what_was_made();
        if let Some(doubts) = self.waited_in_vain(&watched) {
            watched.how = How::Unseen(doubts);
        }
        self.settle(task, watched)
    }

    /// Begins to watch, before anything is changed.
    async fn watch_before(&self, new: &Release, old: &Release) -> Result<Watching<'a, C>, Error> {
        let releases: Vec<&Release> = if self.state.first_install { vec![new] } else { vec![new, old] };
        let mut watching =
            self.persistently(|| Watching::open(self.seams.cluster, &releases, self.options.patience.clone())).await?;
        if let Some(good) = self.good_before().await? {
            let left = left_of_attempts(new, &good, &watching.world);
            watching.world.count_as_new(&left);
        }
        Ok(watching)
    }

    /// Whether there is another attempt after helm was lost. Who has interrupted the run wants none.
    async fn may_try_again(&mut self, whole: Duration, message: &str) -> bool {
        tokio::select! {
            biased;
            () = self.seams.interrupts.more_than(0) => false,
            again = self.applying.again(whole, Loss::of(message), false) => again,
        }
    }

    /// The user has interrupted the run while it waited for the API server: no helm is started any more.
    fn not_applied(&mut self, why: &'static str, watching: Watching<'a, C>) -> Result<Option<String>, Error> {
        self.watching = Some(watching);
        self.state.applied = Step::Interrupted;
        self.state.nothing_made = !self.state.look_only;
        self.interrupted = Some(why);
        self.reasons = vec![format!("interrupted by {why}")];
        self.answer_for_what_was_made();
        Ok(Some(word(Verdict::Interrupted).to_owned()))
    }

    fn tell_of_cut_off(&self, prepared: &Prepared) {
        if let (true, Some(target)) = (prepared.goes_on() && self.state.is_staged, prepared.target) {
            let revision = self.newest;
            self.notice(format!("the run that made revision {revision} was cut off before it knew whether that is good: it is gone on with, and a failure leads back to revision {target}"));
        }
    }

    /// Whether what helm was lost in can be done once more. What was half installed is only upgraded then, without the hooks of an
    /// installation.
    fn can_be_made_again(&self, new: &Release) -> bool {
        let points = points_of_upgrade(true, self.options.apply.waiting.no_hooks);
        !self.state.first_install || self.state.nothing_made || !runs_hooks(new, points)
    }

    /// Ends the revision of a lost helm, so that there can be another one.
    async fn begin_again(&mut self, message: &str, timeout: Duration) -> Result<(), Error> {
        self.notice(format!(
            "helm was lost, which says nothing of the release; it is tried again: {}",
            first_line(message)
        ));
        if self.newest == self.ours && !self.state.nothing_made {
            self.let_hooks_end(self.ground.current, timeout).await;
            let description = format!("Interrupted: helm was lost: {}", first_line(message));
            self.write(&Entry::failed(self.ours, description, false)).await?;
            self.ours += 1;
        }
        self.state.nothing_made = false;
        Ok(())
    }

    /// Where the last attempt made no revision, and one before it did, that one may have been applied in part.
    fn answer_for_what_was_made(&mut self) {
        if self.state.nothing_made && self.newest > self.ground.last() {
            self.ours = self.newest;
            self.state.nothing_made = false;
        }
    }

    /// The revision to go back to, where it is not the last one. What runs may then be of an attempt that came after it: what
    /// is not as the good revision has it, but as this upgrade wants it, is for this upgrade to answer for.
    async fn good_before(&self) -> Result<Option<Release>, Error> {
        match self.state.target.filter(|target| *target != self.newest) {
            Some(target) => self.persistently(|| self.seams.storage.read(self.name(), target)).await.map(Some),
            None => Ok(None),
        }
    }

    fn order(&self, prepared: &Prepared, waiting: &Waiting) -> Apply {
        let (upgrade, waiting) = (prepared.proposed.upgrade.clone(), waiting.clone());
        let mut labels = self.options.apply.labels.clone();
        labels.push(format!("{RUN}={}", self.keeper.run));
        // Helm copies labels to later revisions, where they must not count.
        let stage = self.options.stage.as_ref().and_then(|stage| stage.label.as_ref());
        labels.extend(stage.map(|(label, says)| format!("{label}={}.{says}", self.ours)));
        Apply { upgrade, waiting, labels, ..self.options.apply.clone() }
    }

    pub(super) fn begun(&self, task: Task, revision: u32, to: Option<u32>, waiting: &Waiting) {
        let chart = &self.ground.current.chart;
        let chart = format!("{}-{}", chart.name(), chart.version());
        self.tell(&Event::Begun { task, revision, to, chart, timeout: waiting.timeout.as_secs_f64().round() as u64 });
    }

    /// Whether Helm came so far as to make a revision. Where it did not, nothing was changed.
    async fn see_what_helm_made(&mut self, watched: &Watched) -> Result<(), Error> {
        let name = self.name().to_owned();
        let storage = self.seams.storage;
        let history = self.persistently(|| storage.history(&name)).await?;
        let is_there = history.revisions().contains(&self.ours);
        let made = is_there && self.is_of_this_run().await?;
        if is_there && !made {
            // Somebody else was faster, and it is theirs.
            self.state.overtaken_by = Some(self.ours);
        }
        let refused = watched.helm.as_ref().is_some_and(|ended| ended.message.contains("another operation ("));
        self.state.nothing_made = !made || refused;
        if made && !refused {
            self.newest = self.ours;
        }
        Ok(())
    }

    /// Whether our own Helm has made the revision of our number. Where a storage holds no labels, the number must do.
    async fn is_of_this_run(&self) -> Result<bool, Error> {
        let Ok(records) = Records::of(self.seams.storage) else { return Ok(true) };
        let label = self.persistently(|| records.label(self.name(), self.ours, RUN)).await?;
        Ok(label.as_deref() == Some(self.keeper.run.as_str()))
    }

    fn settle(&mut self, task: Task, mut watched: Watched) -> Result<Option<String>, Error> {
        if let (How::HelmLost(_), Some(why)) = (&watched.how, self.seams.interrupts.asked()) {
            watched.how = How::Interrupted(why);
        }
        let (result, reasons) = verdict(&watched);
        self.state.applied = match result {
            Verdict::Ready => Step::Good,
            Verdict::Interrupted => Step::Interrupted,
            _ => Step::Bad,
        };
        if let How::Interrupted(why) = watched.how {
            self.interrupted = Some(why);
        }
        self.lost = matches!(watched.how, How::HelmLost(_));
        if let How::Unseen(objects) = &watched.how {
            self.unseen.clone_from(objects);
        }
        let elapsed = watched.took.as_secs_f64();
        self.tell(&Event::Verdict { task, result, reasons: reasons.clone(), elapsed });
        self.reasons = reasons;
        if let Some(ended) = watched.helm {
            self.failure.helm = ended.output;
        }
        self.failure.judgement = Some(watched.last);
        Ok(Some(word(result).to_owned()))
    }

    /// Writes into the record that the revision failed, and why, once no hook of it runs any more.
    pub(super) async fn record_failure(&mut self) -> Result<Option<String>, Error> {
        self.await_hooks().await;
        let reason = self.reasons.first().cloned().unwrap_or_else(|| "it failed".to_owned());
        let (description, bad) = match self.interrupted {
            Some(why) => (format!("Interrupted by {why}"), false),
            None => (format!("Failed: {reason}"), !self.lost),
        };
        let description = match &self.options.remark {
            Some(remark) => format!("{description}; {remark}"),
            None => description,
        };
        self.write(&Entry::failed(self.ours, description, bad)).await?;
        self.state.recorded = true;
        // A rollback removes by itself what the failed revision has added.
        if self.options.cleanup_on_fail && self.options.on_failure == OnFailure::Keep && self.interrupted.is_none() {
            self.clean_up().await;
        }
        Ok(None)
    }

    /// Removes a release whose first installation failed.
    pub(super) async fn uninstall(&mut self) -> Result<Option<String>, Error> {
        self.note("uninstall", self.ours).await;
        let mut running = self.seams.helm.uninstall(self.name(), self.options.rollback_timeout).await?;
        let ended = running.wait().await;
        if !ended.success {
            self.notes.push(format!("helm uninstall failed: {}", ended.message));
        }
        self.state.uninstalled = super::run::step(ended.success);
        Ok(Some(if ended.success { "done" } else { "failed" }.to_owned()))
    }
}

/// Whether Helm says that it has waited in vain.
pub(super) fn is_timeout(message: &str) -> bool {
    message.contains("context deadline exceeded") || message.contains("timed out waiting")
}

/// What it comes to, and why.
pub(super) fn verdict(watched: &Watched) -> (Verdict, Vec<String>) {
    match &watched.how {
        How::Ready | How::Unseen(_) => (Verdict::Ready, Vec::new()),
        How::Failed(signs) => {
            (Verdict::Failed, signs.iter().map(|sign| format!("{}: {}", sign.object, sign.message)).collect())
        }
        How::HelmFailed(message) => {
            let first = first_line(message);
            let (result, waited) = match is_timeout(message) {
                true => (Verdict::TimedOut, waited_for(&watched.last)),
                false => (Verdict::Failed, Vec::new()),
            };
            (result, [vec![format!("helm: {first}")], waited].concat())
        }
        How::HelmLost(message) => (Verdict::Failed, vec![format!("helm was lost: {}", first_line(message))]),
        How::TimedOut => {
            let waited = waited_for(&watched.last);
            let reasons = if waited.is_empty() { vec!["it was not ready in time".to_owned()] } else { waited };
            (Verdict::TimedOut, reasons)
        }
        How::Interrupted(why) => (Verdict::Interrupted, vec![format!("interrupted by {why}")]),
    }
}

pub(super) fn first_line(message: &str) -> String {
    crate::upgrade::diagnosis::message::headline(message)
}

pub(super) fn word(result: Verdict) -> &'static str {
    match result {
        Verdict::Ready => "ready",
        Verdict::Failed => "failed",
        Verdict::TimedOut => "timed out",
        Verdict::Interrupted => "interrupted",
    }
}
