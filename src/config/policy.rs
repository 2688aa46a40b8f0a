//! The key `policies`: how upgrades are checked and guarded, by patterns of releases and namespaces.

use jiff::SignedDuration;

use super::windows;
use crate::checks::severities::{Rule, Severities};
use crate::checks::window::schedule::{Freeze, Opening, Windows};
use crate::checks::{ALL, Severity, window};
use crate::config::reading::{Problem, Table, nearest, text};
use crate::diff::select::matches;
use crate::manifest::node::{Node, Value};

/// How upgrades are checked and guarded. What is not said is left as it is.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Policy {
    /// The release's name; `*` and `?` stand for any text and any character.
    pub release: Option<String>,
    /// Its namespace, in the same way.
    pub namespace: Option<String>,
    /// What becomes of what checks find.
    pub severities: Severities,
    /// Checks whose blockers stop nothing.
    pub accept: Vec<String>,
    /// Within which times upgrades may be made.
    pub allow: Option<Vec<Opening>>,
    /// Within which they may not.
    pub deny: Vec<Opening>,
    /// Before which they may not.
    pub freezes: Vec<Freeze>,
    /// What is asked of a revision.
    pub gates: Gates,
    /// Which revisions stay.
    pub keep: Keep,
    /// In which steps a canary goes.
    pub canary: Canary,
    /// Where the same must have been proven: `CONTEXT/NAMESPACE/RELEASE`.
    pub proven_in: Option<String>,
    /// For how long.
    pub proven_for: Option<SignedDuration>,
}

/// What is asked of a revision before it is called proven, as the flags of the same names have it.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Gates {
    /// `--test`.
    pub test: Option<bool>,
    /// `--gate-cmd`.
    pub commands: Option<Vec<String>>,
    /// `--gate-http`.
    pub http: Option<Vec<String>>,
    /// `--gate-prometheus`: address, query, comparison, number.
    pub prometheus: Option<Vec<[String; 4]>>,
    /// `--soak`.
    pub soak: Option<SignedDuration>,
}

/// In which steps a canary goes, as the flags of the same names have it.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Canary {
    /// `--steps`.
    pub steps: Option<Vec<u32>>,
    /// `--replicas-key`.
    pub replicas_key: Option<String>,
    /// `--interval`.
    pub interval: Option<SignedDuration>,
}

/// Which revisions stay when old ones are deleted.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Keep {
    /// `--keep`.
    pub revisions: Option<u32>,
    /// `--keep-proven`.
    pub proven: Option<u32>,
    /// `--keep-younger-than`.
    pub younger_than: Option<SignedDuration>,
}

impl Policy {
    /// What all policies that speak of a release come to: what a later one says counts instead of what an earlier one said. Only
    /// what is accepted, denied and frozen adds up, so that nothing lifts a freeze by accident.
    #[must_use]
    pub fn of(policies: &[Self], release: &str, namespace: &str) -> Self {
        let mut all = Self::default();
        let fits = |pattern: &Option<String>, text| pattern.as_ref().is_none_or(|pattern| matches(pattern, text));
        for one in policies.iter().filter(|one| fits(&one.release, release) && fits(&one.namespace, namespace)) {
            let one = one.clone();
            all.severities.0.extend(one.severities.0);
            all.accept.extend(one.accept);
            all.deny.extend(one.deny);
            all.freezes.extend(one.freezes);
            all.allow = one.allow.or(all.allow);
            all.gates = Gates {
                test: one.gates.test.or(all.gates.test),
                commands: one.gates.commands.or(all.gates.commands),
                http: one.gates.http.or(all.gates.http),
                prometheus: one.gates.prometheus.or(all.gates.prometheus),
                soak: one.gates.soak.or(all.gates.soak),
            };
            all.keep = Keep {
                revisions: one.keep.revisions.or(all.keep.revisions),
                proven: one.keep.proven.or(all.keep.proven),
                younger_than: one.keep.younger_than.or(all.keep.younger_than),
            };
            all.canary = Canary {
                steps: one.canary.steps.or(all.canary.steps),
                replicas_key: one.canary.replicas_key.or(all.canary.replicas_key),
                interval: one.canary.interval.or(all.canary.interval),
            };
            all.proven_in = one.proven_in.or(all.proven_in);
            all.proven_for = one.proven_for.or(all.proven_for);
        }
        all
    }

    /// When upgrades may be made.
    #[must_use]
    pub fn windows(&self) -> Windows {
        Windows {
            allow: self.allow.clone().unwrap_or_default(),
            deny: self.deny.clone(),
            freezes: self.freezes.clone(),
        }
    }
}

/// The keys of a policy.
const KEYS: [&str; 10] =
    ["release", "namespace", "severities", "accept", "windows", "gates", "keep", "canary", "provenIn", "provenFor"];

