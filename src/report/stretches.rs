//! The lines of a hunk as two columns read them: what is on both sides, and what stands for what.

use crate::diff::lines::{Hunk, Line, Tag};

/// Lines that belong together.
pub(super) enum Stretch<'a> {
    /// The same on both sides.
    Same(&'a [Line]),
    /// What was there, and what is there instead; the first stands for the first, and so on, and one side may have more.
    Changed {
        /// Lines that are removed.
        old: &'a [Line],
        /// Lines that are added.
        new: &'a [Line],
    },
}

/// The stretches of a hunk, in order, each with the number of its first line before and after.
pub(super) fn stretches(hunk: &Hunk) -> impl Iterator<Item = (usize, usize, Stretch<'_>)> {
    let mut rest = hunk.lines.as_slice();
    // An empty side starts at the line before, as `diff -u` has it.
    let mut old_line = hunk.old_start + usize::from(hunk.old_len == 0);
    let mut new_line = hunk.new_start + usize::from(hunk.new_len == 0);
    std::iter::from_fn(move || {
        let first = rest.first()?.tag;
        let at = (old_line, new_line);
        let stretch = if first == Tag::Context {
            let same = take(&mut rest, Tag::Context);
            (old_line, new_line) = (old_line + same.len(), new_line + same.len());
            Stretch::Same(same)
        } else {
            let (old, new) = (take(&mut rest, Tag::Removed), take(&mut rest, Tag::Added));
            (old_line, new_line) = (old_line + old.len(), new_line + new.len());
            Stretch::Changed { old, new }
        };
        Some((at.0, at.1, stretch))
    })
}

/// Takes the lines of one kind from the front.
fn take<'a>(rest: &mut &'a [Line], tag: Tag) -> &'a [Line] {
    let count = rest.iter().take_while(|line| line.tag == tag).count();
    let (taken, left) = rest.split_at(count);
    *rest = left;
    taken
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::diff::words::Segment;

    #[test]
    fn what_is_removed_stands_beside_what_is_added_for_it() {
        let tags = [Tag::Added, Tag::Removed, Tag::Removed, Tag::Added, Tag::Removed, Tag::Context, Tag::Added];
        let lines = tags.iter().map(|&tag| Line { tag, segments: vec![Segment::plain("x")], note: "" }).collect();
        let hunk = Hunk { old_start: 5, old_len: 4, new_start: 7, new_len: 4, location: String::new(), lines };
        let found: Vec<_> = stretches(&hunk)
            .map(|(old_line, new_line, stretch)| match stretch {
                Stretch::Same(same) => (old_line, new_line, same.len(), same.len()),
                Stretch::Changed { old, new } => (old_line, new_line, old.len(), new.len()),
            })
            .collect();
        assert_eq!(found, [(5, 7, 0, 1), (5, 8, 2, 1), (7, 9, 1, 0), (8, 9, 1, 1), (9, 10, 0, 1)]);
    }
}
