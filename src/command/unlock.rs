//! `helm safe-upgrade unlock`: whether anybody is at work on a release that is stuck in a pending status, and its way out.
//!
//! Only a lease of our own that names the revision proves anything: that its holder is dead, or silent. A Helm that was run by
//! hand leaves no lease, and may be at work however old the revision is.

use futures::future::join;
use jiff::Timestamp;

use crate::cluster::{Cluster, ClusterError, ObjectRef, Resource};
use crate::command::live;
use crate::command::{Stages, processes, status};
use crate::diff::live::report::Compare;
use crate::diff::select::Selection;
use crate::error::{Error, Kind};
use crate::helm::Helm;
use crate::manifest::mask::Masker;
use crate::manifest::node::Node;
use crate::manifest::observed::Observed;
use crate::record::{self, Acquired, Holder, Judged, Records, Revision, Seen, shown, who};
use crate::release::Release;
use crate::release::history::History;
use crate::release::marks::signed;
use crate::release::retention::rollback_target;
use crate::report::releases::Command;
use crate::report::releases::unlock::{Live, UnlockView};
use crate::report::style::clean;
use crate::storage::Storage;

/// So many hooks are looked at.
const MOST_HOOKS: usize = 100;

/// What unlocking works with.
pub struct Seams<'a, C, H, D> {
    /// Where the release is stored.
    pub storage: &'a Storage<C, H>,
    /// The cluster it runs in.
    pub cluster: &'a D,
    /// What masks Secrets.
    pub masker: &'a Masker,
    /// What hears how far it is.
    pub stages: &'a dyn Stages,
    /// The clock.
    pub now: fn() -> Timestamp,
}

/// What was found, for a reader and for unlocking.
#[derive(Debug)]
pub struct Found {
    /// For a reader.
    pub view: UnlockView,
    /// The lease as it was watched.
    seen: Option<Seen>,
}

