//! What the checks of the chart say.

use jiff::{SignedDuration, Timestamp};

use super::super::apis::Apis;
use super::super::snapshot::{ChartReference, Known, Place};
use super::super::tests::found;
use super::super::{Finding, Severity, Snapshot};
use super::seen::{Archive, ChartSeen, Index, Note, Published, Subchart};
use crate::manifest::node::Node;
use crate::release::ChartFile;

const DAY: i64 = 24;

fn node(text: &str) -> Node {
    crate::manifest::yaml::parse(text).unwrap()
}

/// What a check finds of an upgrade from one `Chart.yaml` to another, changed.
fn of(check: &str, charts: [&str; 2], change: impl FnOnce(&mut Snapshot<'_>)) -> Vec<Finding> {
    let said = found(|snapshot| {
        let mut releases = snapshot.releases.clone();
        let [old, new] = charts.map(|text| node(&format!("{{name: web, {text}}}")));
        (releases.old.chart.metadata, releases.new.chart.metadata) = (old, new);
        for chart in [&mut releases.old.chart, &mut releases.new.chart] {
            chart.files = vec![file("templates/a.yaml", 1)];
        }
        snapshot.releases = Box::leak(Box::new(releases));
        change(snapshot);
    });
    said.into_iter().filter(|finding| finding.check == check).collect()
}

fn severities(found: &[Finding]) -> Vec<Severity> {
    found.iter().map(|finding| finding.severity).collect()
}

fn file(name: &str, content: u8) -> ChartFile {
    ChartFile { name: name.to_owned(), digest: [content; 32] }
}

/// An index with these versions, so many hours old.
fn index(hours: i64, versions: &[&str]) -> Option<Result<Index, String>> {
    let version = |text: &&str| Published::of(&node(&format!("{{version: {text}}}")));
    let fetched = Timestamp::UNIX_EPOCH - SignedDuration::from_hours(hours);
    Some(Ok(Index { repository: "stable".into(), fetched, versions: versions.iter().filter_map(version).collect() }))
}

fn of_repository(version: Option<&str>) -> ChartReference {
    ChartReference { named: "stable/web".into(), place: Place::Repository, version: version.map(str::to_owned) }
}

#[test]
fn a_step_of_the_chart_is_judged_by_its_width() {
    let step = |old: &str, new: &str| {
        severities(&of("chart-version", [&format!("version: {old}"), &format!("version: {new}")], |_| {}))
    };
    for fine in [("1.2.3", "1.2.4"), ("1.2.3", "1.3.0"), ("1.2.3", "1.2.3"), ("0.1.0", "0.1.9")] {
        assert_eq!(step(fine.0, fine.1), [], "{fine:?}");
    }
    for told in [("1.2.3", "1.5.0"), ("0.1.0", "0.2.0"), ("1.2.3", "1.2.4-rc.1")] {
        assert_eq!(step(told.0, told.1), [Severity::Info], "{told:?}");
    }
    for large in [("1.9.0", "2.0.0"), ("1.9.0", "12.0.0"), ("1.2.3", "1.2.2")] {
        assert_eq!(step(large.0, large.1), [Severity::Warning], "{large:?}");
    }
    assert_eq!(step("1.2.3", "'?'"), [Severity::Unknown]);
}

#[test]
fn another_chart_is_told_of() {
    let said = of("chart-version", ["version: 1.0.0", "version: 1.0.0"], |snapshot| {
        let mut releases = snapshot.releases.clone();
        releases.new.chart.metadata = node("{name: db, version: 1.0.0}");
        snapshot.releases = Box::leak(Box::new(releases));
    });
    assert_eq!(said[0].message, "another chart than before, which was web-1.0.0");
}

#[test]
fn one_version_is_one_chart() {
    let with = |old: Vec<ChartFile>, new: Vec<ChartFile>| {
        of("chart-version", ["version: 1.0.0", "version: 1.0.0"], |snapshot| {
            let mut releases = snapshot.releases.clone();
            (releases.old.chart.files, releases.new.chart.files) = (old, new);
            snapshot.releases = Box::leak(Box::new(releases));
        })
    };
    let said = with(vec![file("a", 1), file("b", 1)], vec![file("b", 2), file("c", 1)]);
    assert_eq!(severities(&said), [Severity::Warning]);
    assert_eq!(said[0].evidence, ["a: removed", "b: changed", "c: added"]);
    assert_eq!(with(vec![file("a", 1), file("b", 1)], vec![file("b", 1), file("a", 1)]), []);
    assert_eq!(severities(&with(Vec::new(), vec![file("a", 1)])), [Severity::Unknown]);
}

#[test]
fn defaults_that_were_kept_are_no_other_content() {
    let with = |old: &str, config: &str, reuses: bool| {
        let said = of("chart-version", ["version: 1.0.0", "version: 1.0.0"], |snapshot| {
            let mut releases = snapshot.releases.clone();
            releases.old.chart.values = node(old);
            releases.old.config = node(config);
            releases.new.chart.values = node("{a: 1, b: 1}");
            snapshot.releases = Box::leak(Box::new(releases));
            snapshot.chart_seen.reuses_values = reuses;
        });
        said.len()
    };
    assert_eq!(with("{a: 1, b: 2}", "{}", false), 1);
    assert_eq!(with("{a: 1, b: 2}", "{}", true), 0);
    assert_eq!(with("{a: 1, b: 2}", "{b: 2}", false), 0);
}

#[test]
fn a_step_of_the_application_is_judged_as_well() {
    let step = |old: &str, new: &str| {
        let with = |version: &str| format!("version: 1.0.0, appVersion: '{version}'");
        severities(&of("app-version", [&with(old), &with(new)], |_| {}))
    };
    assert_eq!(step("15.4", "16.0"), [Severity::Warning]);
    assert_eq!(step("v2.1.0", "v2.0.9"), [Severity::Warning]);
    assert_eq!(step("15.4", "15.5"), []);
    assert_eq!(step("jammy", "noble"), []);
    assert_eq!(step("", "1.0"), []);
}

#[test]
fn a_deprecated_chart_is_told_of() {
    let (fine, bad) = ("version: 1.0.0", "version: 1.0.0, deprecated: true");
    assert_eq!(severities(&of("deprecated", [fine, bad], |_| {})), [Severity::Warning]);
    assert_eq!(severities(&of("deprecated", [bad, bad], |_| {})), [Severity::Info]);
    assert_eq!(of("deprecated", [bad, fine], |_| {}), []);
    let later = of("deprecated", [fine, fine], |snapshot| {
        let versions = [node("{version: 1.0.0}"), node("{version: 2.0.0, deprecated: true}")];
        let versions = versions.iter().filter_map(Published::of).collect();
        let fetched = Timestamp::UNIX_EPOCH;
        snapshot.chart_seen.index = Some(Ok(Index { repository: "stable".into(), fetched, versions }));
    });
    assert_eq!(severities(&later), [Severity::Info]);
}

#[test]
fn a_chart_is_for_the_versions_of_the_server_that_it_says() {
    let charts = ["version: 1.0.0", "version: 1.0.0, kubeVersion: '>=1.25.0 <1.33.0'"];
    let with = |server: Result<&str, &str>, inner: &str| {
        severities(&of("kube-version", charts, |snapshot| {
            let apis = |server: &str| Apis { server: server.to_owned(), ..Apis::default() };
            let subchart = Subchart { name: "db".into(), kube_version: inner.into(), ..Subchart::default() };
            snapshot.apis = server.map(apis).map_err(str::to_owned);
            snapshot.chart_seen.subcharts = vec![subchart];
        }))
    };
    assert_eq!(with(Ok("v1.32.1"), ""), []);
    assert_eq!(with(Ok("v1.32.1-eks-1"), ">=1.20"), [], "what providers add does not count");
    assert_eq!(with(Ok("v1.33.0"), ""), [Severity::Blocker]);
    assert_eq!(with(Ok("v1.32.1"), "<1.30"), [Severity::Warning]);
    assert_eq!(with(Ok("v1.32.1"), "new"), [Severity::Unknown]);
    assert_eq!(with(Ok("?"), ""), [Severity::Unknown]);
    assert_eq!(with(Err("no"), ""), [Severity::Unknown]);
}

#[test]
fn an_index_is_fresh_for_a_day() {
    let aged = |hours: i64, version: Option<&str>| {
        severities(&of("repository-index", ["version: 1.0.0", "version: 1.0.0"], |snapshot| {
            snapshot.chart = of_repository(version);
            snapshot.chart_seen.index = index(hours, &["1.0.0"]);
        }))
    };
    assert_eq!(aged(DAY, None), []);
    assert_eq!(aged(DAY + 1, None), [Severity::Warning]);
    assert_eq!(aged(DAY + 1, Some("1.0.0")), [Severity::Info]);
    let lost = of("repository-index", ["version: 1.0.0", "version: 1.0.0"], |snapshot| {
        snapshot.chart_seen.index = Some(Err("no".into()));
    });
    assert_eq!(severities(&lost), [Severity::Unknown]);
}

#[test]
fn newer_versions_are_counted() {
    let newer = |versions: &[&str]| {
        of("newer-version", ["version: 1.0.0", "version: 1.0.0"], |snapshot| {
            snapshot.chart = of_repository(None);
            snapshot.chart_seen.index = index(0, versions);
        })
    };
    assert_eq!(newer(&["0.9.0", "1.0.0", "2.0.0-rc.1"]), []);
    let said = newer(&["1.0.0", "1.2.0", "2.0.0", "1.1.0"]);
    assert_eq!(said[0].message, "there are 3 newer versions, up to 2.0.0; with the same major version, up to 1.2.0");
    let without_index = |place, newest: Option<Known<&str>>| {
        let found = of("newer-version", ["version: 1.0.0", "version: 1.0.0"], |snapshot| {
            snapshot.chart.place = place;
            snapshot.chart_seen.newest = newest.map(|newest| newest.map(str::to_owned));
        });
        severities(&found)
    };
    assert_eq!(without_index(Place::Local, None), []);
    for place in [Place::Repository, Place::Registry] {
        assert_eq!(without_index(place, None), [], "the newest was taken");
        assert_eq!(without_index(place, Some(Ok("1.0.0"))), []);
        assert_eq!(without_index(place, Some(Ok("1.1.0"))), [Severity::Info]);
        assert_eq!(without_index(place, Some(Err("no answer".to_owned()))), [Severity::Unknown]);
    }
}

#[test]
fn the_charts_in_a_chart_are_compared_as_they_are_locked_and_there() {
    let charts = [
        "version: 1.0.0, dependencies: [{name: db, version: ^1.0.0}, {name: old, version: 1.0.0}]",
        "version: 1.0.0, dependencies: [{name: db, version: '>=1'}, {name: new, version: 1.x}]",
    ];
    let with = |locked: &str, there: &str| -> Vec<(Severity, String)> {
        let said = of("dependencies", charts, |snapshot| {
            let mut releases = snapshot.releases.clone();
            releases.old.chart.lock = node(&format!("dependencies: [{{name: db, version: {locked}}}]"));
            snapshot.releases = Box::leak(Box::new(releases));
            let subchart = Subchart { name: "db".into(), version: there.into(), ..Subchart::default() };
            snapshot.chart_seen.subcharts = vec![subchart];
        });
        said.into_iter().map(|finding| (finding.severity, finding.resource)).collect()
    };
    let listed = [(Severity::Info, "chart new".to_owned()), (Severity::Info, "chart old".to_owned())];
    assert_eq!(with("1.2.0", "1.9.0"), listed);
    for (old, new) in [("1.2.0", "2.0.0"), ("1.2.0", "1.1.0")] {
        let said = with(old, new);
        assert_eq!(said[0], (Severity::Warning, "chart db".to_owned()), "{old} {new}");
    }
}

#[test]
fn an_archive_is_the_one_that_was_published() {
    let digest = "a".repeat(64);
    let with = |listed: &str, signed: Option<&str>, verified: bool| {
        severities(&of("provenance", ["version: 1.0.0", "version: 1.0.0"], |snapshot| {
            let provenance =
                signed.map(|signed| Ok(format!("name: web\n...\nfiles:\n  web-1.0.0.tgz: sha256:{signed}\n-----\n")));
            snapshot.chart_seen.archive = Some(Archive { digest: Ok(digest.clone()), provenance });
            let published = Published { version: "1.0.0".into(), digest: Some(listed.into()), ..Published::default() };
            let fetched = Timestamp::UNIX_EPOCH;
            snapshot.chart_seen.index =
                Some(Ok(Index { repository: "stable".into(), fetched, versions: vec![published] }));
            snapshot.chart_seen.verified = verified;
        }))
    };
    let other = "b".repeat(64);
    assert_eq!(with(&digest, None, false), []);
    assert_eq!(with(&digest, Some(&digest), true), []);
    assert_eq!(with(&digest, Some(&digest), false), [Severity::Info]);
    assert_eq!(with(&digest, Some(&other), false), [Severity::Warning]);
    assert_eq!(with(&other, None, false), [Severity::Warning]);
    assert_eq!(with(&digest, Some("short"), false), [Severity::Unknown]);
}

/// The lines of what the changelog tells from 1.0.0 to 2.0.0, of these annotations and files.
fn told(annotations: &[(&str, &str)], notes: &[(&str, &str)]) -> Vec<(Severity, Vec<String>)> {
    let said = of("changelog", ["version: 1.0.0", "version: 2.0.0"], |snapshot| {
        let published = annotations.iter().map(|(version, changes)| Published {
            version: (*version).into(),
            changes: Some((*changes).into()),
            ..Published::default()
        });
        let (fetched, versions) = (Timestamp::UNIX_EPOCH, published.collect());
        let index = (!annotations.is_empty()).then(|| Ok(Index { repository: "stable".into(), fetched, versions }));
        let notes = notes.iter().map(|(path, text)| Note { path: (*path).into(), text: (*text).into() }).collect();
        snapshot.chart_seen = ChartSeen { index, notes, ..ChartSeen::default() };
    });
    said.into_iter().map(|finding| (finding.severity, finding.evidence)).collect()
}

#[test]
fn every_version_in_between_is_told_of() {
    let annotations = [
        ("1.0.0", "- kind: added\n  description: too old"),
        ("1.1.0", "- kind: added\n  description: probes\n- kind: removed\n  description: the old ingress"),
        ("1.2.0", "- just a text\n- feat(api)!: another port"),
        ("1.3.0-rc.1", "- not released"),
        ("1.4.0", ""),
        ("3.0.0", "- too new"),
    ];
    let said = told(&annotations, &[]);
    assert_eq!(said[0].0, Severity::Unknown);
    assert_eq!(said[1].0, Severity::Warning);
    assert_eq!(said[1].1, ["1.1.0: removed: the old ingress", "1.2.0: feat(api)!: another port"]);
    assert_eq!(said[2], (Severity::Info, vec!["1.1.0: added: probes".to_owned(), "1.2.0: just a text".to_owned()]));
}

#[test]
fn a_changelog_is_read_by_its_headings() {
    let text = "# Changelog\n\n## [Unreleased]\n- later\n\n## [2.0.0] - 2024-01-31\n### Removed\n- the beta API\n### Added\n- a **gauge**\n\
        \n```\n## 1.5.0\n- in a block\n```\n## v1.1.0\n* fixed `x`\n## 1.0.0\n- old\n";
    let said = told(&[], &[("CHANGELOG.md", text)]);
    assert_eq!(said[0], (Severity::Warning, vec!["2.0.0 (CHANGELOG.md): removed: the beta API".to_owned()]));
    let rest = ["1.1.0 (CHANGELOG.md): fixed x", "2.0.0 (CHANGELOG.md): added: a gauge"].map(str::to_owned).to_vec();
    assert_eq!(said[1], (Severity::Info, rest));
    assert_eq!(said.len(), 2);
}

#[test]
fn links_are_told_by_their_words() {
    let text = "## 2.0.0\n* fix x (#3) ([56f58c8](https://example.test/56f58c8)), closes [#3](https://example.test/3) [a]( b\n";
    let said = told(&[], &[("CHANGELOG.md", text)]);
    let line = said.iter().find(|one| one.0 == Severity::Info).map(|one| one.1[0].as_str());
    assert_eq!(line, Some("2.0.0 (CHANGELOG.md): fix x (#3) (56f58c8), closes #3 [a]( b"));
}

#[test]
fn upgrade_notes_of_a_readme_are_picked_out() {
    let text = "# web 2.0.0\nA chart.\n## Parameters\n### image 1.5.0\n- text\n## Upgrading\n### From 1.x to 2.x\nDelete the old Job first.\nThen go on.\n\
        ### To 1.0.0\nOld.\n### To 1\nOld.\n### To 3.0.0\nToo new.\n## License\n";
    let said = told(&[("2.0.0", "- kind: added\n  description: x")], &[("README.md", text)]);
    let line = "2.0.0 (README.md): From 1.x to 2.x: Delete the old Job first.";
    assert_eq!(said[0], (Severity::Warning, vec![line.to_owned()]));
}

#[test]
fn what_nothing_is_told_of_is_unknown() {
    assert_eq!(told(&[], &[])[0].0, Severity::Unknown);
    assert_eq!(told(&[], &[("README.md", "# web\nno notes")])[0].0, Severity::Unknown);
    // Without an index nobody knows which versions there are in between, but for a changelog that goes back so far.
    let unknown = |notes: &[(&str, &str)]| told(&[], notes).iter().filter(|one| one.0 == Severity::Unknown).count();
    assert_eq!(unknown(&[]), 1);
    assert_eq!(unknown(&[("CHANGELOG.md", "## 2.0.0\n- a\n## 1.5.0\n- b\n")]), 1);
    assert_eq!(unknown(&[("CHANGELOG.md", "## 2.0.0\n- a\n## 0.9.0\n- b\n")]), 0);
    let next = of("changelog", ["version: 1.0.0", "version: 1.0.1"], |_| {});
    assert_eq!(severities(&next), [Severity::Unknown], "there is none between 1.0.0 and 1.0.1");
    for place in [Place::Local, Place::Url, Place::Registry, Place::Repository] {
        let said = of("changelog", ["version: 1.0.0", "version: 2.0.0"], |snapshot| snapshot.chart.place = place);
        assert!(said[0].message.contains("which versions there are between 1.0.0 and 2.0.0"), "{said:#?}");
    }
    let back = of("changelog", ["version: 2.0.0", "version: 1.0.0"], |_| {});
    assert_eq!(back, []);
}

#[test]
fn what_is_said_not_to_break_does_not() {
    for text in ["BREAKING: x", "feat!: x", "fix(a/b)!: x", "an incompatible change"] {
        assert!(super::changes::breaks(text), "{text}");
    }
    for text in ["no breaking changes", "a non-breaking fix", "it is fast !: a b", "a fix: for !important"] {
        assert!(!super::changes::breaks(text), "{text}");
    }
}
