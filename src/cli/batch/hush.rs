//! What helm says of a release that it can't render, without the secrets among its values: a template may quote them, and what is
//! told of a release is kept, and shown to others.

use super::given::Item;
use super::places::Place;
use crate::cli::input;
use crate::command::evidence::Secrets;
use crate::error::{Error, Kind};
use crate::manifest::mask::Masker;
use crate::manifest::sensitive::{Sensitive, named_like_a_secret};
use crate::manifest::yaml;
use crate::release::Release;
use crate::release::set::pairs;

/// The error without secrets of the values that the plan supplies, and of those that the release has.
pub(super) async fn hushed(place: &Place, item: &Item, masker: &Masker, error: Error) -> Error {
    // All else is of our own words.
    if error.kind != Kind::Helm {
        return error;
    }
    let supplied = supplied(item);
    let old = newest(place, &item.id.release).await;
    let old = old.as_ref().map(|release| Secrets::of(&[release], masker));
    let mask = |text: &str| {
        let text = supplied.mask_text(text, masker);
        old.as_ref().map_or(text.clone(), |old| old.mask(&text))
    };
    Error { message: mask(&error.message), hint: error.hint.as_deref().map(mask), ..error }
}

async fn newest(place: &Place, release: &str) -> Option<Release> {
    let history = place.storage.history(release).await.ok()?;
    place.storage.read(release, history.revisions().last().copied()?).await.ok()
}

/// What is named like a secret among the values that the plan supplies.
fn supplied(item: &Item) -> Sensitive {
    let mut sensitive = Sensitive::of(std::iter::empty());
    for file in item.planned.values.iter().filter(|file| !file.contains("://")) {
        if let Some(values) = input::read(file.as_ref()).ok().and_then(|text| yaml::parse(&text).ok()) {
            sensitive.gather_values(&values);
        }
    }
    for (key, values) in item.planned.set.iter().chain(&item.planned.set_string).flat_map(|text| pairs(text)) {
        if key.split(['.', '[', ']']).any(named_like_a_secret) {
            // As words of YAML these are none.
            let words = ["", "true", "false", "null"];
            values
                .iter()
                .filter(|value| !words.contains(&value.as_str()))
                .for_each(|value| sensitive.gather_text(value));
        }
    }
    sensitive
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::config::batch::Planned;
    use crate::upgrade::batch::Id;

    #[test]
    fn what_helm_quotes_of_the_plans_secrets_is_hidden() {
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("values.yaml");
        std::fs::write(&file, "db: {password: hunter2-from-file}\nimage: {tag: v7.1}\n").unwrap();
        let planned = Planned {
            values: vec![file.display().to_string()],
            set: vec![
                "a=b,api.token=t0ken-from-flag".to_owned(),
                r"db.password={0ne-secret,tw0\,secrets},c=d".to_owned(),
            ],
            set_string: vec!["users[0].password=f0ur-secrets".to_owned()],
            ..Planned::default()
        };
        let id = Id { context: None, namespace: "shop".to_owned(), release: "web".to_owned() };
        let text =
            "execution error: bad hunter2-from-file or t0ken-from-flag, [0ne-secret tw0,secrets] f0ur-secrets for v7.1";
        let masked = supplied(&Item { id, planned, is_ground: false }).mask_text(text, &Masker::new(b"key"));
        for secret in ["hunter2", "t0ken", "0ne-secret", "tw0", "secrets]", "f0ur"] {
            assert!(!masked.contains(secret), "{masked}");
        }
        assert!(masked.starts_with("execution error: bad ") && masked.ends_with(" for v7.1"), "{masked}");
    }
}
