//! After everything is ready: is what runs what was asked for, do tests and gates say so, and does it stay so?

use std::time::{Duration, Instant};

use super::gates::{Asker, Gates, OnInconclusive, ask_for_good, shown, state};
use super::patience::patiently;
use super::prepare::differing;
use super::record::Entry;
use super::run::Run;
use crate::cluster::Cluster;
use crate::error::Error;
use crate::helm::Helm;
use crate::record::{Records, Revision};
use crate::upgrade::event::{Event, GateState, Task, Verdict};
use crate::upgrade::gates::rolled_out::not_rolled_out;
use crate::upgrade::gates::{Answer, Says, images};
use crate::upgrade::next::Step;

impl<C: Cluster, H: Helm> Run<'_, '_, C, H> {
    /// Compares, tests, asks the gates and soaks.
    pub(super) async fn verify(&mut self) -> Result<Option<String>, Error> {
        self.note("gates", self.ours).await;
        // A rollback that was asked for was compared already.
        if !self.state.rollback_asked {
            self.compare().await;
        }
        let mut gates = self.options.gates.clone();
        gates.environment.extend([
            ("HELM_RELEASE_NAME".into(), self.name().into()),
            ("HELM_RELEASE_REVISION".into(), self.ours.to_string().into()),
            ("HELM_NAMESPACE".into(), self.seams.storage.namespace().into()),
        ]);
        let said = self.ask_all(&gates).await;
        let said = match said {
            Some(Says::Passed) if !self.unseen.is_empty() => {
                let text = format!("whether it is ready can't be seen: {}", self.unseen.join("; "));
                self.tell(&Event::Warning { text });
                Some(Says::Inconclusive)
            }
            // A step may be one of a partition; only the last one is proven.
            Some(Says::Passed) if !self.state.more_follow && self.is_not_rolled_out() => Some(Says::Inconclusive),
            said => said,
        };
        self.state.verified = match said {
            None => self.stopped(),
            Some(Says::Passed) => Step::Good,
            Some(Says::Failed) => Step::Bad,
            Some(Says::Inconclusive) => self.unsure(&gates).await,
        };
        Ok(None)
    }

    /// Whether there are workloads whose new pods nobody has seen run. It is told.
    fn is_not_rolled_out(&mut self) -> bool {
        let everything = self.counts_everything();
        let found = self.watching.as_ref().map(|watching| not_rolled_out(&watching.world, everything));
        let found = found.unwrap_or_default();
        for text in &found {
            self.tell(&Event::Warning { text: text.clone() });
        }
        let any = !found.is_empty();
        self.reasons.extend(found);
        any
    }

    /// Whether what was not changed counts as well. What was only looked at is never rolled back; and of a stage that leads back to
    /// no revision the whole release is new, as that of a colour or of a canary beside the stable release is.
    pub(super) fn counts_everything(&self) -> bool {
        let is_new = self.options.stage.as_ref().is_some_and(|stage| stage.target.is_none());
        is_new || (self.state.look_only && !self.state.is_staged)
    }

    /// Compares what runs with what was asked for. What others set on objects is no failure of this upgrade: it is said.
    async fn compare(&mut self) {
        let began = Instant::now();
        let (name, revision) = (self.name().to_owned(), self.ours);
        let result = match patiently(Duration::from_secs(30), || differing(self.seams, &name, revision)).await {
            Ok(compared) => {
                let (objects, differing) = (compared.objects, compared.differing);
                let result = match differing.len() {
                    0 => format!("{objects} equal"),
                    some => format!("{some} of {objects} differ"),
                };
                self.tell(&Event::Compared { revision, objects, differing });
                result
            }
            Err(error) => {
                self.tell(&Event::Warning { text: format!("what runs was not compared: {error}") });
                "not compared".to_owned()
            }
        };
        let images = self.watching.as_ref().map(|watching| images::compare(&watching.world)).unwrap_or_default();
        for text in images {
            self.tell(&Event::Warning { text });
        }
        self.took("comparison", Some(result), began.elapsed());
    }

    /// Tests, then gates or the soak. The first failure ends it. `None` if it was stopped.
    async fn ask_all(&mut self, gates: &Gates) -> Option<Says> {
        let mut says = Says::Passed;
        if let Some(tests) = &gates.test {
            self.note("helm test", self.ours).await;
            let name = "helm test";
            self.begins(name);
            let began = Instant::now();
            match self.test(tests).await {
                Some(answer) => says = self.heard(name, &answer, began),
                None if self.seams.interrupts.asked().is_some() => return None,
                None => {}
            }
        }
        if says == Says::Failed {
            return Some(says);
        }
        match gates.soak {
            Some(soak) => {
                self.note("soak", self.ours).await;
                let name = format!("soak {}", shown(soak.duration));
                self.begun_soak(soak.duration);
                let began = Instant::now();
                let answer = self.soak(gates, soak).await;
                let result = match answer.as_ref().map(|answer| answer.says) {
                    None => Verdict::Interrupted,
                    Some(Says::Failed) => Verdict::Failed,
                    Some(_) => Verdict::Ready,
                };
                let elapsed = began.elapsed().as_secs_f64();
                self.tell(&Event::Verdict { task: Task::Soak, result, reasons: Vec::new(), elapsed });
                Some(worse(says, self.heard(&name, &answer?, began)))
            }
            None => self.ask_each(gates, says).await,
        }
    }

