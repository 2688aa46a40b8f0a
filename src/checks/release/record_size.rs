//! Whether the revision fits into the object in which Helm stores it.

use crate::checks::{Check, Finding, Severity, Snapshot};

const NAME: &str = "record-size";

/// What a Secret and a ConfigMap hold at most (`MaxSecretSize` in Kubernetes' `pkg/apis/core/types.go`).
const LIMIT: usize = 1024 * 1024;

/// Helm's compression is not ours: the size is known to a few percent.
const SURELY_TOO_LARGE: usize = LIMIT / 100 * 103;

/// From here on a few more templates are too many.
const LARGE: usize = LIMIT / 100 * 80;

pub(in crate::checks) const CHECK: Check =
    Check::new(NAME, "the size of the new revision in Helm's storage, against 1 MiB", run).worst(Severity::Blocker);

fn run(snapshot: &Snapshot<'_>) -> Vec<Finding> {
    let finding = |severity, message: String| Finding::new(NAME, severity, message);
    let size = match &snapshot.record_size {
        Ok(Some(size)) => *size,
        Ok(None) => {
            return vec![finding(Severity::Pass, "revisions are stored where there is no such limit".to_owned())];
        }
        Err(reason) => return vec![finding(Severity::Unknown, format!("the size of the new revision: {reason}"))],
    };
    let of_limit =
        format!("the new revision takes about {} KiB of the 1,024 KiB that an object holds", thousands(size / 1024));
    let (severity, message) = match size {
        size if size > SURELY_TOO_LARGE => (Severity::Blocker, format!("{of_limit}: helm can't store it")),
        size if size > LARGE => (Severity::Warning, of_limit),
        _ => return vec![finding(Severity::Pass, "the new revision fits into an object of Helm's storage".to_owned())],
    };
    let hint = "a record holds the chart's templates and files, the values and the manifest, compressed: leave out of the chart what \
                it does not need (.helmignore), or split it; HELM_DRIVER=sql has no such limit";
    vec![finding(severity, message).hint(hint)]
}

fn thousands(number: usize) -> String {
    match number {
        0..1000 => number.to_string(),
        _ => format!("{},{:03}", number / 1000, number % 1000),
    }
}
