//! Whatever a cluster sends, judging does not panic, and equal worlds are judged equally.

use helm_safe_upgrade::manifest::node::Node;
use helm_safe_upgrade::manifest::observed::Observed;
use helm_safe_upgrade::upgrade::judge::{Judge, Judgement, Patience, State, Verdict};
use helm_safe_upgrade::upgrade::world::{Key, Wanted, World};
use jiff::{SignedDuration, Timestamp};
use proptest::prelude::*;
use serde_json::{Map, Value, json};

const KINDS: [(&str, &str); 16] = [
    ("v1", "Pod"),
    ("apps/v1", "Deployment"),
    ("apps/v1", "ReplicaSet"),
    ("apps/v1", "StatefulSet"),
    ("apps/v1", "DaemonSet"),
    ("batch/v1", "Job"),
    ("v1", "PersistentVolumeClaim"),
    ("v1", "PersistentVolume"),
    ("v1", "Service"),
    ("v1", "Event"),
    ("v1", "Namespace"),
    ("networking.k8s.io/v1", "Ingress"),
    ("autoscaling/v2", "HorizontalPodAutoscaler"),
    ("apiextensions.k8s.io/v1", "CustomResourceDefinition"),
    ("apiregistration.k8s.io/v1", "APIService"),
    ("example.com/v1", "Backup"),
];

const WORDS: [&str; 40] = [
    "",
    "True",
    "False",
    "a",
    "b",
    "Ready",
    "Available",
    "Progressing",
    "ProgressDeadlineExceeded",
    "Failed",
    "Stalled",
    "PodScheduled",
    "Unschedulable",
    "Pending",
    "Running",
    "Succeeded",
    "Bound",
    "LoadBalancer",
    "OnDelete",
    "Always",
    "Never",
    "CrashLoopBackOff",
    "ImagePullBackOff",
    "ErrImagePull",
    "InvalidImageName",
    "CreateContainerConfigError",
    "OOMKilled",
    "ReplicaSet",
    "FailedCreate",
    "FailedMount",
    "TriggeredScaleUp",
    "WaitForFirstConsumer",
    "ReplicaFailure",
    "2026-03-01T12:00:00Z",
    "9999-12-31T23:59:59Z",
    "\u{202e}\n\u{1b}[0m",
    "1",
    "uid-a",
    "uid-b",
    "ContainerCreating",
];

const FIELDS: [&str; 34] = [
    "status",
    "spec",
    "metadata",
    "conditions",
    "type",
    "reason",
    "message",
    "phase",
    "containerStatuses",
    "initContainerStatuses",
    "containers",
    "name",
    "state",
    "waiting",
    "running",
    "terminated",
    "lastState",
    "restartCount",
    "ready",
    "exitCode",
    "replicas",
    "updatedReplicas",
    "readyReplicas",
    "availableReplicas",
    "observedGeneration",
    "volumes",
    "startupProbe",
    "periodSeconds",
    "failureThreshold",
    "desiredNumberScheduled",
    "loadBalancer",
    "ingress",
    "restartPolicy",
    "count",
];

fn value() -> impl Strategy<Value = Value> {
    let leaf = prop_oneof![
        prop::sample::select(&WORDS[..]).prop_map(Value::from),
        prop_oneof![Just(0), Just(1), Just(3), Just(-1), Just(i64::MAX), Just(i64::MIN)].prop_map(Value::from),
        Just(json!(true)),
        Just(json!(1.5)),
        Just(Value::Null),
    ];
    leaf.prop_recursive(6, 60, 8, |inner| {
        prop_oneof![
            prop::collection::vec((prop::sample::select(&FIELDS[..]), inner.clone()), 0..8).prop_map(|entries| {
                Value::Object(entries.into_iter().map(|(key, value)| (key.to_owned(), value)).collect::<Map<_, _>>())
            }),
            prop::collection::vec(inner, 0..4).prop_map(Value::from),
        ]
    })
}

