//! See exactly what a Helm upgrade changes, upgrade under watch, and go back to a revision that is proven good.
//!
//! The library holds everything; `main` only passes it the arguments and the environment. See ARCHITECTURE.md for
//! the layers and for where a thing goes.

pub mod chart;
pub mod checks;
pub mod cli;
pub mod cluster;
pub mod command;
pub mod config;
pub mod diff;
pub mod error;
pub mod execute;
pub mod fleet;
pub mod forge;
pub mod git;
pub mod helm;
pub mod manifest;
pub mod record;
pub mod release;
pub mod report;
pub mod storage;
pub mod upgrade;
pub mod web;
