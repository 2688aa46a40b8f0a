//! Which functions of a template give another result at each render: what they make changes with every upgrade, and is
//! no change that the upgrade brings.

use std::collections::BTreeSet;

/// The template functions whose result is random or the time. (Sprig: `crypto`, `strings`, `date`, `uuid`; Helm adds
/// none.) Functions that only work on a time given to them are not among them, as they need `now` for it.
const GENERATORS: [&str; 21] = [
    "ago",
    "bcrypt",
    "encryptAES",
    "genCA",
    "genCAWithKey",
    "genPrivateKey",
    "genSelfSignedCert",
    "genSelfSignedCertWithKey",
    "genSignedCert",
    "genSignedCertWithKey",
    "getHostByName",
    "htpasswd",
    "now",
    "randAlpha",
    "randAlphaNum",
    "randAscii",
    "randBytes",
    "randInt",
    "randNumeric",
    "shuffle",
    "uuidv4",
];

/// The functions of that kind that a template calls: words within `{{ … }}`. A word in a text or a comment counts too, which
/// costs a needless render and no more.
#[must_use]
pub fn called(template: &str) -> BTreeSet<&'static str> {
    let mut found = BTreeSet::new();
    words(template, |word| {
        if let Ok(at) = GENERATORS.binary_search(&word) {
            found.insert(GENERATORS[at]);
        }
    });
    found
}

/// Whether a template asks the cluster for objects.
#[must_use]
pub fn looks_up(template: &str) -> bool {
    let mut found = false;
    words(template, |word| found |= word == "lookup");
    found
}

/// The words within `{{ … }}`.
fn words<'t>(template: &'t str, mut each: impl FnMut(&'t str)) {
    let mut rest = template;
    while let Some(start) = rest.find("{{") {
        rest = &rest[start + 2..];
        let (action, after) = rest.split_once("}}").unwrap_or((rest, ""));
        action.split(|c: char| !c.is_ascii_alphanumeric() && c != '_').for_each(&mut each);
        rest = after;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_table_is_sorted() {
        assert!(GENERATORS.is_sorted());
    }

    #[test]
    fn calls_are_found_within_actions_only() {
        let template =
            "now and randAlpha\n{{- $ca := genCA \"x\" 365 }}{{ (randAlphaNum 5)|b64enc }} {{ .Values.now_x }}";
        assert_eq!(called(template).into_iter().collect::<Vec<_>>(), ["genCA", "randAlphaNum"]);
        assert!(called("{{ unclosed uuidv4").contains("uuidv4"));
        assert!(called("no actions").is_empty());
        assert!(looks_up("{{ (lookup \"v1\" \"Secret\" .ns .name).data }}") && !looks_up("lookup {{ .lookups }}"));
    }
}
