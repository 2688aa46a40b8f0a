//! A forge on loopback that keeps comments: as much of GitHub's and GitLab's documented API as a comment takes.

use std::io::{BufRead as _, BufReader, Read as _, Write as _};
use std::net::{TcpListener, TcpStream};
use std::sync::{Arc, Mutex};
use std::thread;

use serde_json::{Value, json};

/// A comment that somebody wrote.
#[derive(Clone, Debug)]
pub(crate) struct Comment {
    pub(crate) id: u64,
    pub(crate) body: String,
    /// Whether the one who asks may change it.
    pub(crate) ours: bool,
}

#[derive(Default)]
struct Kept {
    comments: Vec<Comment>,
    /// What was asked: method and path.
    asked: Vec<String>,
    /// What credentials came with it.
    credentials: Vec<String>,
    read_only: bool,
}

/// A forge that runs until the test ends.
pub(crate) struct Forge {
    pub(crate) address: String,
    kept: Arc<Mutex<Kept>>,
}

impl Forge {
    pub(crate) fn new() -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let address = format!("http://{}", listener.local_addr().unwrap());
        let kept = Arc::<Mutex<Kept>>::default();
        let shared = Arc::clone(&kept);
        thread::spawn(move || listener.incoming().flatten().for_each(|stream| answer(stream, &shared)));
        Self { address, kept }
    }

    /// Comments of somebody else that are there already.
    pub(crate) fn has(&self, bodies: &[String]) {
        let mut kept = self.kept.lock().unwrap();
        for body in bodies {
            let id = kept.comments.len() as u64 + 1;
            kept.comments.push(Comment { id, body: body.clone(), ours: false });
        }
    }

    /// From now on nobody may write.
    pub(crate) fn is_read_only(&self) {
        self.kept.lock().unwrap().read_only = true;
    }

    /// The comments of whom the test is about.
    pub(crate) fn ours(&self) -> Vec<Comment> {
        self.kept.lock().unwrap().comments.iter().filter(|comment| comment.ours).cloned().collect()
    }

    /// What was asked, and the credentials, each once.
    pub(crate) fn asked(&self) -> (Vec<String>, Vec<String>) {
        let mut kept = self.kept.lock().unwrap();
        kept.credentials.dedup();
        (kept.asked.clone(), kept.credentials.clone())
    }
}

fn answer(stream: TcpStream, kept: &Mutex<Kept>) {
    let mut reader = BufReader::new(stream.try_clone().unwrap());
    let mut line = String::new();
    if reader.read_line(&mut line).unwrap_or(0) == 0 {
        return;
    }
    let words: Vec<String> = line.split(' ').map(str::to_owned).collect();
    let (mut length, mut credentials) = (0, String::new());
    loop {
        let mut header = String::new();
        reader.read_line(&mut header).unwrap();
        let Some((name, value)) = header.trim_end().split_once(':') else { break };
        match name.to_ascii_lowercase().as_str() {
            "content-length" => length = value.trim().parse().unwrap(),
            name @ ("authorization" | "private-token") => credentials = format!("{name}: {}", value.trim()),
            _ => {}
        }
    }
    let mut body = vec![0; length];
    reader.read_exact(&mut body).unwrap();
    let (status, answer) = decide(&words, &body, credentials, &mut kept.lock().unwrap());
    let answer = answer.to_string();
    let head = format!(
        "HTTP/1.1 {status} X\r\nContent-Type: application/json\r\nContent-Length: {}\r\nConnection: close\r\n\r\n",
        answer.len()
    );
    let mut stream = stream;
    _ = stream.write_all(format!("{head}{answer}").as_bytes());
}

/// Who wrote a comment: we are a workflow at the one forge, and a project's user at the other.
fn author(ours: bool) -> Value {
    if ours { json!({"login": "actions[bot]", "type": "Bot"}) } else { json!({"login": "eve", "type": "User"}) }
}

fn decide(words: &[String], body: &[u8], credentials: String, kept: &mut Kept) -> (u16, Value) {
    let (method, target) = (words[0].as_str(), words[1].as_str());
    kept.asked.push(format!("{method} {target}"));
    kept.credentials.push(credentials);
    let (path, query) = target.split_once('?').unwrap_or((target, ""));
    let lists = ["/repos/acme/shop/issues/12/comments", "/projects/77/merge_requests/12/notes"];
    let shown = |comment: &Comment| json!({"id": comment.id, "body": comment.body, "user": author(comment.ours), "html_url": format!("https://forge.example/{}", comment.id)});
    let text = || serde_json::from_slice::<Value>(body).unwrap()["body"].as_str().unwrap().to_owned();
    if method != "GET" && kept.read_only {
        return (403, json!({"message": "Resource not accessible by integration"}));
    }
    if path == "/user" {
        // The token of a workflow may not ask.
        return match kept.credentials.last().is_some_and(|said| said.starts_with("private-token")) {
            true => (200, json!({"username": "actions[bot]"})),
            false => (403, json!({"message": "Resource not accessible by integration"})),
        };
    }
    if lists.contains(&path) {
        if method == "POST" {
            let comment = Comment { id: kept.comments.len() as u64 + 1, body: text(), ours: true };
            kept.comments.push(comment.clone());
            return (201, shown(&comment));
        }
        let of =
            |name: &str| query.split('&').find_map(|pair| pair.strip_prefix(name)).unwrap().parse::<usize>().unwrap();
        let (size, page) = (of("per_page="), of("page=").max(1));
        let comments: Vec<Value> = kept.comments.iter().skip(size * (page - 1)).take(size).map(shown).collect();
        return (200, comments.into());
    }
    let one = ["/repos/acme/shop/issues/comments/", "/projects/77/merge_requests/12/notes/"];
    let id = one.iter().find_map(|prefix| path.strip_prefix(prefix)).and_then(|id| id.parse::<u64>().ok());
    match kept.comments.iter_mut().find(|comment| Some(comment.id) == id) {
        Some(comment) if comment.ours => {
            comment.body = text();
            (200, shown(comment))
        }
        Some(_) => (403, json!({"message": "Must have admin rights"})),
        None => (404, json!({"message": "Not Found"})),
    }
}