/// An object of some kind, whose fields may be of any form.
fn object() -> impl Strategy<Value = Observed> {
    let name = prop::sample::select(vec!["a", "b"]);
    (prop::sample::select(&KINDS[..]), name.clone(), name, -1..3_i64, value(), value()).prop_map(
        |((version, kind), name, owner, generation, spec, status)| {
            let uid = |name: &str| format!("uid-{name}");
            let object = json!({
                "metadata": {"name": name, "namespace": "n", "uid": uid(name), "generation": generation,
                    "annotations": {"deployment.kubernetes.io/revision": "1"}, "labels": status,
                    "ownerReferences": [{"kind": "ReplicaSet", "name": owner, "uid": uid(owner), "controller": true}]},
                "involvedObject": {"uid": uid(owner)}, "reason": spec, "message": status, "count": generation,
                "spec": spec, "status": status,
            });
            let node: Node = serde_json::from_str(&object.to_string()).unwrap();
            Observed::new(node, version, kind).unwrap()
        },
    )
}

fn wanted() -> Vec<Wanted> {
    let of = |(version, kind): &(&str, &str), name: &str| Wanted {
        key: Key {
            group: version.rsplit_once('/').map_or("", |(group, _)| group).to_owned(),
            kind: (*kind).to_owned(),
            namespace: "n".to_owned(),
            name: name.to_owned(),
        },
        hook: name == "b" && matches!(*kind, "Job" | "Pod"),
        replicas: (name == "a").then_some(1),
        expires: name == "b" && *kind == "Job",
    };
    KINDS.iter().flat_map(|kind| [of(kind, "a"), of(kind, "b")]).collect()
}

/// What is judged after each step, second by second.
fn story(steps: &[(u8, Observed)]) -> Vec<Judgement> {
    let mut world = World::new(wanted());
    let mut judge = Judge::new(Patience::default());
    let start: Timestamp = "2026-03-01T12:00:00Z".parse().unwrap();
    let mut judgements = Vec::new();
    for (second, (step, object)) in (0..).zip(steps) {
        match step {
            0 => world.gone(object),
            1 => world.mark_before(),
            2 => world.replace("", "Pod", Some("n"), Vec::new()),
            3 => world.replace("", "Event", None, vec![object.clone()]),
            _ => world.set(object.clone()),
        }
        judgements.push(judge.judge(&world, start + SignedDuration::from_secs(second * 7)));
    }
    judgements
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(400))]

    #[test]
    fn odd_objects_are_judged_without_panic_and_always_in_the_same_way(
        steps in prop::collection::vec((0..12_u8, object()), 1..16)
    ) {
        let judgements = story(&steps);
        prop_assert!(judgements == story(&steps), "judged in two ways");
        for judgement in &judgements {
            if let Verdict::Failed(signs) = &judgement.verdict {
                prop_assert!(!signs.is_empty() && signs.iter().all(|sign| judgement.signs.contains(sign)));
            }
            if judgement.verdict == Verdict::Ready {
                let open = |row: &&helm_safe_upgrade::upgrade::judge::Row| {
                    !row.hook && !matches!(row.state, State::Ready | State::Unverified(_))
                };
                prop_assert!(judgement.rows.iter().find(open).is_none());
            }
            for sign in &judgement.signs {
                prop_assert!(!sign.message.contains(char::is_control) && sign.message.chars().count() < 2000);
            }
        }
    }

    #[test]
    fn telling_the_same_again_changes_nothing(objects in prop::collection::vec(object(), 1..12)) {
        let start: Timestamp = "2026-03-01T12:00:00Z".parse().unwrap();
        let mut world = World::new(wanted());
        objects.iter().for_each(|object| world.set(object.clone()));
        let first = Judge::new(Patience::default()).judge(&world, start);
        // The last of each name is told once more.
        objects.last().into_iter().for_each(|object| world.set(object.clone()));
        prop_assert!(first == Judge::new(Patience::default()).judge(&world, start), "judged in two ways");
    }
}
