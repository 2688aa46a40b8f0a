//! One file a use case: gather what is needed through the seams, decide, and report.

pub mod revdiff;
