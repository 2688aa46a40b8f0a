//! What to do next: a pure function of what is known and of what the user wants. The loop around it looks at the cluster again
//! before each action, so a run that was killed goes on when it is run again.
//!
//! The rule above all others: a wrong rollback is worse than a late verdict. So only a failure or a failed gate leads to a
//! rollback, and nothing is rolled back that somebody else has changed in the meantime.

/// What the user wants where an upgrade fails.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Default)]
pub enum OnFailure {
    /// Go back to a good revision. Of a first installation there is none: it is kept.
    #[default]
    Rollback,
    /// Leave everything as it is.
    Keep,
    /// Remove the release, if this was its first installation; else go back.
    Uninstall,
}

/// How far a step is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Default)]
pub enum Step {
    /// Not begun, or begun and not ended.
    #[default]
    Open,
    /// Ended well.
    Good,
    /// Ended badly.
    Bad,
    /// Ended by the user.
    Interrupted,
    /// Ended without a result, such as a gate whose source can't be reached.
    Inconclusive,
}

/// What is known.
#[derive(Clone, Debug, PartialEq, Eq, Default)]
pub struct State {
    /// Whether the user asked for a rollback, and for no upgrade.
    pub rollback_asked: bool,
    /// Whether there was nothing to change, so that what runs is only looked at.
    pub look_only: bool,
    /// Whether there was no revision to go on from.
    pub first_install: bool,
    /// Whether more steps of a staged roll-out follow: only the last one is marked as proven.
    pub more_follow: bool,
    /// Whether the deployed revision is a step of a staged roll-out, or of a run that was cut off: a failure leads back from it although
    /// nothing was changed.
    pub is_staged: bool,
    /// A revision that somebody else has made since we began.
    pub overtaken_by: Option<u32>,
    /// Helm's upgrade, and that everything became ready.
    pub applied: Step,
    /// Tests, gates and the soak.
    pub verified: Step,
    /// Whether Helm failed before it made a revision: nothing was changed then.
    pub nothing_made: bool,
    /// Whether the evidence of a failure is kept.
    pub evidence: bool,
    /// Whether the record of the failed revision says so.
    pub recorded: bool,
    /// The revision to go back to.
    pub target: Option<u32>,
    /// The rollback, and that everything became ready.
    pub back: Step,
    /// That what runs after the rollback is what its revision says.
    pub proof: Step,
    /// Removing the release.
    pub uninstalled: Step,
    /// Whether the revision is marked as proven.
    pub marked: bool,
    /// Whether old revisions are pruned.
    pub pruned: bool,
}

/// What to do.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Action {
    /// Upgrade or install, and watch.
    Apply,
    /// Run tests and gates, and soak.
    Verify,
    /// Mark the revision as proven.
    Mark,
    /// Remove old revisions.
    Prune,
    /// Keep the evidence, before anything of it disappears.
    KeepEvidence,
    /// Write into the revision's record that it failed, and why.
    Record,
    /// Go back to this revision, and watch.
    GoBack(u32),
    /// Compare what runs after the rollback with what its revision says.
    Prove,
    /// Remove the release.
    Uninstall,
    /// Nothing more.
    End(Ending),
}

/// How a run ends.
#[derive(Clone, Copy, Debug, PartialEq, Eq, serde::Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum Ending {
    /// The new revision is deployed and proven.
    Upgraded,
    /// The new revision is deployed and ready; whether it is good could not be told, so it is not proven.
    Unproven,
    /// The new revision is deployed and has passed, as a step of a staged roll-out of which more follow: it is not marked.
    Passed,
    /// There was nothing to change.
    Nothing,
    /// The release is back at the revision that was asked for.
    WentBack,
    /// Helm refused it before anything was changed.
    NotBegun,
    /// It failed, and the release is as the revision before has it, which is proven.
    RolledBack,
    /// It failed, and was left as it is, as wanted.
    Kept,
    /// It failed, and there is no revision to go back to.
    NoWayBack,
    /// It failed, and the release was removed, as wanted.
    Uninstalled,
    /// It failed, and so did going back.
    NotRolledBack,
    /// Somebody else has changed the release in the meantime; it was left to them.
    Overtaken,
}

impl State {
    /// Whether this run's revision is not to stay.
    #[must_use]
    pub fn has_failed(&self) -> bool {
        let over = [Step::Bad, Step::Interrupted];
        over.contains(&self.applied) || over.contains(&self.verified)
    }
}

