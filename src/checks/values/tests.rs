//! What the checks say of values that no cluster is needed for.

use std::collections::HashSet;

use super::*;
use crate::checks::snapshot::values::{GivenValues, Refused};
use crate::checks::snapshot::{ChartReference, Objects, Place};
use crate::checks::tests::with;
use crate::checks::wanted::Lists;
use crate::checks::{Finding, Severity};
use crate::diff::release::{Both, ReleaseDiff};
use crate::manifest::document::Object;
use crate::manifest::mask::Masker;
use crate::manifest::yaml;
use crate::release::supplied::{Supplied, Text};
use crate::release::{Chart, Release};

/// An upgrade by its values: YAML each.
#[derive(Clone, Copy)]
struct Case<'a> {
    /// What was given for the revision before; `None` at a first installation.
    old: Option<&'a str>,
    old_defaults: &'a str,
    new: &'a str,
    new_defaults: &'a str,
    template: &'a str,
    reuse: bool,
    unread: bool,
    manifest: &'a str,
}

const CASE: Case<'static> = Case {
    old: Some("{}"),
    old_defaults: "{}",
    new: "{}",
    new_defaults: "{}",
    template: "",
    reuse: false,
    unread: false,
    manifest: "",
};

impl Case<'_> {
    fn findings(&self, check: Check) -> Vec<Finding> {
        let parse = |text: &str| yaml::parse(text).unwrap();
        let release = |values: &str, defaults: &str, manifest: &str| {
            let manifest = Release::of_manifest(manifest.to_owned());
            Release {
                config: parse(values),
                chart: Chart { values: parse(defaults), ..manifest.chart.clone() },
                ..manifest
            }
        };
        // With --reuse-values Helm stores the old values as the new chart's.
        let stored = if self.reuse { self.old_defaults } else { self.new_defaults };
        let releases = Both {
            old: release(self.old.unwrap_or("null"), self.old_defaults, ""),
            new: release(self.new, stored, self.manifest),
        };
        let open = |release: &Release| -> Vec<Object> {
            let masker = Masker::new(b"key");
            release.documents().iter().flat_map(|document| masker.open(document)).collect()
        };
        let objects = Objects { old: open(&releases.old), new: open(&releases.new), back: Ok(None) };
        let supplied =
            [Supplied { origin: "prod.yaml".into(), tree: Some(parse(self.new)), text: Some(Text(self.new.into())) }];
        let templates = vec![("templates/a.yaml".to_owned(), self.template.to_owned())];
        let chart = ChartValues::new(parse(self.new_defaults), templates, HashSet::new(), false);
        let values = GivenValues {
            supplied: kept(supplied),
            kept: "revision 1".into(),
            reuse: self.reuse,
            chart: if self.unread { Err("it could not be read".into()) } else { Ok(chart) },
            ..GivenValues::none()
        };
        let mut diff = ReleaseDiff::default();
        diff.about_values.defaults =
            (!self.reuse).then(|| Both { old: parse(self.old_defaults), new: parse(self.new_defaults) });
        says(check, (releases, objects), (diff, values), self.old.is_none())
    }

    /// The severity and what it is about, of all that did not pass.
    fn says(&self, check: Check) -> Vec<(Severity, String)> {
        let found = self.findings(check).into_iter().filter(|finding| finding.severity != Severity::Pass);
        found.map(|finding| (finding.severity, finding.resource)).collect()
    }
}

/// What a check says of this. What it looks at stays until the test ends.
fn says(
    check: Check,
    (releases, objects): (Both<Release>, Objects),
    (diff, values): (ReleaseDiff, GivenValues<'static>),
    is_first: bool,
) -> Vec<Finding> {
    with(
        "# 1",
        "# 2",
        |_| Lists::default(),
        |snapshot| {
            snapshot.releases = kept(releases);
            snapshot.objects = kept(objects);
            snapshot.diff = kept(diff);
            snapshot.values = kept(values);
            snapshot.is_first = is_first;
            snapshot.chart = ChartReference { named: "repo/web".into(), place: Place::Local, version: None };
            (check.run)(snapshot)
        },
    )
}

fn kept<T>(value: T) -> &'static T {
    Box::leak(Box::new(value))
}

fn one(severity: Severity, about: &str) -> Vec<(Severity, String)> {
    vec![(severity, about.to_owned())]
}

