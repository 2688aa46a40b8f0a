//! What to do next in a roll-out: a pure function of how far it is kept to be, of where the traffic is now, and of what the user
//! wants. What was done is seen in the cluster before anything else is done, so that a roll-out that was killed goes on.
//!
//! The rules above all others: before the switch nothing is done to the release that has the traffic; after it, only a failure that
//! was seen, or the user, leads back; and where somebody else has led the traffic elsewhere, it is left to them.

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
    /// It is good. Somebody is to say whether it gets the traffic.
    Paused,
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
    /// Whether it is given up: what was interrupted may be gone on with, this is over.
    pub aborted: bool,
    /// What becomes of the release from before.
    pub retire: Retire,
    /// When, where it was proven already.
    pub due: Option<Timestamp>,
    /// Whether what leads the traffic is in the midst of a change, or a change of it has failed: it may lead elsewhere than it says.
    pub unsettled: bool,
    /// Whether it is being changed at this moment, and has not been for long: what comes of it is seen soon.
    pub pending: bool,
    /// Whether somebody else has changed the release that had the traffic at the beginning since it was looked at.
    pub live_changed: bool,
    /// Whether somebody else has changed the other one since it was tested.
    pub idle_changed: bool,
    /// Whether the revision of it that was tested is recorded as failed since: it has failed with the traffic.
    pub idle_failed: bool,
}

