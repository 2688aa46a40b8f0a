//! The checklist: every reason not to upgrade that can be known before anything is done.
//!
//! A check is a pure function of a [`Snapshot`], in a file of its own with a line in [`ALL`] and a page in `docs/checks/`. It
//! always says something: that it passed, what it found, or what it could not know. What is not known never passes.

pub mod apis;
mod back;
pub mod blue_green;
pub mod canary;
mod capacity;
pub mod chart;
mod crds;
mod demand;
mod disruption;
pub mod elsewhere;
pub mod escalation;
mod hooks;
mod images;
mod known_bad;
mod live_pods;
mod objects;
mod pending;
pub mod release;
mod replicas;
mod rights;
mod scene;
mod security;
mod selector;
pub mod severities;
pub mod snapshot;
pub mod trial;
mod values;
pub mod wanted;
mod way_back;
pub mod window;

use std::collections::BTreeSet;

use serde::Serialize;

pub use severities::Severities;
pub use snapshot::Snapshot;
pub use wanted::{Proposal, Wanted};

/// How much a finding matters, the worst first.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum Severity {
    /// It stops the upgrade, unless the check is accepted by name.
    Blocker,
    /// What is needed to tell could not be had.
    Unknown,
    /// Something to think about before going on.
    Warning,
    /// Something to know.
    Info,
    /// Looked at, and fine.
    Pass,
}

impl Severity {
    /// All of them, the worst first.
    pub const ALL: [Self; 5] = [Self::Blocker, Self::Unknown, Self::Warning, Self::Info, Self::Pass];

    /// The word for it, as in the documents.
    #[must_use]
    pub fn word(self) -> &'static str {
        match self {
            Self::Blocker => "blocker",
            Self::Unknown => "unknown",
            Self::Warning => "warning",
            Self::Info => "info",
            Self::Pass => "pass",
        }
    }
}

/// What a check has to say.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Finding {
    /// The name of the check.
    pub check: &'static str,
    /// How much it matters.
    pub severity: Severity,
    /// What it is about: `deployments.apps`, `revision 3`. Empty if it is about the release as a whole.
    pub resource: String,
    /// One sentence, in lower case and without a full stop.
    pub message: String,
    /// What it was seen by, a line each.
    pub evidence: Vec<String>,
    /// What to do about it.
    pub hint: Option<String>,
}

impl Finding {
    fn new(check: &'static str, severity: Severity, message: impl Into<String>) -> Self {
        Self { check, severity, resource: String::new(), message: message.into(), evidence: Vec::new(), hint: None }
    }

    fn about(mut self, resource: impl Into<String>) -> Self {
        self.resource = resource.into();
        self
    }

    fn seen_by(mut self, evidence: Vec<String>) -> Self {
        self.evidence = evidence;
        self
    }

    fn hint(mut self, hint: impl Into<String>) -> Self {
        self.hint = Some(hint.into());
        self
    }
}

/// The first lines of many, and how many more there are.
fn capped(mut lines: Vec<String>, most: usize) -> Vec<String> {
    let more = lines.len().saturating_sub(most);
    lines.truncate(most);
    lines.extend((more > 0).then(|| format!("and {more} more")));
    lines
}

