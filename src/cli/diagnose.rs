//! `helm safe-upgrade diagnose`: from arguments to what is printed.

use std::path::PathBuf;

use crate::cli::Environment;
use crate::cli::args::{DiagnoseArgs, DiagnosisFormat};
use crate::cli::progress::Progress;
use crate::cli::{connection, output};
use crate::cluster::KubeCluster;
use crate::command::Stages;
use crate::command::diagnose::{self, Options};
use crate::command::evidence::Place;
use crate::error::{EXIT_CHANGED, EXIT_OK, Error};
use crate::manifest::mask::Masker;
use crate::report::diagnosis;

/// Terminal columns where there is no terminal.
const WIDTH: u16 = 80;
/// The most that are used: longer lines are hard to read.
const WIDEST: u16 = 100;

/// Runs the command and returns the exit code.
pub(super) async fn run(arguments: DiagnoseArgs, environment: &Environment) -> Result<u8, Error> {
    let debug = arguments.cluster.debug.unwrap_or_else(|| environment.switch("HELM_DEBUG"));
    let progress = Progress::new(environment, debug);
    let options =
        Options { release: arguments.release, revision: arguments.revision, place: arguments.evidence.map(Place::new) };
    let masker = Masker::new(&environment.mask_key);
    let storage = connection::storage(&arguments.cluster, environment).await?;
    let reached = connection::reached(&storage, &arguments.cluster, environment).await?;
    let cluster: &KubeCluster = &reached;
    let stages: &dyn Stages = if cluster.has_plugin() { &() } else { &progress };
    let gathered = diagnose::run(&storage, cluster, &masker, &options, stages).await?;
    progress.clear();
    let found = &gathered.diagnosis;
    let painter = output::painter(&arguments.display, environment);
    let width = usize::from(environment.columns.unwrap_or(WIDTH).min(WIDEST));
    output::write_result(false, environment, |out| match arguments.output {
        DiagnosisFormat::Text => out.write_all(diagnosis::text(found, painter, width).as_bytes()),
        DiagnosisFormat::Json => diagnosis::write_json(found, out),
        DiagnosisFormat::Markdown => out.write_all(diagnosis::markdown(found).as_bytes()),
    })?;
    Ok(if arguments.detailed_exitcode && !found.healthy { EXIT_CHANGED } else { EXIT_OK })
}

/// Where evidence is kept if the user names no place: their folder for the state of programs.
pub(super) fn default_place(environment: &Environment) -> Place {
    Place::new(state_folder(environment).join("evidence"))
}

/// The folder on this machine for what is kept between runs.
pub(super) fn state_folder(environment: &Environment) -> PathBuf {
    let state = environment.raw("XDG_STATE_HOME").map(PathBuf::from).filter(|folder| folder.is_absolute());
    let home = || environment.raw("HOME").map(|home| PathBuf::from(home).join(".local/state"));
    let folder = state.or_else(home).unwrap_or_else(|| PathBuf::from("."));
    folder.join("helm-safe-upgrade")
}
