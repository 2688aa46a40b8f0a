//! The plan of a batch: which releases are upgraded to what, in which order, and by which policy. Its schema for editors is
//! `docs/schema/batch.json`.

use jiff::SignedDuration;

use super::policy::{self, Policy};
use super::reading::{Problem, Table, text};
use super::{failed, parsed};
use crate::error::Error;
use crate::manifest::node::{Node, Value};

/// More releases are no plan that somebody wrote.
pub const MOST_RELEASES: usize = 10_000;

/// What a plan says.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Plan {
    /// How long is waited after each wave.
    pub soak: Option<SignedDuration>,
    /// `--concurrency`.
    pub concurrency: Option<u16>,
    /// With more failures than these nothing new is begun.
    pub max_failures: Option<usize>,
    /// Whether a wave with a failure is the last one that is begun.
    pub stops_after_wave: bool,
    /// The releases, as they were named.
    pub releases: Vec<Planned>,
}

/// A release of a plan, with the plan's defaults filled in.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Planned {
    /// The context of the kubeconfig.
    pub context: Option<String>,
    /// The namespace.
    pub namespace: Option<String>,
    /// The release's name.
    pub release: String,
    /// The chart.
    pub chart: String,
    /// `--version`.
    pub version: Option<String>,
    /// `--repo`.
    pub repo: Option<String>,
    /// `--values`.
    pub values: Vec<String>,
    /// `--set`.
    pub set: Vec<String>,
    /// `--set-string`.
    pub set_string: Vec<String>,
    /// What becomes of the values that the release has.
    pub reuse: Option<Reuse>,
    /// The releases that must be good before.
    pub needs: Vec<String>,
    /// The group that it is upgraded with; 0 is the first.
    pub wave: u32,
    /// `--install`.
    pub install: bool,
    /// `--create-namespace`.
    pub create_namespace: bool,
    /// `--timeout`.
    pub timeout: Option<SignedDuration>,
    /// `--on-failure`.
    pub on_failure: Option<OnFailure>,
    /// Policies of its own, those of the defaults first. They count after those of the configuration.
    pub policies: Vec<Policy>,
}

/// What becomes of the values that a release has.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Reuse {
    /// `--reset-values`.
    Reset,
    /// `--reuse-values`.
    Reuse,
    /// `--reset-then-reuse-values`.
    ResetThenReuse,
}

/// What follows where an upgrade fails.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum OnFailure {
    /// Go back to a good revision.
    Rollback,
    /// Leave everything as it is.
    Keep,
    /// As rollback, and a first installation is removed.
    Uninstall,
}

/// The keys of the plan itself.
const KEYS: [&str; 6] = ["soak", "concurrency", "maxFailures", "stopOnFailure", "defaults", "releases"];

/// So many releases may be upgraded at the same time.
pub const MOST_AT_ONCE: u16 = 256;

/// The keys of a release.
const RELEASE_KEYS: [&str; 17] = [
    "release",
    "namespace",
    "context",
    "chart",
    "version",
    "repo",
    "values",
    "set",
    "setString",
    "reuseValues",
    "needs",
    "wave",
    "install",
    "createNamespace",
    "timeout",
    "onFailure",
    "policy",
];

/// Reads a plan. `name` is the file's, for messages.
///
/// # Errors
/// As [`super::read`].
pub fn read(name: &str, text: &str) -> Result<Plan, Error> {
    parse(text).map_err(|problem| failed((name, text), problem, "docs/batch.md says what may stand in a plan"))
}

fn parse(text: &str) -> Result<Plan, Problem> {
    let root = parsed(text)?;
    let table = Table::of(&root, "the plan", &KEYS)?;
    let defaults = match root.get("defaults") {
        Some(node) => of(node, "\"defaults\"")?,
        None => Said::default(),
    };
    let Some(listed) = root.get("releases") else { return Err(Problem::at(&root, "the plan has no \"releases\"")) };
    if listed.as_list().is_some_and(|listed| listed.len() > MOST_RELEASES) {
        return Err(Problem::at(listed, format!("a plan has at most {MOST_RELEASES} releases")));
    }
    let said = table.list("releases", |node| Ok((node.line(), of(node, "a release")?)))?;
    let releases = said.into_iter().map(|(line, said)| said.filled(line, &defaults)).collect::<Result<_, _>>()?;
    let concurrency = table.number("concurrency", 1)?.map(|number| u16::try_from(number).unwrap_or(u16::MAX));
    if let Some(node) = root.get("concurrency").filter(|_| concurrency.is_some_and(|number| number > MOST_AT_ONCE)) {
        return Err(Problem::at(node, format!("\"concurrency\" is at most {MOST_AT_ONCE}")));
    }
    let stop = stop(&root, &table)?;
    let max_failures = table.number("maxFailures", 0)?.map(|number| number as usize);
    if let (Some(_), Some(node), Some(_)) = (stop, root.get("stopOnFailure"), max_failures) {
        return Err(Problem::at(node, "a plan has \"stopOnFailure\" or \"maxFailures\", and not both"));
    }
    Ok(Plan {
        soak: table.span("soak")?,
        concurrency,
        max_failures: max_failures.or((stop == Some(Stop::Batch)).then_some(0)),
        stops_after_wave: stop == Some(Stop::Wave),
        releases,
    })
}

