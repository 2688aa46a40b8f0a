//! Our reading of versions and of ranges of them against the original in Go (`github.com/Masterminds/semver/v3`, which Helm
//! uses), which made the answers in `vectors/semver.json`.

#![allow(clippy::unwrap_used, clippy::expect_used)] // a test fails by panicking

use helm_safe_upgrade::manifest::constraint::Constraint;
use helm_safe_upgrade::manifest::version::Version;

#[derive(serde::Deserialize)]
struct Vectors {
    versions: Vec<String>,
    invalid: Vec<String>,
    ordered: Vec<String>,
    ranges: Vec<Range>,
}

/// A range, whether it is one, and which of the versions are in it.
#[derive(serde::Deserialize)]
struct Range {
    constraint: String,
    valid: bool,
    allows: Vec<String>,
}

fn vectors() -> Vectors {
    serde_json::from_str(include_str!("vectors/semver.json")).unwrap()
}

#[test]
fn versions_are_read_and_ordered_as_helm_does() {
    let vectors = vectors();
    for text in &vectors.invalid {
        assert_eq!(Version::parse(text), None, "{text:?}");
    }
    let ordered: Vec<Version> = vectors.ordered.iter().map(|text| Version::parse(text).expect(text)).collect();
    assert!(ordered.len() > 40 && ordered.is_sorted(), "{ordered:#?}");
}

#[test]
fn ranges_allow_what_helm_allows() {
    let vectors = vectors();
    let versions: Vec<(&String, Version)> =
        vectors.versions.iter().map(|text| (text, Version::parse(text).expect(text))).collect();
    let mut wrong = Vec::new();
    assert!(vectors.ranges.len() > 100);
    for Range { constraint, valid, allows } in &vectors.ranges {
        let Some(read) = Constraint::parse(constraint) else {
            wrong.extend(valid.then(|| format!("{constraint:?} is a range")));
            continue;
        };
        wrong.extend((!valid).then(|| format!("{constraint:?} is no range")));
        for (text, version) in versions.iter().filter(|_| *valid) {
            let allowed = read.allows(version);
            wrong.extend((allowed != allows.contains(text)).then(|| format!("{constraint:?} {text:?}: {allowed}")));
        }
    }
    assert!(wrong.is_empty(), "{wrong:#?}");
}