/// What to do.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Action {
    /// Upgrade or install the idle release, and test it.
    Test,
    /// Leave the traffic where it is until somebody says that it goes on.
    Pause,
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
    /// Look again in a moment.
    LookAgain,
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
        // Nothing is done to the release that has the traffic, so it is no matter what has become of it.
        (Phase::Testing | Phase::Paused | Phase::Switching, Live) if state.aborted && !state.unsettled => {
            Action::End(Outcome::Aborted)
        }
        // The traffic is not led away from what somebody else has just made.
        (Phase::Testing | Phase::Paused | Phase::Switching, Live) if state.live_changed => {
            Action::End(Outcome::Overtaken)
        }
        // Of a switch that was begun nobody knows how far it came.
        (Phase::Switching, Live) if state.interrupted && state.unsettled => Action::SwitchBack,
        (Phase::Testing | Phase::Paused | Phase::Switching, Live) if state.interrupted => {
            Action::End(Outcome::Interrupted)
        }
        // Whoever changes it may lead it to the same release.
        (Phase::Proven, Idle) if state.pending && state.interrupted => retire(state, now),
        (Phase::Soaking | Phase::Proven, Idle) if state.pending => Action::LookAgain,
        (Phase::Testing | Phase::Paused | Phase::Soaking | Phase::Proven, _) if state.unsettled => {
            Action::End(Outcome::Overtaken)
        }
        (Phase::Testing, Live) => Action::Test,
        (Phase::Paused, Live) => Action::Pause,
        (Phase::Switching, Live) => Action::Switch,
        (Phase::Switching, Idle) if state.interrupted => Action::SwitchBack,
        (Phase::Switching, Idle) => Action::Confirm,
        (Phase::Soaking, Idle) if state.interrupted || state.idle_failed => Action::SwitchBack,
        (Phase::Soaking, Idle) => Action::Soak,
        (Phase::GoingBack, Idle) => Action::SwitchBack,
        (Phase::GoingBack, Live) if state.unsettled => Action::SwitchBack,
        (Phase::GoingBack, Live) => Action::ConfirmBack,
        (Phase::Proven, Idle) => retire(state, now),
        // Somebody was faster, or has led the traffic back.
        (Phase::Testing | Phase::Paused, Idle) | (Phase::Soaking | Phase::Proven, Live) => {
            Action::End(Outcome::Overtaken)
        }
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

    /// A roll-out of which nothing else is known.
    fn state(phase: Phase, traffic: Traffic) -> State {
        State {
            phase,
            traffic,
            interrupted: false,
            aborted: false,
            retire: Retire::Uninstall,
            due: None,
            unsettled: false,
            pending: false,
            live_changed: false,
            idle_changed: false,
            idle_failed: false,
        }
    }

    #[test]
    fn each_state_has_its_action() {
        use Phase::{Ended, GoingBack, Paused, Proven, Soaking, Switching, Testing};
        use Traffic::{Idle, Live};
        let elsewhere = || Traffic::Elsewhere("app=other".to_owned());
        let overtaken = Action::End(Outcome::Overtaken);
        for (phase, traffic, interrupted, expected) in [
            (Testing, Live, false, Action::Test),
            (Testing, Live, true, Action::End(Outcome::Interrupted)),
            (Testing, Idle, false, overtaken),
            (Testing, Idle, true, overtaken),
            (Testing, elsewhere(), false, overtaken),
            (Paused, Live, false, Action::Pause),
            (Paused, Live, true, Action::End(Outcome::Interrupted)),
            (Paused, Idle, false, overtaken),
            (Paused, elsewhere(), false, overtaken),
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
            let state = State { interrupted, ..state(phase, traffic) };
            assert_eq!(next(&state, at(10)), expected, "{state:?}");
        }
    }

    #[test]
    fn what_is_given_up_leaves_the_traffic_where_it_was_or_leads_it_back() {
        use Phase::{GoingBack, Paused, Soaking, Switching, Testing};
        use Traffic::{Idle, Live};
        let aborted = Action::End(Outcome::Aborted);
        for (phase, traffic, live_changed, unsettled, expected) in [
            (Testing, Live, false, false, aborted),
            (Paused, Live, false, false, aborted),
            // Somebody has mended the release that has the traffic in the meantime.
            (Paused, Live, true, false, aborted),
            (Paused, Idle, false, false, Action::End(Outcome::Overtaken)),
            (Switching, Live, false, false, aborted),
            // Of a switch that was begun nobody knows how far it came.
            (Switching, Live, false, true, Action::SwitchBack),
            (Switching, Idle, false, false, Action::SwitchBack),
            (Soaking, Idle, false, false, Action::SwitchBack),
            (GoingBack, Live, false, false, Action::ConfirmBack),
        ] {
            let state =
                State { aborted: true, interrupted: true, live_changed, unsettled, ..state(phase, traffic.clone()) };
            assert_eq!(next(&state, at(10)), expected, "{state:?}");
        }
    }

    #[test]
    fn what_has_failed_with_the_traffic_goes_back_whoever_asks() {
        for interrupted in [false, true] {
            let failed = State { idle_failed: true, interrupted, ..state(Phase::Soaking, Traffic::Idle) };
            assert_eq!(next(&failed, at(10)), Action::SwitchBack, "{failed:?}");
        }
        let led_back = State { idle_failed: true, ..state(Phase::Soaking, Traffic::Live) };
        assert_eq!(next(&led_back, at(10)), Action::End(Outcome::Overtaken));
    }

    #[test]
    fn the_traffic_is_not_led_away_from_what_somebody_else_has_just_made() {
        for phase in [Phase::Testing, Phase::Paused, Phase::Switching] {
            let changed = State { live_changed: true, ..state(phase, Traffic::Live) };
            assert_eq!(next(&changed, at(10)), Action::End(Outcome::Overtaken), "{changed:?}");
        }
        // The way back of what has failed leads there all the same.
        let failed = State { live_changed: true, ..state(Phase::GoingBack, Traffic::Idle) };
        assert_eq!(next(&failed, at(10)), Action::SwitchBack);
    }

    #[test]
    fn a_router_that_is_not_deployed_is_not_believed() {
        use Phase::{GoingBack, Proven, Soaking, Switching, Testing};
        use Traffic::{Idle, Live};
        let overtaken = Action::End(Outcome::Overtaken);
        for (phase, traffic, interrupted, expected) in [
            (Testing, Live, false, overtaken),
            (Testing, Live, true, Action::End(Outcome::Interrupted)),
            // Our own upgrade of it was killed: it is made again, or taken back.
            (Switching, Live, false, Action::Switch),
            (Switching, Live, true, Action::SwitchBack),
            (Soaking, Idle, false, overtaken),
            (Proven, Idle, false, overtaken),
            (GoingBack, Live, false, Action::SwitchBack),
            (GoingBack, Idle, false, Action::SwitchBack),
        ] {
            let state = State { unsettled: true, interrupted, ..state(phase, traffic) };
            assert_eq!(next(&state, at(10)), expected, "{state:?}");
        }
    }

    #[test]
    fn a_router_that_somebody_upgrades_at_this_moment_is_looked_at_again() {
        use Phase::{Proven, Soaking, Testing};
        use Traffic::{Idle, Live};
        let overtaken = Action::End(Outcome::Overtaken);
        for (phase, traffic, interrupted, expected) in [
            (Testing, Live, false, overtaken),
            (Soaking, Idle, false, Action::LookAgain),
            (Soaking, Idle, true, Action::LookAgain),
            (Soaking, Live, false, overtaken),
            (Proven, Idle, false, Action::LookAgain),
            (Proven, Idle, true, Action::End(Outcome::Waiting)),
            (Proven, Live, false, overtaken),
        ] {
            let state = State { unsettled: true, pending: true, interrupted, ..state(phase, traffic) };
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
                let state = State { interrupted, idle_changed: true, ..state(phase, traffic.clone()) };
                assert_eq!(next(&state, at(10)), Action::End(Outcome::Overtaken), "{state:?}");
            }
        }
    }

    #[test]
    fn the_release_from_before_is_retired_once_it_is_due() {
        let state = |retire, due: Option<i64>, interrupted, live_changed| State {
            interrupted,
            retire,
            due: due.map(at),
            live_changed,
            ..state(Phase::Proven, Traffic::Idle)
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