impl<C: Cluster, H: Helm, D: Cluster> Seams<'_, C, H, D> {
    /// Gathers all that speaks for or against an owner at work.
    ///
    /// # Errors
    /// If there is no such release, or it can't be read; of kind [`Kind::Unsupported`] for `HELM_DRIVER=sql`.
    pub async fn look(&self, name: &str) -> Result<Found, Error> {
        super::revdiff::validate_name(name)?;
        Records::of(self.storage)?;
        self.stages.stage(&format!("reading the release {name}"));
        let history = self.storage.history(name).await?;
        let Some(last) = history.entries().last() else { return Err(self.storage.no_release(name).await) };
        let release = self.storage.read(name, last.revision).await?;
        let namespace = self.storage.namespace().to_owned();
        let mut view = UnlockView {
            release: name.to_owned(),
            namespace: namespace.clone(),
            revision: release.revision,
            status: release.info.status.clone(),
            since: release.info.last_deployed.parse().ok().or(last.created),
            observed: (self.now)(),
            ..UnlockView::default()
        };
        if !view.is_pending() {
            view.reason = "its last revision is not pending".to_owned();
            return Ok(Found { view, seen: None });
        }
        view.commands = commands(&view, &history);
        self.stages.stage("watching for a sign of life of the lease's holder");
        let lease = record::inspect(self.cluster, &namespace, name, self.now).await;
        let seen = match lease {
            Ok(Some((seen, judged))) => {
                let alive = judged != Judged::Free;
                let owner = status::owner(&seen, view.observed);
                view.owner = Some(crate::report::releases::Owner { alive: Some(alive), ..owner });
                Some(seen)
            }
            Ok(None) => None,
            Err(error) => {
                view.owner_unknown = Some(error.to_string());
                None
            }
        };
        view.processes = processes::at_work(name, &namespace);
        self.stages.stage("looking at hooks, and comparing what runs with the manifests");
        (view.hooks, view.hooks_unknown) = self.running_hooks(&release).await;
        view.live = self.live(&release, &history).await;
        view.observed = (self.now)();
        (view.owner_gone, view.reason) = judge(&view);
        Ok(Found { view, seen })
    }

    /// Sets the pending revision to failed.
    ///
    /// # Errors
    /// Of kind [`Kind::Locked`] if somebody is at work after all, or has changed the release; else if it can't be written.
    pub async fn unlock(&self, found: &mut Found, me: &Holder) -> Result<(), Error> {
        let view = &mut found.view;
        let at = (view.namespace.as_str(), view.release.as_str());
        let lease = record::acquire_after(self.cluster, at, me, self.now, found.seen.take()).await?;
        let lease = match lease {
            Acquired::Held(lease) => Some(lease),
            Acquired::NoRight(_) => None,
            Acquired::Busy { holder, .. } => {
                let message =
                    format!("cannot unlock release \"{}\": {} is at work on it now", view.release, shown(&holder));
                return Err(Error::new(Kind::Locked, message));
            }
        };
        let left = view.owner.as_ref().map(|owner| format!("left by {}", owner.holder));
        let text = format!("Unlocked: was {}, {}", view.status, left.unwrap_or_else(|| "owner not known".to_owned()));
        let change = Revision {
            status: Some("failed".to_owned()),
            description: Some(signed(&text, &who(&me.identity))),
            marks: Vec::new(),
            only_if_status: Some(view.status.clone()),
        };
        let written = match Records::of(self.storage) {
            Ok(records) => records.revise(&view.release, view.revision, &change).await,
            Err(error) => Err(error),
        };
        if let Some(lease) = lease {
            // What could not be deleted ends by itself in a quarter of a minute.
            _ = lease.release().await;
        }
        written?;
        view.unlocked = true;
        Ok(())
    }

    /// Jobs and pods among the hooks of a revision that still run, and why not all could be looked at.
    async fn running_hooks(&self, release: &Release) -> (Vec<String>, Option<String>) {
        let documents = release.documents();
        let hooks = documents.iter().filter(|document| document.is_hook());
        let objects = hooks.flat_map(|document| self.masker.open(document));
        let wanted = objects.filter(|object| ["Job", "Pod"].contains(&object.id.kind.as_str())).take(MOST_HOOKS);
        let (mut running, mut unknown) = (Vec::new(), None);
        for object in wanted {
            let resource = if object.id.kind == "Job" { Resource::JOBS } else { Resource::PODS };
            let namespace = object.id.namespace.clone().unwrap_or_else(|| release.namespace.clone());
            let at = ObjectRef { resource, namespace: Some(namespace), name: object.id.name.clone() };
            match self.cluster.get(&at).await {
                Ok(body) if runs(&body, &at) => running.push(format!("{} {}", object.id.kind, clean(&object.id.name))),
                Ok(_) | Err(ClusterError::NotFound { .. }) => {}
                Err(error) => unknown = unknown.or(Some(error.to_string())),
            }
        }
        (running, unknown)
    }

    /// What runs, beside the manifests of the pending and of the deployed revision.
    async fn live(&self, pending: &Release, history: &History) -> Vec<Live> {
        let deployed = self.storage.deployed(&pending.name, history).await.ok();
        let (one, other) = join(self.compared(pending), async {
            match &deployed {
                Some(deployed) => Some(self.compared(deployed).await),
                None => None,
            }
        })
        .await;
        std::iter::once(one).chain(other).collect()
    }

    async fn compared(&self, release: &Release) -> Live {
        let mut compared = Live {
            revision: release.revision,
            status: release.info.status.clone(),
            compared: 0,
            equal: 0,
            problem: None,
        };
        let options = live::Options {
            release: release.name.clone(),
            revision: Some(release.revision),
            compare: Compare::Auto,
            selection: Selection::default(),
            ignore: Vec::new(),
        };
        match live::run(self.storage, self.cluster, self.masker, &options, &()).await {
            Ok(found) => {
                let manifest = &found.outcome.diff.manifest;
                compared.compared = manifest.parsed;
                compared.equal = manifest.unchanged;
                compared.problem = found
                    .incomplete
                    .map(|error| error.message.lines().map(str::trim).take(2).collect::<Vec<_>>().join(" "));
            }
            Err(error) => compared.problem = Some(error.message),
        }
        compared
    }
}

/// Whether a Job or a pod still runs.
fn runs(body: &[u8], at: &ObjectRef) -> bool {
    let node: Option<Node> = serde_json::from_slice(body).ok();
    let object = node.and_then(|node| Observed::new(node, &at.resource.api_version(), &at.resource.kind));
    object.is_some_and(|object| match &*at.resource.kind {
        "Job" => !["Complete", "Failed"].iter().any(|name| object.condition(name).is_some_and(|one| one.is_true())),
        _ => !["Succeeded", "Failed"].contains(&object.text(&["status", "phase"])),
    })
}

