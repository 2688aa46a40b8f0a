//! What the checks say of snapshots that no cluster is needed for.

use super::snapshot::values::GivenValues;
use super::snapshot::{BadRevision, ChartReference, Need, Objects, Permission, Place, Rights};
use super::wanted::Lists;
use super::*;
use crate::diff::release::{Both, Parts, compare};
use crate::manifest::document::{Manifest, Object};
use crate::manifest::mask::Masker;
use crate::manifest::observed::Observed;
use crate::release::history::{Entry, History};
use crate::release::{ChartFile, Release};

/// An upgrade and the cluster that it meets, as YAML, for what a check says of it.
#[derive(Clone, Copy, Default)]
pub(super) struct Case<'a> {
    /// The manifest before; that of an installation is empty.
    pub(super) old: &'a str,
    /// The manifest after.
    pub(super) new: &'a str,
    /// The objects that the cluster has.
    pub(super) cluster: &'a str,
    /// The kinds that may not be read.
    pub(super) forbidden: &'a [&'a str],
    /// The step of a canary that it is.
    pub(super) canary: Option<&'static super::canary::Canary>,
}

impl Case<'_> {
    /// What a check says: `blocker Secret/key: it is not there`, a line each. What it did not ask for it does not see.
    pub(super) fn says(self, check: &Check) -> Vec<String> {
        self.says_where(check, |_| {})
    }

    /// The same, of a snapshot in which more was seen.
    pub(super) fn says_where(self, check: &Check, seen: impl FnOnce(&mut Snapshot<'_>)) -> Vec<String> {
        let line = |one: Finding| format!("{} {}: {}", one.severity.word(), one.resource, one.message);
        self.findings_where(check, seen).into_iter().map(line).collect()
    }

    /// What a check finds.
    pub(super) fn findings(self, check: &Check) -> Vec<Finding> {
        self.findings_where(check, |_| {})
    }

    fn findings_where(self, check: &Check, seen: impl FnOnce(&mut Snapshot<'_>)) -> Vec<Finding> {
        self.all_findings(&[check], seen)
    }

    /// What several checks find of it, changed.
    pub(super) fn all_findings(self, checks: &[&Check], change: impl FnOnce(&mut Snapshot<'_>)) -> Vec<Finding> {
        let lists = |proposal: &Proposal<'_>| {
            let proposal = &Proposal { canary: self.canary, ..*proposal };
            let wanted: BTreeSet<Wanted> = checks.iter().flat_map(|check| (check.wants)(proposal)).collect();
            Lists::new(wanted.into_iter().map(|wanted| {
                let read = self.read(&wanted);
                (wanted, read)
            }))
        };
        with(self.old, self.new, lists, |snapshot| {
            snapshot.canary = self.canary;
            change(snapshot);
            checks.iter().flat_map(|check| (check.run)(snapshot)).collect()
        })
    }

    fn read(&self, wanted: &Wanted) -> snapshot::Known<Vec<Observed>> {
        if self.forbidden.contains(&&*wanted.kind.kind) {
            return Err(format!("you may not list {}", wanted.kind.plural));
        }
        let objects = objects(self.cluster);
        let version = [&*wanted.kind.group, &*wanted.kind.version].join("/");
        let here = objects.into_iter().filter(|object| {
            object.id.kind == wanted.kind.kind
                && wanted.name.as_ref().is_none_or(|name| *name == object.id.name)
                && wanted.namespace.as_deref().is_none_or(|own| own == object.id.namespace.as_deref().unwrap_or("shop"))
        });
        Ok(here
            .filter_map(|object| Observed::new(object.node, version.trim_start_matches('/'), &wanted.kind.kind))
            .collect())
    }
}

fn objects(text: &str) -> Vec<Object> {
    let (manifest, masker) = (Manifest::new(text.to_owned()), Masker::new(b"k"));
    let opened = manifest.documents(false).into_iter().flat_map(|document| masker.open(&document));
    opened.map(|object| Object { hook: crate::diff::workload::is_hook(&object), ..object }).collect()
}

/// Has something look at the upgrade of a proven release `web` in the namespace `shop`.
pub(super) fn with<T>(
    old: &str,
    new: &str,
    lists: impl FnOnce(&Proposal<'_>) -> Lists,
    look: impl FnOnce(&mut Snapshot<'_>) -> T,
) -> T {
    let marks = crate::release::marks::Marks { proven: Some(jiff::Timestamp::UNIX_EPOCH), bad: None, step: false };
    let entry = Entry { revision: 1, status_hint: "deployed".into(), marks, ..Entry::default() };
    let history = History::new(vec![entry]);
    let release = |text: &str| {
        let mut release = Release { namespace: "shop".to_owned(), ..Release::of_manifest(text.to_owned()) };
        release.chart.metadata = crate::manifest::yaml::parse("{name: web, version: 1.0.0}").unwrap();
        release.chart.files = vec![ChartFile { name: "templates/web.yaml".to_owned(), digest: [0; 32] }];
        release
    };
    let releases = Both { old: release(old), new: release(new) };
    let diff = compare(&releases.old, &releases.new, &Masker::new(b"k"), Parts::default());
    let objects = Objects { old: objects(old), new: objects(new), back: Ok(None) };
    let is_first = old.is_empty();
    let lists = lists(&Proposal {
        release: "web",
        namespace: "shop",
        is_first,
        no_hooks: false,
        objects: &objects,
        crds: None,
        canary: None,
    });
    look(&mut Snapshot {
        now: jiff::Timestamp::UNIX_EPOCH,
        release: "web",
        namespace: "shop",
        is_first,
        history: &history,
        deployed: Some(1),
        troubles: &[],
        target: Some(1),
        goes_back: true,
        releases: &releases,
        objects: &objects,
        lists: &lists,
        diff: &diff,
        chart: ChartReference { named: "./web".into(), place: Place::Local, version: None },
        chart_seen: Default::default(),
        no_hooks: false,
        owner: Ok(None),
        bad: Vec::new(),
        rights: Ok(Rights::default()),
        trials: Ok(trial::Trials::default()),
        rehearsal: Ok(None),
        live: None,
        helm_keeps: 10,
        record_size: Ok(Some(1000)),
        left_over: Ok(release::LeftBehind::default()),
        grants: Ok(Vec::new()),
        apis: Ok(apis::Apis { server: "v1.36.3".into(), ..apis::Apis::default() }),
        values: &GivenValues::none(),
        window: &window::Window::default(),
        elsewhere: None,
        canary: None,
    })
}

/// The cluster has none of what the checks want to see.
fn nothing_there(proposal: &Proposal<'_>) -> Lists {
    Lists::new(wanted(proposal).into_iter().map(|wanted| (wanted, Ok(Vec::new()))))
}

/// A snapshot of the upgrade of a proven release, changed, and what the checks say of it.
pub(super) fn says_all(change: impl FnOnce(&mut Snapshot<'_>)) -> Vec<Finding> {
    // Two manifests that are not the same, and hold no object.
    with("# 1", "# 2", nothing_there, |snapshot| {
        change(snapshot);
        Findings::of(snapshot, &Terms::default()).findings
    })
}

fn says(change: impl FnOnce(&mut Snapshot<'_>)) -> Vec<(&'static str, Severity)> {
    let findings = says_all(change);
    findings.iter().map(|finding| (finding.check, finding.severity)).filter(|one| one.1 != Severity::Pass).collect()
}

/// What the checks find there that is no pass.
pub(super) fn found(change: impl FnOnce(&mut Snapshot<'_>)) -> Vec<Finding> {
    says_all(change).into_iter().filter(|finding| finding.severity != Severity::Pass).collect()
}

/// The objects of these manifests.
pub(super) fn objects_of(old: &str, new: &str) -> &'static Objects {
    Box::leak(Box::new(Objects { old: objects(old), new: objects(new), back: Ok(None) }))
}

fn right(need: Need, allowed: snapshot::Known<bool>) -> Rights {
    let resource = "pods".to_owned();
    let permission = Permission { verb: "get", resource, namespace: None, names: Vec::new(), need, allowed };
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
fn a_revision_to_go_back_to_that_can_not_be_read_leaves_rights_unknown() {
    let unread = objects_of("# 1", "# 2");
    let unread: &'static Objects = Box::leak(Box::new(Objects { back: Err("no".into()), ..unread.clone() }));
    let said = |goes_back| {
        let found = says(|snapshot| (snapshot.objects, snapshot.goes_back) = (unread, goes_back));
        let of = ["rights", "escalation"];
        found.into_iter().filter(|one| of.contains(&one.0)).collect::<Vec<_>>()
    };
    assert_eq!(said(true), [("rights", Severity::Unknown), ("escalation", Severity::Unknown)]);
    assert_eq!(said(false), []);
}

#[test]
fn a_missing_right_blocks_where_helm_or_going_back_would_fail() {
    let severity = |need| says(|snapshot| snapshot.rights = Ok(right(need, Ok(false))))[0].1;
    assert_eq!(severity(Need::Upgrade), Severity::Blocker);
    assert_eq!(severity(Need::GoingBack), Severity::Blocker);
    for need in [Need::Cleaning, Need::Freeing, Need::Watching, Need::Evidence, Need::Lease, Need::Pruning] {
        assert_eq!(severity(need), Severity::Warning, "{need:?}");
    }
}

#[test]
fn a_right_that_is_missing_for_some_objects_names_them() {
    let mut rights = right(Need::Upgrade, Ok(false));
    rights.asked[0].names = vec!["web".into(), "api".into()];
    let found = found(|snapshot| snapshot.rights = Ok(rights));
    assert_eq!(found[0].evidence, ["of the objects web and api"]);
    assert!(found[0].hint.as_ref().unwrap().ends_with("kubectl auth can-i get pods/web"));
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
    let severity = |place, named: &str, version: Option<&str>| {
        let chart = ChartReference { named: named.into(), place, version: version.map(str::to_owned) };
        let said = says(|snapshot| snapshot.chart = chart);
        said.iter().find(|one| one.0 == "pinned").map(|one| one.1)
    };
    let pinned = |place, named: &str, version: Option<&str>| severity(place, named, version).is_none();
    assert!(!pinned(Place::Repository, "bitnami/nginx", None));
    assert!(!pinned(Place::Repository, "bitnami/nginx", Some("^18")));
    assert!(pinned(Place::Repository, "bitnami/nginx", Some("18.2.0")));
    assert_eq!(severity(Place::Registry, "oci://host:5000/nginx", None), Some(Severity::Warning));
    let registry = |named: &str, version: Option<&str>| severity(Place::Registry, named, version);
    assert_eq!(registry("oci://host:5000/nginx:18.2.0", None), Some(Severity::Info));
    assert_eq!(registry("oci://host:5000/nginx", Some("18.2.0")), Some(Severity::Info));
    assert!(pinned(Place::Registry, &format!("oci://host/nginx@sha256:{}", "a".repeat(64)), None));
    assert!(pinned(Place::Url, "https://example.com/nginx-18.2.0.tgz", None));
}

#[test]
fn what_is_off_has_not_passed_and_what_is_raised_blocks() {
    let of = |rules: Vec<severities::Rule>| {
        let terms = Terms { accepted: Vec::new(), severities: Severities(rules) };
        with("# 1", "# 2", nothing_there, |snapshot| {
            snapshot.owner = Err("no".into());
            Findings::of(snapshot, &terms)
        })
    };
    let rule = |found, becomes| severities::Rule { check: "pending".into(), found, becomes };
    let raised = of(vec![rule(Some(Severity::Unknown), Some(Severity::Blocker))]);
    assert_eq!((raised.blocked.as_slice(), raised.off.as_slice()), (&["pending"][..], &[][..]));
    let off = of(vec![rule(Some(Severity::Unknown), None)]);
    assert_eq!((off.blocked.as_slice(), off.off.as_slice()), (&[][..], &["pending"][..]));
    assert!(!off.passed().contains(&"pending") && off.passed().len() == ALL.len() - 1);
}
