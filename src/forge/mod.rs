//! Comments on pull requests, through the documented API of a forge: one comment of ours, which is written over from then on.

mod github;
mod gitlab;

use std::fmt;
use std::time::Duration;

use http::{Method, Request, header};
use secrecy::{ExposeSecret as _, SecretString};
use serde::Deserialize;
use serde::de::DeserializeOwned;

use crate::error::{Error, Kind};
use crate::web;

/// So much of an answer is read, in bytes: a page of a hundred comments.
const MAX_BODY: usize = 32 << 20;
/// Longest wait for an answer.
const LONGEST_ANSWER: Duration = Duration::from_secs(60);
/// So many pages of comments are looked through for ours.
const MOST_PAGES: u32 = 100;
/// Comments a page, as many as both forges give.
const PAGE: usize = 100;

/// Whose API it is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Forge {
    /// GitHub, and what speaks as it does (Gitea, Forgejo).
    Github,
    /// GitLab.
    Gitlab,
}

impl Forge {
    /// A comment may not be longer, in bytes (GitHub: 65,536 characters; GitLab: 1,000,000).
    #[must_use]
    pub fn longest_comment(self) -> usize {
        match self {
            Self::Github => 65_000,
            Self::Gitlab => 900_000,
        }
    }
}

impl fmt::Display for Forge {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.write_str(match self {
            Self::Github => "GitHub",
            Self::Gitlab => "GitLab",
        })
    }
}

/// A pull request, and who comments on it.
#[derive(Clone, Debug)]
pub struct PullRequest {
    /// Whose API it is.
    pub forge: Forge,
    /// The API's address, as in `https://api.github.com`.
    pub api: String,
    /// The repository, as in `owner/name`, or the project's number.
    pub repository: String,
    /// The pull request's number.
    pub number: u64,
    /// Who comments.
    pub token: SecretString,
}

/// What became of a comment.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Posted {
    /// Whether one that was there is written over.
    pub updated: bool,
    /// Where it is to be seen, if the forge says so.
    pub url: Option<String>,
}

/// A comment that is there.
#[derive(Debug, Deserialize)]
struct Comment {
    id: u64,
    #[serde(default)]
    body: Option<String>,
    #[serde(default)]
    html_url: Option<String>,
    #[serde(default, alias = "author")]
    user: Option<Author>,
}

/// Who wrote it.
#[derive(Debug, Default, Deserialize)]
struct Author {
    #[serde(default, alias = "username")]
    login: String,
    #[serde(default)]
    r#type: String,
}

/// Writes a comment that begins with this marker: over our own one that does, or as a new one. `None` where there is none and none
/// is wanted.
///
/// # Errors
/// If the forge can't be asked, or refuses.
pub async fn comment(
    pull_request: &PullRequest,
    marker: &str,
    text: &str,
    wants_new: bool,
) -> Result<Option<Posted>, Error> {
    let me = pull_request.me().await?;
    let mut ours = Vec::new();
    for page in 1..=MOST_PAGES {
        let path = format!("{}?per_page={PAGE}&page={page}", pull_request.comments());
        let comments: Vec<Comment> = pull_request.ask(Method::GET, &path, None).await?;
        let is_last = comments.len() < PAGE;
        // Anybody may write a comment that begins like ours, and whoever wrote it may change it later.
        let is_ours = |comment: &Comment| {
            let begins = comment.body.as_deref().is_some_and(|body| body.trim_start().starts_with(marker));
            begins && comment.user.as_ref().is_some_and(|user| me.is(user))
        };
        ours.extend(comments.into_iter().filter(is_ours).map(|comment| comment.id));
        if is_last {
            break;
        }
    }
    let body = serde_json::json!({ "body": text }).to_string();
    for id in ours {
        let (method, path) = pull_request.comment(id);
        match pull_request.ask::<Comment>(method, &path, Some(&body)).await {
            Ok(comment) => return Ok(Some(Posted { updated: true, url: comment.html_url })),
            // It is not ours to change after all, and must not keep us from having one.
            Err(error) if error.kind == Kind::Forbidden => {}
            Err(error) => return Err(error),
        }
    }
    if !wants_new {
        return Ok(None);
    }
    let comment: Comment = pull_request.ask(Method::POST, &pull_request.comments(), Some(&body)).await?;
    Ok(Some(Posted { updated: false, url: comment.html_url }))
}

