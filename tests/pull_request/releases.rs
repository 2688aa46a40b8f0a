//! A release page on loopback: files of a folder, and what was asked for.

use std::fs;
use std::io::{BufRead as _, BufReader, Write as _};
use std::net::{TcpListener, TcpStream};
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex};
use std::thread;

use crate::user::User;

/// A release page that is there until the test ends.
pub(crate) struct Releases {
    pub(crate) address: String,
    folder: PathBuf,
    asked: Arc<Mutex<Vec<String>>>,
}

impl Releases {
    /// Serves a folder.
    pub(crate) fn new(folder: &Path) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let address = format!("http://{}", listener.local_addr().unwrap());
        let asked = Arc::<Mutex<Vec<String>>>::default();
        let (shared, folder) = (Arc::clone(&asked), folder.to_owned());
        let served = folder.clone();
        thread::spawn(move || listener.incoming().flatten().for_each(|stream| answer(stream, &served, &shared)));
        Self { address, folder, asked }
    }

    /// Publishes a release of this version for this machine, with its checksum. Whoever runs its binary leaves the arguments in
    /// the user's file `from-the-release`. Returns where the archive is.
    pub(crate) fn publish(&self, user: &User, page: &str) -> String {
        let version = env!("CARGO_PKG_VERSION");
        let arch = match std::env::consts::ARCH {
            "x86_64" => "amd64",
            "aarch64" => "arm64",
            other => other,
        };
        let file = format!("helm-safe-upgrade-{version}-{}-{arch}.tar.gz", std::env::consts::OS);
        let archive = format!("{page}/v{version}/{file}");
        let folder = self.folder.join(&archive).parent().unwrap().display().to_string();
        let binary = env!("CARGO_BIN_EXE_helm-safe-upgrade");
        let trace = user.folder.join("from-the-release").display().to_string();
        user.writes(
            "release/helm-safe-upgrade",
            &format!("#!/bin/sh\necho \"$@\" >>'{trace}'\nexec '{binary}' \"$@\"\n"),
        );
        user.does(&format!(
            "mkdir -p '{folder}' && chmod 755 release/helm-safe-upgrade && cd '{folder}' && \
             tar -czf {file} -C \"$OLDPWD/release\" helm-safe-upgrade && sha256sum {file} >{file}.sha256"
        ));
        archive
    }

    /// The paths that were asked for.
    pub(crate) fn asked(&self) -> Vec<String> {
        self.asked.lock().unwrap().clone()
    }
}

fn answer(stream: TcpStream, folder: &Path, asked: &Mutex<Vec<String>>) {
    let mut reader = BufReader::new(stream.try_clone().unwrap());
    let mut line = String::new();
    _ = reader.read_line(&mut line);
    let Some(path) = line.split(' ').nth(1).map(str::to_owned) else { return };
    while line.trim_end() != "" {
        line.clear();
        _ = reader.read_line(&mut line);
    }
    asked.lock().unwrap().push(path.clone());
    let (status, content) = match fs::read(folder.join(path.trim_start_matches('/'))) {
        Ok(content) => (200, content),
        Err(_) => (404, Vec::new()),
    };
    let mut stream = stream;
    let head = format!("HTTP/1.1 {status} X\r\nContent-Length: {}\r\nConnection: close\r\n\r\n", content.len());
    _ = stream.write_all(head.as_bytes()).and_then(|()| stream.write_all(&content));
}
