//! The process's surroundings as data: read once at the start, so that everything behind depends on nothing else.

use std::collections::HashMap;
use std::ffi::{OsStr, OsString};
use std::io::IsTerminal as _;

use ring::rand::SecureRandom as _;

use crate::record::{self, Holder};

/// What the process was started with.
pub struct Environment {
    variables: HashMap<OsString, OsString>,
    /// Whether standard output is a terminal.
    pub stdout_is_terminal: bool,
    /// Whether standard error is a terminal.
    pub stderr_is_terminal: bool,
    /// Columns of the terminal that is standard output; none if it is no terminal.
    pub columns: Option<u16>,
    /// Random bytes, the key of the digests that stand for Secrets.
    pub mask_key: [u8; 32],
}

impl Environment {
    /// Reads the surroundings of this process.
    #[must_use]
    pub fn of_process() -> Self {
        let mut mask_key = [0; 32];
        // Without random bytes the digests would be guessable; the masker then must not have a known key.
        if ring::rand::SystemRandom::new().fill(&mut mask_key).is_err() {
            std::process::abort();
        }
        Self {
            variables: std::env::vars_os().collect(),
            stdout_is_terminal: std::io::stdout().is_terminal(),
            stderr_is_terminal: std::io::stderr().is_terminal(),
            columns: terminal_size::terminal_size_of(std::io::stdout()).map(|(width, _)| width.0),
            mask_key,
        }
    }

    /// A variable that is set and not empty.
    #[must_use]
    pub fn raw(&self, name: &str) -> Option<&OsStr> {
        self.variables.get(OsStr::new(name)).map(OsString::as_os_str).filter(|value| !value.is_empty())
    }

    /// A variable that is set, not empty and readable as text.
    #[must_use]
    pub fn text(&self, name: &str) -> Option<&str> {
        self.raw(name).and_then(OsStr::to_str)
    }

    /// Whether a helm runs this as its plugin.
    #[must_use]
    pub fn is_of_helm(&self) -> bool {
        self.raw("HELM_PLUGIN_DIR").is_some()
    }

    /// The name of the user who runs this, or the one that a CI system gives; `uid-1000` where neither is set.
    #[must_use]
    pub fn user(&self) -> String {
        let names = ["GITHUB_ACTOR", "GITLAB_USER_LOGIN", "BUILD_USER_ID", "USER", "LOGNAME", "USERNAME"];
        let named = names.into_iter().find_map(|name| self.text(name)).map(str::to_owned);
        let name = named.unwrap_or_else(|| format!("uid-{}", rustix::process::getuid().as_raw()));
        name.chars().take(64).collect()
    }

    /// Who runs this, and on which machine: `ann@ci-7`.
    #[must_use]
    pub fn who(&self) -> String {
        record::who(&Holder::of_this_process(&self.user()).identity)
    }

    /// A variable as a switch, as Helm reads it: `true`, `1`, `t` in any case.
    #[must_use]
    pub fn switch(&self, name: &str) -> bool {
        self.text(name).is_some_and(|value| matches!(value.to_ascii_lowercase().as_str(), "1" | "t" | "true"))
    }
}
