//! Watching over a release that is ready: what restarts, and what is not ready any more.

use std::collections::{HashMap, HashSet};

use jiff::{SignedDuration, Timestamp};

use super::nodes::{Nodes, Standing, is_disrupted, took_along};
use crate::upgrade::judge::{Judgement, Row, Sign, State, Verdict};
use crate::upgrade::revision;
use crate::upgrade::rules::{NO_ROOM, PROBE};
use crate::upgrade::world::{ContainerFacts, Key, PodRef, Wanted, World};

/// More doubts than that are not kept.
const MOST_DOUBTS: usize = 20;

/// What was so at the beginning of the vigil, and what is lacking since when.
///
/// What the upgrade has not touched can't have failed by it: it leaves a doubt, and is no trouble.
#[derive(Debug, Default)]
pub struct Vigil {
    /// How often each container had been restarted, by the pod's uid and its name.
    restarts: HashMap<(String, String), i64>,
    /// So many pods of each object were ready.
    ready: HashMap<Key, u32>,
    lacking: HashMap<Key, Timestamp>,
    /// How long what is not ready has to become so again.
    grace: SignedDuration,
    /// Whether what the upgrade has not changed counts as well.
    everything: bool,
    /// The pods of each object that something outside of them ended or took the readiness from, by their uid, until as many are ready
    /// as there were.
    excused: HashMap<Key, HashSet<String>>,
    /// So often a container was restarted when it was seen, and when that was.
    noticed: HashMap<(String, String), (i64, Timestamp)>,
    nodes: Nodes,
    doubts: Vec<String>,
}

