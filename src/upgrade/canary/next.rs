//! What a canary does next: a function of what is kept of it, of how the release stands, and of what the user wants.
//!
//! A release that somebody else has changed is left to them: nothing is rolled back that is not the canary's own.

use super::kept::{Kept, Why};
use crate::upgrade::target::leads_to;

/// A revision, as its object tells.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Revision {
    /// Its number.
    pub number: u32,
    /// Its status, as Helm spells it.
    pub status: String,
    /// Whether it is marked as bad.
    pub bad: bool,
    /// Whether it is marked as proven.
    pub proven: bool,
    /// The value of [`super::LABEL`].
    pub label: Option<String>,
    /// What Helm says of it.
    pub description: String,
    /// Whether it holds what the revision from before holds: the same objects and values.
    pub is_base: bool,
}

/// How the release stands to what is kept.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Standing {
    /// As the canary left it, or with a revision that the canary has begun.
    Ours,
    /// A step failed, and the run ended before it went back.
    Bad,
    /// A step failed, and the release was brought back.
    Back,
    /// The last step is proven, and the run ended before it was forgotten. Its revision.
    Proven(u32),
    /// Somebody else has changed it.
    Foreign,
}

/// What the user wants.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Terms {
    /// To go on after a pause.
    pub promote: bool,
    /// To go straight to the last step.
    pub full: bool,
    /// To go back.
    pub abort: bool,
}

/// What to do.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Action {
    /// Make a step.
    Step(usize),
    /// Ask whether it goes on.
    Confirm,
    /// End here, with all that is kept.
    Halt,
    /// Go back to the revision from before.
    GoBack,
    /// Nothing more: the release is back already.
    IsBack,
    /// Nothing more: the last step is proven.
    Finish,
    /// Nothing more: the release is somebody else's.
    LeaveAlone,
}

/// How the release stands.
#[must_use]
pub fn standing(kept: &Kept, revisions: &[Revision]) -> Standing {
    let step = |revision: &Revision| -> Option<usize> {
        let (number, says) = revision.label.as_deref()?.split_once('.')?;
        let (id, step) = says.rsplit_once('-')?;
        (number.parse() == Ok(revision.number) && id == kept.id).then(|| step.parse().unwrap_or_default())
    };
    let Some(newest) = revisions.last() else { return Standing::Foreign };
    match step(newest) {
        Some(step) if newest.proven && step == kept.steps.len() => return Standing::Proven(newest.number),
        Some(_) if newest.bad => return Standing::Bad,
        Some(_) => return Standing::Ours,
        None => {}
    }
    if newest.number == kept.newest {
        return Standing::Ours;
    }
    // The way back holds what was there before, however it ended, and whoever went it. All else is somebody's own.
    match newest.status.as_str() {
        _ if !newest.is_base && !leads_to(&newest.description, kept.base) => Standing::Foreign,
        "deployed" => Standing::Back,
        _ => Standing::Bad,
    }
}

/// What to do next.
#[must_use]
pub fn next(kept: &Kept, standing: Standing, terms: Terms) -> Action {
    let why = kept.halted.as_ref().map(|halt| halt.why);
    match standing {
        // Nobody goes back from what is proven.
        Standing::Proven(_) => return Action::Finish,
        Standing::Foreign => return Action::LeaveAlone,
        // There is no second way back by itself.
        Standing::Bad if why == Some(Why::Failed) && !terms.abort => return Action::Halt,
        Standing::Bad => return Action::GoBack,
        // A way back that could not be proven is gone again where somebody asks for it.
        Standing::Back if why == Some(Why::Failed) && terms.abort => return Action::GoBack,
        Standing::Back => return Action::IsBack,
        Standing::Ours if terms.abort => return Action::GoBack,
        Standing::Ours => {}
    }
    if kept.passed >= kept.steps.len() {
        return Action::Finish;
    }
    let step = Action::Step(if terms.full { kept.steps.len() - 1 } else { kept.passed });
    match why {
        Some(Why::Failed) => Action::Halt,
        _ if terms.promote => step,
        Some(Why::Paused) => Action::Halt,
        Some(Why::Confirm) => Action::Confirm,
        // A run that is made again asks again.
        Some(Why::Unclear | Why::Refused) | None => step,
    }
}

