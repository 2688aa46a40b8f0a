//! The configuration file `helm-safe-upgrade.yaml`: what it may say, and what is wrong with what it says. Its schema for editors is
//! `docs/schema/config.json`.

pub mod batch;
pub mod canary;
mod ignore;
pub mod policy;
pub mod pull_request;
mod reading;
mod windows;

use crate::config::policy::Policy;
use crate::config::pull_request::PullRequest;
use crate::config::reading::{Problem, Table};
use crate::diff::ignore::Rule;
use crate::error::{Error, Kind};
use crate::manifest::node::{Node, Value};
use crate::manifest::yaml;

/// The file's name, where none is given.
pub const FILE_NAME: &str = "helm-safe-upgrade.yaml";

/// What a configuration file says.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Config {
    /// Differences that are not shown.
    pub ignore: Vec<Rule>,
    /// How upgrades are checked and guarded. Later ones count before earlier ones.
    pub policies: Vec<Policy>,
    /// What is rendered for a pull request.
    pub pull_request: PullRequest,
}

/// The keys of the file itself.
pub const KEYS: [&str; 3] = ["ignore", "policies", "pullRequest"];

/// Reads a configuration. `name` is the file's, for messages.
///
/// # Errors
/// If it is no YAML, or says what it may not: the message has the file, the line and what is wrong; an unknown key comes with the
/// nearest one there is.
pub fn read(name: &str, text: &str) -> Result<Config, Error> {
    parse(text).map_err(|problem| failed((name, text), problem, "docs/configuration.md says what may stand in it"))
}

/// The error that a problem is to the user; `help` is its hint where it has none of its own.
fn failed((name, text): (&str, &str), mut problem: Problem, help: &str) -> Error {
    if let Some(key) = &problem.key {
        problem.line = line_of(text, key, problem.line);
    }
    let message = format!("cannot use {name}: line {}: {}", problem.line.max(1), problem.what);
    Error::new(Kind::Usage, message).hint(problem.hint.unwrap_or_else(|| help.to_owned()))
}

/// The tree of a file.
fn parsed(text: &str) -> Result<Node, Problem> {
    yaml::parse(text).map_err(|error| Problem { line: error.line, what: error.message, hint: None, key: None })
}

/// The line of a key: that of its value, or one above it where the value is a block of its own.
fn line_of(text: &str, key: &str, value: u32) -> u32 {
    let above: Vec<&str> = text.lines().take(usize::try_from(value).unwrap_or(usize::MAX)).collect();
    let is_key = |line: &&str| line.trim_start_matches(['-', ' ']).trim_start_matches(['"', '\'']).starts_with(key);
    above.iter().rposition(is_key).and_then(|at| u32::try_from(at + 1).ok()).unwrap_or(value)
}

