//! `helm safe-upgrade list`.

use jiff::tz::TimeZone;

use crate::cli::args::{ListArgs, TableFormat};
use crate::cli::fleet::{FleetRun, wanted};
use crate::cli::releases::now;
use crate::cli::{Environment, output};
use crate::command::fleet::gather;
use crate::error::{EXIT_OK, Error};
use crate::release::fleet::Filter;
use crate::report::fleet::list::ListView;

/// Runs the command and returns the exit code.
pub(super) async fn run(arguments: ListArgs, environment: &Environment) -> Result<u8, Error> {
    let run = FleetRun::new(&arguments.fleet, environment).await?;
    let ListArgs { pending, failed, unproven, older_than, short, output: format, fleet } = arguments;
    let now = now();
    let before = older_than.and_then(|long| now.checked_sub(long).ok());
    let filter = Filter { pending, failed, unproven, before };
    let all = filter == Filter::default() && fleet.selector.is_none();
    run.stages().stage("listing releases");
    let found = gather(&run.places, &wanted(&fleet, filter)).await?;
    // There is no other place to tell it where nothing but names is wanted.
    for unreadable in found.unreadable.iter().filter(|_| short) {
        let place = unreadable.namespace.as_deref().or(unreadable.context.as_deref()).unwrap_or("other namespaces");
        output::print_warning(&format!("{place} could not be read: {}", unreadable.reason), environment);
    }
    let view = ListView::new(found.members, found.unreadable, all, now);
    run.write(format == TableFormat::Table && !short, |mut out| match format {
        TableFormat::Table if short => view.write_names(&mut out),
        TableFormat::Table => view.write_text(run.painter, environment.columns, &mut out),
        TableFormat::Json => view.write_json(&TimeZone::system(), &mut out),
    })?;
    Ok(EXIT_OK)
}