/// What a failure stops.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Stop {
    /// All that has not begun.
    Batch,
    /// The waves after its own.
    Wave,
}

fn stop(root: &Node, table: &Table<'_>) -> Result<Option<Stop>, Problem> {
    let Some(node) = root.get("stopOnFailure") else { return Ok(None) };
    match node.as_str() {
        Some("wave") => Ok(Some(Stop::Wave)),
        Some(_) => Err(Problem::at(node, "\"stopOnFailure\" is true, false or wave")),
        None => Ok(table.switch("stopOnFailure")?.filter(|stops| *stops).map(|_| Stop::Batch)),
    }
}

/// What is said of a release, or of all of them.
#[derive(Default)]
struct Said {
    planned: Planned,
    release: Option<String>,
    chart: Option<String>,
    wave: Option<u32>,
    install: Option<bool>,
    create_namespace: Option<bool>,
}

impl Said {
    fn filled(self, line: u32, defaults: &Self) -> Result<Planned, Problem> {
        let missing = |what: &str| Problem { line, what: format!("a release has no {what:?}"), hint: None, key: None };
        let Planned { context, namespace, version, repo, values, set, set_string, reuse, needs, .. } =
            defaults.planned.clone();
        let own = self.planned;
        let both = |first: Vec<String>, then: Vec<String>| [first, then].concat();
        Ok(Planned {
            context: own.context.or(context),
            namespace: own.namespace.or(namespace),
            release: self.release.ok_or_else(|| missing("release"))?,
            chart: self.chart.or_else(|| defaults.chart.clone()).ok_or_else(|| missing("chart"))?,
            version: own.version.or(version),
            repo: own.repo.or(repo),
            // What comes later counts, as in Helm.
            values: both(values, own.values),
            set: both(set, own.set),
            set_string: both(set_string, own.set_string),
            reuse: own.reuse.or(reuse),
            needs: both(needs, own.needs),
            wave: self.wave.or(defaults.wave).unwrap_or_default(),
            install: self.install.or(defaults.install).unwrap_or_default(),
            create_namespace: self.create_namespace.or(defaults.create_namespace).unwrap_or_default(),
            timeout: own.timeout.or(defaults.planned.timeout),
            on_failure: own.on_failure.or(defaults.planned.on_failure),
            policies: defaults.planned.policies.iter().cloned().chain(own.policies).collect(),
        })
    }
}

fn of(node: &Node, what: &str) -> Result<Said, Problem> {
    let table = Table::of(node, what, &RELEASE_KEYS)?;
    let texts = |key: &str| table.list(key, |node| text(node, "an entry"));
    let planned = Planned {
        context: table.text("context")?,
        namespace: table.text("namespace")?,
        version: table.text("version")?,
        repo: table.text("repo")?,
        values: texts("values")?,
        set: texts("set")?,
        set_string: texts("setString")?,
        reuse: word(node, "reuseValues", &REUSE)?,
        needs: texts("needs")?,
        timeout: table.span("timeout")?,
        on_failure: word(node, "onFailure", &ON_FAILURE)?,
        policies: match node.get("policy") {
            Some(node) => vec![of_release(node)?],
            None => Vec::new(),
        },
        ..Planned::default()
    };
    Ok(Said {
        planned,
        release: named(&table, "release")?,
        chart: named(&table, "chart")?,
        wave: table.number("wave", 0)?,
        install: table.switch("install")?,
        create_namespace: table.switch("createNamespace")?,
    })
}

/// A text that is not empty, where there is one.
fn named(table: &Table<'_>, key: &str) -> Result<Option<String>, Problem> {
    match table.text(key)? {
        Some(text) if text.trim().is_empty() => {
            Err(Problem::at(table.node.get(key).unwrap_or(table.node), format!("{key:?} is empty")))
        }
        text => Ok(text),
    }
}

const REUSE: [(&str, Reuse); 3] =
    [("reset", Reuse::Reset), ("reuse", Reuse::Reuse), ("reset-then-reuse", Reuse::ResetThenReuse)];

const ON_FAILURE: [(&str, OnFailure); 3] =
    [("rollback", OnFailure::Rollback), ("keep", OnFailure::Keep), ("uninstall", OnFailure::Uninstall)];

/// One of several words, where there is one.
fn word<T: Copy>(node: &Node, key: &str, words: &[(&str, T)]) -> Result<Option<T>, Problem> {
    let Some(node) = node.get(key) else { return Ok(None) };
    let found = words.iter().find(|(word, _)| node.as_str() == Some(word)).map(|(_, meaning)| *meaning);
    let all: Vec<&str> = words.iter().map(|(word, _)| *word).collect();
    found.map(Some).ok_or_else(|| Problem::at(node, format!("{key:?} is one of {}", all.join(", "))))
}

