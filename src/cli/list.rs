//! `helm safe-upgrade list`.

use jiff::tz::TimeZone;

use crate::cli::Environment;
use crate::cli::args::{ListArgs, TableFormat};
use crate::cli::fleet::{FleetRun, wanted};
use crate::cli::releases::now;
use crate::command::fleet::gather;
use crate::error::{EXIT_OK, Error};
use crate::release::fleet::Filter;
use crate::report::fleet::list::ListView;

/// Runs the command and returns the exit code.
pub(super) async fn run(arguments: ListArgs, environment: &Environment) -> Result<u8, Error> {
    let run = FleetRun::new(&arguments.fleet, environment).await?;
    let ListArgs { pending, failed, unproven, older_than, output, fleet } = arguments;
    let now = now();
    let before = older_than.and_then(|long| now.checked_sub(long).ok());
    let filter = Filter { pending, failed, unproven, before };
    let all = filter == Filter::default() && fleet.selector.is_none();
    run.stages().stage("listing releases");
    let found = gather(&run.places, &wanted(&fleet, filter)).await?;
    let view = ListView::new(found.members, found.unreadable, all, now);
    run.write(output == TableFormat::Table, |mut out| match output {
        TableFormat::Table => view.write_text(run.painter, environment.columns, &mut out),
        TableFormat::Json => view.write_json(&TimeZone::system(), &mut out),
    })?;
    Ok(EXIT_OK)
}
