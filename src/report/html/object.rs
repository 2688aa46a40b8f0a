//! An object of the page, folded, and the lines that changed in it.

use std::fmt::Write as _;

use crate::diff::lines::{Hunk, Line};
use crate::diff::resources::Change;
use crate::report::html::role;
use crate::report::markup::{escaped, push};
use crate::report::remarks::remarks;
use crate::report::stretches::{Stretch, stretches};
use crate::report::view::Resource;
use crate::report::wording::{changed_lines, counted, notes, range};

/// Adds an object, under an id of its own.
pub(super) fn object(text: &mut String, id: &str, resource: &Resource<'_>) {
    let (sign, class) = sign(resource.change);
    let weight = 1 + resource.also.len();
    _ = write!(
        text,
        "<details class=\"object\" id=\"{id}\" data-change=\"{class}\" data-weight=\"{weight}\"><summary>"
    );
    _ = write!(
        text,
        "<span class=\"sign {class}\" title=\"{class}\">{sign}</span><span class=\"name\"><span>{}/</span>{}</span>",
        kind_name(&resource.object.id.kind),
        escaped(object_name(&resource.object.id.name))
    );
    let mut notes = notes(resource);
    notes.extend((weight > 1).then(|| format!("and {} alike", counted(weight - 1, "more object"))));
    _ = write!(text, "<span class=\"note\">{}</span>", escaped(&notes.join(" · ")));
    let (added, removed) = changed_lines(&resource.hunks);
    _ = writeln!(text, "{}</summary>", lines(added, removed));
    for remark in remarks(resource) {
        let (lead, rest) = (escaped(&remark.lead.text), escaped(&remark.rest.text));
        _ = writeln!(
            text,
            "<p class=\"told\"><span{}>{lead}</span><span{}>{rest}</span></p>",
            role(remark.lead.role),
            role(remark.rest.role)
        );
    }
    draw(text, &resource.hunks);
    text.push_str("</details>\n");
}

/// The sign of what became of an object, and its class.
pub(super) fn sign(change: Change) -> (char, &'static str) {
    match change {
        Change::Added => ('+', "added"),
        Change::Removed => ('−', "removed"),
        Change::Modified => ('~', "changed"),
    }
}

/// How many lines were added and removed.
pub(super) fn lines(added: usize, removed: usize) -> String {
    format!(
        "<span class=\"lines\"><span class=\"added\">+{added}</span> <span class=\"removed\">−{removed}</span></span>"
    )
}

/// Hunks. Lines that stand for each other are in a box of their own, from which a style makes one column or two.
pub(super) fn draw(text: &mut String, hunks: &[Hunk]) {
    for hunk in hunks {
        let (old, new) = (range(hunk.old_start, hunk.old_len), range(hunk.new_start, hunk.new_len));
        _ = writeln!(
            text,
            "<div class=\"hunk\"><div class=\"place\">@@ -{old} +{new} @@ {}</div>",
            escaped(&hunk.location)
        );
        for (old_line, new_line, stretch) in stretches(hunk) {
            match stretch {
                Stretch::Same(same) => {
                    for (at, line) in same.iter().enumerate() {
                        _ = write!(
                            text,
                            "<div class=\"l c\" data-a=\"{}\" data-b=\"{}\">",
                            old_line + at,
                            new_line + at
                        );
                        code(text, line);
                        text.push_str("</div>\n");
                    }
                }
                Stretch::Changed { old, new } => {
                    text.push_str("<div class=\"pair\">\n");
                    for (lines, first, element, class, side) in
                        [(old, old_line, "del", "d", "a"), (new, new_line, "ins", "i", "b")]
                    {
                        for (at, line) in lines.iter().enumerate() {
                            _ = write!(text, "<{element} class=\"l {class}\" data-{side}=\"{}\">", first + at);
                            code(text, line);
                            _ = writeln!(text, "</{element}>");
                        }
                    }
                    text.push_str("</div>\n");
                }
            }
        }
        text.push_str("</div>\n");
    }
}

fn code(text: &mut String, line: &Line) {
    text.push_str("<code>");
    for segment in &line.segments {
        if segment.emphasised {
            text.push_str("<mark>");
        }
        push(text, &segment.text);
        if segment.emphasised {
            text.push_str("</mark>");
        }
    }
    if !line.note.is_empty() {
        _ = write!(text, "<span class=\"dim\">  # {}</span>", line.note);
    }
    text.push_str("</code>");
}

/// The kind of an object, for a reader.
pub(super) fn kind_name(kind: &str) -> String {
    if kind.is_empty() { "(no kind)".to_owned() } else { escaped(kind) }
}

/// The name of an object, for a reader.
pub(super) fn object_name(name: &str) -> &str {
    if name.is_empty() { "(no name)" } else { name }
}
