//! Benchmarks without a cluster: decoding a record, splitting, reading and comparing manifests, drawing the result.
//!
//! `cargo bench` measures manifests made here. With `BENCH_MANIFESTS=FOLDER` it measures real ones too: every
//! `NAME-VERSION.yaml` of a name, the oldest against the newest. Each figure is the median of several runs, with the
//! fastest and the slowest.

#![allow(clippy::unwrap_used, clippy::print_stdout)] // a benchmark prints its figures, and may fail loudly

use std::collections::BTreeMap;
use std::hint::black_box;
use std::io::Write as _;
use std::time::{Duration, Instant};

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use flate2::Compression;
use flate2::write::GzEncoder;
use helm_safe_upgrade::diff::release::{Both, Parts, ReleaseDiff, compare};
use helm_safe_upgrade::manifest::document::Manifest;
use helm_safe_upgrade::manifest::mask::Masker;
use helm_safe_upgrade::manifest::yaml;
use helm_safe_upgrade::release::{Release, decode};
use helm_safe_upgrade::report::style::Painter;
use helm_safe_upgrade::report::view::{Detail, View};
use helm_safe_upgrade::report::{json, text};

const RUNS: usize = 15;
const PARTS: Parts = Parts { hooks: true, computed_values: false };

fn main() {
    println!("{:<34} {:>10} {:>10} {:>10}   size", "median of 15 runs", "median", "fastest", "slowest");
    for (name, old, new) in pairs() {
        measure_pair(&name, &old, &new);
    }
}

fn measure_pair(name: &str, old: &str, new: &str) {
    println!("\n{name}: {} KB and {} KB", old.len() / 1000, new.len() / 1000);
    let payloads = [record(1, old), record(2, new)];
    row("decode both records", old.len() + new.len(), || {
        payloads.iter().map(|p| decode::decode(p).unwrap().revision).sum::<u32>()
    });
    row("split both manifests", old.len() + new.len(), || {
        [old, new].map(|text| Manifest::new(text.to_owned()).documents(false).len())
    });
    row("read both manifests whole", old.len() + new.len(), || {
        [old, new].map(|text| yaml::parse_all(text).map(|nodes| nodes.len()).ok())
    });
    let releases = Both { old: decode::decode(&payloads[0]).unwrap(), new: decode::decode(&payloads[1]).unwrap() };
    let masker = Masker::new(b"a key");
    row("compare the releases", old.len() + new.len(), || {
        compare(&releases.old, &releases.new, &masker, PARTS).manifest.unchanged
    });
    let diff = compare(&releases.old, &releases.new, &masker, PARTS);
    row("print as text", old.len() + new.len(), || printed(&diff, &releases, true));
    row("print as JSON", old.len() + new.len(), || printed(&diff, &releases, false));
    row("compare and print as text", old.len() + new.len(), || {
        printed(&compare(&releases.old, &releases.new, &masker, PARTS), &releases, true)
    });
    let documents = releases.old.documents().len() + releases.new.documents().len();
    println!(
        "  {} of {documents} documents parsed, {} objects unchanged",
        diff.manifest.parsed, diff.manifest.unchanged
    );
}

fn printed(diff: &ReleaseDiff, releases: &Both<Release>, as_text: bool) -> usize {
    let view =
        View::new(diff, releases, Detail { hunks: as_text, changes: !as_text, context: Some(3), ..Detail::default() });
    let mut out = Vec::new();
    match as_text {
        true => text::write(&view, Painter::new(true), &mut out).unwrap(),
        false => json::write(&view, &mut out).unwrap(),
    }
    out.len()
}

fn row<T>(what: &str, bytes: usize, mut run: impl FnMut() -> T) {
    black_box(run());
    let mut times: Vec<Duration> = (0..RUNS)
        .map(|_| {
            let started = Instant::now();
            black_box(run());
            started.elapsed()
        })
        .collect();
    times.sort();
    let ms = |time: Duration| format!("{:.2} ms", time.as_secs_f64() * 1000.0);
    let median = times[RUNS / 2];
    let rate = bytes as f64 / 1e6 / median.as_secs_f64();
    println!("  {what:<32} {:>10} {:>10} {:>10}   {rate:.0} MB/s", ms(median), ms(times[0]), ms(times[RUNS - 1]));
}

fn record(revision: u32, manifest: &str) -> Vec<u8> {
    let record = serde_json::json!({
        "name": "bench", "namespace": "bench", "version": revision, "info": {"status": "deployed"},
        "chart": {"metadata": {"name": "bench", "version": "1.0.0"}, "templates": [{"name": "t", "data": STANDARD.encode(manifest)}]},
        "manifest": manifest,
    });
    let mut encoder = GzEncoder::new(Vec::new(), Compression::best());
    encoder.write_all(record.to_string().as_bytes()).unwrap();
    STANDARD.encode(encoder.finish().unwrap()).into_bytes()
}

/// Name, old text, new text.
fn pairs() -> Vec<(String, String, String)> {
    let mut pairs = vec![
        ("3,000 ConfigMaps, every tenth changed".to_owned(), config_maps(0), config_maps(1)),
        (
            "one ConfigMap of 20,000 lines, every 50th changed".to_owned(),
            one_config_map(20_000, 0),
            one_config_map(20_000, 1),
        ),
        (
            "one ConfigMap of 200,000 lines, every 50th changed".to_owned(),
            one_config_map(200_000, 0),
            one_config_map(200_000, 1),
        ),
    ];
    match std::env::var("BENCH_MANIFESTS") {
        Ok(folder) => pairs.extend(real_pairs(&folder)),
        Err(_) => println!("BENCH_MANIFESTS is not set: real manifests are left out\n"),
    }
    pairs
}

fn config_maps(generation: usize) -> String {
    let padding = "x".repeat(1900);
    let one = |n: usize| {
        let value = if n.is_multiple_of(10) { generation } else { 0 };
        format!(
            "---\n# Source: bench/templates/c.yaml\napiVersion: v1\nkind: ConfigMap\nmetadata:\n  name: config-{n}\ndata:\n  value: \"{value}\"\n  padding: {padding}\n"
        )
    };
    (0..3000).map(one).collect()
}

fn one_config_map(lines: usize, generation: usize) -> String {
    let head = "apiVersion: v1\nkind: ConfigMap\nmetadata:\n  name: large\ndata:\n  file: |\n";
    let line = |n: usize| {
        let value = if n.is_multiple_of(50) { generation } else { 0 };
        format!("    setting.number.{n} = some value {value}\n")
    };
    head.to_owned() + &(0..lines).map(line).collect::<String>()
}

fn real_pairs(folder: &str) -> Vec<(String, String, String)> {
    let mut by_name: BTreeMap<String, Vec<(Vec<u32>, String)>> = BTreeMap::new();
    for entry in std::fs::read_dir(folder).into_iter().flatten().flatten() {
        let file = entry.file_name().to_string_lossy().into_owned();
        let Some((name, version)) = file.strip_suffix(".yaml").and_then(|stem| stem.rsplit_once('-')) else { continue };
        let version: Vec<u32> = version.split('.').filter_map(|number| number.parse().ok()).collect();
        let text = std::fs::read_to_string(entry.path()).unwrap_or_default();
        by_name.entry(name.to_owned()).or_default().push((version, text));
    }
    let mut pairs = Vec::new();
    for (name, mut versions) in by_name {
        versions.sort();
        if let (Some((_, old)), Some((_, new)), true) = (versions.first(), versions.last(), versions.len() > 1) {
            pairs.push((name, old.clone(), new.clone()));
        }
    }
    pairs
}