/// A check.
#[derive(Clone, Copy, Debug)]
pub struct Check {
    /// Its name, as `--accept` takes it.
    pub name: &'static str,
    /// What it looks at, in a few words.
    pub looks_at: &'static str,
    /// The gravest that it finds, where the configuration does not say otherwise.
    pub worst: Severity,
    /// The rights it needs, as in `list nodes, pods`, for its row in `docs/checks.md`.
    pub rights: &'static str,
    /// What it wants to see of the cluster beside the release.
    pub wants: fn(&Proposal<'_>) -> Vec<Wanted>,
    /// Looks. What comes back is never empty.
    pub run: fn(&Snapshot<'_>) -> Vec<Finding>,
}

impl Check {
    /// A check that wants nothing of the cluster.
    const fn new(name: &'static str, looks_at: &'static str, run: fn(&Snapshot<'_>) -> Vec<Finding>) -> Self {
        Self { name, looks_at, worst: Severity::Warning, rights: "none", wants: nothing, run }
    }

    /// The same, finding this at worst.
    const fn worst(self, worst: Severity) -> Self {
        Self { worst, ..self }
    }

    /// The same, with the rights it needs.
    const fn rights(self, rights: &'static str) -> Self {
        Self { rights, ..self }
    }

    /// The same, wanting this of the cluster.
    const fn wants(self, wants: fn(&Proposal<'_>) -> Vec<Wanted>) -> Self {
        Self { wants, ..self }
    }
}

fn nothing(_: &Proposal<'_>) -> Vec<Wanted> {
    Vec::new()
}

/// What all checks want to see of the cluster for this proposal, each once.
#[must_use]
pub fn wanted(proposal: &Proposal<'_>) -> BTreeSet<Wanted> {
    ALL.iter().flat_map(|check| (check.wants)(proposal)).collect()
}

/// Every check, in the order in which they are told where they matter alike.
pub const ALL: &[Check] = &[
    // The release.
    pending::CHECK,
    way_back::CHECK,
    known_bad::CHECK,
    release::last_revision::CHECK,
    release::history::CHECK,
    release::pruning::CHECK,
    release::record_size::CHECK,
    release::managed_elsewhere::CHECK,
    release::drift::CHECK,
    release::left_over::CHECK,
    // API versions.
    apis::removed::CHECK,
    apis::rollback::CHECK,
    apis::deprecated::CHECK,
    apis::target::CHECK,
    // The objects.
    objects::admission::CHECK,
    objects::invalid::CHECK,
    objects::immutable::CHECK,
    objects::conflict::CHECK,
    objects::ownership::CHECK,
    objects::namespace::CHECK,
    objects::definition::CHECK,
    // Custom resource definitions.
    crds::change::CHECK,
    crds::objects::CHECK,
    // The way back.
    back::rehearsal::CHECK,
    back::irreversible::CHECK,
    back::rollback_hooks::CHECK,
    // The rights.
    rights::CHECK,
    escalation::CHECK,
    // The chart.
    chart::pinned::CHECK,
    chart::version::CHECK,
    chart::app_version::CHECK,
    chart::changelog::CHECK,
    chart::dependencies::CHECK,
    chart::kube_version::CHECK,
    chart::deprecated::CHECK,
    chart::newer::CHECK,
    chart::repository::CHECK,
    chart::provenance::CHECK,
    // The capacity.
    capacity::references::CHECK,
    capacity::classes::CHECK,
    capacity::quota::CHECK,
    capacity::limit_range::CHECK,
    capacity::room::CHECK,
    capacity::volume_growth::CHECK,
    // The disruption.
    disruption::deletions::CHECK,
    disruption::budget::CHECK,
    disruption::node_ports::CHECK,
    disruption::services::CHECK,
    disruption::availability::CHECK,
    disruption::autoscaler::CHECK,
    disruption::restarts::CHECK,
    // The steps of a canary.
    canary::replicas::CHECK,
    canary::autoscaler::CHECK,
    canary::service::CHECK,
    canary::unfinished::CHECK,
    // The security.
    security::pod_security::CHECK,
    security::privileges::CHECK,
    security::grants::CHECK,
    // The values.
    values::SCHEMA,
    values::DEAD,
    values::UNKNOWN,
    values::RETYPED,
    values::CHANGED,
    values::REUSE,
    values::PLAIN,
    values::NULLS,
    // The time, and other places.
    window::CHECK,
    elsewhere::CHECK,
    // The hooks.
    hooks::running::CHECK,
    hooks::existing::CHECK,
    hooks::migration::CHECK,
    // The images.
    images::tag::CHECK,
    images::pull::CHECK,
    images::platform::CHECK,
];

/// What is made of what checks find.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Terms {
    /// Checks whose blockers stop nothing.
    pub accepted: Vec<String>,
    /// Severities other than those of the checks.
    pub severities: Severities,
}

/// What all checks have to say, and which of them are accepted whatever they say.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Findings {
    /// The findings, the worst first.
    pub findings: Vec<Finding>,
    /// The checks whose blockers stop nothing.
    pub accepted: Vec<String>,
    /// The checks that stop the upgrade.
    pub blocked: Vec<&'static str>,
    /// The checks of whose findings the configuration leaves some out. They have not passed.
    pub off: Vec<&'static str>,
}

impl Findings {
    /// The same with every text rewritten: for what nobody may see.
    #[must_use]
    pub fn rewritten(mut self, rewrite: impl Fn(&str) -> String) -> Self {
        for finding in &mut self.findings {
            let Finding { resource, message, evidence, hint, .. } = finding;
            let texts = [resource, message].into_iter().chain(evidence).chain(hint);
            texts.for_each(|text| *text = rewrite(text));
        }
        self
    }

    /// Runs every check.
    #[must_use]
    pub fn of(snapshot: &Snapshot<'_>, terms: &Terms) -> Self {
        Self::sorted(ALL.iter().flat_map(|check| (check.run)(snapshot)).collect(), terms)
    }

    /// What was found, and what else was looked at besides.
    #[must_use]
    pub fn and(self, more: Vec<Finding>, terms: &Terms) -> Self {
        let off = self.off;
        let more = Self::sorted(more, terms);
        let findings = self.findings.into_iter().chain(more.findings);
        let mut all = Self { off: [off, more.off].concat(), findings: findings.collect(), ..self };
        all.findings.sort_by_key(|finding| finding.severity);
        all.blocked.extend(more.blocked);
        all
    }

    fn sorted(found: Vec<Finding>, terms: &Terms) -> Self {
        let (mut findings, mut off): (Vec<Finding>, Vec<&'static str>) = (Vec::new(), Vec::new());
        for mut finding in found {
            match terms.severities.of(finding.check, finding.severity) {
                Some(severity) => {
                    finding.severity = severity;
                    findings.push(finding);
                }
                None if off.contains(&finding.check) => {}
                None => off.push(finding.check),
            }
        }
        findings.sort_by_key(|finding| finding.severity);
        let mut blocked: Vec<&'static str> = Vec::new();
        for finding in findings.iter().filter(|finding| finding.severity == Severity::Blocker) {
            let is_accepted = terms.accepted.iter().any(|name| name == finding.check);
            if !is_accepted && !blocked.contains(&finding.check) {
                blocked.push(finding.check);
            }
        }
        Self { findings, accepted: terms.accepted.clone(), blocked, off }
    }

    /// Those of one severity.
    pub fn of_severity(&self, severity: Severity) -> impl Iterator<Item = &Finding> {
        self.findings.iter().filter(move |finding| finding.severity == severity)
    }

    /// The checks that found nothing.
    #[must_use]
    pub fn passed(&self) -> Vec<&'static str> {
        let said =
            |name| self.findings.iter().any(|finding| finding.check == name && finding.severity != Severity::Pass);
        let names = ALL.iter().map(|check| check.name);
        names.filter(|name| !said(*name) && !self.off.contains(name)).collect()
    }
}

#[cfg(test)]
mod tests;
