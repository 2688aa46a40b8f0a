//! The steps of a canary as they were given: by flags, by a file, or by the configuration.

use jiff::SignedDuration;
use ring::digest::{SHA256, digest};
use serde_json::json;

use crate::cli::args::StepArgs;
use crate::cli::input;
use crate::config::canary as file;
use crate::config::policy::{self, Policy};
use crate::error::{Error, Kind};
use crate::helm::Upgrade;
use crate::helm::flags::ValueFlags;
use crate::manifest::sensitive::named_like_a_secret;
use crate::upgrade::canary::{Gates, MOST_STEPS, Step};

/// The value that sets how many pods there are, in most charts.
const REPLICAS_KEY: &str = "replicaCount";

/// How long each step is watched where nothing is said.
pub(super) const INTERVAL: SignedDuration = SignedDuration::from_mins(2);

/// What is shown of a value, in characters.
const LONGEST_VALUE: usize = 40;

/// The steps of a canary.
#[derive(Clone, Debug)]
pub(super) struct Given {
    pub(super) steps: Vec<Step>,
    pub(super) interval: SignedDuration,
    pub(super) replicas_key: String,
}

impl Given {
    /// The steps of these flags, or of the configuration.
    pub(super) fn of(arguments: &StepArgs, policy: &Policy) -> Result<Self, Error> {
        let said = match &arguments.steps_file {
            Some(path) => file::read(&input::name(path), &input::read(path)?)?,
            None => file::Steps::default(),
        };
        let key = arguments.replicas_key.clone().or(said.replicas_key).or_else(|| policy.canary.replicas_key.clone());
        let key = key.unwrap_or_else(|| REPLICAS_KEY.to_owned());
        if key.is_empty() || key.contains(['=', ',', '{', '}']) {
            return Err(Error::new(Kind::Usage, format!("cannot scale by {key:?}: it is no key of values"))
                .hint("--replicas-key replicaCount, or web.replicas for a value within another"));
        }
        let of_flag = arguments.interval.and_then(|long| SignedDuration::try_from(long).ok());
        let interval = of_flag.or(said.interval).or(policy.canary.interval).unwrap_or(INTERVAL);
        let counts = |counts: &[u32]| counts.iter().map(|count| Step::to_replicas(&key, *count)).collect();
        let by_flag =
            arguments.step.iter().map(|set| Step { title: shown(set), set: vec![set.clone()], ..Step::default() });
        let mut steps: Vec<Step> = match (said.steps.is_empty(), arguments.step.is_empty(), arguments.steps.is_empty())
        {
            (false, ..) => said.steps.into_iter().map(|step| of_file(step, &key)).collect(),
            (_, false, _) => by_flag.collect(),
            (_, _, false) => counts(&arguments.steps),
            _ => counts(policy.canary.steps.as_deref().unwrap_or_default()),
        };
        if steps.is_empty() || steps.len() > MOST_STEPS {
            return Err(Error::new(
                Kind::Usage,
                format!("a canary has 1 to {MOST_STEPS} steps, and these are {}", steps.len()),
            )
            .hint("--steps 1,3,10 by numbers of pods, --step KEY=VALUE by any values, or --steps-file"));
        }
        no_value_is_set_twice(&steps)?;
        mark(&mut steps, arguments)?;
        Ok(Self { steps, interval, replicas_key: key })
    }

    /// Tells this canary from others: what is upgraded, with which values, in which steps.
    pub(super) fn digest(&self, upgrade: &Upgrade, values: &str, beside: Option<&[String]>) -> String {
        let told = json!({
            "chart": upgrade.chart, "version": upgrade.flags.chart.version, "repo": upgrade.flags.chart.repo,
            "reuse": format!("{:?}", upgrade.flags.reuse), "values": values, "steps": self.steps, "beside": beside,
            "replicas": self.replicas_key,
        });
        let bytes = digest(&SHA256, told.to_string().as_bytes());
        bytes.as_ref().iter().map(|byte| format!("{byte:02x}")).collect()
    }
}

/// The value that a part of what `--set` takes is about.
fn key(set: &str) -> String {
    set.split('=').next().unwrap_or_default().to_owned()
}

