//! `helm revdiff`: from arguments to what is printed.

use std::io::Write;
use std::time::Instant;

use crate::cli::Environment;
use crate::cli::args::{
    ChartsArgs, CompareArg, DiffArgs, Format, LiveArgs, ManifestArgs, NoiseArg, ReleaseArgs, Revdiff, RevdiffCommand,
    RevisionArgs, SectionArg, UpgradeArgs,
};
use crate::cli::connection::{self, AnyStorage};
use crate::cli::progress::Progress;
use crate::cli::{configuration, input, output, pull_request};
use crate::cluster::KubeCluster;
use crate::command::Stages;
use crate::command::chart;
use crate::command::live;
use crate::command::revdiff::{self, Options, Outcome, Source};
use crate::command::upgrade::{self, Request, Seams, Told};
use crate::diff::live::report::Compare;
use crate::diff::noise::Noise;
use crate::diff::release::{Both, Parts};
use crate::diff::select::{Pattern, Selection};
use crate::error::{EXIT_CHANGED, EXIT_OK, Error, Kind};
use crate::helm::Upgrade;
use crate::manifest::mask::Masker;
use crate::report::style::Painter;
use crate::report::view::{Detail, Sections, Subject, View};
use crate::report::{github, html, json, markdown, paths, side_by_side, stat, text};

/// Terminal columns where there is no terminal.
const DEFAULT_WIDTH: u16 = 160;

/// One run of the command.
pub(super) struct Run<'a> {
    pub(super) diff: DiffArgs,
    pub(super) environment: &'a Environment,
    pub(super) masker: Masker,
    pub(super) options: Options,
    pub(super) progress: Progress,
    started: Instant,
}

/// Runs the command and returns the exit code.
pub(super) async fn run(arguments: Revdiff, environment: &Environment) -> Result<u8, Error> {
    match arguments.command {
        None => revisions(arguments.revision, environment).await,
        Some(RevdiffCommand::Revision(arguments)) => revisions(arguments, environment).await,
        Some(RevdiffCommand::Rollback(arguments)) => {
            let source = Source::Rollback { release: arguments.release, revision: arguments.revision };
            Run::new(arguments.diff, environment)?.stored(&source).await
        }
        Some(RevdiffCommand::Upgrade(arguments)) => upgrade(*arguments, environment).await,
        Some(RevdiffCommand::Live(arguments)) => live(arguments, environment).await,
        Some(RevdiffCommand::Chart(arguments)) => charts(*arguments, environment).await,
        Some(RevdiffCommand::PullRequest(arguments)) => pull_request::run(*arguments, environment).await,
        Some(RevdiffCommand::Release(arguments)) => releases(arguments, environment).await,
        Some(RevdiffCommand::Manifest(arguments)) => manifests(arguments, environment),
    }
}

async fn revisions(arguments: RevisionArgs, environment: &Environment) -> Result<u8, Error> {
    let release = arguments.release.ok_or_else(|| {
        Error::new(Kind::Usage, "no release named").hint("helm revdiff RELEASE [REV1 [REV2]]; see helm revdiff --help")
    })?;
    let source = Source::Revisions { release, revisions: arguments.revisions };
    Run::new(arguments.diff, environment)?.stored(&source).await
}

async fn releases(arguments: ReleaseArgs, environment: &Environment) -> Result<u8, Error> {
    let run = Run::new(arguments.diff, environment)?;
    let (old, old_name) = run.storage_of(&arguments.old).await?;
    let (new, new_name) = run.storage_of(&arguments.new).await?;
    let stages = run.stages(connection::is_quiet(&old) && connection::is_quiet(&new));
    let outcome = revdiff::run_releases((&old, old_name), (&new, new_name), &run.masker, &run.options, stages).await?;
    run.print(outcome)
}

