//! `helm safe-upgrade prune`.

use std::sync::Arc;

use crate::cli::Environment;
use crate::cli::args::{PruneArgs, ReportFormat};
use crate::cli::confirm::confirm;
use crate::cli::releases::{Run, now};
use crate::cli::{configuration, policy};
use crate::command::prune::{self, Keeping, Options};
use crate::config::policy::Policy;
use crate::error::{EXIT_OK, Error};
use crate::report::releases::write_json;

/// Runs the command and returns the exit code.
pub(super) async fn run(arguments: PruneArgs, environment: &Environment) -> Result<u8, Error> {
    let run = Run::new(&arguments.cluster, &arguments.display, environment).await?;
    let PruneArgs { release, all_namespaces, keep, config, dry_run, yes, output, .. } = arguments;
    let policies = configuration::load(config.as_deref())?.policies;
    let max_history = environment.text("HELM_MAX_HISTORY").map(str::to_owned);
    let keeping = move |release: &str, namespace: &str| {
        let mut keep = keep;
        policy::keep(&mut keep, &Policy::of(&policies, release, namespace));
        keep.wanted(max_history.as_deref())
    };
    let options = Options { release, all_namespaces, keep: Keeping(Arc::new(keeping)), dry_run };
    let mut plan = prune::plan(&run.storage, &options, now(), run.stages()).await?;
    let text = output == ReportFormat::Text;
    if text {
        run.write(false, |mut out| plan.view.write_text(run.painter, environment.columns, &mut out))?;
    }
    let going = plan.view.going();
    let mut result = Ok(());
    if going > 0 && !dry_run {
        let plural = if going == 1 { "" } else { "s" };
        let what = format!("delete {going} revision{plural}");
        let allowed =
            if yes { Ok(()) } else { confirm(&format!("Delete {going} revision{plural}?"), &what, environment) };
        result = match allowed {
            Ok(()) => prune::carry_out(&run.storage, &mut plan, (&run.me(), now), run.stages()).await,
            Err(error) => Err(error),
        };
    }
    match text {
        true if going > 0 => run.write(false, |mut out| plan.view.write_result(run.painter, &mut out))?,
        true => {}
        false => run.write(false, |mut out| write_json(&plan.view, &mut out))?,
    }
    result.map(|()| EXIT_OK)
}
