//! Signs of failure.
