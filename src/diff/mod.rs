//! What changed between two manifests, two trees or two texts. Pure: it works on objects that are already masked.
//!
//! `structure` compares two trees once. Its result, a [`structure::Delta`], is read in two ways: `changes` lists what
//! changed as JSON Patch operations, `lines` draws the same as unified hunks. So both always tell the same story.

pub mod changes;
pub mod fold;
pub mod ignore;
pub mod impact;
pub mod key_differences;
pub mod lines;
pub mod list;
pub mod live;
pub mod noise;
pub mod overrides;
pub mod regenerated;
mod related;
pub mod release;
pub mod rename;
pub mod resources;
pub mod schema;
pub mod select;
pub mod sequence;
pub mod structure;
pub mod words;
pub mod workload;