#[test]
fn a_value_that_has_lost_its_meaning_blocks() {
    let case = Case { old_defaults: "{a: {x: 0, b: 0}}", new_defaults: "{a: {x: 0}}", new: "{a: {b: 1}}", ..CASE };
    assert_eq!(case.says(DEAD), one(Severity::Blocker, "a.b"));
    assert_eq!(case.findings(DEAD)[0].evidence, ["prod.yaml:1"]);
    assert_eq!(case.says(UNKNOWN), [], "it is told once");
    // A template may still take it, by name or with all that is around it.
    assert_eq!(Case { template: "{{ .Values.a.b }}", ..case }.says(DEAD), []);
    assert_eq!(Case { template: "{{ toYaml .Values.a }}", ..case }.says(DEAD), one(Severity::Warning, "a.b"));
    // A template may take all values as they are, and everybody may read what is global.
    for template in ["{{ toYaml .Values }}", "{{ range $k, $v := .Values }}", "{{ index .Values $name }}"] {
        assert_eq!(Case { template, ..case }.says(DEAD), one(Severity::Warning, "a.b"), "{template}");
    }
    let looked_up = Case { template: "{{ index .Values \"x\" }}", ..case };
    assert_eq!(looked_up.says(DEAD), one(Severity::Blocker, "a.b"));
    let global = Case { old_defaults: "{global: {x: 0, b: 0}}", new_defaults: "{global: {x: 0}}", ..case };
    assert_eq!(Case { new: "{global: {b: 1}}", ..global }.says(DEAD), one(Severity::Warning, "global.b"));
    // What asks for nothing is no loss.
    for off in ["false", "0", "''", "[]", "{}", "0.0"] {
        let case = Case { old_defaults: "{a: {x: 0, b: 5}}", new: &format!("{{a: {{b: {off}}}}}"), ..case };
        assert_eq!(case.says(DEAD), one(Severity::Info, "a.b"), "{off}");
    }
    // Whoever has copied all defaults has lost nothing.
    assert_eq!(Case { new: "{a: {b: 0}}", ..case }.says(DEAD), one(Severity::Info, "a.b"));
    // What was set before and counts as a default comes of --reuse-values: the chart may never have had it.
    let reused = Case { old: Some("{a: {b: 5}}"), old_defaults: "{a: {x: 0, b: 5}}", ..case };
    assert_eq!(reused.says(DEAD), one(Severity::Warning, "a.b"));
    assert_eq!(Case { old: None, ..case }.says(DEAD), []);
    assert_eq!(Case { new: "{a: {x: 1}}", ..case }.says(DEAD), []);
    assert_eq!(Case { unread: true, ..case }.says(DEAD), one(Severity::Unknown, ""));
}

#[test]
fn a_value_that_was_renamed_is_told_with_its_new_name() {
    let case =
        Case { old_defaults: "{replicas: 1}", new_defaults: "{replicaCount: 1, x: 0}", new: "{replicas: 2}", ..CASE };
    let hint = case.findings(DEAD)[0].hint.clone().unwrap();
    assert_eq!(hint, "did you mean replicaCount? Else take it out");
}

#[test]
fn a_key_that_the_chart_does_not_know_is_told_with_the_nearest() {
    let case = Case { new: "# mine\nimage:\n  tga: x\n", new_defaults: "{image: {tag: a}}", ..CASE };
    let case = Case { old_defaults: case.new_defaults, template: "{{ .Values.image.tag }}", ..case };
    let found = &case.findings(UNKNOWN)[0];
    assert_eq!((found.severity, found.resource.as_str()), (Severity::Warning, "image.tga"));
    assert_eq!(found.evidence, ["prod.yaml:3"]);
    assert_eq!(found.hint.as_deref(), Some("did you mean image.tag?"));
    assert_eq!(
        Case { old: Some("{image: {tga: y}}"), ..case }.says(UNKNOWN),
        one(Severity::Info, ""),
        "it was so before"
    );
    assert_eq!(Case { unread: true, ..case }.says(UNKNOWN), one(Severity::Unknown, ""));
}

