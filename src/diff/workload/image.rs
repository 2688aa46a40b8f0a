//! Names of images.

/// What an image is called: `registry/name:tag@digest`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Image<'a> {
    /// All of it.
    pub whole: &'a str,
    /// Registry and name.
    pub name: &'a str,
    /// The tag, where there is one.
    pub tag: Option<&'a str>,
    /// The digest, where there is one.
    pub digest: Option<&'a str>,
}

impl<'a> Image<'a> {
    /// Takes a name apart.
    #[must_use]
    pub fn of(whole: &'a str) -> Self {
        let (rest, digest) = whole.split_once('@').map_or((whole, None), |(rest, digest)| (rest, Some(digest)));
        // A colon before the last slash belongs to the registry's port.
        let (name, tag) = match rest.rsplit_once(':') {
            Some((name, tag)) if !tag.contains('/') => (name, Some(tag)),
            _ => (rest, None),
        };
        Self { whole, name, tag, digest }
    }

    /// The same; `None` of a text that names none.
    #[must_use]
    pub fn named(whole: &'a str) -> Option<Self> {
        Some(Self::of(whole)).filter(|image| !image.name.is_empty())
    }

    /// Whether it may be another one from day to day.
    #[must_use]
    pub fn floats(&self) -> bool {
        self.digest.is_none() && self.tag.is_none_or(|tag| tag == "latest")
    }
}