/// Whether one of two values is the other, or holds it.
fn touches(a: &str, b: &str) -> bool {
    let within =
        |a: &str, b: &str| a.strip_prefix(b).is_some_and(|rest| rest.is_empty() || rest.starts_with(['.', '[']));
    within(a, b) || within(b, a)
}

/// Refuses flags that would win over what a step sets: Helm takes `--set` after `--set-json`, which `values` of a step are given by, and
/// `--set-string`, `--set-file` and `--set-literal` after both.
pub(super) fn steps_win(steps: &[Step], flags: &ValueFlags) -> Result<(), Error> {
    let keys = |all: &[String]| all.iter().flat_map(|words| parts(words)).map(key).collect::<Vec<_>>();
    let literal = flags.set_literal.iter().map(|one| key(one)).collect();
    let later =
        [("--set-string", keys(&flags.set_string)), ("--set-file", keys(&flags.set_file)), ("--set-literal", literal)];
    let set = ("--set", keys(&flags.set));
    for (at, step) in steps.iter().enumerate() {
        let by_set = keys(&step.set).into_iter().map(|path| (path, false));
        let by_json = step.set_json.iter().map(|one| (key(one), true));
        for (path, is_json) in by_set.chain(by_json) {
            let over = later.iter().chain(is_json.then_some(&set));
            let found = over.filter_map(|(flag, keys)| Some((flag, keys.iter().find(|other| touches(other, &path))?)));
            let Some((flag, other)) = found.into_iter().next() else { continue };
            let message = format!("cannot make step {}: it sets {path}, and {flag} {other} would win over it", at + 1);
            return Err(
                Error::new(Kind::Usage, message).hint(format!("leave out {flag} {other}, or give it in a file"))
            );
        }
    }
    Ok(())
}

/// Helm lets what `set` and `replicas` say win over `values`, whichever step says it later.
fn no_value_is_set_twice(steps: &[Step]) -> Result<(), Error> {
    let mut set: Vec<String> = Vec::new();
    for (at, step) in steps.iter().enumerate() {
        set.extend(step.set.iter().flat_map(|words| parts(words)).map(key));
        for path in step.set_json.iter().map(|one| key(one)) {
            let Some(other) = set.iter().find(|other| touches(other, &path)) else { continue };
            let message =
                format!("cannot make step {}: its values say {path}, and set or replicas say {other}", at + 1);
            return Err(Error::new(Kind::Usage, message)
                .hint("say it in one way in all steps: the two would not follow each other"));
        }
    }
    Ok(())
}

/// After which steps it pauses or asks.
fn mark(steps: &mut [Step], arguments: &StepArgs) -> Result<(), Error> {
    let count = steps.len();
    if let Some(wrong) = arguments.pause.iter().find(|at| **at > count) {
        let message = format!("cannot pause after step {wrong}: there are {count}");
        return Err(Error::new(Kind::Usage, message).hint("--pause=1 pauses after the first step"));
    }
    for (at, step) in steps.iter_mut().enumerate() {
        step.pause |= arguments.pause.iter().any(|paused| *paused == 0 || *paused == at + 1);
        step.confirm |= arguments.confirm;
    }
    if let Some(last) = steps.last_mut() {
        // There is nothing to go on with.
        (last.pause, last.confirm) = (false, false);
    }
    Ok(())
}

fn of_file(step: file::Step, key: &str) -> Step {
    let file::Step { replicas, set, values, pause, confirm, gates } = step;
    let scaled = replicas.map(|count| format!("{key}={count}"));
    let json: Vec<String> = values.iter().map(|(path, value)| format!("{path}={value}")).collect();
    let seen: Vec<String> = values.iter().map(|(path, value)| shown_json(path, value)).collect();
    let cut = |text: String| match text.char_indices().nth(LONGEST_VALUE) {
        Some((end, _)) => format!("{}…", &text[..end]),
        None => text,
    };
    let of_set = scaled.iter().chain(&set).map(|set| shown(set));
    let title: Vec<String> = seen.into_iter().chain(of_set).map(cut).collect();
    Step {
        title: title.join(", "),
        set: scaled.into_iter().chain(set).collect(),
        set_json: json,
        replicas,
        pause,
        confirm,
        gates: gates.map(of_policy),
    }
}

