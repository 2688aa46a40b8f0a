//! The ends of logs: of containers that fail, and of the pods of hooks.

use std::collections::HashMap;

use futures::stream::{self, StreamExt as _};
use tokio::time::{Instant, timeout_at};

use crate::cluster::{Cluster, LogQuery, ObjectRef, Resource};
use crate::manifest::observed::Observed;
use crate::upgrade::diagnosis::container::{self, Container};
use crate::upgrade::diagnosis::evidence::{Evidence, Log};

/// So many lines of the end are kept.
const LINES: u32 = 200;
/// And so many bytes of them.
const BYTES: usize = 64 * 1024;
/// So many bytes are asked for: the API server counts them from the first of the lines, and the last ones matter.
const ASKED: u32 = 1024 * 1024;
/// More logs are not read.
const MOST_LOGS: usize = 40;
/// Of one workload so many pods are read: they say the same.
const MOST_PODS: usize = 3;
/// Requests under way at the same time.
const AT_ONCE: usize = 8;

/// Reads logs until a moment. What can't be read is told with its reason, but for logs that there are not.
pub(super) async fn read<C: Cluster>(cluster: &C, evidence: &Evidence, until: Instant) -> (Vec<Log>, Vec<String>) {
    let wanted = wanted(evidence);
    let reading = wanted.into_iter().map(|(pod, container, previous)| async move {
        let at = ObjectRef {
            resource: Resource::PODS,
            namespace: Some(pod.namespace().to_owned()),
            name: pod.name().to_owned(),
        };
        let query = LogQuery { container: container.clone(), previous, tail_lines: LINES, limit_bytes: ASKED };
        let log = match timeout_at(until, cluster.logs(&at, &query)).await {
            Ok(Ok(body)) => Ok(end_of(&body)),
            Ok(Err(error)) => Err(error.to_string()),
            Err(_) => Err("the API server did not answer in time".to_owned()),
        };
        (pod.name().to_owned(), container, previous, log)
    });
    let reading: Vec<_> = reading.collect();
    let read: Vec<_> = stream::iter(reading).buffered(AT_ONCE).collect().await;
    let (mut logs, mut unread) = (Vec::new(), Vec::new());
    for (pod, container, previous, log) in read {
        match log {
            Ok(text) => logs.push(Log { pod, container, previous, text }),
            // A run that was not, or whose log is gone, has nothing to tell.
            Err(reason) if previous || is_absent(&reason) => {}
            Err(reason) => unread.push(format!("the log of pod/{pod}, container {container}: {reason}")),
        }
    }
    (logs, unread)
}

fn is_absent(reason: &str) -> bool {
    ["waiting to start", "not found", "is not available"].iter().any(|words| reason.contains(words))
}

/// Which logs are read: pod, container, and whether of the run before.
fn wanted(evidence: &Evidence) -> Vec<(&Observed, String, bool)> {
    let mut wanted = Vec::new();
    let mut of_workload: HashMap<String, usize> = HashMap::new();
    for pod in evidence.pods() {
        let containers = container::of(pod);
        let hook = is_hook(evidence, pod);
        let failing: Vec<&Container<'_>> = containers.iter().filter(|one| hook || fails(one)).collect();
        if failing.is_empty() {
            continue;
        }
        let seen = of_workload.entry(evidence.workload(pod)).or_default();
        *seen += 1;
        if *seen > MOST_PODS {
            continue;
        }
        for one in failing {
            wanted.push((pod, one.name.to_owned(), false));
            if one.restarts() > 0 {
                wanted.push((pod, one.name.to_owned(), true));
            }
        }
    }
    wanted.truncate(MOST_LOGS);
    wanted
}

/// Whether something is wrong with a container that has run at all.
fn fails(container: &Container<'_>) -> bool {
    let ran = container.runs() || container.exit().is_some() || container.restarts() > 0;
    ran && !container.is_ready() && !container.is_done()
}

fn is_hook(evidence: &Evidence, pod: &Observed) -> bool {
    let hook = |object: &Observed| !object.annotation("helm.sh/hook").is_empty();
    let owner = pod.owner().and_then(|owner| evidence.objects.iter().find(|object| object.uid() == owner.uid));
    hook(pod) || owner.is_some_and(hook)
}

/// The last bytes, from the start of a line on.
fn end_of(body: &[u8]) -> String {
    let text = String::from_utf8_lossy(body);
    let Some(excess) = text.len().checked_sub(BYTES).filter(|excess| *excess > 0) else { return text.into_owned() };
    let start = (excess..text.len()).find(|at| text.is_char_boundary(*at)).unwrap_or(text.len());
    let end = text.get(start..).unwrap_or_default();
    end.split_once('\n').map_or(end, |(_, rest)| rest).to_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_last_lines_of_a_long_log_are_kept() {
        let long = format!("{}\nlast words\n", "é".repeat(BYTES));
        assert_eq!(end_of(long.as_bytes()), "last words\n");
        assert_eq!(end_of(b"short\n"), "short\n");
        assert!(end_of(&vec![0xff; 3 * BYTES]).len() <= BYTES);
    }
}
