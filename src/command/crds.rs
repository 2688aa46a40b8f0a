//! A chart's `crds/` folder beside the cluster's custom resource definitions, which Helm does not upgrade.

use futures::stream::{self, StreamExt as _, TryStreamExt as _};

use crate::cluster::{Cluster, ClusterError, ObjectRef, Resource};
use crate::command::live::problem;
use crate::diff::live::crd::{CrdDiff, CrdProblem};
use crate::error::Error;
use crate::manifest::document::Manifest;
use crate::manifest::live::{Declared, LiveObject};
use crate::manifest::mask::Masker;

/// Requests under way at the same time.
const AT_ONCE: usize = 16;

/// Compares the definitions in these files (name and content) with the cluster's, one `get` each. A file that can't be
/// read and a definition that may not be read are among [`CrdDiff::problems`]. Other objects in the files are passed over
/// by Helm too, where they are no definitions: they are not compared.
///
/// # Errors
/// If the API server can't be reached, or stops answering.
pub async fn compare_crds(
    cluster: &impl Cluster,
    files: &[(String, String)],
    masker: &Masker,
) -> Result<CrdDiff, Error> {
    let mut diff = CrdDiff::default();
    let mut wanted = Vec::new();
    for (file, text) in files {
        for document in Manifest::new(text.clone()).documents(false) {
            match Declared::of(&document) {
                Ok(declared) => wanted.extend(declared.into_iter().map(|declared| (file.clone(), declared))),
                Err(reason) => {
                    let reason = reason.replacen("of the manifest", "of the file", 1);
                    diff.problems.push(CrdProblem { file: file.clone(), id: None, reason });
                }
            }
        }
    }
    wanted.retain(|(_, declared)| declared.id.kind == "CustomResourceDefinition");
    let reading = wanted.into_iter().map(async |(file, mut declared)| {
        declared.source = Some(file.clone());
        if declared.id.version != "v1" {
            let reason = format!("{} is no longer served: the chart's file is of no use", declared.id.api_version());
            return Ok(Err(CrdProblem { file, id: Some(declared.id), reason }));
        }
        match read(cluster, &declared.id.name).await {
            Ok(live) => Ok(Ok((declared, live))),
            Err(error) => match problem(&error) {
                Some(reason) => Ok(Err(CrdProblem { file, id: Some(declared.id), reason })),
                None => Err(Error::from(error)),
            },
        }
    });
    let reading: Vec<_> = reading.collect();
    let mut answers = stream::iter(reading).buffered(AT_ONCE);
    while let Some(answer) = answers.try_next().await? {
        match answer {
            Ok((declared, live)) => diff.add(masker.open_live(&declared, live.as_ref(), None)),
            Err(problem) => diff.problems.push(problem),
        }
    }
    Ok(diff)
}

async fn read(cluster: &impl Cluster, name: &str) -> Result<Option<LiveObject>, ClusterError> {
    let resource = Resource::CUSTOM_RESOURCE_DEFINITIONS;
    let object = ObjectRef { resource, namespace: None, name: name.to_owned() };
    match cluster.get_live(&object).await {
        Ok(live) => Ok(Some(live)),
        Err(ClusterError::NotFound { .. }) => Ok(None),
        Err(error) => Err(error),
    }
}
