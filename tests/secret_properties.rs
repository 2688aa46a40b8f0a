//! For random Secrets, wherever their content flows: no byte of it is in any output.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)] // a test fails by panicking

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use helm_safe_upgrade::diff::noise::Noise;
use helm_safe_upgrade::diff::release::{Both, Parts, compare};
use helm_safe_upgrade::manifest::mask::Masker;
use helm_safe_upgrade::release::{Release, decode};
use helm_safe_upgrade::report::style::Painter;
use helm_safe_upgrade::report::view::{Detail, View};
use helm_safe_upgrade::report::{github, html, json, markdown, paths, side_by_side, stat, text};
use proptest::prelude::*;
use serde_json::{Value, json};

/// A secret: a core that is looked for in what is printed, and odd characters around it.
#[derive(Clone, Debug)]
struct Content {
    core: String,
    whole: String,
}

fn content() -> impl Strategy<Value = Content> {
    ("[ -~é☃\t\n]{0,12}", "Zq[0-9][a-zA-Z0-9]{9,24}", "[ -~é☃\t\n]{0,12}").prop_map(|(before, core, after)| {
        let whole = format!("{before}{core}{after}");
        Content { core, whole }
    })
}

/// What is done with a secret on one side.
#[derive(Clone, Debug)]
struct Side {
    key: String,
    content: Content,
    /// As base64 under `data`, or as it is under `stringData`.
    encoded: bool,
    in_hook: bool,
    in_list: bool,
}

fn side() -> impl Strategy<Value = Side> {
    ("[a-z.]{1,8}", content(), any::<bool>(), any::<bool>(), any::<bool>())
        .prop_map(|(key, content, encoded, in_hook, in_list)| Side { key, content, encoded, in_hook, in_list })
}

fn release(side: &Side) -> Release {
    let Side { key, content: Content { core, whole }, .. } = side;
    let (field, held) = if side.encoded { ("data", STANDARD.encode(whole)) } else { ("stringData", whole.clone()) };
    let secret = json!({"apiVersion": "v1", "kind": "Secret",
        "metadata": {"name": "s", "annotations": {"from": format!("made of {whole}"), "core": core,
            "kubectl.kubernetes.io/last-applied-configuration": json!({"stringData": {key: whole}}).to_string()}},
        field: {key: held}});
    let secret = match side.in_list {
        true => json!({"apiVersion": "v1", "kind": "List", "items": [secret]}),
        false => secret,
    };
    let (manifest, hooks) = match side.in_hook {
        true => (String::new(), json!([{"path": "s.yaml", "manifest": secret.to_string()}])),
        false => (secret.to_string(), json!([])),
    };
    let values = json!({"as": whole, "part": core, "within": format!("a {whole} b"), "list": [whole, {"deep": core}],
        "base64": STANDARD.encode(whole), "json": json!({"p": whole}).to_string(), "yaml": format!("p: {core}\nq: 1\n"),
        "upper": core.to_uppercase(), "plain": "shown"});
    let record: Value = json!({"name": "web", "namespace": "shop", "version": 1,
        "info": {"status": "deployed", "notes": format!("log in with {whole} or {core}")},
        "chart": {"metadata": {"name": "web", "version": "1.0.0"}, "values": {"default": whole}},
        "config": values, "manifest": manifest, "hooks": hooks});
    decode::from_json(record.to_string().as_bytes()).unwrap()
}

/// Every format, with every line and the folded form.
fn printed(releases: &Both<Release>) -> String {
    let parts = Parts { hooks: true, computed_values: true };
    let diff = compare(&releases.old, &releases.new, &Masker::new(b"a key"), parts);
    let mut out = Vec::new();
    for detail in
        [Detail { context: None, ..Detail::default() }, Detail { fold: true, noise: Noise::Fold, ..Detail::default() }]
    {
        let view = View::new(&diff, releases, detail);
        text::write(&view, Painter::new(false), &mut out).unwrap();
        paths::write(&view, Painter::new(false), &mut out).unwrap();
        stat::write(&view, Painter::new(false), &mut out).unwrap();
        json::write(&view, &mut out).unwrap();
        json::write_yaml(&view, &mut out).unwrap();
        side_by_side::write(&view, Painter::new(false), 200, &mut out).unwrap();
        markdown::write(&view, 65_000, &mut out).unwrap();
        github::write(&view, &mut out).unwrap();
        html::write(&view, &mut out).unwrap();
    }
    String::from_utf8(out).unwrap() + &format!("{diff:?}")
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(200))]

    #[test]
    fn no_byte_of_a_secret_is_in_any_output(old in side(), new in side()) {
        let shown = printed(&Both { old: release(&old), new: release(&new) });
        let lower = shown.to_lowercase();
        for Side { content: Content { core, whole }, .. } in [&old, &new] {
            prop_assert!(!lower.contains(&core.to_lowercase()), "{core} is shown:\n{shown}");
            for form in [STANDARD.encode(core), STANDARD.encode(whole)] {
                prop_assert!(!shown.contains(&form), "the base64 of {whole:?} is shown:\n{shown}");
            }
        }
        prop_assert!(shown.contains("<masked, "), "{shown}");
    }

    #[test]
    fn what_is_no_secret_stays_readable(side in side(), plain in "[a-z]{9,20}") {
        let mut new = release(&side);
        new.config = serde_json::from_value(json!({"plain": plain})).unwrap();
        let shown = printed(&Both { old: release(&side), new });
        prop_assert!(shown.contains(&plain), "{shown}");
    }
}
