//! What the checks of the release say.

use jiff::{SignedDuration, Timestamp};

use super::{LeftBehind, LeftOver, Live};
use crate::checks::Severity::{self, Blocker, Info, Pass, Unknown, Warning};
use crate::checks::snapshot::Objects;
use crate::checks::tests::says_all;
use crate::checks::{Finding, Snapshot};
use crate::diff::live::tools::{self, Managed};
use crate::diff::live::{Drift, Means};
use crate::diff::resources::{Change, ManifestDiff, ResourceDiff};
use crate::manifest::document::Object;
use crate::manifest::yaml;
use crate::release::history::{Entry, History};
use crate::release::marks::Marks;

/// What one check says.
fn says(check: &str, change: impl FnOnce(&mut Snapshot<'_>)) -> Vec<Finding> {
    says_all(change).into_iter().filter(|finding| finding.check == check).collect()
}

fn severities(found: &[Finding]) -> Vec<Severity> {
    found.iter().map(|finding| finding.severity).collect()
}

fn entry(revision: u32, status: &str) -> Entry {
    Entry { revision, status_hint: status.to_owned(), ..Entry::default() }
}

fn proven(entry: Entry) -> Entry {
    Entry { marks: Marks { proven: Some(Timestamp::UNIX_EPOCH), bad: None, ..Marks::default() }, ..entry }
}

fn history(entries: Vec<Entry>) -> &'static History {
    Box::leak(Box::new(History::new(entries)))
}

fn object(text: &str) -> Object {
    Object::of(yaml::parse(text).unwrap())
}

#[test]
fn a_revision_that_failed_or_is_not_proven_is_told() {
    let of = |entries: Vec<Entry>, deployed, target| {
        severities(&says("last-revision", |snapshot| {
            (snapshot.history, snapshot.deployed, snapshot.target) = (history(entries), deployed, target);
        }))
    };
    assert_eq!(of(vec![proven(entry(1, "deployed"))], Some(1), Some(1)), [Pass]);
    assert_eq!(of(vec![proven(entry(1, "deployed")), entry(2, "failed")], Some(1), Some(1)), [Warning]);
    assert_eq!(of(vec![proven(entry(1, "superseded")), entry(2, "deployed")], Some(2), Some(1)), [Warning]);
    assert_eq!(of(vec![entry(1, "deployed")], Some(1), Some(1)), [Pass], "way-back says so");
    let bad = Entry {
        marks: Marks { proven: None, bad: Some(Timestamp::UNIX_EPOCH), ..Marks::default() },
        ..entry(1, "deployed")
    };
    assert_eq!(of(vec![bad], Some(1), None), [Warning]);
    assert_eq!(of(vec![], None, None), [Pass]);
}

#[test]
fn many_revisions_and_old_ones_are_to_know() {
    let of = |count: u32, age: SignedDuration| {
        let now = Timestamp::from_second(1_766_668_400).unwrap();
        let entries = (1..=count).map(|revision| Entry { created: Some(now - age), ..entry(revision, "superseded") });
        let entries = history(entries.collect());
        severities(&says("history", |snapshot| (snapshot.history, snapshot.now) = (entries, now)))
    };
    assert_eq!(of(20, SignedDuration::from_hours(24)), [Pass]);
    assert_eq!(of(21, SignedDuration::from_hours(24)), [Info]);
    assert_eq!(of(1, SignedDuration::from_hours(24 * 400)), [Info]);
}

#[test]
fn helm_prunes_the_oldest_but_for_the_deployed_one() {
    let of = |first: u32, count: u32, keeps: u32| {
        let mut entries: Vec<Entry> = (1..=count).map(|revision| entry(revision, "superseded")).collect();
        entries[first as usize - 1] = proven(entry(first, "superseded"));
        entries[count as usize - 1].status_hint = "deployed".into();
        let entries = history(entries);
        severities(&says("pruning", |snapshot| {
            (snapshot.history, snapshot.deployed, snapshot.helm_keeps) = (entries, Some(count), keeps);
        }))
    };
    assert_eq!(of(1, 9, 10), [Pass]);
    assert_eq!(of(1, 10, 10), [Warning]);
    assert_eq!(of(2, 10, 10), [Pass]);
    assert_eq!(of(2, 10, 9), [Warning]);
    assert_eq!(of(10, 10, 1), [Pass], "the deployed one is spared");
    assert_eq!(of(1, 100, 0), [Pass]);
}

#[test]
fn a_record_that_is_too_large_is_stopped() {
    let of = |size| severities(&says("record-size", |snapshot| snapshot.record_size = size));
    assert_eq!(of(Ok(Some(100_000))), [Pass]);
    assert_eq!(of(Ok(Some(900_000))), [Warning]);
    assert_eq!(of(Ok(Some(1_050_000))), [Warning], "it may be the other compression");
    assert_eq!(of(Ok(Some(1_100_000))), [Blocker]);
    assert_eq!(of(Ok(None)), [Pass]);
    assert_eq!(of(Err("no".into())), [Unknown]);
}