/// Whether there is proof that nobody is at work, and why, or why not.
fn judge(view: &UnlockView) -> (bool, String) {
    let revision = view.revision;
    let no = |reason: String| (false, reason);
    let Some(owner) = &view.owner else {
        return no(match &view.owner_unknown {
            Some(reason) => format!("the lease can't be read: {reason}"),
            None => {
                "there is no lease, so a helm that was run by hand may still be at work, here or elsewhere".to_owned()
            }
        });
    };
    // What may be in any namespace is for the reader to know; what is in this one is no dead owner's.
    let process = view.processes.iter().flatten().find(|process| process.same_namespace);
    match (owner.alive, owner.revision) {
        (Some(false), _) if process.is_some() => {
            let pid = process.map(|process| process.pid).unwrap_or_default();
            no(format!("process {pid} on this machine may be at work on the release"))
        }
        (Some(false), Some(of)) if of == revision => {
            (true, format!("{} held the lease for revision {revision} and is gone", owner.holder))
        }
        (Some(false), Some(of)) => no(format!("the lease is of revision {of}, and not of revision {revision}")),
        (Some(false), None) => no("the lease does not say of which revision it is".to_owned()),
        _ => no(format!("{} holds the lease and is alive", owner.holder)),
    }
}

fn commands(view: &UnlockView, history: &History) -> Vec<Command> {
    let (name, namespace) = (&view.release, &view.namespace);
    let mut commands = vec![Command {
        line: format!("helm safe-upgrade {name} CHART -n {namespace}"),
        does: "goes on: upgrades again".to_owned(),
    }];
    if let Some(revision) = rollback_target(history.entries()) {
        commands.push(Command {
            line: format!("helm safe-upgrade rollback {name} {revision} -n {namespace}"),
            does: format!("goes back to revision {revision}"),
        });
    }
    commands
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::report::releases::Owner;
    use crate::report::releases::unlock::Process;

    fn owner(alive: Option<bool>, revision: Option<u32>) -> Option<Owner> {
        Some(Owner { holder: "ann@ci".to_owned(), since: None, last_sign: None, phase: None, revision, alive })
    }

    #[test]
    fn only_a_lease_of_this_revision_whose_holder_is_gone_is_proof() {
        let process = |same_namespace| Process { pid: 7, command: "helm upgrade web …".to_owned(), same_namespace };
        let rows = [
            (owner(Some(false), Some(8)), None, None, true),
            (owner(Some(false), Some(8)), Some(vec![]), None, true),
            (owner(Some(false), Some(8)), Some(vec![process(true)]), None, false),
            (owner(Some(false), Some(8)), Some(vec![process(false)]), None, true),
            (owner(Some(false), Some(7)), None, None, false),
            (owner(Some(false), None), None, None, false),
            (owner(Some(true), Some(8)), None, None, false),
            (owner(None, Some(8)), None, None, false),
            (None, Some(vec![]), None, false),
            (None, Some(vec![]), Some("forbidden".to_owned()), false),
        ];
        for (owner, processes, owner_unknown, expected) in rows {
            let view = UnlockView { revision: 8, owner, processes, owner_unknown, ..UnlockView::default() };
            let (gone, reason) = judge(&view);
            assert_eq!(gone, expected, "{reason}: {view:?}");
        }
    }

    #[test]
    fn a_hook_runs_until_it_says_that_it_has_ended() {
        let at = |resource: Resource| ObjectRef { resource, namespace: None, name: "m".to_owned() };
        let job =
            |status: &str| runs(format!(r#"{{"metadata":{{}},"status":{status}}}"#).as_bytes(), &at(Resource::JOBS));
        assert!(job("{}"));
        assert!(job(r#"{"active":1}"#));
        assert!(!job(r#"{"conditions":[{"type":"Complete","status":"True"}]}"#));
        assert!(!job(r#"{"conditions":[{"type":"Failed","status":"True"}]}"#));
        let pod = |phase: &str| {
            runs(format!(r#"{{"metadata":{{}},"status":{{"phase":"{phase}"}}}}"#).as_bytes(), &at(Resource::PODS))
        };
        assert!(pod("Running") && pod("Pending"));
        assert!(!pod("Succeeded") && !pod("Failed"));
    }
}
