//! One run of the `helm` binary: its words, its environment, what it reads and what it prints.

use std::ffi::OsString;
use std::future::Future;
use std::path::Path;
use std::process::Stdio;

use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::process::{ChildStdin, Command};

use crate::error::{Error, Kind};
use crate::release::decode;

/// Helm's output may not be larger than this, in bytes.
const MAX_OUTPUT: u64 = decode::MAX_INFLATED;

/// So much of Helm's error output is shown, in bytes.
const MAX_MESSAGE: usize = 64 * 1024;

/// So many warnings are kept.
const MAX_WARNINGS: usize = 50;

/// A run that has not begun.
pub(super) struct Child {
    command: Command,
}

/// What a run printed.
pub(super) struct Output {
    pub(super) stdout: Vec<u8>,
    pub(super) stderr: Vec<u8>,
}

/// What Helm says when it fails.
pub(super) struct Failure {
    message: String,
}

impl Child {
    pub(super) fn new(binary: &Path, environment: &[(OsString, OsString)], arguments: &[OsString]) -> Self {
        let mut command = Command::new(binary);
        command.args(arguments).envs(environment.iter().map(|(key, value)| (key, value))).env("LC_ALL", "C");
        command.stdout(Stdio::piped()).stderr(Stdio::piped()).kill_on_drop(true);
        Self { command }
    }

    pub(super) fn env(&mut self, name: &str, value: impl AsRef<std::ffi::OsStr>) {
        self.command.env(name, value);
    }

    /// Runs it to its end, with nothing on standard input.
    pub(super) async fn run(self) -> Result<Output, Failure> {
        match self.run_with(None::<std::future::Ready<Result<Vec<u8>, Error>>>).await {
            Ok(result) => result,
            Err(error) => Err(Failure { message: error.message }),
        }
    }

    /// Runs it to its end. It starts at once, and reads `stdin` as soon as that is there; if that turns out to be an error,
    /// it is stopped, and the error returned.
    pub(super) async fn run_with<S>(mut self, stdin: Option<S>) -> Result<Result<Output, Failure>, Error>
    where
        S: Future<Output = Result<Vec<u8>, Error>>,
    {
        let failed = |what: &str| Ok(Err(Failure { message: format!("cannot run helm: {what}") }));
        self.command.stdin(if stdin.is_some() { Stdio::piped() } else { Stdio::null() });
        let mut child = match self.command.spawn() {
            Ok(child) => child,
            Err(error) => return failed(&error.to_string()),
        };
        let (Some(stdout), Some(stderr)) = (child.stdout.take(), child.stderr.take()) else {
            return failed("its output can't be read");
        };
        let (mut out, mut err) = (Vec::new(), Vec::new());
        let (mut stdout, mut stderr) = (stdout.take(MAX_OUTPUT + 1), stderr.take(MAX_OUTPUT));
        let told = tell(child.stdin.take(), stdin);
        let read = async { Ok(tokio::join!(stdout.read_to_end(&mut out), stderr.read_to_end(&mut err))) };
        let ((), read) = tokio::try_join!(told, read)?;
        if let Err(error) = read.0.and(read.1) {
            return failed(&error.to_string());
        }
        if out.len() as u64 > MAX_OUTPUT {
            return failed("it printed too much");
        }
        match child.wait().await {
            Err(error) => failed(&error.to_string()),
            Ok(status) if status.success() => Ok(Ok(Output { stdout: out, stderr: err })),
            Ok(status) => Ok(Err(Failure::of(&out, &err, status))),
        }
    }
}

/// Writes what is to be read, once it is there. Helm may end without reading it, which its exit code tells.
async fn tell<S>(pipe: Option<ChildStdin>, stdin: Option<S>) -> Result<(), Error>
where
    S: Future<Output = Result<Vec<u8>, Error>>,
{
    if let (Some(mut pipe), Some(stdin)) = (pipe, stdin) {
        let bytes = stdin.await?;
        _ = pipe.write_all(&bytes).await;
        _ = pipe.shutdown().await;
    }
    Ok(())
}

impl Output {
    /// The lines in which Helm warns of something.
    pub(super) fn warnings(&self) -> Vec<String> {
        let text = String::from_utf8_lossy(&self.stderr[..self.stderr.len().min(MAX_MESSAGE)]).into_owned();
        let warns = |line: &&str| {
            let line = line.to_ascii_lowercase();
            line.contains("warning") || line.contains("level=warn") || line.contains(" warn ")
        };
        text.lines().map(str::trim).filter(warns).take(MAX_WARNINGS).map(str::to_owned).collect()
    }
}

impl Failure {
    /// Helm's message, whole, without the warnings before it.
    fn of(stdout: &[u8], stderr: &[u8], status: std::process::ExitStatus) -> Self {
        // What helm dependency says of a repository that is down stands among its progress.
        let told = [stdout, stderr].map(|bytes| String::from_utf8_lossy(&bytes[..bytes.len().min(MAX_MESSAGE)]));
        let lines: Vec<&str> = told.iter().flat_map(|text| text.lines()).map(|line| line.trim()).collect();
        let causes = lines.iter().enumerate().filter(|(_, line)| line.contains("Unable to get an update"));
        let causes: Vec<String> = causes
            .map(|(at, line)| format!("{} {}", line.trim_start_matches('.'), lines.get(at + 1).unwrap_or(&"")))
            .collect();
        let text = String::from_utf8_lossy(&stderr[..stderr.len().min(MAX_MESSAGE)]);
        let text = text.trim();
        let start = if text.starts_with("Error: ") { Some(0) } else { text.find("\nError: ").map(|at| at + 1) };
        let message = start.map_or(text, |at| text[at..].trim_start_matches("Error: "));
        // The command that failed is not one that the user gave.
        let message =
            message.trim_start_matches("UPGRADE FAILED: ").trim_start_matches("INSTALLATION FAILED: ").to_owned();
        let message = if message.is_empty() { format!("helm ended with {status}") } else { message };
        Self { message: [vec![message], causes].concat().join("\n  ") }
    }

    pub(super) fn message(&self) -> &str {
        &self.message
    }

    pub(super) fn is_not_found(&self) -> bool {
        self.message.contains("release: not found")
    }
}

impl From<Failure> for Error {
    fn from(failure: Failure) -> Self {
        Self::new(Kind::Helm, failure.message)
    }
}