/// What `--set` takes, for a reader: without the values whose keys are named as those of secrets are.
fn shown(set: &str) -> String {
    let part = |part: &str| match part.split_once('=') {
        Some((key, _)) if is_secret(key) => format!("{key}=…"),
        _ => part.to_owned(),
    };
    parts(set).into_iter().map(part).collect::<Vec<_>>().join(",")
}

/// The parts of what `--set` takes. A comma of a value itself has a backslash before it, or stands between braces.
fn parts(set: &str) -> Vec<&str> {
    let (mut found, mut start, mut within, mut escaped) = (Vec::new(), 0, false, false);
    for (at, c) in set.char_indices() {
        match c {
            _ if escaped => {
                escaped = false;
                continue;
            }
            '\\' => escaped = true,
            '{' if set[start..at].ends_with('=') => within = true,
            '}' => within = false,
            ',' if !within => {
                found.push(&set[start..at]);
                start = at + 1;
            }
            _ => {}
        }
    }
    found.push(&set[start..]);
    found
}

/// A value of a tree, for a reader: what holds others may hold a secret anywhere.
fn shown_json(path: &str, value: &str) -> String {
    let holds = value.starts_with(['{', '[']);
    if holds || is_secret(path) { format!("{path}=…") } else { format!("{path}={value}") }
}

/// Whether any key of a path is named as those of secrets are: `auth.password`, `tokens.apiToken[0]`.
fn is_secret(path: &str) -> bool {
    path.split('.').any(|key| named_like_a_secret(key.split_once('[').map_or(key, |(key, _)| key)))
}

