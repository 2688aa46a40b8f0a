//! Where a chart is, as a user writes it: a path, an archive, `repo/name@version`, a URL, `oci://…` or `git:REF:PATH`.

use std::path::{Path, PathBuf};

use crate::error::{Error, Kind};

/// Where a chart is.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Reference {
    /// A folder or an archive.
    Local(PathBuf),
    /// Wherever Helm finds it: a repository, a registry, a URL.
    Remote {
        /// The chart, as Helm is asked for it.
        chart: String,
        /// A version or a range of versions.
        version: Option<String>,
    },
    /// A folder or an archive in a revision of a git repository.
    Git {
        /// A branch, tag or commit.
        revision: String,
        /// Its path, seen from the current folder.
        path: String,
    },
}

/// What `git:REF:PATH` starts with.
const GIT: &str = "git:";

impl Reference {
    /// Reads a reference. What `exists` as a file is one, whatever else is named like it. (Helm:
    /// `action.ChartPathOptions.LocateChart`.) `in_repository`: whether `--repo` says where a bare name belongs.
    ///
    /// # Errors
    /// If it is none, of kind [`Kind::Usage`].
    pub fn parse(text: &str, in_repository: bool, exists: impl Fn(&Path) -> bool) -> Result<Self, Error> {
        let text = text.trim();
        if text.is_empty() {
            return Err(usage("a chart must be named", "the reference is empty"));
        }
        if let Some(rest) = text.strip_prefix(GIT) {
            return git(text, rest);
        }
        if let Some(rest) = text.strip_prefix("oci://") {
            return registry(text, rest);
        }
        if text.starts_with("http://") || text.starts_with("https://") {
            return Ok(Self::Remote { chart: text.to_owned(), version: None });
        }
        let path = Path::new(text);
        if exists(path) || path.is_absolute() || text.starts_with('.') {
            return Ok(Self::Local(path.to_owned()));
        }
        let (chart, version) = with_version(text, text)?;
        if !in_repository && !chart.contains('/') {
            return Err(usage(
                &format!("cannot find the chart \"{text}\""),
                "there is no such file or folder, and a chart of a repository is named repo/name",
            ));
        }
        Ok(Self::Remote { chart: chart.to_owned(), version })
    }
}

/// `git:REF:PATH`. No name of a revision that git knows has a colon in it, but for what searches (`:/text`).
fn git(text: &str, rest: &str) -> Result<Reference, Error> {
    let wrong = |cause: &str| usage(&format!("cannot read the chart \"{text}\""), cause);
    let Some((revision, path)) = rest.split_once(':') else {
        return Err(wrong("there is no path behind the revision"));
    };
    if revision.is_empty() {
        return Err(wrong("there is no revision before the path"));
    }
    if path.is_empty() {
        return Err(wrong("the path is empty; the current folder is \".\""));
    }
    // It would be an option of git.
    if revision.starts_with('-') {
        return Err(wrong("no revision of git starts with a dash"));
    }
    if [revision, path].iter().any(|part| part.contains(char::is_control)) {
        return Err(wrong("there are control characters in it"));
    }
    Ok(Reference::Git { revision: revision.to_owned(), path: path.to_owned() })
}

/// `oci://host/chart`, with `@version`, `:tag` or `@sha256:…` behind it; Helm itself knows the last two.
fn registry(text: &str, rest: &str) -> Result<Reference, Error> {
    let name = rest.rsplit('/').next().unwrap_or_default();
    if name.rsplit_once('@').is_some_and(|(_, behind)| behind.contains(':')) {
        return Ok(Reference::Remote { chart: text.to_owned(), version: None });
    }
    // A `@` before the last slash belongs to no version.
    let (name, version) = with_version(name, text)?;
    let chart = format!("{}{name}", &text[..text.rfind('/').map_or(0, |at| at + 1)]);
    Ok(Reference::Remote { chart, version })
}

fn with_version<'t>(name: &'t str, whole: &str) -> Result<(&'t str, Option<String>), Error> {
    match name.rsplit_once('@') {
        None => Ok((name, None)),
        Some((name, version)) if !name.is_empty() && !version.trim().is_empty() => {
            Ok((name, Some(version.trim().to_owned())))
        }
        Some(_) => Err(usage(&format!("cannot read the chart \"{whole}\""), "there is no version behind the @")),
    }
}

fn usage(what: &str, cause: &str) -> Error {
    let forms = "a chart is a folder, a .tgz, repo/name@version, https://….tgz, oci://… or git:REF:PATH";
    Error::new(Kind::Usage, format!("{what}: {cause}")).hint(forms)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(text: &str) -> Reference {
        Reference::parse(text, false, |path| path == Path::new("charts/web") || path == Path::new("web")).unwrap()
    }

    fn remote(chart: &str, version: Option<&str>) -> Reference {
        Reference::Remote { chart: chart.into(), version: version.map(str::to_owned) }
    }

    #[test]
    fn each_form_is_told_from_the_others() {
        let local = |path: &str| Reference::Local(path.into());
        let git = |revision: &str, path: &str| Reference::Git { revision: revision.into(), path: path.into() };
        for (text, expected) in [
            ("charts/web", local("charts/web")),
            ("web", local("web")),
            ("./none", local("./none")),
            ("/none.tgz", local("/none.tgz")),
            ("stable/web", remote("stable/web", None)),
            ("stable/web@1.2.3", remote("stable/web", Some("1.2.3"))),
            ("stable/web@^1.0 || 2.x", remote("stable/web", Some("^1.0 || 2.x"))),
            ("https://me:pw@example/web-1.0.0.tgz", remote("https://me:pw@example/web-1.0.0.tgz", None)),
            ("oci://example:5000/charts/web", remote("oci://example:5000/charts/web", None)),
            ("oci://example/charts/web@1.0.0", remote("oci://example/charts/web", Some("1.0.0"))),
            ("oci://example/charts/web:1.0.0", remote("oci://example/charts/web:1.0.0", None)),
            ("oci://example/web@sha256:0a1b", remote("oci://example/web@sha256:0a1b", None)),
            ("oci://example/web:1@sha256:0a1b", remote("oci://example/web:1@sha256:0a1b", None)),
            ("git:main:.", git("main", ".")),
            ("git:v1.0^{}:charts/web", git("v1.0^{}", "charts/web")),
            ("git:main:a:b", git("main", "a:b")),
        ] {
            assert_eq!(read(text), expected, "{text}");
        }
    }

    #[test]
    fn a_bare_name_belongs_to_a_repository_that_is_named() {
        let parse = |in_repository| Reference::parse("webb@1", in_repository, |_| false);
        assert_eq!(parse(true).unwrap(), remote("webb", Some("1")));
        assert!(parse(false).unwrap_err().message.contains("cannot find the chart \"webb@1\""));
    }

    #[test]
    fn what_is_no_reference_is_refused() {
        for text in ["", " ", "git:main", "git:main:", "git::web", "git:--exec=x:web", "git:a\nb:web", "stable/web@"] {
            let error = Reference::parse(text, false, |_| false).unwrap_err();
            assert_eq!(error.kind, Kind::Usage, "{text:?}");
            assert!(error.hint.is_some(), "{text:?}");
        }
    }
}
