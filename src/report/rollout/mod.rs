//! A run as it goes: the table of what is waited for, the lines of a log, and the report at the end. Pure: events in, text out.

pub mod markdown;
pub mod story;
pub mod table;
