//! What the upgrade lets pods and accounts do that they could not do before.

pub(super) mod grants;
pub(super) mod pod_security;
pub(super) mod privileges;
mod standards;
#[cfg(test)]
mod tests;
