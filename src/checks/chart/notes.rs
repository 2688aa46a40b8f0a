//! What a chart's files tell of its versions: the sections of `CHANGELOG.md`, and the upgrade notes of `UPGRADING.md` and
//! `README.md`, found by headings that name a version.

use super::changes::{Entry, breaks};
use super::seen::Note;
use crate::manifest::version::Version;

/// Entries of one file that are kept.
const MOST: usize = 200;

/// What the file of a chart is.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Sort {
    /// Its headings name versions.
    Changelog,
    /// The same, and it tells what to do about them.
    Upgrading,
    /// Upgrade notes are below a heading of their own.
    Readme,
}

impl Sort {
    fn of(note: &Note) -> Self {
        match note.path.to_ascii_uppercase() {
            name if name.starts_with("README") => Self::Readme,
            name if name.starts_with("CHANGE") => Self::Changelog,
            _ => Self::Upgrading,
        }
    }
}

/// A heading that names a version, until the next one.
struct Section {
    version: Version,
    title: String,
    /// Of the heading: as many as it has `#`.
    level: usize,
    /// The heading below it that is of the lines now: `Removed`.
    below: String,
    /// Whether it tells what to do about the version.
    is_advice: bool,
    /// Whether a line of it was kept.
    has_lines: bool,
}

/// The entries of a file about versions after one, up to another.
pub(super) fn entries(note: &Note, (after, to): (&Version, &Version)) -> Vec<Entry> {
    let sort = Sort::of(note);
    let mut reading =
        Reading { path: &note.path, sort, wanted: (after, to), advice: None, section: None, entries: Vec::new() };
    let mut fenced = false;
    for line in note.text.lines() {
        if line.trim_start().starts_with("```") || line.trim_start().starts_with("~~~") {
            fenced = !fenced;
        } else if !fenced {
            reading.line(line);
        }
        if reading.entries.len() >= MOST {
            break;
        }
    }
    reading.close();
    reading.entries
}

/// Whether it is a changelog that goes back to this version, or further.
pub(super) fn reaches(note: &Note, back_to: &Version) -> bool {
    let titles = note.text.lines().filter_map(heading).filter_map(|(_, title)| version(title, false));
    Sort::of(note) == Sort::Changelog && titles.into_iter().any(|version| version <= *back_to)
}

struct Reading<'a> {
    path: &'a str,
    sort: Sort,
    wanted: (&'a Version, &'a Version),
    /// The level of the heading below which there are upgrade notes.
    advice: Option<usize>,
    section: Option<Section>,
    entries: Vec<Entry>,
}

impl Reading<'_> {
    fn line(&mut self, line: &str) {
        match heading(line) {
            Some((level, title)) => self.heading(level, title),
            None => self.text(line),
        }
    }

    fn heading(&mut self, level: usize, title: &str) {
        if self.advice.is_some_and(|advice| level <= advice) {
            self.advice = None;
        }
        let is_advice = tells_of_upgrades(title);
        if is_advice && self.advice.is_none() {
            self.advice = Some(level);
        }
        let is_advice = self.sort == Sort::Upgrading || self.advice.is_some();
        let counts = self.sort != Sort::Readme || is_advice;
        let (after, to) = self.wanted;
        match version(title, is_advice).filter(|_| counts) {
            Some(version) => {
                self.close();
                let is_wanted = version > *after && version <= *to;
                let title = plain(title);
                let section = Section { version, title, level, below: String::new(), is_advice, has_lines: false };
                self.section = is_wanted.then_some(section);
            }
            None => match &mut self.section {
                Some(section) if level > section.level => title.clone_into(&mut section.below),
                _ => self.close(),
            },
        }
    }

    fn text(&mut self, line: &str) {
        let Some(section) = &mut self.section else { return };
        let bullet = ["- ", "* ", "+ "].iter().find_map(|sign| line.strip_prefix(sign));
        // Of advice, the first lines say what it is about.
        let is_first = section.is_advice && !section.has_lines && !line.trim().is_empty();
        let Some(text) = bullet.or(is_first.then_some(line)).map(plain).filter(|text| !text.is_empty()) else { return };
        section.has_lines = true;
        let text = match (section.is_advice, section.below.is_empty()) {
            (true, _) => format!("{}: {text}", section.title),
            (false, true) => text,
            (false, false) => format!("{}: {text}", plain(&section.below).to_lowercase()),
        };
        let breaking = section.is_advice || breaks(&text) || section.below.eq_ignore_ascii_case("removed");
        self.entries.push(Entry { version: section.version.clone(), text, breaking, source: self.path.to_owned() });
    }

    /// Ends a section. Advice of which nothing but the heading was read is worth a look all the same.
    fn close(&mut self) {
        let Some(section) = self.section.take() else { return };
        if section.is_advice && !section.has_lines {
            let Section { version, title, .. } = section;
            self.entries.push(Entry { version, text: title, breaking: true, source: self.path.to_owned() });
        }
    }
}

