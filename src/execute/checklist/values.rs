//! What is known of the values: who supplies them, what the chart takes, and what its schema says of them.

use std::collections::HashSet;

use super::{Prepared, Seams};
use crate::chart::description;
use crate::chart::files::ChartFile;
use crate::checks::snapshot::values::{ChartValues, GivenValues, Refused};
use crate::cluster::Cluster;
use crate::command::upgrade::Request;
use crate::helm::flags::Reuse;
use crate::helm::{Helm, refused};
use crate::manifest::node::{Node, Value};
use crate::manifest::sensitive::Sensitive;
use crate::manifest::yaml;
use crate::release::values::computed;
use crate::storage::Storage;

/// Charts in charts are followed to this depth.
const MAX_DEPTH: usize = 8;

/// So many charts in charts are looked at.
const MOST_CHARTS: usize = 500;

/// Schemas are followed to this depth.
const MAX_SCHEMA: usize = 64;

/// Gathers it. The chart is here already.
pub(super) async fn given<'p, C: Cluster, H: Helm>(
    seams: &Seams<'_, C, H>,
    request: &Request,
    prepared: &'p Prepared,
) -> GivenValues<'p> {
    let proposed = &prepared.proposed;
    let releases = &proposed.outcome.releases;
    let files = proposed.files().await;
    let reuse = request.upgrade.flags.reuse == Reuse::Reuse && !proposed.is_first;
    let mut reading = Reading { files, words: HashSet::new(), places: Vec::new() };
    let mut defaults = reading.defaults("", &mut Vec::new());
    if !reuse {
        // Helm has added what charts in it export to this one.
        defaults = computed(&defaults, &releases.new.chart.values);
    }
    let Reading { words, places, .. } = reading;
    let refused = proposed.refused_values.as_deref().map(|said| {
        let mut sensitive = Sensitive::of(releases.new.documents().iter());
        sensitive.gather_values(&releases.new.computed_values());
        let complaints = refused::complaints(said).into_iter().map(|one| {
            let chart = places.iter().find(|(name, _)| *name == one.chart);
            let above = chart.map(|(_, steps)| steps.clone()).unwrap_or_default();
            let message = sensitive.mask_text(&one.message, seams.masker);
            Refused { steps: [above, one.steps].concat(), message }
        });
        let mut found: Vec<Refused> = complaints.collect();
        if found.is_empty() {
            let message = "Helm says that the values do not meet the chart's schema".to_owned();
            found.push(Refused { steps: Vec::new(), message });
        }
        found
    });
    let text = |file: &ChartFile| (file.path.clone(), String::from_utf8_lossy(&file.content).into_owned());
    let templates = files.iter().filter(|file| file.is_template()).map(text).collect();
    let has_schema = files.iter().any(ChartFile::is_schema);
    let is_readable = files.iter().any(|file| file.path == "Chart.yaml");
    GivenValues {
        supplied: &proposed.supplied,
        kept: match proposed.is_first {
            true => "the chart".to_owned(),
            false => format!("revision {}", releases.old.revision),
        },
        reuse,
        schema_skipped: request.upgrade.flags.skip_schema_validation,
        refused: refused.unwrap_or_default(),
        chart: match is_readable {
            true => Ok(ChartValues::new(defaults, templates, words, has_schema)),
            false => Err("the chart's files could not be read".to_owned()),
        },
        stored_in: match seams.storage {
            Storage::Objects { resource, .. } if resource.plural == "configmaps" => "ConfigMap",
            Storage::Objects { .. } => "Secret",
            Storage::Helm { .. } => "",
        },
    }
}

/// Reads the defaults of a chart and of the charts in it.
struct Reading<'a> {
    files: &'a [ChartFile],
    /// What names values beside defaults and templates.
    words: HashSet<String>,
    /// The charts by the name that Helm calls them, with the steps to their values.
    places: Vec<(String, Vec<String>)>,
}

