//! What the commands about many releases have in common: the places they look in, and how they tell.

use std::io::Write;

use crate::cli::args::FleetArgs;
use crate::cli::progress::Progress;
use crate::cli::{Environment, connection, output};
use crate::cluster::KubeCluster;
use crate::command::Stages;
use crate::command::fleet::{Place, Wanted};
use crate::error::{Error, Kind};
use crate::helm::process::HelmProcess;
use crate::release::fleet::Filter;
use crate::report::style::Painter;
use crate::storage::Storage;

/// One run of such a command.
pub(super) struct FleetRun<'a> {
    pub(super) places: Vec<Place<KubeCluster, HelmProcess>>,
    pub(super) painter: Painter,
    environment: &'a Environment,
    progress: Progress,
}

impl<'a> FleetRun<'a> {
    pub(super) async fn new(arguments: &FleetArgs, environment: &'a Environment) -> Result<Self, Error> {
        let cluster = &arguments.cluster;
        let mut places = Vec::new();
        if arguments.contexts.is_empty() {
            places.push(Place { context: None, storage: Ok(connection::storage(cluster, environment).await?) });
        }
        for (at, context) in arguments.contexts.iter().enumerate() {
            if arguments.contexts[..at].contains(context) {
                continue;
            }
            let storage = connection::storage_of(context, cluster, environment).await;
            if let Ok(Storage::Helm { .. }) = storage {
                let message =
                    "cannot look in several contexts: the storage driver \"sql\" keeps all releases in one place";
                return Err(Error::new(Kind::Unsupported, message).hint("leave --contexts out"));
            }
            places.push(Place { context: Some(context.clone()), storage });
        }
        let progress = Progress::new(environment, cluster.debug.unwrap_or_else(|| environment.switch("HELM_DEBUG")));
        Ok(Self { places, painter: output::painter(&arguments.display, environment), environment, progress })
    }

    /// Says what the run is at: to nobody where a credential plugin may speak to the user.
    pub(super) fn stages(&self) -> &dyn Stages {
        let is_quiet = |place: &Place<_, _>| place.storage.as_ref().is_ok_and(connection::is_quiet);
        if self.places.iter().all(is_quiet) { &self.progress } else { &() }
    }

    /// Takes the line of progress away.
    pub(super) fn clear(&self) {
        self.progress.clear();
    }

    /// Writes to standard output, through the pager where it is long and for a reader.
    pub(super) fn write(
        &self,
        paged: bool,
        write: impl FnOnce(&mut dyn Write) -> std::io::Result<()>,
    ) -> Result<(), Error> {
        self.progress.clear();
        output::write_result(paged, self.environment, write)
    }
}

/// The releases that the arguments name.
pub(super) fn wanted(arguments: &FleetArgs, filter: Filter) -> Wanted {
    Wanted {
        all_namespaces: arguments.all_namespaces,
        namespaces: arguments.namespaces.clone(),
        selector: arguments.selector.clone(),
        filter,
    }
}
