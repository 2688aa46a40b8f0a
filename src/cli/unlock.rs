//! `helm safe-upgrade unlock`.

use crate::cli::Environment;
use crate::cli::args::{ReportFormat, UnlockArgs};
use crate::cli::confirm::confirm;
use crate::cli::releases::{Run, now};
use crate::command::unlock::{Found, Seams};
use crate::error::{EXIT_OK, Error, Kind};
use crate::report::releases::write_json;

/// Runs the command and returns the exit code.
pub(super) async fn run(arguments: UnlockArgs, environment: &Environment) -> Result<u8, Error> {
    let run = Run::new(&arguments.cluster, &arguments.display, environment).await?;
    let Some(cluster) = run.cluster() else { return Ok(EXIT_OK) };
    let masker = run.masker(false);
    let seams = Seams { storage: &run.storage, cluster, masker: &masker, stages: run.stages(), now };
    let mut found = seams.look(&arguments.release).await?;
    let text = arguments.output == ReportFormat::Text;
    if text {
        run.write(false, |mut out| found.view.write_text(run.painter, &mut out))?;
    }
    let result = match found.view.is_pending() {
        true => unlock(&arguments, &run, &seams, &mut found).await,
        false => Ok(()),
    };
    match text {
        true => run.write(false, |mut out| found.view.write_result(run.painter, &mut out))?,
        false => run.write(false, |mut out| write_json(&found.view, &mut out))?,
    }
    result.map(|()| EXIT_OK)
}

async fn unlock<C, H, D>(
    arguments: &UnlockArgs,
    run: &Run<'_>,
    seams: &Seams<'_, C, H, D>,
    found: &mut Found,
) -> Result<(), Error>
where
    C: crate::cluster::Cluster,
    H: crate::helm::Helm,
    D: crate::cluster::Cluster,
{
    let (name, namespace) = (&found.view.release, &found.view.namespace);
    if !found.view.owner_gone {
        let alive = found.view.owner.as_ref().is_some_and(|owner| owner.alive == Some(true));
        if alive {
            let message = format!("cannot unlock release \"{name}\": {}", found.view.reason);
            return Err(Error::new(Kind::Locked, message).hint("wait for it to end, or stop it there"));
        }
        if !arguments.force {
            let message = format!("will not unlock release \"{name}\": nothing proves that nobody is at work on it");
            let hint = format!("if you are sure: helm safe-upgrade unlock {name} --force -n {namespace}");
            return Err(Error::new(Kind::Locked, message).hint(hint));
        }
        if !arguments.yes {
            let revision = found.view.revision;
            let question =
                format!("Set revision {revision} of {name} to failed, although somebody may be at work on it?");
            confirm(&question, &format!("unlock release \"{name}\""), run.environment)?;
        }
    }
    seams.unlock(found, &run.me()).await
}