#[test]
fn maps_that_take_any_key_take_any_key() {
    for (new, defaults, template) in [
        ("{nodeSelector: {disk: ssd}}", "{nodeSelector: {}}", "{{ .Values.nodeSelector }}"),
        ("{env: {A: b}}", "{env: null}", ""),
        ("{env: {A: b}}", "{env: {LOG: info}}", "{{ range $k, $v := .Values.env }}"),
        ("{resources: {requests: {cpu: 1}}}", "{resources: {limits: {cpu: 1}}}", "{{ toYaml .Values.resources }}"),
        ("{global: {x: 1}}", "{a: 1}", ""),
        ("{b: 1}", "{a: 1}", "{{ .Values.b }}"),
        ("{b: 1}", "{}", ""),
    ] {
        let case = Case { new, old_defaults: defaults, new_defaults: defaults, template, ..CASE };
        assert_eq!(case.says(UNKNOWN), [], "{new} {defaults}");
    }
    // Where any key may stand, a slip of the pen is still one.
    let case = Case { new: "{resources: {limts: {}}}", new_defaults: "{resources: {limits: {}}}", ..CASE };
    let case = Case { old_defaults: case.new_defaults, template: "{{ toYaml .Values.resources }}", ..case };
    assert_eq!(case.says(UNKNOWN), one(Severity::Warning, "resources.limts"));
}

#[test]
fn a_value_of_another_kind_than_the_chart_takes_is_told() {
    let case =
        Case { old_defaults: "{image: 'a:b'}", new_defaults: "{image: {tag: b}}", new: "{image: 'a:c'}", ..CASE };
    assert_eq!(case.says(RETYPED), one(Severity::Warning, "image"));
    assert_eq!(case.findings(RETYPED)[0].message, "the chart takes a map here now (it took text), and you give text");
    assert_eq!(Case { new: "{image: {tag: c}}", ..case }.says(RETYPED), []);
    assert_eq!(Case { new: "{image: null}", ..case }.says(RETYPED), []);
    // What is empty takes anything, unless it took something else before.
    assert_eq!(Case { new_defaults: "{image: ''}", new: "{image: {}}", ..case }.says(RETYPED), []);
    assert_eq!(Case { new_defaults: "{image: []}", ..case }.says(RETYPED), one(Severity::Warning, "image"));
    // It was so before.
    assert_eq!(Case { old: Some("{image: 'a:d'}"), old_defaults: "{image: {tag: b}}", ..case }.says(RETYPED), []);
    assert_eq!(Case { unread: true, ..case }.says(RETYPED), one(Severity::Unknown, ""));
}

#[test]
fn changed_defaults_are_listed_apart_from_those_that_are_set() {
    let case = Case { old_defaults: "{a: 1, b: x, c: 1}", new_defaults: "{a: 2, b: w, d: 1}", new: "{b: z}", ..CASE };
    let found = case.findings(CHANGED);
    assert_eq!(found[0].message, "a default changes that you leave to the chart");
    assert_eq!(found[0].evidence, ["a: 1 → 2"]);
    assert_eq!(found[1].evidence, ["b: x → w; yours: prod.yaml:1"]);
    assert_eq!(Case { new_defaults: case.old_defaults, ..case }.says(CHANGED), []);
    assert_eq!(Case { reuse: true, ..case }.says(CHANGED), []);
}

#[test]
fn what_reused_values_leave_out_is_told_with_who_reads_it() {
    let case = Case {
        old: Some("{own: 1}"),
        new: "{own: 1}",
        old_defaults: "{a: 1, own: 1}",
        new_defaults: "{a: 2, own: 0, cache: {size: 1, ttl: 2}, quiet: 1}",
        template: "x\n{{ .Values.cache.size }}\n",
        reuse: true,
        ..CASE
    };
    let found = case.findings(REUSE);
    let told: Vec<(Severity, &str)> = found.iter().map(|one| (one.severity, one.resource.as_str())).collect();
    assert_eq!(told, [(Severity::Warning, "cache"), (Severity::Info, "quiet"), (Severity::Warning, "")]);
    assert_eq!(found[0].evidence, ["read by templates/a.yaml:2"]);
    assert_eq!(found[2].evidence, ["a"]);
    assert!(found[2].hint.as_deref().is_some_and(|hint| hint.contains("--reset-then-reuse-values")));
    assert_eq!(Case { reuse: false, ..case }.says(REUSE), []);
    assert_eq!(Case { old: None, ..case }.says(REUSE), []);
    assert_eq!(Case { unread: true, ..case }.says(REUSE), one(Severity::Unknown, ""));
}

