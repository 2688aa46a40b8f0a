//! What the checks of API versions say.

use super::{Api, Apis, KubeVersion, lifecycle};
use crate::checks::Severity::{self, Blocker, Info, Pass, Unknown, Warning};
use crate::checks::Snapshot;
use crate::checks::snapshot::Objects;
use crate::checks::tests::says_all;
use crate::checks::trial::{Outcome, Trial, Trials};
use crate::manifest::document::Object;
use crate::manifest::yaml;

const BUDGET: &str = "apiVersion: policy/v1beta1\nkind: PodDisruptionBudget\nmetadata: {name: web}\n";
const NEW_BUDGET: &str = "apiVersion: policy/v1\nkind: PodDisruptionBudget\nmetadata: {name: web}\n";
const DEVICES: &str = "apiVersion: resource.k8s.io/v1beta1\nkind: DeviceClass\nmetadata: {name: web}\n";

fn version(text: &str) -> KubeVersion {
    text.parse().unwrap()
}

fn objects(text: &str) -> Vec<Object> {
    let nodes = if text.is_empty() { Vec::new() } else { yaml::parse_all(text).unwrap() };
    nodes
        .into_iter()
        .map(|node| Object { hook: node.find(&["metadata", "annotations"]).is_some(), ..Object::of(node) })
        .collect()
}

