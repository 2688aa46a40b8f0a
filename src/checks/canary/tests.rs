//! What speaks against a step of a canary.

use super::{Canary, Service, autoscaler, replicas, service, unfinished};
use crate::checks::tests::Case;

fn web(replicas: u32, image: &str) -> String {
    format!(
        "apiVersion: apps/v1\nkind: Deployment\nmetadata: {{name: web}}\nspec: {{replicas: {replicas}, selector: {{matchLabels: {{app: \
         web}}}}, template: {{metadata: {{labels: {{app: web}}}}, spec: {{containers: [{{name: main, image: {image}}}]}}}}}}\n"
    )
}

fn hpa(name: &str) -> String {
    format!(
        "---\napiVersion: autoscaling/v2\nkind: HorizontalPodAutoscaler\nmetadata: {{name: {name}}}\nspec: {{scaleTargetRef: {{apiVersion: \
         apps/v1, kind: Deployment, name: {name}}}, minReplicas: 2, maxReplicas: 9}}\n"
    )
}

/// A step lives as long as what is looked at.
fn kept(canary: Option<&Canary>) -> Option<&'static Canary> {
    canary.map(|canary| &*Box::leak(Box::new(canary.clone())))
}

fn first() -> Canary {
    Canary { number: 1, scales: true, ..Canary::default() }
}

#[test]
fn a_first_step_of_fewer_pods_than_run_is_found() {
    let says = |canary: Option<&Canary>, new: &str, cluster: &str| {
        let old = web(4, "a");
        Case { old: &old, new, cluster, canary: kept(canary), ..Case::default() }.says(&replicas::CHECK)[0].clone()
    };
    let fewer = "blocker Deployment/web: it runs 4 pods, and the first step replaces all of them by 1 pod";
    assert_eq!(says(Some(&first()), &web(1, "b"), ""), fewer);
    let scaled = says(Some(&first()), &web(4, "b"), &web(9, "a"));
    assert_eq!(scaled, "blocker Deployment/web: it runs 9 pods, and the first step replaces all of them by 4 pods");
    assert_eq!(
        says(Some(&first()), &web(1, "a"), ""),
        "blocker Deployment/web: it runs 4 pods, and the first step leaves 1 pod of them"
    );
    for (canary, count) in
        [(first(), 4), (first(), 5), (Canary { number: 2, ..first() }, 1), (Canary { beside: true, ..first() }, 1)]
    {
        let said = says(Some(&canary), &web(count, "b"), "");
        assert!(said.starts_with("pass"), "{canary:?} {count}: {said}");
    }
    assert_eq!(says(None, &web(1, "b"), ""), "pass : it is no canary");
}

#[test]
fn a_canary_that_no_traffic_reaches_is_found() {
    let service = |selector: &str| {
        let selector = vec![("app".to_owned(), selector.to_owned())];
        Service { name: "web".to_owned(), selector }
    };
    let says = |services: Option<Vec<Service>>| {
        let canary = Canary { beside: true, services, ..first() };
        Case { new: &web(1, "b"), canary: kept(Some(&canary)), ..Case::default() }.says(&service::CHECK)[0].clone()
    };
    assert!(says(None).starts_with("pass"));
    assert!(says(Some(Vec::new())).starts_with("info"));
    assert!(says(Some(vec![service("web")])).starts_with("pass"));
    assert!(says(Some(vec![service("other"), service("web")])).starts_with("pass"), "one is enough");
    let none =
        "blocker : no Service of the stable release selects the pods of the canary: they get none of its traffic";
    assert_eq!(says(Some(vec![service("other")])), none);
}

#[test]
fn an_autoscaler_of_what_the_steps_scale_is_found() {
    let says = |canary: Option<&Canary>, cluster: &str, forbidden: &[&str]| {
        let (old, new) = (web(4, "a"), web(4, "b"));
        Case { old: &old, new: &new, cluster, forbidden, canary: kept(canary) }.says(&autoscaler::CHECK)[0].clone()
    };
    let found = says(Some(&first()), &hpa("web"), &[]);
    let by = "deployment/web: horizontalpodautoscaler/web scales it between 2 and 9 pods";
    assert_eq!(found, format!("blocker {by}: it undoes what the steps set"));
    let weights = Canary { scales: false, ..first() };
    assert!(says(Some(&weights), &hpa("web"), &[]).starts_with(&format!("info {by}")));
    assert!(says(Some(&first()), &hpa("db"), &[]).starts_with("pass"));
    let stable = Canary { stable: vec![("Deployment".to_owned(), "db".to_owned())], ..first() };
    assert!(says(Some(&stable), &hpa("db"), &[]).starts_with("blocker deployment/db"));
    assert!(says(Some(&first()), "", &["HorizontalPodAutoscaler"]).starts_with("unknown"));
    assert_eq!(says(None, &hpa("web"), &[]), "pass : it is no canary");
}

#[test]
fn an_upgrade_beside_a_canary_is_found() {
    let secret = "apiVersion: v1\nkind: Secret\nmetadata: {name: helm-safe-upgrade.canary.RELEASE, creationTimestamp: '2026-11-21T13:00:00Z'}\n";
    let says = |canary: Option<&Canary>, of: &str, forbidden: &[&str]| {
        let (old, new, cluster) = (web(4, "a"), web(4, "b"), secret.replace("RELEASE", of));
        Case { old: &old, new: &new, cluster: &cluster, forbidden, canary: kept(canary) }.says(&unfinished::CHECK)[0]
            .clone()
    };
    assert_eq!(says(None, "web", &[]), "blocker : a canary of the release is under way");
    assert!(says(None, "api", &[]).starts_with("pass"), "it is another release's");
    assert!(says(Some(&first()), "web", &[]).starts_with("pass"), "its own steps are not stopped");
    assert!(says(None, "web", &["Secret"]).starts_with("unknown"));
}

#[test]
fn an_autoscaler_that_the_step_brings_or_removes_is_told() {
    let says = |old: &str, new: &str, cluster: &str, canary: &Canary| {
        Case { old, new, cluster, canary: kept(Some(canary)), ..Case::default() }.says(&autoscaler::CHECK)
    };
    let (plain, scaled) = (web(4, "a"), format!("{}{}", web(4, "b"), hpa("web")));
    let comes = "deployment/web: horizontalpodautoscaler/web comes with the step, and scales it";
    assert_eq!(says(&plain, &scaled, "", &first()), [format!("blocker {comes}: it undoes what the steps set")]);
    let weights = Canary { scales: false, ..first() };
    assert_eq!(says(&plain, &scaled, "", &weights), [format!("info {comes}: how many each step has is its choice")]);
    // One that is there already is told once.
    let there = says(&scaled, &scaled, &hpa("web"), &first());
    assert_eq!(there.len(), 1, "{there:?}");
    assert!(there[0].starts_with("blocker deployment/web: horizontalpodautoscaler/web scales it between"), "{there:?}");
    let goes = "warning deployment/web: horizontalpodautoscaler/web scales it until the step removes it";
    let removed = says(&scaled, &plain, &hpa("web"), &first());
    assert!(removed.len() == 1 && removed[0].starts_with(goes), "{removed:?}");
}
