//! `helm revdiff chart`: what differs between two charts, rendered without a cluster.

use std::path::PathBuf;

use futures::future::join;

use crate::chart::description;
use crate::command::revdiff::{Options, Outcome, Render, outcome_of_render, validate_name};
use crate::command::source::{Source, Wish};
use crate::command::{Stages, values};
use crate::diff::release::Both;
use crate::error::Error;
use crate::helm::flags::{ChartFlags, ValueFlags};
use crate::helm::{Helm, Rendered, Template};
use crate::manifest::mask::Masker;
use crate::manifest::node::{Node, Value};
use crate::manifest::sensitive::{Sensitive, mask_url_passwords};
use crate::release::Release;
use crate::release::supplied::Origins;
use crate::report::view::Subject;

/// Which charts to compare.
#[derive(Clone, Debug)]
pub struct Request {
    /// The charts as the user named them.
    pub charts: Both<String>,
    /// The values supplied for each.
    pub values: Both<ValueFlags>,
    /// How both are rendered. Chart and values are filled in here; the flags of the chart are for both.
    pub template: Template,
    /// The folder that paths are seen from.
    pub folder: PathBuf,
    /// A folder of ours, with a slash at its end, that does not stand before the names of files with values.
    pub hidden: Option<String>,
}

/// One of the two, rendered.
struct Side {
    release: Release,
    again: Option<Release>,
    warnings: Vec<String>,
}

/// Brings both charts here, renders them at the same time, and compares.
///
/// # Errors
/// If a chart can't be found, fetched, completed or rendered.
pub async fn run<H: Helm>(
    helm: &H,
    request: &Request,
    masker: &Masker,
    options: &Options,
    stages: &dyn Stages,
) -> Result<Outcome, Error> {
    validate_name(&request.template.release)?;
    stages.stage("rendering the charts");
    let fetching = tokio::sync::Mutex::new(());
    let flags = &request.template.flags;
    let wish = Wish {
        current: &request.folder,
        flags: &flags.chart,
        dependency_update: flags.dependency_update,
        one_at_a_time: &fetching,
    };
    let (charts, values) = (&request.charts, &request.values);
    // Only what is made anew in the new chart would look like a change that it brings.
    let old = side(helm, (&charts.old, &values.old), request, &wish, false);
    let new = side(helm, (&charts.new, &values.new), request, &wish, true);
    // Of two errors it is always the first that is told.
    let (old, new) = join(old, new).await;
    let names = Both { old: mask_url_passwords(&charts.old, masker), new: mask_url_passwords(&charts.new, masker) };
    let named = |error: Error, chart: &str, name: &str| Error { message: error.message.replace(chart, name), ..error };
    let old = old.map_err(|error| named(error, &charts.old, &names.old))?;
    let new = new.map_err(|error| named(error, &charts.new, &names.new))?;
    stages.stage("comparing");
    let notices = Both { old: notices(&old, &names.old, masker), new: notices(&new, &names.new, masker) };
    let mut supplied = values::supplied(&values.new, request.template.stdin.as_deref());
    if let Some(hidden) = &request.hidden {
        supplied.iter_mut().for_each(|one| one.origin = one.origin.replace(hidden, ""));
    }
    let render = Render { again: new.again, origins: Origins::of(&new.release.config, &supplied, "") };
    let releases = Both { old: old.release, new: new.release };
    let outcome = outcome_of_render(Subject::Charts(names), releases, &render, masker, options);
    Ok(Outcome { notices: [notices.old, notices.new].concat(), ..outcome })
}

async fn side<H: Helm>(
    helm: &H,
    (chart, values): (&str, &ValueFlags),
    request: &Request,
    wish: &Wish<'_>,
    is_new: bool,
) -> Result<Side, Error> {
    let stdin = request.template.stdin.as_deref().filter(|_| values.use_stdin());
    let supplied = async {
        match values.is_empty() {
            true => Ok(Node::new(Value::Null)),
            false => helm.supplied_values(values, stdin).await,
        }
    };
    let mut template = request.template.clone();
    template.stdin = stdin.map(<[u8]>::to_vec);
    template.flags.values = values.clone();
    let rendering = async {
        let source = Source::gather(helm, chart, wish).await?;
        let rendered = rendered(helm, &source, Template { named: chart.to_owned(), ..template }, is_new).await;
        rendered.map_err(|error| Error { message: source.in_its_place(&error.message), ..error }).map(|it| (source, it))
    };
    // Broken values would break the render as well, with a longer message.
    let (supplied, rendered) = join(supplied, rendering).await;
    let supplied = supplied?;
    let (source, (first, again)) = rendered?;
    let files = source.files().await;
    let warnings = first.warnings.iter().map(|line| source.in_its_place(line)).collect();
    let release = |rendered: Rendered<String>| {
        let mut release = Release::of_template(rendered.result, request.template.include_crds);
        request.template.release.clone_into(&mut release.name);
        release.namespace = request.template.namespace.clone().unwrap_or_default();
        release.chart.metadata = description::metadata(files);
        release.chart.values = description::values(files);
        release.config = supplied.clone();
        release
    };
    Ok(Side { again: again.map(release), release: release(first), warnings })
}

/// Renders a chart, and once more where what it makes anew at each render is to be told apart.
async fn rendered<H: Helm>(
    helm: &H,
    source: &Source,
    template: Template,
    twice: bool,
) -> Result<(Rendered<String>, Option<Rendered<String>>), Error> {
    let mut template = Template { chart: source.path.to_string_lossy().into_owned(), ..template };
    // They said where to find it and its dependencies, and all is found.
    template.flags.chart = ChartFlags::default();
    template.flags.dependency_update = false;
    let again =
        async { if twice && source.regenerates().await { helm.template(&template).await.map(Some) } else { Ok(None) } };
    let (first, again) = join(helm.template(&template), again).await;
    Ok((first?, again?))
}

/// Helm's warnings about a chart. They may quote values, so what is secret in them is masked.
fn notices(side: &Side, chart: &str, masker: &Masker) -> Vec<String> {
    if side.warnings.is_empty() {
        return Vec::new();
    }
    let mut sensitive = Sensitive::of(side.release.documents().iter());
    sensitive.gather_values(&side.release.computed_values());
    side.warnings.iter().map(|line| format!("helm, of {chart}: {}", sensitive.mask_text(line, masker))).collect()
}
