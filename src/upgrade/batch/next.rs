//! What a batch does next: a function of how its releases stand.

use jiff::{SignedDuration, Timestamp};

use super::kept::{Entry, Kept};
use super::order::Order;
use super::{Outcome, Standing};

/// How a batch is run.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Terms {
    /// So many releases are upgraded at the same time.
    pub concurrency: usize,
    /// With more failures than these nothing new is begun.
    pub max_failures: Option<usize>,
    /// Whether a wave with a failure is the last one that is begun.
    pub stops_after_wave: bool,
    /// How long is waited after a wave in which something was upgraded.
    pub soak: SignedDuration,
}

impl Default for Terms {
    fn default() -> Self {
        Self { concurrency: 1, max_failures: None, stops_after_wave: false, soak: SignedDuration::ZERO }
    }
}

/// What to do.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Action {
    /// Upgrade the release at this position.
    Start(usize),
    /// Leave one out.
    Skip(usize, Why),
    /// Wait until one that is being upgraded has ended.
    Wait,
    /// Wait until then; the wave before soaks.
    Soak(Timestamp),
    /// Look whether those of this wave are still ready.
    LookAgain(u32),
    /// Bring one back that was upgraded.
    Undo(usize),
    /// There is nothing more to do.
    End,
}

/// Why a release is left out.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Why {
    /// It needs this one, which is not good.
    Needs(usize),
    /// So many have failed.
    Failures(usize),
    /// A release of this earlier wave has failed.
    Wave(u32),
}

/// What to do next. The batch's releases stand in the order.
#[must_use]
pub fn next(order: &Order, kept: &Kept, (terms, interrupted): (&Terms, bool), now: Timestamp) -> Action {
    let entries = kept.releases.as_slice();
    let running = entries.iter().filter(|entry| entry.standing() == Standing::Running).count();
    if interrupted {
        return if running > 0 { Action::Wait } else { Action::End };
    }
    let waiting = entries.iter().enumerate().filter(|(_, entry)| entry.standing() == Standing::Waiting);
    // What was killed in the middle may be half upgraded: it is taken up, whatever has become of others.
    let (begun, new): (Vec<_>, Vec<_>) = waiting.partition(|(_, entry)| entry.started.is_some());
    if let Some((at, _)) = begun.first().filter(|_| running < terms.concurrency.max(1)) {
        return Action::Start(*at);
    }
    let mut waiting = new.into_iter();
    if is_stopped(kept, terms) {
        if let Some((at, _)) = waiting.next() {
            return Action::Skip(at, Why::Failures(kept.failures()));
        }
    } else {
        let failed = entries.iter().filter(|entry| terms.stops_after_wave && entry.is_failure());
        let wave = failed.map(|entry| entry.wave).min();
        if let Some((wave, (at, _))) =
            wave.and_then(|wave| Some((wave, waiting.clone().find(|(_, entry)| entry.wave > wave)?)))
        {
            return Action::Skip(at, Why::Wave(wave));
        }
        let bad = |at: usize| order.needs[at].iter().copied().find(|&need| is_bad(&entries[need]));
        if let Some((at, need)) = waiting.find_map(|(at, _)| Some((at, bad(at)?))) {
            return Action::Skip(at, Why::Needs(need));
        }
        if running < terms.concurrency.max(1)
            && let Some(action) = begin(order, kept, terms, now)
        {
            return action;
        }
    }
    if running > 0 {
        return Action::Wait;
    }
    // The last one that ended first; of those that ended together the one that stands later.
    kept.to_undo().max_by_key(|at| (entries[*at].ended, *at)).map_or(Action::End, Action::Undo)
}

/// Whether nothing new is begun, for what has failed.
#[must_use]
pub fn is_stopped(kept: &Kept, terms: &Terms) -> bool {
    let failures = kept.failures();
    terms.max_failures.is_some_and(|most| failures > most) || kept.rollback_set && failures > 0
}

fn is_bad(entry: &Entry) -> bool {
    entry.outcome.is_some_and(|outcome| !outcome.is_good())
}

