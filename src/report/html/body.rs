//! The body of the page: the bar, the tree, and the objects, folded.

use std::fmt::Write as _;

use crate::diff::resources::Change;
use crate::report::html::object::{draw, kind_name, lines, object, object_name, sign};
use crate::report::html::role;
use crate::report::html::tree::{Namespace, grow};
use crate::report::markup::escaped;
use crate::report::parts::{self, Body, Part, Table};
use crate::report::remarks::{CRDS, NOT_APPLIED, crds};
use crate::report::style::Role;
use crate::report::view::{Resource, View};
use crate::report::wording::{changed_lines, headline, left_out, noise, noise_title, nothing_differs};

/// Up to so many objects the tree is unfolded from the start.
const UNFOLDED_TREE: usize = 40;

/// Up to so many changed lines a section beside the objects is open from the start.
const SHORT: usize = 40;

/// A table of more columns can't be read as a list.
const FEW_COLUMNS: usize = 4;

/// Writes the body up to the script.
pub(super) fn write(view: &View<'_>, out: &mut impl std::io::Write) -> std::io::Result<()> {
    let namespaces = grow(&view.resources);
    let (above, below) = (parts::above(view), parts::below(view));
    let mut text = String::from("<body>\n<a class=\"skip\" href=\"#objects\">Skip to the objects</a>\n");
    bar(&mut text, view);
    text.push_str("<div class=\"page\">\n");
    navigation(&mut text, view, &namespaces, [&above, &below]);
    text.push_str("<main>\n");
    overview(&mut text, view);
    above.iter().enumerate().for_each(|(at, part)| section(&mut text, &format!("a{at}"), part));
    muted(&mut text, view);
    text.push_str(
        "<section id=\"objects\" aria-label=\"Objects\">\n<p class=\"empty\" id=\"none\" hidden>Nothing matches.</p>\n",
    );
    for namespace in &namespaces {
        group(&mut text, namespace, &namespaces, &view.resources, out)?;
    }
    text.push_str("</section>\n");
    definitions(&mut text, view);
    below.iter().enumerate().for_each(|(at, part)| section(&mut text, &format!("b{at}"), part));
    text.push_str(KEYS);
    text.push_str("</main>\n</div>\n");
    out.write_all(text.as_bytes())
}

const KEYS: &str = "<p class=\"keys\"><kbd>/</kbd> search · <kbd>j</kbd> <kbd>k</kbd> next, previous · <kbd>Enter</kbd> open · \
    <kbd>e</kbd> open all · <kbd>s</kbd> side by side · <kbd>t</kbd> theme</p>\n";

const TOOLS: &str = "<div class=\"tools\">\n\
    <button type=\"button\" class=\"narrow\" id=\"tree\" aria-expanded=\"false\">Objects</button>\n\
    <input type=\"search\" id=\"search\" placeholder=\"Search names and content\" aria-label=\"Search names and content\" \
    autocomplete=\"off\" spellcheck=\"false\">\n\
    <div class=\"switch\" role=\"group\" aria-label=\"View\">\
    <button type=\"button\" data-shows=\"unified\" aria-pressed=\"true\">Unified</button>\
    <button type=\"button\" data-shows=\"split\" aria-pressed=\"false\">Side by side</button></div>\n\
    <button type=\"button\" id=\"expand\">Open all</button>\n\
    <button type=\"button\" id=\"theme\">◐ auto</button>\n</div>\n";

/// What stays in sight: what is compared, the counts, and the tools.
fn bar(text: &mut String, view: &View<'_>) {
    text.push_str("<header class=\"bar\">\n<h1>");
    for piece in headline(view) {
        let words = escaped(&piece.text);
        text.push_str(&if piece.name { format!("<b>{words}</b>") } else { words });
    }
    text.push_str("</h1>\n<div class=\"row\">\n");
    let summary = view.summary;
    for (change, word, count) in [
        (Change::Modified, "changed", summary.modified),
        (Change::Added, "added", summary.added),
        (Change::Removed, "removed", summary.removed),
    ] {
        let (sign, class) = sign(change);
        let none = if count == 0 { " none" } else { "" };
        _ = writeln!(
            text,
            "<label class=\"chip{none}\"><input type=\"checkbox\" value=\"{class}\" checked>\
             <span class=\"sign {class}\" aria-hidden=\"true\">{sign}</span><b>{count}</b> {word}</label>"
        );
    }
    let unchanged = std::iter::once(format!("{} unchanged", summary.unchanged));
    for words in unchanged.chain(left_out(summary)) {
        _ = writeln!(text, "<span class=\"chip quiet\">{words}</span>");
    }
    text.push_str("<span class=\"quiet\" id=\"status\" role=\"status\"></span>\n");
    text.push_str(TOOLS);
    text.push_str("</div>\n</header>\n");
}

