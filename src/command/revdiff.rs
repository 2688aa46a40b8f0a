//! `helm revdiff RELEASE [REV1 [REV2]]`: what changed between two revisions of a release.

use crate::cluster::Cluster;
use crate::diff::release::{Both, Parts, ReleaseDiff, compare};
use crate::error::{Error, Kind};
use crate::helm::Helm;
use crate::manifest::mask::Masker;
use crate::release::Release;
use crate::storage::Storage;

/// What to compare.
#[derive(Clone, Debug)]
pub struct Request {
    /// The release's name.
    pub release: String,
    /// No revision: the last two. One: that and the deployed one. Two: those, in this order.
    pub revisions: Vec<u32>,
    /// Which parts.
    pub parts: Parts,
}

/// What was found.
#[derive(Debug)]
pub struct Outcome {
    /// The two revisions.
    pub releases: Both<Release>,
    /// How they differ.
    pub diff: ReleaseDiff,
}

/// Reads the two revisions and compares them.
///
/// # Errors
/// If a revision does not exist or can't be read.
pub async fn run<C: Cluster, H: Helm>(
    storage: &Storage<C, H>,
    masker: &Masker,
    request: &Request,
) -> Result<Outcome, Error> {
    validate_name(&request.release)?;
    let releases = gather(storage, request).await?;
    let diff = compare(&releases.old, &releases.new, masker, request.parts);
    Ok(Outcome { releases, diff })
}

async fn gather<C: Cluster, H: Helm>(storage: &Storage<C, H>, request: &Request) -> Result<Both<Release>, Error> {
    let name = &request.release;
    let (old, new) = match request.revisions.as_slice() {
        [] => {
            let history = storage.history(name).await?;
            if history.is_empty() {
                return Err(storage.no_release(name).await);
            }
            let Some((old, new)) = history.last_two() else {
                let (namespace, only) = (storage.namespace(), history.describe());
                let message = format!(
                    "release \"{name}\" in namespace \"{namespace}\" has only revision {only}: nothing to compare it with"
                );
                let hint = format!("compare after the next upgrade; helm get all {name} shows this revision");
                return Err(Error::new(Kind::NotFound, message).hint(hint));
            };
            storage.read_two(name, old, new).await?
        }
        [one] => {
            let (named, history) = storage.read_with_history(name, *one).await?;
            let deployed = match named.info.status == "deployed" {
                true => named.clone(),
                false => storage.deployed(name, &history).await?,
            };
            // The older one comes first, so that the diff tells what happened.
            if named.revision <= deployed.revision { (named, deployed) } else { (deployed, named) }
        }
        [old, new, ..] => storage.read_two(name, *old, *new).await?,
    };
    Ok(Both { old, new })
}

/// Checks a release's name by Helm's rule: a DNS subdomain of at most 53 characters.
fn validate_name(name: &str) -> Result<(), Error> {
    let label = |label: &str| {
        let edge = |c: Option<char>| c.is_some_and(|c| c.is_ascii_lowercase() || c.is_ascii_digit());
        edge(label.chars().next())
            && edge(label.chars().last())
            && label.chars().all(|c| c.is_ascii_lowercase() || c.is_ascii_digit() || c == '-')
    };
    if !name.is_empty() && name.len() <= 53 && name.split('.').all(label) {
        return Ok(());
    }
    Err(Error::new(Kind::Usage, format!("{name:?} is no name of a release"))
        .hint("a name has lower case letters, digits, '-' and '.', and at most 53 characters"))
}

#[cfg(test)]
mod tests {
    use super::validate_name;

    #[test]
    fn names_follow_helms_rule() {
        for good in ["web", "a", "my-app.v2", "0"] {
            assert!(validate_name(good).is_ok(), "{good}");
        }
        for bad in ["", "Web", "-a", "a-", "a..b", "../x", "a b", &"x".repeat(54)] {
            assert!(validate_name(bad).is_err(), "{bad}");
        }
    }
}
