//! Whether the cluster has what the new pods need: objects they refer to, classes, room.

pub(super) mod classes;
mod left;
pub(super) mod limit_range;
mod limits;
mod makers;
mod neighbours;
mod nodes;
pub(super) mod quota;
pub(super) mod references;
pub(super) mod room;
#[cfg(test)]
mod tests;
pub(super) mod volume_growth;
