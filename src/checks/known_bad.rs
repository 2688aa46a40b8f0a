//! Whether the very manifest has failed before.

use super::{Check, Finding, Severity, Snapshot};

const NAME: &str = "known-bad";

pub(super) const CHECK: Check =
    Check::new(NAME, "the revisions that are marked as bad", run).rights("get Helm's storage");

fn run(snapshot: &Snapshot<'_>) -> Vec<Finding> {
    let mut findings = Vec::new();
    for bad in &snapshot.bad {
        let about = format!("revision {}", bad.revision);
        match &bad.same {
            Ok(None) => {}
            Ok(Some(description)) => {
                let message = "the upgrade would apply the same manifest, and it is marked as bad";
                let finding = Finding::new(NAME, Severity::Warning, message).about(about);
                findings.push(finding.seen_by(vec![description.clone()]).hint(
                    "if what was wrong is put right outside the chart, go on; else change the chart or the values",
                ));
            }
            Err(reason) => {
                let message = format!("it is marked as bad, and could not be compared: {reason}");
                findings.push(Finding::new(NAME, Severity::Unknown, message).about(about));
            }
        }
    }
    let marked = snapshot.history.entries().iter().filter(|entry| entry.marks.is_bad()).count();
    if let Some(more @ 1..) = marked.checked_sub(snapshot.bad.len()) {
        let revisions = if more == 1 { "one older revision is" } else { &format!("{more} older revisions are") };
        let message = format!("{revisions} marked as bad too, and not compared with this upgrade");
        findings.push(Finding::new(NAME, Severity::Unknown, message));
    }
    if findings.is_empty() {
        let message = match snapshot.bad.len() {
            0 => "no revision is marked as bad",
            _ => "no bad revision has this manifest",
        };
        findings.push(Finding::new(NAME, Severity::Pass, message));
    }
    findings
}

#[cfg(test)]
mod tests {
    use crate::checks::snapshot::BadRevision;
    use crate::checks::tests::found;
    use crate::checks::{Severity, Snapshot};
    use crate::release::history::{Entry, History};
    use crate::release::marks::Marks;

    #[test]
    fn bad_revisions_that_were_not_compared_are_told() {
        let marks = Marks { proven: None, bad: Some(jiff::Timestamp::UNIX_EPOCH), ..Marks::default() };
        let entry = |revision| Entry { revision, status_hint: "failed".into(), marks, ..Entry::default() };
        let history: &History = Box::leak(Box::new(History::new((1..=12).map(entry).collect())));
        let says = |compared: u32| {
            let bad = (1..=compared).map(|revision| BadRevision { revision, same: Ok(None) }).collect();
            let change = |snapshot: &mut Snapshot<'_>| (snapshot.history, snapshot.bad) = (history, bad);
            let said = found(change).into_iter().filter(|one| one.check == "known-bad");
            said.map(|one| (one.severity, one.message)).collect::<Vec<_>>()
        };
        let message = "2 older revisions are marked as bad too, and not compared with this upgrade".to_owned();
        assert_eq!(says(10), [(Severity::Unknown, message)]);
        assert_eq!(says(12), []);
    }
}