fn parse(text: &str) -> Result<Config, Problem> {
    let root = parsed(text)?;
    if matches!(root.value(), Value::Null) {
        return Ok(Config::default());
    }
    let table = Table::of(&root, "the file", &KEYS)?;
    Ok(Config {
        ignore: table.list("ignore", ignore::rule)?,
        policies: table.list("policies", policy::policy)?,
        pull_request: root.get("pullRequest").map(pull_request::pull_request).transpose()?.unwrap_or_default(),
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn refused(text: &str) -> (String, String) {
        let error = read("here.yaml", text).unwrap_err();
        (error.message, error.hint.unwrap_or_default())
    }

    #[test]
    fn rules_are_read() {
        let text = "ignore:\n- kind: Deployment\n  name: web-*\n  paths: [/spec/replicas, \"$.spec.x[*]\"]\n- managers: [hpa]\n- group: ''\n  kind: Secret\n";
        let config = read("here.yaml", text).unwrap();
        assert_eq!(config.ignore.len(), 3);
        assert_eq!(config.ignore[0].objects.name.as_deref(), Some("web-*"));
        assert_eq!(config.ignore[0].paths.len(), 2);
        assert_eq!(config.ignore[1].managers, ["hpa"]);
        assert_eq!(read("here.yaml", "# nothing\n").unwrap(), Config::default());
    }

    #[test]
    fn what_is_wrong_is_told_with_its_line() {
        let (message, hint) = refused("ignore:\n- kind: Secret\nignor: []\n");
        assert_eq!(message, "cannot use here.yaml: line 3: the file has no key \"ignor\"");
        assert_eq!(hint, "did you mean \"ignore\"?");
        let (message, hint) = refused("ignore:\n- knd: Secret\n");
        assert_eq!(message, "cannot use here.yaml: line 2: a rule of ignore has no key \"knd\"");
        assert_eq!(hint, "did you mean \"kind\"?");
        assert!(refused("# c\n\ningore:\n- kind: x\n").0.contains("line 3: the file has no key \"ingore\""));
        assert!(refused("ignore: 5\n").0.contains("line 1: \"ignore\" is no list"));
        assert!(refused("ignore:\n- kind: [a]\n").0.contains("line 2: \"kind\" is no text"));
        assert!(refused("ignore:\n- paths: [spec.replicas]\n").0.contains("line 2: \"spec.replicas\" is neither"));
        assert!(refused("ignore:\n- {}\n").0.contains("line 2: a rule of ignore names nothing"));
        assert!(refused("ignore:\n- a\n").0.contains("line 2: a rule of ignore is no map"));
        assert!(refused("- a\n").0.contains("the file is no map"));
        assert!(refused("a: [\n").0.starts_with("cannot use here.yaml: line "));
    }

    #[test]
    fn policies_add_up_for_the_releases_that_they_speak_of() {
        let text = "\
policies:
- accept: [pinned]
  keep: {revisions: 5, proven: 3}
  severities: {rights: blocker, '*': {unknown: blocker}}
  windows: {allow: [{from: '00:00', to: '24:00'}], freezeUntil: 2027-01-04, freezeReason: r}
- namespace: prod-*
  release: web-?
  accept: [rights]
  keep: {revisions: 9}
  severities: {rights: off, pinned: {warning: off}}
  windows: {timeZone: Europe/Berlin, allow: [{cron: '0 8 * * mon', for: 1h}], freezeUntil: '2027-01-05T08:00'}
  gates: {test: true, http: [svc/web:80/], prometheus: [{address: 'http://p', query: up, op: '>', value: 0.5}], soak: 5m}
  provenIn: staging/shop/{release}
  provenFor: 2d
- release: other
  accept: [pending]
";
        let policies = read("here.yaml", text).unwrap().policies;
        let policy = Policy::of(&policies, "web-1", "prod-a");
        assert_eq!(policy.accept, ["pinned", "rights"]);
        assert_eq!((policy.keep.revisions, policy.keep.proven), (Some(9), Some(3)));
        let windows = policy.windows();
        let allowed: Vec<String> = windows.allow.iter().map(|opening| opening.tell()).collect();
        assert_eq!(allowed, ["0 8 * * mon for 1h Europe/Berlin"]);
        let frozen: Vec<String> = windows.freezes.iter().map(|freeze| freeze.until.to_string()).collect();
        assert_eq!(frozen, ["2027-01-04T00:00:00Z", "2027-01-05T07:00:00Z"]);
        use crate::checks::Severity::{Blocker, Info, Unknown, Warning};
        assert_eq!(policy.severities.of("rights", Info), None);
        assert_eq!(policy.severities.of("rights", Unknown), Some(Blocker));
        assert_eq!(policy.severities.of("pinned", Warning), None);
        assert_eq!(policy.gates.prometheus.unwrap(), [["http://p", "up", ">", "0.5"].map(str::to_owned)]);
        assert_eq!(policy.proven_for, Some(jiff::SignedDuration::from_hours(48)));
        let other = Policy::of(&policies, "web-10", "prod-a");
        assert_eq!(other.severities.of("rights", Info), Some(Blocker));
        assert_eq!((other.keep.revisions, other.proven_in), (Some(5), None));
    }

    #[test]
    fn what_is_wrong_in_a_policy_is_told() {
        for (policy, expected) in [
            ("severities: {pined: blocker}", "no check is named \"pined\""),
            ("severities: {pinned: fatal}", "a severity is one of blocker, warning, info and off"),
            ("severities: {pinned: {pass: info}}", "a check's severities has no key \"pass\""),
            ("accept: [pined]", "no check is named \"pined\""),
            ("accept: [window]", "the check \"window\" can't be accepted for good"),
            ("provenIn: web", "\"provenIn\" is no CONTEXT/NAMESPACE/RELEASE"),
            ("provenFor: soon", "\"provenFor\" is no length of time"),
            ("keep: {proven: 0}", "\"proven\" is no whole number, 1 or more"),
            ("windows: {timeZone: Mars/Olympus}", "no time zone is named \"Mars/Olympus\""),
            ("windows: {freezeUntil: tomorrow}", "\"freezeUntil\" is no time"),
            ("windows: {allow: [{from: '08:00'}]}", "a window has either"),
            ("windows: {allow: [{from: '8', to: '09:00'}]}", "\"from\" is no time of the day"),
            ("windows: {allow: [{days: [someday], from: '08:00', to: '09:00'}]}", "\"someday\" is no day of the week"),
            (
                "windows: {allow: [{cron: '0 25 * * *', for: 1h}]}",
                "\"25\" is no field of a cron expression from 0 to 23",
            ),
            ("windows: {allow: [{cron: '0 5 * * *', for: 0s}]}", "\"for\" is longer than nothing"),
            ("gates: {prometheus: [{address: a}]}", "a gate has no"),
        ] {
            let (message, _) = refused(&format!("policies:\n- {policy}\n"));
            assert!(message.starts_with(&format!("cannot use here.yaml: line 2: {expected}")), "{policy}: {message}");
        }
        assert_eq!(refused("policies:\n- accept: [pined]\n").1, "did you mean \"pinned\"?");
    }
}