/// A policy that is of one release anyway.
fn of_release(node: &Node) -> Result<Policy, Problem> {
    if let Value::Map(entries) = node.value()
        && let Some((key, value)) = entries.iter().find(|(key, _)| matches!(&**key, "release" | "namespace"))
    {
        return Err(Problem::at(value, format!("a policy of a release has no key {key:?}: it is of that release")));
    }
    policy::policy(node)
}

#[cfg(test)]
mod tests {
    use super::*;

    const PLAN: &str = "\
soak: 10m
defaults:
  namespace: shop
  values: [common.yaml]
  timeout: 10m
  policy: {accept: [pinned]}
releases:
- release: db
  chart: bitnami/postgresql
  version: 16.4.1
  wave: 1
- release: web
  context: production
  chart: ./web
  needs: [db]
  values: [web.yaml]
  set: [a=1]
  wave: 2
  install: true
  reuseValues: reset-then-reuse
  onFailure: keep
  timeout: 90s
  policy: {gates: {test: true}}
";

    fn refused(text: &str) -> String {
        read("plan.yaml", text).unwrap_err().message
    }

    #[test]
    fn a_plan_is_read_with_its_defaults() {
        let plan = read("plan.yaml", PLAN).unwrap();
        assert_eq!(plan.soak, Some(SignedDuration::from_mins(10)));
        let [db, web] = plan.releases.as_slice() else { panic!("{plan:?}") };
        assert_eq!(
            (db.release.as_str(), db.namespace.as_deref(), db.version.as_deref()),
            ("db", Some("shop"), Some("16.4.1"))
        );
        assert_eq!((db.wave, db.timeout, db.install), (1, Some(SignedDuration::from_mins(10)), false));
        assert_eq!(
            (&web.values, &web.needs),
            (&vec!["common.yaml".to_owned(), "web.yaml".to_owned()], &vec!["db".to_owned()])
        );
        assert_eq!((web.reuse, web.on_failure), (Some(Reuse::ResetThenReuse), Some(OnFailure::Keep)));
        assert_eq!(web.timeout, Some(SignedDuration::from_secs(90)));
        let policy = Policy::of(&web.policies, "web", "shop");
        assert_eq!((policy.accept, policy.gates.test), (vec!["pinned".to_owned()], Some(true)));
    }

    #[test]
    fn a_plan_says_what_a_failure_stops() {
        let plan = |keys: &str| read("plan.yaml", &format!("{keys}\nreleases: []\n")).unwrap();
        let stops = |keys: &str| (plan(keys).max_failures, plan(keys).stops_after_wave);
        assert_eq!(stops(""), (None, false));
        assert_eq!(stops("stopOnFailure: false"), (None, false));
        assert_eq!(stops("stopOnFailure: true"), (Some(0), false));
        assert_eq!(stops("stopOnFailure: wave"), (None, true));
        assert_eq!(stops("maxFailures: 3"), (Some(3), false));
        assert_eq!(plan("concurrency: 4").concurrency, Some(4));
    }

    #[test]
    fn what_is_wrong_is_told_with_its_line() {
        for (text, expected) in [
            ("", "line 1: the plan is no map"),
            ("releases: 5\n", "line 1: \"releases\" is no list"),
            ("soak: 1m\n", "line 1: the plan has no \"releases\""),
            ("concurrency: 0\nreleases: []\n", "line 1: \"concurrency\" is no whole number, 1 or more"),
            ("concurrency: 100000\nreleases: []\n", "line 1: \"concurrency\" is at most 256"),
            ("stopOnFailure: never\nreleases: []\n", "line 1: \"stopOnFailure\" is true, false or wave"),
            (
                "maxFailures: 1\nstopOnFailure: wave\nreleases: []\n",
                "line 2: a plan has \"stopOnFailure\" or \"maxFailures\", and not both",
            ),
            ("releases:\n- chart: a\n", "line 2: a release has no \"release\""),
            ("releases:\n- release: a\n", "line 2: a release has no \"chart\""),
            ("releases:\n- release: ''\n  chart: a\n", "line 2: \"release\" is empty"),
            ("releases:\n- release: a\n  chrat: b\n", "line 3: a release has no key \"chrat\""),
            ("releases:\n- {release: a, chart: b, wave: -1}\n", "line 2: \"wave\" is no whole number, 0 or more"),
            (
                "releases:\n- {release: a, chart: b, onFailure: no}\n",
                "line 2: \"onFailure\" is one of rollback, keep, uninstall",
            ),
            ("releases:\n- {release: a, chart: b, policy: {accept: [x]}}\n", "line 2: no check is named \"x\""),
            ("releases:\n- {release: a, chart: b, policy: {release: x}}\n", "line 2: a policy of a release has no key"),
            ("releases:\n- {release: a, chart: b, needs: [[]]}\n", "line 2: \"an entry\" is no text"),
        ] {
            let message = refused(text);
            assert!(message.starts_with(&format!("cannot use plan.yaml: {expected}")), "{text}: {message}");
        }
    }
}
