//! The numbers, against what the scheduler and the controllers make of the same objects.

use super::{Bound, Impact, Line, Setting, Workload, find};
use crate::diff::release::Both;
use crate::diff::resources::{Side, compare};
use crate::manifest::document::Manifest;
use crate::manifest::mask::Masker;

fn impact_on(old: &str, new: &str, nodes: Option<u64>) -> Impact {
    let (old, new) = (Manifest::new(old.to_owned()), Manifest::new(new.to_owned()));
    let side = |manifest| Side { documents: Manifest::documents(manifest, false), namespace: "shop" };
    let diff = compare(&side(&old), &side(&new), &Masker::new(b"k"));
    find(&diff, Setting { namespaces: Both { old: "shop", new: "shop" }, upgrade: true, nodes })
}

fn impact(old: &str, new: &str) -> Impact {
    impact_on(old, new, None)
}

/// `before → after, peak` of a resource.
fn line(lines: &[Line], resource: &str, bound: Bound) -> String {
    let Some(line) = lines.iter().find(|line| line.resource == resource && line.bound == bound) else {
        return "nothing".to_owned();
    };
    let range = |range: Option<super::Range<crate::manifest::quantity::Quantity>>| match range {
        None => "–".to_owned(),
        Some(range) if range.least == range.most => range.most.to_string(),
        Some(range) => format!("{}–{}", range.least, range.most),
    };
    format!("{} → {}, {}", range(line.before), range(line.after), range(line.peak))
}

fn request(workload: &Workload, resource: &str) -> String {
    line(&workload.lines, resource, Bound::Request)
}

fn object(kind: &str, spec: &str) -> String {
    let version = match kind {
        "Job" | "CronJob" => "batch/v1",
        "HorizontalPodAutoscaler" => "autoscaling/v2",
        "Pod" => "v1",
        _ => "apps/v1",
    };
    format!("---\napiVersion: {version}\nkind: {kind}\nmetadata: {{name: web}}\nspec: {{{spec}}}\n")
}

/// A workload with one container that requests so much cpu.
fn cpu(kind: &str, fields: &str, cpu: &str) -> String {
    object(
        kind,
        &format!("{fields}template: {{spec: {{containers: [{{name: c, resources: {{requests: {{cpu: {cpu}}}}}}}]}}}}"),
    )
}

/// The cpu that a pod with this specification requests and is limited to.
fn pod(spec: &str) -> (String, String) {
    let impact = impact("", &object("Pod", spec));
    let amount = |bound| line(&impact.workloads[0].lines, "cpu", bound).replace("– → ", "").replace(", –", "");
    (amount(Bound::Request), amount(Bound::Limit))
}

#[test]
fn more_replicas_of_larger_pods_multiply() {
    let web = |replicas: u8, cpu: &str, memory: &str| {
        let resources = format!("{{requests: {{cpu: {cpu}, memory: {memory}}}, limits: {{cpu: 1, memory: 1Gi}}}}");
        object(
            "Deployment",
            &format!("replicas: {replicas}, template: {{spec: {{containers: [{{name: c, resources: {resources}}}]}}}}"),
        )
    };
    let impact = impact(&web(1, "50m", "64Mi"), &web(3, "100m", "128Mi"));
    let workload = &impact.workloads[0];
    // Three new pods and one old one, at 25 % surge rounded up.
    assert_eq!(request(workload, "cpu"), "50m → 300m, 350m");
    assert_eq!(request(workload, "memory"), "64Mi → 384Mi, 448Mi");
    assert_eq!(line(&workload.lines, "cpu", Bound::Limit), "1 → 3, 4");
    assert_eq!(workload.lines[0].ratio, Some(6.0));
    assert_eq!(
        (workload.rollout.unwrap().surge, workload.rollout.unwrap().unavailable, workload.rollout.unwrap().pods),
        (1, 0, 4)
    );
    assert_eq!(impact.total, workload.lines);
}