    /// Asks each gate once.
    async fn ask_each(&mut self, gates: &Gates, mut says: Says) -> Option<Says> {
        for gate in &gates.gates {
            let name = gate.name();
            self.begins(&name);
            let began = Instant::now();
            let asker = self.asker(gates);
            let answer = tokio::select! {
                answer = asker.ask_patiently(gate) => answer,
                () = self.seams.interrupts.more_than(0) => return None,
            };
            says = worse(says, self.heard(&name, &answer, began));
            if says == Says::Failed {
                break;
            }
        }
        Some(says)
    }

    pub(super) fn asker<'g>(&'g self, gates: &'g Gates) -> Asker<'g, C> {
        Asker {
            cluster: self.seams.cluster,
            namespace: self.seams.storage.namespace(),
            timeout: gates.timeout,
            environment: &gates.environment,
        }
    }

    fn begins(&self, name: &str) {
        self.tell(&Event::Gate { name: name.to_owned(), state: GateState::Running, detail: String::new() });
    }

    fn begun_soak(&self, duration: Duration) {
        let chart = &self.ground.wanted.chart;
        let chart = format!("{}-{}", chart.name(), chart.version());
        let (task, revision, timeout) = (Task::Soak, self.ours, duration.as_secs());
        self.tell(&Event::Begun { task, revision, to: None, chart, timeout });
    }

    /// Takes in an answer: it is told, and is a part of the report.
    fn heard(&mut self, name: &str, answer: &Answer, began: Instant) -> Says {
        let detail = answer.why.clone();
        self.tell(&Event::Gate { name: name.to_owned(), state: state(answer.says), detail });
        let result = match answer.says {
            Says::Passed => "passed",
            Says::Failed => "failed",
            Says::Inconclusive => "could not tell",
        };
        if answer.says != Says::Passed {
            let why = if answer.why.is_empty() { String::new() } else { format!(": {}", answer.why) };
            let reason = format!("{name} {result}{why}");
            // The record of the revision quotes the first.
            let at = if answer.says == Says::Failed { 0 } else { self.reasons.len() };
            self.reasons.insert(at, reason);
        }
        self.took(name, Some(result.to_owned()), began.elapsed());
        answer.says
    }

    /// It was stopped: by the user, or because the release is somebody else's now, which is seen next.
    fn stopped(&mut self) -> Step {
        let Some(why) = self.seams.interrupts.asked() else { return Step::Inconclusive };
        self.interrupted = Some(why);
        self.reasons = vec![format!("interrupted by {why}")];
        Step::Interrupted
    }

    /// What to make of gates that can't tell.
    async fn unsure(&mut self, gates: &Gates) -> Step {
        let says = match (gates.inconclusive, gates.ask) {
            (OnInconclusive::Fail, _) => Says::Failed,
            (OnInconclusive::Pass, _) => Says::Passed,
            (OnInconclusive::Ask, None) => Says::Inconclusive,
            (OnInconclusive::Ask, Some(ask)) => tokio::select! {
                says = ask_for_good(ask, self.ours) => says,
                () = self.seams.interrupts.more_than(0) => return self.stopped(),
            },
        };
        match says {
            Says::Failed => Step::Bad,
            Says::Inconclusive => Step::Inconclusive,
            Says::Passed => {
                let doubts = std::mem::take(&mut self.reasons);
                self.notice(format!("it is called proven none the less, as wanted ({})", doubts.join("; ")));
                Step::Good
            }
        }
    }

    /// Marks the revision as proven.
    pub(super) async fn mark(&mut self) -> Result<Option<String>, Error> {
        let done = match (self.state.rollback_asked, self.state.first_install) {
            (true, _) => format!("Rollback to {}", self.state.target.unwrap_or_default()),
            (_, true) => "Install complete".to_owned(),
            _ => "Upgrade complete".to_owned(),
        };
        // What was only looked at keeps what was said of it.
        let looked =
            self.prepared.filter(|_| self.state.look_only).map(|prepared| &prepared.proposed.outcome.releases.old);
        let said = looked.map(|release| release.info.description.clone()).filter(|text| !text.is_empty());
        let done = said.or_else(|| self.options.apply.description.clone()).unwrap_or(done);
        let description = format!("{done}; proven");
        self.write(&Entry::proven(self.ours, description)).await?;
        self.tell(&Event::Proven { revision: self.ours });
        self.supersede_before(self.ours).await;
        self.state.marked = true;
        Ok(None)
    }

    /// Records as superseded what is called deployed besides this revision. Helm does so itself, but goes on without a word where the API server does not
    /// take it, and its history has two deployed revisions then.
    pub(super) async fn supersede_before(&self, deployed: u32) {
        let Ok(records) = Records::of(self.seams.storage) else { return };
        let change = Revision {
            status: Some("superseded".to_owned()),
            only_if_status: Some("deployed".to_owned()),
            ..Revision::default()
        };
        for revision in self.called_deployed.iter().copied().filter(|revision| *revision < deployed) {
            match self.for_a_while(|| records.revise(self.name(), revision, &change)).await {
                Ok(stated) => {
                    let (status, description) = (stated.status, stated.description);
                    self.tell(&Event::Recorded { revision, status, description });
                }
                Err(error) => self.notice(format!("revision {revision} is still called deployed: {}", error.message)),
            }
        }
    }
}

/// The worse of two.
fn worse(one: Says, other: Says) -> Says {
    match (one, other) {
        (Says::Failed, _) | (_, Says::Failed) => Says::Failed,
        (Says::Inconclusive, _) | (_, Says::Inconclusive) => Says::Inconclusive,
        _ => Says::Passed,
    }
}
