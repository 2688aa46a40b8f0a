//! What is known of the values of an upgrade, beside the values themselves.

use std::collections::HashSet;
use std::sync::OnceLock;

use super::Known;
use crate::manifest::node::{Node, Value};
use crate::release::supplied::{Supplied, place};

/// What is known of the values of an upgrade.
#[derive(Clone, Debug)]
pub struct GivenValues<'a> {
    /// What each file and flag supplies, in the order in which Helm merges it.
    pub supplied: &'a [Supplied],
    /// Where the others are kept from: `revision 6`.
    pub kept: String,
    /// Whether the chart's new defaults are not taken: `--reuse-values`.
    pub reuse: bool,
    /// Whether nobody checks them against the chart's schema: `--skip-schema-validation`.
    pub schema_skipped: bool,
    /// What does not meet the chart's schema, as Helm has it. Nothing in it is secret.
    pub refused: Vec<Refused>,
    /// The chart that they are for.
    pub chart: Known<ChartValues>,
    /// The kind of object that the revision is stored in with its values; empty for a database.
    pub stored_in: &'static str,
}

impl GivenValues<'_> {
    /// Of a chart without values, to which none are given.
    #[must_use]
    pub fn none() -> Self {
        Self {
            supplied: &[],
            kept: String::new(),
            reuse: false,
            schema_skipped: false,
            refused: Vec::new(),
            chart: Ok(ChartValues::default()),
            stored_in: "Secret",
        }
    }

    /// Where the value at these steps comes from: `prod.yaml:12`, `--set`, `revision 6`.
    #[must_use]
    pub fn place(&self, steps: &[impl AsRef<str>]) -> String {
        let steps: Vec<&str> = steps.iter().map(AsRef::as_ref).collect();
        place(self.supplied, &steps, &self.kept)
    }
}

/// Something that does not meet a schema.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Refused {
    /// The steps to the value, from the values of the chart that is upgraded.
    pub steps: Vec<String>,
    /// What is wrong with it.
    pub message: String,
}

/// What a chart says of the values that it takes.
#[derive(Clone, Debug, Default)]
pub struct ChartValues {
    /// Its defaults, with those of the charts in it below their names.
    pub defaults: Node,
    /// Its templates, and those of the charts in it: path and text.
    pub templates: Vec<(String, String)>,
    /// Words that name values elsewhere: properties of schemas, conditions of dependencies.
    pub words: HashSet<String>,
    /// Whether it, or a chart in it, has a schema.
    pub has_schema: bool,
    mentions: OnceLock<Mentions>,
}

/// Which values templates speak of, by the last step alone. So what is not here is surely not used by that name.
#[derive(Clone, Debug, Default)]
struct Mentions {
    /// `tag` of `.Values.image.tag`, and of `index .Values "tag"`.
    keys: HashSet<String>,
    /// Those that are used as they are, whatever is in them: `resources` of `toYaml .Values.resources`.
    whole: HashSet<String>,
    /// Whether all values are used as they are: `toYaml .Values`, `range .Values`, `index .Values $key`.
    all: bool,
}

impl ChartValues {
    /// What a chart with these defaults and templates takes.
    #[must_use]
    pub fn new(defaults: Node, templates: Vec<(String, String)>, words: HashSet<String>, has_schema: bool) -> Self {
        Self { defaults, templates, words, has_schema, mentions: OnceLock::new() }
    }

    /// Whether a template or a schema speaks of a key of this name.
    #[must_use]
    pub fn speaks_of(&self, key: &str) -> bool {
        self.words.contains(key) || self.mentions().keys.contains(key)
    }

    /// Whether a template takes what is below a key of this name as it is, so that any key may stand there.
    #[must_use]
    pub fn takes_whole(&self, key: &str) -> bool {
        self.mentions().whole.contains(key)
    }

    /// Whether a template takes all values as they are, so that any key may count.
    #[must_use]
    pub fn takes_all(&self) -> bool {
        self.mentions().all
    }

    /// The templates that read something below this value: `path:line`, so many at most.
    #[must_use]
    pub fn readers(&self, steps: &[&str], most: usize) -> Vec<String> {
        let chain = format!(".Values.{}", steps.join("."));
        let mut found = Vec::new();
        for (path, text) in &self.templates {
            for (number, line) in text.lines().enumerate() {
                let is_read = line.match_indices(&chain).any(|(at, _)| !goes_on(&line[at + chain.len()..]));
                if is_read && found.len() < most {
                    found.push(format!("{path}:{}", number + 1));
                }
            }
        }
        found
    }

    fn mentions(&self) -> &Mentions {
        self.mentions.get_or_init(|| {
            let mut found = Mentions::default();
            for (_, text) in &self.templates {
                actions(text).for_each(|action| found.read(action));
            }
            found
        })
    }
}

/// Whether a word goes on here.
fn goes_on(rest: &str) -> bool {
    rest.starts_with(|c: char| c.is_alphanumeric() || c == '_')
}

