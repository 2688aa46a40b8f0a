//! Errors as a user sees them: what could not be done and why, and a hint what to do. And the one table of exit codes.

use std::fmt;

/// What kind of thing went wrong. Each kind has its exit code in [`Kind::exit_code`].
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    /// The command line or the environment is wrong.
    Usage,
    /// The release, the revision or another object does not exist.
    NotFound,
    /// The user may not do what is needed.
    Forbidden,
    /// The API server does not know the user.
    Unauthorized,
    /// The API server can't be reached, or does not answer.
    Unreachable,
    /// A stored record can't be read.
    Damaged,
    /// The storage driver can't do what is asked.
    Unsupported,
    /// Helm itself failed.
    Helm,
    /// The API server refused or answered what can't be understood.
    Cluster,
    /// Some of what was asked for could not be looked at.
    Incomplete,
    /// The result could not be written.
    Output,
    /// A check, a policy or the user said no. Nothing was changed.
    Refused,
    /// An upgrade failed, and the release is back at the revision it was to go back to.
    RolledBack,
    /// An upgrade or a rollback failed, and the release is not back at a good revision.
    NotRolledBack,
    /// Somebody else works on the release or has changed it in between, or it is stuck in a pending status.
    Locked,
    /// The user or the system stopped the run.
    Interrupted,
}

/// Every kind, for the documentation and its test.
pub const KINDS: [Kind; 16] = [
    Kind::Usage,
    Kind::NotFound,
    Kind::Forbidden,
    Kind::Unauthorized,
    Kind::Unreachable,
    Kind::Damaged,
    Kind::Unsupported,
    Kind::Helm,
    Kind::Cluster,
    Kind::Incomplete,
    Kind::Output,
    Kind::Refused,
    Kind::RolledBack,
    Kind::NotRolledBack,
    Kind::Locked,
    Kind::Interrupted,
];

/// Exit code where all went well.
pub const EXIT_OK: u8 = 0;

/// Exit code of a diff with `--detailed-exitcode` that shows a change.
pub const EXIT_CHANGED: u8 = 2;

impl Kind {
    /// The process's exit code. Documented in `docs/exit-codes.md`; 2 is never an error, so that it can mean *changed*.
    #[must_use]
    pub fn exit_code(self) -> u8 {
        match self {
            Self::Usage
            | Self::NotFound
            | Self::Forbidden
            | Self::Unauthorized
            | Self::Unreachable
            | Self::Damaged
            | Self::Unsupported
            | Self::Helm
            | Self::Cluster
            | Self::Incomplete
            | Self::Output => 1,
            Self::Refused => 3,
            Self::RolledBack => 4,
            Self::NotRolledBack => 5,
            Self::Locked => 6,
            Self::Interrupted => 7,
        }
    }

    /// The kind's name in documentation.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::Usage => "usage",
            Self::NotFound => "not found",
            Self::Forbidden => "forbidden",
            Self::Unauthorized => "unauthorized",
            Self::Unreachable => "unreachable",
            Self::Damaged => "damaged record",
            Self::Unsupported => "unsupported",
            Self::Helm => "helm",
            Self::Cluster => "cluster",
            Self::Incomplete => "incomplete",
            Self::Output => "output",
            Self::Refused => "refused",
            Self::RolledBack => "rolled back",
            Self::NotRolledBack => "not rolled back",
            Self::Locked => "locked",
            Self::Interrupted => "interrupted",
        }
    }
}

/// An error for the user.
#[derive(Clone, Debug)]
pub struct Error {
    /// What kind it is.
    pub kind: Kind,
    /// What could not be done and why, in lower case, with the object named.
    pub message: String,
    /// What to do about it.
    pub hint: Option<String>,
}

impl Error {
    /// An error without a hint.
    #[must_use]
    pub fn new(kind: Kind, message: impl Into<String>) -> Self {
        Self { kind, message: message.into(), hint: None }
    }

    /// The same with a hint.
    #[must_use]
    pub fn hint(mut self, hint: impl Into<String>) -> Self {
        self.hint = Some(hint.into());
        self
    }

    /// The same, with what it hindered before it: `cannot read …: cause`.
    #[must_use]
    pub fn while_doing(mut self, what: &str) -> Self {
        self.message = format!("{what}: {}", self.message);
        self
    }
}

impl fmt::Display for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.message)
    }
}

impl std::error::Error for Error {}
