//! `helm safe-upgrade history`.

use crate::cli::Environment;
use crate::cli::args::{HistoryArgs, HistoryFormat};
use crate::cli::releases::Run;
use crate::command::history::{self, Options};
use crate::error::{EXIT_OK, Error};
use crate::report::releases::write_json;

/// Runs the command and returns the exit code.
pub(super) async fn run(arguments: HistoryArgs, environment: &Environment) -> Result<u8, Error> {
    let run = Run::new(&arguments.cluster, &arguments.display, environment).await?;
    let options = Options { release: arguments.release, max: arguments.max };
    let view = history::run(&run.storage, &options, run.stages()).await?;
    run.write(arguments.output == HistoryFormat::Table, |mut out| match arguments.output {
        HistoryFormat::Table => view.write_text(run.painter, environment.columns, &mut out),
        HistoryFormat::Json => write_json(&view, &mut out),
        HistoryFormat::Markdown => view.write_markdown(&mut out),
    })?;
    Ok(EXIT_OK)
}
