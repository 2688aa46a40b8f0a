//! Beginning a canary, and going on with it where the same command is run again.

use std::path::PathBuf;

use jiff::Timestamp;
use ring::rand::SecureRandom as _;

use super::given::{Given, steps_win};
use super::look::{Looked, look};
use super::work::Work;
use super::{cluster_of, drive, hint_of, read};
use crate::chart::{Location, locate};
use crate::cli::args::{CanaryArgs, Format, GuardedArgs, StepArgs};
use crate::cli::connection;
use crate::cli::console::Telling;
use crate::cli::guard::{Question, confirm, order};
use crate::cli::policy;
use crate::cli::revdiff::Run;
use crate::cli::{Environment, configuration, input, output};
use crate::config::policy::Policy;
use crate::error::{EXIT_OK, Error, Kind};
use crate::execute::canary::measure;
use crate::execute::interrupts::Interrupts;
use crate::helm::Helm as _;
use crate::record::canary::Store;
use crate::upgrade::canary::kept::{Chart, Kept, SCHEMA_VERSION};
use crate::upgrade::canary::next::Terms;
use crate::upgrade::gates::Gate;

/// Flags that make no sense of a release that is there already, and is upgraded in steps.
fn refuse_flags(arguments: &GuardedArgs) -> Result<(), Error> {
    let flags = [
        ("--plan-out", arguments.plan_out.is_some()),
        ("--install", arguments.apply.install),
        ("--create-namespace", arguments.apply.create_namespace),
        ("--detailed-exitcode", arguments.diff.detailed_exitcode),
    ];
    match flags.into_iter().find(|(_, given)| *given) {
        Some((flag, _)) => Err(Error::new(
            Kind::Usage,
            format!("cannot use {flag}: a canary upgrades a release that runs, step by step"),
        )
        .hint("see docs/canary.md")),
        None => Ok(()),
    }
}

fn telling(format: Format) -> Result<Telling, Error> {
    match format {
        Format::Json => Ok(Telling::Events),
        Format::Text | Format::SideBySide | Format::Paths | Format::Stat => Ok(Telling::Story),
        _ => Err(Error::new(Kind::Usage, "cannot tell a canary in this format")
            .hint("formats are text, side-by-side, paths, stat and json")),
    }
}

/// The parts of a command line.
pub(super) struct Parts {
    pub(super) guarded: GuardedArgs,
    pub(super) steps: StepArgs,
    pub(super) policy: Policy,
    pub(super) storage: connection::AnyStorage,
}

impl Parts {
    pub(super) async fn of(arguments: CanaryArgs, environment: &Environment) -> Result<Self, Error> {
        let CanaryArgs { mut guarded, steps, .. } = arguments;
        refuse_flags(&guarded)?;
        let storage = connection::storage(&guarded.diff.cluster, environment).await?;
        cluster_of(&storage)?;
        let release = guarded.release.clone().unwrap_or_default();
        let policy = policy::of(guarded.diff.config.as_deref(), &release, storage.namespace())?;
        policy::gates(&mut guarded.gates, &policy);
        policy::keep(&mut guarded.keep, &policy);
        Ok(Self { guarded, steps, policy, storage })
    }

    /// What the steps are made with.
    pub(super) async fn work<'a>(
        self,
        interval: jiff::SignedDuration,
        interrupts: &'a Interrupts,
        environment: &'a Environment,
    ) -> Result<Work<'a>, Error> {
        let Self { guarded, steps, policy, storage } = self;
        let telling = telling(guarded.diff.format())?;
        let (request, mut options) = order(&guarded, environment)?;
        options.told.terms = policy::terms(&guarded, &policy);
        options.told.window = policy::window(&guarded, &policy, false);
        let named = (request.upgrade.release.as_str(), storage.namespace());
        let place = policy::elsewhere(&guarded, &policy, named, environment).await;
        let GuardedArgs { guard, gates, diff, .. } = guarded;
        let helm = connection::helm(&diff.cluster, environment)?;
        let cluster = cluster_of(&storage)?.within(storage.namespace());
        let run = Run::new(diff, environment)?;
        let interval = interval.try_into().unwrap_or_default();
        let max_ratio = steps.max_ratio;
        Ok(Work {
            run,
            storage,
            cluster,
            helm,
            interrupts,
            telling,
            guard,
            gates,
            request,
            options,
            place,
            interval,
            max_ratio,
            supplied: None,
            base_values: None,
            services: Vec::new(),
        })
    }
}

