//! What a plan tells, and what it does not give away.

use super::*;
use crate::manifest::document::Manifest;

const SECRET: &str = "apiVersion: v1\nkind: Secret\nmetadata: {name: pin}\nstringData: {pin: '1234'}\n---\napiVersion: v1\nkind: ConfigMap\nmetadata: {name: made}\ndata: {stamp: STAMP, fixed: x}\n";

fn digests(key: &Key, text: &str, anew: &[Anew]) -> Digests {
    let mut release = Release::of_manifest(String::new());
    release.manifest = Manifest::new(text.to_owned());
    key.of_objects(&release, true, anew)
}

#[test]
fn digests_need_what_only_the_cluster_knows() {
    let of = |identifier: &str| digests(&Key::new("salt", &[identifier.to_owned()]), SECRET, &[]);
    assert_eq!(of("uid-1"), of("uid-1"));
    assert_ne!(of("uid-1")["Secret/pin"], of("uid-2")["Secret/pin"]);
    assert_ne!(Key::new("a", &[]).digest(b"x"), Key::new("b", &[]).digest(b"x"));
}

#[test]
fn what_is_made_anew_is_left_out_and_nothing_else() {
    let key = Key::new("salt", &["uid".to_owned()]);
    let anew = [Anew { object: "ConfigMap/made".into(), paths: vec!["/data/stamp".into()] }];
    let first = digests(&key, &SECRET.replace("STAMP", "1"), &anew);
    assert_eq!(first, digests(&key, &SECRET.replace("STAMP", "2"), &anew));
    assert_ne!(first, digests(&key, &SECRET.replace("fixed: x", "fixed: y"), &anew));
    assert_ne!(first, digests(&key, &SECRET.replace("1234", "1235"), &anew));
    let whole = [Anew { object: "ConfigMap/made".into(), paths: Vec::new() }];
    assert_eq!(digests(&key, SECRET, &whole).keys().collect::<Vec<_>>(), ["Secret/pin"]);
}

#[test]
fn each_change_is_named() {
    let one = |name: &str, digest: &str| Digests::from([(name.to_owned(), digest.to_owned())]);
    let then = RestsOn { last: 1, status: "deployed".into(), proposed: one("A/a", "1"), ..RestsOn::default() };
    assert!(changes(&then, &then, true).is_empty());
    let now = |change: &dyn Fn(&mut RestsOn)| {
        let mut now = then.clone();
        change(&mut now);
        changes(&then, &now, true).join("; ")
    };
    assert_eq!(now(&|now| now.proposed = one("A/a", "2")), "rendered A/a: its content is another");
    assert_eq!(now(&|now| now.proposed = one("A/b", "1")), "rendered A/a: it is gone; rendered A/b: it is new");
    assert_eq!(now(&|now| now.drift = one("A/a", "1")), "live A/a: it was changed in the cluster");
    assert!(now(&|now| now.supplied = "x".into()).starts_with("values: what is supplied"));
    assert!(now(&|now| now.computed = "x".into()).starts_with("values: what the templates see"));
    assert!(now(&|now| now.chart = "x".into()).starts_with("chart:"));
    assert!(now(&|now| now.helm = 4).starts_with("helm:"));
    assert_eq!(
        now(&|now| (now.last, now.status) = (2, "failed".into())),
        "release: the last revision was revision 1, deployed, and is now revision 2, failed"
    );
    assert_eq!(now(&|now| now.server = "x".into()), "", "the same cluster by another name");
}
