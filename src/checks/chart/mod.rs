//! The chart: from which version to which, what is told of that, and where it comes from.

mod changes;
mod notes;
pub mod seen;

pub(super) mod app_version;
pub(super) mod changelog;
pub(super) mod dependencies;
pub(super) mod deprecated;
pub(super) mod kube_version;
pub(super) mod newer;
pub(super) mod pinned;
pub(super) mod provenance;
pub(super) mod repository;
pub(super) mod version;

use super::Snapshot;
use crate::manifest::version::Version;
use crate::release::Chart;

pub use seen::ChartSeen;

/// The chart of the revision that the upgrade starts from, where it is the same chart.
fn before<'a>(snapshot: &Snapshot<'a>) -> Option<&'a Chart> {
    let Snapshot { releases, is_first, .. } = snapshot;
    (!is_first && releases.old.chart.name() == releases.new.chart.name()).then_some(&releases.old.chart)
}

/// From which version to which, where both are versions.
fn versions(snapshot: &Snapshot<'_>) -> Option<(Version, Version)> {
    let old = Version::parse(before(snapshot)?.version())?;
    Some((old, Version::parse(snapshot.releases.new.chart.version())?))
}

/// The chart's name with its version.
fn named(chart: &Chart) -> String {
    format!("{}-{}", chart.name(), chart.version())
}

#[cfg(test)]
mod tests;
