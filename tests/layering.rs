//! The layers hold: what each part of `src` may use, which parts are pure, and how long a file may be.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)] // a test fails by panicking

use std::fs;
use std::path::{Path, PathBuf};

/// Each part of `src`, and the parts it may use beside itself. See ARCHITECTURE.md.
const MAY_USE: &[(&str, &[&str])] = &[
    ("error", &[]),
    ("manifest", &[]),
    ("chart", &["error", "manifest"]),
    ("git", &["error"]),
    ("web", &[]),
    ("forge", &["error", "web"]),
    ("release", &["manifest"]),
    ("diff", &["manifest", "release"]),
    ("upgrade", &["manifest", "release", "diff"]),
    ("checks", &["manifest", "release", "diff", "upgrade"]),
    ("config", &["error", "manifest", "diff", "checks"]),
    ("report", &["manifest", "release", "diff", "upgrade", "checks"]),
    ("helm", &["error", "manifest", "release"]),
    ("cluster", &["error", "manifest", "release"]),
    ("storage", &["error", "manifest", "release", "helm", "cluster"]),
    ("record", &["error", "manifest", "release", "helm", "cluster", "storage"]),
    ("fleet", &["error", "manifest", "release", "helm", "cluster", "storage"]),
    (
        "command",
        &[
            "error", "manifest", "chart", "git", "release", "diff", "upgrade", "checks", "report", "helm", "cluster",
            "storage", "record", "fleet",
        ],
    ),
    (
        "execute",
        &[
            "error", "manifest", "chart", "release", "diff", "upgrade", "checks", "report", "helm", "cluster",
            "storage", "record", "command", "web",
        ],
    ),
    (
        "cli",
        &[
            "error", "manifest", "chart", "release", "diff", "upgrade", "checks", "report", "config", "helm",
            "cluster", "storage", "record", "fleet", "command", "execute", "forge",
        ],
    ),
];

/// Parts that see the world only through their arguments.
const PURE: &[&str] = &["error", "manifest", "release", "diff", "upgrade", "checks", "report", "config"];

/// What a pure part must not mention.
const IMPURE: &[&str] = &[
    "kube::",
    "clap",
    "tokio",
    "std::env",
    "std::process",
    "std::fs",
    "std::net",
    "std::thread",
    "Instant",
    "SystemTime",
    "Timestamp::now",
    "Zoned::now",
    "println!",
    "eprintln!",
    "print!",
    "eprint!",
    "dbg!",
    "stdout(",
    "stderr(",
    "thread_rng",
];

/// No file has more lines of code than this; comments, blank lines and tests do not count.
const LONGEST_FILE: usize = 400;

struct Source {
    path: PathBuf,
    part: String,
    code: String,
}

fn sources() -> Vec<Source> {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("src");
    let mut found = Vec::new();
    let mut folders = vec![root.clone()];
    while let Some(folder) = folders.pop() {
        for entry in fs::read_dir(folder).unwrap() {
            let path = entry.unwrap().path();
            if path.ends_with("tests.rs") || path.ends_with("tests") {
                continue;
            }
            if path.is_dir() {
                folders.push(path);
                continue;
            }
            let relative = path.strip_prefix(&root).unwrap();
            let first = relative.components().next().unwrap().as_os_str().to_string_lossy().into_owned();
            let code = code_of(&fs::read_to_string(&path).unwrap());
            found.push(Source { part: first.trim_end_matches(".rs").to_owned(), path, code });
        }
    }
    found.retain(|source| !["lib", "main"].contains(&source.part.as_str()));
    assert!(found.len() > 20, "the sources are found");
    found
}

/// The code without comments, blank lines and the tests at its end.
fn code_of(text: &str) -> String {
    let before_tests = text.split("\n#[cfg(test)]\nmod ").next().unwrap_or_default();
    let lines = before_tests.lines().filter(|line| !line.trim().is_empty() && !line.trim_start().starts_with("//"));
    lines.collect::<Vec<_>>().join("\n")
}

#[test]
fn every_part_of_the_source_has_its_place_in_the_layers() {
    for source in sources() {
        assert!(MAY_USE.iter().any(|(part, _)| *part == source.part), "{} is in no layer", source.path.display());
    }
}

#[test]
fn a_part_uses_only_the_parts_below_it() {
    for source in sources() {
        let allowed = MAY_USE.iter().find(|(part, _)| *part == source.part).map_or(&[][..], |(_, allowed)| allowed);
        for used in source.code.split("crate::").skip(1) {
            let used: String = used.chars().take_while(|c| c.is_ascii_lowercase() || *c == '_').collect();
            let fine = used == source.part || allowed.contains(&used.as_str());
            assert!(fine, "{} must not use crate::{used}", source.path.display());
        }
    }
}

#[test]
fn the_pure_parts_see_no_world() {
    for source in sources().iter().filter(|source| PURE.contains(&source.part.as_str())) {
        for word in IMPURE {
            let found = source.code.lines().find(|line| mentions(line, word));
            assert!(found.is_none(), "{} is pure and must not use {word}: {found:?}", source.path.display());
        }
    }
}

/// The word by itself, and not as the end of another (`println!` holds `print`, `eprintln!` holds `println!`).
fn mentions(line: &str, word: &str) -> bool {
    line.match_indices(word).any(|(at, _)| {
        let before = line[..at].chars().next_back();
        !before.is_some_and(|c| c.is_ascii_alphanumeric() || c == '_')
    })
}

#[test]
fn only_the_cluster_knows_kube() {
    for source in sources().iter().filter(|source| source.part != "cluster") {
        assert!(!source.code.lines().any(|line| mentions(line, "kube::")), "{} uses kube", source.path.display());
    }
}

#[test]
fn only_the_command_line_prints_and_knows_clap() {
    for source in sources().iter().filter(|source| source.part != "cli") {
        for word in ["clap", "println!", "eprintln!"] {
            let found = source.code.lines().any(|line| mentions(line, word));
            assert!(!found, "{} uses {word}", source.path.display());
        }
    }
}

#[test]
fn no_file_is_too_long_to_read() {
    for source in sources() {
        let lines = source.code.lines().count();
        assert!(lines <= LONGEST_FILE, "{} has {lines} lines of code", source.path.display());
    }
}
