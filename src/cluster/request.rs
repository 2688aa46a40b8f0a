//! One request to the API server, from its URL to the bytes of the answer: the rate limit, the deadline, further
//! attempts, and bounds on what is taken in.

use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use http::{HeaderMap, HeaderValue, Method, StatusCode, header};
use http_body_util::BodyExt;
use kube::Client;
use kube::client::Body;
use tokio::sync::Mutex;
use tokio::time::{Instant, sleep, timeout};

use super::credentials::{Credentials, Proof};
use super::dry_run::{Answered, warnings};
use super::error::ClusterError;
use super::exec::Credential;
use super::fault::{Fault, Retry};
use super::rate::RateLimit;
use super::status::{Refusal, what_it_is};
use super::transport::Transport;
use super::{HttpAnswer, ListQuery, ObjectRef, Right, ServicePath};

/// The largest answer taken in, in bytes: far above the 1.5 MiB that etcd takes for an object.
const LARGEST_ANSWER: usize = 64 << 20;
/// The largest error taken in, in bytes. What is cut off is not needed.
const LARGEST_REFUSAL: usize = 1 << 20;
/// How often a request is made at most where the server may recover.
const MOST_ATTEMPTS: u32 = 4;
/// The wait before the second attempt; it doubles from one to the next.
const FIRST_WAIT: Duration = Duration::from_millis(100);

