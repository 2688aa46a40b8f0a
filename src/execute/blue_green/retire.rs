//! Retiring the release that had the traffic: uninstalling it, or scaling it to zero.

use jiff::Timestamp;
use serde_json::{Value, json};

use super::Rollout;
use crate::cluster::{Cluster, ClusterError, FIELD_MANAGER, ObjectRef, Resource};
use crate::diff::workload::Kind as Workload;
use crate::error::{Error, Kind};
use crate::execute::keeper::Keeper;
use crate::helm::Helm;
use crate::manifest::live::Declared;
use crate::upgrade::blue_green::event::Step;
use crate::upgrade::blue_green::kept::Kept;
use crate::upgrade::blue_green::next::{Action, next};
use crate::upgrade::blue_green::{Outcome, Retire};

/// So often an object is changed anew where somebody else writes to it.
const TRIES: u32 = 20;

impl<C: Cluster, H: Helm> Rollout<'_, C, H> {
    /// Retires it as wanted.
    pub(super) async fn retire(&self, kept: &mut Kept) -> Result<Option<Outcome>, Error> {
        // Whoever has taken over in between has written to it, and this fails.
        self.keep(kept).await?;
        let live = kept.roles.live.clone();
        let does = match kept.retire {
            Retire::Keep => return Ok(Some(Outcome::Switched)),
            Retire::Uninstall => format!("uninstall {live}"),
            Retire::Scale => format!("scale {live} to zero"),
        };
        self.begins(Step::Retire, does);
        // The proof may be old. What is gone for good is not given for what nobody answers by now.
        if let Some(why) = self.await_readiness(&kept.switch, self.there(kept), 0).await? {
            if self.seams.interrupts.asked().is_some() {
                return Ok(None);
            }
            let why = format!("no ready pod of {}: {why}; so {live} stays", kept.roles.idle);
            return Ok(Some(self.over_at(Step::Retire, kept, (why, Outcome::Unproven))));
        }
        // While it was waited somebody may have led the traffic back, or begun to work on one of the two: that is seen next.
        let (_, state) = self.state(kept, None).await?;
        if next(&state, Timestamp::now()) != Action::Retire {
            return Ok(None);
        }
        let told = match kept.retire {
            Retire::Scale => self.scale_to_zero(&live).await?,
            _ => {
                self.remove(&live).await?;
                format!("{live} is uninstalled")
            }
        };
        self.ends(Step::Retire, true, told);
        Ok(Some(Outcome::Switched))
    }

    /// Uninstalls a release, if it is there.
    pub(super) async fn remove(&self, name: &str) -> Result<(), Error> {
        if self.is_gone(name).await? {
            return Ok(());
        }
        let keeper = Keeper::take(&self.seams, name, &self.idle.options.who).await?;
        let removed = keeper.while_held(self.uninstall(name)).await;
        keeper.give_back().await;
        removed
    }

    /// Whether there is nothing left of it but its history.
    async fn is_gone(&self, name: &str) -> Result<bool, Error> {
        let history = self.seams.storage.history(name).await?;
        Ok(history.entries().last().is_none_or(|last| last.status_hint == "uninstalled"))
    }

    async fn uninstall(&self, name: &str) -> Result<(), Error> {
        let mut running = self.seams.helm.uninstall(name, self.idle.options.rollback_timeout).await?;
        let ended = running.wait().await;
        // Somebody may have been faster.
        if ended.success || self.is_gone(name).await.unwrap_or(false) {
            return Ok(());
        }
        let message = format!("cannot uninstall release \"{name}\": {}", ended.message);
        Err(Error::new(Kind::Helm, message).hint("the traffic is not touched by this; run it again to go on"))
    }

    /// Scales what runs pods to zero, and says what was scaled and what can't be.
    async fn scale_to_zero(&self, name: &str) -> Result<String, Error> {
        let history = self.seams.storage.history(name).await?;
        if history.is_empty() {
            return Ok(format!("{name} is gone already"));
        }
        let release = match self.seams.storage.deployed(name, &history).await {
            Err(error) if error.kind == Kind::NotFound => return Ok(format!("{name} is gone already")),
            release => release?,
        };
        let (mut scaled, mut left) = (Vec::new(), Vec::new());
        for document in release.documents().iter().filter(|document| !document.is_hook()) {
            for declared in Declared::of(document).unwrap_or_default() {
                let Some(kind) = Workload::of(&declared.id) else { continue };
                let called = format!("{}/{}", declared.id.kind.to_lowercase(), declared.id.name);
                // What the chart leaves to an autoscaler would get its pods back from no upgrade.
                let says_replicas = declared.says(&["spec", "replicas"]);
                if !kind.has_replicas() || !says_replicas {
                    left.extend((kind != Workload::Job).then_some(called));
                    continue;
                }
                let plural = format!("{}s", declared.id.kind.to_lowercase());
                let resource = Resource {
                    group: declared.id.group.clone().into(),
                    version: declared.id.version.clone().into(),
                    plural: plural.into(),
                    kind: declared.id.kind.clone().into(),
                };
                let namespace = declared.id.namespace.clone().unwrap_or_else(|| release.namespace.clone());
                let at = ObjectRef { resource, namespace: Some(namespace), name: declared.id.name.clone() };
                if self.scale(&at, name).await? { scaled.push(called) } else { left.push(called) }
            }
        }
        let goes_on = if left.is_empty() { String::new() } else { format!("; goes on: {}", left.join(", ")) };
        let what = if scaled.is_empty() { "nothing of it has replicas".to_owned() } else { scaled.join(", ") };
        Ok(format!("{name} is scaled to zero: {what}{goes_on}"))
    }

    /// Scales a workload of a release to zero; not one that another release has taken over since: its pods are that one's.
    async fn scale(&self, at: &ObjectRef, release: &str) -> Result<bool, Error> {
        let failed = |error: ClusterError| Error::from(error).while_doing(&format!("cannot scale {at} to zero"));
        for _ in 0..TRIES {
            let body = match self.seams.cluster.get(at).await {
                Ok(body) => body,
                Err(ClusterError::NotFound { .. }) => return Ok(true),
                Err(error) => return Err(failed(error)),
            };
            let Ok(mut object) = serde_json::from_slice::<Value>(&body) else { return Ok(false) };
            let owner = object["metadata"]["annotations"]["meta.helm.sh/release-name"].as_str();
            if owner.is_some_and(|owner| owner != release) {
                return Ok(false);
            }
            if object["spec"]["replicas"] != 0 {
                let mut change = json!({"spec": {"replicas": 0}});
                change["metadata"]["resourceVersion"] = object["metadata"]["resourceVersion"].clone();
                object = match self.seams.cluster.merge(at, change.to_string().as_bytes()).await {
                    Ok(written) => serde_json::from_slice(&written).unwrap_or_default(),
                    Err(ClusterError::Conflict { .. }) => continue,
                    Err(error) => return Err(failed(error)),
                };
            }
            // Controllers write to it at this very moment.
            match self.disown(at, &object).await {
                Err(ClusterError::Conflict { .. }) => {}
                _ => return Ok(true),
            }
        }
        Err(Error::new(Kind::Cluster, format!("cannot scale {at} to zero: somebody else writes to it all the time")))
    }

    /// Gives up the field, so that the next upgrade of the release sets its replicas again: a server-side apply, as Helm 4 makes it, would
    /// stop at a field that is another manager's. Where it can't be given up, that upgrade takes `--force-conflicts`.
    async fn disown(&self, at: &ObjectRef, object: &Value) -> Result<(), ClusterError> {
        let Some(others) = others(object) else { return Ok(()) };
        let metadata = json!({"resourceVersion": object["metadata"]["resourceVersion"], "managedFields": others});
        self.seams.cluster.merge(at, json!({ "metadata": metadata }).to_string().as_bytes()).await.map(drop)
    }
}

/// The entries of the other field managers, where there is one of ours.
fn others(object: &Value) -> Option<Vec<Value>> {
    let entries = object["metadata"]["managedFields"].as_array()?;
    let others: Vec<Value> = entries.iter().filter(|entry| entry["manager"] != FIELD_MANAGER).cloned().collect();
    (others.len() < entries.len() && !others.is_empty()).then_some(others)
}
