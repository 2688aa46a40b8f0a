//! Rendered manifests: splitting them into documents, reading YAML as the API server does, naming objects, masking
//! Secrets. Pure.

pub mod node;
pub mod split;
pub mod yaml;
