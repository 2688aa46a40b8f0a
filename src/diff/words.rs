//! Which words of a changed line changed.

use similar::{Algorithm, DiffOp, DiffTag, capture_diff_slices};

/// Lines longer than this many bytes are shown without highlights.
const LONGEST: usize = 4096;

/// In lines that differ in more than this many pairs of words, single words are not looked for.
const MOST_PAIRS: usize = 1 << 16;

/// Pairs of words that may be compared in any case.
const FIRST_PAIRS: usize = 1 << 18;

/// Pairs of words that each byte of text adds to the budget, so that the cost is linear in the text.
const PAIRS_PER_BYTE: usize = 16;

/// A stretch of a line.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Segment {
    /// The text.
    pub text: String,
    /// Whether this is what changed within the line.
    pub emphasised: bool,
}

impl Segment {
    /// A stretch without emphasis.
    #[must_use]
    pub fn plain(text: impl Into<String>) -> Self {
        Self { text: text.into(), emphasised: false }
    }
}

/// Highlights the lines of one object, with a budget: highlighting costs more than linear time in what differs.
#[derive(Debug)]
pub struct Highlighter {
    /// Pairs of words that may still be compared.
    left: usize,
}

impl Default for Highlighter {
    fn default() -> Self {
        Self { left: FIRST_PAIRS }
    }
}

impl Highlighter {
    /// Splits two texts into what they share and what they don't. Texts with little in common come back without
    /// emphasis: there the whole line is the change.
    #[must_use]
    pub fn highlight(&mut self, old: &str, new: &str) -> (Vec<Segment>, Vec<Segment>) {
        let plain = || (vec![Segment::plain(old)], vec![Segment::plain(new)]);
        self.left = self.left.saturating_add(PAIRS_PER_BYTE * (old.len() + new.len()));
        if old.len() > LONGEST || new.len() > LONGEST {
            return plain();
        }
        let (old_words, new_words) = (words(old), words(new));
        let ops = self.operations(&old_words, &new_words);
        let shared: usize = ops
            .iter()
            .filter(|op| op.tag() == DiffTag::Equal)
            .flat_map(|op| &old_words[op.old_range()])
            .filter(|word| word.chars().any(char::is_alphanumeric))
            .map(|word| word.len())
            .sum();
        if shared * 4 < old.trim().len().min(new.trim().len()) {
            return plain();
        }
        let (mut before, mut after) = (Vec::new(), Vec::new());
        for op in &ops {
            let changed = op.tag() != DiffTag::Equal;
            push(&mut before, &old_words[op.old_range()], changed);
            push(&mut after, &new_words[op.new_range()], changed);
        }
        (before, after)
    }

    /// What differs. Beyond the budget, all that stands between an equal head and an equal tail does.
    fn operations(&mut self, old: &[&str], new: &[&str]) -> Vec<DiffOp> {
        let head = old.iter().zip(new).take_while(|(a, b)| a == b).count();
        let tail = old[head..].iter().rev().zip(new[head..].iter().rev()).take_while(|(a, b)| a == b).count();
        let (old_len, new_len) = (old.len() - head - tail, new.len() - head - tail);
        let cost = old_len * new_len;
        if cost <= MOST_PAIRS && cost <= self.left {
            self.left -= cost;
            return capture_diff_slices(Algorithm::Myers, old, new);
        }
        vec![
            DiffOp::Equal { old_index: 0, new_index: 0, len: head },
            DiffOp::Replace { old_index: head, old_len, new_index: head, new_len },
            DiffOp::Equal { old_index: head + old_len, new_index: head + new_len, len: tail },
        ]
    }
}

fn push(segments: &mut Vec<Segment>, words: &[&str], emphasised: bool) {
    if words.is_empty() {
        return;
    }
    match segments.last_mut() {
        Some(last) if last.emphasised == emphasised => last.text.extend(words.iter().copied()),
        _ => segments.push(Segment { text: words.concat(), emphasised }),
    }
}

/// Runs of letters and digits, and every other character by itself.
fn words(text: &str) -> Vec<&str> {
    let mut words = Vec::new();
    let mut start = 0;
    let mut in_word = false;
    for (at, character) in text.char_indices() {
        let of_word = character.is_alphanumeric();
        if at > start && !(of_word && in_word) {
            words.push(&text[start..at]);
            start = at;
        }
        in_word = of_word;
    }
    if start < text.len() {
        words.push(&text[start..]);
    }
    words
}

#[cfg(test)]
mod tests {
    use super::*;

    fn marked(segments: &[Segment]) -> String {
        segments.iter().map(|s| if s.emphasised { format!("[{}]", s.text) } else { s.text.clone() }).collect()
    }

    #[test]
    fn only_the_changed_word_is_emphasised() {
        let (old, new) = Highlighter::default().highlight("image: registry/web:1.27.0", "image: registry/web:1.28.0");
        assert_eq!(marked(&old), "image: registry/web:1.[27].0");
        assert_eq!(marked(&new), "image: registry/web:1.[28].0");
    }

    #[test]
    fn beyond_the_budget_all_between_head_and_tail_is_emphasised() {
        let long = |word: &str| format!("{}{word}", "the same beginning of both lines, long enough ".repeat(9));
        let (old, _) = Highlighter::default().highlight(&long(&"-a-b".repeat(150)), &long(&"-c-d".repeat(150)));
        assert!(old.last().is_some_and(|last| last.emphasised && last.text.starts_with("a-b-a-b")), "{}", marked(&old));
    }

    #[test]
    fn texts_with_nothing_in_common_are_not_emphasised() {
        let (old, new) = Highlighter::default().highlight("alpha", "something else");
        assert_eq!(marked(&old), "alpha");
        assert_eq!(marked(&new), "something else");
    }
}
