//! Plans: saving what was reviewed of an upgrade, and making exactly that upgrade later.

use std::path::PathBuf;

use crate::cli::Environment;
use crate::cli::args::{ApplyPlanArgs, GuardedArgs, PlanArgs};
use crate::cli::checklist::{Checked, Form};
use crate::cli::guard;
use crate::cli::guarded::Purpose;
use crate::cli::output::print_notice;
use crate::cli::revdiff::Run;
use crate::cluster::Cluster;
use crate::command::upgrade::Request;
use crate::error::{Error, Kind};
use crate::execute::plan::{Origin, take};
use crate::execute::{Options, Prepared, Seams};
use crate::helm::Helm;
use crate::record::plan_file::{self, Parts};
use crate::upgrade::plan::{Plan, VERSION};

/// A plan to make.
#[derive(Debug)]
pub(super) struct Making {
    /// Where to save it.
    pub(super) file: PathBuf,
    flags: crate::upgrade::plan::Flags,
    values: crate::upgrade::plan::Values,
}

impl Making {
    /// The plan of these arguments.
    pub(super) fn of(file: PathBuf, arguments: &GuardedArgs) -> Result<Self, Error> {
        if arguments.diff.show_secrets || arguments.diff.show_secrets_decoded {
            return Err(Error::new(Kind::Usage, "cannot save a plan with the content of Secrets")
                .hint("leave out --show-secrets: a plan is made to be kept and passed on"));
        }
        if arguments.flags().post_renderer.is_some() {
            return Err(Error::new(Kind::Usage, "cannot save a plan of an upgrade with a post-renderer")
                .hint("a plan keeps no program that apply would have to run"));
        }
        Ok(Self { file, flags: arguments.kept(), values: arguments.sources() })
    }

    /// Saves it.
    pub(super) async fn save<C: Cluster, H: Helm>(
        self,
        (run, seams): (&Run<'_>, &Seams<'_, C, H>),
        (request, options, prepared): (&Request, &Options, &Prepared),
        checked: &Checked,
    ) -> Result<(), Error> {
        let origin = Origin { salt: random()?, flags: self.flags, values: self.values };
        let taken = take(seams, (request, options, prepared), origin).await?;
        let failed = |error: &dyn std::fmt::Display| Error::new(Kind::Output, format!("cannot save the plan: {error}"));
        let plan = serde_json::to_vec_pretty(&taken.plan).map_err(|error| failed(&error))?;
        let mut findings = Vec::new();
        checked.write(Form::Json, run, &mut findings).map_err(|error| failed(&error))?;
        let mut diff = Vec::new();
        run.write_plainly(&prepared.proposed.outcome, &mut diff).map_err(|error| failed(&error))?;
        let texts = [("diff.txt", diff), ("findings.json", findings)];
        plan_file::write(&self.file, &Parts { plan: &plan, chart: taken.chart.path(), texts: &texts })?;
        let next = apply_command(&taken.plan, &self.file.display().to_string());
        let text = format!("saved as a plan; nothing was changed. Next: {next}");
        print_notice(&text, run.environment);
        Ok(())
    }
}

/// A plan to follow.
pub(super) struct Following {
    pub(super) plan: Plan,
    pub(super) chart: PathBuf,
}

/// `helm safe-upgrade plan`.
pub(super) async fn plan(arguments: PlanArgs, environment: &Environment) -> Result<u8, Error> {
    let making = Making::of(arguments.out, &arguments.guarded)?;
    guard::upgrade(arguments.guarded, Purpose::Plan(making), environment).await
}

/// `helm safe-upgrade apply`.
pub(super) async fn apply(arguments: ApplyPlanArgs, environment: &Environment) -> Result<u8, Error> {
    let unpacked = plan_file::read(&arguments.file)?;
    let chart = unpacked.chart();
    let name = arguments.file.display().to_string();
    let failed = |cause: &str| {
        Error::new(Kind::Usage, format!("cannot read the plan {name}: {cause}"))
            .hint("a plan is saved by: helm safe-upgrade plan RELEASE CHART --out FILE")
    };
    let version = serde_json::from_slice::<Versioned>(&unpacked.plan).map_err(|error| failed(&error.to_string()))?;
    if version.version != VERSION {
        return Err(failed(&format!("it has version {}, and this program knows {VERSION}", version.version)));
    }
    let plan: Plan = serde_json::from_slice(&unpacked.plan).map_err(|error| failed(&error.to_string()))?;
    let wanted = arguments.diff.cluster.namespace.as_ref().filter(|named| **named != plan.namespace);
    if let Some(named) = wanted {
        return Err(failed(&format!("it is for namespace \"{}\", and not for \"{named}\"", plan.namespace)));
    }
    if arguments.values.flags().is_empty() && !plan.values.again.is_empty() {
        return Err(give_again(&plan, &name));
    }
    let guarded = arguments.guarded(&plan, &chart).map_err(|cause| failed(&cause))?;
    guard::upgrade(guarded, Purpose::Apply(Box::new(Following { plan, chart })), environment).await
}

/// The error where a value has to be given again: a plan keeps none.
fn give_again(plan: &Plan, file: &str) -> Error {
    let message = format!(
        "cannot apply the plan for release \"{}\": a plan keeps no values, and some were not given by a file",
        plan.release
    );
    Error::new(Kind::Usage, message).hint(format!("give all of them again: {}", apply_command(plan, file)))
}

/// The command that follows a plan, with the values that it does not keep.
fn apply_command(plan: &Plan, file: &str) -> String {
    let mut words = vec![format!("helm safe-upgrade apply {file}")];
    if !plan.values.again.is_empty() {
        words.extend(plan.values.files.iter().map(|file| format!("-f {file}")));
        words.extend(plan.values.again.iter().cloned());
    }
    words.join(" ")
}

#[derive(serde::Deserialize)]
struct Versioned {
    version: u32,
}

fn random() -> Result<String, Error> {
    let mut bytes = [0_u8; 32];
    let failed = |_| Error::new(Kind::Output, "cannot save the plan: the system gives no random bytes");
    ring::rand::SecureRandom::fill(&ring::rand::SystemRandom::new(), &mut bytes).map_err(failed)?;
    Ok(bytes.iter().map(|byte| format!("{byte:02x}")).collect())
}
