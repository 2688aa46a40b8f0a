//! A release under watch, with a clock that is told.

use helm_safe_upgrade::manifest::node::Node;
use helm_safe_upgrade::manifest::observed::Observed;
use helm_safe_upgrade::upgrade::judge::{Judge, Judgement, Patience, Row, Sign, State, Verdict};
use helm_safe_upgrade::upgrade::world::{Key, Wanted, World};
use jiff::{SignedDuration, Timestamp};
use serde_json::{Value, json};

pub(crate) struct Scene {
    pub(crate) world: World,
    pub(crate) judge: Judge,
    pub(crate) start: Timestamp,
}

impl Scene {
    /// A release that consists of these objects. Nothing is there yet.
    pub(crate) fn of(wanted: &[Key]) -> Self {
        Self::with(wanted, Patience::default())
    }

    pub(crate) fn with(wanted: &[Key], patience: Patience) -> Self {
        let wanted =
            wanted.iter().map(|key| Wanted { key: key.clone(), hook: false, replicas: None, expires: false }).collect();
        Self { world: World::new(wanted), judge: Judge::new(patience), start: "2026-03-01T12:00:00Z".parse().unwrap() }
    }

    /// A release with a hook.
    pub(crate) fn of_hook(key: Key) -> Self {
        let world = World::new(vec![Wanted { key, hook: true, replicas: None, expires: false }]);
        Self { world, ..Self::of(&[]) }
    }

    /// The Deployment `web`, which ran one pod, is upgraded; its new ReplicaSet is there, and no new pod yet.
    pub(crate) fn upgraded() -> Self {
        Self::upgraded_with(Patience::default())
    }

    pub(crate) fn upgraded_with(patience: Patience) -> Self {
        let mut scene = Self::with(&[key("apps", "Deployment", "web")], patience);
        scene.set(deployment(
            1,
            json!({"replicas": 1, "updatedReplicas": 1, "readyReplicas": 1, "availableReplicas": 1}),
        ));
        scene.set(replica_set("web-1", 1));
        scene.set(pod("web-1-a", "ReplicaSet", "web-1", running(true)));
        scene.world.mark_before();
        scene.roll_out();
        scene
    }

    /// The controller has made the ReplicaSet of the second revision.
    pub(crate) fn roll_out(&mut self) {
        self.set(deployment(
            2,
            json!({"replicas": 2, "updatedReplicas": 1, "readyReplicas": 1, "availableReplicas": 1}),
        ));
        self.set(replica_set("web-2", 2));
    }

    /// The roll-out is done: only the new pod is there, and ready.
    pub(crate) fn finish(&mut self) {
        self.set(pod("web-2-a", "ReplicaSet", "web-2", running(true)));
        self.gone(pod("web-1-a", "ReplicaSet", "web-1", running(true)));
        self.set(deployment(
            2,
            json!({"replicas": 1, "updatedReplicas": 1, "readyReplicas": 1, "availableReplicas": 1}),
        ));
    }

    /// The pod of the new revision has this status.
    pub(crate) fn new_pod(&mut self, status: Value) {
        self.set(pod("web-2-a", "ReplicaSet", "web-2", status));
    }

    pub(crate) fn set(&mut self, object: Value) {
        self.world.set(observed(object));
    }

    pub(crate) fn gone(&mut self, object: Value) {
        self.world.gone(&observed(object));
    }

    pub(crate) fn event(&mut self, about: &str, reason: &str, message: &str) {
        self.set(event(about, reason, message));
    }

    /// What is judged so many seconds after the start.
    pub(crate) fn at(&mut self, seconds: f64) -> Judgement {
        let now = self.start + SignedDuration::try_from_secs_f64(seconds).unwrap();
        self.judge.judge(&self.world, now)
    }

    /// Nothing has failed at this time.
    pub(crate) fn holds_at(&mut self, seconds: f64) {
        let verdict = self.at(seconds).verdict;
        assert!(!matches!(verdict, Verdict::Failed(_)), "after {seconds} s: {verdict:?}");
    }

    /// It fails at this time and not a moment earlier, from now on without a change; the sign.
    pub(crate) fn fails_at(&mut self, seconds: f64) -> Sign {
        self.holds_at(seconds - 0.001);
        match self.at(seconds).verdict {
            Verdict::Failed(signs) => signs[0].clone(),
            other => panic!("after {seconds} s: {other:?}"),
        }
    }

    /// It shows no sign at this time, and nothing comes of the past for a day.
    pub(crate) fn is_healed_at(&mut self, seconds: f64) {
        let judgement = self.at(seconds);
        assert!(judgement.signs.is_empty(), "{:?}", judgement.signs);
        self.holds_at(seconds + 86_400.0);
    }

