//! Quotas and limits.

use super::room::{node, rooms};
use super::{asking, deployment, object, pod};
use crate::checks::capacity::{limit_range, quota};
use crate::checks::tests::Case;

fn quota(hard: &str, used: &str) -> String {
    object("v1", "ResourceQuota", "few", &format!("spec: {{hard: {{{hard}}}}}\nstatus: {{used: {{{used}}}}}"))
}

fn quotas(old: &str, new: &str, cluster: &str) -> String {
    Case { old, new, cluster, ..Case::default() }.says(&quota::CHECK)[0].clone()
}

/// So many pods of the Deployment `web` that run, with this specification.
fn pods(count: usize, spec: &str) -> String {
    let one = |at| {
        format!(
            "---\nkind: Pod\nmetadata: {{name: web-{at}, namespace: shop, labels: {{app: web}}}}\nspec: {spec}\nstatus: {{phase: Running}}\n"
        )
    };
    (0..count).map(one).collect()
}

#[test]
fn a_roll_out_that_can_not_start_within_the_quota_hangs() {
    // Of two pods the defaults let none go before the new one is ready; of four they let one.
    let web = |replicas: u32, image: &str| {
        deployment(
            "web",
            &format!("replicas: {replicas}, "),
            &format!("{{containers: [{{name: main, image: {image}}}]}}"),
        )
    };
    let full = |hard: &str, count: usize| quota(hard, &format!("pods: {count}")) + &pods(count, &pod(""));
    assert_eq!(
        quotas(&web(2, "a"), &web(2, "b"), &full("pods: 2", 2)),
        "blocker Deployment/web: ResourceQuota/few allows 2 pods, 2 are used, and the upgrade takes 1 more: no new pod can be made, \
         and no old one may stop first, as maxUnavailable is 0: the roll-out hangs"
    );
    assert!(quotas(&web(2, "a"), &web(2, "b"), &full("pods: 3", 2)).starts_with("pass"));
    assert!(quotas(&web(4, "a"), &web(4, "b"), &full("pods: 4", 4)).starts_with("warning Deployment/web"));
    assert!(quotas(&web(2, "a"), &web(2, "a"), &full("pods: 2", 2)).starts_with("pass"), "nothing changes");
    let more = quotas(&web(2, "a"), &web(4, "a"), &full("pods: 3", 2));
    assert!(
        more.starts_with(
            "blocker Deployment/web: ResourceQuota/few allows 3 pods, 2 are used, and the upgrade takes 2 more"
        ),
        "{more}"
    );
    assert!(quotas(&web(4, "a"), &web(2, "b"), &full("pods: 4", 4)).starts_with("pass"), "two stop first");
}

#[test]
fn requests_and_limits_count_against_the_quota() {
    let web = |cpu: &str| deployment("web", "replicas: 2, strategy: {type: Recreate}, ", &asking("a", cpu));
    let says = |resource: &str, hard: &str| {
        let quota = quota(&format!("{resource}: {hard}"), &format!("{resource}: 2"));
        quotas(&web("1"), &web("2"), &(quota + &pods(2, &asking("a", "1"))))
    };
    for resource in ["cpu", "requests.cpu", "limits.cpu"] {
        assert!(
            says(resource, "'3'")
                .starts_with(&format!("blocker Deployment/web: ResourceQuota/few allows 3 {resource}, 2 are used")),
            "{resource}"
        );
        assert!(says(resource, "'4'").starts_with("pass"), "{resource}");
    }
    assert!(
        says("requests.memory", "1Gi")
            .starts_with("blocker Deployment/web: ResourceQuota/few wants each container to set")
    );
}

