//! A question at the terminal.

use std::io::{BufRead as _, IsTerminal as _, Read as _};

use crate::cli::Environment;
use crate::error::{Error, Kind};
use crate::report::style::{Painter, Role};

/// Longer answers are no answers, in bytes.
const LONGEST: u64 = 1024;

/// Asks for a yes. Only `y` and `yes` are one. The question is on standard error, so that a result can be piped.
///
/// # Errors
/// Of kind [`Kind::Refused`] if the answer is anything else, or there is nobody to ask: `what` was not done.
#[allow(clippy::print_stderr)] // this is a place that prints
pub(super) fn confirm(question: &str, what: &str, environment: &Environment) -> Result<(), Error> {
    if !std::io::stdin().is_terminal() || !environment.stderr_is_terminal {
        let message = format!("cannot {what}: there is no terminal to ask at");
        return Err(Error::new(Kind::Refused, message).hint("--yes answers the question"));
    }
    let mut text = String::new();
    Painter::new(false).paint(&mut text, Role::Plain, question);
    eprint!("{text} [y/N] ");
    let mut answer = String::new();
    // A terminal that is gone is no yes.
    _ = std::io::stdin().lock().take(LONGEST).read_line(&mut answer);
    match answer.trim().to_ascii_lowercase().as_str() {
        "y" | "yes" => Ok(()),
        _ => Err(Error::new(Kind::Refused, format!("did not {what}: the answer was not yes"))),
    }
}
