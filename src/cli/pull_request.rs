//! `helm revdiff pull-request`: what a branch changes in the charts of a repository, told where it is reviewed.

use std::io::Write as _;
use std::path::Path;

use crate::chart::touched::within;
use crate::checks::{Severity, Terms};
use crate::cli::Environment;
use crate::cli::args::{ForgeArg, Format, PullRequestArgs};
use crate::cli::configuration;
use crate::cli::connection;
use crate::cli::revdiff::Run;
use crate::cli::{input, output};
use crate::command::pull_request::{self, Fate, Request};
use crate::config::pull_request as config;
use crate::config::pull_request::FailOn;
use crate::diff::release::Both;
use crate::error::{EXIT_CHANGED, EXIT_OK, Error, Kind};
use crate::forge::{self, Forge, PullRequest};
use crate::report::html;
use crate::report::pull_request::{Item, Review, marker};

/// Runs the command and returns the exit code.
pub(super) async fn run(arguments: PullRequestArgs, environment: &Environment) -> Result<u8, Error> {
    let format = arguments.diff.format();
    if !matches!(format, Format::Text | Format::Markdown | Format::Json) {
        return Err(Error::new(Kind::Usage, "cannot tell a pull request in this format")
            .hint("formats are text, markdown and json; --html FOLDER writes a page for each chart"));
    }
    // Before anything is rendered: a comment that can't be posted is known at once.
    let if_allowed = arguments.comment_if_allowed;
    let place = match arguments.comment {
        Some(forge) => place(forge, (arguments.number, if_allowed), environment)?,
        None => None,
    };
    let wanted = configuration::load(arguments.diff.config.as_deref())?;
    let fail_on = arguments.fail_on.map(|arg| arg.wanted()).or(wanted.pull_request.fail_on).unwrap_or_default();
    let base = arguments.base.clone().unwrap_or_else(|| base(environment));
    let (name, html, summary) = (arguments.comment_name, arguments.html, arguments.summary);
    let run = Run::new(arguments.diff, environment)?;
    let helm = connection::helm(&run.diff.cluster, environment)?;
    let terms = Terms::default();
    let environments = |chart: &str| environments(&wanted.pull_request, chart);
    let request = Request {
        folder: input::current_folder()?,
        revisions: Both { old: base, new: arguments.head },
        environments: &environments,
        terms: &terms,
    };
    let found = pull_request::run(&helm, &request, (&run.masker, &run.options), &run.progress).await?;
    run.progress.clear();
    let items = found.items.iter().map(|item| Item {
        chart: &item.chart,
        environment: &item.environment,
        fate: match item.fate {
            Fate::Added => "added",
            Fate::Removed => "removed",
            Fate::Changed => "changed",
        },
        rendered: match &item.rendered {
            Ok((outcome, findings)) => Ok((run.view(outcome), findings)),
            Err(error) => Err(error.message.clone()),
        },
    });
    let review = Review { commits: (&found.commits.old, &found.commits.new), items: items.collect() };
    print(&review, &run, &name)?;
    if let Some(folder) = &html {
        write_pages(&review, folder)?;
    }
    if let Some(file) = &summary {
        append(file, ("the summary", &markdown(&review, &name, LONGEST_SUMMARY)?))?;
    }
    let posted = match &place {
        Some(place) => post(&review, place, (&name, if_allowed), environment).await,
        None => Ok(None),
    };
    if let Some(file) = &arguments.outputs {
        let url = posted.as_ref().ok().and_then(Option::as_deref);
        append(file, ("the outputs", outputs(&review, url).as_bytes()))?;
    }
    posted?;
    verdict(&found, &review, fail_on, run.diff.detailed_exitcode)
}

/// The environments that a chart is rendered for; one without a name where there are none.
fn environments(wanted: &config::PullRequest, chart: &str) -> Vec<pull_request::Environment> {
    if !wanted.takes(chart) {
        return Vec::new();
    }
    let name = chart.rsplit('/').next().unwrap_or_default();
    let filled =
        |text: &String| text.replace("{chart}", name).replace("{path}", if chart.is_empty() { "." } else { chart });
    let of = |one: &config::Environment| pull_request::Environment {
        name: one.name.clone(),
        release: one.release.as_ref().map(filled),
        namespace: one.namespace.as_ref().map(filled),
        // One that leads out stays as it is, and is refused.
        values: one.values.iter().map(filled).map(|file| within("", &file).unwrap_or(file)).collect(),
        kube_version: one.kube_version.clone().or_else(|| wanted.kube_version.clone()),
    };
    if wanted.environments.is_empty() {
        return vec![of(&config::Environment::default())];
    }
    wanted.environments.iter().filter(|one| one.takes(chart)).map(of).collect()
}

