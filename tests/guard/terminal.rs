//! A terminal at which somebody answers what is asked.

/// Runs a line in a terminal, and answers what it asks, one answer after the other.
pub(crate) fn answering(line: &str, answers: &[&str]) -> String {
    let python = r##"
import os, pty, re, sys
line, answers = sys.argv[1], sys.argv[2:]
process, terminal = pty.fork()
if process == 0:
    os.execvp("bash", ["bash", "-c", line])
shown = b""
while True:
    try:
        part = os.read(terminal, 4096)
    except OSError:
        break
    if not part:
        break
    shown += part
    if answers and shown.endswith((b"[c]hecks: ", b"[y/N] ")):
        answer = answers.pop(0)
        # Ctrl-C needs no Enter.
        os.write(terminal, answer.encode() + (b"" if answer == chr(3) else b"\n"))
        shown += b"#"
sys.stdout.buffer.write(shown)
sys.exit(os.waitstatus_to_exitcode(os.waitpid(process, 0)[1]))
"##;
    let answers: String = answers.iter().map(|answer| format!(" '{answer}'")).collect();
    format!("python3 -c '{python}' '{line}'{answers}")
}
