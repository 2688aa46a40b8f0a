//! Which revisions may be deleted. Pure: what is known of each revision comes in, and for each comes out why it stays, or
//! that it may go.

use std::fmt;

use jiff::{SignedDuration, Timestamp};

use crate::release::history::Entry;

/// How many revisions stay, where nothing else is said: as in Helm.
pub const DEFAULT_KEEP: u32 = 10;

/// How many proven revisions stay, where nothing else is said: the one that runs and the one to go back to.
pub const DEFAULT_KEEP_PROVEN: u32 = 2;

/// The statuses of revisions that may go. All others say that something runs or is under way, or are not known.
const OVER: [&str; 3] = ["superseded", "failed", "uninstalled"];

/// What stays.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Keep {
    /// The newest revisions, so many; 0 is all of them, as in Helm.
    pub revisions: u32,
    /// The newest proven revisions, so many; at least one.
    pub proven: u32,
    /// Revisions younger than this.
    pub younger_than: Option<SignedDuration>,
}

impl Default for Keep {
    fn default() -> Self {
        Self { revisions: DEFAULT_KEEP, proven: DEFAULT_KEEP_PROVEN, younger_than: None }
    }
}

/// Why a revision stays.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Reason {
    /// It is the last one.
    Last,
    /// It is deployed.
    Deployed,
    /// Something is under way with it, or its status is not known.
    Unfinished,
    /// It is one of the last that were proven good.
    Proven,
    /// A rollback goes back to it.
    RollbackTarget,
    /// It is one of the newest.
    Recent,
    /// It is too young, or nobody knows how old it is.
    Young,
}

impl Reason {
    /// For a reader: `deployed`.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::Last => "last revision",
            Self::Deployed => "deployed",
            Self::Unfinished => "not finished",
            Self::Proven => "proven",
            Self::RollbackTarget => "rollback target",
            Self::Recent => "recent",
            Self::Young => "young",
        }
    }
}

impl fmt::Display for Reason {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

/// What is to become of a revision.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Fate {
    /// The revision.
    pub revision: u32,
    /// Why it stays; `None` if it may go.
    pub stays: Option<Reason>,
}

/// Decides about each revision, oldest first. `entries` are all revisions of one release, oldest first; `target` is the
/// revision that a rollback would go back to.
#[must_use]
pub fn decide(entries: &[Entry], keep: Keep, target: Option<u32>, now: Timestamp) -> Vec<Fate> {
    let newest = |count: u32, which: &dyn Fn(&Entry) -> bool| -> Vec<u32> {
        let matching = entries.iter().rev().filter(|entry| which(entry));
        matching.take(count as usize).map(|entry| entry.revision).collect()
    };
    let last = entries.last().map(|entry| entry.revision);
    let proven = newest(keep.proven.max(1), &|entry| entry.marks.is_proven());
    let recent = newest(if keep.revisions == 0 { u32::MAX } else { keep.revisions }, &|_| true);
    let young = |entry: &Entry| {
        keep.younger_than.is_some_and(|least| entry.created.is_none_or(|made| now.duration_since(made) < least))
    };
    let stays = |entry: &Entry| {
        let revision = entry.revision;
        let reasons = [
            (entry.status_hint == "deployed", Reason::Deployed),
            (Some(revision) == last, Reason::Last),
            (!OVER.contains(&entry.status_hint.as_str()), Reason::Unfinished),
            (proven.contains(&revision), Reason::Proven),
            (Some(revision) == target, Reason::RollbackTarget),
            (recent.contains(&revision), Reason::Recent),
            (young(entry), Reason::Young),
        ];
        reasons.into_iter().find(|(holds, _)| *holds).map(|(_, reason)| reason)
    };
    entries.iter().map(|entry| Fate { revision: entry.revision, stays: stays(entry) }).collect()
}

