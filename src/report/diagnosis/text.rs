//! For a terminal: the likely cause and what to do first, then what else, then what was seen.

use unicode_width::UnicodeWidthStr as _;

use crate::report::diagnosis::{Diagnosis, Moment, ObjectLine, SignLine, duration};
use crate::report::style::{Painter, Role, clean};

/// Narrower is not drawn.
const NARROWEST: usize = 40;
/// More than these are only counted.
const MOST_SIGNS: usize = 10;
const MOST_OBJECTS: usize = 15;
const MOST_MOMENTS: usize = 8;
/// So many lines of each log.
const LINES: usize = 5;

/// The diagnosis as text, in so many columns.
#[must_use]
pub fn text(diagnosis: &Diagnosis, painter: Painter, width: usize) -> String {
    let mut page = Page { out: String::new(), painter, width: width.max(NARROWEST) };
    page.head(diagnosis);
    page.causes(diagnosis);
    page.signs(&diagnosis.signs);
    page.objects(diagnosis);
    page.logs(diagnosis);
    page.timeline(diagnosis);
    page.unread(&diagnosis.unread);
    if let Some(kept) = &diagnosis.kept {
        page.section("Evidence");
        page.line(Role::Plain, "  ", &kept.folder);
        page.line(Role::Plain, "  ", &kept.archive);
    }
    page.out
}

struct Page {
    out: String,
    painter: Painter,
    width: usize,
}

impl Page {
    fn head(&mut self, diagnosis: &Diagnosis) {
        self.line(Role::Heading, "", &diagnosis.subject());
        let role = if diagnosis.healthy { Role::Added } else { Role::Error };
        self.wrapped(role, "", "", &diagnosis.verdict());
        if !diagnosis.healthy && !diagnosis.description.is_empty() {
            let line = diagnosis.description.split_whitespace().collect::<Vec<_>>().join(" ");
            self.wrapped(Role::Dim, "", "", &short(&line, 3 * self.width));
        }
    }

    fn causes(&mut self, diagnosis: &Diagnosis) {
        let Some((first, rest)) = diagnosis.causes.split_first() else { return };
        let title = match first.certainty.name() {
            "certain" => "Cause",
            "likely" => "Likely cause",
            _ => "Possible cause",
        };
        self.section(title);
        self.wrapped(Role::Warning, "  ", "  ", &first.sentence);
        self.seen_on(&first.objects);
        self.hint("  ", &first.hint);
        if rest.is_empty() {
            return;
        }
        self.section("Besides");
        for cause in rest {
            self.wrapped(Role::Plain, "  • ", "    ", &cause.sentence);
            self.hint("    ", &cause.hint);
        }
    }

    fn seen_on(&mut self, objects: &[String]) {
        if objects.len() > 1 {
            let more = objects.len().saturating_sub(3);
            let more = if more > 0 { format!(" and {more} more") } else { String::new() };
            let shown: Vec<&str> = objects.iter().take(3).map(String::as_str).collect();
            self.wrapped(Role::Dim, "  ", "  ", &format!("seen on {}{more}", shown.join(", ")));
        }
    }

    fn hint(&mut self, indent: &str, hint: &str) {
        let lead = format!("{indent}Hint: ");
        let lines = wrap(hint, self.width.saturating_sub(lead.width()), self.width.saturating_sub(indent.width() + 2));
        for (index, line) in lines.iter().enumerate() {
            if index == 0 {
                self.out.push_str(indent);
                self.painter.paint(&mut self.out, Role::Heading, "Hint: ");
            } else {
                self.out.push_str(indent);
                self.out.push_str("  ");
            }
            self.painter.paint(&mut self.out, Role::Plain, line);
            self.out.push('\n');
        }
    }

