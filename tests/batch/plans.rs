//! Charts that are ready at once, plans of their releases, and what came of a batch.

use std::path::Path;
use std::time::{Duration, Instant};

use serde_json::Value;

use crate::environment::ROOT;
use crate::shown::Shown;
use crate::user::User;

const DEPLOYMENT: &str = "\
apiVersion: apps/v1
kind: Deployment
metadata: {name: \"{{ .Release.Name }}\"}
spec:
  selector: {matchLabels: {app: \"{{ .Release.Name }}\"}}
  template:
    metadata: {labels: {app: \"{{ .Release.Name }}\"}}
    spec: {containers: [{name: main, image: \"example.com/app:{{ .Values.tag }}\"}]}
";

const CONFIG_MAP: &str = "\
apiVersion: v1
kind: ConfigMap
metadata: {name: \"{{ .Release.Name }}\"}
data: {text: {{ required \"a text is needed\" .Values.text | quote }}, version: {{ .Chart.Version | quote }}}
";

impl User {
    /// Writes the charts `app`, a Deployment whose image has the value `tag`, and `note`, a ConfigMap with the value `text`, which
    /// does not render without one.
    pub(crate) fn has_charts(&self) {
        self.has_note("note", "1.0.0");
        self.writes("app/Chart.yaml", "apiVersion: v2\nname: app\nversion: 1.0.0\n");
        self.writes("app/values.yaml", "tag: \"1\"\n");
        self.writes("app/templates/deployment.yaml", DEPLOYMENT);
    }

    /// Writes the chart `note` of a version into a folder.
    pub(crate) fn has_note(&self, folder: &str, version: &str) {
        self.writes(&format!("{folder}/Chart.yaml"), &format!("apiVersion: v2\nname: note\nversion: {version}\n"));
        self.writes(&format!("{folder}/values.yaml"), "text: a\n");
        self.writes(&format!("{folder}/templates/config.yaml"), CONFIG_MAP);
    }

    /// Writes a plan with these lines for its releases, one each, all of which may be installed.
    pub(crate) fn plans(&self, name: &str, releases: &[String]) {
        let lines: String = releases.iter().map(|line| format!("- {{{line}}}\n")).collect();
        self.writes(name, &format!("defaults: {{namespace: {}, install: true}}\nreleases:\n{lines}", self.namespace));
    }

    /// Runs a batch, and returns what came of it, of which each event is as its schema says.
    pub(crate) fn batch(&self, line: &str, code: i32) -> Batch {
        let shown = self.types(&format!("helm safe-upgrade batch {line} --yes -o json"));
        shown.exits(code);
        Batch::of(&shown)
    }

    /// The revisions of a release, as in `1 superseded`.
    pub(crate) fn revisions_of(&self, release: &str) -> Vec<String> {
        let history: Value =
            serde_json::from_str(&self.does(&format!("helm history {release} --max 100 -o json"))).unwrap();
        let rows = history.as_array().unwrap().iter();
        rows.map(|row| format!("{} {}", row["revision"], row["status"].as_str().unwrap())).collect()
    }

    /// Waits until something is so; it takes no longer than a minute.
    pub(crate) fn waits_for(&self, is_so: impl Fn() -> bool) {
        let started = Instant::now();
        while !is_so() {
            assert!(started.elapsed() < Duration::from_secs(60), "it has not come to pass");
            std::thread::sleep(Duration::from_millis(50));
        }
    }

    /// What is kept of a batch in a file, once there is something.
    pub(crate) fn kept(&self, file: &str) -> Option<Value> {
        serde_json::from_slice(&std::fs::read(self.folder.join(file)).ok()?).ok()
    }
}

/// What came of a batch.
pub(crate) struct Batch {
    pub(crate) events: Vec<Value>,
    pub(crate) last: Value,
}

impl Batch {
    /// What a batch has told with `-o json`, of which each event is as its schema says.
    pub(crate) fn of(shown: &Shown) -> Self {
        let events: Vec<Value> = shown.stdout.lines().map(|line| serde_json::from_str(line).unwrap()).collect();
        let schema = schema("batch-events");
        let validator = jsonschema::validator_for(&schema).unwrap();
        for event in &events {
            let problems: Vec<String> = validator.iter_errors(event).map(|error| error.to_string()).collect();
            assert!(problems.is_empty(), "{problems:#?}\n{event:#}");
        }
        let done = events.iter().find(|event| event["event"] == "batch-done");
        let last = done.unwrap_or_else(|| panic!("no end: {}\n{}", shown.stdout, shown.stderr))["batch"].clone();
        is_a_state(&last);
        Self { events, last }
    }

    /// What became of each release, in order, as in `web: upgraded`.
    pub(crate) fn outcomes(&self) -> Vec<String> {
        let releases = self.last["releases"].as_array().unwrap().iter();
        releases.map(|entry| format!("{}: {}", text(&entry["id"]["release"]), text(&entry["outcome"]))).collect()
    }

    /// What is kept of a release.
    pub(crate) fn entry(&self, release: &str) -> &Value {
        let mut releases = self.last["releases"].as_array().unwrap().iter();
        releases.find(|entry| entry["id"]["release"] == release).unwrap()
    }

    /// The most releases that were at work at the same time.
    pub(crate) fn most_at_once(&self) -> usize {
        let (mut running, mut most) = (0_usize, 0);
        for event in &self.events {
            match event["event"].as_str().unwrap() {
                "batch-begun" => running += 1,
                "batch-ended" if event["release"]["started"].is_string() => running -= 1,
                _ => {}
            }
            most = most.max(running);
        }
        most
    }
}

pub(crate) fn text(value: &Value) -> &str {
    value.as_str().unwrap_or("none")
}

/// It is as the schema of a state says.
pub(crate) fn is_a_state(kept: &Value) {
    let schema = schema("batch-state");
    let validator = jsonschema::validator_for(&schema).unwrap();
    let problems: Vec<String> = validator.iter_errors(kept).map(|error| error.to_string()).collect();
    assert!(problems.is_empty(), "{problems:#?}\n{kept:#}");
}

pub(crate) fn schema(name: &str) -> Value {
    let text = std::fs::read_to_string(Path::new(ROOT).join(format!("docs/schema/{name}.json"))).unwrap();
    serde_json::from_str(&text).unwrap()
}
