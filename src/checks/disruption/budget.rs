//! Whether disruption budgets leave room for any disruption: one that never does blocks the drain of every node that runs one
//! of its pods, and so each upgrade of the cluster.
//!
//! Sources: Kubernetes documentation, "Specifying a Disruption Budget"; percentages are rounded up
//! (k8s.io/kubernetes, pkg/controller/disruption); of pods with two budgets each eviction is refused
//! (pkg/registry/core/pod/storage/eviction.go).

use std::collections::{BTreeSet, HashMap};

use crate::checks::replicas::{self, Autoscalers, Pods};
use crate::checks::scene::{Pair, Scene, listed};
use crate::checks::selector::selects;
use crate::checks::wanted::{ListedKind, Lists, Wanted};
use crate::checks::{Check, Finding, Proposal, Severity, Snapshot};
use crate::diff::workload::{self, Kind};
use crate::manifest::document::Object;
use crate::manifest::identity::ObjectId;
use crate::manifest::node::Node;
use crate::manifest::observed::Observed;

const NAME: &str = "disruption-budget";

pub(crate) const CHECK: Check =
    Check::new(NAME, "whether disruption budgets let any pod be evicted, and which pods they are for", run)
        .worst(Severity::Blocker)
        .rights("list poddisruptionbudgets, horizontalpodautoscalers in the namespace; get the workloads")
        .wants(wants);

const BUDGETS: ListedKind = ListedKind::new("policy", "v1", "poddisruptionbudgets", "PodDisruptionBudget");

/// How much a budget lets happen.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
enum Leaves {
    Room,
    /// None while the autoscaler keeps the fewest pods.
    NoneAtTimes,
    /// None, and its author says so: 0, or 100 %.
    NoneAsSaid,
    /// None, by the numbers.
    None,
}

/// The workloads of one revision.
struct Side<'a> {
    workloads: Vec<(&'a Object, &'a str)>,
    autoscalers: Autoscalers<'a>,
}

impl<'a> Side<'a> {
    fn of(scene: &Scene<'a>, old: bool) -> Self {
        let objects: Vec<&'a Object> = match old {
            true => scene.pairs.iter().filter_map(|pair| pair.old).chain(scene.gone.iter().copied()).collect(),
            false => scene.pairs.iter().map(|pair| pair.new).collect(),
        };
        let runs = objects.into_iter().filter(|object| Kind::of(&object.id).is_some());
        let workloads = runs.map(|object| (object, scene.namespace_of(object))).collect();
        Self { workloads, autoscalers: Autoscalers::of(scene, old) }
    }

    /// The same, with what was read of the cluster.
    fn with(self, lists: &'a Lists) -> Self {
        Self { autoscalers: self.autoscalers.with(lists), ..self }
    }

    /// The workloads whose pods a budget is for.
    fn selected(&self, budget: &'a Object, namespace: &str) -> Vec<&'a Object> {
        let Some(selector) = selector(budget) else { return Vec::new() };
        let here = self.workloads.iter().filter(|(_, own)| *own == namespace);
        here.filter(|(object, _)| selects(selector, labels(object))).map(|(object, _)| *object).collect()
    }

    /// What a budget leaves of the pods that it is for; none where these have no number.
    fn leaves(&self, budget: &'a Object, namespace: &'a str) -> Option<(Leaves, Pods)> {
        let counts =
            self.selected(budget, namespace).into_iter().filter_map(|one| self.autoscalers.pods(one, namespace));
        let sum = |a: Pods, b: Pods| Pods {
            least: a.least.saturating_add(b.least),
            most: a.most.saturating_add(b.most),
            said: a.said && b.said,
        };
        let pods = counts.reduce(sum).filter(|pods| pods.most > 0)?;
        Some((leaves(budget, pods), pods))
    }
}

