//! Fetching charts, and the charts they depend on, by the `helm` binary.

use std::path::{Path, PathBuf};

use crate::error::{Error, Kind};
use crate::helm::Fetch;
use crate::helm::child::Failure;
use crate::helm::flags::{Arguments, ChartFlags};
use crate::helm::process::HelmProcess;
use crate::helm::process::render::refused;

impl HelmProcess {
    pub(super) async fn fetch(&self, chart: &str, flags: &ChartFlags, folder: &Path) -> Result<PathBuf, Error> {
        let mut arguments = Arguments::default();
        arguments.words(["pull", chart]);
        flags.add_to(&mut arguments);
        // Where there is a provenance file, it is looked at; where there is none, Helm goes on.
        arguments.switch("--prov", true);
        arguments.words(["--destination".as_ref(), folder.as_os_str()]);
        self.child(&arguments).run().await.map_err(|failure| refused("cannot fetch the chart", chart, failure))?;
        let archives = std::fs::read_dir(folder).into_iter().flatten().flatten().map(|entry| entry.path());
        archives.into_iter().find(|path| path.extension().is_some_and(|ending| ending == "tgz")).ok_or_else(|| {
            Error::new(Kind::Helm, format!("cannot fetch the chart \"{chart}\": helm pull left no archive"))
        })
    }

    /// The repositories' indexes are fetched only where those that are here do not do: Helm would fetch all there are.
    pub(super) async fn complete(
        &self,
        folder: &Path,
        named: &str,
        fetch: Fetch,
        flags: &ChartFlags,
    ) -> Result<(), Error> {
        let ran = match fetch {
            Fetch::Newest => self.dependency("update", folder, false, flags).await,
            Fetch::Locked => match self.dependency("build", folder, true, flags).await {
                Ok(()) => Ok(()),
                // Newer indexes would not help.
                Err(failure) if is_settled(failure.message()) => Err(failure),
                Err(_) => self.dependency("build", folder, false, flags).await,
            },
        };
        ran.map_err(|failure| refused("cannot fetch the dependencies of the chart", named, failure))
    }

    async fn dependency(
        &self,
        action: &str,
        folder: &Path,
        skip_refresh: bool,
        flags: &ChartFlags,
    ) -> Result<(), Failure> {
        let mut arguments = Arguments::default();
        arguments.words(["dependency", action]);
        arguments.words([folder.as_os_str()]);
        arguments.switch("--skip-refresh", skip_refresh);
        flags.add_access_to(&mut arguments);
        self.child(&arguments).run().await.map(|_| ())
    }
}

/// Whether a failure has nothing to do with how new the repositories' indexes are.
fn is_settled(message: &str) -> bool {
    message.contains("no repository definition") || message.contains("is out of sync")
}
