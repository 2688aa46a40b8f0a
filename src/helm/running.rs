//! A `helm` that changes something: it runs beside us, is watched, may be stopped, and does not outlive us. Commands of the user
//! run in the same way.

use std::ffi::OsString;
use std::path::Path;
use std::process::{ExitStatus, Stdio};
use std::sync::{Arc, Mutex, PoisonError};

use rustix::process::{Pid, Signal, kill_process_group};
use tokio::io::{AsyncRead, AsyncReadExt as _, AsyncWriteExt as _};
use tokio::process::{Child, Command};
use tokio::task::JoinHandle;

use crate::error::{Error, Kind};
use crate::helm::guard;

/// So much of what it prints is kept of its beginning and of its end, in bytes each.
const KEPT: usize = 128 * 1024;

/// A `helm` at work. Dropped, it is killed.
pub struct Running {
    child: Child,
    group: Option<Pid>,
    printed: Arc<Mutex<Printed>>,
    readers: Vec<JoinHandle<()>>,
}

/// How it ended.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Ended {
    /// Whether Helm calls it a success.
    pub success: bool,
    /// Its exit code; none where a signal ended it.
    pub code: Option<i32>,
    /// Helm's own message, without `Error:` and what was to be done; empty for a success.
    pub message: String,
    /// All that it printed, bounded. May quote values.
    pub output: String,
}

/// How Helm words that the API server did not answer, or only for a moment not as it should: what Go's `net/http` says, client-go,
/// and the server itself (k8s.io/apimachinery, pkg/api/errors).
const NO_ANSWER: [&str; 24] = [
    ": EOF",
    "ubernetes cluster unreachable",
    "TLS handshake timeout",
    "Unauthorized",
    "an error on the server (",
    "apiserver not ready",
    "broken pipe",
    "client connection lost",
    "connection refused",
    "connection reset by peer",
    "etcdserver: leader changed",
    "etcdserver: request timed out",
    "i/o timeout",
    "network is unreachable",
    "no route to host",
    "the server has asked for the client to provide credentials",
    "the server has received too many requests",
    "the server is currently unable to handle the request",
    "the server was unable to return a response in the time allotted",
    "too many requests",
    "transport connection broken",
    "unexpected EOF",
    "use of closed network connection",
    // Helm 4 lost sight of an object.
    "not ready. status: Unknown",
];

/// Of these, what is an answer after all.
const AN_ANSWER: [&str; 4] = [
    "Unauthorized",
    "conversion webhook",
    "failed calling webhook",
    "the server has asked for the client to provide credentials",
];
const BY_A_SIGNAL: &str = "helm ended with signal";

/// How a helm was lost.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Loss {
    /// The API server did not answer.
    NoAnswer,
    /// It did, and may give another answer once a webhook has restarted or credentials were renewed, but not after long.
    Answer,
    /// Helm was killed, as one that takes too much memory is each time.
    Killed,
}

impl Loss {
    /// How a helm was lost that ended with this message.
    #[must_use]
    pub fn of(message: &str) -> Self {
        match message {
            killed if killed.contains(BY_A_SIGNAL) => Self::Killed,
            answer if AN_ANSWER.iter().any(|words| answer.contains(words)) => Self::Answer,
            _ => Self::NoAnswer,
        }
    }
}

impl Ended {
    /// Whether it was lost: killed by a signal, or without an answer of the API server. That says nothing of the release.
    #[must_use]
    pub fn is_lost(&self) -> bool {
        !self.success && (self.code.is_none() || NO_ANSWER.iter().any(|words| self.message.contains(words)))
    }
}

/// The beginning and the end of what was printed.
#[derive(Default)]
struct Printed {
    first: Vec<u8>,
    last: Vec<u8>,
    left_out: bool,
}

/// What to run.
pub(super) struct Order<'a> {
    pub(super) binary: &'a Path,
    pub(super) environment: &'a [(OsString, OsString)],
    pub(super) arguments: Vec<OsString>,
    /// What it reads.
    pub(super) stdin: Option<Vec<u8>>,
}

