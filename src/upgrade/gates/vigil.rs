//! Watching over a release that is ready: what restarts, and what is not ready any more.

use std::collections::HashMap;

use jiff::{SignedDuration, Timestamp};

use crate::upgrade::judge::{Judgement, State, Verdict};
use crate::upgrade::revision;
use crate::upgrade::world::{Key, PodRef, Wanted, World};

/// What was so at the beginning of the vigil, and what is lacking since when.
#[derive(Debug)]
pub struct Vigil {
    /// How often each container had been restarted, by the pod's uid and its name.
    restarts: HashMap<(String, String), i64>,
    /// So many pods of each object were ready.
    ready: HashMap<Key, u32>,
    lacking: HashMap<Key, Timestamp>,
    /// How long what is not ready has to become so again.
    grace: SignedDuration,
}

impl Vigil {
    /// Begins now. What has been restarted until now counts no more.
    #[must_use]
    pub fn begin(world: &World, judgement: &Judgement, grace: SignedDuration) -> Self {
        let mut restarts = HashMap::new();
        for (_, pod) in pods(world) {
            for container in &pod.facts.containers {
                restarts.insert((pod.object.uid().to_owned(), container.name.clone()), container.restarts);
            }
        }
        let ready = judgement.rows.iter().map(|row| (row.key.clone(), row.ready)).collect();
        Self { restarts, ready, lacking: HashMap::new(), grace }
    }

    /// What has gone wrong since, a sentence each: a container of the new revision that was restarted, an object that was not
    /// ready for longer than its grace, or a rule of failure.
    #[must_use]
    pub fn troubles(&mut self, world: &World, judgement: &Judgement, now: Timestamp) -> Vec<String> {
        let mut troubles = self.restarted(world);
        if let Verdict::Failed(signs) = &judgement.verdict {
            // What a hook has left behind is no part of what runs.
            let hook = |key: &Key| world.wanted().iter().any(|wanted| wanted.hook && wanted.key == *key);
            let signs = signs.iter().filter(|sign| !hook(&sign.object));
            troubles.extend(signs.map(|sign| format!("{}: {}", sign.object, sign.message)));
        }
        let unready = self.unready(world, judgement, now);
        if troubles.is_empty() { unready } else { troubles }
    }

    /// When the next grace ends.
    #[must_use]
    pub fn look_again(&self, judgement: &Judgement) -> Option<Timestamp> {
        let ends = self.lacking.values().filter_map(|since| since.checked_add(self.grace).ok());
        ends.chain(judgement.look_again).min()
    }

    /// What was not ready for longer than its grace. More pods that are not ready yet are none that are not ready any more: an
    /// autoscaler may ask for them at any time.
    fn unready(&mut self, world: &World, judgement: &Judgement, now: Timestamp) -> Vec<String> {
        let before = std::mem::take(&mut self.lacking);
        if !world.is_in_sight() {
            return Vec::new();
        }
        let mut found = Vec::new();
        for row in judgement.rows.iter().filter(|row| !row.hook) {
            let (State::Waiting(reason) | State::Failed(reason)) = &row.state else { continue };
            let had = self.ready.get(&row.key).copied().unwrap_or_default();
            if row.wanted > 0 && row.ready >= had.min(row.wanted) {
                continue;
            }
            let since = before.get(&row.key).copied().unwrap_or(now);
            self.lacking.insert(row.key.clone(), since);
            if now.duration_since(since) >= self.grace {
                found.push(format!("{}: not ready any more: {reason}", row.key));
            }
        }
        found
    }

    fn restarted(&self, world: &World) -> Vec<String> {
        let mut found = Vec::new();
        for (object, pod) in pods(world) {
            for container in &pod.facts.containers {
                let known = (pod.object.uid().to_owned(), container.name.clone());
                let before = self.restarts.get(&known).copied().unwrap_or_default();
                if container.restarts > before {
                    let ended = container.ended.as_ref().map(|ended| match &*ended.reason {
                        "" | "Error" => format!(", exit code {}", ended.exit_code),
                        reason => format!(", {reason}"),
                    });
                    let ended = ended.unwrap_or_default();
                    let (name, pod) = (&container.name, pod.object.name());
                    found.push(format!("{object}: container {name} was restarted{ended} (pod {pod})"));
                }
            }
        }
        found
    }
}

/// The pods of the newest revision that are to live on, with the object that they belong to.
fn pods(world: &World) -> impl Iterator<Item = (String, PodRef<'_>)> {
    world.wanted().iter().flat_map(|wanted| {
        let key = wanted.key.to_string();
        pods_of(world, wanted).into_iter().map(move |pod| (key.clone(), pod))
    })
}

/// Those of one object.
pub(super) fn pods_of<'a>(world: &'a World, wanted: &Wanted) -> Vec<PodRef<'a>> {
    let Some(object) = world.object(&wanted.key).filter(|_| !wanted.hook && wanted.key.kind != "Job") else {
        return Vec::new();
    };
    let counts = |pod: &PodRef<'_>| pod.facts.lives_on && !pod.facts.leaving;
    let pods = revision::pods(world, &wanted.key, object).into_iter();
    pods.filter(|(pod, new)| *new && counts(pod)).map(|(pod, _)| pod).collect()
}
