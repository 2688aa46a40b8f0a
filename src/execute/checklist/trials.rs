//! Sends the objects of a revision to the API server in a dry run, as Helm would send them: several at the same time.

use std::collections::BTreeSet;

use futures::future::join;
use futures::stream::{self, StreamExt as _};

use super::Seams;
use super::lives::Lives;
use super::parsed::{Candidate, Parsed};
use crate::checks::snapshot::Known;
use crate::checks::trial::{Outcome, Trial, Trials};
use crate::cluster::{ApiKind, Cluster, ObjectRef, Sending, Served};
use crate::execute::Options;
use crate::helm::Helm;
use crate::manifest::hook;
use crate::manifest::identity::ObjectId;
use crate::manifest::live::{Configuration, LiveObject};
use crate::manifest::refusal::Refusal;
use crate::release::Release;
use crate::storage::Storage;
use crate::storage::record::object_name;

/// So many dry runs are made at the same time.
const AT_ONCE: usize = 32;

/// How Helm writes an object that is in the cluster.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Method {
    /// It is applied at the server.
    Apply { force: bool },
    /// A patch is sent.
    Patch,
    /// It is replaced.
    Replace,
}

/// What all dry runs of a revision have in common.
struct Run<'a, C> {
    cluster: &'a C,
    lives: &'a Lives<'a, C>,
    release: &'a Release,
    method: Method,
    /// Whether a patch that changes nothing is sent: the server judges the object all the same.
    thorough: bool,
}

/// Tries the objects of the upgrade: those that change, and where Helm applies at the server all, as it sends all.
pub(super) async fn of_upgrade<C: Cluster, H: Helm>(
    (seams, lives): (&Seams<'_, C, H>, &Lives<'_, C>),
    options: &Options,
    (new, old): (&Parsed<'_>, Option<&Parsed<'_>>),
    last: u32,
) -> Known<Trials> {
    let (release, is_first) = (new.release, old.is_none());
    let by_server = release.is_applied_by_server();
    let method = match (by_server, options.apply.waiting.force) {
        (true, _) => Method::Apply { force: options.apply.force_conflicts },
        (false, true) => Method::Replace,
        (false, false) => Method::Patch,
    };
    let mut candidates = new.beside(old);
    if !by_server {
        candidates.retain(Candidate::changes);
    }
    candidates.extend(new.hooks_at(hook::points_of_upgrade(is_first, options.apply.waiting.no_hooks)));
    let run = Run { cluster: seams.cluster, lives, release, method, thorough: false };
    let stored = stores(seams.storage, seams.cluster, (&release.name, last + 1));
    let (objects, record) = join(run.try_all(candidates), stored).await;
    Ok(Trials {
        by_server,
        replaces: options.apply.waiting.force,
        takes_ownership: options.apply.take_ownership,
        creates_namespace: is_first && options.apply.create_namespace,
        applies_crds: is_first && !options.apply.skip_crds,
        objects: objects?,
        record,
    })
}

/// Tries the objects of the revision to go back to, on what the cluster has today: those that the upgrade makes different. Of the
/// others it is only asked whether the server knows their kinds, as they are tried with the upgrade.
pub(super) async fn of_way_back<C: Cluster, H: Helm>(
    (seams, lives): (&Seams<'_, C, H>, &Lives<'_, C>),
    options: &Options,
    (new, target): (&Parsed<'_>, Known<Option<&Parsed<'_>>>),
) -> Known<Option<Trials>> {
    let Some(target) = target? else { return Ok(None) };
    let by_server = target.release.is_applied_by_server();
    let method = if by_server { Method::Apply { force: true } } else { Method::Patch };
    let mut candidates = target.beside(Some(new));
    candidates.extend(target.hooks_at(hook::points_of_rollback(options.apply.waiting.no_hooks)));
    let run = Run { cluster: seams.cluster, lives, release: target.release, method, thorough: true };
    let mut objects = run.try_all(candidates).await?;
    objects.retain(|trial| trial.outcome != Outcome::Accepted || !trial.warnings.is_empty());
    Ok(Some(Trials { by_server, objects, ..Trials::default() }))
}

