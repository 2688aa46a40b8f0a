//! Repairs what Go accepts and the scanner does not, by changes that are no content. Above all, that is quoted text
//! whose continuation lines are not indented, which real CRDs have.
//!
//! Reading starts anew after every repair. To need that rarely, all places that look alike are changed at once. A text
//! counts as read only if every change proves to be no content; those that do not are put back.

use std::collections::{BTreeMap, HashMap};
use std::ops::Range;

use super::candidates;
use super::characters;
use super::reader::{self, Covered, Failure, Scalar, Trouble};
use super::{Documents, YamlError};

/// How many bytes may be read in all, unless the text is long: a fraction of a second.
const MAX_WORK: usize = 16 << 20;

/// Changes of the original text: how many blanks to insert at a place.
pub(super) type Edits = BTreeMap<Place, usize>;

/// A byte of the original text and what is done there; in this order, if several things are.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(super) struct Place {
    pub(super) offset: usize,
    pub(super) kind: Kind,
}

#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(super) enum Kind {
    /// Blanks at the start of a line.
    Indent,
    /// A blank before a comment.
    Separate,
    /// No backslash before a single quote.
    Unescape,
}

/// An edit in the repaired text.
struct Placed {
    place: Place,
    start: usize,
    blanks: usize,
}

struct Repairs<'a> {
    text: &'a str,
    edits: Edits,
    /// How often an edit turned out to be content, or to make the text unreadable.
    rejected: HashMap<Place, u32>,
}

/// Every document of a text in which the scanner met trouble.
///
/// # Errors
/// A problem that no repair helps against.
pub(super) fn read(text: &str, mut failure: Failure) -> Result<Documents, YamlError> {
    let Some(trouble) = failure.trouble else { return Err(failure.error) };
    let mut repairs = Repairs { text, edits: candidates::find(text), rejected: HashMap::new() };
    repairs.add(trouble);
    let mut left = MAX_WORK.max(8 * text.len());
    while let Some((repaired, placed)) = repairs.apply() {
        let Some(rest) = left.checked_sub(repaired.len()) else { break };
        left = rest;
        let checked = characters::check(&repaired)?;
        let mut covered = Covered::default();
        let next = match reader::read(&checked, Some(&mut covered)) {
            Ok(documents) => {
                covered.end = usize::MAX;
                if !repairs.reject(&placed, |edit| !edit.is_sound(&covered)) {
                    return Ok(documents);
                }
                continue;
            }
            Err(next) => next,
        };
        let rejected = repairs.reject(&placed, |edit| edit.start < covered.end && !edit.is_sound(&covered));
        let trouble = next.trouble.map(|trouble| trouble.map(|offset| original(&placed, offset)));
        failure = next;
        if !rejected && !trouble.is_some_and(|trouble| repairs.add(trouble)) {
            // Perhaps it is the last edit that did the harm.
            let unproven = |edit: &Placed| (covered.end..=failure.offset).contains(&edit.start);
            if !repairs.reject(&placed, unproven) {
                break;
            }
        }
    }
    Err(failure.error)
}

impl Repairs<'_> {
    /// Adds what helps against a trouble. False if nothing more can be done.
    fn add(&mut self, trouble: Trouble) -> bool {
        match trouble {
            Trouble::Indent(offset) => {
                let start = self.text[..offset].rfind(['\n', '\r']).map_or(0, |newline| newline + 1);
                let place = Place { offset: start, kind: Kind::Indent };
                // How deep is deep enough is not known.
                let blanks = self.edits.get(&place).map_or(16, |blanks| blanks * 4);
                blanks <= 4096 && self.insert(place, blanks)
            }
            Trouble::Comment(offset) => self.insert(Place { offset, kind: Kind::Separate }, 1),
            Trouble::Escape(offset) => {
                let before = self.edits.len();
                for offset in candidates::escaped_quotes(self.text, offset) {
                    self.insert(Place { offset, kind: Kind::Unescape }, 0);
                }
                self.edits.len() > before
            }
        }
    }

    /// False if there is nothing new in it.
    fn insert(&mut self, place: Place, blanks: usize) -> bool {
        // A first rejection may be due to what a wrong edit before it made of the text.
        self.rejected.get(&place).is_none_or(|times| *times < 2)
            && self.edits.insert(place, blanks).is_none_or(|before| before != blanks)
    }

    /// The repaired text. None if it would become far longer.
    fn apply(&self) -> Option<(String, Vec<Placed>)> {
        let blanks: usize = self.edits.values().sum();
        if blanks > 4 * self.text.len() + (1 << 20) {
            return None;
        }
        let mut repaired = String::with_capacity(self.text.len() + blanks);
        let mut placed = Vec::with_capacity(self.edits.len());
        let mut done = 0;
        for (&place, &blanks) in &self.edits {
            repaired.push_str(&self.text[done..place.offset]);
            placed.push(Placed { place, start: repaired.len(), blanks });
            repaired.extend(std::iter::repeat_n(' ', blanks));
            done = place.offset + place.removed();
        }
        repaired.push_str(&self.text[done..]);
        Some((repaired, placed))
    }

    /// Takes back edits. True if there were any.
    fn reject(&mut self, placed: &[Placed], is_wrong: impl Fn(&Placed) -> bool) -> bool {
        let before = self.edits.len();
        for edit in placed.iter().filter(|edit| is_wrong(edit)) {
            self.edits.remove(&edit.place);
            *self.rejected.entry(edit.place).or_default() += 1;
        }
        self.edits.len() < before
    }
}

impl Place {
    /// How many bytes are left out.
    fn removed(self) -> usize {
        usize::from(self.kind == Kind::Unescape)
    }
}

impl Placed {
    /// Whether it changes no content.
    fn is_sound(&self, covered: &Covered) -> bool {
        let scalars = &covered.scalars[..covered.scalars.partition_point(|(range, _)| range.start < self.start)];
        let around = scalars.last().filter(|(range, _)| self.start < range.end).map(|(_, scalar)| *scalar);
        match self.place.kind {
            Kind::Indent => match around {
                Some(scalar) => scalar != Scalar::Unquoted,
                None => {
                    let brackets = &covered.brackets[..covered.brackets.partition_point(|at| at.start < self.start)];
                    brackets.last().is_some_and(|range| self.start < range.end)
                }
            },
            Kind::Unescape => around == Some(Scalar::DoubleQuoted),
            // After text without quotes, the blank would turn content into a comment.
            Kind::Separate => {
                let after_text = |(range, scalar): &(_, _)| at_end(range, self.start) && *scalar == Scalar::Unquoted;
                around.is_none() && !scalars.last().is_some_and(after_text)
            }
        }
    }
}

fn at_end(range: &Range<usize>, offset: usize) -> bool {
    range.end == offset
}

/// Where a place in the repaired text is in the original one.
fn original(placed: &[Placed], repaired: usize) -> usize {
    match placed[..placed.partition_point(|edit| edit.start <= repaired)].last() {
        None => repaired,
        Some(last) => last.place.offset + last.place.removed() + repaired.saturating_sub(last.start + last.blanks),
    }
}