/// What was seen, by whether it counts.
#[derive(Default)]
struct Seen {
    troubles: Vec<String>,
    doubts: Vec<String>,
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
        Self { restarts, ready, grace, ..Self::default() }
    }

    /// Counts what was not changed as well, as where there is no upgrade and it is only looked.
    #[must_use]
    pub fn of_everything(self, everything: bool) -> Self {
        Self { everything, ..self }
    }

    /// What has gone wrong since, a sentence each: a container of the new revision that was restarted, an object that was not
    /// ready for longer than its grace, or a rule of failure.
    #[must_use]
    pub fn troubles(&mut self, world: &World, judgement: &Judgement, now: Timestamp) -> Vec<String> {
        let mut seen = Seen::default();
        self.excuse(world, judgement);
        self.restarted(world, now, &mut seen);
        if let Verdict::Failed(signs) = &judgement.verdict {
            let signs = signs.iter().filter(|sign| self.counts(world, judgement, sign));
            seen.troubles.extend(signs.map(|sign| format!("{}: {}", sign.object, sign.message)));
        }
        let mut unready = Seen::default();
        self.unready((world, judgement), now, &mut unready);
        for doubt in seen.doubts.into_iter().chain(unready.doubts) {
            if self.doubts.len() < MOST_DOUBTS && !self.doubts.contains(&doubt) {
                self.doubts.push(doubt);
            }
        }
        if seen.troubles.is_empty() { unready.troubles } else { seen.troubles }
    }

    /// What went wrong and need not be the upgrade's work, so that nobody can tell, a sentence each.
    #[must_use]
    pub fn doubts(&self) -> &[String] {
        &self.doubts
    }

    /// The nodes that must be asked before it can be told what counts: a restart, or readiness that is lost, may be theirs.
    /// [Their answer](Self::hear) decides.
    #[must_use]
    pub fn unheard_nodes(&mut self) -> Vec<String> {
        self.nodes.unheard()
    }

    /// What was asked of nodes, now.
    pub fn hear(&mut self, answers: Vec<(String, Standing)>, now: Timestamp) {
        self.nodes.hear(answers, now);
    }

    /// When the next grace ends, after this time.
    #[must_use]
    pub fn look_again(&self, judgement: &Judgement, now: Timestamp) -> Option<Timestamp> {
        let ends = self.lacking.values().filter_map(|since| since.checked_add(self.grace).ok());
        // What lacks something for longer is looked at with the rest.
        let ends = ends.filter(|end| *end > now);
        ends.chain(judgement.look_again).min()
    }

    /// Whether a sign of failure counts.
    fn counts(&self, world: &World, judgement: &Judgement, sign: &Sign) -> bool {
        // What a hook has left behind is no part of what runs.
        let hook = world.wanted().iter().any(|wanted| wanted.hook && wanted.key == sign.object);
        let row = judgement.rows.iter().find(|row| !row.hook && row.key == sign.object);
        // Pods beyond what there was, as an autoscaler asks for, need not be had. Where fewer are ready than there were, that counts by
        // itself, after a grace of its own.
        let more = NO_ROOM.contains(&sign.rule) && row.is_some_and(|row| row.wanted > 0);
        // One that was restarted with its node takes its time again.
        let again = sign.rule == PROBE && row.is_some_and(|row| self.is_excused(world, row, sign));
        !hook && !more && !again
    }

    /// Whether the pod of a sign is one of those that something outside of them restarted.
    fn is_excused(&self, world: &World, row: &Row, sign: &Sign) -> bool {
        let Some(excused) = self.excused.get(&row.key) else { return false };
        new_pods(world, &row.key).any(|pod| {
            let named = sign.pod.as_deref() == Some(pod.object.name());
            named && excused.contains(pod.object.uid())
        })
    }

    /// So many pods fewer than at the beginning are ready; for what has none, whether it is not ready any more.
    fn lacks(&self, row: &Row) -> usize {
        let had = self.ready.get(&row.key).copied().unwrap_or_default();
        if row.wanted == 0 { 1 } else { had.min(row.wanted).saturating_sub(row.ready) as usize }
    }

    fn excused_of(&self, row: &Row) -> usize {
        self.excused.get(&row.key).map_or(0, HashSet::len)
    }

    /// Notes the pods that something outside of them ends, before they are gone.
    fn excuse(&mut self, world: &World, judgement: &Judgement) {
        for row in judgement.rows.iter().filter(|row| !row.hook && row.wanted > 0) {
            if self.lacks(row) == 0 {
                self.excused.remove(&row.key);
            }
            for pod in new_pods(world, &row.key).filter(|pod| is_disrupted(*pod)) {
                self.excused.entry(row.key.clone()).or_default().insert(pod.object.uid().to_owned());
            }
        }
    }

    /// What was not ready for longer than its grace. More pods that are not ready yet are none that are not ready any more: an
    /// autoscaler may ask for them at any time.
    fn unready(&mut self, (world, judgement): (&World, &Judgement), now: Timestamp, seen: &mut Seen) {
        let before = std::mem::take(&mut self.lacking);
        if !world.is_in_sight() {
            return;
        }
        for row in judgement.rows.iter().filter(|row| !row.hook) {
            let (State::Waiting(reason) | State::Failed(reason)) = &row.state else { continue };
            if self.lacks(row) <= self.excused_of(row) {
                continue;
            }
            let since = before.get(&row.key).copied().unwrap_or(now);
            self.lacking.insert(row.key.clone(), since);
            if now.duration_since(since) < self.grace {
                continue;
            }
            let said = format!("{}: not ready any more: {reason}", row.key);
            // What is gone was there, so it is the upgrade's to answer for.
            if !self.everything && world.object(&row.key).is_some_and(|object| !world.is_changed(object)) {
                seen.doubts.push(format!("{said} (this upgrade has not changed it)"));
            } else if !self.is_of_nodes(world, row, since) {
                seen.troubles.push(said);
            }
        }
    }

    /// Whether what is lacking is lost with nodes, or they must be asked first.
    fn is_of_nodes(&mut self, world: &World, row: &Row, since: Timestamp) -> bool {
        let mut is_open = false;
        for pod in new_pods(world, &row.key).filter(|pod| !pod.facts.ready) {
            match self.nodes.standing(&pod.facts.node, since) {
                None => is_open = true,
                Some(Standing::Lost) => {
                    self.excused.entry(row.key.clone()).or_default().insert(pod.object.uid().to_owned());
                }
                Some(_) => {}
            }
        }
        is_open || self.lacks(row) <= self.excused_of(row)
    }

    fn restarted(&mut self, world: &World, now: Timestamp, seen: &mut Seen) {
        for (wanted, pod) in pods(world) {
            let Some(object) = world.object(&wanted.key) else { continue };
            let is_ours = self.everything || (world.is_changed(object) && world.is_new(pod.object));
            for container in &pod.facts.containers {
                let known = (pod.object.uid().to_owned(), container.name.clone());
                if container.restarts <= self.restarts.get(&known).copied().unwrap_or_default() {
                    continue;
                }
                let said = restart(wanted, pod, container);
                if !is_ours {
                    seen.doubts.push(format!("{said}, which this upgrade has not made"));
                    continue;
                }
                let noticed = self.noticed.entry(known.clone()).or_insert((container.restarts, now));
                if noticed.0 != container.restarts {
                    *noticed = (container.restarts, now);
                }
                match took_along(&mut self.nodes, (pod, container.ended.as_ref()), noticed.1) {
                    None => {}
                    Some(false) => seen.troubles.push(said),
                    Some(true) => {
                        self.excused.entry(wanted.key.clone()).or_default().insert(known.0.clone());
                        self.restarts.insert(known, container.restarts);
                        seen.doubts.push(format!("{said} with its node {}", pod.facts.node));
                    }
                }
            }
        }
    }
}

/// `deployment/web: container app was restarted, OOMKilled (pod web-2-a)`
fn restart(wanted: &Wanted, pod: PodRef<'_>, container: &ContainerFacts) -> String {
    let ended = container.ended.as_ref().map(|ended| match &*ended.reason {
        "" | "Error" => format!(", exit code {}", ended.exit_code),
        reason => format!(", {reason}"),
    });
    let (name, pod, ended) = (&container.name, pod.object.name(), ended.unwrap_or_default());
    format!("{}: container {name} was restarted{ended} (pod {pod})", wanted.key)
}

/// The pods of the newest revision that are to live on, with the object that they belong to.
fn pods(world: &World) -> impl Iterator<Item = (&Wanted, PodRef<'_>)> {
    world.wanted().iter().flat_map(|wanted| pods_of(world, wanted).into_iter().map(move |pod| (wanted, pod)))
}

/// The pods of an object's newest revision, those too that leave.
fn new_pods<'a>(world: &'a World, key: &Key) -> impl Iterator<Item = PodRef<'a>> + use<'a> {
    let pods = world.object(key).map(|object| revision::pods(world, key, object)).unwrap_or_default();
    pods.into_iter().filter(|(_, new)| *new).map(|(pod, _)| pod)
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