/// What there is to begin now: a release of the first wave that has not ended, after the soak of the one before.
fn begin(order: &Order, kept: &Kept, terms: &Terms, now: Timestamp) -> Option<Action> {
    let entries = kept.releases.as_slice();
    let wave = entries.iter().filter(|entry| entry.outcome.is_none()).map(|entry| entry.wave).min()?;
    let before = entries.iter().filter(|entry| entry.wave < wave && entry.outcome == Some(Outcome::Upgraded));
    if terms.soak > SignedDuration::ZERO
        && let Some(last) = before.max_by_key(|entry| entry.wave)
        && kept.looked_again.is_none_or(|looked| looked < last.wave)
    {
        let ended = entries.iter().filter(|entry| entry.wave == last.wave).filter_map(|entry| entry.ended).max();
        let until = ended.unwrap_or(now).saturating_add(terms.soak).unwrap_or(now);
        return Some(if now < until { Action::Soak(until) } else { Action::LookAgain(last.wave) });
    }
    let is_ready = |at: usize| {
        let good = |need: &usize| entries[*need].outcome.is_some_and(Outcome::is_good);
        entries[at].wave == wave && entries[at].standing() == Standing::Waiting && order.needs[at].iter().all(good)
    };
    (0..entries.len()).find(|&at| is_ready(at)).map(Action::Start)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::upgrade::batch::Id;
    use crate::upgrade::batch::kept::Told;

    const ONE: Terms =
        Terms { concurrency: 1, max_failures: None, stops_after_wave: false, soak: SignedDuration::ZERO };
    const TWO: Terms = Terms { concurrency: 2, ..ONE };
    const STRICT: Terms = Terms { max_failures: Some(0), ..ONE };
    const SOAK: Terms = Terms { soak: SignedDuration::from_secs(60), ..ONE };

    /// A batch of releases as in `wave:state:needs`: `.` waits, `r` is being upgraded, and else how it ended. The nth one ended
    /// n seconds after the epoch.
    fn batch(releases: &[&str]) -> (Order, Kept) {
        let (mut order, mut entries) = (Order::default(), Vec::new());
        for (at, release) in releases.iter().enumerate() {
            let mut parts = release.split(':');
            let (wave, state) = (parts.next().unwrap().parse().unwrap(), parts.next().unwrap());
            let needs = parts.next().unwrap_or_default();
            let id = Id { context: None, namespace: "shop".to_owned(), release: at.to_string() };
            let mut entry = Entry::new(id, wave);
            let outcome = match state {
                "." => None,
                "r" => {
                    entry.begin(Timestamp::UNIX_EPOCH);
                    None
                }
                "+" => Some(Outcome::Upgraded),
                "=" => Some(Outcome::Unchanged),
                "b" => Some(Outcome::RolledBack),
                "x" => Some(Outcome::Failed),
                "n" => Some(Outcome::Refused),
                "u" => Some(Outcome::Undone),
                "s" => Some(Outcome::Skipped),
                other => panic!("{other}"),
            };
            if let Some(outcome) = outcome {
                let deployed = (outcome == Outcome::Upgraded).then_some(2);
                let told = Told { from: Some(1), revision: Some(2), deployed, ..Told::new(outcome, None) };
                entry.end(told, second(at as i64));
            }
            entries.push(entry);
            order.given.push(at);
            order.waves.push(wave);
            order
                .needs
                .push(needs.split(',').filter(|need| !need.is_empty()).map(|need| need.parse().unwrap()).collect());
        }
        let kept = Kept::of(entries);
        (order, kept)
    }

    fn second(second: i64) -> Timestamp {
        Timestamp::from_second(second).unwrap()
    }

    fn action(terms: &Terms, releases: &[&str]) -> Action {
        let (order, kept) = batch(releases);
        next(&order, &kept, (terms, false), second(10))
    }

    #[test]
    fn the_course_of_a_batch() {
        use Action::{End, Skip, Start, Wait};
        for (terms, releases, expected) in [
            // One after the other, or several.
            (ONE, &["0:.", "0:."] as &[&str], Start(0)),
            (ONE, &["0:r", "0:."], Wait),
            (TWO, &["0:r", "0:."], Start(1)),
            (TWO, &["0:r", "0:r", "0:."], Wait),
            (ONE, &["0:+", "0:="], End),
            (ONE, &[], End),
            // What is needed must be good first.
            (TWO, &["0:r", "0:.:0", "0:."], Start(2)),
            (TWO, &["0:=", "0:.:0"], Start(1)),
            (ONE, &["0:b", "0:.:0", "0:."], Skip(1, Why::Needs(0))),
            (ONE, &["0:n", "0:.:0"], Skip(1, Why::Needs(0))),
            (ONE, &["0:b", "0:s:0", "0:.:1"], Skip(2, Why::Needs(1))),
            // A failure stops nothing else, unless told so.
            (ONE, &["0:x", "0:."], Start(1)),
            (STRICT, &["0:x", "0:."], Skip(1, Why::Failures(1))),
            (STRICT, &["0:n", "0:."], Start(1)),
            (Terms { max_failures: Some(1), ..ONE }, &["0:x", "0:."], Start(1)),
            (Terms { max_failures: Some(1), ..ONE }, &["0:x", "0:b", "0:."], Skip(2, Why::Failures(2))),
            (STRICT, &["0:x", "0:r"], Wait),
            // Waves wait for each other.
            (TWO, &["1:r", "2:."], Wait),
            (TWO, &["1:+", "2:."], Start(1)),
            (ONE, &["1:x", "2:."], Start(1)),
        ] {
            assert_eq!(action(&terms, releases), expected, "{releases:?} {terms:?}");
        }
    }

    #[test]
    fn a_failure_brings_back_the_whole_set_the_last_one_first() {
        use Action::{End, Skip, Undo, Wait};
        for (releases, expected) in [
            (&["0:+", "0:+", "0:x", "0:."] as &[&str], Skip(3, Why::Failures(1))),
            (&["0:+", "0:+", "0:x", "0:r"], Wait),
            (&["0:+", "0:+", "0:x", "0:s"], Undo(1)),
            (&["0:+", "0:u", "0:x", "0:s"], Undo(0)),
            (&["0:u", "0:u", "0:x", "0:="], End),
            (&["0:+", "0:n"], End),
        ] {
            let (order, mut kept) = batch(releases);
            kept.rollback_set = true;
            assert_eq!(next(&order, &kept, (&ONE, false), second(10)), expected, "{releases:?}");
        }
    }

    #[test]
    fn what_was_killed_in_the_middle_is_taken_up_first_whatever_failed() {
        let (order, mut kept) = batch(&["0:x", "0:r:0", "0:."]);
        kept.rollback_set = true;
        kept.take_up(true);
        assert_eq!(next(&order, &kept, (&ONE, false), second(10)), Action::Start(1));
        kept.releases[1].begin(second(10));
        assert_eq!(next(&order, &kept, (&ONE, false), second(10)), Action::Skip(2, Why::Failures(1)));
    }

    #[test]
    fn what_failed_after_its_upgrade_is_brought_back_too() {
        let (order, mut kept) = batch(&["0:+", "0:+"]);
        kept.rollback_set = true;
        let look = |outcome, deployed| Told { deployed, ..Told::new(outcome, None) };
        kept.releases[1].end(look(Outcome::Failed, Some(2)), second(5));
        assert_eq!(next(&order, &kept, (&ONE, false), second(10)), Action::Undo(1));
        let told = kept.releases[1].brought_back(look(Outcome::NotUndone, None));
        kept.releases[1].end(told, second(6));
        assert_eq!(
            next(&order, &kept, (&ONE, false), second(10)),
            Action::Undo(0),
            "no second try, and the rest goes on"
        );
    }

    #[test]
    fn between_waves_it_soaks_and_looks_again() {
        let (order, mut kept) = batch(&["1:+", "1:+", "2:."]);
        let at = |kept: &Kept, now| next(&order, kept, (&SOAK, false), second(now));
        assert_eq!(at(&kept, 10), Action::Soak(second(61)));
        assert_eq!(at(&kept, 61), Action::LookAgain(1));
        kept.looked_again = Some(1);
        assert_eq!(at(&kept, 61), Action::Start(2));
        let (_, kept) = batch(&["1:=", "1:n", "2:."]);
        assert_eq!(at(&kept, 1), Action::Start(2), "nothing was upgraded");
    }

    #[test]
    fn a_wave_with_a_failure_may_be_the_last_one() {
        let by_wave = Terms { stops_after_wave: true, ..ONE };
        let at = |releases: &[&str], terms: &Terms| {
            let (order, kept) = batch(releases);
            next(&order, &kept, (terms, false), second(9))
        };
        assert_eq!(at(&["0:b", "1:."], &ONE), Action::Start(1), "unless the plan says so");
        assert_eq!(at(&["0:b", "0:.", "1:."], &by_wave), Action::Skip(2, Why::Wave(0)));
        assert_eq!(at(&["0:b", "0:.", "1:s"], &by_wave), Action::Start(1), "the rest of its wave goes on");
        assert_eq!(at(&["0:n", "1:."], &by_wave), Action::Start(1), "what was refused is no failure");
    }

    #[test]
    fn an_interrupt_begins_nothing_and_waits_for_what_is_at_work() {
        let (order, mut kept) = batch(&["0:r", "0:.", "0:x"]);
        kept.rollback_set = true;
        assert_eq!(next(&order, &kept, (&ONE, true), second(0)), Action::Wait);
        let (order, mut kept) = batch(&["0:+", "0:.", "0:x"]);
        kept.rollback_set = true;
        assert_eq!(next(&order, &kept, (&ONE, true), second(0)), Action::End);
    }
}
