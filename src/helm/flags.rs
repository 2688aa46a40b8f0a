//! Helm's own flags for rendering, as data. They keep Helm's names and meaning; each is handed to Helm as it was given.

use std::ffi::OsString;

/// A flag's words, in the order that Helm gets them.
#[derive(Debug, Default)]
pub struct Arguments(pub Vec<OsString>);

impl Arguments {
    /// Adds words as they are.
    pub fn words<I: IntoIterator<Item = W>, W: Into<OsString>>(&mut self, words: I) {
        self.0.extend(words.into_iter().map(Into::into));
    }

    /// Adds `--name` if it is on.
    pub fn switch(&mut self, name: &str, on: bool) {
        if on {
            self.0.push(name.into());
        }
    }

    /// Adds `--name=value`, so that a value that starts with a dash stays a value.
    pub fn value(&mut self, name: &str, value: Option<&str>) {
        self.0.extend(value.map(|value| format!("{name}={value}").into()));
    }

    /// Adds `--name=value` for each value.
    pub fn values(&mut self, name: &str, values: &[String]) {
        self.0.extend(values.iter().map(|value| format!("{name}={value}").into()));
    }
}

/// Where Helm finds the chart, and which version of it.
#[derive(Clone, Debug, Default)]
pub struct ChartFlags {
    /// `--version`: a version or a range.
    pub version: Option<String>,
    /// `--repo`: the repository's URL.
    pub repo: Option<String>,
    /// `--devel`: pre-releases too.
    pub devel: bool,
    /// `--username` of the repository.
    pub username: Option<String>,
    /// `--password` of the repository.
    pub password: Option<String>,
    /// `--pass-credentials` to all domains.
    pub pass_credentials: bool,
    /// `--ca-file` of the repository.
    pub ca_file: Option<String>,
    /// `--cert-file` to identify with.
    pub cert_file: Option<String>,
    /// `--key-file` to identify with.
    pub key_file: Option<String>,
    /// `--insecure-skip-tls-verify` of the repository.
    pub insecure_skip_tls_verify: bool,
    /// `--plain-http` to a registry.
    pub plain_http: bool,
    /// `--verify` the chart's signature.
    pub verify: bool,
    /// `--keyring` to verify it with.
    pub keyring: Option<String>,
}

impl ChartFlags {
    /// Adds these flags.
    pub fn add_to(&self, arguments: &mut Arguments) {
        arguments.value("--version", self.version.as_deref());
        arguments.value("--repo", self.repo.as_deref());
        arguments.switch("--devel", self.devel);
        arguments.switch("--pass-credentials", self.pass_credentials);
        self.add_access_to(arguments);
    }

    /// Adds those that say how to reach any repository, and not which chart of it is wanted.
    pub fn add_access_to(&self, arguments: &mut Arguments) {
        arguments.value("--username", self.username.as_deref());
        arguments.value("--password", self.password.as_deref());
        arguments.value("--ca-file", self.ca_file.as_deref());
        arguments.value("--cert-file", self.cert_file.as_deref());
        arguments.value("--key-file", self.key_file.as_deref());
        arguments.switch("--insecure-skip-tls-verify", self.insecure_skip_tls_verify);
        arguments.switch("--plain-http", self.plain_http);
        arguments.switch("--verify", self.verify);
        arguments.value("--keyring", self.keyring.as_deref());
    }
}

/// The values the user supplies.
#[derive(Clone, Debug, Default)]
pub struct ValueFlags {
    /// `--values`: files, URLs, `-`; Helm also takes several in one word, with commas.
    pub files: Vec<String>,
    /// `--set`.
    pub set: Vec<String>,
    /// `--set-string`.
    pub set_string: Vec<String>,
    /// `--set-file`.
    pub set_file: Vec<String>,
    /// `--set-json`.
    pub set_json: Vec<String>,
    /// `--set-literal`.
    pub set_literal: Vec<String>,
}