impl<C: Cluster> Run<'_, C> {
    async fn try_all(&self, candidates: Vec<Candidate<'_>>) -> Known<Vec<Trial>> {
        let kinds: BTreeSet<ApiKind> = candidates.iter().map(|candidate| kind_of(&candidate.declared.id)).collect();
        let kinds: Vec<ApiKind> = kinds.into_iter().collect();
        let served = self.cluster.discover(&kinds).await.map_err(|error| error.to_string())?;
        let trying = candidates.into_iter().map(async |candidate| {
            let served = served.get(&kind_of(&candidate.declared.id));
            self.try_one(candidate, served).await
        });
        Ok(stream::iter(trying).buffered(AT_ONCE).collect().await)
    }

    async fn try_one(&self, candidate: Candidate<'_>, served: Option<&Served>) -> Trial {
        let mut id = candidate.declared.id.clone();
        let mut trial = Trial {
            source: candidate.declared.source.clone(),
            hook: candidate.hook,
            is_new: candidate.old.is_none(),
            live: Ok(None),
            warnings: Vec::new(),
            outcome: Outcome::Unserved,
            id: id.clone(),
        };
        let Some(served) = served else { return trial };
        let own = || id.namespace.clone().unwrap_or_else(|| self.release.namespace.clone());
        let namespace = served.namespaced.then(own);
        id.namespace.clone_from(&namespace);
        trial.id = id;
        if self.thorough && !candidate.hook && !candidate.changes() {
            trial.outcome = Outcome::Accepted;
            return trial;
        }
        let at = ObjectRef { resource: served.resource.clone(), namespace, name: candidate.declared.id.name.clone() };
        let sent = match self.to_send(&candidate, &at, &mut trial).await {
            Ok(Some(sent)) => sent,
            Ok(None) => {
                trial.outcome = Outcome::Accepted;
                return trial;
            }
            Err(reason) => {
                trial.outcome = Outcome::Untried(reason);
                return trial;
            }
        };
        match self.cluster.try_out(&at, sent.0, &sent.1).await {
            Ok(tried) => {
                trial.warnings = tried.warnings;
                trial.outcome = tried.refusal.map_or(Outcome::Accepted, |refusal| outcome(refusal, sent.0, &at));
            }
            Err(error) => trial.outcome = Outcome::Untried(error.to_string()),
        }
        trial
    }

    /// What Helm sends of an object; nothing where it would send nothing.
    async fn to_send(
        &self,
        candidate: &Candidate<'_>,
        at: &ObjectRef,
        trial: &mut Trial,
    ) -> Result<Option<(Sending, Configuration)>, String> {
        let declared = candidate.declared;
        let owner = (self.release.name.as_str(), self.release.namespace.as_str());
        if candidate.hook {
            return Ok(Some((Sending::Create, declared.as_hook())));
        }
        let made_up = at.name.ends_with('*');
        if let Method::Apply { force } = self.method {
            if trial.is_new && !made_up {
                trial.live = self.lives.get(at).await.map(|live| live.as_deref().map(LiveObject::ownership));
            }
            return Ok(Some((Sending::Apply { force }, declared.configuration(owner.0, owner.1))));
        }
        let live = if made_up { Ok(None) } else { self.lives.get(at).await };
        trial.live = live.as_ref().map(|live| live.as_deref().map(LiveObject::ownership)).map_err(Clone::clone);
        let Some(live) = live? else {
            return Ok(Some((Sending::Create, declared.configuration(owner.0, owner.1))));
        };
        if self.method == Method::Replace {
            return Ok(Some((Sending::Replace, declared.replacement(&live, owner))));
        }
        let patch = declared.patch(candidate.old, &live, owner);
        if patch.is_empty && !self.thorough {
            return Ok(None);
        }
        let sending = if patch.strategic { Sending::StrategicPatch } else { Sending::MergePatch };
        Ok(Some((sending, patch.configuration)))
    }
}

/// What a refusal means. What it says nothing of the object with is no refusal of it.
fn outcome(refusal: Refusal, sending: Sending, at: &ObjectRef) -> Outcome {
    let verb = match sending {
        Sending::Create => "create",
        Sending::Replace => "update",
        Sending::Apply { .. } | Sending::StrategicPatch | Sending::MergePatch => "patch",
    };
    match refusal.reason.as_str() {
        _ if refusal.is_of_rights() => {
            // Who may patch and not create may not apply what is new.
            let lacks_create = refusal.message.contains("\" cannot create ");
            Outcome::Untried(may_not(if lacks_create { "create" } else { verb }, at))
        }
        // A hook that is there is deleted first, or told by the checks of hooks.
        "AlreadyExists" => Outcome::Accepted,
        "Conflict" if refusal.causes.is_empty() => Outcome::Untried("it is being changed by somebody else".to_owned()),
        _ if refusal.message.contains("does not support dry run") => Outcome::Untried(refusal.message),
        _ => Outcome::Refused(Box::new(refusal)),
    }
}

pub(super) fn may_not(verb: &str, at: &ObjectRef) -> String {
    let (group, plural) = (&at.resource.group, &at.resource.plural);
    let dot = if group.is_empty() { "" } else { "." };
    let place = at.namespace.as_ref().map(|namespace| format!(" in namespace {namespace:?}")).unwrap_or_default();
    format!("you may not {verb} {plural}{dot}{group}{place}")
}

fn kind_of(id: &ObjectId) -> ApiKind {
    ApiKind { group: id.group.clone(), version: id.version.clone(), kind: id.kind.clone() }
}

/// Whether the object can be made in which Helm stores the next revision.
async fn stores<C: Cluster, H: Helm>(
    storage: &Storage<C, H>,
    cluster: &C,
    (release, revision): (&str, u32),
) -> Option<Outcome> {
    let Storage::Objects { resource, .. } = storage else { return None };
    let (name, namespace) = (object_name(release, revision), storage.namespace().to_owned());
    let mut record = serde_json::json!({
        "apiVersion": "v1",
        "kind": resource.kind,
        "metadata": {"name": name, "labels": {"owner": "helm", "name": release, "status": "pending-upgrade"}},
    });
    if resource.kind == "Secret" {
        record["type"] = "helm.sh/release.v1".into();
    }
    let at = ObjectRef { resource: resource.clone(), namespace: Some(namespace), name };
    let record = Configuration::from_json(record.to_string().into_bytes());
    Some(match cluster.try_out(&at, Sending::Create, &record).await {
        Ok(tried) => tried.refusal.map_or(Outcome::Accepted, |refusal| outcome(refusal, Sending::Create, &at)),
        Err(error) => Outcome::Untried(error.to_string()),
    })
}
