//! The releases of a batch: those of a plan, or those of a chart that are older.

use std::collections::HashMap;
use std::path::Path;

use super::content::Content;
use super::places::Places;
use super::selection::Selection;
use crate::chart::{Location, locate};
use crate::cli::args::BatchArgs;
use crate::cli::fleet::{FleetRun, wanted};
use crate::cli::{connection, input};
use crate::command::fleet;
use crate::config::batch::{self as plan, Planned, Reuse};
use crate::error::{Error, Kind};
use crate::release::fleet::{Filter, Member, Unreadable};
use crate::upgrade::batch::Id;
use crate::upgrade::batch::kept::ClusterIdentity;
use crate::upgrade::batch::next::Terms;
use crate::upgrade::batch::order::{Node, Order, order};
use crate::upgrade::batch::shard::Shard;

/// A release of a batch.
#[derive(Clone, Debug)]
pub(super) struct Item {
    pub(super) id: Id,
    pub(super) planned: Planned,
    /// Whether it is there only for what needs it: `--only` does not name it, so it must be as the plan has it already.
    pub(super) is_ground: bool,
}

/// A batch as it was given, its releases in their order.
#[derive(Default)]
pub(super) struct Given {
    /// What it does, for a reader.
    pub(super) title: String,
    /// Tells it from others: the plan or the selection, and what they rest on.
    pub(super) digest: String,
    /// The clusters that its releases are in, as far as they can be told.
    pub(super) clusters: Vec<ClusterIdentity>,
    /// How it is run, where no flag says else.
    pub(super) terms: Terms,
    pub(super) items: Vec<Item>,
    pub(super) order: Order,
    /// What should be known, a line each.
    pub(super) notes: Vec<String>,
    /// Where releases could not be looked for, a line each.
    pub(super) left_out: Vec<String>,
}

impl Given {
    /// The batch of these arguments. `known` are the releases of a batch that goes on: they need not be found again.
    pub(super) async fn of(arguments: &BatchArgs, places: &Places<'_>, known: Option<Vec<Id>>) -> Result<Self, Error> {
        match (&arguments.plan, &arguments.chart) {
            (Some(path), _) => Self::planned((path, &arguments.run.only), places).await,
            (None, Some(chart)) => Self::selected((arguments, chart), places, known).await,
            (None, None) => Err(Error::new(Kind::Usage, "no plan named").hint("see helm safe-upgrade batch --help")),
        }
    }

    async fn planned((path, only): (&Path, &[String]), places: &Places<'_>) -> Result<Self, Error> {
        let text = input::read(path)?;
        let plan = plan::read(&input::name(path), &text)?;
        let folder = path.parent().filter(|_| !input::is_stdin(path)).unwrap_or(Path::new(""));
        let mut items = Vec::with_capacity(plan.releases.len());
        for mut planned in plan.releases {
            if planned.values.iter().any(|file| file == "-") {
                let message = format!("cannot read the values of release {:?} from standard input", planned.release);
                return Err(Error::new(Kind::Usage, message)
                    .hint("they are read for the look and for the upgrade; name a file in \"values\""));
            }
            for file in &mut planned.values {
                *file = seen_from(folder, file);
            }
            if planned.chart.starts_with('.') || folder.join(&planned.chart).exists() {
                planned.chart = seen_from(folder, &planned.chart);
            }
            let namespace = match &planned.namespace {
                Some(namespace) => namespace.clone(),
                None => places.of(planned.context.as_deref()).await?.namespace().to_owned(),
            };
            let id = Id { context: planned.context.clone(), namespace, release: planned.release.clone() };
            items.push(Item { id, planned, is_ground: false });
        }
        let title = path.file_name().map_or_else(|| input::name(path), |name| name.to_string_lossy().into_owned());
        let what = if only.is_empty() { text } else { format!("{text}\n{only:?}") };
        let digest = Content::of(&what, &[], &items);
        let contexts: Vec<Option<String>> = items.iter().map(|item| item.id.context.clone()).collect();
        let clusters = places.identities(contexts).await;
        let terms = Terms {
            concurrency: usize::from(plan.concurrency.unwrap_or(1)),
            max_failures: plan.max_failures,
            stops_after_wave: plan.stops_after_wave,
            soak: plan.soak.unwrap_or_default(),
        };
        Self { title, digest, clusters, terms, ..Self::default() }.ordered(items)?.named(only)
    }