    fn signs(&mut self, signs: &[SignLine]) {
        if signs.is_empty() {
            return;
        }
        self.section("Signs");
        let signs = folded(signs);
        for (sign, more) in signs.iter().take(MOST_SIGNS) {
            let pod = sign.pod.as_ref().map(|pod| format!("pod/{pod}"));
            let of = pod.unwrap_or_else(|| sign.object.clone());
            let more = if *more > 0 { format!(" and {more} more") } else { String::new() };
            let named = |container: &&String| !sign.message.contains(&format!("\"{container}\""));
            let container = sign.container.as_ref().filter(named).map(|name| format!(", container {name}"));
            let container = container.unwrap_or_default();
            let since = sign.seconds.map(|seconds| format!(", for {}", duration(seconds))).unwrap_or_default();
            self.wrapped(Role::Plain, "  ", "    ", &format!("{of}{more}{container}: {}{since}", sign.message));
        }
        self.more(signs.len(), MOST_SIGNS);
    }

    fn objects(&mut self, diagnosis: &Diagnosis) {
        if diagnosis.objects.is_empty() {
            return;
        }
        self.section("Objects");
        // What is not ready is told first.
        let mut objects: Vec<&ObjectLine> = diagnosis.objects.iter().collect();
        objects.sort_by_key(|object| matches!(object.state, "ready"));
        let shown = &objects[..objects.len().min(MOST_OBJECTS)];
        let longest = shown.iter().map(|object| clean(&object.object).width()).max().unwrap_or_default();
        let column = longest.min(self.width / 2);
        for object in shown {
            let name = clean(&object.object).into_owned();
            let pods = if object.wanted > 0 { format!("{}/{}", object.ready, object.wanted) } else { String::new() };
            let (role, state) = match object.state {
                "ready" => (Role::Added, "ready"),
                "failed" => (Role::Error, "failed"),
                "waiting" => (Role::Warning, "waiting"),
                other => (Role::Dim, other),
            };
            self.out.push_str("  ");
            self.painter.paint(&mut self.out, Role::Plain, &name);
            self.out.push_str(&" ".repeat(column.saturating_sub(name.width())));
            self.out.push_str(&format!("  {pods:>5}  "));
            self.painter.paint(&mut self.out, role, state);
            let used = 2 + column.max(name.width()) + 9 + state.width();
            self.why(&object.why, used);
        }
        self.more(objects.len(), MOST_OBJECTS);
    }

    /// Why, behind the state where it fits, else below.
    fn why(&mut self, why: &str, used: usize) {
        if why.is_empty() {
            self.out.push('\n');
        } else if used + 2 + clean(why).width() <= self.width {
            self.out.push_str("  ");
            self.painter.paint(&mut self.out, Role::Plain, why);
            self.out.push('\n');
        } else {
            self.out.push('\n');
            self.wrapped(Role::Plain, "      ", "      ", why);
        }
    }

    fn logs(&mut self, diagnosis: &Diagnosis) {
        for log in &diagnosis.logs {
            let run = if log.previous { ", the run before" } else { "" };
            self.section(&format!("Last words of pod/{}, container {}{run}", log.pod, log.container));
            let skipped = log.lines.len().saturating_sub(LINES);
            for line in log.lines.iter().skip(skipped) {
                let line = short(line, self.width.saturating_sub(4));
                self.line(Role::Plain, "  │ ", &line);
            }
        }
    }

    fn timeline(&mut self, diagnosis: &Diagnosis) {
        // Of what is well nobody asks how it came to be.
        if !diagnosis.timeline.iter().any(|moment| moment.notable) || diagnosis.healthy {
            return;
        }
        self.section("What happened last");
        let notable: Vec<&Moment> = diagnosis.timeline.iter().filter(|moment| moment.notable).collect();
        let skipped = notable.len().saturating_sub(MOST_MOMENTS);
        for moment in notable.iter().skip(skipped) {
            let time = moment.at.get(11..19).unwrap_or_default();
            let times = if moment.count > 1 { format!(" ({} times)", moment.count) } else { String::new() };
            self.wrapped(Role::Plain, &format!("  {time}  "), "            ", &format!("{}{times}", moment.what));
        }
    }

    fn unread(&mut self, unread: &[String]) {
        if unread.is_empty() {
            return;
        }
        self.section("Could not be read");
        for one in unread {
            self.wrapped(Role::Plain, "  • ", "    ", one);
        }
    }

