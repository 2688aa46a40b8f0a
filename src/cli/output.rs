//! Where output goes: standard output or a pager, with colour or without; errors to standard error.

use std::io::{BufWriter, Write};
use std::process::{Child, Command, Stdio};

use crate::cli::Environment;
use crate::cli::args::{DisplayArgs, When};
use crate::error::{Error, Kind};
use crate::report::style::{Painter, Role};

/// Whether output to standard output is coloured.
pub(super) fn painter(display: &DisplayArgs, environment: &Environment) -> Painter {
    let wanted = if display.no_color { When::Never } else { display.color };
    Painter::new(match wanted {
        When::Always => true,
        When::Never => false,
        When::Auto => environment.stdout_is_terminal && allows_colour(environment),
    })
}

fn allows_colour(environment: &Environment) -> bool {
    let helm_says_no = environment.text("HELM_COLOR") == Some("never");
    environment.raw("NO_COLOR").is_none() && environment.text("TERM") != Some("dumb") && !helm_says_no
}

/// Prints an error and its hint.
pub(super) fn print_error(error: &Error, environment: &Environment) {
    let painter = Painter::new(environment.stderr_is_terminal && allows_colour(environment));
    let mut text = String::new();
    painter.paint(&mut text, Role::Error, "Error: ");
    paint_lines(&mut text, painter, &error.message);
    if let Some(hint) = &error.hint {
        text.push('\n');
        painter.paint(&mut text, Role::Heading, "Hint: ");
        paint_lines(&mut text, painter, hint);
    }
    to_stderr(&text);
}

/// Writes a line to standard error. There is nowhere to report to if that fails, and what is at work must go on.
fn to_stderr(line: &str) {
    _ = writeln!(std::io::stderr(), "{line}");
}

/// Prints a warning: the result is right, and something about it should be known.
pub(super) fn print_warning(text: &str, environment: &Environment) {
    let painter = Painter::new(environment.stderr_is_terminal && allows_colour(environment));
    let mut line = String::new();
    painter.paint(&mut line, Role::Warning, "Warning: ");
    paint_lines(&mut line, painter, text);
    to_stderr(&line);
}

/// Messages of Helm may have several lines.
fn paint_lines(out: &mut String, painter: Painter, text: &str) {
    for (index, line) in text.lines().enumerate() {
        if index > 0 {
            out.push('\n');
        }
        painter.paint(out, Role::Plain, line);
    }
}

/// Prints the program's version.
pub(super) fn print_version() {
    // There is nowhere to report to if that fails.
    _ = writeln!(std::io::stdout(), "helm-safe-upgrade {}", env!("CARGO_PKG_VERSION"));
}

/// Prints a text that is painted already, to standard error.
pub(super) fn print_text(text: &str) {
    to_stderr(text.trim_end());
}

/// Prints a line about what is done, for `--debug`.
pub(super) fn print_debug(line: &str) {
    let mut text = String::new();
    Painter::new(false).paint(&mut text, Role::Plain, line);
    to_stderr(&format!("debug: {text}"));
}

/// Says what the reader should know, on standard error: for formats that have no place for it.
pub(super) fn print_notice(line: &str, environment: &Environment) {
    let painter = Painter::new(environment.stderr_is_terminal && allows_colour(environment));
    let mut text = String::new();
    painter.paint(&mut text, Role::Warning, &format!("! {line}"));
    to_stderr(&text);
}

/// Writes a result: through the pager where one is wanted, else straight to standard output.
pub(super) fn write_result(
    paged: bool,
    environment: &Environment,
    write: impl FnOnce(&mut dyn Write) -> std::io::Result<()>,
) -> Result<(), Error> {
    let failed = |error: std::io::Error| Error::new(Kind::Output, format!("cannot write the result: {error}"));
    if let Some(mut pager) = paged.then(|| start_pager(environment)).flatten() {
        let written = pager.stdin.take().map_or(Ok(()), |stdin| buffered(stdin, write));
        let ended = pager.wait().map_err(failed);
        // A reader who leaves the pager early has seen enough.
        return ignore_closed(written).map_err(failed).and(ended.map(drop));
    }
    ignore_closed(buffered(std::io::stdout().lock(), write)).map_err(failed)
}

fn buffered(to: impl Write, write: impl FnOnce(&mut dyn Write) -> std::io::Result<()>) -> std::io::Result<()> {
    let mut out = BufWriter::with_capacity(64 * 1024, to);
    write(&mut out)?;
    out.flush()
}

fn ignore_closed(result: std::io::Result<()>) -> std::io::Result<()> {
    match result {
        Err(error) if error.kind() == std::io::ErrorKind::BrokenPipe => Ok(()),
        other => other,
    }
}

/// Starts the user's pager, or `less`. None if there is none, or it is `cat`.
fn start_pager(environment: &Environment) -> Option<Child> {
    if !environment.stdout_is_terminal || environment.text("TERM") == Some("dumb") {
        return None;
    }
    let wanted =
        ["HELM_SAFE_UPGRADE_PAGER", "PAGER"].into_iter().find_map(|name| environment.text(name)).unwrap_or("less");
    let mut words = wanted.split_whitespace();
    let program = words.next().filter(|&program| program != "cat")?;
    let mut command = Command::new(which::which(program).ok()?);
    command.args(words).stdin(Stdio::piped());
    if environment.raw("LESS").is_none() {
        // Colours pass, short output does not page, long lines are not cut.
        command.env("LESS", "FRX");
    }
    command.spawn().ok()
}