impl Running {
    /// Starts it, in a process group of its own: Ctrl-C at a terminal is for us, and we say when Helm is to stop.
    ///
    /// Call it on a thread that lives as long as the program: on Linux the child dies with the thread that made it.
    pub(super) fn start(order: Order<'_>) -> Result<Self, Error> {
        let mut command = guard::command(order.binary);
        command.args(&order.arguments).envs(order.environment.iter().map(|(key, value)| (key, value)));
        command.env("LC_ALL", "C");
        Self::spawn(command, order.stdin).map_err(|error| Error::new(Kind::Helm, format!("cannot run helm: {error}")))
    }

    /// Starts a line of the user's by `sh -c` in the same way, with these variables besides ours.
    ///
    /// # Errors
    /// If it can't be started.
    pub fn shell(line: &str, environment: &[(OsString, OsString)]) -> Result<Self, Error> {
        let mut command = guard::command(Path::new("sh"));
        // One pipe for both, so that what was said last is last.
        let line = format!("exec 2>&1\n{line}");
        command.args(["-c", &line]).envs(environment.iter().map(|(key, value)| (key, value)));
        Self::spawn(command, None).map_err(|error| Error::new(Kind::Output, format!("cannot run sh: {error}")))
    }

    fn spawn(command: std::process::Command, stdin: Option<Vec<u8>>) -> std::io::Result<Self> {
        let mut command = Command::from(command);
        command.stdin(if stdin.is_some() { Stdio::piped() } else { Stdio::null() });
        command.stdout(Stdio::piped()).stderr(Stdio::piped()).process_group(0).kill_on_drop(true);
        let mut child = command.spawn()?;
        let printed = Arc::<Mutex<Printed>>::default();
        let mut readers = Vec::new();
        if let Some(stdout) = child.stdout.take() {
            readers.push(tokio::spawn(keep(stdout, printed.clone())));
        }
        if let Some(stderr) = child.stderr.take() {
            readers.push(tokio::spawn(keep(stderr, printed.clone())));
        }
        if let (Some(mut pipe), Some(bytes)) = (child.stdin.take(), stdin) {
            // Helm may end without reading it, which its exit code tells.
            tokio::spawn(async move {
                _ = pipe.write_all(&bytes).await;
                _ = pipe.shutdown().await;
            });
        }
        let group = child.id().and_then(|id| i32::try_from(id).ok()).and_then(Pid::from_raw);
        Ok(Self { child, group, printed, readers })
    }

    /// Waits for its end. May be dropped while it waits, and called again.
    pub async fn wait(&mut self) -> Ended {
        let status = self.child.wait().await;
        self.group = None;
        for reader in self.readers.drain(..) {
            // What it left running may hold the pipe open; its own words are read by then.
            _ = tokio::time::timeout(std::time::Duration::from_millis(500), reader).await;
        }
        let output = self.output();
        match status {
            Ok(status) if status.success() => Ended { success: true, code: Some(0), message: String::new(), output },
            Ok(status) => Ended { success: false, code: status.code(), message: message(&output, status), output },
            Err(error) => {
                Ended { success: false, code: None, message: format!("cannot wait for helm: {error}"), output }
            }
        }
    }

    /// Asks it to stop, as Ctrl-C does: of an upgrade that waits, Helm then records that it failed.
    pub fn interrupt(&self) {
        self.signal(Signal::INT);
    }

    /// Ends it at once.
    pub fn kill(&self) {
        self.signal(Signal::KILL);
    }

    /// What it has printed so far.
    #[must_use]
    pub fn output(&self) -> String {
        self.printed.lock().unwrap_or_else(PoisonError::into_inner).text()
    }

    fn signal(&self, signal: Signal) {
        if let Some(group) = self.group {
            // It may just have ended.
            _ = kill_process_group(group, signal);
        }
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        self.kill();
    }
}

impl Printed {
    fn add(&mut self, bytes: &[u8]) {
        let room = KEPT.saturating_sub(self.first.len()).min(bytes.len());
        self.first.extend_from_slice(&bytes[..room]);
        self.last.extend_from_slice(&bytes[room..]);
        if self.last.len() > 2 * KEPT {
            self.left_out = true;
            self.last.drain(..self.last.len() - KEPT);
        }
    }

    fn text(&self) -> String {
        let gap = if self.left_out { "\n…\n" } else { "" };
        format!("{}{gap}{}", String::from_utf8_lossy(&self.first), String::from_utf8_lossy(&self.last))
    }
}

