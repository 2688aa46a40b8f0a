//! Whether upgrades may be made now.

pub mod cron;
pub mod schedule;

use jiff::Timestamp;

use super::{Check, Finding, Severity, Snapshot};
use schedule::{Opening, Windows};

/// The name of the check.
pub const NAME: &str = "window";

pub(super) const CHECK: Check =
    Check::new(NAME, "whether upgrades may be made now, by the windows of the configuration", run)
        .worst(Severity::Blocker);

/// What is known of the windows of an upgrade.
#[derive(Clone, Debug, Default)]
pub struct Window {
    /// When upgrades may be made.
    pub windows: Windows,
    /// Why it is made outside of them: `--override-window`.
    pub overridden: Option<String>,
    /// Whether it is only planned now, and made later.
    pub is_plan: bool,
}

fn run(snapshot: &Snapshot<'_>) -> Vec<Finding> {
    look(snapshot.window, snapshot.now)
}

/// Whether it may be done now.
#[must_use]
pub fn look(window: &Window, now: Timestamp) -> Vec<Finding> {
    let Window { windows, overridden, is_plan } = window;
    if *windows == Windows::default() {
        return vec![Finding::new(NAME, Severity::Pass, "no window is set")];
    }
    let Some((message, mut evidence)) = closed(windows, now) else {
        let open = windows.allow.iter().find_map(|opening| Some((opening, opening.ends(now)?)));
        let message = match open {
            Some((opening, end)) => format!("open until {}", opening.zone.tell(end)),
            None => "no freeze, and no window that denies it".to_owned(),
        };
        return vec![Finding::new(NAME, Severity::Pass, message)];
    };
    if let Some(reason) = overridden {
        evidence.push(format!("overridden: {reason}"));
        let finding = Finding::new(NAME, Severity::Warning, message).seen_by(evidence);
        return vec![finding.hint("the reason is recorded in the description of the revision")];
    }
    if *is_plan {
        let finding = Finding::new(NAME, Severity::Warning, message).seen_by(evidence);
        return vec![finding.hint("a plan may be made at any time: helm safe-upgrade apply looks again")];
    }
    let hint = "wait for it; --override-window REASON goes on, and records the reason";
    vec![Finding::new(NAME, Severity::Blocker, message).seen_by(evidence).hint(hint)]
}

/// Why nothing may be done now, and what it was seen by.
fn closed(windows: &Windows, now: Timestamp) -> Option<(String, Vec<String>)> {
    let because = |reason: &Option<String>| reason.clone().map(|reason| format!("reason: {reason}"));
    let frozen = windows.freezes.iter().filter(|freeze| now < freeze.until).max_by_key(|freeze| freeze.until);
    if let Some(freeze) = frozen {
        let message = format!("upgrades are frozen until {}", freeze.zone.tell(freeze.until));
        return Some((message, because(&freeze.reason).into_iter().collect()));
    }
    let denied = windows.deny.iter().filter_map(|opening| Some((opening, opening.ends(now)?)));
    if let Some((opening, end)) = denied.max_by_key(|(_, end)| *end) {
        let message = format!("upgrades are denied until {}", opening.zone.tell(end));
        let mut evidence = vec![format!("denied: {}", opening.tell())];
        evidence.extend(because(&opening.reason));
        return Some((message, evidence));
    }
    if windows.allow.is_empty() || windows.allow.iter().any(|opening| opening.ends(now).is_some()) {
        return None;
    }
    let next = |opening: &Opening| Some((opening.begins(now)?, opening.zone.clone()));
    let next = windows.allow.iter().filter_map(next).min_by_key(|(start, _)| *start);
    let message = match next {
        Some((start, zone)) => format!("no window is open; the next one opens {}", zone.tell(start)),
        None => "no window is open, and none opens within a year".to_owned(),
    };
    Some((message, windows.allow.iter().map(|opening| format!("allowed: {}", opening.tell())).collect()))
}

#[cfg(test)]
mod tests {
    use super::schedule::{Freeze, When, Zone};
    use super::*;
    use crate::checks::tests::says_all;

    /// What the check says on Friday, 2026-11-20, at noon in Berlin.
    fn says(window: Window) -> Finding {
        let window = Box::leak(Box::new(window));
        let found = says_all(|snapshot| {
            snapshot.now = "2026-11-20T11:00:00Z".parse().unwrap();
            snapshot.window = window;
        });
        found.into_iter().find(|finding| finding.check == NAME).unwrap()
    }

    fn daily(from: &str, to: &str, reason: Option<&str>) -> Opening {
        let when = When::Weekly([true; 7], from.parse().unwrap(), to.parse().unwrap());
        Opening { when, zone: Zone::named("Europe/Berlin").unwrap(), reason: reason.map(str::to_owned) }
    }

    fn freeze(until: &str) -> Freeze {
        Freeze { until: until.parse().unwrap(), zone: Zone::default(), reason: Some("sale".into()) }
    }

    #[test]
    fn an_upgrade_waits_for_its_window() {
        let of = |windows| Window { windows, ..Window::default() };
        assert_eq!(says(Window::default()).message, "no window is set");
        let open = Windows { allow: vec![daily("11:00", "13:00", None)], ..Windows::default() };
        let found = says(of(open.clone()));
        assert_eq!(
            (found.severity, found.message.as_str()),
            (Severity::Pass, "open until Fri 2026-11-20 13:00 Europe/Berlin")
        );
        let closed =
            Windows { allow: vec![daily("08:00", "12:00", None), daily("20:00", "22:00", None)], ..Windows::default() };
        let found = says(of(closed.clone()));
        assert_eq!(found.severity, Severity::Blocker);
        assert_eq!(found.message, "no window is open; the next one opens Fri 2026-11-20 20:00 Europe/Berlin");
        assert_eq!(
            found.evidence,
            ["allowed: daily 08:00-12:00 Europe/Berlin", "allowed: daily 20:00-22:00 Europe/Berlin"]
        );
        // Denied is denied, whatever is allowed.
        let denied = Windows { deny: vec![daily("10:00", "12:30", Some("lunch"))], ..open.clone() };
        let found = says(of(denied));
        assert_eq!(
            (found.severity, found.message.as_str()),
            (Severity::Blocker, "upgrades are denied until Fri 2026-11-20 12:30 Europe/Berlin")
        );
        assert_eq!(found.evidence[1], "reason: lunch");
        // A freeze is over when its time has come; of several, the last counts.
        let frozen =
            Windows { freezes: vec![freeze("2026-12-01T00:00:00Z"), freeze("2026-11-25T00:00:00Z")], ..open.clone() };
        assert_eq!(says(of(frozen)).message, "upgrades are frozen until Tue 2026-12-01 00:00 UTC");
        let over = Windows { freezes: vec![freeze("2026-11-20T11:00:00Z")], ..open };
        assert_eq!(says(of(over)).severity, Severity::Pass);
        // With a reason it goes on, and a plan may be made at any time.
        let overridden = Window { windows: closed.clone(), overridden: Some("outage".into()), is_plan: false };
        let found = says(overridden);
        assert_eq!((found.severity, found.evidence[2].as_str()), (Severity::Warning, "overridden: outage"));
        assert_eq!(says(Window { windows: closed, overridden: None, is_plan: true }).severity, Severity::Warning);
    }
}
