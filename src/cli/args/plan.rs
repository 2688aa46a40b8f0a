//! What `helm safe-upgrade plan` and `helm safe-upgrade apply` take.

use std::path::PathBuf;
use std::time::Duration;

use clap::{Args, Parser as _};

use super::guard::{FailureArgs, GuardArgs, span};
use super::upgrade::ValueArgs;
use super::{Command, DiffArgs, GateArgs, GuardedArgs, KeepArgs, SafeUpgrade, TermsArgs};
use crate::helm::flags::ValueFlags;
use crate::upgrade::plan::{Flags, Plan, SWITCHES, Values};

pub(in crate::cli) const PLAN_EXAMPLES: &str = "\
Examples:
  helm safe-upgrade plan web ./chart -f prod.yaml --out web.plan   look, check, show the diff, and save that
  helm safe-upgrade apply web.plan --yes                           make exactly this upgrade

A plan holds the chart and keyed digests, and none of the values. What it protects: docs/plan.md.
Exit code: 0; 3 where a check says no; 1 on errors.";

pub(in crate::cli) const APPLY_EXAMPLES: &str = "\
Examples:
  helm safe-upgrade apply web.plan                              show the diff, check, ask, upgrade
  helm safe-upgrade apply web.plan --yes --timeout 10m
  helm safe-upgrade apply web.plan --set image.tag=1.27 --yes   a value that was set has to be given again

Values files are read again from where they were. Exit code: 3 where something has changed since the plan was made;
else as of an upgrade.";

/// What `helm safe-upgrade plan RELEASE CHART` takes.
#[derive(Debug, Args)]
pub(in crate::cli) struct PlanArgs {
    /// File to save the plan in.
    #[arg(long, value_name = "FILE")]
    pub out: PathBuf,

    #[command(flatten)]
    pub guarded: GuardedArgs,
}

/// What `helm safe-upgrade apply FILE` takes.
#[derive(Debug, Args)]
pub(in crate::cli) struct ApplyPlanArgs {
    /// The plan.
    #[arg(value_name = "FILE")]
    pub file: PathBuf,

    #[command(flatten)]
    pub guard: GuardArgs,

    #[command(flatten)]
    pub terms: TermsArgs,

    #[command(flatten)]
    pub gates: GateArgs,

    #[command(flatten)]
    pub failure: FailureArgs,

    #[command(flatten)]
    pub keep: KeepArgs,

    #[command(flatten)]
    pub values: ValueArgs,

    /// How long the upgrade may take until everything is ready; as planned if not given.
    #[arg(long, value_name = "DURATION", value_parser = span)]
    pub timeout: Option<Duration>,

    #[command(flatten)]
    pub diff: DiffArgs,
}

impl GuardedArgs {
    /// What a plan keeps of the flags.
    pub(in crate::cli) fn kept(&self) -> Flags {
        let Self { apply, reuse, render, diff, .. } = self;
        let on = [
            ("--install", apply.install),
            ("--create-namespace", apply.create_namespace),
            ("--skip-crds", apply.skip_crds),
            ("--take-ownership", apply.take_ownership),
            ("--disable-openapi-validation", apply.disable_openapi_validation),
            ("--force-conflicts", apply.force_conflicts),
            ("--force", apply.force),
            ("--wait-for-jobs", apply.wait_for_jobs),
            ("--no-hooks", diff.no_hooks),
            ("--reuse-values", reuse.reuse_values),
            ("--reset-values", reuse.reset_values),
            ("--reset-then-reuse-values", reuse.reset_then_reuse_values),
            ("--enable-dns", render.enable_dns),
            ("--skip-schema-validation", render.skip_schema_validation),
        ];
        Flags {
            switches: on.into_iter().filter(|(_, on)| *on).map(|(name, _)| name.to_owned()).collect(),
            server_side: apply.server_side.clone(),
            kube_version: self.kube_version.map(|version| version.to_string()),
            description: apply.description.clone(),
            labels: apply.labels.clone(),
            timeout: apply.timeout.as_secs(),
        }
    }

    /// What a plan keeps of where the values come from: no content.
    pub(in crate::cli) fn sources(&self) -> Values {
        let ValueFlags { files, set, set_string, set_file, set_json, set_literal } = self.values.flags();
        let mut values = Values::default();
        for file in files.iter().flat_map(|word| word.split(',')) {
            // What is no plain file can't be read again, or may hold a password in its address.
            match file.trim() {
                "-" => values.again.push("-f -".to_owned()),
                address if address.contains("://") => values.again.push("-f URL".to_owned()),
                path => values.files.push(path.to_owned()),
            }
        }
        let lists = [
            ("--set", set),
            ("--set-string", set_string),
            ("--set-file", set_file),
            ("--set-json", set_json),
            ("--set-literal", set_literal),
        ];
        for (flag, list) in lists {
            // Only the first key: a value may hold whatever stands behind it.
            values
                .again
                .extend(list.iter().map(|text| format!("{flag} {}=…", text.split('=').next().unwrap_or_default())));
        }
        values
    }
}

impl ApplyPlanArgs {
    /// The upgrade of a plan, with the chart that it keeps. An error is a sentence about what the plan lacks or has too much.
    pub(in crate::cli) fn guarded(self, plan: &Plan, chart: &std::path::Path) -> Result<GuardedArgs, String> {
        let strange = |word: &&String| !SWITCHES.contains(&word.as_str());
        if let Some(word) = plan.flags.switches.iter().find(strange) {
            return Err(format!("it has a flag that no plan has: {word:?}"));
        }
        let Flags { switches, server_side, kube_version, description, labels, timeout } = &plan.flags;
        let mut words: Vec<String> = ["helm-safe-upgrade", "upgrade"].map(str::to_owned).to_vec();
        words.extend(switches.iter().cloned());
        words.extend(server_side.iter().map(|how| format!("--server-side={how}")));
        words.extend(kube_version.iter().map(|version| format!("--kube-version={version}")));
        words.extend(description.iter().map(|text| format!("--description={text}")));
        words.extend(labels.iter().map(|label| format!("--labels={label}")));
        words.push(format!("--timeout={}s", self.timeout.map_or(*timeout, |timeout| timeout.as_secs())));
        if self.values.flags().is_empty() {
            words.extend(plan.values.files.iter().map(|file| format!("--values={file}")));
        }
        words.extend(["--".to_owned(), plan.release.clone(), chart.to_string_lossy().into_owned()]);
        let parsed = SafeUpgrade::try_parse_from(words).map(SafeUpgrade::wanted);
        let Ok(Command::Upgrade(base)) = parsed else { return Err("its flags can't be read".to_owned()) };
        let values = if self.values.flags().is_empty() { base.values } else { self.values };
        let mut diff = self.diff;
        diff.no_hooks |= base.diff.no_hooks;
        diff.cluster.namespace = Some(plan.namespace.clone());
        let Self { guard, terms, gates, failure, keep, .. } = self;
        Ok(GuardedArgs { guard, terms, gates, failure, keep, values, diff, ..*base })
    }
}
