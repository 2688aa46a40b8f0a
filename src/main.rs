//! The binary: hands the process's arguments and environment to the library.

use std::process::ExitCode;

use helm_safe_upgrade::cli::{Environment, run};

fn main() -> ExitCode {
    run(std::env::args_os().collect(), &Environment::of_process())
}