async fn live(arguments: LiveArgs, environment: &Environment) -> Result<u8, Error> {
    let mut run = Run::new(arguments.diff, environment)?;
    // Each object has authors of its own, and what changes with every version of a chart should not change here.
    run.diff.no_fold = true;
    run.diff.noise = NoiseArg::Show;
    let options = live::Options {
        release: arguments.release,
        revision: arguments.revision,
        compare: match arguments.compare {
            CompareArg::Auto => Compare::Auto,
            CompareArg::Apply => Compare::Apply,
            CompareArg::Fields => Compare::Fields,
        },
        selection: run.options.selection.clone(),
        ignore: run.options.ignore.clone(),
    };
    let storage = connection::storage(&run.diff.cluster, environment).await?;
    run.tell("connecting");
    let reached = connection::reached(&storage, &run.diff.cluster, environment).await?;
    let cluster: &KubeCluster = &reached;
    let stages = run.stages(!cluster.has_plugin());
    let found = live::run(&storage, cluster, &run.masker, &options, stages).await?;
    let code = run.print(found.outcome)?;
    found.incomplete.map_or(Ok(code), Err)
}

async fn upgrade(arguments: UpgradeArgs, environment: &Environment) -> Result<u8, Error> {
    let flags = arguments.flags();
    let stdin = if flags.values.use_stdin() { Some(input::read_stdin("the values")?) } else { None };
    let UpgradeArgs { release, chart, render, diff, unused, .. } = arguments;
    let request = Request {
        install: render.install,
        told: Told {
            kube_version: render.kube_version,
            api_versions: render.api_versions,
            include_crds: render.include_crds,
        },
        beyond_schema: false,
        upgrade: Upgrade { release, chart, flags, server_side: render.server_side, stdin },
    };
    let run = Run::new(diff, environment)?;
    let helm = connection::helm(&run.diff.cluster, environment)?;
    let storage = connection::storage(&run.diff.cluster, environment).await?;
    run.tell("rendering by helm upgrade --dry-run=server, with the release in memory");
    let stages = run.stages(connection::is_quiet(&storage));
    let reached = connection::reached(&storage, &run.diff.cluster, environment).await?;
    let cluster: &KubeCluster = &reached;
    let seams = Seams { storage: &storage, helm: &helm, cluster };
    let mut outcome = upgrade::run(seams, &request, &run.masker, &run.options, stages).await?;
    if unused.three_way_merge {
        let notice = format!(
            "what was changed in the cluster by others is shown by: helm revdiff live {}",
            request.upgrade.release
        );
        outcome.notices.push(notice);
    }
    run.print(outcome)
}

async fn charts(arguments: ChartsArgs, environment: &Environment) -> Result<u8, Error> {
    let [old, new] = arguments.both_values();
    let stdin = if old.use_stdin() || new.use_stdin() { Some(input::read_stdin("the values")?) } else { None };
    let namespace = connection::namespace(&arguments.diff.cluster, environment);
    let request = chart::Request {
        template: arguments.template(namespace, stdin),
        charts: Both { old: arguments.old, new: arguments.new },
        values: Both { old, new },
        folder: input::current_folder()?,
        hidden: None,
    };
    let run = Run::new(arguments.diff, environment)?;
    let helm = connection::helm(&run.diff.cluster, environment)?;
    run.tell("rendering");
    let outcome = chart::run(&helm, &request, &run.masker, &run.options, &run.progress).await?;
    run.print(outcome)
}

fn manifests(arguments: ManifestArgs, environment: &Environment) -> Result<u8, Error> {
    let run = Run::new(arguments.diff, environment)?;
    // What feeds standard input may write to the same terminal, and so may the user.
    if ![&arguments.old, &arguments.new].into_iter().any(|path| input::is_stdin(path)) {
        run.progress.stage("reading the manifests");
    }
    let names = Both { old: input::name(&arguments.old), new: input::name(&arguments.new) };
    let texts = input::read_both(&arguments.old, &arguments.new)?;
    run.progress.clear();
    let manifest = |name, text| input::manifest(name, text, &|warning| output::print_warning(warning, environment));
    let texts = Both { old: manifest(&names.old, texts.old)?, new: manifest(&names.new, texts.new)? };
    run.progress.stage("comparing");
    run.print(revdiff::run_manifests(names, texts, &run.masker, &run.options)?)
}

