//! Evidence for the tests of rules.

use crate::manifest::observed::Observed;
use crate::manifest::yaml;
use crate::upgrade::diagnosis::evidence::{Event, Evidence, Log};
use crate::upgrade::diagnosis::{Cause, RULES};

/// The kinds that events of tests are about.
const KINDS: [&str; 9] = [
    "Pod",
    "ReplicaSet",
    "StatefulSet",
    "DaemonSet",
    "Job",
    "Service",
    "PersistentVolumeClaim",
    "Deployment",
    "Namespace",
];

/// The release `web` in `shop` at revision 7, of which nothing else is known.
pub(super) fn web() -> Evidence {
    Evidence {
        release: "web".to_owned(),
        namespace: "shop".to_owned(),
        revision: 7,
        status: "failed".to_owned(),
        ..Evidence::default()
    }
}

/// The same where Helm said this.
pub(super) fn said(text: &str) -> Evidence {
    Evidence { helm_output: text.to_owned(), ..web() }
}

/// The same with these objects.
pub(super) fn with(objects: &[&str]) -> Evidence {
    Evidence { objects: objects.iter().map(|text| object(text)).collect(), ..web() }
}

impl Evidence {
    /// The same with an event of this object, as in `pod/web-1`.
    pub(super) fn event(mut self, object: &str, reason: &str, message: &str) -> Self {
        let (kind, name) = object.split_once('/').unwrap();
        self.events.push(Event {
            kind: KINDS.iter().find(|known| known.eq_ignore_ascii_case(kind)).unwrap().to_string(),
            name: name.to_owned(),
            reason: reason.to_owned(),
            message: message.to_owned(),
            warning: true,
            count: 1,
            last: None,
        });
        self
    }

    /// The same with this log of the run before.
    pub(super) fn log_of(mut self, pod: &str, container: &str, text: &str) -> Self {
        self.logs.push(Log {
            pod: pod.to_owned(),
            container: container.to_owned(),
            previous: true,
            text: text.to_owned(),
        });
        self
    }
}

/// An object of the cluster.
pub(super) fn object(text: &str) -> Observed {
    let node = yaml::parse_all(text).unwrap().remove(0);
    let of = |key| node.get(key).and_then(|value| value.as_str()).unwrap().to_owned();
    let (version, kind) = (of("apiVersion"), of("kind"));
    Observed::new(node, &version, &kind).unwrap()
}

/// A pod of the Deployment `web` with one container, whose status this is.
pub(super) fn pod(name: &str, status: &str) -> String {
    format!(
        "apiVersion: v1\nkind: Pod\nmetadata:\n  name: {name}\n  namespace: shop\n  labels: {{app: web, pod-template-hash: 6d5f}}\n  \
         ownerReferences: [{{apiVersion: apps/v1, kind: ReplicaSet, name: web-6d5f, uid: rs, controller: true}}]\n\
         spec:\n  containers:\n  - name: web\n    image: registry.example/web:1.2\n    ports: [{{name: http, containerPort: 8080}}]\n    \
         resources: {{requests: {{cpu: 100, memory: 64Mi}}, limits: {{memory: 128Mi}}}}\n    \
         readinessProbe: {{httpGet: {{path: /ready, port: http}}}}\n\
         status:\n  phase: Running\n  containerStatuses:\n  - {{name: web, image: web, ready: false, {status}}}\n"
    )
}

/// What one rule says.
pub(super) fn found(rule: &str, evidence: &Evidence) -> Vec<Cause> {
    let rule = RULES.iter().find(|known| known.name == rule).unwrap();
    (rule.find)(evidence)
}

/// The one cause that a rule finds, as `sentence | hint`.
pub(super) fn says(rule: &str, evidence: &Evidence) -> String {
    let causes = found(rule, evidence);
    assert_eq!(causes.len(), 1, "{causes:#?}");
    format!("{} | {}", causes[0].sentence, causes[0].hint)
}
