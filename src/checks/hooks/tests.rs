//! What the checks of hooks say.

use super::super::tests::{found, objects_of};
use super::super::wanted::{Lists, Proposal, Wanted};
use super::super::{Finding, Severity};
use super::*;
use crate::manifest::observed::Observed;

/// A Job of this name and image that is a hook with these annotations.
fn job(name: &str, image: &str, annotations: &str) -> String {
    format!(
        "apiVersion: batch/v1\nkind: Job\nmetadata: {{name: {name}, annotations: {{helm.sh/hook: 'pre-upgrade,post-install', {annotations}}}}}\n\
         spec: {{template: {{spec: {{containers: [{{name: main, image: '{image}'}}]}}}}}}\n---\n"
    )
}

fn of(check: &str, old: &str, new: &str) -> Vec<Finding> {
    let objects = objects_of(old, new);
    found(|snapshot| snapshot.objects = objects).into_iter().filter(|finding| finding.check == check).collect()
}

#[test]
fn hooks_run_by_weight_and_then_by_name() {
    let weight = |name, weight: &str| job(name, "a:1", &format!("helm.sh/hook-weight: '{weight}'"));
    let new = [weight("c", "5"), weight("b", "-1"), weight("a", "no number"), weight("d", "-1")].concat();
    let said = of("hooks", "", &new);
    assert_eq!((said[0].severity, said[0].message.as_str()), (Severity::Info, "4 hooks run before the upgrade"));
    let policy = "delete policy before-hook-creation (Helm's default)";
    assert_eq!(
        said[0].evidence,
        [
            format!("pre-upgrade: Job/b, Job/d, weight -1, {policy}"),
            format!("pre-upgrade: Job/a, weight 0, {policy}"),
            format!("pre-upgrade: Job/c, weight 5, {policy}")
        ]
    );
}

#[test]
fn a_hook_of_another_event_does_not_run() {
    let new = job("a", "a:1", "").replace("pre-upgrade,post-install", "pre-delete, post-rollback");
    assert_eq!(of("hooks", "", &new), []);
    let test = job("a", "a:1", "").replace("pre-upgrade,post-install", "test");
    assert_eq!(of("hooks", "", &test), []);
    let both = [job("b", "a:1", ""), test].concat();
    assert_eq!(of("hooks", "", &both)[0].evidence[1], "test: Job/a");
}

#[test]
fn without_hooks_none_runs() {
    let objects = objects_of("", &job("migrate", "a:1", "helm.sh/hook-delete-policy: hook-failed"));
    let said = found(|snapshot| (snapshot.objects, snapshot.no_hooks) = (objects, true));
    let said: Vec<Finding> = said.into_iter().filter(|finding| finding.check != "image-platform").collect();
    assert_eq!(said.len(), 1, "{said:?}");
    assert_eq!(said[0].message, "--no-hooks: 1 hook of the chart does not run");
}

/// What is said of a hook beside a live Job with this image.
fn left(image: Result<&str, &str>, annotations: &str, method: Option<&str>) -> Vec<Finding> {
    let objects = objects_of("", &job("a", "a:1", annotations));
    let proposal = Proposal {
        release: "web",
        namespace: "shop",
        is_first: false,
        no_hooks: false,
        objects,
        crds: None,
        canary: None,
    };
    let wanted: Vec<Wanted> = (existing::CHECK.wants)(&proposal);
    let live = image.map(|image| {
        let node = crate::manifest::yaml::parse(&job("a", image, "")).unwrap();
        Observed::new(node, "batch/v1", "Job").into_iter().collect()
    });
    let live = live.map_err(str::to_owned);
    let lists = Lists::new(wanted.into_iter().map(|wanted| (wanted, live.clone())));
    let mut said = Vec::new();
    found(|snapshot| {
        snapshot.objects = objects;
        let lists: &'static Lists = Box::leak(Box::new(lists));
        snapshot.lists = lists;
        let mut releases = snapshot.releases.clone();
        releases.new.apply_method = method.map(str::to_owned);
        snapshot.releases = Box::leak(Box::new(releases));
        said = (existing::CHECK.run)(snapshot);
    });
    said
}

#[test]
fn a_hook_that_is_left_and_not_deleted_before_fails() {
    let policy = "helm.sh/hook-delete-policy: hook-succeeded";
    let severity = |said: Vec<Finding>| said[0].severity;
    assert_eq!(severity(left(Ok("a:1"), policy, None)), Severity::Blocker);
    assert_eq!(severity(left(Ok("a:1"), policy, Some("csa"))), Severity::Blocker);
    assert_eq!(severity(left(Ok("a:1"), policy, Some("ssa"))), Severity::Warning);
    assert_eq!(severity(left(Ok("a:2"), policy, Some("ssa"))), Severity::Blocker);
    assert_eq!(severity(left(Err("forbidden"), policy, None)), Severity::Unknown);
    for deleted in
        ["", "helm.sh/hook-delete-policy: 'hook-succeeded, Before-Hook-Creation'", "helm.sh/hook-delete-policy: typo"]
    {
        assert_eq!(severity(left(Ok("a:1"), deleted, None)), Severity::Pass, "{deleted}");
    }
}

#[test]
fn a_migration_is_told_by_its_name_image_or_command() {
    for new in [
        job("db-migrate", "a:1", ""),
        job("a", "flyway/flyway:10", ""),
        job("a", "a:1", "").replace("image:", "command: [rake, 'db:schema:load'], image:"),
        job("a", "a:1", "").replace("image:", "args: [sh, -c, goose up], image:"),
    ] {
        let said = of("migration", "", &new);
        assert_eq!(said.len(), 1, "{new}");
        assert_eq!(said[0].severity, Severity::Info, "{new}");
    }
    assert_eq!(of("migration", "", &job("check", "mongoose:1", "")), []);
    let (old, new) = (job("migrate", "a:1", ""), job("migrate", "a:2", ""));
    assert_eq!(of("migration", &old, &old)[0].severity, Severity::Info);
    assert!(of("migration", &old, &old)[0].message.ends_with("the same as before"));
    assert!(of("migration", &old, &new)[0].message.ends_with("has changed"));
}

#[test]
fn the_arguments_of_a_migration_are_not_quoted() {
    let new = job("a", "a:1", "").replace("image:", "args: [flyway, -password=hunter2], image:");
    let said = of("migration", "", &new);
    assert!(!format!("{said:?}").contains("hunter2"), "{said:?}");
}
