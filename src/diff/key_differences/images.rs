//! Images: repository, tag and digest apart, of containers and of custom resources with a `spec.image`.

use super::scene::{Changed, Scene};
use super::{Finding, Findings, Severity, Turn, short, string};
use crate::diff::workload::image::Image;
use crate::diff::workload::{self, Container};

pub(super) fn find(scene: &Scene<'_>, findings: &mut Findings) {
    for changed in &scene.changed {
        if workload::Kind::of(changed.id()).is_some() {
            for (old, new) in changed.containers() {
                compare(changed, old.and_then(of_container), new.and_then(of_container), findings);
            }
        } else if changed.id().group.contains('.') {
            let both = changed.field(&["spec", "image"]);
            let [old, new] = [both.old, both.new].map(|node| Image::named(node?.as_str()?));
            compare(changed, old, new, findings);
        }
    }
}

fn of_container(container: Container<'_>) -> Option<Image<'_>> {
    Image::named(string(container.node, &["image"])?)
}

impl Image<'_> {
    /// The tag, and the start of a digest.
    fn version(&self) -> String {
        let digest = self.digest.map(|digest| format!("@{}", digest.chars().take(19).collect::<String>()));
        let tag = self.tag.map(short).unwrap_or_else(|| if digest.is_some() { String::new() } else { "latest".into() });
        tag + &digest.unwrap_or_default()
    }

    /// The leading numbers of the tag: `v1.2.3-alpine` is 1, 2, 3.
    fn numbers(&self) -> Option<Vec<u64>> {
        let tag = self.tag?;
        let tag = tag.strip_prefix(['v', 'V']).unwrap_or(tag);
        let end = tag.find(|c: char| !(c.is_ascii_digit() || c == '.')).unwrap_or(tag.len());
        // A number alone is as often a date or a build.
        let numbers: Vec<u64> =
            tag[..end].trim_end_matches('.').split('.').map(str::parse).collect::<Result<_, _>>().ok()?;
        (numbers.len() > 1).then_some(numbers)
    }
}

fn compare(changed: &Changed<'_>, old: Option<Image<'_>>, new: Option<Image<'_>>, findings: &mut Findings) {
    let (severity, turn, note) = match (old, new) {
        (Some(old), Some(new)) if old == new => return,
        (Some(old), Some(new)) if old.name == new.name => {
            let (severity, note) = judge(&old, &new);
            (severity, Turn::new(short(new.name), Some(old.version()), Some(new.version())), note)
        }
        (Some(old), Some(new)) => {
            let (severity, note) = judge(&old, &new);
            (severity, Turn::new("", Some(short(old.whole)), Some(short(new.whole))), note)
        }
        (None, Some(new)) => {
            let severity = if new.floats() { Severity::Warning } else { Severity::Info };
            let note = if new.floats() { "no fixed version" } else { "" };
            (severity, Turn::new("", None, Some(short(new.whole))), note)
        }
        // Of a deleted workload it goes without saying.
        (Some(old), None) if changed.new.is_some() => (Severity::Info, Turn::new("", Some(short(old.whole)), None), ""),
        _ => return,
    };
    findings.push(Finding::new(severity, changed.id()).turns(vec![turn]).note(note));
}

/// What a change of tag or digest means.
fn judge(old: &Image<'_>, new: &Image<'_>) -> (Severity, &'static str) {
    if new.floats() && !old.floats() {
        return (Severity::Warning, "no fixed version");
    }
    if old.tag == new.tag {
        return match (old.digest, new.digest) {
            (Some(_), None) => (Severity::Notice, "no longer pinned by digest"),
            (None, Some(_)) => (Severity::Info, "pinned by digest"),
            (None, None) => (Severity::Notice, ""),
            _ => (Severity::Notice, "same tag, other content"),
        };
    }
    match (old.numbers(), new.numbers()) {
        (Some(old), Some(new)) if new < old => (Severity::Notice, "older"),
        (Some(old), Some(new)) if new.first() > old.first() => (Severity::Notice, "new major version"),
        _ => (Severity::Notice, ""),
    }
}
