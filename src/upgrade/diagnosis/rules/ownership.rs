//! An object of the chart is there already and belongs to somebody else.

use crate::upgrade::diagnosis::evidence::named;
use crate::upgrade::diagnosis::message::{after, before, between, quoted_after};
use crate::upgrade::diagnosis::{Cause, Evidence};

/// `Service "web" in namespace "shop" exists and cannot be imported into the current release: invalid ownership metadata; …`
/// (`existingResourceConflict` of Helm's package `action`).
const REFUSED: &str = "exists and cannot be imported into the current release";

pub(super) fn find(evidence: &Evidence) -> Vec<Cause> {
    let Some(text) = evidence.said_that(REFUSED) else { return Vec::new() };
    let object = before(text, " in namespace \"").filter(|head| head.ends_with('"'));
    let object = object.and_then(|head| {
        let (head, name) = head.trim_end_matches('"').rsplit_once('"')?;
        Some((head.trim_end().rsplit(char::is_whitespace).next()?, name))
    });
    let (kind, name) = object.unwrap_or(("an object", ""));
    let object = if name.is_empty() { kind.to_owned() } else { named(kind, name) };
    let value = |key: &str| {
        let own = format!("key \"{key}\" must equal ");
        between(text, &own, ";").or_else(|| after(text, &own)).and_then(|rest| quoted_after(rest, "current value is"))
    };
    let release = value("meta.helm.sh/release-name");
    let namespace = value("meta.helm.sh/release-namespace");
    let owner = match (release, namespace) {
        (Some(release), Some(namespace)) => Some(format!("release {release} in namespace {namespace}")),
        (Some(release), None) => Some(format!("release {release}")),
        (None, Some(namespace)) => Some(format!("a release in namespace {namespace}")),
        (None, None) => None,
    };
    let take = "to take it over: --take-ownership (Helm 3.17 or newer)";
    let cause = match owner {
        Some(owner) => Cause::certain(
            format!("{object} is there already and belongs to {owner}"),
            format!("give one of them another name; {take}"),
        ),
        None => Cause::certain(
            format!("{object} is there already and was not made by Helm"),
            format!("delete or rename it; {take}"),
        ),
    };
    vec![cause.on(object)]
}

#[cfg(test)]
mod tests {
    use super::super::super::scene::{found, said, says};

    const HEAD: &str = "Error: UPGRADE FAILED: Unable to continue with update: Service \"web\" in namespace \"shop\" exists and cannot be \
                        imported into the current release: invalid ownership metadata; ";

    #[test]
    fn the_owner_is_named() {
        let text = format!(
            "{HEAD}annotation validation error: key \"meta.helm.sh/release-name\" must equal \"web\": current value is \"old\""
        );
        assert!(
            says("ownership", &said(&text))
                .starts_with("service/web is there already and belongs to release old | give one")
        );
    }

    #[test]
    fn an_object_made_by_hand_has_no_owner() {
        let text = format!(
            "{HEAD}label validation error: missing key \"app.kubernetes.io/managed-by\": must be set to \"Helm\"; annotation validation error: missing key \"meta.helm.sh/release-name\": must be set to \"web\""
        );
        assert!(
            says("ownership", &said(&text)).starts_with("service/web is there already and was not made by Helm | ")
        );
    }

    #[test]
    fn a_name_in_use_is_something_else() {
        assert_eq!(found("ownership", &said("cannot re-use a name that is still in use")), []);
    }
}
