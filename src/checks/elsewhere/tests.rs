//! What the check says of other places that no cluster is needed for.

use super::*;
use crate::checks::tests::with;
use crate::checks::wanted::Lists;
use crate::diff::release::Both;
use crate::manifest::yaml;
use crate::release::{Chart, Release};

const NOW: &str = "2026-11-20T12:00:00Z";

fn proven(revision: u32, version: &str, content: &str, since: &str) -> Proven {
    Proven {
        revision,
        since: since.parse().unwrap(),
        chart: ("web".into(), version.into()),
        content: (!content.is_empty()).then(|| content.into()),
        values: yaml::parse("{replicas: 1, password: there, old: 1}").unwrap(),
    }
}

fn says(proven: Known<Vec<Proven>>, hours: i64) -> Vec<Finding> {
    says_of(proven.map(|revisions| Some(ProvenThere { revisions, unread: 0 })), hours)
}

fn says_of(proven: Known<Option<ProvenThere>>, hours: i64) -> Vec<Finding> {
    let metadata = yaml::parse("{name: web, version: 2.0.0}").unwrap();
    let values = yaml::parse("{replicas: 1, password: hunter2, new: 1}").unwrap();
    let release = Release::of_manifest(String::new());
    let new = Release { chart: Chart { metadata, values, ..release.chart.clone() }, ..release.clone() };
    let releases = Both { old: release, new };
    let there = Elsewhere {
        place: "staging/shop/web".into(),
        long: SignedDuration::from_hours(hours),
        content: Some("abc".into()),
        proven,
    };
    let (releases, there) = (Box::leak(Box::new(releases)), Box::leak(Box::new(there)));
    with(
        "# 1",
        "# 2",
        |_| Lists::default(),
        |snapshot| {
            snapshot.now = NOW.parse().unwrap();
            snapshot.releases = releases;
            snapshot.elsewhere = Some(there);
            run(snapshot)
        },
    )
}

fn severities(found: &[Finding]) -> Vec<Severity> {
    found.iter().map(|finding| finding.severity).collect()
}

#[test]
fn the_same_chart_that_is_proven_long_enough_passes() {
    let found = says(Ok(vec![proven(7, "2.0.0", "abc", "2026-11-19T11:00:00Z")]), 24);
    assert_eq!(severities(&found), [Severity::Info, Severity::Pass]);
    assert_eq!(found[0].evidence, ["new (only here)", "old (only there)", "password"]);
    assert!(!format!("{found:?}").contains("hunter2"), "no value is told");
}

#[test]
fn another_version_or_another_content_blocks() {
    let found = says(Ok(vec![proven(7, "1.9.0", "", "2026-11-01T00:00:00Z")]), 0);
    assert_eq!(severities(&found), [Severity::Blocker]);
    assert_eq!(found[0].message, "web-2.0.0 is not proven there");
    assert_eq!(found[0].evidence, ["revision 7: web-1.9.0, proven 2026-11-01T00:00:00Z"]);
    assert_eq!(says(Ok(Vec::new()), 0)[0].evidence, ["no revision there is proven"]);
    let found = says(Ok(vec![proven(7, "2.0.0", "abd", "2026-11-01T00:00:00Z")]), 0);
    assert!(found[0].severity == Severity::Blocker && found[0].message.contains("other content"), "{found:?}");
    // Of several, one is enough.
    let both = vec![proven(8, "2.0.0", "abd", NOW), proven(7, "2.0.0", "abc", "2026-11-01T00:00:00Z")];
    assert_eq!(severities(&says(Ok(both), 0)), [Severity::Info, Severity::Pass]);
}

#[test]
fn what_is_proven_too_short_a_time_blocks() {
    let found = says(Ok(vec![proven(7, "2.0.0", "abc", "2026-11-20T10:30:00Z")]), 24);
    assert_eq!(found[0].message, "web-2.0.0 is proven there for 1h 30m, and not for 24h");
    assert_eq!(found[0].hint.as_deref(), Some("wait for another 22h 30m"));
    // Proven once more is no less proven.
    let twice =
        vec![proven(8, "2.0.0", "abc", "2026-11-20T11:00:00Z"), proven(7, "2.0.0", "abc", "2026-11-01T00:00:00Z")];
    assert_eq!(severities(&says(Ok(twice), 24)), [Severity::Info, Severity::Pass]);
}

#[test]
fn what_cannot_be_read_is_not_known() {
    assert_eq!(severities(&says(Err("cannot reach it".into()), 0)), [Severity::Unknown]);
    let found = says(Ok(vec![proven(7, "2.0.0", "", "2026-11-01T00:00:00Z")]), 0);
    assert_eq!(severities(&found), [Severity::Unknown, Severity::Info]);
}

#[test]
fn a_release_that_is_not_there_has_proven_nothing() {
    let found = says_of(Ok(None), 0);
    assert_eq!(severities(&found), [Severity::Blocker]);
    assert!(found[0].message.contains("there is no such release"), "{found:#?}");
    assert_eq!(severities(&says_of(Err("no route to it".into()), 0)), [Severity::Unknown]);
    let old = proven(7, "1.0.0", "abc", "2026-11-19T11:00:00Z");
    let of = |unread| says_of(Ok(Some(ProvenThere { revisions: vec![old.clone()], unread })), 0);
    assert_eq!(severities(&of(0)), [Severity::Blocker]);
    assert_eq!(severities(&of(3)), [Severity::Unknown], "an older one may have it");
}
