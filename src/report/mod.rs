//! What a user sees. A renderer computes nothing: it turns a view, whose texts have roles and not colours, into bytes.

pub mod batch;
mod chart;
pub mod checks;
pub mod diagnosis;
mod escape;
pub mod fleet;
pub mod github;
pub mod html;
mod impact;
pub mod json;
mod key_differences;
mod live;
pub mod markdown;
mod markup;
mod parts;
pub mod paths;
pub mod releases;
mod remarks;
pub mod rollout;
pub mod side_by_side;
pub mod stat;
mod stretches;
pub mod style;
mod table;
pub mod text;
pub mod view;
mod wording;
