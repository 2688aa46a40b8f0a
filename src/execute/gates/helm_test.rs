//! The chart's own tests, by `helm test`.

use serde::Deserialize;

use super::Tests;
use crate::cluster::{Cluster, ListQuery, LogQuery, ObjectRef, Resource};
use crate::execute::run::Run;
use crate::helm::{Ended, Helm, Test};
use crate::manifest::live::Declared;
use crate::release::Release;
use crate::upgrade::gates::Answer;

/// So much of a container's log is kept, in lines and in bytes.
const LOG: (u32, u32) = (200, 64 * 1024);
/// Logs of more containers are left out.
const MOST_LOGS: usize = 20;
/// So long a helm that was asked to stop may take.
const TO_STOP: std::time::Duration = std::time::Duration::from_secs(10);

/// A pod or a Job that is a test.
struct TestObject {
    kind: String,
    name: String,
    namespace: String,
}

impl<C: Cluster, H: Helm> Run<'_, '_, C, H> {
    /// Runs the tests. `None` if the user interrupts them, or if there are none. The logs of tests that fail are kept with what
    /// Helm printed.
    pub(in crate::execute) async fn test(&mut self, tests: &Tests) -> Option<Answer> {
        let objects = test_objects(self.ground.wanted);
        if objects.is_empty() {
            self.notice("the chart has no tests: helm test has nothing to run".to_owned());
            return None;
        }
        let (release, timeout, filter) = (self.name().to_owned(), tests.timeout, tests.filter.clone());
        let mut running = match self.seams.helm.test(&Test { release, timeout, filter }).await {
            Ok(running) => running,
            Err(error) => return Some(Answer::inconclusive(error.message)),
        };
        let ended = tokio::select! {
            ended = running.wait() => ended,
            () = self.seams.interrupts.more_than(0) => {
                running.interrupt();
                _ = tokio::time::timeout(TO_STOP, running.wait()).await;
                return None;
            }
        };
        if !ended.success {
            let logs = self.logs_of(&objects).await;
            self.failure.helm = [self.failure.helm.as_str(), ended.output.as_str(), logs.as_str()].join("\n");
        }
        Some(answer(&ended))
    }

    /// What the containers of tests have written, as far as it is still there.
    async fn logs_of(&self, objects: &[TestObject]) -> String {
        let cluster = self.seams.cluster;
        let mut text = String::new();
        let mut taken = 0;
        for object in objects {
            for (pod, container) in containers(cluster, object).await {
                if taken == MOST_LOGS {
                    return text;
                }
                taken += 1;
                let query =
                    LogQuery { container: container.clone(), previous: false, tail_lines: LOG.0, limit_bytes: LOG.1 };
                if let Ok(log) = cluster.logs(&pod, &query).await {
                    let log = String::from_utf8_lossy(&log);
                    text.push_str(&format!("--- log of test pod {}, container {container} ---\n{log}\n", pod.name));
                }
            }
        }
        text
    }
}

/// What it says of the release that Helm has ended like this. A helm that was lost has seen no test fail.
fn answer(ended: &Ended) -> Answer {
    if ended.success {
        let ran = ended.output.lines().filter(|line| line.starts_with("TEST SUITE:") && !line.ends_with("None"));
        return match ran.count() {
            // The filter has left none.
            0 => Answer::inconclusive("no test was run"),
            count => Answer::passed(format!("{count} passed")),
        };
    }
    let message = ended.message.lines().map(str::trim).filter(|line| !line.is_empty()).collect::<Vec<_>>().join(" ");
    match ended.is_lost() || message.starts_with("cannot ") {
        true => Answer::inconclusive(message),
        false => Answer::failed(message),
    }
}

/// The pods of a test, each with its containers.
async fn containers<C: Cluster>(cluster: &C, object: &TestObject) -> Vec<(ObjectRef, String)> {
    #[derive(Deserialize)]
    struct Pod {
        spec: Spec,
    }
    #[derive(Deserialize)]
    struct Spec {
        containers: Vec<Container>,
    }
    #[derive(Deserialize)]
    struct Container {
        name: String,
    }
    let pod = |name: &str| ObjectRef {
        resource: Resource::PODS,
        namespace: Some(object.namespace.clone()),
        name: name.to_owned(),
    };
    let pods = match &*object.kind {
        "Pod" => vec![pod(&object.name)],
        _ => {
            let label_selector = Some(format!("batch.kubernetes.io/job-name={}", object.name));
            let namespace = Some(object.namespace.clone());
            let query = ListQuery { resource: Resource::PODS, namespace, label_selector };
            let found = cluster.list_metadata(&query).await.unwrap_or_default();
            found.iter().filter_map(|metadata| metadata.name.as_deref()).map(pod).collect()
        }
    };
    let mut all = Vec::new();
    for pod in pods {
        let Ok(body) = cluster.get(&pod).await else { continue };
        let Ok(read) = serde_json::from_slice::<Pod>(&body) else { continue };
        all.extend(read.spec.containers.into_iter().map(|container| (pod.clone(), container.name)));
    }
    all
}

/// The pods and Jobs that `helm test` makes: hooks for the event `test`, or `test-success` as it was called before Helm 3.
fn test_objects(release: &Release) -> Vec<TestObject> {
    #[derive(Deserialize)]
    struct Object {
        metadata: Metadata,
    }
    #[derive(Deserialize)]
    struct Metadata {
        #[serde(default)]
        annotations: std::collections::HashMap<String, serde_json::Value>,
    }
    let documents = release.hooks.iter().flat_map(|hook| hook.manifest.documents(true));
    let declared = documents.filter_map(|document| Declared::of(&document).ok()).flatten();
    let tests = declared.filter(|declared| {
        let json = declared.configuration(&release.name, &release.namespace);
        let object: Option<Object> = serde_json::from_slice(json.json()).ok();
        let events =
            object.and_then(|object| Some(object.metadata.annotations.get("helm.sh/hook")?.as_str()?.to_owned()));
        events.unwrap_or_default().split(',').any(|event| matches!(event.trim(), "test" | "test-success"))
    });
    tests
        .map(|declared| TestObject {
            kind: declared.id.kind.clone(),
            name: declared.id.name.clone(),
            namespace: declared.id.namespace.clone().unwrap_or_else(|| release.namespace.clone()),
        })
        .filter(|object| matches!(&*object.kind, "Pod" | "Job"))
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::upgrade::gates::Says;

    #[test]
    fn a_helm_that_was_lost_has_seen_no_test_fail() {
        let says = |code, message: &str| {
            answer(&Ended { success: false, code, message: message.to_owned(), output: String::new() }).says
        };
        for lost in [
            "Kubernetes cluster unreachable: Get \"https://10.0.0.1\": EOF",
            "Get \"https://10.0.0.1\": dial tcp 10.0.0.1:443: connect: connection refused",
            "http2: client connection lost",
            "unexpected EOF",
            "Unauthorized",
        ] {
            assert_eq!(says(Some(1), lost), Says::Inconclusive, "{lost}");
        }
        assert_eq!(says(None, "helm ended with signal: 9 (SIGKILL)"), Says::Inconclusive);
        assert_eq!(says(None, "cannot wait for helm: no child"), Says::Inconclusive);
        for failed in ["pod web-test failed", "1 error occurred:\n\t* timed out waiting for the condition"] {
            assert_eq!(says(Some(1), failed), Says::Failed, "{failed}");
        }
    }
}
