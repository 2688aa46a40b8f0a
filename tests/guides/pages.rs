//! A story for each guide.

use std::collections::BTreeSet;
use std::path::Path;

use crate::environment::ROOT;
use crate::page::walk;
use crate::user::User;

/// Makes a story of each page, and the list of them.
macro_rules! guides {
    ($($name:ident),+ $(,)?) => {
        const ALL: &[&str] = &[$(stringify!($name)),+];
        $(fn $name(user: &User) { walk(user, &stringify!($name).replace('_', "-")); })+
        stories![$($name),+];
    };
}

guides![blue_green, canary_in_ci, fleet_upgrade, upgrade_one_release];

#[test]
fn every_guide_is_walked() {
    let pages = std::fs::read_dir(Path::new(ROOT).join("docs/guides")).unwrap();
    let pages: BTreeSet<String> = pages.map(|entry| entry.unwrap().file_name().into_string().unwrap()).collect();
    let walked: BTreeSet<String> = ALL.iter().map(|name| format!("{}.md", name.replace('_', "-"))).collect();
    assert_eq!(pages, walked);
}