/// What to do next.
#[must_use]
pub fn next(state: &State, on_failure: OnFailure) -> Action {
    if state.overtaken_by.is_some() {
        return Action::End(Ending::Overtaken);
    }
    if state.rollback_asked {
        return rollback(state);
    }
    if state.look_only && !state.is_staged && state.has_failed() {
        // Nothing was changed, so there is nothing to go back from.
        return Action::End(Ending::Unproven);
    }
    if state.has_failed() && state.nothing_made {
        return if state.evidence { Action::End(Ending::NotBegun) } else { Action::KeepEvidence };
    }
    if state.has_failed() {
        return after_failure(state, on_failure);
    }
    match (state.applied, state.verified) {
        (Step::Open, _) => Action::Apply,
        (_, Step::Open) => Action::Verify,
        (_, Step::Inconclusive) => Action::End(Ending::Unproven),
        _ if state.more_follow => Action::End(Ending::Passed),
        _ if !state.marked => Action::Mark,
        _ if !state.pruned => Action::Prune,
        _ => Action::End(Ending::Upgraded),
    }
}

/// A rollback that was asked for: never a second one after it.
fn rollback(state: &State) -> Action {
    let bad = |step| matches!(step, Step::Bad | Step::Interrupted);
    match (state.target, state.back, state.proof, state.verified) {
        (None, ..) => Action::End(Ending::NoWayBack),
        (Some(target), Step::Open, ..) => Action::GoBack(target),
        (_, Step::Good, Step::Open, _) => Action::Prove,
        (_, Step::Good, Step::Good, Step::Open) => Action::Verify,
        (_, Step::Good, Step::Good, Step::Inconclusive) => Action::End(Ending::Unproven),
        (_, Step::Good, Step::Good, verified) if !bad(verified) => {
            if !state.marked {
                Action::Mark
            } else if !state.pruned {
                Action::Prune
            } else {
                Action::End(Ending::WentBack)
            }
        }
        _ if !state.evidence => Action::KeepEvidence,
        _ if bad(state.verified) && !state.recorded => Action::Record,
        _ => Action::End(Ending::NotRolledBack),
    }
}