    async fn selected(
        (arguments, chart): (&BatchArgs, &str),
        places: &Places<'_>,
        known: Option<Vec<Id>>,
    ) -> Result<Self, Error> {
        let repositories = connection::repositories(&arguments.fleet.cluster, places.environment);
        let selection = Selection::of(arguments, chart, &repositories)?;
        let fleet = &arguments.fleet;
        let contexts = match fleet.contexts.as_slice() {
            [] => vec![None],
            named => named.iter().cloned().map(Some).collect(),
        };
        let mut what =
            format!("{} {:?} {:?} {:?}", selection.title(), arguments.from, fleet.all_namespaces, fleet.selector);
        what.push_str(&format!(" {:?} {:?}", fleet.namespaces, fleet.contexts));
        // A chart on this machine counts by its content, wherever it is.
        if matches!(locate(&selection.chart), Location::Remote) {
            what.push_str(&format!(" {:?}", selection.chart));
        }
        for context in contexts.iter().filter(|_| fleet.namespaces.is_empty() && !fleet.all_namespaces) {
            let namespace = places.of(context.as_deref()).await.map(|storage| storage.namespace().to_owned());
            what.push_str(&format!(" {:?}", namespace.unwrap_or_default()));
        }
        let clusters = places.identities(contexts).await;
        let (title, digest) = (selection.title(), Content::of(&what, &[&selection.chart], &[]));
        let mut given = Self { title, digest, clusters, ..Self::default() };
        let ids = match known {
            Some(ids) => ids,
            None => {
                let run = FleetRun::new(fleet, places.environment).await?;
                run.stages().stage("reading the releases");
                let found = fleet::gather(&run.places, &wanted(fleet, Filter::default())).await;
                run.clear();
                let found = found?;
                given.left_out = found.unreadable.iter().map(left_out).collect();
                let taken = found.members.iter().filter(|member| selection.takes(member, &mut given.notes));
                taken.map(id_of).collect()
            }
        };
        let item = |id: Id| {
            let planned = Planned {
                context: id.context.clone(),
                namespace: Some(id.namespace.clone()),
                release: id.release.clone(),
                chart: selection.chart.clone(),
                version: selection.version(),
                reuse: Some(Reuse::ResetThenReuse),
                ..Planned::default()
            };
            Item { id, planned, is_ground: false }
        };
        given.ordered(ids.into_iter().map(item).collect())
    }

    fn ordered(mut self, items: Vec<Item>) -> Result<Self, Error> {
        let title = &self.title;
        let wrong = |problem: String| Error::new(Kind::Usage, format!("cannot run {title}: {problem}"));
        let order = order(&nodes(&items)).map_err(|problem| {
            wrong(problem.to_string())
                .hint("a need is RELEASE, NAMESPACE/RELEASE or CONTEXT/NAMESPACE/RELEASE; see docs/batch.md")
        })?;
        if let Some((one, other)) = double(&items, &self.clusters) {
            return Err(wrong(format!("{one} and {other} are the same release"))
                .hint("two contexts lead to the same cluster; name it by one of them"));
        }
        self.items = order.given.iter().map(|&at| items[at].clone()).collect();
        self.order = order;
        Ok(self)
    }

