//! Why the API server does not take an object: its `Status`, as far as a reader may see it.

use std::fmt;

/// A refusal.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Refusal {
    /// The HTTP status.
    pub code: u16,
    /// The reason, as in `Invalid` (`metav1.StatusReason`); empty where the server names none.
    pub reason: String,
    /// What it says. Empty for a Secret, whose content it may repeat.
    pub message: String,
    /// The plural of the kind that the refusal is about, as in `namespaces`: not always the object that was sent.
    pub kind: String,
    /// The name of the object that it is about.
    pub name: String,
    /// What is wrong, one by one.
    pub causes: Vec<Cause>,
}

/// One thing that is wrong.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Cause {
    /// The reason, as in `FieldValueInvalid` (`metav1.CauseType`).
    pub reason: String,
    /// Where, as in `spec.selector`; empty where it is no field.
    pub field: String,
    /// What. Empty for a Secret.
    pub message: String,
}

impl fmt::Display for Cause {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match (&*self.field, &*self.message) {
            ("", message) => f.write_str(message),
            (field, "") => f.write_str(field),
            (field, message) => write!(f, "{field}: {message}"),
        }
    }
}

impl Refusal {
    /// The same with each text changed, so that nothing secret stays in it.
    #[must_use]
    pub fn rewritten(mut self, rewrite: impl Fn(&str) -> String) -> Self {
        self.message = rewrite(&self.message);
        for cause in &mut self.causes {
            cause.message = rewrite(&cause.message);
        }
        self
    }

    /// Whether it is the user who may not make the request, whatever is in it.
    #[must_use]
    pub fn is_of_rights(&self) -> bool {
        // `ForbiddenMessage` in k8s.io/apiserver. What admission denies has another wording.
        self.code == 403 && self.message.contains("User \"") && self.message.contains("\" cannot ")
    }
}
