//! What Helm prints around a manifest: lines about a chart that it pulled, warnings, and the report of an installation.
//!
//! `helm template oci://… > file` puts `Pulled: …` and `Digest: …` before the first document where standard error goes to
//! the same file; `helm install --dry-run` prints a head, hooks, the manifest and the notes.

/// Lines that head the parts of the report of an installation.
const HEADS: [&str; 3] = ["HOOKS:", "MANIFEST:", "COMPUTED VALUES:"];

/// Takes out what is no part of the manifest, line by line, so that all others keep their numbers. Returns the rest, and
/// the lines that were taken out with their numbers from 1. None if the text is a manifest as it is.
#[must_use]
pub fn take_out(text: &str) -> Option<(String, Vec<(usize, &str)>)> {
    let end = preamble_end(text)?;
    let is_report = text[..end].lines().any(|line| line.starts_with("NAME: "));
    let mut kept = String::with_capacity(text.len());
    let mut taken = Vec::new();
    let mut in_notes = false;
    let mut at = 0;
    for (index, line) in text.split_inclusive('\n').enumerate() {
        let content = line.trim_end_matches(['\n', '\r']);
        in_notes |= is_report && at >= end && content == "NOTES:";
        if at < end || in_notes || (is_report && HEADS.contains(&content)) {
            if !content.trim().is_empty() {
                taken.push((index + 1, content));
            }
            kept.push('\n');
        } else {
            kept.push_str(line);
        }
        at += line.len();
    }
    Some((kept, taken))
}

/// Where the first document starts, if what is before it belongs to no document. It must be one that starts with `---`,
/// and before it there must be text, but neither a field of an object nor an indented line.
fn preamble_end(text: &str) -> Option<usize> {
    let mut at = 0;
    let mut has_text = false;
    for line in text.split_inclusive('\n') {
        let content = line.trim_end();
        if content == "---" || content.starts_with("--- ") {
            return has_text.then_some(at);
        }
        let is_object = ["apiVersion:", "kind:", "metadata:", "{", "[", "\"", "'", "%", " ", "\t"];
        if is_object.iter().any(|start| content.starts_with(start)) {
            return None;
        }
        has_text |= !content.is_empty() && !content.starts_with('#');
        at += line.len();
    }
    None
}

/// Whether a text may be a manifest: each object says its kind.
#[must_use]
pub fn may_be_manifest(text: &str) -> bool {
    let is_content = |line: &str| !matches!(line, "" | "---" | "..." | "null" | "{}") && !line.starts_with('#');
    memchr::memmem::find(text.as_bytes(), b"kind").is_some() || !text.lines().map(str::trim).any(is_content)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lines_before_the_first_document_are_taken_out() {
        let text = "Pulled: registry/web:1\nDigest: sha256:0\nwalk.go:74: found symbolic link: x\n---\nkind: A\n";
        let (kept, taken) = take_out(text).unwrap();
        assert_eq!(kept, "\n\n\n---\nkind: A\n");
        assert_eq!(taken.len(), 3);
        assert_eq!(taken[0], (1, "Pulled: registry/web:1"));
    }

    #[test]
    fn the_report_of_an_installation_is_taken_out() {
        let text =
            "NAME: web\nSTATUS: pending-install\nHOOKS:\n---\nkind: Job\nMANIFEST:\n---\nkind: A\nNOTES:\n1. Look\n";
        let (kept, taken) = take_out(text).unwrap();
        assert_eq!(kept, "\n\n\n---\nkind: Job\n\n---\nkind: A\n\n\n");
        assert_eq!(taken.iter().map(|(line, _)| *line).collect::<Vec<_>>(), [1, 2, 3, 6, 9, 10]);
    }

    #[test]
    fn a_manifest_stays_as_it_is() {
        for text in [
            "",
            "---\nkind: A\n",
            "# Source: a\n\n---\nkind: A\n",
            "apiVersion: v1\nkind: A\n---\nkind: B\n",
            "metadata: {name: a}\nkind: A\n---\nkind: B\n",
            "spec:\n  a: 1\nkind: A\n---\nkind: B\n",
            "{\"kind\": \"A\"}\n---\nkind: B\n",
            "kind: A\nNOTES:\n",
        ] {
            assert_eq!(take_out(text), None, "{text:?}");
        }
    }

    #[test]
    fn other_texts_are_no_manifest() {
        assert!(!may_be_manifest("just text\n") && !may_be_manifest("replicaCount: 1\n"));
        assert!(may_be_manifest("") && may_be_manifest("---\n# nothing\n") && may_be_manifest("kind: A\n"));
    }
}