impl<'a> Run<'a> {
    pub(super) fn new(diff: DiffArgs, environment: &'a Environment) -> Result<Self, Error> {
        let mut ignore = configuration::load(diff.config.as_deref())?.ignore;
        ignore.extend(diff.ignore.iter().cloned());
        let masker = match (diff.show_secrets_decoded, diff.show_secrets) {
            (true, _) => Masker::showing_secrets_decoded(),
            (_, true) => Masker::showing_secrets(),
            _ => Masker::new(&environment.mask_key),
        };
        let patterns = |texts: &[String]| -> Vec<Pattern> { texts.iter().map(|text| Pattern::new(text)).collect() };
        let mut suppress = patterns(&diff.suppress);
        suppress.extend(diff.suppress_secrets.then(|| Pattern::new("Secret")));
        let options = Options {
            parts: Parts { hooks: !diff.no_hooks, computed_values: diff.computed_values },
            // What may differ, as the flag has it, is what need not be equal.
            similarity: if diff.find_renames > 0.0 { (1.0 - diff.find_renames).max(f64::MIN_POSITIVE) } else { 0.0 },
            selection: Selection { only: patterns(&diff.only), suppress },
            suppress_lines: diff.suppress_output_line_regex.clone(),
            ignore,
        };
        let progress = Progress::new(environment, is_debug(&diff, environment));
        Ok(Self { diff, environment, masker, options, progress, started: Instant::now() })
    }

    async fn stored(self, source: &Source) -> Result<u8, Error> {
        let storage: AnyStorage = connection::storage(&self.diff.cluster, self.environment).await?;
        self.tell("connecting");
        let outcome =
            revdiff::run(&storage, source, &self.masker, &self.options, self.stages(connection::is_quiet(&storage)))
                .await?;
        self.print(outcome)
    }

    /// Who hears of the stages of reading: nobody while something else may write to the terminal.
    pub(super) fn stages(&self, quiet: bool) -> &dyn Stages {
        if quiet { &self.progress } else { &() }
    }

