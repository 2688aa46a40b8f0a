//! Servers for one story, on loopback, which end with the story: a chart repository, a registry, and a Prometheus.

use std::fs;
use std::net::{TcpListener, TcpStream};
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

/// Stays between the server and the test: where that ends, however it does, its input closes, and the server is ended.
const GUARD: &str = r#"
"$@" &
server=$!
read -r _
kill $server
wait $server
"#;

/// Passes connections on, and ends them all while there is a file of this name.
const PASSES_ON: &str = r#"
import asyncio, os, sys
port, host, to = int(sys.argv[1]), sys.argv[2], int(sys.argv[3])
writers = set()

async def passes(reader, writer):
    try:
        while data := await reader.read(65536):
            writer.write(data)
            await writer.drain()
    except OSError:
        pass
    writer.close()

async def serves(reader, writer):
    if os.path.exists("away"):
        return writer.close()
    there = await asyncio.open_connection(host, to)
    writers.update((writer, there[1]))
    await asyncio.gather(passes(reader, there[1]), passes(there[0], writer))
    writers.difference_update((writer, there[1]))

async def main():
    await asyncio.start_server(serves, "127.0.0.1", port)
    while True:
        await asyncio.sleep(0.05)
        for writer in list(writers) if os.path.exists("away") else []:
            writer.transport.abort()

asyncio.run(main())
"#;

/// A running server.
pub(crate) struct Server {
    port: u16,
    guard: Child,
}

impl Server {
    /// Serves the files of a folder over HTTP.
    pub(crate) fn of_files(folder: &Path) -> Self {
        Self::start(folder, |port| {
            let mut python = Command::new("python3");
            python.args(["-m", "http.server", &port.to_string(), "--bind", "127.0.0.1", "--directory"]).arg(folder);
            python
        })
    }

    /// Passes on whatever is asked of another server, but while there is a file `away` in the folder.
    pub(crate) fn before(folder: &Path, url: &str) -> Self {
        let (host, to) = url.trim_start_matches("https://").rsplit_once(':').unwrap();
        Self::start(folder, |port| {
            let mut python = Command::new("python3");
            python.args(["-c", PASSES_ON, &port.to_string(), host, to]);
            python
        })
    }

    /// Starts Debian's registry for container images, which keeps charts as well, in a folder.
    pub(crate) fn registry(folder: &Path) -> Self {
        fs::create_dir_all(folder).unwrap();
        Self::start(folder, |port| {
            let config = format!(
                "version: 0.1\nlog: {{level: error}}\nstorage: {{filesystem: {{rootdirectory: {:?}}}}}\nhttp: {{addr: '127.0.0.1:{port}'}}\n",
                folder.join("storage")
            );
            fs::write(folder.join("registry.yaml"), config).unwrap();
            let mut registry = Command::new("docker-registry");
            registry.arg("serve").arg(folder.join("registry.yaml"));
            registry
        })
    }

    /// Starts Debian's Prometheus, which watches nothing, in a folder.
    pub(crate) fn prometheus(folder: &Path) -> Self {
        fs::create_dir_all(folder).unwrap();
        fs::write(folder.join("prometheus.yml"), "global: {}\n").unwrap();
        Self::start(folder, |port| {
            let mut prometheus = Command::new("prometheus");
            prometheus.arg("--config.file").arg(folder.join("prometheus.yml"));
            prometheus.arg("--storage.tsdb.path").arg(folder.join("samples"));
            prometheus.arg(format!("--web.listen-address=127.0.0.1:{port}"));
            prometheus
        })
    }

    /// The port may be taken before the server listens, so it is tried again.
    fn start(folder: &Path, command: impl Fn(u16) -> Command) -> Self {
        (0..5).find_map(|_| Self::try_start(folder, &command)).expect("the server does not start")
    }

    fn try_start(folder: &Path, command: &impl Fn(u16) -> Command) -> Option<Self> {
        let port = TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port();
        let server = command(port);
        let mut guard = Command::new("sh");
        guard.args(["-c", GUARD, "guard"]).arg(server.get_program()).args(server.get_args());
        guard.current_dir(folder).stdin(Stdio::piped()).stdout(Stdio::null()).stderr(Stdio::null());
        let mut started = Self { port, guard: guard.spawn().unwrap() };
        let deadline = Instant::now() + Duration::from_secs(20);
        while Instant::now() < deadline {
            if TcpStream::connect(("127.0.0.1", port)).is_ok() {
                return Some(started);
            }
            if started.guard.try_wait().unwrap().is_some() {
                break;
            }
            std::thread::sleep(Duration::from_millis(20));
        }
        None
    }

    /// Where it listens: `127.0.0.1:5000`.
    pub(crate) fn address(&self) -> String {
        format!("127.0.0.1:{}", self.port)
    }

    /// Ends the server and waits until it is gone.
    pub(crate) fn stop(&mut self) {
        drop(self.guard.stdin.take());
        self.guard.wait().unwrap();
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        self.stop();
    }
}

/// Whether the stories that take a registry are to be left out.
pub(crate) fn without_registry() -> bool {
    std::env::var_os("HSU_SKIP_REGISTRY").is_some_and(|value| value == "1")
}

/// Whether the stories that take a Prometheus are to be left out.
pub(crate) fn without_prometheus() -> bool {
    std::env::var_os("HSU_SKIP_PROMETHEUS").is_some_and(|value| value == "1")
}
