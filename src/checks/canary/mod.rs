//! What speaks against a step of a canary. An upgrade that is none has passed.

pub(crate) mod autoscaler;
pub(crate) mod replicas;
#[cfg(test)]
mod tests;

/// The step of a canary that an upgrade is.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Canary {
    /// Which; 1 is the first.
    pub number: usize,
    /// Whether the steps set the number of pods.
    pub scales: bool,
    /// Whether it runs as a second release beside the stable one.
    pub beside: bool,
    /// The workloads of the stable release that are scaled down meanwhile: kind and name.
    pub stable: Vec<(String, String)>,
}