#[cfg(test)]
mod tests {
    use jiff::Timestamp;

    use super::super::kept::{Halt, tests::kept};
    use super::*;

    fn revision(number: u32, status: &str, label: &str) -> Revision {
        let (bad, label) = (status == "bad", (!label.is_empty()).then(|| label.to_owned()));
        let (proven, status) = (status == "proven", status.replace("bad", "failed").replace("proven", "deployed"));
        Revision { number, status, bad, proven, label, ..Revision::default() }
    }

    fn as_base(number: u32, status: &str) -> Revision {
        Revision { is_base: true, ..revision(number, status, "") }
    }

    fn said(number: u32, status: &str, description: &str) -> Revision {
        Revision { description: description.to_owned(), ..revision(number, status, "") }
    }

    #[test]
    fn what_is_the_canarys_own_is_told_from_what_is_not() {
        let kept = kept(3, 1);
        let base = || vec![revision(1, "superseded", ""), revision(2, "superseded", "")];
        let table: Vec<(&str, Vec<Revision>, Standing)> = vec![
            ("as it was left", vec![revision(3, "deployed", "3.abc-1")], Standing::Ours),
            ("as it was left, in a storage without labels", vec![revision(3, "deployed", "")], Standing::Ours),
            ("a step that was killed", vec![revision(4, "pending-upgrade", "4.abc-2")], Standing::Ours),
            (
                "somebody's upgrade, which has the label too",
                vec![revision(4, "deployed", "3.abc-1")],
                Standing::Foreign,
            ),
            ("somebody's upgrade", vec![revision(4, "deployed", "")], Standing::Foreign),
            ("another canary", vec![revision(4, "deployed", "4.xyz-1")], Standing::Foreign),
            ("a step that failed", vec![revision(4, "bad", "4.abc-2")], Standing::Bad),
            (
                "a way back that was killed",
                vec![revision(4, "bad", "4.abc-2"), as_base(5, "pending-rollback")],
                Standing::Bad,
            ),
            ("a way back", vec![revision(4, "bad", "4.abc-2"), as_base(5, "deployed")], Standing::Back),
            (
                "somebody after a step that did not fail",
                vec![revision(4, "superseded", "4.abc-2"), revision(5, "deployed", "")],
                Standing::Foreign,
            ),
            (
                "a way back after a step that was interrupted",
                vec![revision(4, "failed", "4.abc-2"), as_base(5, "deployed")],
                Standing::Back,
            ),
            (
                "a way back that was asked for",
                vec![revision(4, "superseded", "4.abc-2"), said(5, "deployed", "Rollback to 2; proven")],
                Standing::Back,
            ),
            (
                "a way back that was asked for and failed",
                vec![revision(4, "superseded", "4.abc-2"), said(5, "failed", "Rollback to 2 failed: it is not ready")],
                Standing::Bad,
            ),
            (
                "somebody's way back to elsewhere",
                vec![revision(4, "superseded", "4.abc-2"), said(5, "deployed", "Rollback to 25")],
                Standing::Foreign,
            ),
            ("the last step, proven", vec![revision(5, "proven", "5.abc-3")], Standing::Proven(5)),
            ("the last step, not proven yet", vec![revision(5, "deployed", "5.abc-3")], Standing::Ours),
            ("another step that somebody has proven", vec![revision(4, "proven", "4.abc-2")], Standing::Ours),
        ];
        for (name, made, expected) in table {
            assert_eq!(standing(&kept, &[base(), made].concat()), expected, "{name}");
        }
        assert_eq!(standing(&kept, &[]), Standing::Foreign, "uninstalled");
    }

