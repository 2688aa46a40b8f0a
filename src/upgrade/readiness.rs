//! Whether one object is ready.