    /// Only the releases that are named, and those that they need, which are only looked at.
    fn named(mut self, only: &[String]) -> Result<Self, Error> {
        if only.is_empty() {
            return Ok(self);
        }
        let missing = only.iter().find(|name| !self.items.iter().any(|item| item.id.is_named(name)));
        if let Some(name) = missing {
            let message = format!("cannot run only {name:?}: {} has no release of that name", self.title);
            return Err(
                Error::new(Kind::Usage, message).hint("it is RELEASE, NAMESPACE/RELEASE or CONTEXT/NAMESPACE/RELEASE")
            );
        }
        let is_named = |item: &Item| only.iter().any(|name| item.id.is_named(name));
        let mut stays: Vec<bool> = self.items.iter().map(is_named).collect();
        // What is needed stands before what needs it.
        for at in (0..stays.len()).rev().filter(|&at| is_named(&self.items[at])) {
            self.order.needs[at].iter().for_each(|&need| stays[need] = true);
        }
        for item in &mut self.items {
            item.is_ground = !is_named(item);
            // Those that it needs itself need not be there.
            if item.is_ground {
                item.planned.needs.clear();
            }
        }
        let mut stays = stays.into_iter();
        self.items.retain(|_| stays.next().unwrap_or_default());
        self.order = order(&nodes(&self.items)).map_err(|problem| Error::new(Kind::Usage, problem.to_string()))?;
        self.items = self.order.given.iter().map(|&at| self.items[at].clone()).collect();
        Ok(self)
    }

    /// Only the releases that a part of the batch takes.
    pub(super) fn only(mut self, shard: Option<Shard>) -> Result<Self, Error> {
        let Some(shard) = shard else { return Ok(self) };
        let takes = shard.takes(&self.order, |at| &self.items[at].id);
        let mut takes = takes.iter();
        self.items.retain(|_| takes.next().is_some_and(|takes| *takes));
        // What belongs together is all there, so nothing is missing in the order of the rest.
        self.order = order(&nodes(&self.items)).map_err(|problem| Error::new(Kind::Usage, problem.to_string()))?;
        Ok(self)
    }
}

fn nodes(items: &[Item]) -> Vec<Node> {
    let node = |item: &Item| Node { id: item.id.clone(), needs: item.planned.needs.clone(), wave: item.planned.wave };
    items.iter().map(node).collect()
}

pub(super) fn id_of(member: &Member) -> Id {
    Id { context: member.context.clone(), namespace: member.namespace.clone(), release: member.name.clone() }
}

/// A path that a plan names, seen from here. URLs stay.
fn seen_from(folder: &Path, path: &str) -> String {
    if path.contains("://") { path.to_owned() } else { folder.join(path).display().to_string() }
}

/// A place that can't be read, for a reader.
fn left_out(one: &Unreadable) -> String {
    let parts = [one.context.as_deref(), one.namespace.as_deref()];
    let place = parts.into_iter().flatten().collect::<Vec<_>>().join("/");
    let place = if place.is_empty() { "some namespaces" } else { &place };
    format!("{place} could not be read, and is left out: {}", one.reason)
}

/// Two names of one release: contexts may lead to the same cluster.
fn double<'i>(items: &'i [Item], clusters: &[ClusterIdentity]) -> Option<(&'i Id, &'i Id)> {
    let mut seen: HashMap<(&str, &str, &str), &Id> = HashMap::new();
    items.iter().find_map(|Item { id, .. }| {
        let cluster = clusters.iter().find(|cluster| cluster.context == id.context)?;
        // A proxy may lead to several clusters by one URL.
        let uid = cluster.uid.as_deref()?;
        Some((seen.insert((uid, &id.namespace, &id.release), id)?, id))
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn item(context: Option<&str>, namespace: &str) -> Item {
        let id = Id { context: context.map(str::to_owned), namespace: namespace.to_owned(), release: "web".to_owned() };
        Item { id, planned: Planned::default(), is_ground: false }
    }

    #[test]
    fn one_release_by_two_contexts_is_found() {
        let cluster = |context: Option<&str>, uid: &str| ClusterIdentity {
            context: context.map(str::to_owned),
            server: "https://proxy".to_owned(),
            uid: (!uid.is_empty()).then(|| uid.to_owned()),
        };
        let items = [item(None, "shop"), item(Some("b"), "shop"), item(Some("a"), "stage"), item(Some("a"), "shop")];
        let mut clusters = [cluster(None, "1"), cluster(Some("a"), "1"), cluster(Some("b"), "2")];
        assert_eq!(double(&items, &clusters), Some((&items[0].id, &items[3].id)));
        clusters[0] = cluster(None, "3");
        assert_eq!(double(&items, &clusters), None);
        // By its URL alone nobody can tell.
        clusters.iter_mut().for_each(|cluster| cluster.uid = None);
        assert_eq!(double(&items, &clusters), None);
    }
}
