//! A PostgreSQL server for one story, on loopback, which ends with the story.

use std::fs;
use std::net::TcpListener;
use std::os::unix::fs::{MetadataExt as _, chown};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

/// The password of the one user, `helm`. Nothing but the connection string may say it.
pub(crate) const PASSWORD: &str = "Zt6wLq93Fy";

/// PostgreSQL refuses to run as root; this user of every system is taken then.
const NOBODY: (u32, u32) = (65534, 65534);

/// Stays between the server and the test: where that ends, however it does, its input closes, and the server is ended
/// and its folder removed.
const GUARD: &str = r#"
folder=$1
shift
"$@" &
server=$!
read -r _
kill -INT $server
wait $server
rm -rf "$folder"
"#;

/// A running server.
pub(crate) struct Postgres {
    port: u16,
    guard: Child,
}

impl Postgres {
    /// Starts a server with an empty database.
    pub(crate) fn start(folder: &Path) -> Self {
        // Not in the user's folder, into which nobody may look.
        let folder = std::env::temp_dir().join(format!("postgres {}", folder.file_name().unwrap().to_string_lossy()));
        fs::create_dir(&folder).unwrap();
        fs::write(folder.join("password"), PASSWORD).unwrap();
        if is_root() {
            chown(&folder, Some(NOBODY.0), Some(NOBODY.1)).unwrap();
        }
        let output = as_nobody("initdb")
            .args(["--username=helm", "--auth=scram-sha-256", "--no-sync", "--encoding=UTF8", "--locale=C"])
            .arg("--pwfile")
            .arg(folder.join("password"))
            .arg("--pgdata")
            .arg(folder.join("database"))
            .current_dir(&folder)
            .output()
            .unwrap();
        assert!(output.status.success(), "initdb: {}", String::from_utf8_lossy(&output.stderr));
        // The port may be taken before the server listens.
        (0..5).find_map(|_| Self::try_start(&folder)).expect("PostgreSQL does not start")
    }

    fn try_start(folder: &Path) -> Option<Self> {
        let port = TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port();
        let server = as_nobody("postgres");
        let mut guard = Command::new("sh");
        guard.args(["-c", GUARD, "guard"]).arg(folder).arg(server.get_program()).args(server.get_args());
        guard.arg("-D").arg(folder.join("database")).args(["-p", &port.to_string(), "-F"]);
        guard.args(["-c", "listen_addresses=127.0.0.1", "-c", "unix_socket_directories="]);
        guard.current_dir(folder).stdin(Stdio::piped()).stdout(Stdio::null());
        let log = fs::File::create(folder.join("log")).unwrap();
        let mut started = Self { port, guard: guard.stderr(log).spawn().unwrap() };
        let deadline = Instant::now() + Duration::from_secs(30);
        while Instant::now() < deadline {
            let log = fs::read_to_string(folder.join("log")).unwrap_or_default();
            if log.contains("ready to accept connections") {
                return Some(started);
            }
            if log.contains("database system is shut down") || log.contains("FATAL") {
                break;
            }
            std::thread::sleep(Duration::from_millis(20));
        }
        started.guard.kill().unwrap();
        None
    }

    /// What `HELM_DRIVER_SQL_CONNECTION_STRING` is to be.
    pub(crate) fn connection(&self) -> String {
        format!("postgresql://helm:{PASSWORD}@127.0.0.1:{}/postgres?sslmode=disable", self.port)
    }

    /// Ends the server and waits until it is gone.
    pub(crate) fn stop(&mut self) {
        drop(self.guard.stdin.take());
        self.guard.wait().unwrap();
    }
}

impl Drop for Postgres {
    fn drop(&mut self) {
        self.stop();
    }
}

fn is_root() -> bool {
    fs::metadata("/proc/self").is_ok_and(|process| process.uid() == 0)
}

/// A program of PostgreSQL, run by a user who is not root.
fn as_nobody(program: &str) -> Command {
    let path = program_path(program);
    if !is_root() {
        return Command::new(path);
    }
    let mut command = Command::new("setpriv");
    command.args([format!("--reuid={}", NOBODY.0), format!("--regid={}", NOBODY.1), "--clear-groups".to_owned()]);
    command.arg(path);
    command
}

/// Debian keeps the programs of each version in a folder off the path.
fn program_path(program: &str) -> PathBuf {
    let mut folders: Vec<PathBuf> = std::env::split_paths(&std::env::var_os("PATH").unwrap_or_default()).collect();
    if let Ok(versions) = fs::read_dir("/usr/lib/postgresql") {
        folders.extend(versions.flatten().map(|version| version.path().join("bin")));
    }
    let found = folders.into_iter().map(|folder| folder.join(program)).find(|path| path.is_file());
    found.unwrap_or_else(|| {
        panic!("{program} of PostgreSQL is not installed: apt-get install postgresql, or set HSU_SKIP_SQL=1 to leave its tests out")
    })
}