/// Reads one policy.
pub(super) fn policy(node: &Node) -> Result<Policy, Problem> {
    let table = Table::of(node, "a policy", &KEYS)?;
    let mut policy = Policy {
        release: table.text("release")?,
        namespace: table.text("namespace")?,
        severities: match node.get("severities") {
            Some(node) => severities(node)?,
            None => Severities::default(),
        },
        accept: table.list("accept", accepted)?,
        gates: node.get("gates").map(gates).transpose()?.unwrap_or_default(),
        keep: node.get("keep").map(keep).transpose()?.unwrap_or_default(),
        canary: node.get("canary").map(canary).transpose()?.unwrap_or_default(),
        proven_in: table.text("provenIn")?,
        proven_for: table.span("provenFor")?,
        ..Policy::default()
    };
    if let Some(node) = node.get("windows") {
        let read = windows::read(node)?;
        (policy.allow, policy.deny, policy.freezes) = (read.allow, read.deny, read.freezes);
    }
    if let Some(place) = node.get("provenIn").filter(|node| !node.as_str().is_some_and(is_place)) {
        return Err(Problem::at(place, "\"provenIn\" is no CONTEXT/NAMESPACE/RELEASE"));
    }
    Ok(policy)
}

/// Whether a text names a context, a namespace and a release. A context may have slashes in its name.
#[must_use]
pub fn is_place(text: &str) -> bool {
    let parts: Vec<&str> = text.rsplitn(3, '/').collect();
    parts.len() == 3 && parts.iter().all(|part| !part.is_empty())
}

fn severities(node: &Node) -> Result<Severities, Problem> {
    let Value::Map(entries) = node.value() else { return Err(Problem::at(node, "\"severities\" is no map")) };
    let names: Vec<&str> = ALL.iter().map(|check| check.name).collect();
    let mut rules = Vec::new();
    for (check, node) in entries {
        if !names.iter().any(|name| matches(check, name)) {
            let problem = Problem::at(node, format!("no check is named {check:?}"));
            let hint = nearest(check, &names).map(|near| format!("did you mean {near:?}?"));
            return Err(Problem { hint, key: Some(check.to_string()), ..problem });
        }
        let check = check.to_string();
        match node.value() {
            Value::Map(entries) => {
                Table::of(node, "a check's severities", &["blocker", "warning", "info", "unknown"])?;
                for (found, becomes) in entries {
                    let found = Severity::ALL.into_iter().find(|severity| severity.word() == &**found);
                    rules.push(Rule { check: check.clone(), found, becomes: severity(becomes)? });
                }
            }
            _ => rules.push(Rule { check, found: None, becomes: severity(node)? }),
        }
    }
    Ok(Severities(rules))
}

/// `off` is false to YAML where it is not quoted.
fn severity(node: &Node) -> Result<Option<Severity>, Problem> {
    match (node.value(), node.as_str()) {
        (Value::Bool(false), _) | (_, Some("off")) => Ok(None),
        (_, Some("blocker")) => Ok(Some(Severity::Blocker)),
        (_, Some("warning")) => Ok(Some(Severity::Warning)),
        (_, Some("info")) => Ok(Some(Severity::Info)),
        _ => Err(Problem::at(node, "a severity is one of blocker, warning, info and off")),
    }
}

fn accepted(node: &Node) -> Result<String, Problem> {
    let name = text(node, "a check")?;
    if name == window::NAME {
        let problem = Problem::at(node, "the check \"window\" can't be accepted for good");
        return Err(Problem { hint: Some("--override-window REASON goes on once".to_owned()), ..problem });
    }
    let names: Vec<&str> = ALL.iter().map(|check| check.name).collect();
    if names.contains(&name.as_str()) {
        return Ok(name);
    }
    let hint = nearest(&name, &names).map(|near| format!("did you mean {near:?}?"));
    Err(Problem { hint, ..Problem::at(node, format!("no check is named {name:?}")) })
}

pub(super) fn gates(node: &Node) -> Result<Gates, Problem> {
    let table = Table::of(node, "\"gates\"", &["test", "commands", "http", "prometheus", "soak"])?;
    let texts = |key: &str| -> Result<Option<Vec<String>>, Problem> {
        let texts = table.list(key, |node| text(node, "a gate"))?;
        Ok(node.get(key).map(|_| texts))
    };
    let prometheus = table.list("prometheus", |node| {
        let table = Table::of(node, "a gate of Prometheus", &["address", "query", "op", "value"])?;
        let part = |key: &str| table.text(key)?.ok_or_else(|| Problem::at(node, format!("a gate has no {key:?}")));
        let value = node.get("value").ok_or_else(|| Problem::at(node, "a gate has no \"value\""))?;
        let Value::Number(number) = value.value() else { return Err(Problem::at(value, "\"value\" is no number")) };
        Ok([part("address")?, part("query")?, part("op")?, number.to_string()])
    })?;
    Ok(Gates {
        test: table.switch("test")?,
        commands: texts("commands")?,
        http: texts("http")?,
        prometheus: node.get("prometheus").map(|_| prometheus),
        soak: table.span("soak")?,
    })
}

fn canary(node: &Node) -> Result<Canary, Problem> {
    let table = Table::of(node, "\"canary\"", &["steps", "replicasKey", "interval"])?;
    let steps = table.list("steps", |node| match node.as_count().map(u32::try_from) {
        Some(Ok(count)) => Ok(count),
        _ => Err(Problem::at(node, "a step is no whole number of pods")),
    })?;
    Ok(Canary {
        steps: node.get("steps").map(|_| steps),
        replicas_key: table.text("replicasKey")?,
        interval: table.span("interval")?,
    })
}

fn keep(node: &Node) -> Result<Keep, Problem> {
    let table = Table::of(node, "\"keep\"", &["revisions", "proven", "youngerThan"])?;
    Ok(Keep {
        revisions: table.number("revisions", 0)?,
        proven: table.number("proven", 1)?,
        younger_than: table.span("youngerThan")?,
    })
}