#[test]
fn other_tools_are_known_by_what_they_leave() {
    assert_eq!(tools::of_writer("argocd-controller"), Some("Argo CD"));
    assert_eq!(tools::of_writer("terraform-provider-helm_v2.17.0_x5"), Some("Terraform"));
    assert_eq!(tools::of_writer("helm"), None);
    let diff = Box::leak(Box::new(ManifestDiff::default()));
    let sign = Managed { object: object("kind: A\nmetadata: {name: a}").id, tool: "Flux", sign: "label x".into() };
    let managed = Box::leak(Box::new([sign]));
    let found = says("managed-elsewhere", |snapshot| snapshot.live = Some(Ok(Live { diff, managed })));
    assert_eq!((severities(&found), found[0].evidence.as_slice()), (vec![Warning], &["A/a: label x".to_owned()][..]));
    let by_flux = history(vec![Entry { writers: vec!["helm-controller".into()], ..entry(1, "deployed") }]);
    let unread = |snapshot: &mut Snapshot<'_>| snapshot.live = Some(Err("no".into()));
    assert_eq!(severities(&says("managed-elsewhere", |snapshot| snapshot.history = by_flux)), [Warning]);
    assert_eq!(severities(&says("managed-elsewhere", unread)), [Unknown]);
}

const OLD: &str = "apiVersion: v1\nkind: ConfigMap\nmetadata: {name: a}\ndata: {x: one, gone: same, z: old}\n";
const LIVE: &str = "apiVersion: v1\nkind: ConfigMap\nmetadata: {name: a}\ndata: {x: two, added: by hand, z: new}\n";
const NEW: &str = "apiVersion: v1\nkind: ConfigMap\nmetadata: {name: a}\ndata: {x: one, gone: same, z: new}\n";

fn drift(live: Option<&str>, new: &str) -> Vec<Finding> {
    let (old, live) = (object(OLD), live.map(object));
    let drift = Drift { means: Means::Fields, note: None, written: Vec::new(), equal: Vec::new() };
    let change = if live.is_some() { Change::Modified } else { Change::Removed };
    let resource = ResourceDiff { change, old: Some(old), new: live, drift: Some(Box::new(drift)) };
    let diff = Box::leak(Box::new(ManifestDiff { resources: vec![resource], ..ManifestDiff::default() }));
    let new = if new.is_empty() { Vec::new() } else { vec![object(new)] };
    let objects = Box::leak(Box::new(Objects { old: Vec::new(), new, back: Ok(None) }));
    says("drift", |snapshot| {
        (snapshot.live, snapshot.objects) = (Some(Ok(Live { diff, managed: &[] })), objects);
    })
}

#[test]
fn only_what_the_upgrade_would_set_back_is_drift() {
    let found = drift(Some(LIVE), NEW);
    assert_eq!(severities(&found), [Warning], "{found:#?}");
    let evidence = ["data.x: two becomes one", "data.gone: it was removed, and becomes same"];
    assert_eq!(found[0].evidence, evidence, "what is new in both, and what was added, is none");
    assert_eq!(severities(&drift(Some(LIVE), LIVE)), [Pass]);
    assert_eq!(severities(&drift(Some(LIVE), "")), [Pass], "the upgrade deletes it");
    assert!(drift(None, NEW)[0].message.contains("deleted in the cluster"));
    assert_eq!(severities(&says("drift", |snapshot| snapshot.live = Some(Err("no".into())))), [Unknown]);
    assert_eq!(severities(&says("drift", |_| {})), [Pass]);
}

#[test]
fn what_a_failed_revision_left_behind_is_named() {
    let left = (1..=25).map(|at| LeftOver { object: format!("ConfigMap/x{at}"), revision: 2 }).collect();
    let left = LeftBehind { objects: left, ..LeftBehind::default() };
    let found = says("left-over", |snapshot| snapshot.left_over = Ok(left.clone()));
    assert_eq!((severities(&found), found[0].evidence.len()), (vec![Warning], 21));
    let more = LeftBehind { unread: 1, unlooked: 30, ..left };
    let found = says("left-over", |snapshot| snapshot.left_over = Ok(more));
    assert_eq!(severities(&found), [Unknown, Warning]);
    let what = "was not looked for in one more failed revision and 30 more objects of those that were read";
    assert!(found[0].message.ends_with(what), "{found:#?}");
    assert_eq!(severities(&says("left-over", |snapshot| snapshot.left_over = Err("no".into()))), [Unknown]);
}
