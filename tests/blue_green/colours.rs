//! A chart of which two releases stand side by side, what leads the traffic to one of them, and what came of a roll-out.

use std::time::{Duration, Instant};

use k8s_openapi::api::apps::v1::Deployment;
use k8s_openapi::api::core::v1::{ConfigMap, Service};
use serde_json::{Value, json};

use crate::cluster;
use crate::shown::Shown;
use crate::user::User;

const TEMPLATES: &str = r#"
apiVersion: apps/v1
kind: Deployment
metadata: {name: "{{ .Release.Name }}"}
spec:
  replicas: {{ .Values.replicas }}
  selector: {matchLabels: {release: "{{ .Release.Name }}"}}
  template:
    metadata: {labels: {app: web, release: "{{ .Release.Name }}"}}
    spec:
      containers:
        - name: main
          image: "example.com/app:{{ .Values.tag }}"
          ports: [{name: "{{ .Values.port }}", containerPort: 80}]
---
apiVersion: v1
kind: Service
metadata: {name: "{{ .Release.Name }}"}
spec:
  ports: [{name: http, port: 80, targetPort: {{ .Values.target }}}]
  selector: {release: "{{ .Release.Name }}"}
"#;

const TEST: &str = r#"
apiVersion: v1
kind: Pod
metadata:
  name: "{{ .Release.Name }}-answers"
  annotations: {helm.sh/hook: test}
spec:
  restartPolicy: Never
  containers: [{name: main, image: "example.com/test:{{ .Values.test }}"}]
"#;

/// What names the two.
pub(crate) const PAIR: &str = "--blue web-blue --green web-green";

/// Where it is kept how far their roll-out is.
const STATE: &str = "helm-safe-upgrade.blue-green.web-blue.web-green";

impl User {
    /// Writes the chart `app`, of which nothing is of two releases, with a test whose image has the value `test`.
    pub(crate) fn has_app(&self) {
        self.writes("app/Chart.yaml", "apiVersion: v2\nname: app\nversion: 1.0.0\n");
        self.writes("app/values.yaml", "tag: \"1\"\ntest: \"1\"\nreplicas: 2\nport: http\ntarget: 80\n");
        self.writes("app/templates/app.yaml", TEMPLATES);
        self.writes("app/templates/test.yaml", TEST);
    }

    /// The release `web-blue` is live: `service/web`, which is of no release, leads to it.
    pub(crate) fn has_blue(&self) {
        self.has_app();
        self.does("helm install web-blue app");
        self.has_service("web-blue");
    }

    /// Makes `service/web`, which leads to a release.
    pub(crate) fn has_service(&self, release: &str) {
        let spec = json!({"ports": [{"port": 80}], "selector": {"app": "web", "release": release}});
        cluster::create::<Service>(&self.namespace, json!({"metadata": {"name": "web"}, "spec": spec}));
    }

    /// Rolls the app out to the two with `service/web`, and these flags.
    pub(crate) fn rolls_out(&self, flags: &str) -> Shown {
        self.types(&format!("helm safe-upgrade blue-green {PAIR} app --service web --yes {flags}"))
    }

    /// Leads `service/web` to a release by hand.
    pub(crate) fn leads_to(&self, release: &str) {
        let selector = json!({"spec": {"selector": {"app": "web", "release": release}}});
        cluster::merge::<Service>(&self.namespace, "web", selector);
    }

    /// Scales a release by hand, and waits until so many pods of it are ready, and no others are there.
    pub(crate) fn scales(&self, release: &str, replicas: i32) {
        cluster::merge::<Deployment>(&self.namespace, release, json!({"spec": {"replicas": replicas}}));
        self.waits_for(|| {
            let status = cluster::find::<Deployment>(&self.namespace, release).unwrap().status.unwrap();
            status.replicas.unwrap_or(0) == replicas && status.ready_replicas.unwrap_or(0) == replicas
        });
    }

    /// Changes what is kept of the roll-outs of the two.
    pub(crate) fn keeps(&self, change: &Value) {
        let mut kept = self.kept().expect("something is kept");
        kept.as_object_mut().unwrap().extend(change.as_object().unwrap().clone());
        let change = json!({"data": {"blue-green.json": kept.to_string()}});
        cluster::merge::<ConfigMap>(&self.namespace, STATE, change);
    }

    /// The release that `service/web` leads to.
    pub(crate) fn live(&self) -> String {
        let service: Service = cluster::find(&self.namespace, "web").expect("there is a service");
        service.spec.unwrap().selector.unwrap()["release"].clone()
    }

    /// The revisions of a release, as in `1 deployed`.
    pub(crate) fn revisions_of(&self, release: &str) -> Vec<String> {
        let shown = self.types(&format!("helm history {release} --max 100 -o json"));
        let Ok(history) = serde_json::from_str::<Value>(&shown.stdout) else { return Vec::new() };
        let rows = history.as_array().unwrap().iter();
        rows.map(|row| format!("{} {}", row["revision"], row["status"].as_str().unwrap())).collect()
    }

    /// The revisions of a release with these marks: `proven` or `bad`.
    pub(crate) fn marked(&self, release: &str, mark: &str) -> Vec<u64> {
        let history = self.types(&format!("helm safe-upgrade history {release} -o json"));
        let history = history.json();
        let rows = history["revisions"].as_array().unwrap_or_else(|| panic!("{history}")).clone();
        rows.iter().filter(|row| !row[mark].is_null()).map(|row| row["revision"].as_u64().unwrap()).collect()
    }

    /// How many replicas a release's Deployment is to have.
    pub(crate) fn replicas_of(&self, release: &str) -> Option<i32> {
        cluster::find::<Deployment>(&self.namespace, release)?.spec.replicas
    }

    /// How a roll-out ended, of its events, each of which is as its schema says.
    pub(crate) fn outcome_of(&self, shown: &Shown) -> String {
        let schema = schema("blue-green-events");
        let validator = jsonschema::validator_for(&schema).unwrap();
        let mut outcome = String::new();
        for line in shown.stdout.lines() {
            let event: Value = serde_json::from_str(line).unwrap();
            let problems: Vec<String> = validator.iter_errors(&event).map(|error| error.to_string()).collect();
            assert!(problems.is_empty(), "{problems:#?}\n{event:#}");
            if event["event"] == "blue-green-done" {
                outcome = event["rollout"]["outcome"].as_str().unwrap().to_owned();
            }
        }
        outcome
    }

    /// What is kept of the roll-outs of the two.
    pub(crate) fn kept(&self) -> Option<Value> {
        let kept: ConfigMap = cluster::find(&self.namespace, STATE)?;
        serde_json::from_str(&kept.data?["blue-green.json"]).ok()
    }

    /// Waits until something is so; it takes no longer than a minute.
    pub(crate) fn waits_for(&self, is_so: impl Fn() -> bool) {
        let started = Instant::now();
        while !is_so() {
            assert!(started.elapsed() < Duration::from_secs(60), "it has not come to pass: {:?}", self.kept());
            std::thread::sleep(Duration::from_millis(50));
        }
    }
}

impl Shown {
    /// It ended with this exit code and said this on standard output.
    pub(crate) fn ends(&self, code: i32, says: &str) {
        self.exits(code);
        assert!(self.stdout.contains(says), "{says:?} is not in: {}\n{}", self.stdout, self.stderr);
    }
}

/// A schema of the documentation.
pub(crate) fn schema(name: &str) -> Value {
    let path = std::path::Path::new(crate::environment::ROOT).join(format!("docs/schema/{name}.json"));
    serde_json::from_str(&std::fs::read_to_string(path).unwrap()).unwrap()
}
