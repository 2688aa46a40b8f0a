//! Keeping the evidence of a failure before anything of it disappears, and telling the likely cause.

use jiff::Timestamp;

use super::run::{Cause, Run};
use crate::cluster::Cluster;
use crate::command::evidence::{self, Moment, Subject};
use crate::error::Error;
use crate::helm::Helm;
use crate::manifest::mask::Masker;
use crate::upgrade::diagnosis::evidence::Rollback;
use crate::upgrade::event::Event;

impl<C: Cluster, H: Helm> Run<'_, '_, C, H> {
    /// Keeps the evidence. That it can't be kept stops nothing, and an interrupt is no failure to look into.
    pub(super) async fn keep_evidence(&mut self) -> Result<Option<String>, Error> {
        self.state.evidence = true;
        if self.interrupted.is_some() {
            return Ok(None);
        }
        self.note("evidence", self.ours).await;
        // What is kept is masked, whatever the user wants to see.
        let masker = Masker::new(&self.options.mask_key);
        let prepared = self.prepared.filter(|_| !self.options.shows_secrets);
        let diff = prepared.map(|prepared| evidence::diff(&prepared.proposed.outcome)).unwrap_or_default();
        let subject = self.subject(&diff);
        let place = &self.options.evidence;
        let (gathered, kept) = evidence::keep(self.seams.cluster, &masker, subject, place, Timestamp::now).await;
        let cause = gathered.diagnosis.causes.first();
        let (folder, archive) = match &kept {
            Ok(kept) => (kept.folder.clone(), kept.archive.clone()),
            Err(error) => {
                self.tell(&Event::Warning { text: format!("the evidence could not be kept: {error}") });
                (String::new(), String::new())
            }
        };
        let (cause, hint) =
            (cause.map(|cause| cause.sentence.clone()), cause.map(|cause| kept_log(&cause.hint, &folder)));
        self.cause =
            Cause { sentence: cause.clone(), hint: hint.clone(), folder: folder.clone(), archive: archive.clone() };
        self.tell(&Event::Evidence { folder, archive, cause, hint });
        Ok(Some(if kept.is_ok() { "kept" } else { "not kept" }.to_owned()))
    }

    fn subject<'s>(&'s self, diff: &'s str) -> Subject<'s> {
        let subject = match self.prepared {
            Some(prepared) => Subject::proposed(&prepared.proposed, self.ground.history, &self.options.chart),
            None => Subject {
                status: "failed".to_owned(),
                description: String::new(),
                previous: Some(self.ground.current),
                rollback: Some(Rollback { target: self.state.target.unwrap_or_default(), succeeded: false }),
                ..Subject::new(self.ground.wanted)
            },
        };
        let timeline = self.reasons.iter().map(|reason| Moment { at: Timestamp::now(), what: reason.clone() });
        Subject {
            helm_output: &self.failure.helm,
            judgement: self.failure.judgement.as_ref(),
            timeline: timeline.collect(),
            diff,
            ..subject
        }
    }
}

/// Pods of the failed revision go on the way back, and their logs with them: those that were kept stay.
fn kept_log(hint: &str, folder: &str) -> String {
    match hint.split_once("the whole log: ") {
        Some((before, _)) if !folder.is_empty() => format!("{before}the whole log: {folder}/logs"),
        _ => hint.to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use super::kept_log;

    #[test]
    fn a_log_is_looked_for_where_it_was_kept() {
        let hint = "correct args in the values; the whole log: kubectl logs web-1 -c web --previous -n shop";
        assert_eq!(kept_log(hint, "/e/web-3"), "correct args in the values; the whole log: /e/web-3/logs");
        assert_eq!(kept_log(hint, ""), hint);
        assert_eq!(kept_log("check the tag", "/e/web-3"), "check the tag");
    }
}
