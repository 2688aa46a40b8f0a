//! A part of a comment that may be cut: something before, lines, and something behind that must not be lost.

use crate::diff::lines::{Hunk, Tag};
use crate::diff::resources::Change;
use crate::report::markdown::escape::longest_run;
use crate::report::style::clean;
use crate::report::wording::{counted, range};

/// Longer lines are cut, in bytes.
const LONGEST_LINE: usize = 2000;

/// A part of the comment.
pub(super) struct Block {
    /// What became of how many objects; none for other parts.
    objects: Option<(Change, usize)>,
    /// What stands before the lines, with its line end.
    open: String,
    /// The lines, without line ends.
    lines: Vec<String>,
    /// The backticks around the lines, where these are in a fence: more than stand together anywhere in them.
    fence: Option<usize>,
    /// What stands behind the lines.
    close: String,
}

impl Block {
    /// A folded section with lines in a fence. `open` has the `<details>`, its summary, and an empty line at its end.
    pub(super) fn folded(open: String, lines: Vec<String>) -> Self {
        let longest = lines.iter().map(|line| longest_run(line)).max().unwrap_or(0);
        Self { objects: None, open, lines, fence: Some(longest.max(2) + 1), close: "\n</details>\n\n".to_owned() }
    }

    /// A table with a line for each row. `open` has all before the rows, `close` all behind them.
    pub(super) fn table(open: String, lines: Vec<String>, close: String) -> Self {
        Self { objects: None, open, lines, fence: None, close }
    }

    /// The same, of this many objects that this became of.
    pub(super) fn of(self, change: Change, count: usize) -> Self {
        Self { objects: Some((change, count)), ..self }
    }

    /// What became of how many objects; none for other parts.
    pub(super) fn objects(&self) -> Option<(Change, usize)> {
        self.objects
    }

    /// How many lines it has.
    pub(super) fn len(&self) -> usize {
        self.lines.len()
    }

    /// Its whole size in bytes.
    pub(super) fn size(&self) -> usize {
        self.size_of(self.len())
    }

    /// Its size in bytes with so many of its lines.
    pub(super) fn size_of(&self, lines: usize) -> usize {
        self.size_with(lines, self.lines[..lines].iter().map(|line| line.len() + 1).sum())
    }

    /// Its size in bytes with so many of its lines, which take `content` bytes.
    fn size_with(&self, lines: usize, content: usize) -> usize {
        let fences = self.fence.map_or(0, |fence| 2 * fence + "diff\n\n".len());
        let note = if lines < self.len() { self.note(lines).len() } else { 0 };
        self.open.len() + fences + content + note + self.close.len()
    }

    /// How many lines may be shown within so many bytes; none if not even one may.
    pub(super) fn fit(&self, bytes: usize) -> Option<usize> {
        if self.size() <= bytes {
            return Some(self.len());
        }
        let (mut content, mut fitting) = (0, None);
        for (at, line) in self.lines.iter().enumerate() {
            content += line.len() + 1;
            if self.size_with(at + 1, content) > bytes {
                break;
            }
            fitting = Some(at + 1);
        }
        fitting
    }

    /// Writes it with so many of its lines.
    pub(super) fn write(&self, lines: usize, out: &mut String) {
        let fence = self.fence.map(|fence| "`".repeat(fence));
        out.push_str(&self.open);
        if let Some(fence) = &fence {
            out.push_str(fence);
            out.push_str("diff\n");
        }
        for line in &self.lines[..lines] {
            out.push_str(line);
            out.push('\n');
        }
        if let Some(fence) = &fence {
            out.push_str(fence);
            out.push('\n');
        }
        if lines < self.len() {
            out.push_str(&self.note(lines));
        }
        out.push_str(&self.close);
    }

    /// What is said where lines are left out.
    fn note(&self, shown: usize) -> String {
        let left = self.len() - shown;
        match self.fence {
            Some(_) => format!("\n<em>{} left out here.</em>\n", counted(left, "more line")),
            None => format!("<tr><td><em>{} left out here.</em></td></tr>\n", counted(left, "more row")),
        }
    }
}

/// The lines of hunks as `diff -u` has them.
pub(super) fn lines(hunks: &[Hunk]) -> Vec<String> {
    let mut lines = Vec::new();
    for hunk in hunks {
        let (old, new) = (range(hunk.old_start, hunk.old_len), range(hunk.new_start, hunk.new_len));
        lines.push(shown(format!("@@ -{old} +{new} @@ {}", hunk.location).trim_end()));
        for line in &hunk.lines {
            let mut text = String::from(match line.tag {
                Tag::Context => ' ',
                Tag::Removed => '-',
                Tag::Added => '+',
            });
            line.segments.iter().for_each(|segment| text.push_str(&segment.text));
            if !line.note.is_empty() {
                text.push_str("  # ");
                text.push_str(line.note);
            }
            lines.push(shown(&text));
        }
    }
    lines
}

/// A line without control characters, and not too long.
fn shown(line: &str) -> String {
    let line = clean(line);
    if line.len() <= LONGEST_LINE {
        return line.into_owned();
    }
    let end = line.floor_char_boundary(LONGEST_LINE);
    format!("{}… ({} left out here)", &line[..end], counted(line.len() - end, "more byte"))
}
