//! `helm safe-upgrade history`.

use crate::cli::Environment;
use crate::cli::args::{FleetArgs, HistoryArgs, HistoryFormat};
use crate::cli::fleet::{FleetRun, wanted};
use crate::cli::releases::{Run, now};
use crate::command::fleet_history;
use crate::command::history::{self, Options};
use crate::error::{EXIT_OK, Error};
use crate::release::fleet::Filter;
use crate::report::releases::write_json;

/// Runs the command and returns the exit code.
pub(super) async fn run(arguments: HistoryArgs, environment: &Environment) -> Result<u8, Error> {
    let HistoryArgs { release, max, since, output, fleet } = arguments;
    match release {
        Some(release) if !fleet.is_wide() && since.is_none() => {
            of_one(Options { release, max }, (output, fleet), environment).await
        }
        release => {
            let run = FleetRun::new(&fleet, environment).await?;
            let since = since.and_then(|long| now().checked_sub(long).ok());
            let wanted = wanted(&fleet, Filter::default());
            run.stages().stage("reading revisions");
            let options = fleet_history::Options { release, max, since, wanted };
            let view = fleet_history::run(&run.places, &options).await?;
            run.write(output == HistoryFormat::Table, |mut out| match output {
                HistoryFormat::Table => view.write_text(run.painter, environment.columns, &mut out),
                HistoryFormat::Json => view.write_json(&mut out),
                HistoryFormat::Markdown => view.write_markdown(&mut out),
            })?;
            Ok(EXIT_OK)
        }
    }
}

async fn of_one(
    options: Options,
    (output, fleet): (HistoryFormat, FleetArgs),
    environment: &Environment,
) -> Result<u8, Error> {
    let run = Run::new(&fleet.cluster, &fleet.display, environment).await?;
    let view = history::run(&run.storage, &options, run.stages()).await?;
    run.write(output == HistoryFormat::Table, |mut out| match output {
        HistoryFormat::Table => view.write_text(run.painter, environment.columns, &mut out),
        HistoryFormat::Json => write_json(&view, &mut out),
        HistoryFormat::Markdown => view.write_markdown(&mut out),
    })?;
    Ok(EXIT_OK)
}
