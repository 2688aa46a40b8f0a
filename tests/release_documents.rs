//! The JSON of the commands about releases is as its schemas say.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)] // a test fails by panicking

use helm_safe_upgrade::release::fleet::Unreadable;
use helm_safe_upgrade::release::retention::Reason;
use helm_safe_upgrade::report::releases::history::{HistoryView, Row};
use helm_safe_upgrade::report::releases::prune::{self, PruneView, Pruned};
use helm_safe_upgrade::report::releases::status::{Canary, Standing, StatusView, Target};
use helm_safe_upgrade::report::releases::unlock::{Live, Process, UnlockView};
use helm_safe_upgrade::report::releases::{Command, Owner, write_json};
use helm_safe_upgrade::upgrade::canary::kept::{Halt, Why};
use jiff::Timestamp;
use serde::Serialize;
use serde_json::{Value, json};

fn time() -> Timestamp {
    "2026-11-21T13:20:11Z".parse().unwrap()
}

/// A revision with everything in it.
fn full() -> Row {
    Row {
        revision: 7,
        updated: Some(time()),
        proven: Some(time()),
        bad: Some(time()),
        mark: Some("bad"),
        seconds: Some(5),
        by: Some("ann@ci".to_owned()),
        problem: Some("damaged".to_owned()),
        ..Row::default()
    }
}

/// A revision with nothing in it.
fn bare() -> Row {
    Row { revision: 1, ..Row::default() }
}

fn owner() -> Owner {
    Owner {
        holder: "ann@ci".to_owned(),
        since: Some(time()),
        last_sign: None,
        phase: None,
        revision: None,
        alive: None,
    }
}

fn command() -> Command {
    Command { line: "helm".to_owned(), does: "helps".to_owned() }
}

/// Holds what is written of the views against a schema, which must be strict.
fn check<T: Serialize>(schema: &str, views: &[T]) {
    let schema: Value = serde_json::from_str(schema).unwrap();
    let validator = jsonschema::validator_for(&schema).unwrap();
    for view in views {
        let mut out = Vec::new();
        write_json(view, &mut out).unwrap();
        let mut document: Value = serde_json::from_slice(&out).unwrap();
        let problems: Vec<String> =
            validator.iter_errors(&document).map(|e| format!("{}: {e}", e.instance_path())).collect();
        assert!(problems.is_empty(), "{problems:#?}");
        document["surprise"] = json!(1);
        assert!(!validator.is_valid(&document), "the schema is strict");
    }
}

#[test]
fn history() {
    let view = |older, rows| HistoryView::new("web".to_owned(), "shop".to_owned(), older, rows);
    check(include_str!("../docs/schema/history.json"), &[view(0, Vec::new()), view(3, vec![full(), bare()])]);
}

#[test]
fn status() {
    let (release, namespace) = ("web".to_owned(), "shop".to_owned());
    let empty = StatusView::new(Standing { release, namespace, last: full(), observed: time() });
    let mut status = empty.clone();
    status.deployed = Some(bare());
    (status.proven, status.bad) = (vec![7], vec![6]);
    status.owner = Some(owner());
    let why = (Why::Paused, "it pauses".to_owned(), time());
    let halted = Some(Halt { why: why.0, reason: why.1, since: why.2 });
    let (chart, beside) = ("web-2.0.0".to_owned(), Some("web-canary".to_owned()));
    status.canary = Some(Canary { chart, passed: 1, steps: 3, halted, beside });
    status.rollback = Some(Target { revision: 6, proven: true });
    status.commands = vec![command()];
    check(include_str!("../docs/schema/status.json"), &[empty, status]);
}

#[test]
fn unlock() {
    let full = UnlockView {
        since: Some(time()),
        owner: Some(owner()),
        processes: Some(vec![Process { pid: 7, command: "helm upgrade web".to_owned(), same_namespace: true }]),
        hooks: vec!["Job migrate".to_owned()],
        live: vec![Live { revision: 7, status: "deployed".to_owned(), compared: 2, equal: 1, problem: None }],
        commands: vec![command()],
        ..UnlockView::default()
    };
    check(include_str!("../docs/schema/unlock.json"), &[UnlockView::default(), full]);
}

#[test]
fn prune() {
    use Reason::{Deployed, Last, Proven, Recent, RollbackTarget, Unfinished, Young};
    let reasons = [Last, Deployed, Unfinished, Proven, RollbackTarget, Recent, Young];
    let stays = reasons.into_iter().map(|reason| Some(reason.name().to_owned())).chain([None]);
    let revisions = stays.map(|stays| prune::Row { stays, ..prune::Row::default() }).collect();
    let unreadable = Unreadable { context: None, namespace: Some("dark".to_owned()), reason: "no right".to_owned() };
    let pruned = Pruned { revisions, skipped: Some("busy".to_owned()), ..Pruned::default() };
    check(
        include_str!("../docs/schema/prune.json"),
        &[PruneView::new(true, Vec::new(), Vec::new()), PruneView::new(false, vec![pruned], vec![unreadable])],
    );
}
