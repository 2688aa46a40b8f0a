//! An HTTP server that answers as a test wants it to.

use std::io::{BufRead, BufReader, Read, Write};
use std::net::{Shutdown, TcpListener, TcpStream};
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};
use std::thread;
use std::time::Duration;

use helm_safe_upgrade::cluster::{Connection, Environment, KubeCluster, ListQuery, ObjectRef, Resource};

/// What to do with one request.
pub(crate) enum Answer {
    /// Status, further header lines, body.
    Full(u16, &'static str, Vec<u8>),
    /// A body of this many bytes, all of them `{`.
    Endless(usize),
    /// The head and a part of the body, then the end of the connection.
    Cut,
    /// The end of the connection at once.
    Drop,
    /// Nothing, until the client gives up.
    Hang,
    /// A byte of the body every ten milliseconds, until the client gives up.
    Trickle,
    /// A tunnel to the same server, as a proxy makes one.
    Tunnel,
}

impl Answer {
    pub(crate) fn json(body: &str) -> Self {
        Self::Full(200, "Content-Type: application/json\r\n", body.as_bytes().to_vec())
    }

    pub(crate) fn status(code: u16, message: &str) -> Self {
        let body = serde_json::json!({"kind": "Status", "message": message, "code": code});
        Self::Full(code, "Content-Type: application/json\r\n", body.to_string().into_bytes())
    }

    pub(crate) fn html(code: u16, body: &str) -> Self {
        Self::Full(code, "Content-Type: text/html; charset=utf-8\r\n", body.as_bytes().to_vec())
    }
}

type Script = dyn Fn(usize, &str) -> Answer + Send + Sync;

/// A server on a free port of loopback. Its threads end with their connections, and those with the client.
pub(crate) struct Server {
    port: u16,
    state: Arc<State>,
}

struct State {
    script: Box<Script>,
    requests: Mutex<Vec<String>>,
    connections: AtomicUsize,
}

impl Server {
    /// The script gets the number of the request, from 0, and its head.
    pub(crate) fn start(script: impl Fn(usize, &str) -> Answer + Send + Sync + 'static) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let port = listener.local_addr().unwrap().port();
        let state =
            Arc::new(State { script: Box::new(script), requests: Mutex::default(), connections: AtomicUsize::new(0) });
        let shared = Arc::clone(&state);
        thread::spawn(move || {
            for stream in listener.incoming().flatten() {
                shared.connections.fetch_add(1, Ordering::SeqCst);
                let state = Arc::clone(&shared);
                thread::spawn(move || serve(&stream, &state));
            }
        });
        Self { port, state }
    }

    pub(crate) fn url(&self) -> String {
        format!("http://127.0.0.1:{}", self.port)
    }

    /// The heads of all requests so far, each with what was sent behind it.
    pub(crate) fn requests(&self) -> Vec<String> {
        self.state.requests.lock().unwrap().clone()
    }

    pub(crate) fn connections(&self) -> usize {
        self.state.connections.load(Ordering::SeqCst)
    }

    /// A connection to it without a limit on the rate, and two seconds for a request.
    pub(crate) fn connection(&self) -> Connection {
        Connection {
            kubeconfig: Some("/nonexistent/kubeconfig".into()),
            api_server: Some(self.url()),
            qps: -1.0,
            request_timeout: Duration::from_secs(2),
            ..Connection::default()
        }
    }

    pub(crate) async fn cluster(&self) -> KubeCluster {
        connect(&self.connection()).await
    }

    /// A client that gives up after this time.
    pub(crate) async fn cluster_within(&self, request_timeout: Duration) -> KubeCluster {
        connect(&Connection { request_timeout, ..self.connection() }).await
    }
}

/// Connects with nothing of this process's environment.
pub(crate) async fn connect(connection: &Connection) -> KubeCluster {
    KubeCluster::connect_in(connection, &Environment::default()).await.unwrap()
}

pub(crate) fn secret(name: &str) -> ObjectRef {
    ObjectRef { resource: Resource::SECRETS, namespace: Some("web".to_owned()), name: name.to_owned() }
}

pub(crate) fn secrets(label_selector: Option<&str>) -> ListQuery {
    ListQuery {
        resource: Resource::SECRETS,
        namespace: Some("web".to_owned()),
        label_selector: label_selector.map(str::to_owned),
    }
}

fn serve(stream: &TcpStream, state: &State) {
    stream.set_nodelay(true).unwrap();
    let mut reader = BufReader::new(stream);
    while let Some(head) = read_head(&mut reader) {
        let number = {
            let mut requests = state.requests.lock().unwrap();
            requests.push(head.clone());
            requests.len() - 1
        };
        // A client that gave up is not the server's trouble.
        if answer(stream, (state.script)(number, &head)).is_err() {
            return;
        }
    }
}

fn read_head(reader: &mut BufReader<&TcpStream>) -> Option<String> {
    let mut head = String::new();
    while !head.ends_with("\r\n\r\n") {
        match reader.read_line(&mut head) {
            Ok(0) => return None,
            Ok(_) => {}
            Err(_) => {
                // No text, as when a client begins with TLS.
                let _ = reader.get_mut().write_all(b"HTTP/1.1 400 Bad Request\r\nConnection: close\r\n\r\n");
                return None;
            }
        }
    }
    // What a request sends is kept behind its head.
    let length = head.lines().find_map(|line| line.to_lowercase().strip_prefix("content-length:")?.trim().parse().ok());
    let mut body = vec![0; length.unwrap_or(0)];
    reader.read_exact(&mut body).ok()?;
    Some(head + &String::from_utf8_lossy(&body))
}

fn answer(mut stream: &TcpStream, answer: Answer) -> std::io::Result<()> {
    match answer {
        Answer::Full(code, headers, body) => {
            let length = body.len();
            let head = format!("HTTP/1.1 {code} Whatever\r\n{headers}Content-Length: {length}\r\n\r\n");
            stream.write_all(&[head.as_bytes(), &body].concat())
        }
        Answer::Endless(length) => {
            write!(stream, "HTTP/1.1 200 OK\r\nContent-Length: {length}\r\n\r\n")?;
            let part = vec![b'{'; 1 << 20];
            let mut left = length;
            while left > 0 {
                let size = left.min(part.len());
                stream.write_all(&part[..size])?;
                left -= size;
            }
            Ok(())
        }
        Answer::Cut => {
            write!(stream, "HTTP/1.1 200 OK\r\nContent-Length: 1000\r\n\r\n{{\"kind\":")?;
            stream.shutdown(Shutdown::Both)
        }
        Answer::Drop => stream.shutdown(Shutdown::Both),
        // The client does not write while it waits, so what is read next is the end of the connection.
        Answer::Hang => std::io::copy(&mut stream, &mut std::io::sink()).map(|_| ()),
        Answer::Trickle => {
            write!(stream, "HTTP/1.1 200 OK\r\nContent-Length: 1000000\r\n\r\n")?;
            loop {
                stream.write_all(b"{")?;
                thread::sleep(Duration::from_millis(10));
            }
        }
        Answer::Tunnel => write!(stream, "HTTP/1.1 200 Connection established\r\n\r\n"),
    }
}
