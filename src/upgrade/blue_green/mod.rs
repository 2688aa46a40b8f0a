//! The decisions of a blue-green roll-out, pure: which colour has the traffic, where it is to go, and what is done next.
//!
//! Two releases of one chart stand side by side. One is *live*: what carries the traffic leads to it. The other is *idle*: it is
//! upgraded and tested, then the traffic goes there. Which is which is seen in the cluster, each time.

pub mod event;
pub mod kept;
pub mod next;
pub mod side;
pub mod traffic;

use std::fmt;

use serde::{Deserialize, Serialize};

/// Which release has the traffic at the beginning, and which gets it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct Roles {
    /// The release that has the traffic.
    pub live: String,
    /// The release that gets it.
    pub idle: String,
}

/// What leads the traffic to one of the two.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "kind", rename_all = "kebab-case", deny_unknown_fields)]
pub enum Switch {
    /// The selector of a Service.
    Service {
        /// Its name.
        name: String,
    },
    /// The backends of an Ingress.
    Ingress {
        /// Its name.
        name: String,
        /// Only those of this host; of all where none is named.
        host: Option<String>,
        /// Only those of this path.
        path: Option<String>,
    },
    /// The values of a release.
    Release {
        /// Its name.
        name: String,
    },
}

impl Switch {
    /// Reads `NAME[:host/path]`.
    #[must_use]
    pub fn ingress(text: &str) -> Self {
        let (name, place) = text.split_once(':').unwrap_or((text, ""));
        let (host, path) = match place.find('/') {
            Some(at) => (&place[..at], &place[at..]),
            None => (place, ""),
        };
        let some = |text: &str| Some(text.to_owned()).filter(|text| !text.is_empty());
        Self::Ingress { name: name.to_owned(), host: some(host), path: some(path) }
    }
}

impl fmt::Display for Switch {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Service { name } => write!(out, "service/{name}"),
            Self::Release { name } => write!(out, "release {name}"),
            Self::Ingress { name, host: None, path: None } => write!(out, "ingress/{name}"),
            Self::Ingress { name, host, path } => {
                let (host, path) = (host.as_deref().unwrap_or_default(), path.as_deref().unwrap_or_default());
                write!(out, "ingress/{name}:{host}{path}")
            }
        }
    }
}

/// What becomes of the release that had the traffic, once the other one is proven with it.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Retire {
    /// It stays as it is.
    #[default]
    Keep,
    /// Its workloads are scaled to zero.
    Scale,
    /// It is uninstalled.
    Uninstall,
}

impl fmt::Display for Retire {
    /// As `--retire` takes it.
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.write_str(match self {
            Self::Keep => "keep",
            Self::Scale => "scale",
            Self::Uninstall => "uninstall",
        })
    }
}

/// How the traffic waits for somebody before it is switched.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Pause {
    /// The run ends there, and another one promotes it.
    Pause,
    /// It asks; where nobody is there to be asked, it ends there.
    Confirm,
}

/// How a roll-out ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Outcome {
    /// The traffic is with the other release, which is proven, and the one before is retired as wanted.
    Switched,
    /// The release that has the traffic is what was asked for already.
    Unchanged,
    /// It failed before the switch. What had the traffic was not touched.
    Failed,
    /// It failed after the switch, and the traffic is back.
    SwitchedBack,
    /// It failed after the switch, and the traffic was not seen to be back.
    NotSwitchedBack,
    /// The traffic is with the other release; whether that is good could not be told, so the one before stays.
    Unproven,
    /// It was stopped before the switch.
    Interrupted,
    /// The other release is tested and ready, and somebody is to say whether it gets the traffic. Nothing has changed for the users.
    Paused,
    /// It was given up, as asked: the traffic is with the release that had it.
    Aborted,
    /// It was stopped while it waited to retire the release from before; the traffic is with the other one, which is proven.
    Waiting,
    /// Somebody else has changed where the traffic goes; it is left to them.
    Overtaken,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_ingress_is_named_with_host_and_path() {
        for (text, name, host, path) in [
            ("web", "web", None, None),
            ("web:shop.example.com", "web", Some("shop.example.com"), None),
            ("web:shop.example.com/cart", "web", Some("shop.example.com"), Some("/cart")),
            ("web:/cart", "web", None, Some("/cart")),
        ] {
            let own = |text: Option<&str>| text.map(str::to_owned);
            let expected = Switch::Ingress { name: name.to_owned(), host: own(host), path: own(path) };
            let found = Switch::ingress(text);
            assert_eq!(found, expected, "{text}");
            assert_eq!(found.to_string(), format!("ingress/{text}"));
        }
    }
}
