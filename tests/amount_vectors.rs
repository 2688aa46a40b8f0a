//! Our reading of quantities and durations against the originals in Go, which made the answers in `vectors/`.

use helm_safe_upgrade::manifest::duration::Duration;
use helm_safe_upgrade::manifest::quantity::Quantity;

/// A text, and what Go reads: nothing where it refuses.
#[derive(serde::Deserialize)]
struct Vector<T> {
    text: String,
    canonical: Option<String>,
    nanos: Option<T>,
}

#[test]
fn quantities_are_read_and_written_as_kubernetes_does() {
    let vectors: Vec<Vector<String>> = serde_json::from_str(include_str!("vectors/quantity.json")).unwrap();
    assert!(vectors.len() > 500);
    let mut wrong = Vec::new();
    for Vector { text, canonical, nanos } in vectors {
        let read = Quantity::parse(&text);
        let found = (read.map(|q| q.to_string()), read.map(|q| q.nanos().to_string()));
        if found != (canonical.clone(), nanos.clone()) {
            wrong.push(format!("{text:?}: {found:?}, not {:?}", (canonical, nanos)));
        }
    }
    assert!(wrong.is_empty(), "{wrong:#?}");
}

#[test]
fn durations_are_read_and_written_as_go_does() {
    let vectors: Vec<Vector<i64>> = serde_json::from_str(include_str!("vectors/duration.json")).unwrap();
    let mut wrong = Vec::new();
    for Vector { text, canonical, nanos } in vectors {
        let read = Duration::parse(&text);
        let found = (read.map(|d| d.to_string()), read.map(Duration::nanos));
        if found != (canonical.clone(), nanos) {
            wrong.push(format!("{text:?}: {found:?}, not {:?}", (canonical, nanos)));
        }
    }
    assert!(wrong.is_empty(), "{wrong:#?}");
}