    #[test]
    fn after_a_step_that_failed_only_what_was_there_before_is_the_way_back() {
        let kept = kept(3, 1);
        let after = |status, newest| standing(&kept, &[revision(4, status, "4.abc-2"), newest]);
        assert_eq!(after("bad", revision(5, "deployed", "")), Standing::Foreign, "somebody's upgrade");
        assert_eq!(after("bad", revision(5, "failed", "")), Standing::Foreign, "the same, not ready in time");
        assert_eq!(after("bad", as_base(5, "deployed")), Standing::Back);
        // As Helm itself says of a rollback that it could not end.
        let failed = Revision { is_base: true, ..said(5, "failed", "Rollback \"web\" failed: timed out") };
        assert_eq!(after("superseded", failed), Standing::Bad);
    }

    #[test]
    fn each_state_has_its_action() {
        let halted = |why: Option<Why>| {
            let mut kept = kept(3, 1);
            kept.halted = why.map(|why| Halt { why, reason: String::new(), since: Timestamp::UNIX_EPOCH });
            kept
        };
        let (run, promote) = (Terms::default(), Terms { promote: true, ..Terms::default() });
        let full = Terms { promote: true, full: true, abort: false };
        let abort = Terms { abort: true, ..Terms::default() };
        let table = [
            ("at the start", kept(3, 0), Standing::Ours, run, Action::Step(0)),
            ("after a step", kept(3, 1), Standing::Ours, run, Action::Step(1)),
            ("after the last step", kept(3, 3), Standing::Ours, run, Action::Finish),
            ("paused", halted(Some(Why::Paused)), Standing::Ours, run, Action::Halt),
            ("paused and promoted", halted(Some(Why::Paused)), Standing::Ours, promote, Action::Step(1)),
            ("promoted in full", halted(Some(Why::Paused)), Standing::Ours, full, Action::Step(2)),
            ("to be confirmed", halted(Some(Why::Confirm)), Standing::Ours, run, Action::Confirm),
            ("confirmed", halted(Some(Why::Confirm)), Standing::Ours, promote, Action::Step(1)),
            ("unclear, and run again", halted(Some(Why::Unclear)), Standing::Ours, run, Action::Step(1)),
            ("refused, and run again", halted(Some(Why::Refused)), Standing::Ours, run, Action::Step(1)),
            ("failed and not back", halted(Some(Why::Failed)), Standing::Ours, promote, Action::Halt),
            ("failed, and aborted", halted(Some(Why::Failed)), Standing::Ours, abort, Action::GoBack),
            ("aborted", kept(3, 1), Standing::Ours, abort, Action::GoBack),
            ("a way back that failed", halted(Some(Why::Failed)), Standing::Bad, run, Action::Halt),
            ("a way back that failed, once more", halted(Some(Why::Failed)), Standing::Bad, abort, Action::GoBack),
            ("a step is bad", kept(3, 1), Standing::Bad, run, Action::GoBack),
            ("a step was bad", kept(3, 1), Standing::Back, promote, Action::IsBack),
            ("brought back by hand", halted(Some(Why::Failed)), Standing::Back, run, Action::IsBack),
            (
                "a way back that is not proven, once more",
                halted(Some(Why::Failed)),
                Standing::Back,
                abort,
                Action::GoBack,
            ),
            ("killed after it was proven", kept(3, 2), Standing::Proven(5), run, Action::Finish),
            ("proven, and aborted", kept(3, 2), Standing::Proven(5), abort, Action::Finish),
            ("proven, after a halt", halted(Some(Why::Failed)), Standing::Proven(5), abort, Action::Finish),
            ("somebody else's", kept(3, 1), Standing::Foreign, run, Action::LeaveAlone),
            ("somebody else's, and aborted", kept(3, 1), Standing::Foreign, abort, Action::LeaveAlone),
        ];
        for (name, kept, standing, terms, action) in table {
            assert_eq!(next(&kept, standing, terms), action, "{name}");
        }
    }

    /// Whatever is kept: nothing goes back unless a step failed or somebody asks for it.
    #[test]
    fn a_canary_that_is_well_never_goes_back() {
        for passed in 0..=3 {
            for terms in [Terms::default(), Terms { promote: true, ..Terms::default() }] {
                assert_ne!(next(&kept(3, passed), Standing::Ours, terms), Action::GoBack);
            }
        }
    }
}
