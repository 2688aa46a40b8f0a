//! Reading a page, and doing what it says.
//!
//! A block marked `sh` is run by bash. One marked `sh exits=3` must end with this exit code, any other with 0. A block marked `text`
//! behind one shows lines of what it prints, where `…` stands for anything. A block marked with a language and `file=NAME` is written
//! to that file. One marked `yaml jobs` is a pipeline of GitHub's or GitLab's, whose jobs are run one behind the other. What the reader
//! has already stands in a comment `<!-- setup … -->`, which is run as well.

use std::path::Path;

use helm_safe_upgrade::manifest::node::Node;
use helm_safe_upgrade::manifest::yaml;
use regex::Regex;

use crate::environment::ROOT;
use crate::shown::Shown;
use crate::user::User;

/// A part of a page that something is done with.
enum Part {
    Run { script: String, code: i32 },
    Shows(String),
    File { name: String, content: String },
}

/// Does what a page says, from its beginning to its end.
pub(crate) fn walk(user: &User, page: &str) {
    let path = Path::new(ROOT).join("docs/guides").join(format!("{page}.md"));
    let parts = parts(&std::fs::read_to_string(path).unwrap());
    assert!(parts.iter().any(|part| matches!(part, Part::Run { .. })), "{page} shows no command");
    // What a job of CI knows without being told.
    user.exports("GITHUB_SHA", "1111111111111111111111111111111111111111");
    user.exports("CI_COMMIT_SHA", "2222222222222222222222222222222222222222");
    let mut last: Option<Shown> = None;
    for part in parts {
        match part {
            Part::Run { script, code } => {
                let shown = user.types(&format!("set -euo pipefail\n{script}"));
                shown.exits(code);
                last = Some(shown);
            }
            Part::Shows(text) => shows(last.as_ref().expect("a command stands before what it prints"), &text),
            Part::File { name, content } => user.writes(&name, &content),
        }
    }
}

fn parts(page: &str) -> Vec<Part> {
    let mut parts = Vec::new();
    let mut lines = page.lines();
    while let Some(line) = lines.next() {
        let (words, end) = match line.strip_prefix("```") {
            Some(words) => (words, "```"),
            None if line.starts_with("<!-- setup") => ("sh", "-->"),
            None => continue,
        };
        let content: String = lines.by_ref().take_while(|line| *line != end).flat_map(|line| [line, "\n"]).collect();
        let (language, rest) = words.split_once(' ').unwrap_or((words, ""));
        match (language, rest.split_once('=')) {
            ("sh", Some(("exits", code))) => parts.push(Part::Run { script: content, code: code.parse().unwrap() }),
            ("sh", None) if rest.is_empty() => parts.push(Part::Run { script: content, code: 0 }),
            ("text", None) => parts.push(Part::Shows(content)),
            (_, Some(("file", name))) => parts.push(Part::File { name: name.to_owned(), content }),
            ("yaml", None) if rest == "jobs" => {
                parts.extend(jobs(&content).into_iter().map(|script| Part::Run { script, code: 0 }));
            }
            // An excerpt of something that is not run here, such as a job of a CI service.
            ("yaml", None) => {}
            _ => panic!("a block is marked {words:?}"),
        }
    }
    parts
}

/// What each job of a pipeline runs, with its variables. What others have made (`uses`, images) is not run.
fn jobs(pipeline: &str) -> Vec<String> {
    let pipeline = yaml::parse(pipeline).unwrap();
    let entries = |node: Option<&Node>| -> Vec<(String, Node)> {
        let entries = node.and_then(Node::as_map).unwrap_or_default().iter();
        entries.map(|(name, value)| (name.to_string(), value.clone())).collect()
    };
    let list = |node: Option<&Node>| node.and_then(Node::as_list).unwrap_or_default().to_vec();
    let variables = entries(pipeline.get("env").or(pipeline.get("variables"))).into_iter();
    let variables: String =
        variables.map(|(name, value)| format!("export {name}='{}'\n", value.as_str().unwrap())).collect();
    let (of_github, of_gitlab) = (entries(pipeline.get("jobs")), entries(Some(&pipeline)));
    let steps = of_github.iter().map(|(_, job)| (list(job.get("steps")), Some("run")));
    let lines = of_gitlab.iter().map(|(_, job)| (list(job.get("script")), None));
    let scripts = steps.chain(lines).map(|(parts, key)| {
        let text =
            |part: &Node| key.map_or(part.as_str(), |key| part.get(key).and_then(Node::as_str)).map(str::to_owned);
        parts.iter().filter_map(text).collect::<Vec<_>>().join("\n")
    });
    let scripts: Vec<String> = scripts.filter(|script| !script.is_empty()).collect();
    assert!(!scripts.is_empty(), "a pipeline runs nothing");
    scripts.into_iter().map(|script| format!("{variables}{script}")).collect()
}

/// Each line of the text is a line of what was printed, in this order.
fn shows(shown: &Shown, text: &str) {
    let printed = format!("{}{}", shown.stdout, shown.stderr);
    let mut printed_lines = printed.lines();
    for line in text.lines().filter(|line| !line.trim().is_empty() && line.trim() != "…") {
        let pattern = line.split('…').map(|part| regex::escape(part.trim_end())).collect::<Vec<_>>().join(".*");
        let pattern = Regex::new(&format!("^{pattern}\\s*$")).unwrap();
        assert!(
            printed_lines.any(|line| pattern.is_match(line)),
            "no line {line:?} in what {} prints:\n{printed}",
            shown.line
        );
    }
}