impl ValueFlags {
    /// Adds these flags.
    pub fn add_to(&self, arguments: &mut Arguments) {
        arguments.values("--values", &self.files);
        arguments.values("--set", &self.set);
        arguments.values("--set-string", &self.set_string);
        arguments.values("--set-file", &self.set_file);
        arguments.values("--set-json", &self.set_json);
        arguments.values("--set-literal", &self.set_literal);
    }

    /// Whether one of the files is standard input.
    #[must_use]
    pub fn use_stdin(&self) -> bool {
        self.paths().any(|path| path.trim() == "-")
    }

    /// The values files, one by one.
    pub fn paths(&self) -> impl Iterator<Item = &str> {
        self.files.iter().flat_map(|word| word.split(','))
    }

    /// Whether one of the flags that set single values has a text like that.
    #[must_use]
    pub fn any_set(&self, is_so: impl Fn(&str) -> bool) -> bool {
        let lists = [&self.set, &self.set_string, &self.set_file, &self.set_json, &self.set_literal];
        lists.into_iter().flatten().any(|text| is_so(text))
    }

    /// Whether nothing is supplied.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        let lists = [&self.files, &self.set, &self.set_string, &self.set_file, &self.set_json, &self.set_literal];
        lists.iter().all(|list| list.is_empty())
    }
}

/// What becomes of the values of the release as it is.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Reuse {
    /// Kept where the user supplies none at all, as `helm upgrade` does when it is told nothing.
    #[default]
    IfNoneSupplied,
    /// `--reset-values`: dropped.
    Reset,
    /// `--reuse-values`: kept, with the defaults of the chart as it was, below what the user supplies.
    Reuse,
    /// `--reset-then-reuse-values`: kept, with the defaults of the new chart, below what the user supplies.
    ResetThenReuse,
}

impl Reuse {
    /// Adds the flag.
    pub fn add_to(self, arguments: &mut Arguments) {
        arguments.switch("--reset-values", self == Self::Reset);
        arguments.switch("--reuse-values", self == Self::Reuse);
        arguments.switch("--reset-then-reuse-values", self == Self::ResetThenReuse);
    }
}

/// All flags of `helm upgrade` that have a say in what it renders.
#[derive(Clone, Debug, Default)]
pub struct RenderFlags {
    /// Where the chart is.
    pub chart: ChartFlags,
    /// The values supplied.
    pub values: ValueFlags,
    /// The values kept.
    pub reuse: Reuse,
    /// `--dependency-update`.
    pub dependency_update: bool,
    /// `--enable-dns`.
    pub enable_dns: bool,
    /// `--skip-schema-validation`.
    pub skip_schema_validation: bool,
    /// `--render-subchart-notes`.
    pub render_subchart_notes: bool,
    /// `--post-renderer`.
    pub post_renderer: Option<String>,
    /// `--post-renderer-args`.
    pub post_renderer_args: Vec<String>,
}

impl RenderFlags {
    /// Adds all of them but those of the values that are kept: only `helm upgrade` knows these.
    pub fn add_to(&self, arguments: &mut Arguments) {
        self.chart.add_to(arguments);
        self.values.add_to(arguments);
        arguments.switch("--dependency-update", self.dependency_update);
        arguments.switch("--enable-dns", self.enable_dns);
        arguments.switch("--skip-schema-validation", self.skip_schema_validation);
        arguments.switch("--render-subchart-notes", self.render_subchart_notes);
        arguments.value("--post-renderer", self.post_renderer.as_deref());
        arguments.values("--post-renderer-args", &self.post_renderer_args);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn values_that_look_like_flags_stay_values() {
        let mut arguments = Arguments::default();
        let flags = ValueFlags { set: vec!["--debug=1".into()], ..ValueFlags::default() };
        flags.add_to(&mut arguments);
        assert_eq!(arguments.0, ["--set=--debug=1"]);
    }

    #[test]
    fn standard_input_may_stand_among_several_files() {
        let flags = |file: &str| ValueFlags { files: vec![file.into()], ..ValueFlags::default() };
        assert!(flags("-").use_stdin());
        assert!(flags("a.yaml,-").use_stdin());
        assert!(!flags("a-.yaml").use_stdin());
    }
}
