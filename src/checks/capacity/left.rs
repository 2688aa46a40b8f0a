//! The LimitRanges and ResourceQuotas of a namespace as the upgrade leaves them: Helm writes those of the chart before all that makes
//! pods (helm.sh/helm, `InstallOrder`), and deletes those that go at the end, when pods are still made anew.

use crate::checks::scene::{Scene, is};
use crate::manifest::hook;
use crate::manifest::node::Node;
use crate::manifest::observed::Observed;

/// An object that bounds what a namespace holds.
#[derive(Clone, Copy)]
pub(super) struct Rule<'a> {
    pub(super) name: &'a str,
    /// As it will be.
    pub(super) node: &'a Node,
    /// As it is; none where the upgrade makes it.
    pub(super) live: Option<&'a Observed>,
}

impl<'a> Rule<'a> {
    /// As the cluster has it.
    pub(super) fn of(live: &'a Observed) -> Self {
        Self { name: live.name(), node: live.node(), live: Some(live) }
    }
}

/// Those of a kind of the core group that bound a namespace after the upgrade: what is there, what the chart makes of it, and what it adds.
pub(super) fn left<'a>(
    scene: &Scene<'a>,
    (namespace, kind): (&str, &'static str),
    there: &'a [Observed],
) -> Vec<Rule<'a>> {
    let own = |name: &str| scene.of_kind("", kind).find(|pair| pair.namespace == namespace && pair.new.id.name == name);
    let goes = |name: &str| {
        scene.gone.iter().any(|gone| {
            is(&gone.id, "", kind)
                && scene.namespace_of(gone) == namespace
                && gone.id.name == name
                && !hook::is_kept(&gone.node)
        })
    };
    let stay = there.iter().filter(|live| !goes(live.name()));
    let stay =
        stay.map(|live| Rule { node: own(live.name()).map_or(live.node(), |pair| &pair.new.node), ..Rule::of(live) });
    let there = |name: &str| there.iter().any(|live| live.name() == name);
    let added = scene.of_kind("", kind).filter(|pair| pair.namespace == namespace && !there(&pair.new.id.name));
    let added = added.map(|pair| Rule { name: &pair.new.id.name, node: &pair.new.node, live: None });
    stay.chain(added).collect()
}