/// What a branch is merged into, as CI says it.
fn base(environment: &Environment) -> String {
    let github = environment.text("GITHUB_BASE_REF").map(|branch| format!("origin/{branch}"));
    let gitlab = || environment.text("CI_MERGE_REQUEST_DIFF_BASE_SHA").map(str::to_owned);
    github.or_else(gitlab).unwrap_or_else(|| "origin/HEAD".to_owned())
}

/// The pull request that CI runs for. `None` where there is no token to comment with, and none is needed: pull requests of forks get no
/// secrets, and are to be reviewed all the same.
fn place(
    forge: ForgeArg,
    (number, if_allowed): (Option<u64>, bool),
    environment: &Environment,
) -> Result<Option<PullRequest>, Error> {
    let variable = |name: &str| {
        environment.text(name).map(str::to_owned).ok_or_else(|| {
            Error::new(Kind::Usage, format!("cannot comment on a pull request: {name} is not set"))
                .hint("docs/pull-requests.md shows how it is set")
        })
    };
    let unknown = |name: &str| {
        Error::new(Kind::Usage, format!("cannot comment on a pull request: {name} does not say its number"))
            .hint("run it for pull requests only, or say which one: --number 12")
    };
    let (forge, token, number, (api, repository)) = match forge {
        ForgeArg::Github => {
            // `refs/pull/12/merge`
            let named =
                environment.text("GITHUB_REF").and_then(|name| name.strip_prefix("refs/pull/")?.split('/').next());
            let number = number.or_else(|| named?.parse().ok()).ok_or_else(|| unknown("GITHUB_REF"))?;
            let api = environment.text("GITHUB_API_URL").unwrap_or("https://api.github.com").to_owned();
            (Forge::Github, "GITHUB_TOKEN", number, (api, variable("GITHUB_REPOSITORY")?))
        }
        ForgeArg::Gitlab => {
            let named = environment.text("CI_MERGE_REQUEST_IID").and_then(|number| number.parse().ok());
            let number = number.or(named).ok_or_else(|| unknown("CI_MERGE_REQUEST_IID"))?;
            (Forge::Gitlab, "GITLAB_TOKEN", number, (variable("CI_API_V4_URL")?, variable("CI_PROJECT_ID")?))
        }
    };
    match variable(token) {
        Ok(token) => Ok(Some(PullRequest { forge, api, repository, number, token: token.into() })),
        Err(error) if if_allowed => {
            output::print_warning(&error.message, environment);
            Ok(None)
        }
        Err(error) => Err(error),
    }
}

fn print(review: &Review<'_>, run: &Run<'_>, name: &str) -> Result<(), Error> {
    let most = run.diff.max_bytes;
    output::write_result(false, run.environment, |mut out| match run.diff.format() {
        Format::Markdown => review.write_markdown(name, most, &mut out),
        Format::Json => review.write_json(&mut out),
        _ => review.write_text(run.painter(), &mut out),
    })
}

fn failed(what: &str, path: &Path, error: &std::io::Error) -> Error {
    Error::new(Kind::Output, format!("cannot write {what} {}: {error}", path.display()))
}

/// A page for each chart that renders differently.
fn write_pages(review: &Review<'_>, folder: &Path) -> Result<(), Error> {
    std::fs::create_dir_all(folder).map_err(|error| failed("the folder", folder, &error))?;
    let mut written = std::collections::BTreeSet::new();
    for item in &review.items {
        let Ok((view, _)) = &item.rendered else { continue };
        let named = |text: &str| -> String {
            text.chars().map(|c| if c.is_ascii_alphanumeric() || "._-".contains(c) { c } else { '_' }).collect()
        };
        let chart = if item.chart.is_empty() { "chart" } else { item.chart };
        let environment =
            if item.environment.is_empty() { String::new() } else { format!("@{}", named(item.environment)) };
        let name = format!("{}{environment}", named(chart));
        // Two folders may have the same name without what a file's name can't have.
        let count = (1..).find(|count| written.insert((name.clone(), *count))).unwrap_or(1);
        let number = if count == 1 { String::new() } else { format!("-{count}") };
        let path = folder.join(format!("{name}{number}.html"));
        let mut page = Vec::new();
        html::write(view, &mut page)
            .and_then(|()| std::fs::write(&path, &page))
            .map_err(|error| failed("the page", &path, &error))?;
    }
    Ok(())
}

