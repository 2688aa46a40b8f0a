//! Rendered manifests: splitting them into documents, reading YAML as the API server does, naming objects, masking
//! Secrets. Pure.

pub mod constraint;
mod derive;
pub mod document;
pub mod duration;
pub mod embedded;
pub mod emit;
pub mod excerpt;
pub mod hook;
pub mod identity;
mod json;
pub mod live;
pub mod managed_fields;
pub mod mask;
pub mod mask_values;
pub mod node;
pub mod observed;
pub mod patch;
pub mod printed;
pub mod quantity;
pub mod refusal;
pub mod sensitive;
pub mod split;
pub mod surroundings;
mod trivial;
pub mod version;
pub mod yaml;