#[test]
fn a_pod_takes_what_it_takes_at_its_largest() {
    let container = |name: &str, cpu: &str| format!("{{name: {name}, resources: {{requests: {{cpu: {cpu}}}}}}}");
    let sidecar = |name: &str, cpu: &str| container(name, cpu).replace("{name", "{restartPolicy: Always, name");
    let of = |init: &str, main: &str| pod(&format!("initContainers: [{init}], containers: [{main}]")).0;
    let main = format!("{}, {}", container("a", "100m"), container("b", "200m"));
    assert_eq!(of("", &main), "300m");
    // One after another: the largest counts, and only where it is larger than the others together.
    assert_eq!(of(&format!("{}, {}", container("i", "200m"), container("j", "250m")), &main), "300m");
    assert_eq!(of(&format!("{}, {}", container("i", "400m"), container("j", "350m")), &main), "400m");
    // A sidecar runs on, and beside the init containers that follow it.
    assert_eq!(of(&sidecar("s", "50m"), &main), "350m");
    assert_eq!(of(&format!("{}, {}", sidecar("s", "50m"), container("i", "400m")), &main), "450m");
    assert_eq!(of(&format!("{}, {}", container("i", "400m"), sidecar("s", "50m")), &main), "400m");
}

#[test]
fn limits_stand_in_for_requests_and_the_pod_for_its_containers() {
    let with = |pod_level: &str, container: &str| {
        pod(&format!("{pod_level}containers: [{{name: c, resources: {container}}}]"))
    };
    let pair = |request: &str, limit: &str| (request.to_owned(), limit.to_owned());
    assert_eq!(with("", "{limits: {cpu: 2}}"), pair("2", "2"));
    assert_eq!(with("", "{requests: {cpu: 1}, limits: {cpu: 2}}"), pair("1", "2"));
    assert_eq!(with("resources: {requests: {cpu: 3}}, ", "{requests: {cpu: 1}, limits: {cpu: 2}}"), pair("3", "2"));
    assert_eq!(with("resources: {limits: {cpu: 4}}, ", "{requests: {cpu: 1}}"), pair("1", "4"));
    assert_eq!(with("resources: {limits: {cpu: 4}}, ", "{}"), pair("4", "4"));
    assert_eq!(with("overhead: {cpu: 250m}, ", "{requests: {cpu: 1}, limits: {cpu: 2}}"), pair("1250m", "2250m"));
    assert_eq!(with("overhead: {cpu: 250m}, ", "{requests: {cpu: 1}}"), pair("1250m", "nothing"));
}

#[test]
fn the_peak_is_as_the_strategy_has_it() {
    let peak = |kind: &str, fields: &str, old: &str, new: &str| {
        request(&impact(&cpu(kind, fields, old), &cpu(kind, fields, new)).workloads[0], "cpu")
    };
    let surge =
        |surge: &str| format!("replicas: 10, strategy: {{rollingUpdate: {{maxSurge: {surge}, maxUnavailable: 0}}}}, ");
    assert_eq!(peak("Deployment", "replicas: 10, ", "1", "2"), "10 → 20, 23");
    assert_eq!(peak("Deployment", &surge("1"), "1", "2"), "10 → 20, 21");
    assert_eq!(peak("Deployment", &surge("11%"), "1", "2"), "10 → 20, 22");
    assert_eq!(peak("Deployment", &surge("'100%'"), "2", "1"), "20 → 10, 30");
    assert_eq!(peak("Deployment", "replicas: 10, strategy: {type: Recreate}, ", "1", "2"), "10 → 20, 20");
    assert_eq!(peak("Deployment", "replicas: 10, paused: true, ", "1", "2"), "10 → 20, –");
    assert_eq!(peak("StatefulSet", "replicas: 3, ", "2", "1"), "6 → 3, 6");
    assert_eq!(peak("StatefulSet", "replicas: 3, updateStrategy: {type: OnDelete}, ", "2", "1"), "6 → 3, –");
    assert_eq!(peak("DaemonSet", "", "1", "2"), "1 → 2, 2");
    assert_eq!(peak("DaemonSet", "updateStrategy: {rollingUpdate: {maxSurge: 1}}, ", "1", "2"), "1 → 2, 3");
    // Only the number changes: nothing is replaced.
    let scaled = impact(&cpu("Deployment", "replicas: 1, ", "1"), &cpu("Deployment", "replicas: 4, ", "1"));
    assert_eq!(request(&scaled.workloads[0], "cpu"), "1 → 4, –");
    let fewer = impact(&cpu("StatefulSet", "replicas: 2, ", "2"), &cpu("StatefulSet", "replicas: 4, ", "1"));
    assert_eq!(request(&fewer.workloads[0], "cpu"), "4 → 4, 6");
}

