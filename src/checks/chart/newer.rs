//! Which newer versions of the chart there are.

use super::super::snapshot::Place;
use super::super::{Check, Finding, Severity, Snapshot};
use super::named;
use super::seen::Index;
use crate::manifest::version::Version;

const NAME: &str = "newer-version";

pub(crate) const CHECK: Check = Check::new(NAME, "newer versions of the chart in its repository or registry", run)
    .worst(Severity::Info)
    .rights("none; the registry is asked by Helm");

fn run(snapshot: &Snapshot<'_>) -> Vec<Finding> {
    let new = &snapshot.releases.new.chart;
    let pass = |message: &str| vec![Finding::new(NAME, Severity::Pass, message).about(named(new))];
    let unknown = |message: String| vec![Finding::new(NAME, Severity::Unknown, message).about(named(new))];
    let index = match (&snapshot.chart_seen.index, snapshot.chart.place) {
        (Some(Ok(index)), _) => index,
        (Some(Err(reason)), _) => return unknown(reason.clone()),
        (None, Place::Local | Place::Url) => {
            return pass("the chart is of no repository that could have newer versions");
        }
        (None, Place::Repository | Place::Registry) => {
            return match &snapshot.chart_seen.newest {
                Some(Ok(newest)) => vec![beside(newest, new.version()).about(named(new))],
                Some(Err(reason)) => unknown(format!("newer versions: {reason}")),
                None => pass("no version is named, so it is the newest"),
            };
        }
    };
    let Some(used) = Version::parse(new.version()) else {
        return unknown(format!("newer versions: {:?} is no version", new.version()));
    };
    look(index, &used).map_or_else(|| pass("there is no newer version"), |finding| vec![finding.about(named(new))])
}

/// What the newest version is to the one that is used, where those in between are not known.
fn beside(newest: &str, used: &str) -> Finding {
    match (Version::parse(newest), Version::parse(used)) {
        (Some(newest), Some(used)) if newest > used => {
            Finding::new(NAME, Severity::Info, format!("there is a newer version, {newest}"))
        }
        (Some(_), Some(_)) => Finding::new(NAME, Severity::Pass, "there is no newer version"),
        _ => Finding::new(NAME, Severity::Unknown, format!("newer versions: {newest:?} is no version")),
    }
}

fn look(index: &Index, used: &Version) -> Option<Finding> {
    let all = index.versions.iter().filter(|one| !one.deprecated).filter_map(|one| Version::parse(&one.version));
    let mut newer: Vec<Version> = all.filter(|version| version > used && version.is_release()).collect();
    newer.sort();
    newer.dedup();
    let newest = newer.last()?;
    let same_major =
        newer.iter().rev().find(|version| version.major == used.major).filter(|version| *version != newest);
    let count = newer.len();
    let are =
        if count == 1 { "there is 1 newer version".to_owned() } else { format!("there are {count} newer versions") };
    let message = match same_major {
        Some(version) => format!("{are}, up to {newest}; with the same major version, up to {version}"),
        None => format!("{are}, up to {newest}"),
    };
    Some(Finding::new(NAME, Severity::Info, message))
}