/// Begins a canary, or goes on with it.
pub(super) async fn begin(arguments: CanaryArgs, environment: &Environment) -> Result<u8, Error> {
    let dry = arguments.guarded.apply.dry_run.as_deref().is_some_and(|how| !matches!(how, "none" | "false"));
    let typed = arguments.typed.0.clone();
    let config = configuration::found(arguments.guarded.diff.config.as_deref());
    let interrupts = Interrupts::listen(environment.is_of_helm())?;
    let parts = Parts::of(arguments, environment).await?;
    let given = Given::of(&parts.steps, &parts.policy)?;
    steps_win(&given.steps, &parts.guarded.flags().values)?;
    let beside = parts.steps.keep_stable.then(|| parts.steps.canary_set.clone());
    if beside.is_some() && given.steps.iter().any(|step| step.replicas.is_none()) {
        return Err(Error::new(Kind::Usage, "cannot keep the stable release: the steps say no numbers of pods")
            .hint("--keep-stable goes with --steps 1,3,10"));
    }
    let mut work = parts.work(given.interval, &interrupts, environment).await?;
    let upgrade = &work.request.upgrade;
    work.supplied = match upgrade.flags.values.is_empty() {
        true => None,
        false => Some(work.helm.supplied_values(&upgrade.flags.values, upgrade.stdin.as_deref()).await?),
    };
    let values = work.supplied.as_ref().map(|merged| serde_json::to_string(merged).unwrap_or_default());
    let upgrade = &work.request.upgrade;
    let digest = given.digest(upgrade, values.as_deref().unwrap_or_default(), beside.as_deref());
    let (cluster, namespace) = (work.cluster.within(work.storage.namespace()), work.storage.namespace().to_owned());
    let store = Store::of(&cluster, &namespace, work.name());
    let under_way = match dry {
        // A look changes nothing, and needs nothing kept.
        true => None,
        false => read(&store, work.name()).await?,
    };
    if let Some(mut kept) = under_way {
        fits(&kept, &digest)?;
        work.set_base_values(&kept).await?;
        resumed(&work, &kept).await?;
        return drive(&work, &store, &mut kept, Terms::default()).await;
    }
    let looked = look(&mut work, &given, beside).await?;
    if dry {
        return looked.checked.refuse("upgrade").map(|()| EXIT_OK);
    }
    looked.checked.refuse("upgrade")?;
    let question = Question {
        doing: "upgrade",
        release: work.name(),
        ask: format!("Upgrade {} in {} steps? [y/N] ", work.name(), given.steps.len()),
        shows: false,
    };
    confirm(question, work.guard.yes, &interrupts).await?;
    let flags = goes_on_with(typed, (&given, config))?;
    let mut kept = begun(&work, (given, digest), (values, flags), looked).await?;
    store.write(&kept.write()).await?;
    drive(&work, &store, &mut kept, Terms::default()).await
}

/// The flags that it goes on with, wherever that is: with the paths of files in full, and with what stands in a file of steps.
fn goes_on_with(typed: Vec<String>, (given, config): (&Given, Option<PathBuf>)) -> Result<Vec<String>, Error> {
    const FILES: [&str; 4] = ["--ca-file=", "--cert-file=", "--key-file=", "--keyring="];
    let folder = input::current_folder()?;
    let said = |flag: &str| ["--interval=", "--config="].iter().any(|name| flag.starts_with(name));
    let mut flags: Vec<String> = Vec::new();
    for flag in typed.into_iter().filter(|flag| !said(flag)) {
        flags.push(match FILES.iter().find_map(|name| Some((*name, flag.strip_prefix(name)?))) {
            Some((name, path)) => format!("{name}{}", folder.join(path).display()),
            None => flag,
        });
    }
    flags.extend(config.map(|path| format!("--config={}", folder.join(path).display())));
    flags.push(format!("--interval={}ms", given.interval.as_millis()));
    Ok(flags)
}

/// A canary goes on only as it was begun.
fn fits(kept: &Kept, digest: &str) -> Result<(), Error> {
    if kept.plan == digest {
        return Ok(());
    }
    let (passed, steps) = (kept.passed, kept.steps.len());
    let message = format!(
        "another canary of release \"{}\" is under way: {passed} of {steps} steps have passed; its chart, values or steps are others",
        kept.release
    );
    let hint = format!("{} goes on with it, {} goes back", hint_of(kept, "promote"), hint_of(kept, "abort"));
    Err(Error::new(Kind::Refused, message).hint(hint))
}

