//! The Jobs of hooks that still run after Helm has gone. What comes next must not meet them: Helm itself deletes a hook's Job before
//! it makes it anew.

use std::time::Duration;

use tokio::time::{Instant, sleep};

use super::run::Run;
use crate::cluster::{Cluster, ListQuery, ObjectRef, Only, Resource};
use crate::error::{Error, Kind};
use crate::helm::Helm;
use crate::manifest::live::Declared;
use crate::manifest::node::Node;
use crate::release::Release;

/// So long a hook's Job that still runs is waited for, before it is stopped.
const FOR_HOOKS: Duration = Duration::from_secs(20);
const TICK: Duration = Duration::from_millis(500);

/// How it is with a hook's Job.
enum Standing {
    /// It has ended, is not there, or may not be seen.
    Over,
    /// It is there, and nothing of it runs.
    Idle,
    Running,
    /// The server does not answer.
    Unseen,
}

impl<C: Cluster, H: Helm> Run<'_, '_, C, H> {
    /// Waits for hooks that still run, and stops those that go on. A hook none of whose containers runs does nothing that would be
    /// cut off.
    pub(super) async fn await_hooks(&mut self) {
        let patience = if self.interrupted.is_some() { self.options.grace.min(FOR_HOOKS) } else { FOR_HOOKS };
        let end = Instant::now() + patience;
        for job in hook_jobs(self.ground.current) {
            let mut told = false;
            loop {
                let is_late = Instant::now() >= end || self.seams.interrupts.twice();
                match self.standing(&job).await {
                    Standing::Over => break,
                    Standing::Unseen if is_late => break,
                    Standing::Running if !is_late => self.tell_of(&job, &mut told),
                    Standing::Unseen => {}
                    Standing::Idle | Standing::Running => {
                        _ = self.seams.cluster.delete(&job, &Only::default()).await;
                        self.notice(format!("the hook job/{} was stopped", job.name));
                        break;
                    }
                }
                sleep(TICK).await;
            }
        }
    }

    /// Waits for hooks of a lost helm to end by themselves, for so long at most: a migration that is run again must not be cut off.
    pub(super) async fn let_hooks_end(&self, release: &Release, within: Duration) {
        let end = Instant::now() + within;
        for job in hook_jobs(release) {
            let mut told = false;
            while Instant::now() < end && self.seams.interrupts.asked().is_none() {
                match self.standing(&job).await {
                    Standing::Over | Standing::Idle => break,
                    Standing::Running => self.tell_of(&job, &mut told),
                    Standing::Unseen => {}
                }
                sleep(TICK).await;
            }
        }
    }

    fn tell_of(&self, job: &ObjectRef, told: &mut bool) {
        if !*told {
            self.notice(format!("the hook job/{} still runs; it is waited for", job.name));
            *told = true;
        }
    }

    async fn standing(&self, job: &ObjectRef) -> Standing {
        match self.seams.cluster.get(job).await.map_err(Error::from) {
            Ok(body) if !is_active(&body) => Standing::Over,
            Ok(_) if self.has_running_container(job).await => Standing::Running,
            Ok(_) => Standing::Idle,
            Err(error) if matches!(error.kind, Kind::Unreachable | Kind::Cluster) => Standing::Unseen,
            Err(_) => Standing::Over,
        }
    }

    /// Whether a container of the Job's pods runs. Where that can't be seen, it must be taken to.
    async fn has_running_container(&self, job: &ObjectRef) -> bool {
        let query = ListQuery {
            resource: Resource::PODS,
            namespace: job.namespace.clone(),
            label_selector: Some(format!("batch.kubernetes.io/job-name={}", job.name)),
        };
        let Ok(pods) = self.seams.cluster.list_observed(&query).await else { return true };
        pods.items.iter().any(|pod| {
            let lists = ["containerStatuses", "initContainerStatuses"].map(|list| pod.at(&["status", list]));
            let statuses = lists.into_iter().flatten().filter_map(Node::as_list).flatten();
            statuses.into_iter().any(|status| status.get("state").is_some_and(|state| state.get("running").is_some()))
        })
    }
}

/// The Jobs that the hooks of a release make.
fn hook_jobs(release: &Release) -> Vec<ObjectRef> {
    let documents = release.hooks.iter().flat_map(|hook| hook.manifest.documents(true));
    let declared = documents.filter_map(|document| Declared::of(&document).ok()).flatten();
    let jobs = declared.filter(|object| object.id.kind == "Job" && object.id.group == "batch");
    jobs.map(|object| ObjectRef {
        resource: Resource::JOBS,
        namespace: Some(object.id.namespace.clone().unwrap_or_else(|| release.namespace.clone())),
        name: object.id.name.clone(),
    })
    .collect()
}

fn is_active(job: &[u8]) -> bool {
    #[derive(serde::Deserialize)]
    struct Job {
        status: Option<Status>,
    }
    #[derive(serde::Deserialize)]
    struct Status {
        #[serde(default)]
        active: i64,
    }
    serde_json::from_slice::<Job>(job).ok().and_then(|job| job.status).is_some_and(|status| status.active > 0)
}