fn of_policy(gates: policy::Gates) -> Gates {
    let policy::Gates { test, commands, http, prometheus, soak } = gates;
    Gates { test, commands, http, prometheus, soak }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn arguments() -> StepArgs {
        StepArgs {
            steps: Vec::new(),
            replicas_key: None,
            step: Vec::new(),
            steps_file: None,
            interval: None,
            pause: Vec::new(),
            confirm: false,
            max_ratio: None,
            keep_stable: false,
            canary_set: Vec::new(),
        }
    }

    #[test]
    fn flags_win_over_the_configuration() {
        let mut policy = Policy::default();
        policy.canary.steps = Some(vec![2, 4]);
        policy.canary.replicas_key = Some("web.replicas".to_owned());
        let titles = |given: &Given| given.steps.iter().map(|step| step.title.clone()).collect::<Vec<_>>();
        let given = Given::of(&arguments(), &policy).unwrap();
        assert_eq!(
            (titles(&given), given.interval),
            (vec!["web.replicas=2".to_owned(), "web.replicas=4".to_owned()], INTERVAL)
        );
        let given = Given::of(&StepArgs { steps: vec![1], ..arguments() }, &policy).unwrap();
        assert_eq!(titles(&given), ["web.replicas=1"]);
        let step = vec!["canary.weight=10".to_owned()];
        let given = Given::of(&StepArgs { step, replicas_key: Some("x".to_owned()), ..arguments() }, &policy).unwrap();
        assert_eq!(titles(&given), ["canary.weight=10"]);
        assert!(Given::of(&arguments(), &Policy::default()).is_err(), "no steps");
    }

    #[test]
    fn what_is_named_like_a_secret_is_not_shown() {
        assert_eq!(shown("canary.weight=10,canary.on=true"), "canary.weight=10,canary.on=true");
        assert_eq!(shown("auth.password=a\\,b=c,weight=1"), "auth.password=…,weight=1");
        assert_eq!(shown("apiToken={a,b},list={a,b}"), "apiToken=…,list={a,b}");
        assert_eq!(shown("apiToken={a,b=c},weight=1"), "apiToken=…,weight=1", "no key begins between braces");
        assert_eq!(shown("tokens.apiToken[0]=a,list[1]=b"), "tokens.apiToken[0]=…,list[1]=b");
        assert_eq!(shown("password.value=a"), "password.value=…");
        assert_eq!(shown("password=a{b,weight=1"), "password=…,weight=1");
    }

    #[test]
    fn of_a_tree_only_simple_values_are_shown() {
        let step = |values: &[(&str, &str)]| {
            let values = values.iter().map(|(path, value)| ((*path).to_owned(), (*value).to_owned())).collect();
            of_file(file::Step { values, set: vec!["a=1".to_owned()], ..file::Step::default() }, "replicas")
        };
        let values = [
            ("canary.weight", "10"),
            ("db.password", "\"s3cret\""),
            ("db.password.value", "\"s3cret\""),
            ("env", "[{\"name\":\"TOKEN\",\"value\":\"s3cret\"}]"),
            ("none", "{}"),
        ];
        let found = step(&values);
        assert_eq!(found.title, "canary.weight=10, db.password=…, db.password.value=…, env=…, none=…, a=1");
        assert_eq!(found.set_json[1], "db.password=\"s3cret\"", "it is set none the less");
    }

    #[test]
    fn no_value_is_said_in_two_ways() {
        let step = |set: &[&str], json: &[&str]| Step {
            set: set.iter().map(|one| (*one).to_owned()).collect(),
            set_json: json.iter().map(|one| (*one).to_owned()).collect(),
            ..Step::default()
        };
        let fits = [step(&["replicas=1,a.bc=2"], &["a.b=1"]), step(&[], &["a.b=2", "on=true"])];
        assert!(no_value_is_set_twice(&fits).is_ok());
        for later in ["a=1", "a.b={}", "a.b.c=1", "a.b[0]=1"] {
            let error = no_value_is_set_twice(&[step(&["x=1,a.b=2"], &[]), step(&[], &[later])]).unwrap_err();
            assert!(error.message.contains("step 2"), "{later}: {}", error.message);
        }
    }

    #[test]
    fn no_flag_wins_over_a_step() {
        let words = |all: &[&str]| all.iter().map(|one| (*one).to_owned()).collect::<Vec<_>>();
        let steps = [
            Step { set: words(&["replicas=1,a.x=1"]), ..Step::default() },
            Step { set_json: words(&["b.c=10", r"b.d\.e=[1]"]), ..Step::default() },
        ];
        let found = |set: &[&str], string: &[&str], literal: &[&str]| {
            let (set, set_string, set_literal) = (words(set), words(string), words(literal));
            steps_win(&steps, &ValueFlags { set, set_string, set_literal, ..ValueFlags::default() })
                .err()
                .map(|error| error.message)
        };
        assert_eq!(
            found(&["replicas=9,b.x=1,a=1"], &["b.cc=1"], &["d=1,replicas=2"]),
            None,
            "a step's own comes later"
        );
        let by_set = found(&["d=1,b.c=2"], &[], &[]);
        assert_eq!(by_set.as_deref(), Some("cannot make step 2: it sets b.c, and --set b.c would win over it"));
        let by_string = found(&[], &["a=1"], &[]);
        assert_eq!(by_string.as_deref(), Some("cannot make step 1: it sets a.x, and --set-string a would win over it"));
        for set in ["b=null", r"b.d\.e[0]=1", "b.c.d=1"] {
            assert!(found(&[set], &[], &[]).is_some(), "{set}");
        }
        assert!(found(&[], &[], &["replicas=1"]).is_some());
    }

    #[test]
    fn it_pauses_where_it_is_told_to_and_never_after_the_last_step() {
        let paused = |pause: &[usize]| {
            let given = Given::of(
                &StepArgs { steps: vec![1, 3, 10], pause: pause.to_vec(), ..arguments() },
                &Policy::default(),
            );
            given.map(|given| given.steps.iter().map(|step| step.pause).collect::<Vec<_>>())
        };
        assert_eq!(paused(&[]).unwrap(), [false, false, false]);
        assert_eq!(paused(&[0]).unwrap(), [true, true, false]);
        assert_eq!(paused(&[2, 3]).unwrap(), [false, true, false]);
        assert!(paused(&[4]).is_err());
        let wrong = StepArgs { steps: vec![1], replicas_key: Some("a=b".to_owned()), ..arguments() };
        assert!(Given::of(&wrong, &Policy::default()).is_err());
    }
}
