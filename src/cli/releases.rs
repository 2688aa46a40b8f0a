//! What the commands about releases have in common: where the release is stored, what a long run is at, and who we are.

use std::io::Write;

use jiff::Timestamp;

use crate::cli::args::{ClusterArgs, DisplayArgs};
use crate::cli::connection::{self, AnyStorage};
use crate::cli::progress::Progress;
use crate::cli::{Environment, output};
use crate::cluster::KubeCluster;
use crate::command::Stages;
use crate::error::Error;
use crate::manifest::mask::Masker;
use crate::record::Holder;
use crate::report::style::Painter;
use crate::storage::Storage;

/// One run of such a command.
pub(super) struct Run<'a> {
    pub(super) environment: &'a Environment,
    pub(super) storage: AnyStorage,
    pub(super) painter: Painter,
    progress: Progress,
    elsewhere: Option<KubeCluster>,
}

impl<'a> Run<'a> {
    pub(super) async fn new(
        cluster: &ClusterArgs,
        display: &DisplayArgs,
        environment: &'a Environment,
    ) -> Result<Self, Error> {
        let storage = connection::storage(cluster, environment).await?;
        let elsewhere = match &storage {
            Storage::Objects { .. } => None,
            Storage::Helm { .. } => Some(connection::cluster(cluster, environment).await?),
        };
        let progress = Progress::new(environment, cluster.debug.unwrap_or_else(|| environment.switch("HELM_DEBUG")));
        Ok(Self { environment, storage, painter: output::painter(display, environment), progress, elsewhere })
    }

    /// The cluster in which the release runs, wherever it is stored.
    pub(super) fn cluster(&self) -> Option<&KubeCluster> {
        match &self.storage {
            Storage::Objects { cluster, .. } => Some(cluster),
            Storage::Helm { .. } => self.elsewhere.as_ref(),
        }
    }

    /// What hears how far it is: nobody where a credential plugin may speak to the user.
    pub(super) fn stages(&self) -> &dyn Stages {
        if self.cluster().is_some_and(KubeCluster::has_plugin) { &() } else { &self.progress }
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

    /// This process, as others see it.
    pub(super) fn me(&self) -> Holder {
        Holder::of_this_process(&self.environment.user())
    }

    /// Masks Secrets, or doesn't.
    pub(super) fn masker(&self, show_secrets: bool) -> Masker {
        if show_secrets { Masker::showing_secrets() } else { Masker::new(&self.environment.mask_key) }
    }
}

/// The clock.
pub(super) fn now() -> Timestamp {
    Timestamp::now()
}
