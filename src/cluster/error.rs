//! What can go wrong between here and a cluster: the kinds, their causes, and what to do about each.

use std::path::PathBuf;
use std::time::Duration;

use thiserror::Error;

/// Why something could not be read from a cluster. No message holds a token, a password or an object's content; what
/// comes from the server is cut to a bounded length and freed of control characters.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
#[non_exhaustive]
pub enum ClusterError {
    /// Nothing says where the cluster is.
    #[error("no cluster is configured: found nothing at {}", looked_at.join(", "))]
    NoConfiguration {
        /// Every place that was looked at.
        looked_at: Vec<String>,
    },
    /// The kubeconfig leaves open which of its contexts to use.
    #[error("the kubeconfig has no current context")]
    NoContext {
        /// The contexts there are.
        contexts: Vec<String>,
    },
    /// The context asked for, or the kubeconfig's current context, does not exist.
    #[error("context {name:?} does not exist in the kubeconfig")]
    UnknownContext {
        /// The name that leads nowhere.
        name: String,
        /// The contexts there are.
        contexts: Vec<String>,
    },
    /// A kubeconfig file cannot be read.
    #[error("cannot read the kubeconfig {}: {cause}", path.display())]
    Kubeconfig {
        /// The file.
        path: PathBuf,
        /// Why not.
        cause: String,
    },
    /// The settings for the connection contradict each other, or one makes no sense.
    #[error("cannot connect to the cluster: {cause}")]
    InvalidConnection {
        /// What is wrong with them.
        cause: String,
    },
    /// The credentials cannot be had: a file is missing, or a credential plugin failed.
    #[error("cannot get the credentials for the cluster: {cause}")]
    Credentials {
        /// What went wrong.
        cause: String,
        /// What the kubeconfig or the plugin advises.
        advice: Option<String>,
    },
    /// No connection to the server comes about.
    #[error("cannot reach the API server at {server}: {cause}")]
    Unreachable {
        /// The server's URL.
        server: String,
        /// The network's answer.
        cause: String,
    },
    /// The connection broke off while a request was under way, again and again.
    #[error("cannot {action}: the connection to {server} was lost: {cause}")]
    ConnectionLost {
        /// What was asked for.
        action: String,
        /// The server's URL.
        server: String,
        /// How it ended.
        cause: String,
    },
    /// The server's certificate is not accepted, or it speaks no TLS.
    #[error("cannot trust the API server at {server}: {cause}")]
    Tls {
        /// The server's URL.
        server: String,
        /// What is wrong.
        cause: String,
        /// What to do about it.
        advice: String,
    },
    /// The server did not answer in time.
    #[error("cannot {action}: no answer from {server} within {}", seconds(*after))]
    Timeout {
        /// What was asked for.
        action: String,
        /// The server's URL.
        server: String,
        /// How long it had.
        after: Duration,
    },
    /// The server does not know who we are.
    #[error("cannot {action}: {server} does not accept the credentials of {identity}")]
    Unauthorized {
        /// What was asked for.
        action: String,
        /// The server's URL.
        server: String,
        /// Whose credentials they are.
        identity: String,
    },
    /// The server knows who we are and does not allow it.
    #[error("{0}")]
    Forbidden(Box<Forbidden>),
    /// The object does not exist.
    #[error("{} {name:?} not found{}", kind.to_lowercase(), in_namespace(namespace.as_deref()))]
    NotFound {
        /// The kind of object, as in `Secret`.
        kind: String,
        /// Its name.
        name: String,
        /// Its namespace, where the kind has namespaces.
        namespace: Option<String>,
    },
    /// The server serves no such kind of object.
    #[error("cannot {action}: {server} does not serve them")]
    NotServed {
        /// What was asked for.
        action: String,
        /// The server's URL.
        server: String,
    },
    /// The object is there already, or is not as it was any more.
    #[error("cannot {action}: {}", if *exists { "it exists already" } else { "it was changed in the meantime" })]
    Conflict {
        /// What was asked for.
        action: String,
        /// Whether it was to be made, and is there.
        exists: bool,
    },
    /// The server is too busy to answer.
    #[error("cannot {action}: {server} is too busy")]
    Throttled {
        /// What was asked for.
        action: String,
        /// The server's URL.
        server: String,
    },
    /// The server answered with an error of another kind.
    #[error("cannot {action}: {server} answered {code}{}", after_colon(message))]
    Server {
        /// What was asked for.
        action: String,
        /// The server's URL.
        server: String,
        /// The HTTP status code.
        code: u16,
        /// What the server says.
        message: String,
    },
    /// What answered is no API server, such as a proxy with a page of its own.
    #[error("cannot {action}: {server} does not answer as an API server does: {cause}")]
    NotKubernetes {
        /// What was asked for.
        action: String,
        /// The server's URL.
        server: String,
        /// What came instead.
        cause: String,
    },
    /// The answer is larger than we are ready to take.
    #[error("cannot {action}: the answer of {server} is larger than {limit}")]
    TooLarge {
        /// What was asked for.
        action: String,
        /// The server's URL.
        server: String,
        /// The limit with its unit.
        limit: String,
    },
}

