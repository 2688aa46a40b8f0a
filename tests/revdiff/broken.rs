//! A damaged record among good ones: the error names it and says what to do, and the others still work.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use flate2::{Compress, Compression, FlushCompress};
use serde_json::json;

use crate::record::{Record, encoded, gzip};
use crate::user::User;

stories!(
    a_payload_that_is_no_base64,
    a_payload_that_is_cut_off,
    a_payload_that_inflates_without_end,
    a_payload_of_other_json,
    a_payload_of_no_json,
    a_record_without_its_key,
    a_record_of_another_revision,
    a_damaged_record_where_the_deployed_one_is_looked_for,
    all_records_damaged,
);

/// Three revisions, the second of which is damaged.
fn with_a_damaged_revision(user: &User, damage: impl FnOnce(&Record<'_>), cause: &str) {
    for revision in 1..=3 {
        user.upgrades("parts", &format!("configMaps: {{settings: {{number: '{revision}'}}}}"));
    }
    damage(&Record::of(user, "web", 2));
    let expected = format!(
        r#"
        Error: cannot read revision 2 of release "web": Secret "sh.helm.release.v1.web.v2" in namespace "NAMESPACE" is no usable record: {cause}
        Hint: other revisions can be read: 1, 3; restore that Secret from a backup, or save it and delete it: kubectl -n NAMESPACE delete secret sh.helm.release.v1.web.v2
        "#
    );
    for line in ["helm revdiff web", "helm revdiff web 1 2", "helm revdiff web 2 3", "helm revdiff web 2"] {
        user.types(line).fails(&expected);
    }
    user.types("helm revdiff web 1 3").mentions("-  number: \"1\"\n+  number: \"3\"\n");
    user.types("helm revdiff web 1").mentions("revision 1 → 3");
}

fn a_payload_that_is_no_base64(user: &User) {
    with_a_damaged_revision(user, |record| record.put(b"H4sI?not base64?"), "its payload is not base64");
}

fn a_payload_that_is_cut_off(user: &User) {
    let damage = |record: &Record<'_>| {
        let packed = gzip(record.read().to_string().as_bytes());
        record.put(STANDARD.encode(&packed[..packed.len() / 2]).as_bytes());
    };
    with_a_damaged_revision(user, damage, "its payload is cut off or damaged (gzip)");
}

fn a_payload_that_inflates_without_end(user: &User) {
    let damage = |record: &Record<'_>| record.put(STANDARD.encode(inflating_to(257)).as_bytes());
    with_a_damaged_revision(user, damage, "its payload inflates to more than 256 MiB");
}

/// Gzip that inflates to so many mebibytes of blanks. One mebibyte is compressed by itself and stands there again and
/// again, which takes no time.
fn inflating_to(mebibytes: usize) -> Vec<u8> {
    let mut chunk = Vec::with_capacity(64 * 1024);
    let blanks = vec![b' '; 1 << 20];
    Compress::new(Compression::best(), false).compress_vec(&blanks, &mut chunk, FlushCompress::Full).unwrap();
    let header = [0x1f, 0x8b, 8, 0, 0, 0, 0, 0, 0, 255];
    header.into_iter().chain(chunk.repeat(mebibytes)).collect()
}

fn a_payload_of_other_json(user: &User) {
    let damage = |record: &Record<'_>| record.edit(|release| release["manifest"] = json!(["no", "text"]));
    for revision in 1..=2 {
        user.upgrades("parts", &format!("configMaps: {{settings: {{number: '{revision}'}}}}"));
    }
    damage(&Record::of(user, "web", 2));
    user.types("helm revdiff web 1 2").explains(
        r#"Error: cannot read revision 2 of release "web": Secret "sh.helm.release.v1.web.v2" in namespace "NAMESPACE" is no usable record: its payload is not a release: a field has the wrong type at line 1, column "#,
    );
}

fn a_payload_of_no_json(user: &User) {
    let damage = |record: &Record<'_>| record.put(&encoded(b"{\"name\": \"web\", oops}"));
    with_a_damaged_revision(user, damage, "its payload is not a release: no valid JSON at line 1, column 17");
}

fn a_record_without_its_key(user: &User) {
    with_a_damaged_revision(user, |record| record.empty(), "it has no key \"release\"");
}

fn a_record_of_another_revision(user: &User) {
    let damage = |record: &Record<'_>| record.edit(|release| release["version"] = json!(1));
    with_a_damaged_revision(user, damage, "it holds another release or revision than its name says");
}

/// The label says which record to look at first. Where that one can't be read, nobody knows which is deployed.
fn a_damaged_record_where_the_deployed_one_is_looked_for(user: &User) {
    for revision in 1..=3 {
        user.upgrades("parts", &format!("configMaps: {{settings: {{number: '{revision}'}}}}"));
    }
    Record::of(user, "web", 3).put(b"?");
    user.types("helm revdiff web 1").fails(
        r#"
        Error: cannot read revision 3 of release "web": Secret "sh.helm.release.v1.web.v3" in namespace "NAMESPACE" is no usable record: its payload is not base64
        Hint: other revisions can be read: 1, 2; restore that Secret from a backup, or save it and delete it: kubectl -n NAMESPACE delete secret sh.helm.release.v1.web.v3
        "#,
    );
    user.types("helm revdiff web 1 2").mentions("revision 1 → 2");
}

fn all_records_damaged(user: &User) {
    for revision in 1..=2 {
        user.upgrades("parts", &format!("configMaps: {{settings: {{number: '{revision}'}}}}"));
    }
    Record::of(user, "web", 1).empty();
    Record::of(user, "web", 2).put(b"?");
    // The first of the two is the one to look at.
    user.types("helm revdiff web").fails(
        r#"
        Error: cannot read revision 1 of release "web": Secret "sh.helm.release.v1.web.v1" in namespace "NAMESPACE" is no usable record: it has no key "release"
        Hint: restore that Secret from a backup, or save it and delete it: kubectl -n NAMESPACE delete secret sh.helm.release.v1.web.v1
        "#,
    );
}
