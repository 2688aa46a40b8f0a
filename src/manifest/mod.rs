//! Rendered manifests: splitting them into documents, reading YAML as the API server does, naming objects, masking
//! Secrets. Pure.

pub mod document;
pub mod emit;
pub mod identity;
mod json;
pub mod mask;
pub mod node;
pub mod sensitive;
pub mod split;
pub mod yaml;
