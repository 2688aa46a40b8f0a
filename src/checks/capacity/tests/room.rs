//! Nodes and growing claims.

use super::{asking, deployment, object, pod};
use crate::checks::capacity::{room, volume_growth};
use crate::checks::tests::Case;

pub(super) fn node(name: &str, spec: &str) -> String {
    format!(
        "---\nkind: Node\nmetadata: {{name: {name}, labels: {{kubernetes.io/hostname: {name}, disk: ssd}}}}\nspec: {{{spec}}}\n\
         status: {{allocatable: {{cpu: 2, memory: 4Gi, pods: 10}}}}\n"
    )
}

fn running(name: &str, node: &str, cpu: &str) -> String {
    format!(
        "---\nkind: Pod\nmetadata: {{name: {name}, namespace: shop, labels: {{app: web}}}}\nspec: {{nodeName: {node}, containers: [{{name: main, \
         resources: {{requests: {{cpu: {cpu}}}}}}}]}}\nstatus: {{phase: Running}}\n"
    )
}

pub(super) fn rooms(old: &str, new: &str, cluster: &str) -> String {
    Case { old, new, cluster, ..Case::default() }.says(&room::CHECK)[0].clone()
}

#[test]
fn pods_that_no_node_takes_are_told() {
    let plain = deployment("web", "", &pod(""));
    let with = |fields: &str| deployment("web", "", &format!("{{{fields}containers: [{{name: main, image: a}}]}}"));
    let nodes = node("one", "") + &node("two", "taints: [{key: gpu, value: 'yes', effect: NoSchedule}]");
    let says = |fields: &str| rooms(&plain, &with(fields), &nodes);
    assert!(says("nodeSelector: {disk: hdd}, ").starts_with("warning Deployment/web: no node takes its pods"));
    assert!(says("nodeSelector: {disk: ssd}, ").starts_with("pass"));
    let affinity = |values: &str| {
        format!(
            "affinity: {{nodeAffinity: {{requiredDuringSchedulingIgnoredDuringExecution: {{nodeSelectorTerms: [{{matchExpressions: [{{key: disk, operator: In, values: [{values}]}}]}}]}}}}}}, "
        )
    };
    assert!(says(&affinity("hdd")).starts_with("warning"));
    assert!(says(&affinity("hdd, ssd")).starts_with("pass"));
    let gpu = "nodeSelector: {kubernetes.io/hostname: two}, ";
    assert!(says(gpu).starts_with("warning"));
    assert!(says(&format!("{gpu}tolerations: [{{key: gpu, operator: Exists}}], ")).starts_with("pass"));
    assert!(says(&format!("{gpu}tolerations: [{{key: gpu, value: 'no'}}], ")).starts_with("warning"));
    assert!(
        rooms(&plain, &with("nodeSelector: {disk: ssd}, "), &node("one", "unschedulable: true")).starts_with("warning")
    );
}

#[test]
fn pods_that_find_no_room_are_told() {
    let web = |replicas: u32, cpu: &str| deployment("web", &format!("replicas: {replicas}, "), &asking("a", cpu));
    let two = node("one", "") + &node("two", "");
    let large = rooms(&web(1, "1"), &web(1, "4"), &two);
    assert_eq!(
        large,
        "warning Deployment/web: one of its pods asks for 4 cpu, and no node that takes it has more than 2"
    );
    assert!(rooms("# none", &web(4, "1"), &two).starts_with("pass"));
    assert_eq!(
        rooms("# none", &web(6, "1"), &two),
        "warning Deployment/web: 2 of its 6 pods find no room on the nodes (1 cpu each)"
    );
    let full = format!("{}{}", running("a", "one", "2"), running("b", "two", "1500m"));
    let next = |image: &str| deployment("web", "replicas: 2, ", &asking(image, "1"));
    let hangs = rooms(&next("a"), &next("b"), &format!("{two}{full}"));
    assert!(
        hangs.starts_with(
            "warning Deployment/web: a roll-out starts with one pod more (1 cpu), and no node has room for it"
        ),
        "{hangs}"
    );
    let done = full.replace("phase: Running", "phase: Succeeded");
    assert!(
        rooms(&next("a"), &next("b"), &format!("{two}{done}")).starts_with("pass"),
        "pods that are done take nothing"
    );
    let replaced = |image: &str| deployment("web", "replicas: 2, strategy: {type: Recreate}, ", &asking(image, "1"));
    assert!(rooms(&replaced("a"), &replaced("b"), &format!("{two}{full}")).starts_with("pass"), "old pods stop first");
}

