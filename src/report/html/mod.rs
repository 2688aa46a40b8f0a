//! A diff as one page for a browser, with all it needs inside: nothing is ever requested, and nothing that comes from
//! a cluster, a chart or a file can run.
//!
//! What holds that: content is escaped; and should that fail, the page's own policy lets only the one script and the one
//! style run whose digests it names. The page can be read without the script, which adds search, filter and the second
//! column.

mod body;
mod object;
mod tree;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use ring::digest::{SHA256, digest};

use crate::report::markup::escaped;
use crate::report::style::Role;
use crate::report::view::View;
use crate::report::wording::headline;

const STYLE: &str = include_str!("page.css");
const SCRIPT: &str = include_str!("page.js");

/// A small sign for the browser's tab, so that the browser asks nobody for one.
const ICON: &str = "data:image/svg+xml,%3Csvg xmlns='http://www.w3.org/2000/svg' viewBox='0 0 16 16'%3E\
    %3Crect width='16' height='16' rx='3' fill='%232456c9'/%3E\
    %3Cpath d='M4 5h5M6.5 2.5v5M4 12h8' stroke='%23fff' stroke-width='2'/%3E%3C/svg%3E";

/// Writes the page.
///
/// # Errors
/// If the writer fails.
pub fn write(view: &View<'_>, out: &mut impl std::io::Write) -> std::io::Result<()> {
    let title: String = headline(view).into_iter().map(|piece| piece.text).collect();
    let policy = format!(
        "default-src 'none'; img-src data:; style-src '{}'; script-src '{}'; base-uri 'none'; form-action 'none'",
        hash(STYLE),
        hash(SCRIPT)
    );
    write!(
        out,
        "<!doctype html>\n<html lang=\"en\">\n<head>\n<meta charset=\"utf-8\">\n\
         <meta http-equiv=\"Content-Security-Policy\" content=\"{policy}\">\n\
         <meta name=\"referrer\" content=\"no-referrer\">\n\
         <meta name=\"viewport\" content=\"width=device-width, initial-scale=1\">\n\
         <title>{}</title>\n<link rel=\"icon\" href=\"{ICON}\">\n<style>{STYLE}</style>\n</head>\n",
        escaped(&title)
    )?;
    body::write(view, out)?;
    write!(out, "<script>{SCRIPT}</script>\n</body>\n</html>\n")
}

/// What the policy calls a text by.
fn hash(text: &str) -> String {
    format!("sha256-{}", STANDARD.encode(digest(&SHA256, text.as_bytes())))
}

/// A role as an attribute.
fn role(role: Role) -> &'static str {
    match role {
        Role::Plain => "",
        Role::Heading => " class=\"heading\"",
        Role::Added | Role::AddedWord => " class=\"added\"",
        Role::Removed | Role::RemovedWord => " class=\"removed\"",
        Role::Changed => " class=\"changed\"",
        Role::Hunk | Role::Dim => " class=\"dim\"",
        Role::Warning => " class=\"warning\"",
        Role::Error => " class=\"error\"",
    }
}
