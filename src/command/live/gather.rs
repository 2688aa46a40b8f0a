//! All objects: read alone or in lists, some at a time, and compared as they come in. What is alike is dropped at once,
//! so memory holds what differs and a few pages of a list.

use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::sync::atomic::{AtomicUsize, Ordering};

use futures::future::{BoxFuture, FutureExt as _};
use futures::stream::{self, StreamExt as _, TryStreamExt as _};
use tokio::sync::{Semaphore, SemaphorePermit};

use crate::cluster::{Cluster, ClusterError, ListQuery};
use crate::command::Stages;
use crate::command::live::object::Done;
use crate::command::live::rights::Rights;
use crate::command::live::targets::{Left, Target};
use crate::diff::live::EqualValue;
use crate::diff::live::report::{Compare, Problem};
use crate::diff::live::tools::Managed;
use crate::diff::resources::ResourceDiff;
use crate::error::Error;
use crate::manifest::identity::ObjectId;
use crate::manifest::mask::Masker;
use crate::release::Release;

/// Requests under way at the same time.
const AT_ONCE: usize = 16;
/// From so many objects of a kind in a namespace on, they are listed.
const WORTH_A_LIST: usize = 20;
/// Of a list in which fewer than one object in so many is of this release no further page is read.
const WORTH_A_PAGE: usize = 10;
/// The label that Helm puts on each of its objects.
const OF_HELM: &str = "app.kubernetes.io/managed-by=Helm";

/// What every comparison needs.
pub(super) struct Gathering<'a, C> {
    pub(super) cluster: &'a C,
    pub(super) masker: &'a Masker,
    pub(super) release: &'a Release,
    pub(super) compare: Compare,
    pub(super) rights: Rights,
    permits: Semaphore,
    stages: &'a dyn Stages,
    done: AtomicUsize,
    all: usize,
}

/// What was found.
#[derive(Debug, Default)]
pub(super) struct Gathered {
    pub(super) resources: Vec<ResourceDiff>,
    pub(super) compared: usize,
    pub(super) dry_runs: usize,
    pub(super) suppressed: usize,
    pub(super) without_dry_run: BTreeSet<String>,
    pub(super) problems: Vec<Problem>,
    pub(super) equal: Vec<(ObjectId, EqualValue)>,
    pub(super) managed: Vec<Managed>,
}

/// An object's place in the manifest, its identity and what became of it.
type Examined = (usize, ObjectId, Done);

/// Reads and compares all objects.
pub(super) async fn gather<C: Cluster>(
    cluster: &C,
    masker: &Masker,
    (release, compare): (&Release, Compare),
    (targets, left): (Vec<Target>, Left),
    stages: &dyn Stages,
) -> Result<Gathered, Error> {
    let gathering = Gathering {
        cluster,
        masker,
        release,
        compare,
        rights: Rights::new(&targets),
        permits: Semaphore::new(AT_ONCE),
        stages,
        done: AtomicUsize::new(0),
        all: targets.len(),
    };
    gathering.tell(0);
    let units = units(targets);
    let work = units.into_iter().map(|unit| gathering.unit(unit)).collect::<Vec<_>>();
    let mut found: Vec<Examined> = Vec::new();
    let mut alike = Gathered::default();
    let mut answers = stream::iter(work).buffer_unordered(AT_ONCE);
    while let Some(examined) = answers.try_next().await? {
        for one in examined {
            alike.keep(one, &mut found);
        }
    }
    Ok(alike.finish(found, left))
}

/// Objects that are read together: one, or all of a kind in a namespace.
fn units(targets: Vec<Target>) -> Vec<Vec<Target>> {
    let mut groups: BTreeMap<_, Vec<Target>> = BTreeMap::new();
    for target in targets {
        let resource = &target.at.resource;
        let key = (resource.group.clone(), resource.plural.clone(), target.at.namespace.clone());
        groups.entry((key, resource.version.clone())).or_default().push(target);
    }
    let mut units = Vec::new();
    for (_, group) in groups {
        match group.len() >= WORTH_A_LIST {
            true => units.push(group),
            false => units.extend(group.into_iter().map(|target| vec![target])),
        }
    }
    units
}