/// What a user may not do.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
#[error("{} cannot {verb} {}{}", self.who(), self.what(), after_colon(detail))]
pub struct Forbidden {
    /// The user as the server knows it; `None` if it does not say.
    pub user: Option<String>,
    /// What was refused, as in `list`.
    pub verb: String,
    /// On what, as in `secrets`; a path for what is no object.
    pub resource: String,
    /// The resource's API group; empty for the core group.
    pub group: String,
    /// The object's name, where one was asked for.
    pub name: Option<String>,
    /// The namespace; `None` for the whole cluster.
    pub namespace: Option<String>,
    /// What the server adds, such as the right that its own access control misses.
    pub detail: String,
}

impl Forbidden {
    fn who(&self) -> String {
        match &self.user {
            Some(user) => format!("user {user:?}"),
            None => "the user".to_owned(),
        }
    }

    fn what(&self) -> String {
        let name = self.name.as_ref().map(|name| format!(" {name:?}")).unwrap_or_default();
        match &self.namespace {
            Some(namespace) => format!("resource {:?}{name} in namespace {namespace:?}", self.resource),
            None if self.is_path() => format!("path {:?}", self.resource),
            None => format!("resource {:?}{name} in the whole cluster", self.resource),
        }
    }

    fn is_path(&self) -> bool {
        self.resource.starts_with('/')
    }

    fn hint(&self) -> String {
        if self.user.as_deref() == Some("system:anonymous") {
            return "the server got no credentials; check the user of the kubeconfig's context".to_owned();
        }
        // Whoever may read a kind of object needs both; naming them at once saves a second round.
        let verbs = match self.verb.as_str() {
            "get" | "list" if !self.is_path() => "get list",
            verb => verb,
        };
        let role = match &self.namespace {
            Some(namespace) => format!("a Role in namespace {namespace:?}"),
            None => "a ClusterRole".to_owned(),
        };
        let on = match self.group.as_str() {
            "" if self.is_path() => format!("nonResourceURLs {}", self.resource),
            "" => self.resource.clone(),
            group => format!("{}.{group}", self.resource),
        };
        let bound = self.user.as_ref().map(|user| format!(", bound to {user:?}")).unwrap_or_default();
        format!("ask for {role} with verbs [{verbs}] on {on}{bound}")
    }
}

impl ClusterError {
    /// What the user can do about it, as one sentence without a full stop.
    pub fn hint(&self) -> Option<String> {
        Some(match self {
            Self::NoConfiguration { .. } => "set KUBECONFIG, or name the cluster with --kubeconfig".to_owned(),
            Self::NoContext { contexts } => format!("choose one with --kube-context: {}", several(contexts)),
            Self::UnknownContext { contexts, .. } if contexts.is_empty() => "the kubeconfig has no contexts".to_owned(),
            Self::UnknownContext { contexts, .. } => format!("contexts there are: {}", several(contexts)),
            Self::Credentials { advice, .. } => advice.clone()?,
            Self::Tls { advice, .. } => advice.clone(),
            Self::Unreachable { .. } => "check that the cluster runs and that this machine may reach it".to_owned(),
            Self::Timeout { .. } | Self::ConnectionLost { .. } | Self::Throttled { .. } => {
                "try again; if it stays so, look at the API server's load and at the network between".to_owned()
            }
            Self::Unauthorized { .. } => "the credentials may have expired: log in to the cluster again".to_owned(),
            Self::Forbidden(forbidden) => forbidden.hint(),
            Self::NotKubernetes { server, .. } => {
                format!(
                    "check that {server} is the API server's URL, and whether a proxy or a login page stands before it"
                )
            }
            Self::Kubeconfig { .. }
            | Self::InvalidConnection { .. }
            | Self::NotFound { .. }
            | Self::NotServed { .. }
            | Self::Conflict { .. }
            | Self::Server { .. }
            | Self::TooLarge { .. } => return None,
        })
    }
}

fn several(names: &[String]) -> String {
    const SHOWN: usize = 20;
    let mut text = names.iter().take(SHOWN).map(String::as_str).collect::<Vec<_>>().join(", ");
    if names.len() > SHOWN {
        text.push_str(&format!(" and {} more", names.len() - SHOWN));
    }
    text
}

fn in_namespace(namespace: Option<&str>) -> String {
    namespace.map(|namespace| format!(" in namespace {namespace:?}")).unwrap_or_default()
}

fn after_colon(text: &str) -> String {
    if text.is_empty() { String::new() } else { format!(": {text}") }
}

fn seconds(duration: Duration) -> String {
    format!("{} s", duration.as_secs_f64())
}

/// Text from elsewhere, fit for a terminal: white space runs become one space, control characters and those that
/// change the direction of writing go, and what exceeds `limit` characters is cut.
pub(super) fn clean(text: &str, limit: usize) -> String {
    let mut cleaned = String::new();
    let mut length = 0;
    for word in text.split_whitespace() {
        if length > 0 {
            cleaned.push(' ');
            length += 1;
        }
        for letter in word.chars().filter(|&letter| is_harmless(letter)) {
            if length >= limit {
                cleaned.push('…');
                return cleaned;
            }
            cleaned.push(letter);
            length += 1;
        }
    }
    cleaned
}

fn is_harmless(letter: char) -> bool {
    let direction = matches!(letter, '\u{200e}' | '\u{200f}' | '\u{202a}'..='\u{202e}' | '\u{2066}'..='\u{2069}');
    !letter.is_control() && !direction
}
