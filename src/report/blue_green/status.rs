//! How two releases stand: which has the traffic, and how far a roll-out is.

use std::io::{Result, Write};

use serde::Serialize;

use super::at;
use crate::report::releases::{SCHEMA_VERSION, Sheet, write_json};
use crate::report::style::{Painter, Role};
use crate::upgrade::blue_green::Roles;
use crate::upgrade::blue_green::kept::Kept;
use crate::upgrade::blue_green::next::Phase;
use crate::upgrade::blue_green::traffic::Route;

/// One of the two releases.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Stand {
    /// Its name.
    pub release: String,
    /// Whether it has the traffic; not known where nothing is kept of a roll-out, or it is not clear.
    pub live: Option<bool>,
    /// Its last revision; none where it is not installed.
    pub revision: Option<u32>,
    /// The status of that, as Helm spells it.
    pub status: Option<String>,
    /// Whether that is marked as proven.
    pub proven: bool,
}

/// How both stand (docs/schema/blue-green-status.json).
#[derive(Clone, Debug, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct StatusView {
    schema_version: u32,
    /// Their namespace.
    pub namespace: String,
    /// Both.
    pub releases: Vec<Stand>,
    /// Where the traffic goes now.
    pub route: Option<Route>,
    /// What is kept of the last roll-out.
    pub rollout: Option<Kept>,
}

impl StatusView {
    /// The view of this.
    #[must_use]
    pub fn new(namespace: String, releases: Vec<Stand>, (route, rollout): (Option<Route>, Option<Kept>)) -> Self {
        Self { schema_version: SCHEMA_VERSION, namespace, releases, route, rollout }
    }

    /// Writes it for a reader.
    ///
    /// # Errors
    /// If the writer fails.
    pub fn write_text(&self, painter: Painter, out: &mut impl Write) -> Result<()> {
        let mut sheet = Sheet::new(painter);
        let width = self.releases.iter().map(|stand| stand.release.chars().count()).max().unwrap_or_default();
        for stand in &self.releases {
            let (role, word) = match stand.live {
                Some(true) => (Role::Added, "live"),
                Some(false) => (Role::Plain, "idle"),
                None => (Role::Dim, "?"),
            };
            sheet.put(role, &format!("{word:<5} {:<width$}", stand.release));
            let is = match (stand.revision, &stand.status) {
                (Some(revision), Some(status)) => format!("revision {revision}, {status}"),
                _ => "not installed".to_owned(),
            };
            let proven = if stand.proven { ", proven" } else { "" };
            sheet.line(Role::Plain, &format!("  {is}{proven}"));
        }
        match &self.rollout {
            None => sheet.line(Role::Dim, "nothing is kept of a roll-out: what leads the traffic is not known here"),
            Some(kept) => self.rollout(kept, &mut sheet),
        }
        out.write_all(sheet.text.as_bytes())
    }

    fn rollout(&self, kept: &Kept, sheet: &mut Sheet) {
        let route = self.route.as_ref().map(|route| format!(": {route}")).unwrap_or_default();
        sheet.line(Role::Plain, &format!("led by {}{route}", kept.switch));
        let how = match (kept.is_open(), kept.outcome) {
            (true, _) => format!("not finished, {}", words(&kept.phase)),
            (false, Some(outcome)) => words(&outcome),
            (false, None) => "ended".to_owned(),
        };
        let role = if kept.is_open() { Role::Warning } else { Role::Plain };
        sheet.line(role, &format!("last roll-out: {} to {}, by {}: {how}", kept.chart, kept.roles.idle, kept.by));
        let times = [("switched", at(kept.switched)), ("to be retired", at(kept.due)), ("ended", at(kept.ended))];
        for (name, time) in times.into_iter().filter_map(|(name, time)| Some((name, time?))) {
            sheet.line(Role::Dim, &format!("  {name} {time}"));
        }
        if kept.phase == Phase::Paused && kept.is_open() {
            let Roles { live, idle } = &kept.roles;
            for word in ["promote", "abort"] {
                let command = format!("helm safe-upgrade blue-green {word} --blue {live} --green {idle}");
                sheet.line(Role::Plain, &format!("  {command} -n {}", self.namespace));
            }
        }
        if let Some(by) = &kept.promoted_by {
            sheet.line(Role::Dim, &format!("  promoted by {by}"));
        }
        if let Some(reason) = &kept.reason {
            sheet.line(Role::Plain, &format!("  {reason}"));
        }
    }

    /// Writes it as JSON.
    ///
    /// # Errors
    /// If the writer fails.
    pub fn write_json(&self, out: &mut impl Write) -> Result<()> {
        write_json(self, out)
    }
}

/// The words of a value as in the documents, without dashes.
fn words(value: &impl Serialize) -> String {
    let value = serde_json::to_value(value).ok();
    value.as_ref().and_then(serde_json::Value::as_str).unwrap_or_default().replace('-', " ")
}