/// The level and the text of a heading.
fn heading(line: &str) -> Option<(usize, &str)> {
    let level = line.len() - line.trim_start_matches('#').len();
    let title = line.get(level..)?;
    ((1..=6).contains(&level) && title.starts_with([' ', '\t']))
        .then(|| (level, title.trim().trim_end_matches('#').trim()))
}

fn tells_of_upgrades(title: &str) -> bool {
    let title = title.to_ascii_lowercase();
    ["upgrad", "migrat", "breaking", "major change"].iter().any(|word| title.contains(word))
}

/// The version that a heading names: `[1.2.3] - 2024-01-31`, `To 2.0.0`, `From 47.x to 48.x`. Of several, the last of advice. A single
/// number counts in advice only, and where a word before it says that it is a version.
fn version(title: &str, is_advice: bool) -> Option<Version> {
    let is_part = |c: char| c.is_ascii_alphanumeric() || ".-+*".contains(c);
    let mut before = "";
    let mut found = None;
    for word in title.split(|c: char| !is_part(c)).filter(|word| !word.is_empty()) {
        let version = one_version(word, is_advice, before);
        before = word;
        match version {
            Some(version) if is_advice => found = Some(version),
            Some(version) => return Some(version),
            None => {}
        }
    }
    found
}

fn one_version(word: &str, is_advice: bool, before: &str) -> Option<Version> {
    let bare = word.trim_end_matches('.');
    let bare = bare.strip_prefix(['v', 'V']).unwrap_or(bare);
    if !bare.starts_with(|c: char| c.is_ascii_digit()) {
        return None;
    }
    let is_named = ["to", "from", "version", "v", "release"].iter().any(|known| before.eq_ignore_ascii_case(known));
    if !bare.contains('.') && !(is_advice && (is_named || bare.len() < word.len())) {
        return None;
    }
    let open = bare.replace(".x", ".0").replace(".X", ".0").replace(".*", ".0");
    Version::parse(&open)
}

/// One line without what marks it up, and not too long.
pub(super) fn plain(text: &str) -> String {
    const LONGEST: usize = 160;
    let text = unlinked(text.trim()).replace("**", "").replace('`', "");
    let text = text.split_whitespace().collect::<Vec<&str>>().join(" ");
    let cut = text.chars().count() > LONGEST;
    text.chars().take(LONGEST).chain(cut.then_some('…')).collect()
}

/// The text with the words of its links and without their addresses: changelogs link every commit.
fn unlinked(text: &str) -> String {
    let (mut told, mut rest) = (String::new(), text);
    while let Some(middle) = rest.find("](") {
        let (before, link) = rest.split_at(middle);
        match (before.rfind('['), link.find(')')) {
            (Some(start), Some(end)) => {
                told.push_str(&before[..start]);
                told.push_str(&before[start + 1..]);
                rest = &link[end + 1..];
            }
            _ => {
                told.push_str(before);
                told.push_str("](");
                rest = &link[2..];
            }
        }
    }
    told + rest
}
