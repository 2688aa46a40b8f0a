//! What the commands about many releases show: each has a view in a file of its own.

pub mod apis;
mod gotime;
pub mod history;
pub mod list;
pub mod needs;
pub mod versions;

use jiff::{SignedDuration, Timestamp};

use crate::release::fleet::{Known, Unreadable};
use crate::report::releases::Sheet;
use crate::report::style::Role;
use crate::report::table::Cell;
use crate::report::wording::{counted, shortened};

/// So many namespaces are named in a line.
const MOST_NAMED: usize = 5;

/// A reason is cut after so many characters.
const LONGEST_REASON: usize = 200;

/// How long something has been so, in one unit: `45 s`, `3 min`, `2 h`, `12 d`.
pub(super) fn age(time: Option<Timestamp>, now: Timestamp) -> String {
    let Some(time) = time else { return String::new() };
    let seconds = now.duration_since(time).max(SignedDuration::ZERO).as_secs();
    match seconds {
        0..60 => format!("{seconds} s"),
        60..3600 => format!("{} min", seconds / 60),
        3600..172_800 => format!("{} h", seconds / 3600),
        _ => format!("{} d", seconds / 86_400),
    }
}

/// `proven`, `bad` or nothing, in its colour.
pub(super) fn mark(known: &Known) -> Cell {
    match known.mark() {
        Some("proven") => Cell::new(Role::Added, "proven"),
        mark => Cell::new(Role::Error, mark.unwrap_or_default()),
    }
}

/// Names on one line, the rest of them counted: `blog, shop and 7 more`.
pub(super) fn folded(names: &[&str], most: usize) -> String {
    if names.len() <= most + 1 {
        return names.join(", ");
    }
    format!("{} and {} more", names[..most].join(", "), names.len() - most)
}

/// Says what could not be read: a line for each context, with the first reason.
pub(in crate::report) fn write_unreadable(all: &[Unreadable], sheet: &mut Sheet) {
    let mut contexts: Vec<&Option<String>> = all.iter().map(|one| &one.context).collect();
    contexts.dedup();
    for context in contexts {
        let those: Vec<&Unreadable> = all.iter().filter(|one| one.context == *context).collect();
        let names: Vec<&str> = those.iter().filter_map(|one| one.namespace.as_deref()).collect();
        let here = context.as_ref().map(|context| format!("context {context}: ")).unwrap_or_default();
        let what = match names.as_slice() {
            [] if context.is_some() => "not read".to_owned(),
            [] => "other namespaces could not be looked at".to_owned(),
            [one] => format!("namespace {one} could not be read"),
            _ => format!("{} could not be read: {}", counted(names.len(), "namespace"), folded(&names, MOST_NAMED)),
        };
        sheet.line(Role::Warning, &format!("! {here}{what}"));
        let reason = those.first().map_or("", |one| one.reason.as_str());
        sheet.line(Role::Dim, &format!("  {}", shortened(reason, LONGEST_REASON)));
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::report::style::Painter;

    #[test]
    fn ages_have_one_unit() {
        let now = Timestamp::from_second(10_000_000).unwrap();
        let text = |seconds: i64| age(Timestamp::from_second(10_000_000 - seconds).ok(), now);
        let rows = [(-5, "0 s"), (59, "59 s"), (60, "1 min"), (7200, "2 h"), (172_799, "47 h"), (864_000, "10 d")];
        rows.iter().for_each(|(seconds, expected)| assert_eq!(text(*seconds), *expected));
        assert_eq!(age(None, now), "");
    }

    #[test]
    fn names_are_folded_where_more_than_one_would_be_left_out() {
        assert_eq!(folded(&["a", "b", "c"], 2), "a, b, c");
        assert_eq!(folded(&["a", "b", "c", "d"], 2), "a, b and 2 more");
        assert_eq!(folded(&[], 2), "");
    }

    #[test]
    fn what_could_not_be_read_is_told_for_each_context() {
        let one = |context: Option<&str>, namespace: Option<&str>| Unreadable {
            context: context.map(str::to_owned),
            namespace: namespace.map(str::to_owned),
            reason: "no\u{1b}[2J right".to_owned(),
        };
        let text = |all: &[Unreadable]| {
            let mut sheet = Sheet::new(Painter::new(false));
            write_unreadable(all, &mut sheet);
            sheet.text
        };
        assert_eq!(text(&[]), "");
        assert_eq!(text(&[one(None, Some("a"))]), "! namespace a could not be read\n  no\\u{1b}[2J right\n");
        assert!(text(&[one(None, None)]).starts_with("! other namespaces could not be looked at\n"));
        let two = text(&[one(Some("x"), Some("a")), one(Some("x"), Some("b")), one(Some("y"), None)]);
        assert!(two.starts_with("! context x: 2 namespaces could not be read: a, b\n"), "{two}");
        assert!(two.contains("! context y: not read\n"), "{two}");
    }
}
