//! Which words of a changed line changed.

use similar::{Algorithm, DiffOp, capture_diff_slices};

/// Lines longer than this many bytes are shown without highlights.
const LONGEST: usize = 4096;

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

/// Splits two texts into what they share and what they don't. Texts with little in common come back without emphasis:
/// there the whole line is the change.
#[must_use]
pub fn highlight(old: &str, new: &str) -> (Vec<Segment>, Vec<Segment>) {
    if old.len() > LONGEST || new.len() > LONGEST {
        return (vec![Segment::plain(old)], vec![Segment::plain(new)]);
    }
    let (old_words, new_words) = (words(old), words(new));
    let ops = capture_diff_slices(Algorithm::Myers, &old_words, &new_words);
    let shared: usize = ops
        .iter()
        .filter_map(|op| match op {
            DiffOp::Equal { old_index, len, .. } => Some(old_words[*old_index..old_index + len].iter()),
            _ => None,
        })
        .flatten()
        .filter(|word| word.chars().any(char::is_alphanumeric))
        .map(|word| word.len())
        .sum();
    if shared * 4 < old.trim().len().min(new.trim().len()) {
        return (vec![Segment::plain(old)], vec![Segment::plain(new)]);
    }
    let (mut before, mut after) = (Vec::new(), Vec::new());
    for op in &ops {
        let changed = !matches!(op, DiffOp::Equal { .. });
        push(&mut before, &old_words[op.old_range()], changed);
        push(&mut after, &new_words[op.new_range()], changed);
    }
    (before, after)
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
        let (old, new) = highlight("image: registry/web:1.27.0", "image: registry/web:1.28.0");
        assert_eq!(marked(&old), "image: registry/web:1.[27].0");
        assert_eq!(marked(&new), "image: registry/web:1.[28].0");
    }

    #[test]
    fn texts_with_nothing_in_common_are_not_emphasised() {
        let (old, new) = highlight("alpha", "something else");
        assert_eq!(marked(&old), "alpha");
        assert_eq!(marked(&new), "something else");
    }
}