async fn keep(mut from: impl AsyncRead + Unpin, printed: Arc<Mutex<Printed>>) {
    let mut buffer = vec![0; 8192];
    while let Ok(read @ 1..) = from.read(&mut buffer).await {
        printed.lock().unwrap_or_else(PoisonError::into_inner).add(&buffer[..read]);
    }
}

/// Helm's message: what stands behind `Error:`, without the command that it says failed.
fn message(output: &str, status: ExitStatus) -> String {
    let start = if output.starts_with("Error: ") { Some(0) } else { output.rfind("\nError: ").map(|at| at + 1) };
    let text = start.map_or(output.trim(), |at| output[at..].trim_start_matches("Error: ").trim());
    let text =
        ["UPGRADE FAILED: ", "INSTALLATION FAILED: "].iter().fold(text, |text, word| text.trim_start_matches(word));
    if text.is_empty() { format!("helm ended with {status}") } else { said_once(text) }
}

/// Helm joins what it has against each object with ` && `, so that a webhook which is away makes pages of it: the same of many
/// objects is said once.
fn said_once(text: &str) -> String {
    let mut said: Vec<(String, &str, usize)> = Vec::new();
    for part in text.split(" && ") {
        // Behind the first quote stands which object it is of.
        let alike = part.splitn(3, '"').enumerate().filter(|(at, _)| *at != 1).map(|(_, rest)| rest).collect();
        match said.iter_mut().find(|(other, _, _)| *other == alike) {
            Some((_, _, more)) => *more += 1,
            None => said.push((alike, part, 0)),
        }
    }
    let told = said.into_iter().map(|(_, part, more)| match more {
        0 => part.to_owned(),
        1 => format!("{part} (and the same of 1 more object)"),
        more => format!("{part} (and the same of {more} more objects)"),
    });
    told.collect::<Vec<_>>().join(" && ")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_beginning_and_the_end_of_a_long_output_are_kept() {
        let mut printed = Printed::default();
        printed.add(b"start");
        for _ in 0..100 {
            printed.add(&[b'x'; 10_000]);
        }
        printed.add(b"end");
        let text = printed.text();
        assert!(text.starts_with("start") && text.ends_with("end") && text.contains('…'));
        assert!(text.len() < 4 * KEPT);
    }

    #[test]
    fn a_helm_without_an_answer_is_told_from_one_that_failed() {
        let ended =
            |code, message: &str| Ended { success: false, code, message: message.into(), output: String::new() };
        assert!(ended(None, "helm ended with signal: 9 (SIGKILL)").is_lost());
        assert!(
            ended(Some(1), "Get \"https://10.0.0.1\": dial tcp 10.0.0.1:443: connect: connection refused").is_lost()
        );
        let webhook = "failed calling webhook \"x\": dial tcp 10.0.0.1:443: connect: connection refused";
        assert!(ended(Some(1), webhook).is_lost(), "it may be restarting");
        assert_eq!(Loss::of(webhook), Loss::Answer);
        assert_eq!(Loss::of("helm ended with signal: 9 (SIGKILL)"), Loss::Killed);
        assert_eq!(Loss::of("unexpected EOF"), Loss::NoAnswer);
        assert!(!ended(Some(1), "pre-upgrade hooks failed: job web-migrate failed: BackoffLimitExceeded").is_lost());
        assert!(!ended(Some(1), "resource Deployment/shop/web not ready\ncontext deadline exceeded").is_lost());
    }

    #[test]
    fn helms_message_is_found_among_its_output() {
        use std::os::unix::process::ExitStatusExt as _;
        let status = ExitStatus::from_raw(256);
        assert_eq!(message("WARNING: x\nError: UPGRADE FAILED: timed out\n", status), "timed out");
        assert_eq!(message("", status), "helm ended with exit status: 1");
    }

    #[test]
    fn the_same_of_many_objects_is_said_once() {
        let part =
            |name: &str, kind: &str| format!("cannot patch \"{name}\" with kind {kind}: failed calling webhook \"v\"");
        let text = ["a", "b", "c"].map(|name| part(name, "Rule")).join(" && ") + " && " + &part("d", "Probe");
        let told = format!("{} (and the same of 2 more objects) && {}", part("a", "Rule"), part("d", "Probe"));
        assert_eq!(said_once(&text), told);
        assert_eq!(said_once("a && b"), "a && b");
    }
}