#[test]
fn objects_are_counted() {
    let web = deployment("web", "", &pod(""));
    let says = |new: &str, hard: &str, used: &str| quotas(&web, &format!("{web}{new}"), &quota(hard, used));
    let map = object("v1", "ConfigMap", "a", "");
    assert!(says(&map, "configmaps: 2", "configmaps: 2").starts_with("blocker ConfigMap/a"));
    assert!(says(&map, "count/configmaps: 3", "count/configmaps: 2").starts_with("pass"));
    let port = object("v1", "Service", "a", "spec: {type: NodePort, ports: [{port: 1}, {port: 2}]}");
    assert!(says(&port, "services.nodeports: 1", "services.nodeports: 0").starts_with("blocker Service/a"));
    let claim = object(
        "v1",
        "PersistentVolumeClaim",
        "a",
        "spec: {storageClassName: fast, resources: {requests: {storage: 2Gi}}}",
    );
    assert!(
        says(&claim, "fast.storageclass.storage.k8s.io/requests.storage: 1Gi", "")
            .starts_with("blocker PersistentVolumeClaim/a")
    );
    assert!(says(&claim, "slow.storageclass.storage.k8s.io/requests.storage: 1Gi", "").starts_with("pass"));
}

#[test]
fn a_quota_counts_only_what_is_in_its_scopes() {
    let web = |image: &str, extra: &str| {
        deployment("web", "replicas: 2, ", &format!("{{{extra}containers: [{{name: main, image: {image}}}]}}"))
    };
    let says = |scope: &str, extra: &str| {
        let quota = quota(&format!("pods: 2}}, {scope}, ignored: {{a: b"), "pods: 2");
        let running = pods(2, &format!("{{{extra}containers: [{{name: main, image: a}}]}}"));
        quotas(&web("a", extra), &web("b", extra), &(quota + &running))
    };
    assert!(says("scopes: [BestEffort]", "").starts_with("blocker"));
    assert!(says("scopes: [NotBestEffort]", "").starts_with("pass"));
    assert!(says("scopes: [Terminating]", "").starts_with("pass"));
    let high = "scopeSelector: {matchExpressions: [{scopeName: PriorityClass, operator: In, values: [high]}]}";
    assert!(says(high, "").starts_with("pass"));
    assert!(says(high, "priorityClassName: high, ").starts_with("blocker"));
}

#[test]
fn a_limit_range_sets_what_a_quota_wants() {
    let (old, new) = (deployment("web", "replicas: 0, ", &pod("")), deployment("web", "", &pod("")));
    let wants = quota("limits.cpu: '1'", "limits.cpu: 0");
    let sets = object(
        "v1",
        "LimitRange",
        "usual",
        "spec: {limits: [{type: Container, default: {cpu: 500m}, defaultRequest: {cpu: 100m}}]}",
    );
    assert!(
        quotas(&old, &new, &wants).starts_with("blocker Deployment/web: ResourceQuota/few wants each container to set")
    );
    assert!(quotas(&old, &new, &format!("{wants}{sets}")).starts_with("pass"));
    let few = quota("limits.cpu: 100m", "limits.cpu: 0");
    assert!(
        quotas(&old, &new, &format!("{few}{sets}"))
            .contains("allows 100m limits.cpu, 0 are used, and the upgrade takes 500m more")
    );
    let case = Case { old: &old, new: &new, cluster: &wants, ..Case::default() };
    assert!(Case { forbidden: &["LimitRange"], ..case }.says(&quota::CHECK)[0].starts_with("unknown Deployment/web"));
    let unseen = Case { forbidden: &["ResourceQuota"], ..case }.says(&quota::CHECK);
    assert_eq!(unseen, ["unknown : the ResourceQuotas of namespace shop: you may not list resourcequotas"]);
}

