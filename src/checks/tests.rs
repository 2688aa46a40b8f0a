//! What the checks say of snapshots that no cluster is needed for.

use super::snapshot::{BadRevision, ChartReference, Need, Objects, Permission, Place, Rights};
use super::wanted::Lists;
use super::*;
use crate::diff::release::{Both, ReleaseDiff};
use crate::manifest::document::Manifest;
use crate::release::Release;
use crate::release::history::{Entry, History};

/// A snapshot of the upgrade of a proven release, changed, and what the checks say of it.
pub(super) fn says_all(change: impl FnOnce(&mut Snapshot<'_>)) -> Vec<Finding> {
    let marks = crate::release::marks::Marks { proven: Some(jiff::Timestamp::UNIX_EPOCH), bad: None };
    let entry = Entry { revision: 1, status_hint: "deployed".into(), marks, ..Entry::default() };
    let history = History::new(vec![entry]);
    let release =
        |text: &str| Release { manifest: Manifest::new(text.to_owned()), ..Release::of_manifest(String::new()) };
    let releases = Both { old: release("a: 1"), new: release("a: 2") };
    let diff = ReleaseDiff::default();
    let objects = Objects { old: Vec::new(), new: Vec::new(), back: Ok(None) };
    let mut snapshot = Snapshot {
        now: jiff::Timestamp::UNIX_EPOCH,
        release: "web",
        namespace: "shop",
        is_first: false,
        history: &history,
        deployed: Some(1),
        troubles: &[],
        target: Some(1),
        goes_back: true,
        releases: &releases,
        objects: &objects,
        lists: &Lists::default(),
        diff: &diff,
        chart: ChartReference { named: "./web".into(), place: Place::Local, version: None },
        owner: Ok(None),
        bad: Vec::new(),
        rights: Ok(Rights::default()),
        trials: Ok(trial::Trials::default()),
        rehearsal: Ok(None),
        apis: Ok(apis::Apis { server: "v1.36.3".into(), ..apis::Apis::default() }),
    };
    change(&mut snapshot);
    Findings::of(&snapshot, &[]).findings
}

fn says(change: impl FnOnce(&mut Snapshot<'_>)) -> Vec<(&'static str, Severity)> {
    let findings = says_all(change);
    findings.iter().map(|finding| (finding.check, finding.severity)).filter(|one| one.1 != Severity::Pass).collect()
}

fn right(need: Need, allowed: snapshot::Known<bool>) -> Rights {
    let permission = Permission { verb: "get", resource: "pods".into(), namespace: None, need, allowed };
    Rights { asked: vec![permission], unserved: Vec::new() }
}

#[test]
fn every_check_says_something_and_a_clean_upgrade_passes_them_all() {
    assert_eq!(says(|_| {}), []);
    let names: std::collections::HashSet<&str> = ALL.iter().map(|check| check.name).collect();
    assert_eq!(names.len(), ALL.len());
}

#[test]
fn what_could_not_be_observed_never_passes() {
    assert_eq!(says(|snapshot| snapshot.owner = Err("no".into())), [("pending", Severity::Unknown)]);
    assert_eq!(says(|snapshot| snapshot.rights = Err("no".into())), [("rights", Severity::Unknown)]);
    let unanswered = right(Need::Upgrade, Err("no".into()));
    assert_eq!(says(|snapshot| snapshot.rights = Ok(unanswered)), [("rights", Severity::Unknown)]);
    let unserved = Rights { unserved: vec!["Thing".into()], ..Rights::default() };
    assert_eq!(says(|snapshot| snapshot.rights = Ok(unserved)), [("rights", Severity::Unknown)]);
    let unread = vec![BadRevision { revision: 1, same: Err("no".into()) }];
    assert_eq!(says(|snapshot| snapshot.bad = unread), [("known-bad", Severity::Unknown)]);
}

#[test]
fn a_missing_right_blocks_where_helm_or_going_back_would_fail() {
    let severity = |need| says(|snapshot| snapshot.rights = Ok(right(need, Ok(false))))[0].1;
    assert_eq!(severity(Need::Upgrade), Severity::Blocker);
    assert_eq!(severity(Need::GoingBack), Severity::Blocker);
    for need in [Need::Cleaning, Need::Watching, Need::Evidence, Need::Lease, Need::Pruning] {
        assert_eq!(severity(need), Severity::Warning, "{need:?}");
    }
}

#[test]
fn without_a_way_back_it_blocks_where_something_is_at_stake() {
    let nowhere = |snapshot: &mut Snapshot<'_>| snapshot.target = None;
    assert_eq!(says(nowhere), [("way-back", Severity::Blocker)]);
    let kept = |snapshot: &mut Snapshot<'_>| (snapshot.target, snapshot.goes_back) = (None, false);
    assert_eq!(says(kept), [("way-back", Severity::Warning)]);
    let nothing = |snapshot: &mut Snapshot<'_>| (snapshot.target, snapshot.deployed) = (None, None);
    assert_eq!(says(nothing), [("way-back", Severity::Warning)]);
    assert_eq!(says(|snapshot| snapshot.is_first = true), [("way-back", Severity::Info)]);
    let troubles = ["it is not ready".to_owned()];
    assert_eq!(says(|snapshot| snapshot.troubles = Box::leak(Box::new(troubles))), [("way-back", Severity::Warning)]);
}

#[test]
fn a_chart_of_a_repository_or_a_registry_is_pinned_by_an_exact_version() {
    let pinned = |place, named: &str, version: Option<&str>| {
        let chart = ChartReference { named: named.into(), place, version: version.map(str::to_owned) };
        says(|snapshot| snapshot.chart = chart).is_empty()
    };
    assert!(!pinned(Place::Repository, "bitnami/nginx", None));
    assert!(!pinned(Place::Repository, "bitnami/nginx", Some("^18")));
    assert!(pinned(Place::Repository, "bitnami/nginx", Some("18.2.0")));
    assert!(!pinned(Place::Registry, "oci://host:5000/nginx", None));
    assert!(pinned(Place::Registry, "oci://host:5000/nginx:18.2.0", None));
    assert!(pinned(Place::Registry, &format!("oci://host/nginx@sha256:{}", "a".repeat(64)), None));
    assert!(pinned(Place::Url, "https://example.com/nginx-18.2.0.tgz", None));
}
