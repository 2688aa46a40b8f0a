//! Whether the chart's archive is the one that was published, as far as something says so.

use super::super::{Check, Finding, Severity, Snapshot};
use super::named;
use super::seen::Archive;

const NAME: &str = "provenance";

pub(crate) const CHECK: Check =
    Check::new(NAME, "whether the chart's archive is the one that its provenance file and the index name", run);

fn run(snapshot: &Snapshot<'_>) -> Vec<Finding> {
    let about = named(&snapshot.releases.new.chart);
    let seen = &snapshot.chart_seen;
    let Some(archive) = &seen.archive else {
        return vec![
            Finding::new(NAME, Severity::Pass, "the chart is in a folder, which nothing vouches for").about(about),
        ];
    };
    let digest = match &archive.digest {
        Ok(digest) => digest,
        Err(reason) => return vec![Finding::new(NAME, Severity::Unknown, reason.clone()).about(about)],
    };
    let findings = [of_index(snapshot, digest), of_file(archive, digest, seen.verified)];
    let findings: Vec<Finding> = findings.into_iter().flatten().map(|finding| finding.about(about.clone())).collect();
    if !findings.is_empty() {
        return findings;
    }
    let message = match seen.verified {
        true => "helm has verified the signature of the chart",
        false => "no provenance file comes with the chart",
    };
    vec![Finding::new(NAME, Severity::Pass, message).about(about).seen_by(vec![format!("sha256:{digest}")])]
}

/// What the index says of the archive's digest.
fn of_index(snapshot: &Snapshot<'_>, digest: &str) -> Option<Finding> {
    let index = snapshot.chart_seen.index.as_ref()?.as_ref().ok()?;
    let version = snapshot.releases.new.chart.version();
    let listed = index.versions.iter().find(|one| one.version == version)?.digest.as_deref()?;
    if listed == digest || listed.is_empty() {
        return None;
    }
    let message = format!("the archive is not the one that the index of {:?} names", index.repository);
    let seen = vec![format!("the index: sha256:{listed}"), format!("the archive: sha256:{digest}")];
    let hint = format!("helm repo update {}; if it stays so, the version was published twice", index.repository);
    Some(Finding::new(NAME, Severity::Warning, message).seen_by(seen).hint(hint))
}

/// What the provenance file says of it.
fn of_file(archive: &Archive, digest: &str, verified: bool) -> Option<Finding> {
    let text = match archive.provenance.as_ref()? {
        Ok(text) => text,
        Err(reason) => return Some(Finding::new(NAME, Severity::Unknown, reason.clone())),
    };
    let named = signed_digests(text);
    if named.is_empty() {
        return Some(Finding::new(NAME, Severity::Unknown, "the provenance file names no digest"));
    }
    if !named.iter().any(|one| one == digest) {
        let message = "the archive is not the one that its provenance file names: it was changed after it was signed";
        let seen = vec![format!("the file: sha256:{}", named.join(", ")), format!("the archive: sha256:{digest}")];
        return Some(Finding::new(NAME, Severity::Warning, message).seen_by(seen).hint("do not use it; fetch it anew"));
    }
    if verified {
        return None;
    }
    let message = "a provenance file comes with the chart, and its signature was not verified";
    Some(Finding::new(NAME, Severity::Info, message).hint("--verify, with --keyring"))
}

/// The digests of a provenance file: lines like `  web-1.0.0.tgz: sha256:…` below `files:`.
fn signed_digests(text: &str) -> Vec<String> {
    let files = text.lines().skip_while(|line| line.trim_end() != "files:").skip(1);
    let files = files.take_while(|line| line.starts_with(' '));
    let digest = |line: &str| line.rsplit_once("sha256:").map(|(_, digest)| digest.trim().to_ascii_lowercase());
    files.filter_map(digest).filter(|digest| digest.len() == 64).take(10).collect()
}