fn wants(proposal: &Proposal<'_>) -> Vec<Wanted> {
    let scene = Scene::proposed(proposal);
    let (before, after) = (Side::of(&scene, true), Side::of(&scene, false));
    let mut wanted = Vec::new();
    for pair in budgets(&scene) {
        wanted.extend(pair.changes().then(|| Wanted::within(BUDGETS, pair.namespace)));
        // Where the numbers of the manifest leave no room, the cluster may know better.
        if let Some((Leaves::None, _)) = tightened(&pair, &before, &after) {
            wanted.push(replicas::autoscalers(pair.namespace));
            let unsaid =
                after.selected(pair.new, pair.namespace).into_iter().filter(|one| replicas::said(one).is_none());
            wanted.extend(unsaid.filter_map(|one| replicas::live(one, pair.namespace)));
        }
    }
    wanted
}

/// What a budget leaves after the upgrade, where that is less than before.
fn tightened<'a>(pair: &Pair<'a>, before: &Side<'a>, after: &Side<'a>) -> Option<(Leaves, Pods)> {
    let was = pair.old.and_then(|old| before.leaves(old, pair.namespace)).map(|(leaves, _)| leaves);
    after.leaves(pair.new, pair.namespace).filter(|(leaves, _)| Some(*leaves) > was)
}

fn run(snapshot: &Snapshot<'_>) -> Vec<Finding> {
    let scene = Scene::of(snapshot);
    let (before, after) = (Side::of(&scene, true).with(snapshot.lists), Side::of(&scene, false).with(snapshot.lists));
    let custom = scene.pairs.iter().any(|pair| pair.new.id.is_custom());
    let mut findings = Vec::new();
    for pair in budgets(&scene) {
        let about = pair.new.id.to_string();
        let selected = after.selected(pair.new, pair.namespace);
        if let Some((leaves, pods)) = tightened(&pair, &before, &after) {
            let names: Vec<String> = selected.iter().map(|one| one.id.to_string()).collect();
            let finding = deadlock(pair.new, leaves, pods);
            findings.extend(finding.map(|one| one.about(&*about).seen_by(vec![format!("pods of {}", listed(&names))])));
        }
        let did = pair.old.is_some_and(|old| !before.selected(old, pair.namespace).is_empty());
        if selected.is_empty() && selector(pair.new).is_some() && (did || (pair.old.is_none() && !custom)) {
            let message = "it selects no pods of the new revision: it protects nothing";
            let hint = "compare its selector with the labels of the pods";
            findings.push(Finding::new(NAME, Severity::Warning, message).about(about).hint(hint));
        }
    }
    findings.extend(doubles(snapshot, &scene, &after));
    if findings.is_empty() {
        findings.push(Finding::new(NAME, Severity::Pass, "no disruption budget gets in the way of more than before"));
    }
    findings
}

fn budgets<'a>(scene: &Scene<'a>) -> impl Iterator<Item = Pair<'a>> {
    scene.of_kind("policy", "PodDisruptionBudget")
}

/// The selector. In the first version of the API an empty one selects nothing, as none at all does ever since.
fn selector(budget: &Object) -> Option<&Node> {
    let selector = budget.node.find(&["spec", "selector"])?;
    (budget.id.version != "v1beta1" || !selector.is_empty()).then_some(selector)
}

fn labels(object: &Object) -> Option<&Node> {
    workload::template(object)?.find(&["metadata", "labels"])
}

fn leaves(budget: &Object, pods: Pods) -> Leaves {
    let field = |key| budget.node.find(&["spec", key]);
    let percent =
        |node: &Node| node.as_str().and_then(|text| text.strip_suffix('%')).and_then(|text| text.parse::<u64>().ok());
    let of = |node: &Node, pods: u64| match percent(node) {
        Some(percent) => u64::try_from((u128::from(percent) * u128::from(pods)).div_ceil(100)).ok(),
        None => node.as_count().or_else(|| node.as_str()?.parse().ok()),
    };
    if let Some(most) = field("maxUnavailable") {
        return if of(most, 100) == Some(0) { Leaves::NoneAsSaid } else { Leaves::Room };
    }
    let Some(least) = field("minAvailable") else { return Leaves::Room };
    let keeps_all = |pods: u64| of(least, pods).is_some_and(|kept| kept >= pods);
    match (keeps_all(pods.most), keeps_all(pods.least)) {
        (true, _) if percent(least).is_some_and(|percent| percent >= 100) => Leaves::NoneAsSaid,
        (true, _) => Leaves::None,
        (false, true) if pods.least > 0 => Leaves::NoneAtTimes,
        _ => Leaves::Room,
    }
}

