//! `helm safe-upgrade blue-green status`: which of the two releases is live, and how far a roll-out is.

use super::orders::pair;
use super::{kept, screen::Deaf};
use crate::cli::args::{BlueGreenStatusArgs, ReportFormat};
use crate::cli::{Environment, connection, output};
use crate::cluster::KubeCluster;
use crate::error::{EXIT_OK, Error};
use crate::execute::Seams;
use crate::execute::blue_green::routes::{RouterValues, now};
use crate::execute::interrupts::Interrupts;
use crate::manifest::mask::Masker;
use crate::record::blue_green::Store;
use crate::report::blue_green::{Stand, StatusView};
use crate::upgrade::blue_green::Switch;
use crate::upgrade::blue_green::kept::Kept;
use crate::upgrade::blue_green::next::Phase;
use crate::upgrade::blue_green::traffic::{Route, Traffic};

/// Runs the command and returns the exit code.
pub(super) async fn run(arguments: BlueGreenStatusArgs, environment: &Environment) -> Result<u8, Error> {
    let (blue, green) = pair((arguments.blue, arguments.green))?;
    let storage = connection::storage(&arguments.cluster, environment).await?;
    let helm = connection::helm(&arguments.cluster, environment)?;
    let reached = connection::reached(&storage, &arguments.cluster, environment).await?;
    let cluster: &KubeCluster = &reached;
    let (masker, interrupts) = (Masker::new(&environment.mask_key), Interrupts::never());
    let seams =
        Seams { storage: &storage, helm: &helm, cluster, masker: &masker, listener: &Deaf, interrupts: &interrupts };
    let kept = kept(&Store::of(cluster, storage.namespace(), (&blue, &green))).await?;
    // The values of a router are known only to who leads it.
    let route = match &kept {
        Some(Kept { switch: Switch::Release { .. }, .. }) | None => None,
        Some(kept) => Some(now(&seams, &kept.switch, &RouterValues(Vec::new())).await?.route),
    };
    let mut releases = Vec::new();
    for release in [blue, green] {
        let history = storage.history(&release).await?;
        let last = history.entries().last();
        releases.push(Stand {
            live: kept.as_ref().and_then(|kept| is_live(&release, kept, route.as_ref())),
            revision: last.map(|entry| entry.revision),
            status: last.map(|entry| entry.status_hint.clone()),
            proven: last.is_some_and(|entry| entry.marks.is_proven()),
            release,
        });
    }
    let view = StatusView::new(storage.namespace().to_owned(), releases, (route, kept));
    let painter = output::painter(&arguments.display, environment);
    output::write_result(false, environment, |mut out| match arguments.output {
        ReportFormat::Text => view.write_text(painter, &mut out),
        ReportFormat::Json => view.write_json(&mut out),
    })?;
    Ok(EXIT_OK)
}

/// Whether a release has the traffic, as far as what is kept tells.
fn is_live(release: &str, kept: &Kept, route: Option<&Route>) -> Option<bool> {
    let traffic = match route {
        Some(route) => Traffic::of(route, (&kept.before, &kept.after)),
        None if matches!(kept.phase, Phase::Soaking | Phase::Proven) => Traffic::Idle,
        None if kept.phase == Phase::Paused => Traffic::Live,
        None => return None,
    };
    let live = match traffic {
        Traffic::Live => &kept.roles.live,
        Traffic::Idle => &kept.roles.idle,
        Traffic::Elsewhere(_) => return None,
    };
    Some(live == release)
}
