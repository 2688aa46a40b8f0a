//! A diff as the number of changed lines of each object, in the manner of `git diff --stat`.

use crate::diff::lines::{Hunk, Tag};
use crate::report::style::{Painter, Role};
use crate::report::view::View;

/// The widest bar, in characters.
const WIDEST_BAR: usize = 40;

/// Writes a line for each object, and the sums.
///
/// # Errors
/// If the writer fails.
pub fn write(view: &View<'_>, painter: Painter, out: &mut impl std::io::Write) -> std::io::Result<()> {
    let mut rows: Vec<(String, usize, usize)> = Vec::new();
    let mut add = |title: String, hunks: &[Hunk]| {
        if !hunks.is_empty() {
            rows.push((title, count(hunks, Tag::Added), count(hunks, Tag::Removed)));
        }
    };
    for resource in &view.resources {
        add(resource.object.id.to_string(), &resource.hunks);
    }
    add("values".to_owned(), &view.values.hunks);
    if let Some(computed) = &view.computed_values {
        add("values (computed)".to_owned(), &computed.hunks);
    }
    add("notes".to_owned(), &view.notes_hunks);

    let title_width = rows.iter().map(|(title, ..)| title.chars().count()).max().unwrap_or(0);
    let most = rows.iter().map(|(_, added, removed)| added + removed).max().unwrap_or(0);
    let count_width = most.to_string().len();
    let scale = |lines: usize| if most <= WIDEST_BAR { lines } else { (lines * WIDEST_BAR).div_ceil(most) };
    let mut text = String::new();
    for (title, added, removed) in &rows {
        text.push(' ');
        painter.paint(&mut text, Role::Plain, &format!("{title:title_width$}"));
        painter.paint(&mut text, Role::Plain, &format!(" | {:>count_width$} ", added + removed));
        painter.paint(&mut text, Role::Added, &"+".repeat(scale(*added)));
        painter.paint(&mut text, Role::Removed, &"-".repeat(scale(*removed)));
        text.push('\n');
    }
    let sum = |pick: fn(&(String, usize, usize)) -> usize| rows.iter().map(pick).sum::<usize>();
    let summary = view.summary;
    let objects = format!(
        " {} changed, {} added, {} removed, {} unchanged; ",
        summary.modified, summary.added, summary.removed, summary.unchanged
    );
    painter.paint(&mut text, Role::Plain, &objects);
    painter.paint(&mut text, Role::Added, &format!("{} lines added", sum(|row| row.1)));
    painter.paint(&mut text, Role::Plain, ", ");
    painter.paint(&mut text, Role::Removed, &format!("{} lines removed", sum(|row| row.2)));
    text.push('\n');
    out.write_all(text.as_bytes())
}

fn count(hunks: &[Hunk], tag: Tag) -> usize {
    hunks.iter().flat_map(|hunk| &hunk.lines).filter(|line| line.tag == tag).count()
}
