//! A release that is stuck in a pending status: what speaks for and against an owner at work, and what became of it.

use std::io::{Result, Write};

use jiff::Timestamp;
use serde::Serialize;

use crate::report::releases::{Command, Owner, SCHEMA_VERSION, Sheet, ago};
use crate::report::style::{Painter, Role};

/// What is known of a release that may be stuck.
#[derive(Clone, Debug, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct UnlockView {
    /// The version of the document's form.
    pub schema_version: u32,
    /// The release's name.
    pub release: String,
    /// Its namespace.
    pub namespace: String,
    /// The last revision.
    pub revision: u32,
    /// Its status, as Helm spells it.
    pub status: String,
    /// When it was made.
    pub since: Option<Timestamp>,
    /// The lease, where there is one.
    pub owner: Option<Owner>,
    /// Why the lease can't be read.
    pub owner_unknown: Option<String>,
    /// Processes on this machine that may be at work on the release; `None` where they can't be looked at.
    pub processes: Option<Vec<Process>>,
    /// Hooks of the revision that still run.
    pub hooks: Vec<String>,
    /// Why not all hooks could be looked at.
    pub hooks_unknown: Option<String>,
    /// What runs, beside the manifests.
    pub live: Vec<Live>,
    /// Whether there is proof that nobody is at work.
    pub owner_gone: bool,
    /// Why there is, or why there is not.
    pub reason: String,
    /// Whether the revision was set to failed.
    pub unlocked: bool,
    /// What can be done next.
    pub commands: Vec<Command>,
    /// When all this was seen.
    pub observed: Timestamp,
}

/// A process on this machine.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Process {
    /// Its id.
    pub pid: u32,
    /// The program and the words that say what it does. Values may be secret and are left out.
    pub command: String,
    /// Whether it works in the release's namespace. If not, nobody knows in which it does.
    #[serde(rename = "sameNamespace")]
    pub same_namespace: bool,
}

/// What runs, beside the manifest of a revision.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Live {
    /// The revision.
    pub revision: u32,
    /// Its status, as Helm spells it.
    pub status: String,
    /// How many of its objects were compared.
    pub compared: usize,
    /// How many of those are as its manifest says.
    pub equal: usize,
    /// Why not all could be compared.
    pub problem: Option<String>,
}

impl UnlockView {
    /// Whether the release is in a pending status at all.
    #[must_use]
    pub fn is_pending(&self) -> bool {
        self.status.starts_with("pending")
    }

    /// Writes what is known, for a reader.
    ///
    /// # Errors
    /// If the writer fails.
    pub fn write_text(&self, painter: Painter, out: &mut impl Write) -> Result<()> {
        let mut sheet = Sheet::new(painter);
        if !self.is_pending() {
            let text = format!("not locked: revision {} is {}", self.revision, self.status);
            sheet.head(&self.release, &self.namespace, Role::Plain, &text);
            return out.write_all(sheet.text.as_bytes());
        }
        let since = self.since.map(|time| format!(" since {}", ago(time, self.observed))).unwrap_or_default();
        let text = format!("revision {} is {}{since}", self.revision, self.status);
        sheet.head(&self.release, &self.namespace, Role::Warning, &text);
        self.owner(&mut sheet);
        self.processes(&mut sheet);
        self.hooks(&mut sheet);
        self.live(&mut sheet);
        sheet.text.push('\n');
        match self.owner_gone {
            true => sheet.line(Role::Added, &format!("Nobody is at work: {}.", self.reason)),
            false => sheet.line(Role::Warning, &format!("Nothing proves that nobody is at work: {}.", self.reason)),
        }
        out.write_all(sheet.text.as_bytes())
    }

    /// Writes what became of it, for a reader.
    ///
    /// # Errors
    /// If the writer fails.
    pub fn write_result(&self, painter: Painter, out: &mut impl Write) -> Result<()> {
        let mut sheet = Sheet::new(painter);
        if self.unlocked {
            sheet.line(Role::Added, &format!("Unlocked: revision {} is failed now.", self.revision));
            sheet.commands("Next", &self.commands);
        }
        out.write_all(sheet.text.as_bytes())
    }

    fn owner(&self, sheet: &mut Sheet) {
        match (&self.owner, &self.owner_unknown) {
            (Some(owner), _) => {
                let end = match owner.alive {
                    Some(true) => " (alive)",
                    Some(false) => " (gone)",
                    None => "",
                };
                let role = if owner.alive == Some(false) { Role::Plain } else { Role::Warning };
                sheet.fact("lease", role, &format!("{}{end}", owner.sentence(self.observed)));
            }
            (None, Some(reason)) => sheet.fact("lease", Role::Warning, &format!("not known: {reason}")),
            (None, None) => sheet.fact(
                "lease",
                Role::Plain,
                "none: it was not helm safe-upgrade that did this, or it could make no lease",
            ),
        }
    }

    fn processes(&self, sheet: &mut Sheet) {
        match &self.processes {
            None => sheet.fact("processes", Role::Dim, "can't be looked at on this system"),
            Some(found) if found.is_empty() => {
                sheet.fact("processes", Role::Plain, "none for this release on this machine")
            }
            Some(found) => {
                for Process { pid, command, same_namespace } in found {
                    let where_to = if *same_namespace { "" } else { "  (of some namespace)" };
                    sheet.fact("processes", Role::Warning, &format!("{pid}  {command}{where_to}"));
                }
            }
        }
    }

    fn hooks(&self, sheet: &mut Sheet) {
        for hook in &self.hooks {
            sheet.fact("hooks", Role::Warning, &format!("{hook} still runs"));
        }
        match &self.hooks_unknown {
            Some(reason) => sheet.fact("hooks", Role::Warning, &format!("not known: {reason}")),
            None if self.hooks.is_empty() => sheet.fact("hooks", Role::Plain, "none is running"),
            None => {}
        }
    }

    fn live(&self, sheet: &mut Sheet) {
        for live in &self.live {
            let Live { revision, status, compared, equal, problem } = live;
            let mut text = format!("{equal} of {compared} objects are as in revision {revision} ({status})");
            if let Some(problem) = problem {
                text.push_str(&format!("; {problem}"));
            }
            sheet.fact("live", if problem.is_some() { Role::Warning } else { Role::Plain }, &text);
        }
    }
}

impl Default for UnlockView {
    fn default() -> Self {
        Self {
            schema_version: SCHEMA_VERSION,
            release: String::new(),
            namespace: String::new(),
            revision: 0,
            status: String::new(),
            since: None,
            owner: None,
            owner_unknown: None,
            processes: None,
            hooks: Vec::new(),
            hooks_unknown: None,
            live: Vec::new(),
            owner_gone: false,
            reason: String::new(),
            unlocked: false,
            commands: Vec::new(),
            observed: Timestamp::UNIX_EPOCH,
        }
    }
}
