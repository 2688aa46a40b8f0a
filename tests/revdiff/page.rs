//! Reads the text output back: which objects it names, and the two texts that its hunks are made of.

use std::collections::BTreeMap;

use serde_json::Value;

use crate::agreement::yaml;

/// The text output, read back. With `-C -1` the texts are whole.
#[derive(Debug, Default)]
pub(crate) struct Page {
    /// The line of counts.
    pub(crate) summary: String,
    /// The objects, in order: `+ Kind/name` with the note behind it cut off.
    pub(crate) objects: Vec<Part>,
    /// The other parts by their headings.
    pub(crate) sections: BTreeMap<String, Part>,
}

/// One heading and the texts of its hunks.
#[derive(Debug, Default)]
pub(crate) struct Part {
    pub(crate) title: String,
    pub(crate) old: String,
    pub(crate) new: String,
}

impl Part {
    /// The old text as YAML; null if there is none.
    pub(crate) fn old_value(&self) -> Value {
        yaml(&self.old)
    }

    /// The new text as YAML; null if there is none.
    pub(crate) fn new_value(&self) -> Value {
        yaml(&self.new)
    }
}

impl Page {
    /// Reads the output of `helm revdiff`.
    pub(crate) fn read(text: &str) -> Self {
        let mut page = Self::default();
        let mut lines = text.lines().peekable();
        let mut parts: Vec<Part> = Vec::new();
        let mut blank = false;
        while let Some(line) = lines.next() {
            if let Some(range) = line.strip_prefix("@@ ") {
                let part = parts.last_mut().expect("a hunk without a heading");
                read_hunk(range, &mut lines, part);
            } else if blank && page.summary.is_empty() {
                line.clone_into(&mut page.summary);
            } else if blank {
                parts.push(Part { title: line.to_owned(), ..Part::default() });
            }
            blank = line.is_empty();
        }
        for part in parts {
            if part.title.starts_with(['+', '-', '~']) {
                page.objects.push(Part { title: part.title.split("  ").next().unwrap().to_owned(), ..part });
            } else {
                page.sections.insert(part.title.clone(), part);
            }
        }
        page
    }

    /// The headings of the objects.
    pub(crate) fn titles(&self) -> Vec<&str> {
        self.objects.iter().map(|part| part.title.as_str()).collect()
    }
}

/// Reads as many lines as the range says: `-1,3 +1,4 @@ spec`.
fn read_hunk<'a>(range: &str, lines: &mut impl Iterator<Item = &'a str>, part: &mut Part) {
    let length = |word: &str| word.split_once(',').map_or(1, |(_, length)| length.parse::<usize>().unwrap());
    let mut words = range.split(' ').map(length);
    let (mut old, mut new) = (words.next().unwrap(), words.next().unwrap());
    while old + new > 0 {
        let line = lines.next().expect("a hunk with fewer lines than it says");
        let (sign, content) = line.split_at_checked(1).unwrap_or((" ", ""));
        if sign != "+" {
            old = old.checked_sub(1).expect("a hunk with more old lines than it says");
            part.old.extend([content, "\n"]);
        }
        if sign != "-" {
            new = new.checked_sub(1).expect("a hunk with more new lines than it says");
            part.new.extend([content, "\n"]);
        }
    }
}