/// Whom the token is of.
enum Me {
    /// Somebody of this name.
    Named(String),
    /// A program that the forge tells nothing of itself, such as a workflow with its own token.
    Bot,
}

impl Me {
    fn is(&self, author: &Author) -> bool {
        match self {
            Self::Named(name) => author.login == *name,
            Self::Bot => author.r#type == "Bot",
        }
    }
}

impl PullRequest {
    /// Asks whom the token is of.
    async fn me(&self) -> Result<Me, Error> {
        match self.ask::<Author>(Method::GET, "/user", None).await {
            Ok(author) => Ok(Me::Named(author.login)),
            Err(error) if error.kind == Kind::Forbidden => Ok(Me::Bot),
            Err(error) => Err(error),
        }
    }

    /// The path of its comments.
    fn comments(&self) -> String {
        match self.forge {
            Forge::Github => github::comments(&self.repository, self.number),
            Forge::Gitlab => gitlab::comments(&self.repository, self.number),
        }
    }

    /// How a comment is written over.
    fn comment(&self, id: u64) -> (Method, String) {
        match self.forge {
            Forge::Github => (Method::PATCH, github::comment(&self.repository, id)),
            Forge::Gitlab => (Method::PUT, format!("{}/{id}", self.comments())),
        }
    }

    async fn ask<T: DeserializeOwned>(&self, method: Method, path: &str, body: Option<&str>) -> Result<T, Error> {
        let failed = |cause: &str| {
            Error::new(
                Kind::Unreachable,
                format!("cannot comment on pull request {} at {}: {cause}", self.number, self.forge),
            )
        };
        let address = format!("{}{path}", self.api.trim_end_matches('/'));
        let mut request =
            Request::builder().method(method).uri(&address).header(header::CONTENT_TYPE, "application/json");
        let (name, value) = match self.forge {
            Forge::Github => github::credentials(self.token.expose_secret()),
            Forge::Gitlab => gitlab::credentials(self.token.expose_secret()),
        };
        request = request.header(name, value);
        if self.forge == Forge::Github {
            request = request.header(header::ACCEPT, github::ACCEPT).header("X-GitHub-Api-Version", github::VERSION);
        }
        let content = body.unwrap_or_default().as_bytes().to_vec();
        let request = request.body(content).map_err(|_| failed("the address or the token can't be sent"))?;
        let answer = tokio::time::timeout(LONGEST_ANSWER, web::send(request, MAX_BODY)).await;
        let answer = answer.map_err(|_| failed("it does not answer"))?.map_err(|cause| failed(&cause))?;
        match answer.status {
            200..=299 => serde_json::from_slice(&answer.body).map_err(|_| failed("its answer is of another form")),
            status => Err(self.refused(status, &answer.body)),
        }
    }

    /// What a refusal means.
    fn refused(&self, status: u16, body: &[u8]) -> Error {
        #[derive(Deserialize)]
        struct Message {
            #[serde(alias = "error")]
            message: serde_json::Value,
        }
        let said = serde_json::from_slice::<Message>(body).ok().map(|said| match said.message {
            serde_json::Value::String(text) => text,
            other => other.to_string(),
        });
        let said: String = said.unwrap_or_default().chars().filter(|c| !c.is_control()).take(200).collect();
        let said = if said.is_empty() { String::new() } else { format!(": {said}") };
        let message =
            format!("cannot comment on pull request {} at {}: it answers {status}{said}", self.number, self.forge);
        let (kind, hint) = match (status, self.forge) {
            (401 | 403 | 404, Forge::Github) => {
                (Kind::Forbidden, "the token needs to write pull requests: permissions: {pull-requests: write}")
            }
            (401 | 403 | 404, Forge::Gitlab) => {
                (Kind::Forbidden, "the token needs the scope api: a project access token in GITLAB_TOKEN")
            }
            _ => (Kind::Unreachable, "run it again; -o markdown prints the comment"),
        };
        Error::new(kind, message).hint(hint)
    }
}