    /// The storage and the name of `NAMESPACE/NAME` or `NAME`.
    async fn storage_of<'t>(&self, text: &'t str) -> Result<(AnyStorage, &'t str), Error> {
        let (namespace, name) = match text.split_once('/') {
            Some((namespace, name)) => (Some(namespace.to_owned()), name),
            None => (None, text),
        };
        let storage = connection::storage_in(namespace, &self.diff.cluster, self.environment).await?;
        Ok((storage, name))
    }

    /// Prints the diff and returns the exit code.
    fn print(&self, outcome: Outcome) -> Result<u8, Error> {
        let manifest = &outcome.diff.manifest;
        let (parsed, opened) = (manifest.parsed, manifest.opened);
        self.tell(&format!("read and compared; {parsed} documents parsed, and {opened} of the equal ones"));
        self.progress.stage("drawing the differences");
        let view = self.view(&outcome);
        let for_readers =
            matches!(self.diff.format(), Format::Text | Format::SideBySide | Format::Paths | Format::Stat);
        self.write(&view, for_readers && !self.diff.no_pager)?;
        self.tell("done");
        let code = if self.diff.detailed_exitcode && !view.is_empty() { EXIT_CHANGED } else { EXIT_OK };
        // The process ends now, and gives its memory back faster as a whole than piece by piece.
        std::mem::forget(view);
        std::mem::forget(outcome);
        Ok(code)
    }

    /// Prints the diff of what is about to be done, without a pager.
    pub(super) fn show(&self, outcome: &Outcome) -> Result<(), Error> {
        let view = self.view(outcome);
        if self.diff.format() != Format::Json {
            return self.write(&view, false);
        }
        let failed =
            |error: &dyn std::fmt::Display| Error::new(Kind::Output, format!("cannot write the diff: {error}"));
        let mut json = Vec::new();
        json::write(&view, &mut json).map_err(|error| failed(&error))?;
        let diff: serde_json::Value = serde_json::from_slice(&json).map_err(|error| failed(&error))?;
        let event = serde_json::json!({"event": "diff", "diff": diff});
        output::write_result(false, self.environment, |out| writeln!(out, "{event}"))
    }

    /// Writes the diff as text without colours.
    pub(super) fn write_plainly(&self, outcome: &Outcome, out: &mut Vec<u8>) -> std::io::Result<()> {
        text::write(&self.view(outcome), Painter::new(false), out)
    }

    /// Prints the diff once more, for who is asked, and through the pager where there is one.
    pub(super) fn show_paged(&self, outcome: &Outcome) -> Result<(), Error> {
        self.write(&self.view(outcome), !self.diff.no_pager)
    }

    /// The colours of standard output.
    pub(super) fn painter(&self) -> Painter {
        output::painter(&self.diff.display, self.environment)
    }

    /// The view of an outcome, as the flags want it.
    pub(super) fn view<'o>(&self, outcome: &'o Outcome) -> View<'o> {
        let mut detail = self.detail();
        // Drift is no upgrade: nothing restarts, and nothing is deleted.
        if matches!(outcome.subject, Subject::Live(_)) {
            detail.sections = detail.sections.without_overview();
        }
        let view = View::new(&outcome.diff, &outcome.releases, detail);
        view.about(outcome.subject.clone()).with_notices(outcome.notices.clone())
    }

    fn write(&self, view: &View<'_>, paged: bool) -> Result<(), Error> {
        let painter = self.painter();
        self.progress.clear();
        let format = self.diff.format();
        if format == Format::Paths {
            view.notices.iter().for_each(|notice| output::print_notice(notice, self.environment));
        }
        output::write_result(paged, self.environment, |mut out: &mut dyn Write| match format {
            Format::Text => text::write(view, painter, &mut out),
            Format::SideBySide => side_by_side::write(view, painter, self.width(), &mut out),
            Format::Paths => paths::write(view, painter, &mut out),
            Format::Stat => stat::write(view, painter, &mut out),
            Format::Json => json::write(view, &mut out),
            Format::Yaml => json::write_yaml(view, &mut out),
            Format::Markdown => markdown::write(view, self.diff.max_bytes, &mut out),
            Format::Github => github::write(view, &mut out),
            Format::Html => html::write(view, &mut out),
        })
    }

    fn detail(&self) -> Detail {
        let format = self.diff.format();
        let lines = !matches!(format, Format::Paths | Format::Json | Format::Yaml);
        Detail {
            hunks: lines,
            changes: !lines || format == Format::Github,
            context: usize::try_from(self.diff.context).ok(),
            fold: lines && format != Format::Stat && !self.diff.no_fold,
            noise: match self.diff.noise {
                NoiseArg::Show => Noise::Show,
                NoiseArg::Fold => Noise::Fold,
                NoiseArg::Hide => Noise::Hide,
            },
            sections: sections(&self.diff),
        }
    }

    /// Terminal columns for what is drawn in columns.
    fn width(&self) -> usize {
        usize::from(self.diff.width.or(self.environment.columns).unwrap_or(DEFAULT_WIDTH))
    }

    fn tell(&self, what: &str) {
        if is_debug(&self.diff, self.environment) {
            output::print_debug(&format!("{:.1} ms: {what}", self.started.elapsed().as_secs_f64() * 1000.0));
        }
    }
}

/// Which sections are shown. The formats that show single changes have no room for what stands above them.
fn sections(diff: &DiffArgs) -> Sections {
    let mut sections = if diff.sections.is_empty() { Sections::ALL } else { Sections::NONE };
    let named =
        diff.sections.iter().map(|section| (section, true)).chain(diff.hide.iter().map(|section| (section, false)));
    for (section, shown) in named {
        match section {
            SectionArg::KeyDifferences => sections.key_differences = shown,
            SectionArg::Impact => sections.impact = shown,
            SectionArg::Resources => sections.resources = shown,
            SectionArg::Crds => sections.crds = shown,
            SectionArg::Values => sections.values = shown,
            SectionArg::Chart => sections.chart = shown,
            SectionArg::Notes => sections.notes = shown,
        }
    }
    match diff.format() {
        Format::Paths | Format::Stat => sections.without_overview(),
        _ => sections,
    }
}

/// Whether the user wants to be told what is done: `--debug`, which Helm passes on in the environment.
fn is_debug(diff: &DiffArgs, environment: &Environment) -> bool {
    diff.cluster.debug.unwrap_or_else(|| environment.switch("HELM_DEBUG"))
}
