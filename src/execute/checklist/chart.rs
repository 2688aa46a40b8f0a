//! What is seen of the chart: what the index of its repository says of it, its files for readers, the charts in it, its archive.

use std::fs;
use std::io::Read as _;
use std::path::{Path, PathBuf};
use std::time::Duration;

use futures::future::join;
use tokio::time::timeout;

use crate::chart::description;
use crate::chart::files::ChartFile;
use crate::checks::chart::ChartSeen;
use crate::checks::chart::seen::{Archive, Index, Note, Published, Subchart};
use crate::checks::snapshot::{ChartReference, Known, Place};
use crate::command::needs_upgrade;
use crate::command::upgrade::Request;
use crate::execute::{Options, Prepared};
use crate::helm::Helm;
use crate::helm::flags::{ChartFlags, Reuse};

/// Of a file for readers so many bytes are read, and of an archive.
const MAX_NOTE: usize = 1024 * 1024;
const MAX_ARCHIVE: u64 = 256 * 1024 * 1024;
const MAX_PROVENANCE: u64 = 1024 * 1024;
/// The newest version is worth no longer wait.
const LONGEST_ANSWER: Duration = Duration::from_secs(10);

/// Looks at the chart. Nobody is asked for anything, but for the newest version of a chart of which Helm keeps no index.
pub(super) async fn look<H: Helm>(
    helm: &H,
    (request, options): (&Request, &Options),
    prepared: &Prepared,
    reference: &ChartReference,
) -> ChartSeen {
    let flags = &request.upgrade.flags;
    let files = prepared.proposed.files().await;
    let subcharts: Vec<Subchart> = description::inner(files).iter().map(Subchart::of).collect();
    let named = match reference.place {
        Place::Repository if flags.chart.repo.is_none() => reference.named.split_once('/'),
        _ => None,
    };
    let repositories = options.repositories.clone();
    let named = named.map(|(repository, chart)| (repository.to_owned(), chart.to_owned()));
    let path = prepared.proposed.chart().to_owned();
    let on_disk = tokio::task::spawn_blocking(move || {
        let index = named.map(|(repository, chart)| {
            let indexed = repositories.index(&repository, &chart)?;
            let versions = indexed.versions.iter().filter_map(Published::of).collect();
            Ok(Index { repository, fetched: indexed.fetched, versions })
        });
        (index, archive(&path))
    });
    let (on_disk, newest) = join(on_disk, newest(helm, request, reference)).await;
    let (index, archive) = match on_disk {
        Ok((index, archive)) => (index, archive),
        Err(_) => (Some(Err("reading the index of the repository failed".to_owned())), None),
    };
    let readable = files.iter().any(|file| file.path == "Chart.yaml");
    ChartSeen {
        index,
        newest,
        notes: files.iter().filter(|file| file.is_note()).map(note).collect(),
        unreadable: (!readable).then(|| "there is no Chart.yaml that can be read".to_owned()),
        subcharts,
        archive,
        verified: flags.chart.verify,
        reuses_values: flags.reuse == Reuse::Reuse,
    }
}

/// The newest version there is, of a chart whose version is named. Without a name it is the newest that Helm has brought.
async fn newest<H: Helm>(helm: &H, request: &Request, reference: &ChartReference) -> Option<Known<String>> {
    let flags = &request.upgrade.flags.chart;
    let (folder, last) = reference.named.rsplit_once('/').unwrap_or_default();
    let chart = last.split(['@', ':']).next().unwrap_or_default();
    let named = match reference.place {
        Place::Registry => format!("{folder}/{chart}"),
        Place::Repository if flags.repo.is_some() => reference.named.clone(),
        _ => return None,
    };
    if flags.version.is_none() && last == chart {
        return None;
    }
    let flags = ChartFlags { version: None, devel: false, ..flags.clone() };
    let asked = timeout(LONGEST_ANSWER, needs_upgrade::newest_there_is(helm, &named, &flags)).await;
    Some(match asked {
        Ok(newest) => newest.map_err(|error| error.message),
        Err(_) => Err(format!("{named} gave no answer in {} s", LONGEST_ANSWER.as_secs())),
    })
}

fn note(file: &ChartFile) -> Note {
    let content = &file.content[..file.content.len().min(MAX_NOTE)];
    Note { path: file.path.clone(), text: String::from_utf8_lossy(content).into_owned() }
}

fn archive(path: &Path) -> Option<Archive> {
    if path.is_dir() {
        return None;
    }
    let digest = digest(path).map_err(|error| format!("the chart's archive could not be read: {error}"));
    // Helm looks for it there, too.
    let mut provenance = path.as_os_str().to_owned();
    provenance.push(".prov");
    let provenance = PathBuf::from(provenance);
    let read = || -> std::io::Result<String> {
        let mut content = Vec::new();
        fs::File::open(&provenance)?.take(MAX_PROVENANCE).read_to_end(&mut content)?;
        Ok(String::from_utf8_lossy(&content).into_owned())
    };
    let read = |()| read().map_err(|error| format!("the chart's provenance file could not be read: {error}"));
    Some(Archive { digest, provenance: provenance.exists().then_some(()).map(read) })
}

fn digest(path: &Path) -> Known<String> {
    let mut context = ring::digest::Context::new(&ring::digest::SHA256);
    let mut file = fs::File::open(path).map_err(|error| error.to_string())?.take(MAX_ARCHIVE);
    let mut buffer = vec![0; 64 * 1024];
    loop {
        match file.read(&mut buffer).map_err(|error| error.to_string())? {
            0 => break,
            read => context.update(&buffer[..read]),
        }
    }
    Ok(context.finish().as_ref().iter().map(|byte| format!("{byte:02x}")).collect())
}
