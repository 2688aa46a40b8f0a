//! Which objects are shown: by kind and name.

use regex::Regex;

use crate::diff::lines::{self, Line, Tag};
use crate::diff::resources::ManifestDiff;
use crate::diff::structure::compare;
use crate::diff::workload;
use crate::manifest::identity::ObjectId;

/// A kind, or a kind and a name; `*` and `?` stand for any text and any character. Kinds match in any case.
#[derive(Clone, Debug)]
pub struct Pattern {
    kind: String,
    name: Option<String>,
}

impl Pattern {
    /// Reads `KIND` or `KIND/NAME`.
    #[must_use]
    pub fn new(text: &str) -> Self {
        let (kind, name) = match text.split_once('/') {
            Some((kind, name)) => (kind, Some(name.to_owned())),
            None => (text, None),
        };
        Self { kind: kind.to_lowercase(), name }
    }

    fn matches(&self, id: &ObjectId) -> bool {
        matches(&self.kind, &id.kind.to_lowercase()) && self.name.as_ref().is_none_or(|name| matches(name, &id.name))
    }
}

/// Which objects to show.
#[derive(Clone, Debug, Default)]
pub struct Selection {
    /// Only objects that match one of these; all if there are none.
    pub only: Vec<Pattern>,
    /// No object that matches one of these.
    pub suppress: Vec<Pattern>,
}

impl Selection {
    /// Takes out what is not to be shown. It counts no more, but as [`ManifestDiff::suppressed`].
    pub fn apply(&self, diff: &mut ManifestDiff) {
        let before = diff.resources.len();
        diff.resources.retain(|resource| resource.object().is_some_and(|object| self.shows(&object.id)));
        diff.suppressed += before - diff.resources.len();
        // An autoscaler tells of another object, and stays for that.
        diff.related.retain(|object| workload::is_autoscaler(&object.id) || self.shows(&object.id));
    }

    /// Whether an object is to be shown.
    #[must_use]
    pub fn shows(&self, id: &ObjectId) -> bool {
        let any = |patterns: &[Pattern]| patterns.iter().any(|pattern| pattern.matches(id));
        (self.only.is_empty() || any(&self.only)) && !any(&self.suppress)
    }
}

/// Takes out the objects in which every changed line matches one of the patterns. They count as suppressed.
pub fn suppress_lines(diff: &mut ManifestDiff, patterns: &[Regex]) {
    if patterns.is_empty() {
        return;
    }
    let before = diff.resources.len();
    diff.resources.retain(|resource| {
        let hunks = match (&resource.old, &resource.new) {
            (Some(old), Some(new)) => lines::hunks(&compare(&old.node, &new.node), Some(0)),
            (None, Some(new)) => lines::whole(&new.node, Tag::Added),
            (Some(old), None) => lines::whole(&old.node, Tag::Removed),
            (None, None) => return true,
        };
        let mut changed = hunks.iter().flat_map(|hunk| &hunk.lines).filter(|line| line.tag != Tag::Context).peekable();
        let matched = |line: &Line| {
            let text: String = line.segments.iter().map(|segment| segment.text.as_str()).collect();
            patterns.iter().any(|pattern| pattern.is_match(&text))
        };
        changed.peek().is_none() || !changed.all(matched)
    });
    diff.suppressed += before - diff.resources.len();
}

/// Whether a text matches a pattern with `*` and `?`. Linear in the text for each star, by going back to the last one.
#[must_use]
pub fn matches(pattern: &str, text: &str) -> bool {
    let (pattern, text): (Vec<char>, Vec<char>) = (pattern.chars().collect(), text.chars().collect());
    let (mut p, mut t, mut star) = (0, 0, None);
    while t < text.len() {
        if p < pattern.len() && pattern[p] == '*' {
            star = Some((p, t));
            p += 1;
        } else if p < pattern.len() && (pattern[p] == '?' || pattern[p] == text[t]) {
            p += 1;
            t += 1;
        } else if let Some((at, from)) = star {
            star = Some((at, from + 1));
            p = at + 1;
            t = from + 1;
        } else {
            return false;
        }
    }
    pattern[p..].iter().all(|&c| c == '*')
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn patterns_match_kind_and_name() {
        let id = ObjectId { kind: "Deployment".into(), name: "web-api".into(), ..ObjectId::default() };
        for yes in ["deployment", "Deployment/web-api", "deploy*", "*/web*", "deployment/w?b-*i"] {
            assert!(Pattern::new(yes).matches(&id), "{yes}");
        }
        for no in ["deploy", "deployment/web", "service/*", "deployment/"] {
            assert!(!Pattern::new(no).matches(&id), "{no}");
        }
    }
}
