//! One object: compared by its fields, and by a dry run where that is wanted and allowed.

use crate::cluster::{Cluster, ClusterError};
use crate::command::live::gather::Gathering;
use crate::command::live::problem;
use crate::command::live::targets::Target;
use crate::diff::live::report::{Compare, Problem};
use crate::diff::live::tools::{self, Managed};
use crate::diff::live::{Compared, compare};
use crate::diff::resources::Change;
use crate::manifest::live::LiveObject;

/// What became of the comparison of one object.
pub(super) enum Done {
    /// It was compared.
    Compared { compared: Box<Compared>, dry_run: bool, without: Option<String>, managed: Option<Managed> },
    /// It could not be compared.
    Problem(Problem),
}

impl<C: Cluster> Gathering<'_, C> {
    /// Reads an object and compares it.
    pub(super) async fn read(&self, target: &Target) -> Result<Done, ClusterError> {
        let answer = {
            let _permit = self.permit().await;
            self.cluster.get_live(&target.at).await
        };
        match answer {
            Ok(live) => self.examine(target, Some(&live)).await,
            Err(ClusterError::NotFound { .. }) => self.examine(target, None).await,
            Err(error) => failed(target, error),
        }
    }

    /// Compares an object that has been read.
    pub(super) async fn examine(&self, target: &Target, live: Option<&LiveObject>) -> Result<Done, ClusterError> {
        let opened = self.masker.open_live(&target.declared, live, None);
        let managed = tools::of(&opened);
        let done = self.compared(target, live, compare(opened, None)).await?;
        Ok(match done {
            Done::Compared { compared, dry_run, without, .. } => Done::Compared { compared, dry_run, without, managed },
            problem => problem,
        })
    }

    async fn compared(
        &self,
        target: &Target,
        live: Option<&LiveObject>,
        compared: Compared,
    ) -> Result<Done, ClusterError> {
        let differs = compared.diff.as_ref().is_some_and(|diff| diff.change == Change::Modified);
        match (self.compare, live) {
            (Compare::Auto, Some(live)) if differs => {
                if let Some(reason) = self.rights.refusal(self.cluster, &target.at).await? {
                    return Ok(done(compared, false, Some(reason)));
                }
                self.dry_run(target, live, Some(compared)).await
            }
            (Compare::Apply, Some(live)) => self.dry_run(target, live, None).await,
            _ => Ok(done(compared, false, None)),
        }
    }

    /// Compares with what a dry run gives. Where it is refused the comparison by fields stands, if there is one.
    async fn dry_run(
        &self,
        target: &Target,
        live: &LiveObject,
        by_fields: Option<Compared>,
    ) -> Result<Done, ClusterError> {
        let configuration = target.declared.configuration(&self.release.name, &self.release.namespace);
        let answer = {
            let _permit = self.permit().await;
            self.cluster.dry_run_apply(&target.at, &configuration).await
        };
        match (answer, by_fields) {
            (Ok(applied), _) => {
                let opened = self.masker.open_live(&target.declared, Some(live), Some(&applied));
                Ok(done(compare(opened, None), true, None))
            }
            (Err(error), None) => failed(target, error),
            (Err(error), Some(mut compared)) => {
                let reason = problem(&error).ok_or(error)?;
                let note = format!("no dry run: {reason}");
                if let Some(drift) = compared.diff.as_mut().and_then(|diff| diff.drift.as_mut()) {
                    drift.note = Some(note);
                }
                Ok(done(compared, false, Some(format!("{}: {reason}", target.declared.id))))
            }
        }
    }
}

fn done(compared: Compared, dry_run: bool, without: Option<String>) -> Done {
    Done::Compared { compared: Box::new(compared), dry_run, without, managed: None }
}

fn failed(target: &Target, error: ClusterError) -> Result<Done, ClusterError> {
    let Some(reason) = problem(&error) else { return Err(error) };
    let forbidden = matches!(error, ClusterError::Forbidden(_));
    Ok(Done::Problem(Problem { id: target.declared.id.clone(), reason, forbidden }))
}
