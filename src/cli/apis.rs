//! `helm safe-upgrade apis`.

use crate::cli::Environment;
use crate::cli::args::{ApisArgs, TableFormat};
use crate::cli::fleet::{FleetRun, wanted};
use crate::command::fleet_apis::{self, Options};
use crate::error::{EXIT_CHANGED, EXIT_OK, Error};
use crate::release::fleet::Filter;

/// Runs the command and returns the exit code.
pub(super) async fn run(arguments: ApisArgs, environment: &Environment) -> Result<u8, Error> {
    let run = FleetRun::new(&arguments.fleet, environment).await?;
    let ApisArgs { kube_version, detailed_exitcode, output, fleet } = arguments;
    run.stages().stage("reading manifests");
    let options = Options { kube_version, wanted: wanted(&fleet, Filter::default()) };
    let view = fleet_apis::run(&run.places, &options).await?;
    run.write(output == TableFormat::Table, |mut out| match output {
        TableFormat::Table => view.write_text(run.painter, environment.columns, &mut out),
        TableFormat::Json => view.write_json(&mut out),
    })?;
    Ok(if detailed_exitcode && view.has_removed() { EXIT_CHANGED } else { EXIT_OK })
}