/// The tree: sections, then objects by namespace and kind.
fn navigation(text: &mut String, view: &View<'_>, namespaces: &[Namespace<'_>], parts: [&[Part<'_>]; 2]) {
    text.push_str("<nav aria-label=\"Contents\">\n<ul>\n<li><a href=\"#overview\">Overview</a></li>\n");
    if crds(view).is_some() {
        _ = writeln!(text, "<li><a href=\"#crds\">{CRDS}</a></li>");
    }
    for (letter, parts) in ["a", "b"].iter().zip(parts) {
        for (at, part) in parts.iter().enumerate() {
            _ = writeln!(text, "<li><a href=\"#{letter}{at}\">{}</a></li>", part.title);
        }
    }
    text.push_str("</ul>\n");
    let count: usize = namespaces.iter().map(Namespace::len).sum();
    let open = if count <= UNFOLDED_TREE { " open" } else { "" };
    for namespace in namespaces {
        if namespaces.len() > 1 {
            let name = namespace_name(namespace.name);
            _ = writeln!(text, "<details open><summary>{name} <span>{}</span></summary>", namespace.len());
        }
        for kind in &namespace.kinds {
            _ = writeln!(
                text,
                "<details{open}><summary>{} <span>{}</span></summary><ul>",
                kind_name(kind.name),
                kind.entries.len()
            );
            for entry in &kind.entries {
                let (sign, class) = sign(view.resources[entry.at].change);
                let name = escaped(object_name(&entry.id.name));
                _ = writeln!(
                    text,
                    "<li><a href=\"#r{}\"><span class=\"{class}\">{sign}</span>{name}</a></li>",
                    entry.at
                );
            }
            text.push_str("</ul></details>\n");
        }
        if namespaces.len() > 1 {
            text.push_str("</details>\n");
        }
    }
    text.push_str("</nav>\n");
}

fn namespace_name(name: Option<&str>) -> String {
    name.map_or_else(|| "(no namespace)".to_owned(), escaped)
}

/// What is compared, and what to know first.
fn overview(text: &mut String, view: &View<'_>) {
    text.push_str("<section id=\"overview\" aria-label=\"Overview\">\n");
    for cell in parts::said(view) {
        let class = if cell.role == Role::Warning { "notice" } else { "quiet" };
        _ = writeln!(text, "<p class=\"{class}\">{}</p>", escaped(&cell.text));
    }
    if let Some(revisions) = parts::revisions(view) {
        table(text, &revisions);
    }
    if view.is_empty() {
        _ = writeln!(text, "<p class=\"empty\">{}</p>", escaped(&nothing_differs(view)));
    }
    text.push_str("</section>\n");
}

/// What comes with every version of a chart, folded.
fn muted(text: &mut String, view: &View<'_>) {
    let muted = &view.noise.objects;
    if muted.is_empty() {
        return;
    }
    let title = noise_title(&view.noise);
    _ = write!(text, "<section class=\"below\"><details class=\"object\" id=\"noise\"><summary>{title}</summary>");
    muted.iter().for_each(|(muted, objects)| {
        _ = writeln!(text, "<p class=\"told\">{}</p>", escaped(&noise(muted, *objects)));
    });
    text.push_str("</details></section>\n");
}

/// A part beside the objects.
fn section(text: &mut String, id: &str, part: &Part<'_>) {
    match &part.body {
        Body::Table(rows) => {
            _ = writeln!(text, "<section id=\"{id}\"><h2>{}</h2>", part.title);
            table(text, rows);
            part.notes.iter().for_each(|note| _ = writeln!(text, "<p class=\"quiet\">{note}</p>"));
            text.push_str("</section>\n");
        }
        Body::Hunks(hunks) => {
            let (added, removed) = changed_lines(hunks);
            let open = if added + removed <= SHORT { " open" } else { "" };
            let (title, lines) = (part.title, lines(added, removed));
            _ = write!(text, "<section class=\"below\"><details class=\"object\" id=\"{id}\"{open}>");
            _ = writeln!(text, "<summary><span class=\"name\">{title}</span>{lines}</summary>");
            draw(text, hunks);
            text.push_str("</details></section>\n");
        }
    }
}

/// The chart's custom resource definitions.
fn definitions(text: &mut String, view: &View<'_>) {
    let Some((crds, said)) = crds(view) else { return };
    _ = writeln!(text, "<section id=\"crds\"><h2>{CRDS} <span class=\"warning\">{NOT_APPLIED}</span></h2>");
    for cell in said {
        _ = writeln!(text, "<p{}>{}</p>", role(cell.role), escaped(&cell.text));
    }
    text.push_str("<div class=\"group\">\n");
    crds.resources.iter().enumerate().for_each(|(at, resource)| object(text, &format!("c{at}"), resource));
    text.push_str("</div></section>\n");
}

fn table(text: &mut String, table: &Table) {
    // Few columns can stand below each other where there is no room beside.
    let class = if table.head.len() <= FEW_COLUMNS { " class=\"few\"" } else { "" };
    _ = write!(text, "<div class=\"scroll\"><table{class}><thead><tr>");
    table.head.iter().for_each(|name| _ = write!(text, "<th scope=\"col\">{name}</th>"));
    text.push_str("</tr></thead><tbody>\n");
    for row in &table.rows {
        text.push_str("<tr>");
        for cell in row {
            _ = write!(text, "<td{}>{}</td>", role(cell.role), escaped(&cell.text));
        }
        text.push_str("</tr>\n");
    }
    text.push_str("</tbody></table></div>\n");
}

/// The objects of a namespace, by kind. What is written so far goes out in between: a page may be large.
fn group(
    text: &mut String,
    namespace: &Namespace<'_>,
    all: &[Namespace<'_>],
    resources: &[Resource<'_>],
    out: &mut impl std::io::Write,
) -> std::io::Result<()> {
    for kind in &namespace.kinds {
        let own: Vec<_> = kind.entries.iter().filter(|entry| entry.own).collect();
        if own.is_empty() {
            continue;
        }
        let within = namespace.name.filter(|_| all.len() > 1);
        let within = within.map_or_else(String::new, |name| format!(" <span>in {}</span>", escaped(name)));
        _ = writeln!(text, "<div class=\"group\"><h2>{}{within} <span>{}</span></h2>", kind_name(kind.name), own.len());
        for entry in own {
            object(text, &format!("r{}", entry.at), &resources[entry.at]);
            out.write_all(text.as_bytes())?;
            text.clear();
        }
        text.push_str("</div>\n");
    }
    Ok(())
}