impl Reading<'_> {
    /// The defaults of the chart whose files start with this, with those of the charts in it below their names.
    fn defaults(&mut self, prefix: &str, steps: &mut Vec<String>) -> Node {
        let own = self.parsed(&format!("{prefix}values.yaml"));
        let mut metadata = self.parsed(&format!("{prefix}Chart.yaml"));
        let required = self.parsed(&format!("{prefix}requirements.yaml"));
        if let Some(dependencies) = required.get("dependencies").filter(|_| metadata.get("dependencies").is_none()) {
            metadata = description::with(&metadata, "dependencies", dependencies.clone());
        }
        let name = steps.last().cloned().or_else(|| text(&metadata, "name"));
        self.places.extend(name.map(|name| (name, steps.clone())));
        let schema = self.parsed(&format!("{prefix}values.schema.json"));
        properties(&schema, &mut self.words, 0);
        let listed = metadata.get("dependencies").and_then(Node::as_list).unwrap_or_default().to_vec();
        for dependency in &listed {
            // Its values are known where its files are here, and taken in any case.
            self.words.extend(text(dependency, "alias").or_else(|| text(dependency, "name")));
            let paths = text(dependency, "condition").unwrap_or_default();
            self.words.extend(paths.split([',', '.']).map(|step| step.trim().to_owned()));
            let tags = dependency.get("tags").and_then(Node::as_list).unwrap_or_default();
            self.words.extend(tags.iter().filter_map(Node::as_str).map(str::to_owned));
            self.words.extend((!tags.is_empty()).then(|| "tags".to_owned()));
        }
        let mut below: Vec<(Box<str>, Node)> = Vec::new();
        if steps.len() < MAX_DEPTH && self.places.len() < MOST_CHARTS {
            for (folder, chart) in self.charts(&format!("{prefix}charts/")) {
                let of_chart = |one: &&Node| text(one, "name").as_deref() == Some(&chart);
                let aliases: Vec<String> =
                    listed.iter().filter(of_chart).filter_map(|one| text(one, "alias")).collect();
                let is_plain = listed.iter().filter(of_chart).any(|one| text(one, "alias").is_none());
                let names = aliases
                    .into_iter()
                    .chain((is_plain || !listed.iter().any(|one| of_chart(&one))).then_some(chart.clone()));
                for name in names.collect::<Vec<_>>() {
                    steps.push(name.clone());
                    let inner = self.defaults(&folder, steps);
                    steps.pop();
                    below.push((name.into(), inner));
                }
            }
        }
        computed(&Node::new(Value::Map(below)), &own)
    }

    /// The charts directly in a folder `charts/`: where their files are, and their names.
    fn charts(&self, folder: &str) -> Vec<(String, String)> {
        let found = self.files.iter().filter_map(|file| {
            let inner = file.path.strip_prefix(folder)?.strip_suffix("/Chart.yaml")?;
            if inner.contains('/') || inner.starts_with(['.', '_']) {
                return None;
            }
            Some((format!("{folder}{inner}/"), text(&self.parsed(&file.path), "name")?))
        });
        found.collect()
    }

    fn parsed(&self, path: &str) -> Node {
        let file = self.files.iter().find(|file| file.path == path);
        let text = file.and_then(|file| std::str::from_utf8(&file.content).ok());
        text.and_then(|text| yaml::parse(text.trim_start_matches('\u{feff}')).ok()).unwrap_or_default()
    }
}

fn text(node: &Node, key: &str) -> Option<String> {
    node.get(key).and_then(Node::as_str).filter(|text| !text.is_empty()).map(str::to_owned)
}

/// The names of all properties in a schema.
fn properties(schema: &Node, found: &mut HashSet<String>, depth: usize) {
    if depth > MAX_SCHEMA {
        return;
    }
    match schema.value() {
        Value::Map(entries) => {
            for (key, value) in entries {
                if &**key == "properties" {
                    found.extend(value.as_map().unwrap_or_default().iter().map(|(name, _)| name.to_string()));
                }
                properties(value, found, depth + 1);
            }
        }
        Value::List(items) => items.iter().for_each(|item| properties(item, found, depth + 1)),
        _ => {}
    }
}