#[test]
fn pods_are_counted_as_they_run_and_not_as_the_manifest_says() {
    let web = |image: &str| {
        let pod = format!("{{containers: [{{name: main, image: {image}}}]}}");
        deployment("web", "replicas: 2, strategy: {type: Recreate}, ", &pod)
    };
    // Somebody has scaled it to five: two of them are enough after the upgrade.
    let drifted = quota("pods: 5", "pods: 5") + &pods(5, &pod(""));
    assert!(quotas(&web("a"), &web("b"), &drifted).starts_with("pass"));
    // Pods that run with less than the manifest says leave less to take over.
    let asks = |cpu: &str| deployment("web", "replicas: 2, strategy: {type: Recreate}, ", &asking("a", cpu));
    let small = quota("requests.cpu: '3'", "requests.cpu: 2") + &pods(2, &asking("a", "1"));
    assert!(quotas(&asks("2"), &asks("1500m"), &small).starts_with("pass"));
    assert!(quotas(&asks("4"), &asks("3"), &small).starts_with("blocker Deployment/web"));
    let (old, new) = (asks("1"), asks("2"));
    let unseen =
        Case { old: &old, new: &new, cluster: &small, forbidden: &["Pod"], canary: None }.findings(&quota::CHECK);
    assert_eq!(unseen[0].severity.word(), "warning", "nobody knows what runs");
    assert_eq!(
        unseen[0].evidence,
        ["counted by the manifest, as the pods that run are not known: you may not list pods"]
    );
}

#[test]
fn a_workload_that_an_autoscaler_has_scaled_keeps_its_pods() {
    let hpa = |least: u32| {
        let spec =
            format!("spec: {{scaleTargetRef: {{kind: Deployment, name: web}}, minReplicas: {least}, maxReplicas: 9}}");
        object("autoscaling/v2", "HorizontalPodAutoscaler", "web", &spec)
    };
    let web = |image: &str, least: u32| {
        let pod = format!("{{containers: [{{name: main, image: {image}}}]}}");
        deployment("web", "strategy: {type: Recreate}, ", &pod) + &hpa(least)
    };
    let live = object("apps/v1", "Deployment", "web", "spec: {replicas: 6}");
    let full = live.clone() + &quota("pods: 6", "pods: 6") + &pods(6, &pod(""));
    assert!(quotas(&web("a", 2), &web("b", 2), &full).starts_with("pass"));
    let more = quotas(&web("a", 2), &web("b", 8), &full);
    assert!(more.contains("the upgrade takes 2 more: its last pods are never made"), "{more}");
    // The pods that there are must find room, and not only the fewest.
    let room = |image: &str| deployment("web", "strategy: {type: Recreate}, ", &asking(image, "1")) + &hpa(2);
    let says = rooms(&(deployment("web", "", &asking("a", "1m")) + &hpa(2)), &room("b"), &(live + &node("one", "")));
    assert!(says.contains("4 of its 6 pods find no room"), "{says}");
}

#[test]
fn quotas_and_limits_count_as_the_upgrade_leaves_them() {
    let web = |image: &str| deployment("web", "replicas: 2, ", &asking(image, "1"));
    let few = |pods: u32| object("v1", "ResourceQuota", "few", &format!("spec: {{hard: {{pods: {pods}}}}}"));
    let live = quota("pods: 2", "pods: 2") + &pods(2, &asking("a", "1"));
    assert!(quotas(&web("a"), &web("b"), &live).starts_with("blocker"));
    assert!(quotas(&(web("a") + &few(2)), &(web("b") + &few(3)), &live).starts_with("pass"), "it is raised");
    assert!(quotas(&(web("a") + &few(2)), &web("b"), &live).starts_with("pass"), "it goes");
    let running = pods(2, &asking("a", "1"));
    let added = quotas(&web("a"), &(web("b") + &few(2)), &running);
    assert!(added.starts_with("blocker Deployment/web: ResourceQuota/few allows 2 pods, 2 are used"), "{added}");
    let (old, new) = (web("a"), web("b") + &few(2));
    let unseen = Case { old: &old, new: &new, forbidden: &["Pod"], ..Case::default() }.says(&quota::CHECK);
    assert_eq!(unseen, ["unknown : how much pods of ResourceQuota/few is used: you may not list pods"]);
    let range = |most: &str| {
        let rule = format!("spec: {{limits: [{{type: Container, max: {{cpu: {most}}}}}]}}");
        object("v1", "LimitRange", "usual", &rule)
    };
    let says = |old: &str, new: &str, cluster: &str| {
        Case { old, new, cluster, ..Case::default() }.says(&limit_range::CHECK)[0].clone()
    };
    let large = deployment("web", "", &asking("b", "2"));
    assert!(says(&web("a"), &large, &range("'1'")).starts_with("blocker"));
    assert!(says(&(web("a") + &range("'1'")), &(large.clone() + &range("'2'")), &range("'1'")).starts_with("pass"));
    assert!(says(&(web("a") + &range("'1'")), &large, &range("'1'")).starts_with("pass"), "it goes");
    assert!(says(&web("a"), &(large.clone() + &range("'1'")), "").starts_with("blocker"), "it comes with the chart");
    // A rule that the upgrade brings was not broken before.
    assert!(says(&large.replace("image: b", "image: a"), &(large.clone() + &range("'1'")), "").starts_with("blocker"));
}