/// What stands between `{{` and `}}`.
fn actions(text: &str) -> impl Iterator<Item = &str> {
    text.split("{{").skip(1).map(|rest| rest.split("}}").next().unwrap_or_default())
}

impl Mentions {
    fn read(&mut self, action: &str) {
        let first = action.trim_start_matches(['-', ' ']).trim_start_matches("else").trim_start();
        let is_condition = first.starts_with("if ");
        for (at, _) in action.match_indices('.') {
            let rest = &action[at + 1..];
            let end = rest.find(|c: char| !(c.is_alphanumeric() || c == '_')).unwrap_or(rest.len());
            let (key, rest) = rest.split_at(end);
            if key.is_empty() {
                continue;
            }
            if !rest.starts_with('.') && !is_condition {
                self.whole.insert(key.to_owned());
                self.all |= key == "Values" && !is_looked_up(&action[..at], rest);
            }
            self.keys.insert(key.to_owned());
        }
        // Every other piece stands between quotes.
        for quoted in action.split(['"', '`']).skip(1).step_by(2) {
            self.keys.extend(quoted.split('.').map(str::to_owned));
        }
    }
}

/// Whether one key of a map is looked up whose name stands there, as in `index .Values "key"` and `dig "key" "else" .Values`: what
/// is before the map and behind it.
fn is_looked_up(before: &str, rest: &str) -> bool {
    let start = before.rfind(['(', '|', '=', '{']).map_or(0, |at| at + 1);
    let mut words = before[start..].split_whitespace();
    let function = words.next().unwrap_or_default();
    // What is left of the map itself is its `$`, or the variable that has it.
    let between: Vec<&str> = words.collect();
    let is_first = match between.as_slice() {
        [] => before.ends_with(char::is_whitespace),
        [own] => before.ends_with(own),
        _ => false,
    };
    let quoted = |word: &str| word.starts_with(['"', '`']);
    match function {
        "index" | "get" | "hasKey" => is_first && quoted(rest.trim_start()),
        "dig" => between.first().is_some_and(|word| quoted(word)) && !between.iter().any(|word| word.starts_with('$')),
        _ => false,
    }
}

/// Whether any key may stand in a default: it is no map, or one without keys.
#[must_use]
pub fn is_open(default: &Node) -> bool {
    !matches!(default.value(), Value::Map(entries) if !entries.is_empty())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn chart(template: &str) -> ChartValues {
        let templates = vec![("web/templates/a.yaml".to_owned(), template.to_owned())];
        ChartValues::new(Node::default(), templates, HashSet::new(), false)
    }

    #[test]
    fn what_a_template_speaks_of_is_found() {
        let chart = chart(
            "a.plain: {{ .Values.image.tag }}\n{{- if .Values.flat }}{{ toYaml .Values.resources | nindent 2 }}\n\
             {{ index .Values \"some-key\" `other` }}{{ else if $.Values.deep.one }}",
        );
        for key in ["image", "tag", "resources", "flat", "some-key", "other", "deep", "one"] {
            assert!(chart.speaks_of(key), "{key}");
        }
        assert!(!chart.speaks_of("plain") && !chart.speaks_of("tga"));
        assert!(chart.takes_whole("resources") && chart.takes_whole("tag"));
        assert!(!chart.takes_whole("image") && !chart.takes_whole("flat") && !chart.takes_whole("one"));
    }

    #[test]
    fn a_template_that_takes_all_values_takes_any_key() {
        for template in [
            "{{ toYaml .Values }}",
            "{{- range $key, $value := $.Values -}}",
            "{{ include \"lib.all\" .Values }}",
            "{{ index .Values $key }}",
            "{{ index $.Values .name \"tag\" }}",
            "{{ $all := .context.Values }}",
            "{{ with .Values }}{{ .a }}{{ end }}",
            "{{ tpl (toYaml .Values | trim) . }}",
        ] {
            assert!(chart(template).takes_all(), "{template}");
        }
        for template in [
            "{{ .Values.image.tag }}",
            "{{ index .Values \"some-key\" \"tag\" }}",
            "{{ (get $.Values `key`) | quote }}",
            "{{ if hasKey .root.Values \"key\" }}",
            "{{ dig \"a\" \"b\" \"none\" .Values }}",
            "{{ if .Values }}",
            "{{ include \"lib.name\" . }}",
        ] {
            assert!(!chart(template).takes_all(), "{template}");
        }
    }

    #[test]
    fn readers_are_named_with_their_line() {
        let chart = chart("x\n{{ .Values.cache.size }}\n{{ .Values.caches }}\n{{ .Values.cache }}\n");
        assert_eq!(chart.readers(&["cache"], 9), ["web/templates/a.yaml:2", "web/templates/a.yaml:4"]);
        assert_eq!(chart.readers(&["cache"], 1).len(), 1);
        assert!(chart.readers(&["cach"], 9).is_empty());
    }
}