#[test]
fn an_autoscaler_makes_a_range() {
    let scaler = |least: u8, most: u8| {
        object(
            "HorizontalPodAutoscaler",
            &format!("scaleTargetRef: {{kind: Deployment, name: web}}, minReplicas: {least}, maxReplicas: {most}"),
        )
    };
    let web = cpu("Deployment", "", "100m");
    // An unchanged workload of a changed autoscaler.
    let impact_of_scaler = impact(&(scaler(1, 4) + &web), &(scaler(2, 10) + &web));
    assert_eq!(request(&impact_of_scaler.workloads[0], "cpu"), "100m–400m → 200m–1, –");
    // A changed workload of an unchanged autoscaler.
    let changed = impact(&(scaler(2, 4) + &web), &(scaler(2, 4) + &cpu("Deployment", "", "200m")));
    assert_eq!(request(&changed.workloads[0], "cpu"), "200m–400m → 400m–800m, 500m–900m");
    assert_eq!(changed.workloads[0].pods_after.map(|pods| (pods.least, pods.most)), Some((2, 4)));
    // What is set to zero is not scaled.
    let stopped = impact(&(scaler(2, 4) + &web), &(scaler(2, 4) + &cpu("Deployment", "replicas: 0, ", "100m")));
    assert_eq!(request(&stopped.workloads[0], "cpu"), "200m–400m → 0, –");
}

#[test]
fn jobs_and_daemon_sets_are_said_apart() {
    let job = |fields: &str| impact("", &cpu("Job", fields, "1")).workloads[0].clone();
    assert_eq!(request(&job("parallelism: 5, completions: 20, "), "cpu"), "– → 5, –");
    assert_eq!(job("parallelism: 5, completions: 20, ").completions, Some(20));
    assert_eq!(request(&job("parallelism: 5, completions: 2, "), "cpu"), "– → 2, –");
    let cron = "schedule: '* * * * *', jobTemplate: {spec: {parallelism: 2, template: {spec: {containers: [{name: c, resources: {requests: {cpu: 1}}}]}}}}";
    let cron = impact("", &object("CronJob", cron));
    assert_eq!((request(&cron.workloads[0], "cpu").as_str(), cron.summed, cron.total.len()), ("– → 2, –", 0, 0));
    let agents = [cpu("DaemonSet", "", "100m"), cpu("DaemonSet", "", "200m")];
    assert_eq!(impact(&agents[0], &agents[1]).summed, 0);
    let on_three = impact_on(&agents[0], &agents[1], Some(3));
    assert_eq!((request(&on_three.workloads[0], "cpu").as_str(), on_three.summed), ("300m → 600m, 600m", 1));
}

#[test]
fn what_goes_is_still_there_while_what_comes_starts() {
    let old = cpu("Deployment", "replicas: 2, ", "1").replace("name: web", "name: old");
    let impact = impact(&old, &cpu("Deployment", "replicas: 3, ", "1"));
    assert_eq!(line(&impact.total, "cpu", Bound::Request), "2 → 3, 5");
    assert_eq!(impact.summed, 2);
}

#[test]
fn nothing_is_told_where_nothing_is_to_tell() {
    let plain = |image: &str| {
        object("Deployment", &format!("template: {{spec: {{containers: [{{name: c, image: {image}}}]}}}}"))
    };
    assert!(!impact(&plain("a"), &plain("b")).is_telling());
    assert!(!impact(&cpu("Deployment", "", "1000m"), &cpu("Deployment", "", "1")).is_telling());
    // New pods beside the old ones are worth a word, even if they take no more.
    assert!(
        impact(&cpu("Deployment", "", "1"), &cpu("Deployment", "", "1").replace("name: c", "name: d")).is_telling()
    );
    let hook = cpu("Job", "", "1").replace("{name: web}", "{name: web, annotations: {helm.sh/hook: pre-upgrade}}");
    assert!(impact("", &hook).workloads.is_empty());
}

#[test]
fn odd_numbers_are_no_panic() {
    for fields in [
        "replicas: 18446744073709551615, ",
        "replicas: -3, ",
        "replicas: many, ",
        "replicas: [1], ",
        "strategy: 3, ",
        "strategy: {rollingUpdate: {maxSurge: '99999999999%'}}, ",
    ] {
        for amount in ["1", "99999999999999999999Ei", "-5", "[]", "lots", "1e28"] {
            impact(&cpu("Deployment", "", "1"), &cpu("Deployment", fields, amount));
            impact_on(&cpu("DaemonSet", fields, amount), &cpu("DaemonSet", "", "2"), Some(u64::MAX));
        }
    }
}
