//! `helm revdiff`: from arguments to what is printed.

use std::io::Write;
use std::time::Instant;

use crate::cli::Environment;
use crate::cli::args::{Format, NoiseArg, Revdiff, RevdiffCommand, RevisionArgs};
use crate::cli::connection::{self, AnyStorage};
use crate::cli::output;
use crate::command::revdiff::{self, Outcome, Request};
use crate::diff::noise::Noise;
use crate::diff::release::Parts;
use crate::error::{EXIT_CHANGED, EXIT_OK, Error, Kind};
use crate::manifest::mask::Masker;
use crate::report::view::{Detail, View};
use crate::report::{json, text};

/// Runs the command and returns the exit code.
pub(super) async fn run(arguments: Revdiff, environment: &Environment) -> Result<u8, Error> {
    let arguments = match arguments.command {
        Some(RevdiffCommand::Revision(arguments)) => arguments,
        None => arguments.revision,
    };
    let started = Instant::now();
    let debug = arguments.cluster.debug.unwrap_or_else(|| environment.switch("HELM_DEBUG"));
    let tell = |what: &str| {
        if debug {
            output::print_debug(&format!("{:.1} ms: {what}", started.elapsed().as_secs_f64() * 1000.0));
        }
    };
    let request = request(&arguments)?;
    let masker = if arguments.show_secrets { Masker::showing_secrets() } else { Masker::new(&environment.mask_key) };
    let storage: AnyStorage = connection::storage(&arguments.cluster, environment).await?;
    tell("connecting");
    let outcome = revdiff::run(&storage, &masker, &request).await?;
    tell(&format!("read and compared; {} documents parsed", outcome.diff.manifest.parsed));
    let changed = print(&outcome, &arguments, environment)?;
    tell("done");
    Ok(if arguments.detailed_exitcode && changed { EXIT_CHANGED } else { EXIT_OK })
}

fn request(arguments: &RevisionArgs) -> Result<Request, Error> {
    let release = arguments.release.clone().ok_or_else(|| {
        Error::new(Kind::Usage, "no release named").hint("helm revdiff RELEASE [REV1 [REV2]]; see helm revdiff --help")
    })?;
    let parts = Parts { hooks: !arguments.no_hooks, computed_values: arguments.computed_values };
    Ok(Request { release, revisions: arguments.revisions.clone(), parts })
}

/// Prints the diff, and returns whether there was anything to show.
fn print(outcome: &Outcome, arguments: &RevisionArgs, environment: &Environment) -> Result<bool, Error> {
    let is_text = arguments.output == Format::Text;
    let detail = Detail {
        hunks: is_text,
        changes: !is_text,
        context: usize::try_from(arguments.context).ok(),
        fold: is_text && !arguments.no_fold,
        noise: match arguments.noise {
            NoiseArg::Show => Noise::Show,
            NoiseArg::Fold => Noise::Fold,
            NoiseArg::Hide => Noise::Hide,
        },
    };
    let view = View::new(&outcome.diff, &outcome.releases, detail);
    let painter = output::painter(&arguments.display, environment);
    let paged = is_text && !arguments.no_pager;
    output::write_result(paged, environment, |mut out: &mut dyn Write| match arguments.output {
        Format::Text => text::write(&view, painter, &mut out),
        Format::Json => json::write(&view, &mut out),
    })?;
    Ok(!view.is_empty())
}
