//! Whether the cluster has what the new pods need: objects they refer to, classes, room.

pub(super) mod classes;
pub(super) mod references;
#[cfg(test)]
mod tests;