/// The longest summary of a job, in bytes (GitHub: 1 MiB a step).
const LONGEST_SUMMARY: usize = 1_000_000;

fn append(file: &Path, (what, text): (&str, &[u8])) -> Result<(), Error> {
    let opened = std::fs::OpenOptions::new().create(true).append(true).open(file);
    opened.and_then(|mut out| out.write_all(text)).map_err(|error| failed(what, file, &error))
}

/// What came of it for the steps behind, a `NAME=VALUE` a line. What a forge says of a comment must be no further line.
fn outputs(review: &Review<'_>, url: Option<&str>) -> String {
    let charts: std::collections::BTreeSet<&str> = review.items.iter().map(|item| item.chart).collect();
    let url = url.filter(|url| !url.contains(char::is_control)).unwrap_or_default();
    format!("changed={}\ncharts={}\ncomment-url={url}\n", review.differs(), charts.len())
}

fn markdown(review: &Review<'_>, name: &str, most: usize) -> Result<Vec<u8>, Error> {
    let mut text = Vec::new();
    let written = review.write_markdown(name, most, &mut text);
    written.map_err(|error| Error::new(Kind::Output, format!("cannot write the comment: {error}")))?;
    Ok(text)
}

/// Returns where the comment is, if there is one.
async fn post(
    review: &Review<'_>,
    place: &PullRequest,
    (name, if_allowed): (&str, bool),
    environment: &Environment,
) -> Result<Option<String>, Error> {
    let text = markdown(review, name, place.forge.longest_comment())?;
    // Most pull requests touch no chart, and need not hear of it.
    let wants_new = !review.items.is_empty();
    let posted = match forge::comment(place, &marker(name), &String::from_utf8_lossy(&text), wants_new).await {
        Err(error) if if_allowed && error.kind == Kind::Forbidden => {
            output::print_warning(&error.message, environment);
            None
        }
        posted => posted?,
    };
    let Some(posted) = posted else { return Ok(None) };
    let at = posted.url.as_ref().map(|url| format!(": {url}")).unwrap_or_default();
    let how = if posted.updated { "updated" } else { "posted" };
    output::print_notice(&format!("comment {how} on pull request {}{at}", place.number), environment);
    Ok(posted.url)
}

/// The exit code.
fn verdict(found: &pull_request::Review, review: &Review<'_>, fail_on: FailOn, detailed: bool) -> Result<u8, Error> {
    let broken: Vec<(&str, &Error)> =
        found.items.iter().filter_map(|item| Some((item.chart.as_str(), item.rendered.as_ref().err()?))).collect();
    if let Some((chart, error)) = broken.first() {
        let more = if broken.len() == 1 { String::new() } else { format!(", and {} more", broken.len() - 1) };
        let chart = if chart.is_empty() { "." } else { chart };
        return Err(Error::new(error.kind, format!("cannot render {chart}{more}: see above")));
    }
    let worst = |severity: Severity| {
        let rendered = found.items.iter().filter_map(|item| item.rendered.as_ref().ok());
        rendered.filter(|(_, findings)| findings.of_severity(severity).next().is_some()).count()
    };
    let (blocked, warned) = (worst(Severity::Blocker), worst(Severity::Warning));
    let refused = |count: usize, what: &str| {
        let charts = if count == 1 { "1 chart has".to_owned() } else { format!("{count} charts have") };
        Error::new(Kind::Refused, format!("the pull request is not to be merged: {charts} {what}"))
            .hint("what counts is said by --fail-on, or by failOn in helm-safe-upgrade.yaml")
    };
    match fail_on {
        FailOn::Blocker | FailOn::Warning | FailOn::Change if blocked > 0 => Err(refused(blocked, "a blocker")),
        FailOn::Warning if warned > 0 => Err(refused(warned, "a warning")),
        FailOn::Change if review.differs() => {
            Err(refused(review.items.iter().filter(|item| item.differs()).count(), "a change"))
        }
        _ if detailed && review.differs() => Ok(EXIT_CHANGED),
        _ => Ok(EXIT_OK),
    }
}