#[test]
fn pods_that_must_not_share_a_node_need_one_more_to_roll_out() {
    let apart = |image: &str| {
        let affinity = "{podAntiAffinity: {requiredDuringSchedulingIgnoredDuringExecution: [{topologyKey: kubernetes.io/hostname, labelSelector: {matchLabels: {app: web}}}]}}";
        deployment(
            "web",
            "replicas: 2, ",
            &format!("{{affinity: {affinity}, containers: [{{name: main, image: {image}}}]}}"),
        )
    };
    let two = node("one", "") + &node("two", "") + &running("a", "one", "1m") + &running("b", "two", "1m");
    assert!(
        rooms(&apart("a"), &apart("b"), &two).contains("a roll-out starts with one pod more (on a node of its own)")
    );
    assert!(rooms(&apart("a"), &apart("b"), &(two + &node("three", ""))).starts_with("pass"));
}

/// A node of a zone.
fn zoned(name: &str, zone: &str) -> String {
    node(name, "").replace("disk: ssd", &format!("zone: {zone}"))
}

#[test]
fn pods_that_are_spread_evenly_find_less_room() {
    let spread = |more: &str| {
        let constraint = format!(
            "{{maxSkew: 1, topologyKey: zone, whenUnsatisfiable: DoNotSchedule, labelSelector: {{matchLabels: {{app: web}}}}{more}}}"
        );
        let pod = asking("a", "1").replacen('{', &format!("{{topologySpreadConstraints: [{constraint}], "), 1);
        deployment("web", "replicas: 6, ", &pod)
    };
    // Two zones: one with a node of 2 cpu, one with two of them.
    let zones = zoned("one", "a") + &zoned("two", "b") + &zoned("three", "b");
    assert_eq!(
        rooms("# none", &spread(""), &zones),
        "warning Deployment/web: 1 of its 6 pods find no room where they are spread evenly over zone"
    );
    assert!(rooms("# none", &spread(""), &(zones.clone() + &zoned("four", "a"))).starts_with("pass"));
    let bare = zones.replace("zone:", "other:");
    assert!(rooms("# none", &spread(""), &bare).starts_with("warning Deployment/web: no node takes its pods"));
    let anyway = spread("").replace("DoNotSchedule", "ScheduleAnyway");
    assert!(rooms("# none", &anyway, &zones).starts_with("pass"));
    assert!(rooms("# none", &spread(", minDomains: 3"), &zones).contains("4 of its 6 pods find no room"));
}

#[test]
fn what_pods_must_and_must_not_be_beside_is_heeded() {
    let with = |of: &str, key: &str, app: &str| {
        let term = format!("{{topologyKey: {key}, labelSelector: {{matchLabels: {{app: {app}}}}}}}");
        let affinity = format!("{{affinity: {{{of}: {{requiredDuringSchedulingIgnoredDuringExecution: [{term}]}}}}, ");
        deployment("api", "replicas: 3, ", &pod("").replacen('{', &affinity, 1))
    };
    let host = "kubernetes.io/hostname";
    let two = node("one", "") + &node("two", "") + &running("a", "one", "1m");
    // More pods than nodes, where they must not share any.
    let apart = rooms("# none", &with("podAntiAffinity", host, "api"), &two);
    assert_eq!(apart, "warning Deployment/api: 1 of its 3 pods find no room on the nodes (on a node of its own each)");
    assert!(
        rooms("# none", &with("podAntiAffinity", host, "web"), &two).starts_with("pass"),
        "one node is free of them"
    );
    let zones = zoned("one", "a") + &running("a", "one", "1m");
    assert!(rooms("# none", &with("podAntiAffinity", "zone", "web"), &zones).contains("3 of its 3 pods find no room"));
    assert!(rooms("# none", &with("podAffinity", host, "web"), &two).starts_with("pass"));
    let alone = rooms("# none", &with("podAffinity", host, "cache"), &two);
    assert!(alone.starts_with("warning Deployment/api: its pods must be beside pods that are neither"), "{alone}");
    let cache = deployment("cache", "", &pod(""));
    assert!(rooms("# none", &(with("podAffinity", host, "cache") + &cache), &two).starts_with("pass"));
}