/// What the checks of API versions say, but for what passes, of an upgrade from one manifest to another.
fn says(old: &str, new: &str, change: impl FnOnce(&mut Snapshot<'_>)) -> Vec<(&'static str, Severity, String)> {
    let objects = Objects { old: objects(old), new: objects(new), back: Ok(None) };
    let found = says_all(|snapshot| {
        snapshot.objects = Box::leak(Box::new(objects));
        snapshot.target = Some(snapshot.releases.old.revision);
        change(snapshot);
    });
    let of_apis = found.into_iter().filter(|one| one.check.ends_with("-api") && one.severity != Pass);
    of_apis.map(|one| (one.check, one.severity, format!("{} {}", one.resource, one.message))).collect()
}

fn apis(unserved: &[&str], target: Option<&str>) -> Apis {
    let api = |name: &&str| {
        let (api_version, kind) = name.rsplit_once('/').unwrap();
        Api { api_version: api_version.into(), kind: kind.into() }
    };
    Apis { server: "v1.36.3".into(), target: target.map(version), unserved: unserved.iter().map(api).collect() }
}

#[test]
fn the_table_can_be_read_and_knows_what_kubernetes_has_said() {
    let budget = lifecycle::of("policy/v1beta1", "PodDisruptionBudget").unwrap();
    assert_eq!(budget.removed, Some(version("1.25")));
    assert_eq!(budget.replacement.as_ref().unwrap().api_version, "policy/v1");
    assert!(lifecycle::of("extensions/v1beta1", "Deployment").unwrap().is_removed_in(version("1.16")));
    assert!(lifecycle::of("apiextensions.k8s.io/v1beta1", "CustomResourceDefinition").is_some());
    assert!(lifecycle::of("apps/v1", "Deployment").unwrap().removed.is_none());
    assert!(lifecycle::of("example.com/v1", "Deployment").is_none());
    assert!(lifecycle::newest() >= Some(version("1.37")));
}

#[test]
fn a_version_of_kubernetes_is_read_as_servers_and_users_write_it() {
    for text in ["1.25", "v1.25.3", "1.25+", "v1.25.3-gke.100", "1.25.0-alpha.1"] {
        assert_eq!(text.parse(), Ok(version("1.25")), "{text}");
    }
    for text in ["", "1", "1.", "x.25", "1.x", "latest", "1.-5", "1.99999999999"] {
        assert!(text.parse::<KubeVersion>().is_err(), "{text}");
    }
}

#[test]
fn what_is_served_and_not_deprecated_is_quiet() {
    assert_eq!(says(NEW_BUDGET, NEW_BUDGET, |_| {}), []);
    assert_eq!(says(NEW_BUDGET, NEW_BUDGET, |snapshot| snapshot.apis = Ok(apis(&[], Some("1.37")))), []);
}

#[test]
fn an_api_version_that_is_gone_stops_the_upgrade_wherever_helm_has_to_read_it() {
    let gone = |snapshot: &mut Snapshot<'_>| snapshot.apis = Ok(apis(&["policy/v1beta1/PodDisruptionBudget"], None));
    let new = says("", BUDGET, gone);
    assert_eq!(new.len(), 1, "{new:#?}");
    assert_eq!((new[0].0, new[0].1), ("removed-api", Blocker));
    assert!(new[0].2.contains("does not serve policy/v1beta1: Kubernetes 1.25 removed it"), "{new:?}");
    let stored = says(BUDGET, NEW_BUDGET, gone);
    let names: Vec<_> = stored.iter().map(|one| (one.0, one.1)).collect();
    assert_eq!(names, [("removed-api", Blocker), ("rollback-api", Blocker)]);
    assert!(stored[0].2.contains("helm can't read the manifest"), "{stored:?}");
    let kept = says(BUDGET, NEW_BUDGET, |snapshot| {
        gone(snapshot);
        snapshot.goes_back = false;
    });
    assert_eq!(kept[1].1, Warning);
}

#[test]
fn a_custom_resource_waits_for_its_definition_but_a_stored_one_must_be_readable() {
    let custom = "apiVersion: example.com/v1\nkind: Widget\nmetadata: {name: web}\n";
    let gone = |snapshot: &mut Snapshot<'_>| snapshot.apis = Ok(apis(&["example.com/v1/Widget"], None));
    assert_eq!(says("", custom, gone), []);
    assert_eq!(says(custom, "", gone)[0].1, Blocker);
}

#[test]
fn a_hook_counts_where_it_runs() {
    let hook = |event: &str| {
        format!("{}  annotations: {{helm.sh/hook: \"{event}\"}}\n", BUDGET.replace("{name: web}", "\n  name: web"))
    };
    let gone = |snapshot: &mut Snapshot<'_>| snapshot.apis = Ok(apis(&["policy/v1beta1/PodDisruptionBudget"], None));
    assert_eq!(says("", &hook("pre-install, pre-upgrade"), gone)[0].1, Blocker);
    assert_eq!(says("", &hook("test"), gone)[0].1, Warning);
    assert_eq!(says(&hook("pre-upgrade"), "", gone), []);
    assert_eq!(says(&hook("pre-rollback"), "", gone)[0].0, "rollback-api");
}

#[test]
fn a_deprecated_api_version_is_a_warning_where_it_is_new_and_to_know_where_it_was_there() {
    let new = says("", DEVICES, |_| {});
    assert_eq!((new[0].0, new[0].1), ("deprecated-api", Warning), "{new:?}");
    assert_eq!(says(DEVICES, DEVICES, |_| {})[0].1, Info);
    let left = says(DEVICES, "", |_| {});
    assert!(left[0].1 == Info && left[0].2.contains("to go back to"), "{left:?}");
}

#[test]
fn what_the_server_warns_of_is_told_once() {
    let trial = |kind: &str, warnings: &[&str]| Trial {
        id: objects(kind).remove(0).id,
        source: None,
        hook: false,
        is_new: false,
        live: Ok(None),
        warnings: warnings.iter().map(|text| (*text).to_owned()).collect(),
        outcome: Outcome::Accepted,
    };
    let field = "spec.x: deprecated since v1.14; use y instead";
    let whole = "resource.k8s.io/v1beta1 DeviceClass is deprecated in v1.35+, unavailable in v1.38+";
    let tried =
        vec![trial(NEW_BUDGET, &[field, "unknown field \"z\""]), trial(NEW_BUDGET, &[field]), trial(DEVICES, &[whole])];
    let found = says("", DEVICES, |snapshot| snapshot.trials = Ok(Trials { objects: tried, ..Trials::default() }));
    assert_eq!(found.len(), 2, "{found:#?}");
    let told = found.iter().find(|one| one.2 == format!("2 objects the server warns: {field}"));
    assert_eq!(told.map(|one| one.1), Some(Info), "{found:#?}");
}

#[test]
fn another_version_of_kubernetes_is_asked_about_by_name() {
    let asked = |target: &'static str| move |snapshot: &mut Snapshot<'_>| snapshot.apis = Ok(apis(&[], Some(target)));
    let removed = lifecycle::of("resource.k8s.io/v1beta1", "DeviceClass").unwrap().removed.unwrap().to_string();
    let target = Box::leak(removed.into_boxed_str());
    let blocks = says("", DEVICES, asked(target));
    assert!(blocks.iter().any(|one| one.0 == "target-api" && one.1 == Blocker), "{blocks:#?}");
    let stored = says(DEVICES, "", asked(target));
    assert!(
        stored.iter().any(|one| one.0 == "target-api" && one.1 == Warning && one.2.contains("no way back")),
        "{stored:#?}"
    );
    let older = says("", NEW_BUDGET, asked("1.20"));
    assert!(older[0].1 == Blocker && older[0].2.contains("it is new in 1.21"), "{older:#?}");
    let beyond = says("", NEW_BUDGET, asked("1.99"));
    assert_eq!((beyond[0].0, beyond[0].1), ("target-api", Unknown));
}

#[test]
fn what_could_not_be_asked_for_is_unknown() {
    let found = says("", "", |snapshot| snapshot.apis = Err("no".into()));
    assert_eq!(found.len(), 4, "{found:#?}");
    assert!(found.iter().all(|one| one.1 == Unknown));
    let unread = Objects { old: Vec::new(), new: Vec::new(), back: Err("no".into()) };
    let found = says("", "", |snapshot| snapshot.objects = Box::leak(Box::new(unread)));
    assert_eq!((found[0].0, found[0].1), ("rollback-api", Unknown));
    let newer = Apis { server: "v1.99.0".into(), ..Apis::default() };
    assert_eq!(says("", "", |snapshot| snapshot.apis = Ok(newer))[0].1, Unknown);
}
