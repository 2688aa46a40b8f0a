//! The releases of a batch: those of a plan, or those of a chart that are older.

use std::path::Path;

use jiff::SignedDuration;
use ring::digest::{SHA256, digest};

use super::places::Places;
use crate::chart::{Location, description, files, locate};
use crate::cli::args::BatchArgs;
use crate::cli::fleet::{FleetRun, wanted};
use crate::cli::input;
use crate::command::fleet;
use crate::config::batch::{self as plan, Planned, Reuse};
use crate::error::{Error, Kind};
use crate::manifest::constraint::Constraint;
use crate::manifest::version::Version;
use crate::release::fleet::{Filter, Member};
use crate::upgrade::batch::Id;
use crate::upgrade::batch::order::{Node, Order, order};
use crate::upgrade::batch::shard::Shard;

/// A release of a batch.
#[derive(Clone, Debug)]
pub(super) struct Item {
    pub(super) id: Id,
    pub(super) planned: Planned,
}

/// A batch as it was given, its releases in their order.
pub(super) struct Given {
    /// What it does, for a reader.
    pub(super) title: String,
    /// Tells it from others.
    pub(super) digest: String,
    pub(super) soak: SignedDuration,
    pub(super) items: Vec<Item>,
    pub(super) order: Order,
    /// What should be known, a line each.
    pub(super) notes: Vec<String>,
}

/// What is selected of a chart.
struct Selection {
    chart: String,
    name: String,
    to: Version,
    from: Option<Constraint>,
}

impl Given {
    /// The batch of these arguments. `known` are the releases of a batch that goes on: they need not be found again.
    pub(super) async fn of(arguments: &BatchArgs, places: &Places<'_>, known: Option<Vec<Id>>) -> Result<Self, Error> {
        match (&arguments.plan, &arguments.chart) {
            (Some(path), _) => Self::planned(path, places).await,
            (None, Some(chart)) => Self::selected((arguments, chart), places, known).await,
            (None, None) => Err(Error::new(Kind::Usage, "no plan named").hint("see helm safe-upgrade batch --help")),
        }
    }

    async fn planned(path: &Path, places: &Places<'_>) -> Result<Self, Error> {
        let text = input::read(path)?;
        let plan = plan::read(&input::name(path), &text)?;
        let folder = path.parent().filter(|_| !input::is_stdin(path)).unwrap_or(Path::new(""));
        let mut items = Vec::with_capacity(plan.releases.len());
        for mut planned in plan.releases {
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
            items.push(Item { id, planned });
        }
        let title = path.file_name().map_or_else(|| input::name(path), |name| name.to_string_lossy().into_owned());
        Self::ordered(title, &text, (items, plan.soak), Vec::new())
    }

    async fn selected(
        (arguments, chart): (&BatchArgs, &str),
        places: &Places<'_>,
        known: Option<Vec<Id>>,
    ) -> Result<Self, Error> {
        let selection = Selection::of(arguments, chart)?;
        let mut notes = Vec::new();
        let ids = match known {
            Some(ids) => ids,
            None => {
                let run = FleetRun::new(&arguments.fleet, places.environment).await?;
                run.stages().stage("reading the releases");
                let found = fleet::gather(&run.places, &wanted(&arguments.fleet, Filter::default())).await;
                run.clear();
                let found = found?;
                for one in &found.unreadable {
                    let parts = [one.context.as_deref(), one.namespace.as_deref()];
                    let place = parts.into_iter().flatten().collect::<Vec<_>>().join("/");
                    notes.push(format!("{place} could not be read, and is left out: {}", one.reason));
                }
                found.members.iter().filter(|member| selection.takes(member, &mut notes)).map(id_of).collect()
            }
        };
        let to = selection.to.to_string();
        let item = |id: Id| {
            let planned = Planned {
                context: id.context.clone(),
                namespace: Some(id.namespace.clone()),
                release: id.release.clone(),
                chart: selection.chart.clone(),
                version: matches!(locate(&selection.chart), Location::Remote).then(|| to.clone()),
                reuse: Some(Reuse::ResetThenReuse),
                ..Planned::default()
            };
            Item { id, planned }
        };
        let fleet = &arguments.fleet;
        let what = format!(
            "{} {to} {:?} {} {:?} {:?} {:?}",
            selection.chart, arguments.from, fleet.all_namespaces, fleet.namespaces, fleet.contexts, fleet.selector
        );
        let title = format!("{} to {to}", selection.name);
        Self::ordered(title, &what, (ids.into_iter().map(item).collect(), None), notes)
    }