/// Says that an earlier run is gone on with, and asks.
async fn resumed(work: &Work<'_>, kept: &Kept) -> Result<(), Error> {
    let text = format!(
        "a canary of {} is under way since {:.0}, by {}: {} of {} steps have passed",
        kept.release,
        kept.started,
        kept.by,
        kept.passed,
        kept.steps.len()
    );
    output::print_notice(&text, work.run.environment);
    let question = Question {
        doing: "go on with the canary of",
        release: &kept.release,
        ask: "Go on with it? [y/N] ".to_owned(),
        shows: false,
    };
    confirm(question, work.guard.yes, work.interrupts).await.map(|_| ())
}

/// What is kept of a canary that begins.
async fn begun(
    work: &Work<'_>,
    (given, plan): (Given, String),
    (values, flags): (Option<String>, Vec<String>),
    looked: Looked,
) -> Result<Kept, Error> {
    let metrics = match work.max_ratio {
        Some(_) => {
            let mut gates = work.gates.gates(work.name())?;
            for step in given.steps.iter().filter_map(|step| step.gates.as_ref()) {
                let mut own = work.gates.clone();
                own.gate_prometheus = step.prometheus.iter().flatten().flatten().cloned().collect();
                gates.gates.extend(own.gates(work.name())?.gates);
            }
            if !gates.gates.iter().any(|gate| matches!(gate, Gate::Prometheus(..))) {
                let message = "cannot compare with before: --max-ratio is given, and there is no Prometheus gate";
                return Err(Error::new(Kind::Usage, message)
                    .hint("--gate-prometheus ADDRESS QUERY '<' NUMBER, or one of the steps or the configuration"));
            }
            measure(&work.cluster, work.storage.namespace(), &gates).await?
        }
        None => Vec::new(),
    };
    let upgrade = &work.request.upgrade;
    let named = match locate(&upgrade.chart) {
        Location::Local(path) => input::current_folder()?.join(path).to_string_lossy().into_owned(),
        Location::Remote => upgrade.chart.clone(),
    };
    let now = Timestamp::now();
    Ok(Kept {
        schema_version: SCHEMA_VERSION,
        id: id()?,
        release: upgrade.release.clone(),
        namespace: work.storage.namespace().to_owned(),
        plan,
        chart: Chart { named, ..looked.chart },
        flags,
        values,
        stable: looked.stable,
        scaled: looked.scaled,
        base: looked.base,
        before: looked.newest,
        newest: looked.newest,
        steps: given.steps,
        passed: 0,
        running: None,
        done: Vec::new(),
        halted: None,
        metrics,
        by: work.options.who.clone(),
        started: now,
        changed: now,
    })
}

/// Tells the revisions of this canary from those of others.
fn id() -> Result<String, Error> {
    let mut bytes = [0_u8; 6];
    let failed = |_| Error::new(Kind::Output, "cannot begin a canary: the system gives no random bytes");
    ring::rand::SystemRandom::new().fill(&mut bytes).map_err(failed)?;
    Ok(bytes.iter().map(|byte| format!("{byte:02x}")).collect())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn it_goes_on_anywhere_as_it_was_begun_here() {
        let given =
            Given { steps: Vec::new(), interval: jiff::SignedDuration::from_mins(30), replicas_key: String::new() };
        let typed = ["--interval=1s", "--config=ci.yaml", "--ca-file=ca.pem", "--keyring=/k", "--gate-cmd=./look"];
        let typed = typed.map(str::to_owned).to_vec();
        let here = input::current_folder().unwrap().display().to_string();
        let flags = goes_on_with(typed.clone(), (&given, Some("ci.yaml".into()))).unwrap();
        let expected = [
            &format!("--ca-file={here}/ca.pem"),
            "--keyring=/k",
            "--gate-cmd=./look",
            &format!("--config={here}/ci.yaml"),
            "--interval=1800000ms",
        ];
        assert_eq!(flags, expected);
        assert_eq!(goes_on_with(typed, (&given, None)).unwrap().len(), 4, "there is no configuration");
    }
}
