//! What a user at a terminal sees while a run takes long, and that nobody else sees it.

#![allow(clippy::unwrap_used)] // a test fails by panicking

use std::process::Command;

use tempfile::TempDir;

const OLD: &str = "apiVersion: v1\nkind: ConfigMap\nmetadata: {name: a}\n";

/// Runs a shell line on a terminal of its own. The named pipe `new.yaml` gets its content once a text is seen there, or
/// after a time. What came to the terminal is printed.
const TERMINAL: &str = r#"
import os, pty, select, sys
word, seconds, line = sys.argv[1].encode(), float(sys.argv[2]), sys.argv[3]
pid, terminal = pty.fork()
if pid == 0:
    os.execvp("sh", ["sh", "-c", line])
seen, fed = b"", False
while True:
    idle = not fed and not word and not select.select([terminal], [], [], seconds)[0]
    if not fed and (idle or word and word in seen):
        fed = True
        with open("new.yaml", "w") as pipe:
            pipe.write("apiVersion: v1\nkind: ConfigMap\nmetadata: {name: b}\n")
    try:
        read = os.read(terminal, 4096)
    except OSError:  # the other end is closed
        read = b""
    if not read:
        break
    seen += read
os.waitpid(pid, 0)
sys.stdout.buffer.write(seen)
"#;

/// When the command gets what it waits for.
enum Feed {
    /// Once this was seen.
    Seen(&'static str),
    /// After so many seconds in which it shows nothing more.
    After(&'static str),
}

/// What came to the terminal, and what the command printed to the file `out`.
fn at_a_terminal(feed: &Feed, arguments: &str, variables: &str) -> (String, String) {
    let (word, seconds) = match feed {
        Feed::Seen(word) => (*word, "0"),
        Feed::After(seconds) => ("", *seconds),
    };
    let folder = TempDir::new().unwrap();
    let path = |name: &str| folder.path().join(name);
    std::fs::write(path("old.yaml"), OLD).unwrap();
    assert!(Command::new("mkfifo").arg(path("new.yaml")).status().unwrap().success());
    let program = env!("CARGO_BIN_EXE_helm-safe-upgrade");
    let line = format!("{variables} {program} revdiff manifest old.yaml new.yaml {arguments} > out");
    let output = Command::new("timeout")
        .args(["60", "python3", "-c", TERMINAL, word, seconds, &line])
        .current_dir(folder.path())
        .env("TERM", "xterm")
        .output()
        .unwrap();
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    (String::from_utf8(output.stdout).unwrap(), std::fs::read_to_string(path("out")).unwrap())
}

#[test]
fn a_run_that_waits_says_for_what_and_takes_it_back() {
    for format in ["text", "json"] {
        let (terminal, out) = at_a_terminal(&Feed::Seen("reading the manifests"), &format!("-o {format}"), "");
        assert!(!out.contains("reading") && out.contains("ConfigMap"), "the result is pure: {out}");
        // The last thing that is sent clears the line.
        let last = terminal.rsplit("reading the manifests").next().unwrap();
        assert!(last.contains("\u{1b}[2K"), "{terminal:?}");
        let after = last.rsplit("\u{1b}[2K").next().unwrap();
        assert!(after.trim().is_empty(), "{terminal:?}");
    }
}

#[test]
fn a_short_run_shows_nothing() {
    // What takes longer than usual on a busy machine is no short run.
    let quiet = || at_a_terminal(&Feed::After("0"), "", "").0.is_empty();
    assert!((0..5).any(|_| quiet()));
}

#[test]
fn who_wants_no_moving_line_gets_none() {
    // Long enough that it would show.
    let long = Feed::After("1");
    assert_eq!(at_a_terminal(&long, "", "TERM=dumb").0, "");
    let (terminal, _) = at_a_terminal(&long, "--debug", "");
    assert!(!terminal.contains("reading the manifests"), "{terminal:?}");
    assert!(terminal.contains("debug: "), "{terminal:?}");
}