    /// The only row.
    pub(crate) fn row(&mut self) -> Row {
        let rows = self.at(0.0).rows;
        assert_eq!(rows.len(), 1, "{rows:?}");
        rows[0].clone()
    }

    /// The state of the only row.
    pub(crate) fn state(&mut self) -> State {
        self.row().state
    }
}

pub(crate) fn key(group: &str, kind: &str, name: &str) -> Key {
    let [group, kind, namespace, name] = [group, kind, "shop", name].map(str::to_owned);
    Key { group, kind, namespace, name }
}

/// The object as a watch tells it. Its uid is its kind and name unless it says one.
pub(crate) fn observed(mut object: Value) -> Observed {
    let text = |value: &Value| value.as_str().unwrap().to_owned();
    let (api_version, kind) = (text(&object["apiVersion"]), text(&object["kind"]));
    let metadata = &mut object["metadata"];
    let name = text(&metadata["name"]);
    if metadata.get("uid").is_none() {
        metadata["uid"] = json!(format!("{kind}-{name}"));
    }
    metadata["namespace"] = json!("shop");
    let node: Node = serde_json::from_str(&object.to_string()).unwrap();
    Observed::new(node, &api_version, &kind).unwrap()
}

pub(crate) fn deployment(generation: i64, mut status: Value) -> Value {
    status["observedGeneration"] = json!(generation);
    if status.get("conditions").is_none() {
        status["conditions"] = json!([
            {"type": "Available", "status": "True"},
            {"type": "Progressing", "status": "True", "reason": "NewReplicaSetAvailable"},
        ]);
    }
    json!({
        "apiVersion": "apps/v1", "kind": "Deployment",
        "metadata": {"name": "web", "generation": generation,
            "annotations": {"deployment.kubernetes.io/revision": generation.to_string()}},
        "spec": {"replicas": 1, "progressDeadlineSeconds": 600,
            "template": {"spec": {"containers": [{"name": "app", "image": format!("web:{generation}")}]}}},
        "status": status,
    })
}

pub(crate) fn replica_set(name: &str, revision: i64) -> Value {
    json!({
        "apiVersion": "apps/v1", "kind": "ReplicaSet",
        "metadata": {"name": name, "annotations": {"deployment.kubernetes.io/revision": revision.to_string()},
            "ownerReferences": [owner("Deployment", "web")]},
    })
}

pub(crate) fn owner(kind: &str, name: &str) -> Value {
    json!({"kind": kind, "name": name, "uid": format!("{kind}-{name}"), "controller": true})
}

/// A pod with one container `app` of the image `web:2`.
pub(crate) fn pod(name: &str, owner_kind: &str, owner_name: &str, status: Value) -> Value {
    json!({
        "apiVersion": "v1", "kind": "Pod",
        "metadata": {"name": name, "ownerReferences": [owner(owner_kind, owner_name)]},
        "spec": {"restartPolicy": "Always", "containers": [{"name": "app", "image": "web:2"}]},
        "status": status,
    })
}

/// The container `app` waits for this reason.
pub(crate) fn waiting(reason: &str, message: &str) -> Value {
    waiting_after(0, reason, message)
}

/// It was restarted so often, and last ended with exit code 1.
pub(crate) fn waiting_after(restarts: i64, reason: &str, message: &str) -> Value {
    let last = if restarts > 0 { json!({"terminated": {"exitCode": 1, "reason": "Error"}}) } else { json!({}) };
    json!({"phase": "Pending", "containerStatuses": [{
        "name": "app", "ready": false, "restartCount": restarts, "lastState": last,
        "state": {"waiting": {"reason": reason, "message": message}},
    }]})
}

/// The container `app` runs, ready or not.
pub(crate) fn running(ready: bool) -> Value {
    json!({
        "phase": "Running", "conditions": [{"type": "Ready", "status": if ready { "True" } else { "False" }}],
        "containerStatuses": [{"name": "app", "ready": ready, "restartCount": 0,
            "state": {"running": {"startedAt": "2026-03-01T12:00:00Z"}}}],
    })
}

/// An event about the object of this uid.
pub(crate) fn event(about: &str, reason: &str, message: &str) -> Value {
    json!({
        "apiVersion": "v1", "kind": "Event", "metadata": {"name": format!("{about}.{reason}")}, "type": "Warning",
        "involvedObject": {"uid": about}, "reason": reason, "message": message, "count": 1,
        "lastTimestamp": "2026-03-01T12:00:00Z",
    })
}
