//! A small chart, and how a release stands.

use std::time::{Duration, Instant};

use k8s_openapi::api::coordination::v1::Lease;
use k8s_openapi::api::core::v1::ResourceQuota;
use serde_json::{Value, json};

use crate::cluster;
use crate::user::User;

impl User {
    /// Writes a chart `app` of one Deployment with two pods, whose image has the tag that is set, and of what else is given.
    pub(crate) fn has_an_app(&self, templates: &[(&str, &str)]) {
        self.writes("app/Chart.yaml", "apiVersion: v2\nname: app\nversion: 1.0.0\n");
        self.writes("app/values.yaml", "tag: \"1\"\nreplicas: 2\nextra: {}\n");
        self.writes("app/templates/deployment.yaml", DEPLOYMENT);
        for (name, text) in templates {
            self.writes(&format!("app/templates/{name}.yaml"), text);
        }
    }

    /// Installs the app as `web`, under guard, so that revision 1 is proven.
    pub(crate) fn has_web(&self, templates: &[(&str, &str)]) {
        self.has_an_app(templates);
        self.types("helm safe-upgrade web app --install --yes").exits(0);
    }

    /// The revisions of `web` as Helm tells them: `1 superseded`, `2 deployed`.
    pub(crate) fn revisions(&self) -> Vec<String> {
        let history: Value = serde_json::from_str(&self.does("helm history web --max 100 -o json")).unwrap();
        let rows = history.as_array().unwrap().iter();
        rows.map(|row| format!("{} {}", row["revision"], row["status"].as_str().unwrap())).collect()
    }

    /// What Helm says of a revision.
    pub(crate) fn description(&self, revision: usize) -> String {
        let history: Value = serde_json::from_str(&self.does("helm history web --max 100 -o json")).unwrap();
        let row = history.as_array().unwrap().iter().find(|row| row["revision"] == revision).unwrap().clone();
        row["description"].as_str().unwrap().to_owned()
    }

    /// Nobody holds the lease of `web` any more.
    pub(crate) fn left_no_lease(&self) {
        let lease: Option<Lease> = cluster::find(&self.namespace, "helm-safe-upgrade.web");
        assert!(lease.is_none(), "{lease:?}");
    }

    /// Sets a quota on the pods of the namespace.
    pub(crate) fn may_have_pods(&self, pods: u32) {
        let spec = json!({"hard": {"pods": pods.to_string()}});
        match cluster::find::<ResourceQuota>(&self.namespace, "few") {
            None => {
                cluster::create::<ResourceQuota>(&self.namespace, json!({"metadata": {"name": "few"}, "spec": spec}))
            }
            Some(_) => cluster::merge::<ResourceQuota>(&self.namespace, "few", json!({"spec": spec})),
        }
        // Nothing may be made until the server knows what is used.
        self.waits_for(|| {
            let hard = cluster::find::<ResourceQuota>(&self.namespace, "few").and_then(|quota| quota.status?.hard);
            hard.is_some_and(|hard| hard.get("pods").is_some_and(|said| said.0 == pods.to_string()))
        });
    }

    /// Waits until something is so; it takes no longer than half a minute.
    pub(crate) fn waits_for(&self, is_so: impl Fn() -> bool) {
        let end = Instant::now() + Duration::from_secs(30);
        while !is_so() {
            assert!(Instant::now() < end, "still not so: {:?}", self.revisions());
            std::thread::sleep(Duration::from_millis(100));
        }
    }

    /// The revisions that are marked as proven, as `helm safe-upgrade history` has them.
    pub(crate) fn proven(&self) -> Vec<u64> {
        self.marked("proven")
    }

    /// The revisions that are marked as bad.
    pub(crate) fn bad(&self) -> Vec<u64> {
        self.marked("bad")
    }

    fn marked(&self, mark: &str) -> Vec<u64> {
        let shown = self.types("helm safe-upgrade history web -o json");
        let history = shown.json();
        let rows = history["revisions"].as_array().unwrap_or_else(|| panic!("{history}")).clone();
        rows.iter().filter(|row| !row[mark].is_null()).map(|row| row["revision"].as_u64().unwrap()).collect()
    }
}

const DEPLOYMENT: &str = r#"
apiVersion: apps/v1
kind: Deployment
metadata:
  name: {{ .Release.Name }}
spec:
  replicas: {{ .Values.replicas }}
  selector:
    matchLabels: {app: {{ .Release.Name }}}
  template:
    metadata:
      labels: {app: {{ .Release.Name }}}
    spec:
      containers:
      - name: main
        image: "example.com/app:{{ .Values.tag }}"
"#;

/// A hook that runs a Job whose image has the tag `hook`.
pub(crate) fn hook(when: &str) -> String {
    format!(
        r#"
{{{{- if .Values.hook }}}}
apiVersion: batch/v1
kind: Job
metadata:
  name: {{{{ .Release.Name }}}}-migrate
  annotations:
    helm.sh/hook: {when}
    helm.sh/hook-delete-policy: before-hook-creation
spec:
  backoffLimit: 0
  template:
    spec:
      restartPolicy: Never
      containers:
      - name: migrate
        image: "example.com/migrate:{{{{ .Values.hook }}}}"
{{{{- end }}}}
"#
    )
}

/// A test of the chart: a pod whose image has this tag.
pub(crate) fn test_pod(tag: &str) -> String {
    format!(
        r#"
apiVersion: v1
kind: Pod
metadata:
  name: {{{{ .Release.Name }}}}-answers
  annotations: {{helm.sh/hook: test}}
spec:
  restartPolicy: Never
  containers: [{{name: main, image: "example.com/test:{tag}"}}]
"#
    )
}