/// The revision that a rollback goes back to as far as metadata tell: the newest proven one before the last, else the newest one
/// before the last that Helm would take, and that was not found bad.
#[must_use]
pub fn rollback_target(entries: &[Entry]) -> Option<u32> {
    let (_, before) = entries.split_last()?;
    let good =
        |entry: &&Entry| !entry.marks.is_bad() && ["superseded", "deployed"].contains(&entry.status_hint.as_str());
    let proven = before.iter().rev().find(|entry| entry.marks.is_proven());
    proven.or_else(|| before.iter().rev().find(good)).map(|entry| entry.revision)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::release::marks::Marks;

    const NOW: i64 = 1_766_668_400;

    fn entries() -> impl Strategy<Value = Vec<Entry>> {
        let status = prop_oneof![
            6 => Just("superseded"), 3 => Just("failed"), 1 => Just("deployed"), 1 => Just("pending-upgrade"),
            1 => Just("uninstalled"), 1 => Just("uninstalling"), 1 => Just(""), 1 => Just("unknown"),
        ];
        let time = |age: Option<i64>| age.and_then(|age| Timestamp::from_second(NOW - age).ok());
        let entry =
            (status, proptest::option::of(0..9_i64), proptest::option::of(0..9_i64), proptest::option::of(0..1000_i64));
        proptest::collection::vec((1..4_u32, entry), 0..40).prop_map(move |rows| {
            let mut revision = 0;
            let made = |(step, (status, proven, bad, age)): (u32, (&str, _, _, _))| {
                revision += step;
                let marks = Marks { proven: time(proven), bad: time(bad), ..Marks::default() };
                Entry { revision, status_hint: status.to_owned(), marks, created: time(age), ..Entry::default() }
            };
            rows.into_iter().map(made).collect()
        })
    }

    fn keep() -> impl Strategy<Value = Keep> {
        (0..15_u32, 0..5_u32, proptest::option::of(0..1000_i64)).prop_map(|(revisions, proven, age)| Keep {
            revisions,
            proven,
            younger_than: age.map(SignedDuration::from_secs),
        })
    }

    fn now() -> Timestamp {
        Timestamp::from_second(NOW).unwrap()
    }

    fn left(entries: &[Entry], fates: &[Fate]) -> Vec<Entry> {
        let stays = |entry: &&Entry| fates.iter().any(|fate| fate.revision == entry.revision && fate.stays.is_some());
        entries.iter().filter(stays).cloned().collect()
    }

    proptest! {
        #[test]
        fn nothing_protected_ever_goes(entries in entries(), keep in keep(), target in proptest::option::of(1..60_u32)) {
            let fates = decide(&entries, keep, target, now());
            let gone: Vec<&Entry> =
                entries.iter().zip(&fates).filter(|(_, fate)| fate.stays.is_none()).map(|(entry, _)| entry).collect();
            let last = entries.last().map(|entry| entry.revision);
            let proven: Vec<u32> =
                entries.iter().rev().filter(|entry| entry.marks.is_proven()).map(|entry| entry.revision).collect();
            for entry in &gone {
                prop_assert!(["superseded", "failed", "uninstalled"].contains(&entry.status_hint.as_str()));
                prop_assert_ne!(Some(entry.revision), last);
                prop_assert_ne!(Some(entry.revision), target);
                prop_assert!(!proven.iter().take(keep.proven.max(1) as usize).any(|one| *one == entry.revision));
                if let Some(least) = keep.younger_than {
                    prop_assert!(entry.created.is_some_and(|made| now().duration_since(made) >= least));
                }
            }
            let kept = entries.len() - gone.len();
            let wanted = if keep.revisions == 0 { entries.len() } else { keep.revisions as usize };
            prop_assert!(kept >= wanted.min(entries.len()), "{kept} of {} are left", entries.len());
        }

        #[test]
        fn it_is_oldest_first_and_once_is_enough(entries in entries(), keep in keep()) {
            let target = rollback_target(&entries);
            let fates = decide(&entries, keep, target, now());
            prop_assert!(fates.windows(2).all(|pair| pair[0].revision < pair[1].revision));
            prop_assert_eq!(fates.len(), entries.len());
            let left = left(&entries, &fates);
            prop_assert_eq!(rollback_target(&left), target, "what a rollback goes back to is the same afterwards");
            prop_assert!(decide(&left, keep, target, now()).iter().all(|fate| fate.stays.is_some()));
        }
    }

    #[test]
    fn each_reason_is_named() {
        let row = |revision: u32, status: &str, proven: bool| Entry {
            revision,
            status_hint: status.to_owned(),
            marks: Marks { proven: proven.then(now), bad: None, ..Marks::default() },
            created: Some(now() - SignedDuration::from_secs(i64::from(100 - revision))),
            ..Entry::default()
        };
        let entries = [
            row(1, "superseded", true),
            row(2, "superseded", true),
            row(3, "pending-upgrade", false),
            row(4, "superseded", false),
            row(5, "deployed", false),
            row(6, "failed", false),
            row(7, "failed", false),
            row(8, "failed", false),
            row(9, "failed", false),
        ];
        let keep = Keep { revisions: 2, proven: 1, younger_than: Some(SignedDuration::from_secs(94)) };
        let stays: Vec<Option<Reason>> = decide(&entries, keep, Some(4), now()).iter().map(|fate| fate.stays).collect();
        let expected = [
            None,
            Some(Reason::Proven),
            Some(Reason::Unfinished),
            Some(Reason::RollbackTarget),
            Some(Reason::Deployed),
            None,
            Some(Reason::Young),
            Some(Reason::Recent),
            Some(Reason::Last),
        ];
        assert_eq!(stays, expected);
        let all = Keep { revisions: 0, ..keep };
        assert!(
            decide(&entries, all, None, now()).iter().all(|fate| fate.stays.is_some()),
            "0 is no limit, as in Helm"
        );
    }

    #[test]
    fn a_rollback_goes_back_to_what_is_proven_else_to_what_is_not_bad() {
        let row = |revision, status: &str, marks| Entry {
            revision,
            status_hint: status.to_owned(),
            marks,
            ..Entry::default()
        };
        let (plain, proven) = (Marks::default(), Marks { proven: Some(now()), bad: None, ..Marks::default() });
        let bad = Marks { proven: None, bad: Some(now()), ..Marks::default() };
        let with = |marks| {
            [
                row(1, "superseded", marks),
                row(2, "superseded", plain),
                row(3, "superseded", bad),
                row(4, "failed", plain),
            ]
        };
        assert_eq!(rollback_target(&with(proven)), Some(1));
        assert_eq!(rollback_target(&with(plain)), Some(2));
        assert_eq!(rollback_target(&[row(1, "deployed", proven)]), None);
        assert_eq!(rollback_target(&[]), None);
    }
}
