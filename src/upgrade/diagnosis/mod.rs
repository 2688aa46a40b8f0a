//! Why an upgrade failed, or a release is not well: rules from what is known to a likely cause and a hint.
//!
//! A rule looks at one [`Evidence`] and says what it recognises, in one sentence and one hint. It speaks of facts: an
//! object, a field, a message of Helm, of the API server or of a kubelet. A rule that recognises nothing says nothing. The causes
//! are sorted: what was said in so many words before what a sign makes likely, that before what may play a part.
//!
//! Texts must be masked before they come here, as sentences quote them.

pub mod container;
pub mod evidence;
pub mod message;
mod rules;
pub mod supplied;

#[cfg(test)]
mod scene;

use serde::Serialize;

pub use evidence::Evidence;
pub use rules::RULES;

/// More causes help nobody.
const MOST_CAUSES: usize = 20;
/// More objects of one cause are only counted.
const MOST_OBJECTS: usize = 20;

/// How sure a cause is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum Certainty {
    /// Helm, the API server or a kubelet said so.
    Certain,
    /// A sign that explains what is wrong.
    Likely,
    /// It may play a part.
    Possible,
}

impl Certainty {
    /// The word for it.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::Certain => "certain",
            Self::Likely => "likely",
            Self::Possible => "possible",
        }
    }
}

/// One cause.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Cause {
    /// The rule that found it, as documented: `image`.
    pub rule: &'static str,
    /// What is wrong, in one sentence without a full stop at its end.
    pub sentence: String,
    /// What to do about it.
    pub hint: String,
    /// How sure it is.
    pub certainty: Certainty,
    /// The objects it was seen on, as `pod/web-1`; at most some.
    pub objects: Vec<String>,
}

impl Cause {
    /// A cause that was said in so many words.
    #[must_use]
    pub fn certain(sentence: impl Into<String>, hint: impl Into<String>) -> Self {
        Self {
            rule: "",
            sentence: sentence.into(),
            hint: hint.into(),
            certainty: Certainty::Certain,
            objects: Vec::new(),
        }
    }

    /// A cause that a sign makes likely.
    #[must_use]
    pub fn likely(sentence: impl Into<String>, hint: impl Into<String>) -> Self {
        Self { certainty: Certainty::Likely, ..Self::certain(sentence, hint) }
    }

    /// A cause that may play a part.
    #[must_use]
    pub fn possible(sentence: impl Into<String>, hint: impl Into<String>) -> Self {
        Self { certainty: Certainty::Possible, ..Self::certain(sentence, hint) }
    }

    /// The same, seen on this object.
    #[must_use]
    pub fn on(mut self, object: impl Into<String>) -> Self {
        self.objects.push(object.into());
        self
    }
}

/// A rule: what it is called, what it recognises, and how.
pub struct Rule {
    /// Its name in documents and in `docs/diagnose.md`.
    pub name: &'static str,
    /// Finds its causes.
    pub find: fn(&Evidence) -> Vec<Cause>,
}

/// The causes that all rules find, the best first.
#[must_use]
pub fn diagnose(evidence: &Evidence) -> Vec<Cause> {
    let mut causes: Vec<Cause> = Vec::new();
    for rule in RULES {
        for cause in (rule.find)(evidence) {
            merge(&mut causes, Cause { rule: rule.name, ..cause });
        }
    }
    // Within one degree of certainty the order of the rules holds: causes before their consequences.
    causes.sort_by_key(|cause| cause.certainty);
    causes.truncate(MOST_CAUSES);
    causes
}

/// What is the same for several objects is one cause.
fn merge(causes: &mut Vec<Cause>, cause: Cause) {
    let same = causes.iter_mut().find(|one| one.rule == cause.rule && one.sentence == cause.sentence);
    let Some(known) = same else { return causes.push(cause) };
    for object in cause.objects {
        if known.objects.len() < MOST_OBJECTS && !known.objects.contains(&object) {
            known.objects.push(object);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_rules_have_names_of_their_own() {
        let mut names: Vec<_> = RULES.iter().map(|rule| rule.name).collect();
        names.sort_unstable();
        names.dedup();
        assert_eq!(names.len(), RULES.len());
    }

    #[test]
    fn without_evidence_nothing_is_said() {
        assert_eq!(diagnose(&Evidence::default()), []);
    }

    #[test]
    fn one_cause_seen_on_several_objects_is_one() {
        let mut causes = Vec::new();
        for pod in ["pod/a", "pod/b", "pod/a"] {
            merge(&mut causes, Cause { rule: "image", ..Cause::likely("x", "y").on(pod) });
        }
        assert_eq!(causes.len(), 1);
        assert_eq!(causes[0].objects, ["pod/a", "pod/b"]);
    }
}
