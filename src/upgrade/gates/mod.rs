//! Gates: what is asked once everything is ready, and what the answer means.
//!
//! An answer is one of three. A gate that *failed* says that something is wrong, and means rollback. A gate that could not be
//! asked, or had nothing to say, is *inconclusive*: missing data is no verdict.

pub mod address;
pub mod command;
pub mod http;
pub mod images;
pub mod nodes;
pub mod prometheus;
pub mod rolled_out;
pub mod series;
pub mod vigil;

use address::Address;

/// More of a gate's words are left out, in characters.
const MOST_WORDS: usize = 200;
/// More of a gate's name is left out, in characters.
const MOST_NAME: usize = 60;

/// Something that is asked.
#[derive(Clone, Debug)]
pub enum Gate {
    /// A command, run by `sh -c`.
    Command(String),
    /// An address that is to answer.
    Http(Address, http::Expect),
    /// A Prometheus and what is to hold there.
    Prometheus(Address, prometheus::Condition),
}

impl Gate {
    /// Its name for a reader, without passwords: `http svc/web:80/healthz`.
    #[must_use]
    pub fn name(&self) -> String {
        match self {
            Self::Command(line) => format!("command {}", cut(&address::without_passwords(line), MOST_NAME)),
            Self::Http(address, _) => format!("http {}", cut(&address.to_string(), MOST_NAME)),
            Self::Prometheus(_, condition) => format!("prometheus {}", cut(&condition.to_string(), MOST_NAME)),
        }
    }
}

/// What a gate says.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Says {
    /// All is well.
    Passed,
    /// Something is wrong.
    Failed,
    /// It can't tell.
    Inconclusive,
}

/// What a gate says, and why.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Answer {
    /// What it says.
    pub says: Says,
    /// Why, in one line without an end.
    pub why: String,
}

impl Answer {
    /// All is well.
    #[must_use]
    pub fn passed(why: impl AsRef<str>) -> Self {
        Self { says: Says::Passed, why: one_line(why.as_ref()) }
    }

    /// Something is wrong.
    #[must_use]
    pub fn failed(why: impl AsRef<str>) -> Self {
        Self { says: Says::Failed, why: one_line(why.as_ref()) }
    }

    /// It can't tell.
    #[must_use]
    pub fn inconclusive(why: impl AsRef<str>) -> Self {
        Self { says: Says::Inconclusive, why: one_line(why.as_ref()) }
    }
}

/// The text in one line, bounded, and without what could steer a terminal.
#[must_use]
pub fn one_line(text: &str) -> String {
    cut(text, MOST_WORDS)
}

fn cut(text: &str, most: usize) -> String {
    crate::upgrade::world::one_line(text, most)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_gate_is_named_without_its_password() {
        let command = Gate::Command("curl -sf https://me:s3cret@shop.example/check".to_owned());
        assert_eq!(command.name(), "command curl -sf https://***@shop.example/check");
        let address = Address::parse("https://me:s3cret@shop.example/check?token=s3cret").unwrap();
        let http = Gate::Http(address, http::Expect::default());
        assert_eq!(http.name(), "http https://***@shop.example/check?…");
        assert!(!format!("{http:?}").contains("s3cret"));
    }

    #[test]
    fn what_a_gate_says_is_one_line_without_control_characters() {
        let answer = Answer::failed(format!("a\nb\u{1b}[31mc{}", "x".repeat(10_000)));
        assert!(!answer.why.chars().any(char::is_control));
        assert!(answer.why.chars().count() < 300);
    }
}