fn deadlock(budget: &Object, leaves: Leaves, pods: Pods) -> Option<Finding> {
    let said = ["maxUnavailable", "minAvailable"].into_iter().find_map(|key| {
        let value = budget.node.find(&["spec", key])?;
        Some(format!(
            "{key} is {}",
            value.as_str().map_or_else(|| value.as_count().unwrap_or_default().to_string(), str::to_owned)
        ))
    })?;
    let count = if pods.most == 1 { "there is 1 pod".to_owned() } else { format!("there are {} pods", pods.most) };
    let never = "no pod can ever be evicted, and no node that runs one be drained";
    let (severity, message) = match leaves {
        Leaves::Room => return None,
        Leaves::NoneAtTimes => {
            let least = pods.least;
            let message = format!(
                "{said}, and the autoscaler may leave no more than {least} pods: no node that runs one can be drained then"
            );
            (Severity::Warning, message)
        }
        Leaves::NoneAsSaid => (Severity::Warning, format!("{said}: {never}")),
        Leaves::None if pods.said => (Severity::Blocker, format!("{said}, and {count}: {never}")),
        // Something that nobody sees may scale them.
        Leaves::None => (Severity::Warning, format!("{said}, and {count} unless something scales them: {never}")),
    };
    Some(
        Finding::new(NAME, severity, message)
            .hint("set maxUnavailable: 1 in the place of minAvailable, or more replicas"),
    )
}

/// Pods of a budget that is new or changes, which have another budget as well.
fn doubles(snapshot: &Snapshot<'_>, scene: &Scene<'_>, after: &Side<'_>) -> Vec<Finding> {
    let known: BTreeSet<(&str, &str)> = budgets(scene)
        .map(|pair| (pair.namespace, pair.new.id.name.as_str()))
        .chain(scene.gone.iter().map(|gone| (scene.namespace_of(gone), gone.id.name.as_str())))
        .collect();
    let selected: Vec<(Pair<'_>, Vec<&Object>)> =
        budgets(scene).map(|pair| (pair, after.selected(pair.new, pair.namespace))).collect();
    let mut by_workload: HashMap<(&str, &ObjectId), BTreeSet<&str>> = HashMap::new();
    for (pair, workloads) in &selected {
        for workload in workloads {
            by_workload.entry((pair.namespace, &workload.id)).or_default().insert(&pair.new.id.name);
        }
    }
    let (mut findings, mut unseen) = (Vec::new(), BTreeSet::new());
    let same = |pair: &Pair<'_>| pair.old.is_some_and(|old| selector(old) == selector(pair.new));
    for (pair, workloads) in selected.iter().filter(|(pair, all)| pair.changes() && !all.is_empty() && !same(pair)) {
        let mut others: BTreeSet<&str> =
            workloads.iter().flat_map(|workload| &by_workload[&(pair.namespace, &workload.id)]).copied().collect();
        others.remove(pair.new.id.name.as_str());
        match snapshot.lists.get(&Wanted::within(BUDGETS, pair.namespace)) {
            Err(reason) => _ = unseen.insert(reason),
            Ok(there) => {
                let foreign = there.iter().filter(|one| !known.contains(&(pair.namespace, one.name())));
                let also = |one: &&Observed| {
                    let selector = one.at(&["spec", "selector"]);
                    selector
                        .is_some_and(|selector| workloads.iter().any(|workload| selects(selector, labels(workload))))
                };
                others.extend(foreign.filter(also).map(Observed::name));
            }
        }
        if !others.is_empty() {
            let others: Vec<String> = others.into_iter().map(|name| format!("PodDisruptionBudget/{name}")).collect();
            let message = format!(
                "its pods have another budget as well, {}: the server refuses to evict any of them, so that no node that \
                 runs one can be drained",
                listed(&others)
            );
            let finding = Finding::new(NAME, Severity::Blocker, message).about(pair.new.id.to_string());
            findings.push(finding.hint("let each pod have one budget"));
        }
    }
    let unknown = |reason| format!("whether pods have another budget as well: {reason}");
    findings.extend(unseen.into_iter().map(|reason| Finding::new(NAME, Severity::Unknown, unknown(reason))));
    findings
}
