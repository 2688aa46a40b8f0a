//! What a user saw after they typed a line: exit code, standard output and standard error.

use std::process::Output;
use std::sync::LazyLock;

use regex::{Captures, Regex};
use serde_json::Value;
use similar::TextDiff;

use crate::cluster;

/// Helm adds this whenever a plugin ends with another exit code than 0.
const HELMS_LAST_WORD: &str = "Error: plugin \"revdiff\" exited with error\n";

/// What a line printed, as it was.
pub(crate) struct Shown {
    pub(crate) line: String,
    pub(crate) stdout: String,
    pub(crate) stderr: String,
    pub(crate) code: Option<i32>,
    namespace: String,
}

impl Shown {
    pub(crate) fn new(line: &str, namespace: &str, output: Output) -> Self {
        let text = |bytes| String::from_utf8(bytes).expect("output that is no UTF-8");
        Self {
            line: line.to_owned(),
            stdout: text(output.stdout),
            stderr: text(output.stderr),
            code: output.status.code(),
            namespace: namespace.to_owned(),
        }
    }

    /// The namespace of the user who saw it.
    pub(crate) fn namespace(&self) -> &str {
        &self.namespace
    }

    /// It ended with this exit code.
    pub(crate) fn exits(&self, code: i32) -> &Self {
        assert_eq!(self.code, Some(code), "exit code of: {}\n{}{}", self.line, self.stdout, self.stderr);
        self
    }

    /// It succeeded, printed this to standard output and nothing to standard error.
    pub(crate) fn shows(&self, expected: &str) -> &Self {
        self.exits(0);
        self.compare("standard error", &self.stderr, "");
        self.compare("standard output", &self.stdout, expected);
        self
    }

    /// It failed, printed this to standard error and nothing to standard output.
    pub(crate) fn fails(&self, expected: &str) -> &Self {
        self.exits(1);
        self.compare("standard output", &self.stdout, "");
        let stderr = self.stderr.strip_suffix(HELMS_LAST_WORD).expect("helm has the last word");
        self.compare("standard error", stderr, expected);
        self
    }

    /// It failed, and this stands in what it printed to standard error.
    pub(crate) fn explains(&self, part: &str) -> &Self {
        self.exits(1);
        let text = tidy(&self.stderr, &self.namespace);
        assert!(text.contains(&dedent(part)), "{part:?} is not in the errors of: {}\n{text}", self.line);
        self
    }

    /// It found a difference, printed this to standard output, and nothing of its own to standard error.
    pub(crate) fn shows_change(&self, part: &str) -> &Self {
        self.exits(2);
        assert_eq!(self.stderr, HELMS_LAST_WORD);
        self.contains(part)
    }

    /// It succeeded, and this text stands somewhere in its standard output.
    pub(crate) fn mentions(&self, part: &str) -> &Self {
        self.exits(0).contains(part)
    }

    /// It failed, and this text stands somewhere in its standard output.
    pub(crate) fn mentions_although_it_failed(&self, part: &str) -> &Self {
        self.exits(1).contains(part)
    }

    /// This text stands somewhere in its standard output, however it ended.
    pub(crate) fn contains(&self, part: &str) -> &Self {
        let text = tidy(&self.stdout, &self.namespace);
        assert!(text.contains(&dedent(part)), "{part:?} is not in the output of: {}\n{text}{}", self.line, self.stderr);
        self
    }

    /// This text stands nowhere in what it printed.
    pub(crate) fn keeps_quiet_about(&self, part: &str) -> &Self {
        for text in [&self.stdout, &self.stderr] {
            assert!(!text.contains(part), "{part:?} is in the output of: {}\n{text}", self.line);
        }
        self
    }

    /// Its standard output, which must be one JSON document.
    pub(crate) fn json(&self) -> Value {
        self.exits(0);
        serde_json::from_str(&self.stdout).unwrap_or_else(|error| panic!("no JSON: {error}\n{}", self.stdout))
    }

    fn compare(&self, stream: &str, actual: &str, expected: &str) {
        let (actual, expected) = (tidy(actual, &self.namespace), dedent(expected));
        if actual != expected {
            let diff =
                TextDiff::from_lines(&expected, &actual).unified_diff().header("expected", "printed").to_string();
            panic!("{stream} of: {}\n{diff}\n--- all of it ---\n{actual}", self.line);
        }
    }
}

/// The text with what differs from run to run replaced: the namespace, the server's address, times and digests. Digests
/// are numbered in the order in which they appear, so that equal ones are still equal.
pub(crate) fn tidy(text: &str, namespace: &str) -> String {
    static TIME: LazyLock<Regex> = LazyLock::new(|| Regex::new(r"\d{4}-\d\d-\d\d[ T]\d\d:\d\d:\d\d").unwrap());
    static DIGEST: LazyLock<Regex> = LazyLock::new(|| Regex::new(r"<masked, (\d+ bytes?), ([0-9a-f]{10})>").unwrap());
    static SERVER: LazyLock<String> = LazyLock::new(cluster::server);
    let text = text.replace(namespace, "NAMESPACE").replace(&*SERVER, "SERVER");
    let text = TIME.replace_all(&text, "YYYY-MM-DD hh:mm:ss");
    let mut seen: Vec<String> = Vec::new();
    let numbered = DIGEST.replace_all(&text, |found: &Captures<'_>| {
        let digest = found[2].to_owned();
        let number = seen.iter().position(|known| *known == digest).unwrap_or_else(|| {
            seen.push(digest);
            seen.len() - 1
        });
        format!("<masked, {}, #{}>", &found[1], number + 1)
    });
    numbered.into_owned()
}

/// The text without a line break at its start, and without the blanks that all its lines start with.
pub(crate) fn dedent(text: &str) -> String {
    let Some(text) = text.strip_prefix('\n') else { return text.to_owned() };
    // The closing quote stands on a line of its own.
    let text = text.trim_end_matches(' ');
    let margin = |line: &str| line.len() - line.trim_start_matches(' ').len();
    let least = text.lines().filter(|line| !line.trim().is_empty()).map(margin).min().unwrap_or(0);
    let lines =
        text.split_inclusive('\n').map(|line| line.get(least..).unwrap_or_else(|| line.trim_start_matches(' ')));
    lines.collect()
}
