//! The seam to Helm: what this program asks the `helm` binary to do.

pub mod process;

use std::future::Future;

use crate::error::Error;
use crate::release::Release;
use crate::release::history::Entry;

/// What this program needs of Helm.
pub trait Helm: Send + Sync {
    /// One revision of a release, whole, as Helm's own storage driver reads it.
    ///
    /// # Errors
    /// If there is no such revision, or Helm fails.
    fn release(&self, name: &str, revision: u32) -> impl Future<Output = Result<Release, Error>> + Send;

    /// The revisions of a release; empty if there is no such release.
    ///
    /// # Errors
    /// If Helm fails.
    fn history(&self, name: &str) -> impl Future<Output = Result<Vec<Entry>, Error>> + Send;

    /// The names of the releases in the namespace.
    ///
    /// # Errors
    /// If Helm fails.
    fn names(&self) -> impl Future<Output = Result<Vec<String>, Error>> + Send;
}
