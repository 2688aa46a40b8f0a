//! What the upgrade interrupts, takes away for good, or makes impossible to interrupt.

pub(super) mod autoscaler;
pub(super) mod availability;
pub(super) mod budget;
pub(super) mod deletions;
pub(super) mod node_ports;
pub(super) mod restarts;
pub(super) mod services;
#[cfg(test)]
mod tests;
