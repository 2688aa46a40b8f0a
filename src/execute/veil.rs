//! What is told and written of a run, without the content of the release's Secrets: Helm, gates and pods may quote it.
//!
//! All that a run tells goes through here, as does what it writes into the record. What is secret is gathered from every
//! release that the run deals with, once, when something is told for the first time.

use std::collections::HashMap;
use std::sync::{Mutex, OnceLock, PoisonError};

use super::Listener;
use crate::command::evidence::Secrets;
use crate::manifest::mask::Masker;
use crate::release::Release;
use crate::upgrade::event::{Event, Part, Report};
use crate::upgrade::judge::{Row, Sign, State};

/// So many texts are remembered, as rows of a table are told again and again.
const REMEMBERED: usize = 1000;

/// Hides what is secret in all that is told of a run.
pub(super) struct Veil<'a> {
    listener: &'a dyn Listener,
    releases: Vec<&'a Release>,
    /// What is written is masked, whatever the user wants to see.
    masker: Masker,
    /// Whether what is told is masked too.
    masks: bool,
    secrets: OnceLock<Secrets>,
    known: Mutex<HashMap<String, String>>,
}

impl<'a> Veil<'a> {
    /// Over a listener, for these releases. The key is that of the digests that stand for secrets.
    pub(super) fn new(listener: &'a dyn Listener, releases: Vec<&'a Release>, (key, masks): (&[u8], bool)) -> Self {
        let (secrets, known) = (OnceLock::new(), Mutex::default());
        Self { listener, releases, masker: Masker::new(key), masks, secrets, known }
    }

    /// A text to tell.
    pub(super) fn mask(&self, text: &str) -> String {
        if self.masks { self.mask_to_keep(text) } else { text.to_owned() }
    }

    /// A text to write into the record.
    pub(super) fn mask_to_keep(&self, text: &str) -> String {
        if text.is_empty() {
            return String::new();
        }
        if let Some(masked) = self.known.lock().unwrap_or_else(PoisonError::into_inner).get(text) {
            return masked.clone();
        }
        let masked = self.secrets.get_or_init(|| Secrets::of(&self.releases, &self.masker)).mask(text);
        let mut known = self.known.lock().unwrap_or_else(PoisonError::into_inner);
        if known.len() >= REMEMBERED {
            known.clear();
        }
        known.insert(text.to_owned(), masked.clone());
        masked
    }

    /// A report to tell.
    pub(super) fn report(&self, report: Report) -> Report {
        let mask = |text: String| self.mask(&text);
        let part = |part: Part| Part { name: mask(part.name), result: mask(part.result), ..part };
        Report {
            summary: mask(report.summary),
            reasons: self.all(&report.reasons),
            cause: report.cause.map(mask),
            hint: report.hint.map(mask),
            next: self.all(&report.next),
            parts: report.parts.into_iter().map(part).collect(),
            ..report
        }
    }

    fn all(&self, texts: &[String]) -> Vec<String> {
        texts.iter().map(|text| self.mask(text)).collect()
    }

    fn row(&self, row: &Row) -> Row {
        let state = match &row.state {
            State::Ready => State::Ready,
            State::Waiting(reason) => State::Waiting(self.mask(reason)),
            State::Failed(reason) => State::Failed(self.mask(reason)),
            State::Unverified(reason) => State::Unverified(self.mask(reason)),
            State::Unknown(reason) => State::Unknown(self.mask(reason)),
        };
        let event = row.event.as_ref().map(|event| self.mask(event));
        Row { state, event, ..row.clone() }
    }

    fn sign(&self, sign: &Sign) -> Sign {
        Sign { message: self.mask(&sign.message), ..sign.clone() }
    }

    fn event(&self, event: &Event) -> Event {
        let mask = |text: &mut String| *text = self.mask(text);
        let mut event = event.clone();
        match &mut event {
            Event::Notice { text } | Event::Warning { text } => mask(text),
            Event::Progress { rows, signs, .. } => {
                rows.iter_mut().for_each(|row| *row = self.row(row));
                signs.iter_mut().for_each(|sign| *sign = self.sign(sign));
            }
            Event::HelmEnded { message, .. } => mask(message),
            Event::Verdict { reasons, .. } => reasons.iter_mut().for_each(mask),
            Event::Gate { name, detail, .. } => {
                mask(name);
                mask(detail);
            }
            Event::Evidence { cause, hint, .. } => cause.iter_mut().chain(hint).for_each(mask),
            Event::Recorded { description, .. } => mask(description),
            Event::Compared { differing, .. } => differing.iter_mut().for_each(mask),
            Event::Done(report) => *report = self.report(report.clone()),
            Event::Observed { .. } | Event::Begun { .. } | Event::Proven { .. } | Event::Pruned { .. } => {}
        }
        event
    }
}

impl Listener for Veil<'_> {
    fn hear(&self, event: &Event) {
        if self.masks {
            self.listener.hear(&self.event(event));
        } else {
            self.listener.hear(event);
        }
    }
}