fn after_failure(state: &State, on_failure: OnFailure) -> Action {
    if !state.evidence {
        return Action::KeepEvidence;
    }
    if !state.recorded {
        return Action::Record;
    }
    match (on_failure, state.first_install) {
        (OnFailure::Uninstall, true) => match state.uninstalled {
            Step::Open => Action::Uninstall,
            Step::Good => Action::End(Ending::Uninstalled),
            _ => Action::End(Ending::NotRolledBack),
        },
        (OnFailure::Keep, _) | (OnFailure::Rollback, true) => Action::End(Ending::Kept),
        (OnFailure::Rollback | OnFailure::Uninstall, _) => match (state.target, state.back, state.proof) {
            (None, _, _) => Action::End(Ending::NoWayBack),
            (Some(target), Step::Open, _) => Action::GoBack(target),
            (Some(_), Step::Good, Step::Open) => Action::Prove,
            (Some(_), Step::Good, Step::Good) => Action::End(Ending::RolledBack),
            _ => Action::End(Ending::NotRolledBack),
        },
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn state(change: impl FnOnce(&mut State)) -> State {
        let mut state = State { target: Some(3), ..State::default() };
        change(&mut state);
        state
    }

    /// Every state that a run can be in, in the order in which it gets there, and what follows from it.
    #[test]
    #[allow(clippy::too_many_lines)] // it is a table
    fn each_state_has_its_action() {
        use OnFailure::{Keep, Rollback, Uninstall};
        let failed = |state: &mut State| state.applied = Step::Bad;
        let kept = |state: &mut State| (state.applied, state.evidence) = (Step::Bad, true);
        let recorded = |state: &mut State| (state.applied, state.evidence, state.recorded) = (Step::Bad, true, true);
        let first = |state: &mut State| {
            recorded(state);
            (state.first_install, state.target) = (true, None);
        };
        let back = |step| {
            move |state: &mut State| {
                recorded(state);
                state.back = step;
            }
        };
        let proof = |step| {
            move |state: &mut State| {
                recorded(state);
                (state.back, state.proof) = (Step::Good, step);
            }
        };
        let asked = |state: &mut State| state.rollback_asked = true;
        let good = |state: &mut State| (state.applied, state.verified) = (Step::Good, Step::Good);
        let table: Vec<(&str, State, OnFailure, Action)> = vec![
            ("at the start", state(|_| {}), Rollback, Action::Apply),
            ("ready", state(|s| s.applied = Step::Good), Rollback, Action::Verify),
            ("verified", state(good), Rollback, Action::Mark),
            (
                "proven",
                state(|s| {
                    good(s);
                    s.marked = true;
                }),
                Rollback,
                Action::Prune,
            ),
            (
                "pruned",
                state(|s| {
                    good(s);
                    (s.marked, s.pruned) = (true, true);
                }),
                Rollback,
                Action::End(Ending::Upgraded),
            ),
            (
                "a gate says nothing",
                state(|s| (s.applied, s.verified) = (Step::Good, Step::Inconclusive)),
                Rollback,
                Action::End(Ending::Unproven),
            ),
            ("not ready", state(failed), Rollback, Action::KeepEvidence),
            ("not ready, to be kept", state(failed), Keep, Action::KeepEvidence),
            (
                "helm refused",
                state(|s| (s.applied, s.nothing_made) = (Step::Bad, true)),
                Rollback,
                Action::KeepEvidence,
            ),
            (
                "helm refused, and it is kept",
                state(|s| (s.applied, s.nothing_made, s.evidence) = (Step::Bad, true, true)),
                Rollback,
                Action::End(Ending::NotBegun),
            ),
            ("interrupted", state(|s| s.applied = Step::Interrupted), Rollback, Action::KeepEvidence),
            (
                "a gate failed",
                state(|s| (s.applied, s.verified) = (Step::Good, Step::Bad)),
                Rollback,
                Action::KeepEvidence,
            ),
            (
                "interrupted while it soaks",
                state(|s| (s.applied, s.verified) = (Step::Good, Step::Interrupted)),
                Rollback,
                Action::KeepEvidence,
            ),
            ("evidence kept", state(kept), Rollback, Action::Record),
            ("recorded", state(recorded), Rollback, Action::GoBack(3)),
            ("recorded, to be kept", state(recorded), Keep, Action::End(Ending::Kept)),
            (
                "recorded, no target",
                state(|s| {
                    recorded(s);
                    s.target = None;
                }),
                Rollback,
                Action::End(Ending::NoWayBack),
            ),
            ("recorded, uninstall wanted, not the first revision", state(recorded), Uninstall, Action::GoBack(3)),
            ("first installation", state(first), Rollback, Action::End(Ending::Kept)),
            ("first installation, to be kept", state(first), Keep, Action::End(Ending::Kept)),
            ("first installation, to be removed", state(first), Uninstall, Action::Uninstall),
            (
                "removed",
                state(|s| {
                    first(s);
                    s.uninstalled = Step::Good;
                }),
                Uninstall,
                Action::End(Ending::Uninstalled),
            ),
            (
                "can't be removed",
                state(|s| {
                    first(s);
                    s.uninstalled = Step::Bad;
                }),
                Uninstall,
                Action::End(Ending::NotRolledBack),
            ),
            ("back", state(back(Step::Good)), Rollback, Action::Prove),
            ("going back failed", state(back(Step::Bad)), Rollback, Action::End(Ending::NotRolledBack)),
            (
                "going back was interrupted",
                state(back(Step::Interrupted)),
                Rollback,
                Action::End(Ending::NotRolledBack),
            ),
            ("back and equal", state(proof(Step::Good)), Rollback, Action::End(Ending::RolledBack)),
            ("back and not equal", state(proof(Step::Bad)), Rollback, Action::End(Ending::NotRolledBack)),
            (
                "back, and nobody can tell",
                state(proof(Step::Inconclusive)),
                Rollback,
                Action::End(Ending::NotRolledBack),
            ),
            ("a rollback was asked for", state(asked), Rollback, Action::GoBack(3)),
            (
                "asked for, and back",
                state(|s| {
                    asked(s);
                    s.back = Step::Good;
                }),
                Rollback,
                Action::Prove,
            ),
            (
                "asked for, and equal",
                state(|s| {
                    asked(s);
                    (s.back, s.proof) = (Step::Good, Step::Good);
                }),
                Rollback,
                Action::Verify,
            ),
            (
                "asked for, and verified",
                state(|s| {
                    asked(s);
                    (s.back, s.proof, s.verified) = (Step::Good, Step::Good, Step::Good);
                }),
                Rollback,
                Action::Mark,
            ),
            (
                "asked for, and failed",
                state(|s| {
                    asked(s);
                    s.back = Step::Bad;
                }),
                Rollback,
                Action::KeepEvidence,
            ),
            (
                "asked for, failed, and kept",
                state(|s| {
                    asked(s);
                    (s.back, s.evidence) = (Step::Bad, true);
                }),
                Rollback,
                Action::End(Ending::NotRolledBack),
            ),
            (
                "asked for, and a gate failed",
                state(|s| {
                    asked(s);
                    (s.back, s.proof, s.verified, s.evidence) = (Step::Good, Step::Good, Step::Bad, true);
                }),
                Rollback,
                Action::Record,
            ),
            (
                "only looked at, and a gate failed",
                state(|s| (s.look_only, s.applied, s.verified) = (true, Step::Good, Step::Bad)),
                Rollback,
                Action::End(Ending::Unproven),
            ),
            (
                "only looked at, and not ready",
                state(|s| (s.look_only, s.applied) = (true, Step::Bad)),
                Rollback,
                Action::End(Ending::Unproven),
            ),
            (
                "a step was only looked at, and a gate failed",
                state(|s| (s.look_only, s.is_staged, s.applied, s.verified) = (true, true, Step::Good, Step::Bad)),
                Rollback,
                Action::KeepEvidence,
            ),
            (
                "a step is verified",
                state(|s| {
                    good(s);
                    s.more_follow = true;
                }),
                Rollback,
                Action::End(Ending::Passed),
            ),
            (
                "a gate says nothing of a step",
                state(|s| (s.more_follow, s.applied, s.verified) = (true, Step::Good, Step::Inconclusive)),
                Rollback,
                Action::End(Ending::Unproven),
            ),
            (
                "overtaken while it applies",
                state(|s| s.overtaken_by = Some(9)),
                Rollback,
                Action::End(Ending::Overtaken),
            ),
            (
                "overtaken after a failure",
                state(|s| {
                    recorded(s);
                    s.overtaken_by = Some(9);
                }),
                Rollback,
                Action::End(Ending::Overtaken),
            ),
        ];
        for (name, state, on_failure, action) in table {
            assert_eq!(next(&state, on_failure), action, "{name}");
        }
    }

    /// Whatever happens, a run ends: there is no state from which it goes round.
    #[test]
    fn every_run_ends() {
        let steps = [Step::Good, Step::Bad, Step::Interrupted, Step::Inconclusive];
        for seed in 0..4_usize.pow(5) {
            let pick = |place: u32| steps[seed / 4_usize.pow(place) % 4];
            for on_failure in [OnFailure::Rollback, OnFailure::Keep, OnFailure::Uninstall] {
                for (first, rollback_asked) in [(false, false), (true, false), (false, true)] {
                    let target = (!first).then_some(1);
                    let mut state = State { first_install: first, rollback_asked, target, ..State::default() };
                    let ended = (0..12).any(|_| {
                        match next(&state, on_failure) {
                            Action::Apply => state.applied = pick(0),
                            Action::Verify => state.verified = pick(1),
                            Action::Mark => state.marked = true,
                            Action::Prune => state.pruned = true,
                            Action::KeepEvidence => state.evidence = true,
                            Action::Record => state.recorded = true,
                            Action::GoBack(_) => state.back = pick(2),
                            Action::Prove => state.proof = pick(3),
                            Action::Uninstall => state.uninstalled = pick(4),
                            Action::End(_) => return true,
                        }
                        false
                    });
                    assert!(ended, "{state:?}");
                }
            }
        }
    }

    /// What is healthy stays: without a failure nothing goes back.
    #[test]
    fn a_ready_release_is_never_rolled_back() {
        for verified in [Step::Open, Step::Good, Step::Inconclusive] {
            let state = state(|s| (s.applied, s.verified) = (Step::Good, verified));
            assert!(!matches!(
                next(&state, OnFailure::Rollback),
                Action::GoBack(_) | Action::Uninstall | Action::Record
            ));
        }
    }
}
