//! `helm safe-upgrade needs-upgrade`.

use crate::cli::args::{NeedsArgs, TableFormat};
use crate::cli::fleet::{FleetRun, wanted};
use crate::cli::releases::now;
use crate::cli::{Environment, connection};
use crate::command::fleet::gather;
use crate::command::needs_upgrade::{Options, target};
use crate::error::{EXIT_CHANGED, EXIT_OK, Error};
use crate::release::fleet::Filter;
use crate::report::fleet::needs::NeedsView;

/// Runs the command and returns the exit code.
pub(super) async fn run(arguments: NeedsArgs, environment: &Environment) -> Result<u8, Error> {
    let run = FleetRun::new(&arguments.fleet, environment).await?;
    let NeedsArgs { chart, target: version, devel, detailed_exitcode, output, fleet } = arguments;
    let options = Options { chart, target: version, devel };
    run.stages().stage("looking for the newest version");
    let helm = || connection::helm(&fleet.cluster, environment);
    let target = target(helm, &connection::repositories(&fleet.cluster, environment), &options).await?;
    run.stages().stage("listing releases");
    let found = gather(&run.places, &wanted(&fleet, Filter::default())).await?;
    let view = NeedsView::new(found.members, found.unreadable, target, now());
    run.write(output == TableFormat::Table, |mut out| match output {
        TableFormat::Table => view.write_text(run.painter, environment.columns, &mut out),
        TableFormat::Json => view.write_json(&mut out),
    })?;
    Ok(if detailed_exitcode && view.is_needed() { EXIT_CHANGED } else { EXIT_OK })
}
