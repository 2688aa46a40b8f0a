//! The report of a batch as Markdown, for a comment, which forges bound: what went well is the first to be left out.

use std::io::{Result, Write};

use super::BatchView;
use crate::report::markdown::escape::prose;
use crate::report::wording::counted;
use crate::upgrade::batch::Outcome;
use crate::upgrade::batch::kept::Entry;

/// The most that a comment on GitHub may have, in characters. Counted in bytes, which are never fewer.
const MOST: usize = 65_536;

/// What is kept free for the sentence about what was left out.
const LAST_WORD: usize = 300;

/// The notes about what could not be read take no more than this, in bytes.
const MOST_NOTES: usize = 8 * 1024;

/// Writes it, what went wrong first.
pub(super) fn write(view: &BatchView<'_>, out: &mut impl Write) -> Result<()> {
    let kept = view.kept;
    let head = format!("### Batch {}\n\n{}\n\n", prose(&kept.title), prose(&view.summary()));
    let (notes, notes_left) = within(kept.left_out.iter().map(|line| format!("\n{}\n", prose(line))), MOST_NOTES);
    let sorted = view.sorted();
    let room = MOST.saturating_sub(head.len() + notes.len() + LAST_WORD);
    let shown = fitting(view, &sorted, room);
    let mut table = String::new();
    view.table(&sorted[..shown]).markdown(&mut table);
    let evidence = sorted[..shown].iter().filter_map(|entry| evidence(entry));
    let (evidence, evidence_left) = within(evidence, room.saturating_sub(table.len()));
    let mut text = head + &table;
    if !evidence.is_empty() {
        text.push_str(&format!("\nEvidence:\n\n{evidence}"));
    }
    text.push_str(&notes);
    text.push_str(&left_out(&sorted[shown..], evidence_left, notes_left));
    out.write_all(text.as_bytes())
}

/// The most entries whose table fits, the first ones first, which are the worst.
fn fitting(view: &BatchView<'_>, sorted: &[&Entry], room: usize) -> usize {
    let size = |count: usize| {
        let mut table = String::new();
        view.table(&sorted[..count]).markdown(&mut table);
        let evidence = sorted[..count].iter().filter_map(|entry| evidence(entry));
        table.len() + evidence.map(|line| line.len()).sum::<usize>()
    };
    if size(sorted.len()) <= room {
        return sorted.len();
    }
    let (mut fits, mut too_many) = (0, sorted.len());
    while fits + 1 < too_many {
        let middle = fits.midpoint(too_many);
        if size(middle) <= room { fits = middle } else { too_many = middle }
    }
    fits
}

fn evidence(entry: &Entry) -> Option<String> {
    let evidence = entry.evidence.as_deref()?;
    Some(format!("- {}: {}\n", prose(&entry.id.to_string()), prose(evidence)))
}

/// As many of the first texts as fit, and how many do not.
fn within(texts: impl Iterator<Item = String>, room: usize) -> (String, usize) {
    let (mut all, mut left) = (String::new(), 0);
    for text in texts {
        match left == 0 && all.len() + text.len() <= room {
            true => all.push_str(&text),
            false => left += 1,
        }
    }
    (all, left)
}

/// `Left out of 300 releases: 120 upgraded.`
fn left_out(entries: &[&Entry], evidence: usize, notes: usize) -> String {
    let count = |outcome: Outcome| entries.iter().filter(|entry| entry.outcome == Some(outcome)).count();
    let outcomes = Outcome::ALL.into_iter().map(|outcome| (count(outcome), outcome.words().to_owned()));
    let open = entries.iter().filter(|entry| entry.outcome.is_none()).count();
    let others = [(open, "not begun".to_owned())];
    let mut parts: Vec<String> = outcomes
        .chain(others)
        .filter(|(count, _)| *count > 0)
        .map(|(count, words)| format!("{count} {words}"))
        .collect();
    parts.extend((evidence > 0).then(|| counted(evidence, "folder") + " of evidence"));
    parts.extend((notes > 0).then(|| counted(notes, "note")));
    if parts.is_empty() {
        return String::new();
    }
    format!(
        "\n**Left out, for a comment has {MOST} characters at most:** {}. All of it: `-o html`.\n",
        parts.join(", ")
    )
}

#[cfg(test)]
mod tests {
    use jiff::Timestamp;

    use super::*;
    use crate::report::batch::tests::kept;
    use crate::upgrade::batch::Id;
    use crate::upgrade::batch::kept::{Kept, Told};

    fn written(kept: &Kept) -> String {
        let mut out = Vec::new();
        write(&BatchView::new(kept, Timestamp::UNIX_EPOCH), &mut out).unwrap();
        String::from_utf8(out).unwrap()
    }

    /// A batch of so many releases that are good, and so many that are not, each with much to say.
    fn batch(good: usize, bad: usize) -> Kept {
        let mut kept = kept();
        kept.left_out.clear();
        kept.releases = (0..good + bad)
            .map(|number| {
                let id = Id { context: None, namespace: "shop".to_owned(), release: format!("web-{number}") };
                let mut entry = Entry::new(id, 0);
                let outcome = if number < good { Outcome::Upgraded } else { Outcome::RolledBack };
                let reason = (number >= good).then(|| "cannot pull <image> `x|y` ".repeat(10));
                let evidence = (number >= good).then(|| format!("/var/evidence/web-{number}"));
                entry.end(Told { evidence, ..Told::new(outcome, reason) }, Timestamp::UNIX_EPOCH);
                entry
            })
            .collect();
        kept
    }

    #[test]
    fn what_went_well_is_left_out_first_of_a_comment_that_would_be_too_long() {
        let text = written(&batch(3, 2));
        assert!(!text.contains("Left out"), "{text}");
        let text = written(&batch(2_000, 20));
        assert!(text.len() <= MOST && text.len() > MOST - 2 * LAST_WORD, "{}", text.len());
        assert_eq!(text.matches("<td>rolled back</td>").count(), 20);
        assert_eq!(text.matches("/var/evidence/").count(), 20);
        let shown = text.matches("<td>upgraded</td>").count();
        assert!(text.ends_with(&format!("{} upgraded. All of it: `-o html`.\n", 2_000 - shown)), "{text}");
    }

    #[test]
    fn however_much_goes_wrong_it_fits() {
        let mut kept = batch(10, 5_000);
        kept.left_out = vec!["a context could not be read: <refused>".to_owned(); 5_000];
        let text = written(&kept);
        assert!(text.len() <= MOST, "{}", text.len());
        assert!(text.contains("5000 rolled back, 10 upgraded") && text.contains(" notes. All of it"), "{text}");
    }
}
