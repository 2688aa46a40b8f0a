//! Whether the images that change are named so that they stay the same.

use super::super::{Check, Finding, Severity, Snapshot, capped};
use super::{MOST, Pair, grouped, pairs};

const NAME: &str = "image-tag";

pub(crate) const CHECK: Check =
    Check::new(NAME, "the images that change: no tag, latest, a digest that stays or is lost", run);

/// What is wrong with an image, the worst first.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
enum Wrong {
    SameDigest,
    Floats,
    DigestLost,
    StillFloats,
}

fn run(snapshot: &Snapshot<'_>) -> Vec<Finding> {
    let pairs = pairs(snapshot.objects, snapshot.namespace);
    let groups = grouped(&pairs, |pair| judge(pair));
    if groups.is_empty() {
        return vec![passed(&pairs)];
    }
    groups.into_iter().map(|((image, wrong), places)| finding(image, wrong, places)).collect()
}

fn judge(pair: &Pair<'_>) -> Option<Wrong> {
    let new = &pair.image;
    if !pair.is_changed() {
        // Its pods are made anew, and so take what the tag stands for by now.
        let restarts = pair.old_object.is_some_and(|old| old.node != pair.object.node) && !pair.object.hook;
        return (new.floats() && restarts).then_some(Wrong::StillFloats);
    }
    let old = pair.old.filter(|old| old.name == new.name);
    if old.is_some_and(|old| old.digest.is_some() && old.digest == new.digest && old.tag != new.tag) {
        return Some(Wrong::SameDigest);
    }
    if new.floats() {
        return Some(Wrong::Floats);
    }
    old.is_some_and(|old| old.digest.is_some() && new.digest.is_none()).then_some(Wrong::DigestLost)
}

fn finding(image: &str, wrong: Wrong, places: Vec<String>) -> Finding {
    let (severity, message, hint) = match wrong {
        Wrong::SameDigest => (
            Severity::Warning,
            "its tag changes and its digest does not: the same image runs as before",
            "set the digest of the new tag, or none",
        ),
        Wrong::Floats => (
            Severity::Warning,
            "it has no tag, or the tag latest: what runs changes from day to day, and going back brings back the name only",
            "name a version, or a digest",
        ),
        Wrong::DigestLost => (
            Severity::Info,
            "it was named by its digest before, and is not any more: a tag can be pushed again",
            "add the digest: NAME:TAG@sha256:…",
        ),
        Wrong::StillFloats => (
            Severity::Info,
            "it has no tag, or the tag latest, as before: pods that are made anew may run another image",
            "name a version, or a digest",
        ),
    };
    Finding::new(NAME, severity, message).about(image).seen_by(capped(places, MOST)).hint(hint)
}

/// What changes, said where nothing is wrong with it.
fn passed(pairs: &[Pair<'_>]) -> Finding {
    let turn = |pair: &&Pair<'_>| match pair.old {
        Some(old) => format!("{}: {} → {}", pair.place(), old.whole, pair.image.whole),
        None => format!("{}: {}", pair.place(), pair.image.whole),
    };
    let changed: Vec<&Pair<'_>> = pairs.iter().filter(|pair| pair.is_changed()).collect();
    let message = match changed.len() {
        0 => "no image changes".to_owned(),
        1 => "1 image changes; whether its registry has it is not looked at".to_owned(),
        many => format!("{many} images change; whether their registries have them is not looked at"),
    };
    Finding::new(NAME, Severity::Pass, message).seen_by(capped(changed.iter().map(turn).collect(), MOST))
}
