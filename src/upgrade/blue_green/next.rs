//! What to do next in a roll-out: a pure function of how far it is kept to be, of where the traffic is now, and of what the user
//! wants. What was done is seen in the cluster before anything else is done, so that a roll-out that was killed goes on.
//!
//! The rules above all others: before the switch nothing is done to the release that has the traffic; after it, only a failure that
//! was seen leads back; and where somebody else has led the traffic elsewhere, it is left to them.

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use super::traffic::Traffic;
use super::{Outcome, Retire};

/// How far a roll-out is. It is kept before the step that follows from it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Phase {
    /// The idle release is being upgraded and tested.
    Testing,
    /// It is good. The traffic is being switched to it, or is there already.
    Switching,
    /// The traffic was seen to arrive there. It is watched with it.
    Soaking,
    /// It has failed with the traffic, which is being led back.
    GoingBack,
    /// It is proven with the traffic. The release from before is waited for to be retired.
    Proven,
    /// That is done.
    Ended,
}

/// What is known.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct State {
    /// How far it is.
    pub phase: Phase,
    /// Where the traffic is.
    pub traffic: Traffic,
    /// Whether the user wants no more.
    pub interrupted: bool,
    /// What becomes of the release from before.
    pub retire: Retire,
    /// When, where it was proven already.
    pub due: Option<Timestamp>,
    /// Whether somebody else has changed the release from before since it lost the traffic.
    pub live_changed: bool,
    /// Whether somebody else has changed the other one since it was tested.
    pub idle_changed: bool,
}

/// What to do.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Action {
    /// Upgrade or install the idle release, and test it.
    Test,
    /// Lead the traffic to it.
    Switch,
    /// See that the traffic arrives there.
    Confirm,
    /// Watch it with the traffic.
    Soak,
    /// Lead the traffic back.
    SwitchBack,
    /// See that the traffic is back.
    ConfirmBack,
    /// Wait until then.
    Wait(Timestamp),
    /// Retire the release from before.
    Retire,
    /// Nothing more.
    End(Outcome),
}

/// What to do next.
#[must_use]
pub fn next(state: &State, now: Timestamp) -> Action {
    use Traffic::{Elsewhere, Idle, Live};
    match (state.phase, &state.traffic) {
        (Phase::Ended, _) => Action::End(Outcome::Switched),
        (_, Elsewhere(_)) => Action::End(Outcome::Overtaken),
        // What is there now was tested by nobody, and is somebody else's.
        _ if state.idle_changed => Action::End(Outcome::Overtaken),
        (Phase::Testing | Phase::Switching, Live) if state.interrupted => Action::End(Outcome::Interrupted),
        (Phase::Testing, Live) => Action::Test,
        (Phase::Switching, Live) => Action::Switch,
        (Phase::Switching, Idle) if state.interrupted => Action::SwitchBack,
        (Phase::Switching, Idle) => Action::Confirm,
        (Phase::Soaking, Idle) if state.interrupted => Action::SwitchBack,
        (Phase::Soaking, Idle) => Action::Soak,
        (Phase::GoingBack, Idle) => Action::SwitchBack,
        (Phase::GoingBack, Live) => Action::ConfirmBack,
        (Phase::Proven, Idle) => retire(state, now),
        // Somebody was faster, or has led the traffic back.
        (Phase::Testing, Idle) | (Phase::Soaking | Phase::Proven, Live) => Action::End(Outcome::Overtaken),
    }
}

fn retire(state: &State, now: Timestamp) -> Action {
    match state.due.filter(|due| *due > now) {
        // What somebody else works with is not taken away.
        _ if state.retire == Retire::Keep || state.live_changed => Action::End(Outcome::Switched),
        _ if state.interrupted => Action::End(Outcome::Waiting),
        Some(due) => Action::Wait(due),
        None => Action::Retire,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(second: i64) -> Timestamp {
        Timestamp::from_second(second).unwrap()
    }

    #[test]
    fn each_state_has_its_action() {
        use Phase::{Ended, GoingBack, Proven, Soaking, Switching, Testing};
        use Traffic::{Idle, Live};
        let elsewhere = || Traffic::Elsewhere("app=other".to_owned());
        let overtaken = Action::End(Outcome::Overtaken);
        for (phase, traffic, interrupted, expected) in [
            (Testing, Live, false, Action::Test),
            (Testing, Live, true, Action::End(Outcome::Interrupted)),
            (Testing, Idle, false, overtaken),
            (Testing, Idle, true, overtaken),
            (Testing, elsewhere(), false, overtaken),
            (Switching, Live, false, Action::Switch),
            (Switching, Live, true, Action::End(Outcome::Interrupted)),
            (Switching, Idle, false, Action::Confirm),
            (Switching, Idle, true, Action::SwitchBack),
            (Switching, elsewhere(), true, overtaken),
            (Soaking, Idle, false, Action::Soak),
            (Soaking, Idle, true, Action::SwitchBack),
            (Soaking, Live, false, overtaken),
            (Soaking, elsewhere(), false, overtaken),
            (GoingBack, Idle, false, Action::SwitchBack),
            (GoingBack, Idle, true, Action::SwitchBack),
            (GoingBack, Live, false, Action::ConfirmBack),
            (GoingBack, Live, true, Action::ConfirmBack),
            (GoingBack, elsewhere(), false, overtaken),
            (Proven, Live, false, overtaken),
            (Proven, elsewhere(), false, overtaken),
            (Ended, Live, false, Action::End(Outcome::Switched)),
        ] {
            let (retire, due) = (Retire::Uninstall, None);
            let state = State { phase, traffic, interrupted, retire, due, live_changed: false, idle_changed: false };
            assert_eq!(next(&state, at(10)), expected, "{state:?}");
        }
    }

    #[test]
    fn what_somebody_else_has_upgraded_since_it_was_tested_is_left_to_them() {
        use Phase::{GoingBack, Proven, Soaking, Switching};
        for (phase, traffic) in [
            (Switching, Traffic::Live),
            (Switching, Traffic::Idle),
            (Soaking, Traffic::Idle),
            (GoingBack, Traffic::Idle),
            (Proven, Traffic::Idle),
        ] {
            for interrupted in [false, true] {
                let (traffic, retire, due) = (traffic.clone(), Retire::Uninstall, None);
                let state = State { phase, traffic, interrupted, retire, due, live_changed: false, idle_changed: true };
                assert_eq!(next(&state, at(10)), Action::End(Outcome::Overtaken), "{state:?}");
            }
        }
    }

    #[test]
    fn the_release_from_before_is_retired_once_it_is_due() {
        let state = |retire, due: Option<i64>, interrupted, live_changed| State {
            phase: Phase::Proven,
            traffic: Traffic::Idle,
            interrupted,
            retire,
            due: due.map(at),
            live_changed,
            idle_changed: false,
        };
        for (state, expected) in [
            (state(Retire::Keep, None, false, false), Action::End(Outcome::Switched)),
            (state(Retire::Uninstall, Some(20), false, false), Action::Wait(at(20))),
            (state(Retire::Uninstall, Some(20), true, false), Action::End(Outcome::Waiting)),
            (state(Retire::Uninstall, Some(20), false, true), Action::End(Outcome::Switched)),
            (state(Retire::Uninstall, Some(10), false, false), Action::Retire),
            (state(Retire::Uninstall, Some(10), false, true), Action::End(Outcome::Switched)),
            (state(Retire::Scale, None, false, false), Action::Retire),
            (state(Retire::Scale, None, true, false), Action::End(Outcome::Waiting)),
        ] {
            assert_eq!(next(&state, at(10)), expected, "{state:?}");
        }
    }
}
