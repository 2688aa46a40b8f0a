//! What a user sees. A renderer computes nothing: it turns a view, whose texts have roles and not colours, into bytes.

mod chart;
mod escape;
pub mod json;
mod live;
pub mod paths;
pub mod stat;
pub mod style;
pub mod text;
pub mod view;
mod wording;
