//! The documentation and the tests know every rule.

use std::fs;
use std::path::Path;

use helm_safe_upgrade::upgrade::rules;

#[test]
fn every_rule_of_failure_is_documented_and_no_other() {
    let page = include_str!("../../ARCHITECTURE.md");
    let table = page.split("| Rule | Sign | Grace |").nth(1).unwrap().split("\n\n").next().unwrap();
    let documented: Vec<&str> = table.lines().filter_map(|line| line.strip_prefix("| `")?.split('`').next()).collect();
    assert_eq!(documented, rules::names().collect::<Vec<_>>());
}

/// That each rule fails and heals is for the tests beside this one; here, that none is forgotten.
#[test]
fn every_rule_of_failure_is_tested() {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/verdicts");
    let tests: String =
        ["containers.rs", "objects.rs"].map(|file| fs::read_to_string(folder.join(file)).unwrap()).concat();
    for name in rules::names() {
        assert!(tests.contains(&format!("\"{name}\"")), "no test names {name}");
    }
}