#[test]
fn a_secret_in_plain_text_is_told_and_not_shown() {
    let case = Case { new: "db:\n  password: hunter2-hunter2\n", ..CASE };
    assert_eq!(case.says(PLAIN), one(Severity::Warning, "db.password"));
    let told = format!("{:?}", case.findings(PLAIN));
    assert!(told.contains("prod.yaml:2") && !told.contains("hunter2"), "{told}");
    assert_eq!(Case { old: Some(case.new), ..case }.says(PLAIN), [], "it was so before");
    // It is new that it ends up where it should not.
    let manifest = "apiVersion: v1\nkind: ConfigMap\nmetadata: {name: a}\ndata: {url: 'x:hunter2-hunter2@db'}\n";
    let exposed = Case { old: Some(case.new), manifest, ..case };
    assert_eq!(exposed.says(PLAIN), one(Severity::Warning, "db.password"));
    assert!(exposed.findings(PLAIN)[0].evidence[1].contains("ConfigMap"), "{:?}", exposed.findings(PLAIN));
    let secret = manifest.replace("ConfigMap", "Secret").replace("data", "stringData");
    assert_eq!(Case { manifest: &secret, ..exposed }.says(PLAIN), []);
    for harmless in [
        "{password: ''}",
        "{password: null}",
        "{existingSecretPassword: name}",
        "{automountServiceAccountToken: true}",
        "{token: 'ref+vault://a/b'}",
        "{token: '{{ .Values.x }}'}",
        "{secretKey: db-password}",
    ] {
        assert_eq!(Case { new: harmless, ..CASE }.says(PLAIN), [], "{harmless}");
    }
}

#[test]
fn null_takes_a_default_away() {
    let case = Case { new: "probe:\n", new_defaults: "{probe: {path: /}}", old_defaults: "{probe: {path: /}}", ..CASE };
    let case = Case { template: "{{ .Values.probe.path }}", ..case };
    assert_eq!(case.says(NULLS), one(Severity::Warning, "probe"));
    assert_eq!(case.findings(NULLS)[0].evidence, ["prod.yaml:1", "read by templates/a.yaml:1"]);
    assert_eq!(Case { template: "", ..case }.says(NULLS), one(Severity::Info, "probe"));
    assert_eq!(Case { old: Some("{probe: null}"), ..case }.says(NULLS), [], "it was so before");
    assert_eq!(Case { new_defaults: "{other: 1}", ..case }.says(NULLS), [], "there is no default");
    assert_eq!(Case { unread: true, ..case }.says(NULLS), one(Severity::Unknown, ""));
}

#[test]
fn all_that_does_not_meet_the_schema_is_told_with_its_place() {
    let parse = |text: &str| yaml::parse(text).unwrap();
    let text = "image:\n  tag: 5\n";
    let supplied =
        kept([Supplied { origin: "prod.yaml".into(), tree: Some(parse(text)), text: Some(Text(text.into())) }]);
    let refused = |steps: &[&str], message: &str| Refused {
        steps: steps.iter().map(|&step| step.to_owned()).collect(),
        message: message.into(),
    };
    let mut values = GivenValues { supplied, kept: "the chart".into(), ..GivenValues::none() };
    let says = |values: &GivenValues<'static>| {
        let releases = Both { old: Release::of_manifest(String::new()), new: Release::of_manifest(String::new()) };
        let objects = Objects { old: Vec::new(), new: Vec::new(), back: Ok(None) };
        says(SCHEMA, (releases, objects), (ReleaseDiff::default(), values.clone()), false)
    };
    assert_eq!(says(&values)[0].severity, Severity::Pass);
    values.refused =
        vec![refused(&["image", "tag"], "got number, want string"), refused(&[], "missing property 'must'")];
    let found = says(&values);
    assert_eq!(found.len(), 2);
    assert!(found.iter().all(|one| one.severity == Severity::Blocker));
    assert_eq!(
        (found[1].resource.as_str(), found[1].evidence.as_slice()),
        ("image.tag", &["prod.yaml:2".to_owned()][..])
    );
    values.schema_skipped = true;
    values.chart = Ok(ChartValues::new(Node::default(), Vec::new(), HashSet::new(), true));
    assert_eq!(says(&values)[0].severity, Severity::Info);
}