#[test]
fn objects_that_may_be_there_already_do_not_block() {
    let set = "---\napiVersion: apps/v1\nkind: StatefulSet\nmetadata: {name: db}\nspec: {selector: {matchLabels: {app: db}}, \
        template: {metadata: {labels: {app: db}}, spec: {containers: [{name: main, image: a}]}}, \
        volumeClaimTemplates: [{metadata: {name: data}, spec: {resources: {requests: {storage: 1Gi}}}}]}\n";
    let full = quota("persistentvolumeclaims: 0", "persistentvolumeclaims: 0");
    let case = Case { old: "# none", new: set, cluster: &full, ..Case::default() };
    assert!(case.says(&quota::CHECK)[0].starts_with("blocker StatefulSet/db"));
    let unseen = Case { forbidden: &["PersistentVolumeClaim"], ..case }.says(&quota::CHECK);
    assert!(unseen[0].starts_with("unknown StatefulSet/db"), "{unseen:?}");
    assert!(unseen[0].ends_with("whether it is: you may not list persistentvolumeclaims"), "{unseen:?}");
}

#[test]
fn pods_beyond_a_limit_range_are_refused() {
    let rule = |rule: &str| object("v1", "LimitRange", "usual", &format!("spec: {{limits: [{{{rule}}}]}}"));
    let case = |old: &str, new: &str, rule: &str| {
        Case { old, new, cluster: rule, ..Case::default() }.findings(&limit_range::CHECK).remove(0)
    };
    let (small, large) = (deployment("web", "", &asking("a", "100m")), deployment("web", "", &asking("a", "4")));
    let most = rule("type: Container, max: {cpu: 1}");
    let found = case(&small, &large, &most);
    assert_eq!((found.severity.word(), found.message.as_str()), ("blocker", "LimitRange/usual refuses it"));
    assert_eq!(
        found.evidence,
        ["container main is limited to 4 cpu, and 1 is the most", "container main requests 4 cpu, and 1 is the most"]
    );
    assert_eq!(case(&large, &small, &most).severity.word(), "pass");
    let before = deployment("web", "", &asking("b", "4"));
    assert_eq!(case(&large, &before, &most).severity.word(), "warning");
    assert_eq!(case(&large, &small, &rule("type: Pod, min: {cpu: 1}")).severity.word(), "blocker");
    assert_eq!(
        case(&large, &deployment("web", "", &pod("")), &rule("type: Container, min: {cpu: 1}")).severity.word(),
        "blocker"
    );
    let filled = rule("type: Container, min: {cpu: 1}, defaultRequest: {cpu: 2}");
    assert_eq!(case(&large, &deployment("web", "", &pod("")), &filled).severity.word(), "pass");
    let unseen =
        Case { old: &small, new: &large, forbidden: &["LimitRange"], ..Case::default() }.says(&limit_range::CHECK);
    assert_eq!(unseen, ["unknown : the LimitRanges of namespace shop: you may not list limitranges"]);
}
