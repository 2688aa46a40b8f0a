//! `helm safe-upgrade show`.

use crate::cli::Environment;
use crate::cli::args::{ShowArgs, ShowFormat, ShowPart};
use crate::cli::releases::Run;
use crate::command::show::{self, Options, Parts};
use crate::error::{EXIT_OK, Error};
use crate::report::releases::write_json;

/// Runs the command and returns the exit code.
pub(super) async fn run(arguments: ShowArgs, environment: &Environment) -> Result<u8, Error> {
    let run = Run::new(&arguments.cluster, &arguments.display, environment).await?;
    let wanted = |part| arguments.part == ShowPart::All || arguments.part == part;
    let parts = Parts {
        values: wanted(ShowPart::Values),
        chart: wanted(ShowPart::Chart),
        manifest: wanted(ShowPart::Manifest),
        hooks: wanted(ShowPart::Hooks),
        notes: wanted(ShowPart::Notes),
    };
    let options =
        Options { release: arguments.release, revision: arguments.revision, parts, all_values: arguments.all };
    let masker = run.masker(arguments.show_secrets);
    let view = show::run(&run.storage, &masker, &options, run.stages()).await?;
    run.write(arguments.output == ShowFormat::Text, |mut out| match arguments.output {
        ShowFormat::Text => view.write_text(run.painter, &mut out),
        ShowFormat::Yaml => view.write_yaml(&mut out),
        ShowFormat::Json => write_json(&view.tree(), &mut out),
    })?;
    Ok(EXIT_OK)
}