#[test]
fn what_the_namespace_puts_into_pods_takes_room() {
    let (old, new) = (deployment("web", "replicas: 0, ", &pod("")), deployment("web", "replicas: 3, ", &pod("")));
    let range = object("v1", "LimitRange", "usual", "spec: {limits: [{type: Container, defaultRequest: {cpu: '1'}}]}");
    let one = node("one", "");
    assert!(rooms(&old, &new, &one).starts_with("pass"));
    assert!(rooms(&old, &new, &(range + &one)).contains("1 of its 3 pods find no room"));
    let unseen =
        Case { old: &old, new: &new, cluster: &one, forbidden: &["LimitRange"], canary: None }.says(&room::CHECK);
    assert!(unseen[0].starts_with("unknown : how much pods that request nothing take"), "{unseen:?}");
}

#[test]
fn nodes_and_pods_that_may_not_be_listed_are_unknown_where_they_matter() {
    let web = |image: &str| deployment("web", "", &format!("{{containers: [{{name: main, image: {image}}}]}}"));
    let says = |new: &str| Case { old: &web("a"), new, forbidden: &["Node"], ..Case::default() }.says(&room::CHECK);
    assert_eq!(says(&web("b")), ["unknown : whether the nodes have room for the new pods: you may not list nodes"]);
    assert_eq!(says(&web("a")), ["pass : the upgrade needs no more room on the nodes than there is"]);
}

#[test]
fn a_claim_grows_where_its_class_lets_it() {
    let claim = |size: &str| {
        object(
            "v1",
            "PersistentVolumeClaim",
            "disk",
            &format!("spec: {{resources: {{requests: {{storage: {size}}}}}}}"),
        )
    };
    let live = "---\nkind: PersistentVolumeClaim\nmetadata: {name: disk}\nspec: {storageClassName: fast, resources: {requests: {storage: 2Gi}}}\n\
        status: {phase: Bound, capacity: {storage: 2Gi}}\n";
    let class =
        |allows: bool| format!("---\nkind: StorageClass\nmetadata: {{name: fast}}\nallowVolumeExpansion: {allows}\n");
    let says = |new: &str, cluster: &str| {
        Case { old: &claim("2Gi"), new: &claim(new), cluster, ..Case::default() }.says(&volume_growth::CHECK)[0].clone()
    };
    let about = "PersistentVolumeClaim/disk";
    assert_eq!(
        says("3Gi", &format!("{live}{}", class(false))),
        format!("blocker {about}: StorageClass/fast does not let it grow from 2Gi to 3Gi: the server refuses that")
    );
    assert!(says("3Gi", &format!("{live}{}", class(true))).starts_with("pass"));
    assert!(
        says("1Gi", &format!("{live}{}", class(true)))
            .starts_with(&format!("blocker {about}: it asks for 2Gi and would shrink to 1Gi"))
    );
    assert!(says("2Gi", live).starts_with("pass"));
    let roomy = live.replace("capacity: {storage: 2Gi}", "capacity: {storage: 9Gi}");
    assert!(
        says("3Gi", &format!("{roomy}{}", class(false))).contains("does not let it grow from 2Gi"),
        "a larger volume"
    );
    let old = claim("2Gi");
    let new = claim("3Gi");
    let case = Case { old: &old, new: &new, cluster: live, ..Case::default() };
    assert!(Case { forbidden: &["StorageClass"], ..case }.says(&volume_growth::CHECK)[0].starts_with("unknown"));
    assert!(
        Case { forbidden: &["PersistentVolumeClaim"], ..case }.says(&volume_growth::CHECK)[0].starts_with("unknown")
    );
}