    fn ordered(
        title: String,
        text: &str,
        (items, soak): (Vec<Item>, Option<SignedDuration>),
        notes: Vec<String>,
    ) -> Result<Self, Error> {
        let order = order(&nodes(&items)).map_err(|problem| {
            Error::new(Kind::Usage, format!("cannot run {title}: {problem}"))
                .hint("a need is RELEASE, NAMESPACE/RELEASE or CONTEXT/NAMESPACE/RELEASE; see docs/batch.md")
        })?;
        let digest = digest(&SHA256, text.as_bytes());
        let digest = digest.as_ref().iter().take(8).map(|byte| format!("{byte:02x}")).collect();
        let items = order.given.iter().map(|&at| items[at].clone()).collect();
        Ok(Self { title, digest, soak: soak.unwrap_or_default(), items, order, notes })
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

fn id_of(member: &Member) -> Id {
    Id { context: member.context.clone(), namespace: member.namespace.clone(), release: member.name.clone() }
}

/// A path that a plan names, seen from here. URLs and standard input stay.
fn seen_from(folder: &Path, path: &str) -> String {
    if path == "-" || path.contains("://") { path.to_owned() } else { folder.join(path).display().to_string() }
}

impl Selection {
    fn of(arguments: &BatchArgs, chart: &str) -> Result<Self, Error> {
        let wrong = |message: String| Error::new(Kind::Usage, message);
        let version = |text: &str| {
            let hint = "it is one version, as in 18.2.0; --from takes a range";
            Version::parse(text)
                .ok_or_else(|| wrong(format!("cannot upgrade to {text:?}: it is no version")).hint(hint))
        };
        let to = arguments.to.as_deref().map(version).transpose()?;
        let from = match arguments.from.as_deref() {
            None => None,
            Some(text) => {
                let range =
                    Constraint::parse(text).ok_or_else(|| wrong(format!("--from {text:?} is no range of versions")));
                Some(range.map_err(|error| error.hint("as in '<18' or '>=17.1 <18'"))?)
            }
        };
        if let Location::Local(path) = locate(chart) {
            let files = files::read(&path).map_err(|error| wrong(format!("cannot read the chart {chart}: {error}")))?;
            let about = description::metadata(&files);
            let text = |key: &str| about.get(key).and_then(|node| node.as_str()).unwrap_or_default().to_owned();
            let (name, own) = (text("name"), version(&text("version"))?);
            if let Some(to) = to.as_ref().filter(|to| **to != own) {
                return Err(
                    wrong(format!("the chart {chart} is of version {own}, and not {to}")).hint("leave out --to")
                );
            }
            return Ok(Self { chart: chart.to_owned(), name, to: own, from });
        }
        if !chart.contains('/') {
            let message = format!("cannot find the chart {chart:?}: there is no such file or folder");
            return Err(wrong(message).hint("a chart of a repository is named repo/name, as in bitnami/nginx"));
        }
        let Some(to) = to else {
            return Err(wrong(format!("no version of {chart} named")).hint("--to says which, as in --to 18.2.0"));
        };
        let name = chart.trim_end_matches('/').rsplit('/').next().unwrap_or(chart).to_owned();
        Ok(Self { chart: chart.to_owned(), name, to, from })
    }

    /// Whether a release is one of the chart that is older. What can't be told is noted.
    fn takes(&self, member: &Member, notes: &mut Vec<String>) -> bool {
        let running = member.running();
        if member.is_uninstalled() || running.head.chart != self.name {
            return false;
        }
        match Version::parse(&running.head.version) {
            Some(version) => version < self.to && self.from.as_ref().is_none_or(|from| from.allows(&version)),
            None => {
                let version = &running.head.version;
                notes.push(format!("{} is left out: {version:?} is no version", id_of(member)));
                false
            }
        }
    }
}
