//! `helm safe-upgrade status`.

use crate::cli::Environment;
use crate::cli::args::{ReportFormat, StatusArgs};
use crate::cli::releases::{Run, now};
use crate::command::status;
use crate::error::{EXIT_OK, Error};
use crate::report::releases::write_json;

/// Runs the command and returns the exit code.
pub(super) async fn run(arguments: StatusArgs, environment: &Environment) -> Result<u8, Error> {
    let run = Run::new(&arguments.cluster, &arguments.display, environment).await?;
    let Some(cluster) = run.cluster() else { return Ok(EXIT_OK) };
    let view = status::run(&run.storage, cluster, &arguments.release, now(), run.stages()).await?;
    run.write(false, |mut out| match arguments.output {
        ReportFormat::Text => view.write_text(run.painter, &mut out),
        ReportFormat::Json => write_json(&view, &mut out),
    })?;
    Ok(EXIT_OK)
}