impl<'a, C: Cluster> Gathering<'a, C> {
    fn unit<'s>(&'s self, mut unit: Vec<Target>) -> BoxFuture<'s, Result<Vec<Examined>, ClusterError>>
    where
        'a: 's,
    {
        async move {
            if unit.len() > 1 {
                return self.list(unit).await;
            }
            match unit.pop() {
                Some(target) => Ok(vec![self.one(target).await?]),
                None => Ok(Vec::new()),
            }
        }
        .boxed()
    }

    /// Leave to make a request.
    pub(super) async fn permit(&self) -> Option<SemaphorePermit<'_>> {
        self.permits.acquire().await.ok()
    }

    async fn one(&self, target: Target) -> Result<Examined, ClusterError> {
        let done = self.read(&target).await?;
        self.tell(1);
        Ok((target.index, target.declared.id, done))
    }

    /// Reads a list, page by page, and what was not in it one by one. Who may not list may still get.
    async fn list(&self, targets: Vec<Target>) -> Result<Vec<Examined>, ClusterError> {
        let Some(first) = targets.first() else { return Ok(Vec::new()) };
        let query = ListQuery {
            resource: first.at.resource.clone(),
            namespace: first.at.namespace.clone(),
            label_selector: Some(OF_HELM.to_owned()),
        };
        let mut wanted: HashMap<String, Vec<Target>> = HashMap::new();
        for target in targets {
            wanted.entry(target.at.name.clone()).or_default().push(target);
        }
        let mut examined = Vec::new();
        let (mut token, mut seen, mut hits) = (String::new(), 0, 0);
        loop {
            let page = {
                let _permit = self.permit().await;
                self.cluster.list_page(&query, &token).await
            };
            let page = match page {
                Ok(page) => page,
                // One that is not allowed, too large, or forgotten by the server; each object can still be asked for.
                Err(error) if super::problem(&error).is_some() => break,
                Err(error) => return Err(error),
            };
            seen += page.items.len();
            let mut found = Vec::new();
            for live in page.items {
                if let Some(targets) = live.name().0.and_then(|name| wanted.remove(name)) {
                    hits += 1;
                    found.push((targets, live));
                }
            }
            let comparing = found.into_iter().map(async |(targets, live)| {
                let mut examined = Vec::with_capacity(targets.len());
                for target in targets {
                    let done = self.examine(&target, Some(&live)).await?;
                    self.tell(1);
                    examined.push((target.index, target.declared.id, done));
                }
                Ok::<_, ClusterError>(examined)
            });
            let comparing: Vec<_> = comparing.collect();
            let compared: Vec<Vec<Examined>> = stream::iter(comparing).buffer_unordered(AT_ONCE).try_collect().await?;
            examined.extend(compared.into_iter().flatten());
            token = page.next;
            if token.is_empty() || wanted.is_empty() || hits * WORTH_A_PAGE < seen {
                break;
            }
        }
        let rest: Vec<_> = wanted.into_values().flatten().map(|target| self.one(target)).collect();
        let mut rest = stream::iter(rest).buffer_unordered(AT_ONCE);
        while let Some(one) = rest.try_next().await? {
            examined.push(one);
        }
        Ok(examined)
    }

    /// So many more objects are done.
    fn tell(&self, more: usize) {
        let done = self.done.fetch_add(more, Ordering::Relaxed) + more;
        self.stages.stage(&format!("comparing with the cluster: {done} of {} objects", self.all));
    }
}

impl Gathered {
    /// Counts an object, and keeps it if there is something to say of it.
    fn keep(&mut self, (index, id, done): Examined, found: &mut Vec<Examined>) {
        if let Done::Compared { compared, dry_run, without, managed } = &done {
            self.compared += 1;
            self.dry_runs += usize::from(*dry_run);
            self.without_dry_run.extend(without.clone());
            if compared.diff.is_none() && compared.equal.is_empty() && managed.is_none() {
                return;
            }
        }
        found.push((index, id, done));
    }

    /// Puts what was found into the manifest's order.
    fn finish(mut self, mut found: Vec<Examined>, left: Left) -> Self {
        self.suppressed = left.suppressed;
        let mut problems = left.problems;
        found.sort_by_key(|(index, ..)| *index);
        for (index, id, done) in found {
            match done {
                Done::Problem(problem) => problems.push((index, problem)),
                Done::Compared { compared, managed, .. } => {
                    self.managed.extend(managed);
                    self.equal.extend(compared.equal.into_iter().map(|value| (id.clone(), value)));
                    self.resources.extend(compared.diff);
                }
            }
        }
        problems.sort_by_key(|(index, _)| *index);
        self.problems = problems.into_iter().map(|(_, problem)| problem).collect();
        self
    }
}