    fn section(&mut self, title: &str) {
        self.out.push('\n');
        self.line(Role::Heading, "", title);
    }

    fn more(&mut self, all: usize, shown: usize) {
        if all > shown {
            self.line(Role::Dim, "  ", &format!("and {} more", all - shown));
        }
    }

    fn line(&mut self, role: Role, indent: &str, text: &str) {
        self.out.push_str(indent);
        self.painter.paint(&mut self.out, role, text);
        self.out.push('\n');
    }

    fn wrapped(&mut self, role: Role, first: &str, other: &str, text: &str) {
        let lines = wrap(text, self.width.saturating_sub(first.width()), self.width.saturating_sub(other.width()));
        for (index, line) in lines.iter().enumerate() {
            self.line(role, if index == 0 { first } else { other }, line);
        }
    }
}

/// What pods of one object show alike is told once: of the first, and how many more.
fn folded(signs: &[SignLine]) -> Vec<(&SignLine, usize)> {
    let mut folded: Vec<(&SignLine, usize)> = Vec::new();
    for sign in signs {
        let same = |known: &&mut (&SignLine, usize)| {
            let known = known.0;
            known.pod.is_some()
                && (&known.object, &known.container, &known.message) == (&sign.object, &sign.container, &sign.message)
        };
        match folded.iter_mut().find(same) {
            Some((_, more)) => *more += 1,
            None => folded.push((sign, 0)),
        }
    }
    folded
}

/// Breaks a text at blanks. A word that is too long is left whole, so that it can be copied.
fn wrap(text: &str, first: usize, other: usize) -> Vec<String> {
    let mut lines: Vec<String> = Vec::new();
    let mut line = String::new();
    let text = clean(text);
    for word in text.split(' ').filter(|word| !word.is_empty()) {
        let width = if lines.is_empty() { first } else { other };
        if !line.is_empty() && line.width() + 1 + word.width() > width {
            lines.push(std::mem::take(&mut line));
        }
        if !line.is_empty() {
            line.push(' ');
        }
        line.push_str(word);
    }
    lines.push(line);
    lines
}

/// The text in so many columns, an ellipsis where something is cut.
fn short(text: &str, width: usize) -> String {
    let text = clean(text);
    if text.width() <= width {
        return text.into_owned();
    }
    let mut kept = String::new();
    for character in text.chars() {
        if kept.width() + 2 > width {
            break;
        }
        kept.push(character);
    }
    format!("{kept}…")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_cause_comes_first_and_lines_fit() {
        let page = text(&super::super::example::example(), Painter::new(false), 80);
        assert!(
            page.starts_with("web in namespace shop, revision 7 (failed)\nnot well: 1 of 2 objects are not ready\n"),
            "{page}"
        );
        let expected = "\
Likely cause
  deployment/web: container web ends with exit code 1: fatal: cannot reach
  database \"orders\": connection refused
  Hint: check that what it connects to runs and is named right in the values;
    the whole log: kubectl logs web-1 -c web --previous -n shop
";
        assert!(page.contains(expected), "{page}");
        assert!(page.contains("  deployment/web    0/2  waiting  0 of 2 pods are ready\n"), "{page}");
        assert!(page.lines().all(|line| line.width() <= 80), "{page}");
        assert!(!page.contains('\u{1b}'));
    }

    #[test]
    fn what_pods_show_alike_is_told_once() {
        let mut diagnosis = super::super::example::example();
        let sign = SignLine { pod: Some("web-2".to_owned()), ..diagnosis.signs[0].clone() };
        diagnosis.signs.push(sign);
        let page = text(&diagnosis, Painter::new(false), 80);
        let line = "Signs\n  pod/web-1 and 1 more, container web: crashes: exit code 1, for 2 min\n";
        assert!(page.contains(line), "{page}");
    }

    #[test]
    fn a_word_that_is_too_long_stays_whole() {
        assert_eq!(wrap("a bbbbbbbbbb c", 5, 5), ["a", "bbbbbbbbbb", "c"]);
        assert_eq!(short("abcdef", 4), "abc…");
    }
}
