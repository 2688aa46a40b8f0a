//! What is said of an object below its title, and of a chart's custom resource definitions as a whole.

use crate::report::live::authors;
use crate::report::parts::Cell;
use crate::report::style::Role;
use crate::report::view::{Crds, Resource, Subject, View};
use crate::report::wording::counted;

/// More places of one author are only counted.
const MOST_PLACES: usize = 8;

/// The title of the definitions' section.
pub(super) const CRDS: &str = "Custom resource definitions";

/// What is to be known of all of them.
pub(super) const NOT_APPLIED: &str = "not applied by Helm";

/// A sentence in two pieces: what it is about, and what there is to say.
pub(super) struct Remark {
    /// Such as `the same in 2 more objects: `.
    pub(super) lead: Cell,
    /// The rest.
    pub(super) rest: Cell,
}

impl Remark {
    fn new(lead: (Role, String), rest: (Role, String)) -> Self {
        Self { lead: Cell::new(lead.0, lead.1), rest: Cell::new(rest.0, rest.1) }
    }
}

/// So many objects are named that changed in the same way.
const MOST_NAMED: usize = 40;

/// What is said of an object.
pub(super) fn remarks(resource: &Resource<'_>) -> Vec<Remark> {
    let mut remarks = Vec::new();
    let warning = |lead: &str, rest: &str| Remark::new((Role::Warning, lead.into()), (Role::Warning, rest.into()));
    if !resource.also.is_empty() {
        let lead = format!("the same in {}: ", counted(resource.also.len(), "more object"));
        let mut also: Vec<String> = resource.also.iter().take(MOST_NAMED).map(|object| object.id.to_string()).collect();
        if resource.also.len() > MOST_NAMED {
            also.push(format!("and {} more (--no-fold shows each)", resource.also.len() - MOST_NAMED));
        }
        remarks.push(Remark::new((Role::Dim, lead), (Role::Plain, also.join(", "))));
    }
    if let Some(problem) = &resource.object.problem {
        remarks.push(warning("this document can't be read as YAML and is compared as text: ", problem));
    }
    remarks.extend(resource.object.notices.iter().map(|notice| warning("", notice)));
    let Some(drift) = resource.drift else { return remarks };
    remarks.extend(drift.note.iter().map(|note| Remark::new((Role::Dim, String::new()), (Role::Dim, note.clone()))));
    for (by, places) in authors(drift) {
        let more = places.len().saturating_sub(MOST_PLACES);
        let mut shown = places[..places.len() - more].join(", ");
        if more > 0 {
            shown.push_str(&format!(" and {more} more"));
        }
        remarks.push(Remark::new((Role::Plain, format!("{by}: ")), (Role::Dim, shown)));
    }
    remarks
}

/// The definitions that differ, with what is said of all of them, where there is anything to say.
pub(super) fn crds<'v, 'a>(view: &'v View<'a>) -> Option<(&'v Crds<'a>, Vec<Cell>)> {
    let crds = view.crds.as_ref().filter(|crds| !crds.is_empty())?;
    let changed = crds.resources.len() - crds.added;
    let count = format!("{changed} changed, {} new, {} as in the cluster", crds.added, crds.unchanged);
    let mut said = vec![Cell::new(Role::Dim, count)];
    for problem in crds.problems {
        let name = problem.id.as_ref().map(|id| format!(" {id}")).unwrap_or_default();
        said.push(Cell::new(Role::Warning, format!("! {}{name}: {}", problem.file, problem.reason)));
    }
    if crds.added > 0 {
        let them = if crds.added == 1 { "it" } else { "them" };
        let these = counted(crds.added, "of these");
        said.push(Cell::new(
            Role::Dim,
            match view.subject {
                Subject::Install => format!("Helm creates {these} with the installation"),
                _ => format!("Helm creates {these} only when it installs: kubectl apply {them}"),
            },
        ));
    }
    Some((crds, said))
}
