//! Ties the life of a `helm` child to ours: if this program dies, however it dies, the child does too, and can't finish an
//! upgrade that nobody watches any more.
//!
//! The program runs itself once more (`__guard PID helm …`) as the child. On Linux that asks the kernel to be killed with its
//! parent, and becomes `helm`. Elsewhere it stays, and looks after its parent.

use std::ffi::OsString;
use std::os::unix::process::parent_id;
use std::path::Path;
use std::process::Command;

/// The first argument by which this program knows that it is the guard.
pub const WORD: &str = "__guard";

/// What the guard ends with where it could not start `helm`, as shells have it.
const NOT_STARTED: i32 = 127;

/// The command that runs `binary` under guard.
pub(super) fn command(binary: &Path) -> Command {
    // On Linux this still is our own program where its file was replaced in the meantime.
    let own =
        if cfg!(target_os = "linux") { "/proc/self/exe".into() } else { std::env::current_exe().unwrap_or_default() };
    let mut command = Command::new(own);
    command.arg(WORD).arg(std::process::id().to_string()).arg(binary);
    command
}

/// Runs as the guard: `arguments` are the parent's process id, and what to run. Returns the exit code, if at all.
#[must_use]
pub fn run(arguments: &[OsString]) -> i32 {
    let [parent, program, rest @ ..] = arguments else { return NOT_STARTED };
    let Some(parent) = parent.to_str().and_then(|id| id.parse::<u32>().ok()) else { return NOT_STARTED };
    let mut command = Command::new(program);
    command.args(rest);
    stand(parent, command)
}

#[cfg(target_os = "linux")]
fn stand(parent: u32, mut command: Command) -> i32 {
    use std::os::unix::process::CommandExt as _;
    let tied = rustix::process::set_parent_process_death_signal(Some(rustix::process::Signal::KILL));
    // The parent may have died before.
    if tied.is_err() || parent_id() != parent {
        return NOT_STARTED;
    }
    // It returns only where it fails.
    _ = command.exec();
    NOT_STARTED
}

#[cfg(not(target_os = "linux"))]
fn stand(parent: u32, mut command: Command) -> i32 {
    use std::time::Duration;
    let Ok(mut child) = command.spawn() else { return NOT_STARTED };
    loop {
        if parent_id() != parent {
            _ = child.kill();
            return NOT_STARTED;
        }
        match child.try_wait() {
            Ok(None) => std::thread::sleep(Duration::from_millis(50)),
            Ok(Some(status)) => return status.code().unwrap_or(NOT_STARTED),
            Err(_) => return NOT_STARTED,
        }
    }
}