/// What a request is about.
#[derive(Debug)]
pub(super) enum Subject<'a> {
    List(&'a ListQuery),
    Get(&'a ObjectRef),
    /// A dry run, which is safe to make again.
    Apply(&'a ObjectRef),
    Watch(&'a ListQuery),
    /// Made twice, the second one says that the object is there.
    Create(&'a ObjectRef),
    /// With the version that it replaces, so that it is safe to make again.
    Update(&'a ObjectRef),
    /// With the version that it changes, so that it is safe to make again.
    Patch(&'a ObjectRef),
    Delete(&'a ObjectRef),
    /// A pod's log.
    Logs(&'a ObjectRef),
    Service(&'a ServicePath),
    /// The path that names the kinds of a group version, or of all.
    Discovery(&'a str),
    Access(&'a Right),
    Version,
}

impl Subject<'_> {
    /// The verb by which rights are granted.
    pub(super) fn verb(&self) -> &'static str {
        match self {
            Self::List(_) => "list",
            Self::Watch(_) => "watch",
            Self::Get(_) | Self::Discovery(_) | Self::Version | Self::Logs(_) | Self::Service(_) => "get",
            Self::Apply(_) | Self::Patch(_) => "patch",
            Self::Access(_) | Self::Create(_) => "create",
            Self::Update(_) => "update",
            Self::Delete(_) => "delete",
        }
    }
}

impl fmt::Display for Subject<'_> {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::List(query) => write!(out, "list {query}"),
            Self::Get(object) => write!(out, "get {object}"),
            Self::Apply(object) => write!(out, "apply {object} in a dry run"),
            Self::Watch(query) => write!(out, "watch {query}"),
            Self::Create(object) => write!(out, "create {object}"),
            Self::Update(object) => write!(out, "update {object}"),
            Self::Patch(object) => write!(out, "patch {object}"),
            Self::Delete(object) => write!(out, "delete {object}"),
            Self::Logs(pod) => write!(out, "read the log of {pod}"),
            Self::Service(path) => write!(out, "ask service {:?} in namespace {:?}", path.name, path.namespace),
            Self::Discovery(path) => write!(out, "get the kinds of objects at {path}"),
            Self::Access(right) => write!(out, "ask whether you may {right}"),
            Self::Version => write!(out, "get the server's version"),
        }
    }
}

/// What to ask for.
#[derive(Debug)]
pub(super) struct Request<'a> {
    pub(super) subject: Subject<'a>,
    /// Path and query.
    pub(super) path: String,
    pub(super) accept: &'static str,
    /// What is sent. Whatever it changes, the request may be made again: it names the state that it changes.
    pub(super) body: Option<Sent<'a>>,
}

/// What an answer must be like.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Answer {
    /// A JSON object, as far as its first byte tells.
    Json,
    /// Any text.
    Text,
    /// The head of a stream.
    Stream,
    /// Whatever a service says, with its status.
    Any,
    /// What the server itself says of an object, be it a refusal.
    Verdict,
}

/// An answer, or the body that is still to be read.
enum Taken {
    Content(Answered),
    Stream(Body),
}

/// The body of a request.
pub(super) struct Sent<'a> {
    pub(super) method: Method,
    pub(super) content_type: &'static str,
    pub(super) content: &'a [u8],
}

impl fmt::Debug for Sent<'_> {
    /// Without the content, which may be secret.
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(out, "{} of {} bytes, {}", self.method, self.content.len(), self.content_type)
    }
}

/// Sends requests to one server.
pub(super) struct Sender {
    pub(super) transport: Transport,
    pub(super) client: Client,
    pub(super) credentials: Credentials,
    pub(super) rate: Option<RateLimit>,
    pub(super) timeout: Duration,
    pub(super) server: String,
    pub(super) identity: String,
    /// The client that shows the certificate of a credential plugin, and that certificate.
    pub(super) certified: Mutex<Option<(Arc<Credential>, Client)>>,
}

impl Sender {
    /// Makes the request, again if that may help, and returns the answer, which is a JSON object as far as its first
    /// byte tells.
    pub(super) async fn send(&self, request: &Request<'_>) -> Result<Vec<u8>, ClusterError> {
        self.content(request, Answer::Json).await.map(|answer| answer.body)
    }

    /// The same for an answer that is text.
    pub(super) async fn send_for_text(&self, request: &Request<'_>) -> Result<Vec<u8>, ClusterError> {
        self.content(request, Answer::Text).await.map(|answer| answer.body)
    }

    /// The same for what a service answers, be it an error.
    pub(super) async fn send_for_any(&self, request: &Request<'_>) -> Result<HttpAnswer, ClusterError> {
        let answer = self.content(request, Answer::Any).await?;
        Ok(HttpAnswer { status: answer.status.as_u16(), body: answer.body })
    }

    /// The same for what the server says of an object, be it that it does not take it.
    pub(super) async fn send_for_status(&self, request: &Request<'_>) -> Result<Answered, ClusterError> {
        self.content(request, Answer::Verdict).await
    }

    /// The same for an answer that comes bit by bit.
    pub(super) async fn send_for_stream(&self, request: &Request<'_>) -> Result<Body, ClusterError> {
        match self.take(request, Answer::Stream).await? {
            Taken::Stream(body) => Ok(body),
            Taken::Content(_) => Ok(Body::empty()),
        }
    }

    async fn content(&self, request: &Request<'_>, answer: Answer) -> Result<Answered, ClusterError> {
        match self.take(request, answer).await? {
            Taken::Content(answered) => Ok(answered),
            Taken::Stream(_) => Ok(Answered { status: StatusCode::OK, warnings: Vec::new(), body: Vec::new() }),
        }
    }

    async fn take(&self, request: &Request<'_>, answer: Answer) -> Result<Taken, ClusterError> {
        let mut left = self.timeout;
        let mut attempts = 0;
        let mut renewed = false;
        loop {
            if let Some(rate) = &self.rate {
                rate.take().await;
            }
            let proof = self.credentials.proof().await?;
            let client = self.client_for(&proof).await?;
            let started = Instant::now();
            let fault = match timeout(left, self.attempt(request, answer, (client, &proof))).await {
                Ok(Ok(taken)) => return Ok(taken),
                Ok(Err(fault)) => fault,
                Err(_) => return Err(self.too_late(request)),
            };
            left = left.saturating_sub(started.elapsed());
            attempts += 1;
            let wait = match fault.retry {
                Retry::Never => return Err(fault.error),
                Retry::NewCredentials if !renewed && self.credentials.renew(&proof).await => {
                    renewed = true;
                    attempts -= 1;
                    continue;
                }
                Retry::NewCredentials => return Err(fault.error),
                Retry::Once if attempts > 1 => return Err(fault.error),
                Retry::Once => FIRST_WAIT,
                Retry::Later(_) if attempts >= MOST_ATTEMPTS => return Err(fault.error),
                Retry::Later(asked) => asked.unwrap_or(FIRST_WAIT * 2_u32.pow(attempts - 1)),
            };
            if wait >= left {
                return Err(fault.error);
            }
            sleep(wait).await;
            left -= wait;
        }
    }

    async fn client_for(&self, proof: &Proof) -> Result<Client, ClusterError> {
        let Some((credential, certificate)) =
            proof.plugin.as_ref().and_then(|credential| Some((credential, credential.certificate.as_ref()?)))
        else {
            return Ok(self.client.clone());
        };
        let mut certified = self.certified.lock().await;
        if let Some((last, client)) = certified.as_ref()
            && Arc::ptr_eq(last, credential)
        {
            return Ok(client.clone());
        }
        let client = self.transport.client(Some(certificate))?;
        *certified = Some((credential.clone(), client.clone()));
        Ok(client)
    }

    async fn attempt(
        &self,
        request: &Request<'_>,
        wanted: Answer,
        (client, proof): (Client, &Proof),
    ) -> Result<Taken, Fault> {
        let action = || request.subject.to_string();
        let lost = |error: kube::Error| Fault::of_connection(&error, &self.server, &action());
        let mut message = http::Request::get(&request.path).header(header::ACCEPT, request.accept);
        let mut content = Body::empty();
        if let Some(sent) = &request.body {
            message = message.method(sent.method.clone()).header(header::CONTENT_TYPE, sent.content_type);
            content = Body::from(sent.content.to_vec());
        }
        if let Some(authorization) = &proof.authorization {
            message = message.header(header::AUTHORIZATION, authorization);
        }
        let message = message.body(content).map_err(|_| {
            let cause = format!("{:?} is not a valid path", request.path);
            Fault::final_one(ClusterError::InvalidConnection { cause })
        })?;
        let answer = client.send(message).await.map_err(lost)?;
        let (head, mut body) = answer.into_parts();
        let success = matches!(head.status, StatusCode::OK | StatusCode::CREATED | StatusCode::ACCEPTED);
        if success && wanted == Answer::Stream {
            return Ok(Taken::Stream(body));
        }
        let limit = if success { LARGEST_ANSWER } else { LARGEST_REFUSAL };
        let mut content = Vec::with_capacity(announced_length(&head.headers).min(limit));
        while let Some(frame) = body.frame().await {
            let Ok(data) = frame.map_err(lost)?.into_data() else { continue };
            if content.len() + data.len() > limit {
                if success {
                    return Err(Fault::final_one(self.too_large(request)));
                }
                break;
            }
            content.extend_from_slice(&data);
        }
        let content_type = head.headers.get(header::CONTENT_TYPE).map(HeaderValue::as_bytes).unwrap_or_default();
        let content_type = String::from_utf8_lossy(content_type);
        let answers = match wanted {
            Answer::Any => !is_servers_own(head.status, &content),
            Answer::Verdict => is_verdict(head.status, &content),
            _ => false,
        };
        if answers {
            return Ok(Taken::Content(Answered {
                status: head.status,
                warnings: warnings(&head.headers),
                body: content,
            }));
        }
        if !success {
            return Err(self.refused(request, head.status, &head.headers, (&content_type, &content)));
        }
        let is_object = content.iter().find(|byte| !byte.is_ascii_whitespace()) == Some(&b'{');
        if wanted == Answer::Json && !is_object {
            let (action, server, cause) = (action(), self.server.clone(), what_it_is(&content_type, &content));
            return Err(Fault::final_one(ClusterError::NotKubernetes { action, server, cause }));
        }
        Ok(Taken::Content(Answered { status: head.status, warnings: warnings(&head.headers), body: content }))
    }

    fn refused(
        &self,
        request: &Request<'_>,
        code: StatusCode,
        headers: &HeaderMap,
        (content_type, body): (&str, &[u8]),
    ) -> Fault {
        let retry = match code {
            StatusCode::UNAUTHORIZED => Retry::NewCredentials,
            StatusCode::TOO_MANY_REQUESTS
            | StatusCode::INTERNAL_SERVER_ERROR
            | StatusCode::BAD_GATEWAY
            | StatusCode::SERVICE_UNAVAILABLE
            | StatusCode::GATEWAY_TIMEOUT => Retry::Later(asked_wait(headers)),
            _ => Retry::Never,
        };
        let (server, identity) = (self.server.as_str(), self.identity.as_str());
        let refusal = Refusal { subject: &request.subject, server, identity, code, content_type, body };
        Fault { error: refusal.into_error(), retry }
    }

    fn too_late(&self, request: &Request<'_>) -> ClusterError {
        ClusterError::Timeout { action: request.subject.to_string(), server: self.server.clone(), after: self.timeout }
    }

    fn too_large(&self, request: &Request<'_>) -> ClusterError {
        let limit = format!("{} MiB", LARGEST_ANSWER >> 20);
        ClusterError::TooLarge { action: request.subject.to_string(), server: self.server.clone(), limit }
    }
}

/// Whether an answer through the service proxy is the API server's own, and not the service's: it may not be asked, or the
/// server finds nobody behind it, which both come as its `Status`.
fn is_servers_own(status: StatusCode, content: &[u8]) -> bool {
    !status.is_success() && serde_json::from_slice::<Kind>(content).is_ok_and(|object| object.kind == "Status")
}

/// Whether it is the server's word on an object, which no further attempt changes: its `Status`, unless it does not know who
/// asks, or is too busy. An error of its own is one too: a webhook that fails is told as such.
fn is_verdict(status: StatusCode, content: &[u8]) -> bool {
    const NONE: [StatusCode; 5] = [
        StatusCode::UNAUTHORIZED,
        StatusCode::TOO_MANY_REQUESTS,
        StatusCode::BAD_GATEWAY,
        StatusCode::SERVICE_UNAVAILABLE,
        StatusCode::GATEWAY_TIMEOUT,
    ];
    !NONE.contains(&status) && is_servers_own(status, content)
}

#[derive(serde::Deserialize)]
struct Kind {
    kind: String,
}

fn announced_length(headers: &HeaderMap) -> usize {
    let length = headers.get(header::CONTENT_LENGTH).and_then(|value| value.to_str().ok());
    length.and_then(|length| length.parse().ok()).unwrap_or_default()
}

/// `Retry-After` in seconds; the API server does not use its other form, a date.
fn asked_wait(headers: &HeaderMap) -> Option<Duration> {
    let seconds = headers.get(header::RETRY_AFTER)?.to_str().ok()?.trim().parse().ok()?;
    Some(Duration::from_secs(seconds))
}

/// Percent-encodes what stands between two slashes of a path, or in a query.
pub(super) fn encode(text: &str) -> String {
    let mut encoded = String::with_capacity(text.len());
    for byte in text.bytes() {
        match byte {
            b'a'..=b'z' | b'A'..=b'Z' | b'0'..=b'9' | b'-' | b'.' | b'_' | b'~' => encoded.push(char::from(byte)),
            _ => encoded.push_str(&format!("%{byte:02X}")),
        }
    }
    encoded
}
