//! The configuration file `helm-safe-upgrade.yaml`: what it may say, and what is wrong with what it says. Its schema for editors is
//! `docs/schema/config.json`.

mod ignore;
mod reading;

use crate::config::reading::{Problem, Table};
use crate::diff::ignore::Rule;
use crate::error::{Error, Kind};
use crate::manifest::node::Value;
use crate::manifest::yaml;

/// The file's name, where none is given.
pub const FILE_NAME: &str = "helm-safe-upgrade.yaml";

/// What a configuration file says.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Config {
    /// Differences that are not shown.
    pub ignore: Vec<Rule>,
}

/// The keys of the file itself.
pub const KEYS: [&str; 1] = ["ignore"];

/// Reads a configuration. `name` is the file's, for messages.
///
/// # Errors
/// If it is no YAML, or says what it may not: the message has the file, the line and what is wrong; an unknown key comes with the
/// nearest one there is.
pub fn read(name: &str, text: &str) -> Result<Config, Error> {
    parse(text).map_err(|mut problem| {
        if let Some(key) = &problem.key {
            problem.line = line_of(text, key, problem.line);
        }
        let error =
            Error::new(Kind::Usage, format!("cannot use {name}: line {}: {}", problem.line.max(1), problem.what));
        match problem.hint {
            Some(hint) => error.hint(hint),
            None => error.hint("docs/configuration.md says what may stand in it"),
        }
    })
}

/// The line of a key: that of its value, or one above it where the value is a block of its own.
fn line_of(text: &str, key: &str, value: u32) -> u32 {
    let above: Vec<&str> = text.lines().take(usize::try_from(value).unwrap_or(usize::MAX)).collect();
    let is_key = |line: &&str| line.trim_start_matches(['-', ' ']).trim_start_matches(['"', '\'']).starts_with(key);
    above.iter().rposition(is_key).and_then(|at| u32::try_from(at + 1).ok()).unwrap_or(value)
}

fn parse(text: &str) -> Result<Config, Problem> {
    let root =
        yaml::parse(text).map_err(|error| Problem { line: error.line, what: error.message, hint: None, key: None })?;
    if matches!(root.value(), Value::Null) {
        return Ok(Config::default());
    }
    let table = Table::of(&root, "the file", &KEYS)?;
    Ok(Config { ignore: table.list("ignore", ignore::rule)? })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn refused(text: &str) -> (String, String) {
        let error = read("here.yaml", text).unwrap_err();
        (error.message, error.hint.unwrap_or_default())
    }

    #[test]
    fn rules_are_read() {
        let text = "ignore:\n- kind: Deployment\n  name: web-*\n  paths: [/spec/replicas, \"$.spec.x[*]\"]\n- managers: [hpa]\n- group: ''\n  kind: Secret\n";
        let config = read("here.yaml", text).unwrap();
        assert_eq!(config.ignore.len(), 3);
        assert_eq!(config.ignore[0].objects.name.as_deref(), Some("web-*"));
        assert_eq!(config.ignore[0].paths.len(), 2);
        assert_eq!(config.ignore[1].managers, ["hpa"]);
        assert_eq!(read("here.yaml", "# nothing\n").unwrap(), Config::default());
    }

    #[test]
    fn what_is_wrong_is_told_with_its_line() {
        let (message, hint) = refused("ignore:\n- kind: Secret\nignor: []\n");
        assert_eq!(message, "cannot use here.yaml: line 3: the file has no key \"ignor\"");
        assert_eq!(hint, "did you mean \"ignore\"?");
        let (message, hint) = refused("ignore:\n- knd: Secret\n");
        assert_eq!(message, "cannot use here.yaml: line 2: a rule of ignore has no key \"knd\"");
        assert_eq!(hint, "did you mean \"kind\"?");
        assert!(refused("# c\n\ningore:\n- kind: x\n").0.contains("line 3: the file has no key \"ingore\""));
        assert!(refused("ignore: 5\n").0.contains("line 1: \"ignore\" is no list"));
        assert!(refused("ignore:\n- kind: [a]\n").0.contains("line 2: \"kind\" is no text"));
        assert!(refused("ignore:\n- paths: [spec.replicas]\n").0.contains("line 2: \"spec.replicas\" is neither"));
        assert!(refused("ignore:\n- {}\n").0.contains("line 2: a rule of ignore names nothing"));
        assert!(refused("ignore:\n- a\n").0.contains("line 2: a rule of ignore is no map"));
        assert!(refused("- a\n").0.contains("the file is no map"));
        assert!(refused("a: [\n").0.starts_with("cannot use here.yaml: line "));
    }
}
