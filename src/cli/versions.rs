//! `helm safe-upgrade versions`.

use crate::cli::Environment;
use crate::cli::args::{TableFormat, VersionsArgs};
use crate::cli::fleet::{FleetRun, wanted};
use crate::cli::output::print_notice;
use crate::cli::releases::now;
use crate::command::fleet::gather;
use crate::error::{EXIT_OK, Error};
use crate::release::fleet::Filter;
use crate::report::fleet::versions::{VersionsView, Wish};

/// Runs the command and returns the exit code.
pub(super) async fn run(arguments: VersionsArgs, environment: &Environment) -> Result<u8, Error> {
    let run = FleetRun::new(&arguments.fleet, environment).await?;
    let VersionsArgs { chart, by, output, fleet } = arguments;
    // What a repository is called makes no difference: no release says which one its chart is from.
    let chart = chart.map(|chart| chart.rsplit('/').next().unwrap_or_default().to_owned());
    run.stages().stage("listing releases");
    let found = gather(&run.places, &wanted(&fleet, Filter::default())).await?;
    let wish = Wish { chart, by: by.map(Into::into) };
    let view = VersionsView::new(found.members, found.unreadable, wish, now());
    run.write(output == TableFormat::Table, |mut out| match output {
        TableFormat::Table => view.write_text(run.painter, environment.columns, &mut out),
        TableFormat::Json => view.write_json(&mut out),
    })?;
    if output == TableFormat::Json {
        view.notices().iter().for_each(|notice| print_notice(notice, environment));
    }
    Ok(EXIT_OK)
}
