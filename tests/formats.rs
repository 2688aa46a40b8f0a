//! The formats for readers, on what is hostile: names, texts and templates that try to leave their place.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)] // a test fails by panicking

use helm_safe_upgrade::diff::noise::Noise;
use helm_safe_upgrade::diff::release::{Both, Parts, compare};
use helm_safe_upgrade::manifest::mask::Masker;
use helm_safe_upgrade::release::{Release, decode};
use helm_safe_upgrade::report::style::Painter;
use helm_safe_upgrade::report::view::{Detail, View};
use helm_safe_upgrade::report::{github, html, json, markdown, paths, side_by_side, stat, text};
use proptest::prelude::*;
use serde_json::{Value, json};

/// Text that some format could take for its own.
const HOSTILE: &[&str] = &[
    "</script><img src=x onerror=alert(1)>",
    "</summary></details>",
    "```\n~~~\n````",
    "@octocat and org/repo#1",
    "https://example.com/?a=b&c",
    "%0A::error file=x::y",
    "::set-env name=A::b",
    "a|b\\|c",
    "\u{1b}[2J",
    "\u{202e}\u{9b}31m",
    "`a` ``b``",
    "日本語 😀 e\u{301}",
];

fn release(fields: &Value) -> Release {
    let mut record = json!({"name": "web", "namespace": "shop", "version": 1, "info": {"status": "deployed"}});
    record.as_object_mut().unwrap().extend(fields.as_object().unwrap().clone());
    decode::from_json(record.to_string().as_bytes()).unwrap()
}

/// What `write` makes of these two releases.
fn written(old: &Value, new: &Value, write: impl Fn(&View<'_>, &mut Vec<u8>)) -> String {
    let releases = Both { old: release(old), new: release(new) };
    let parts = Parts { hooks: true, computed_values: true };
    let diff = compare(&releases.old, &releases.new, &Masker::new(b"k"), parts);
    let view = View::new(&diff, &releases, Detail { fold: true, noise: Noise::Fold, ..Detail::default() });
    let mut out = Vec::new();
    write(&view, &mut out);
    String::from_utf8(out).expect("no character is cut in two")
}

/// A release in which every text that can is hostile.
fn hostile(version: &str) -> Value {
    let documents = HOSTILE.iter().enumerate().map(|(at, text)| {
        let object = json!({
            "apiVersion": "v1", "kind": text, "metadata": {"name": format!("{at} {text}"), "namespace": text},
            "data": {*text: format!("{version}\n{text}\n"), "one": format!("{text} {version}")},
        });
        format!("# Source: {}\n{object}\n", text.replace('\n', " "))
    });
    let manifest: Vec<String> = documents.collect();
    let all = HOSTILE.join(" ");
    json!({
        "name": all, "namespace": all,
        "manifest": manifest.join("---\n"),
        "config": {all.clone(): format!("{all} {version}")},
        "chart": {"metadata": {"name": all, "version": version, "appVersion": all, "description": format!("{all} {version}")}},
        "info": {"notes": format!("{all} {version}"), "status": all, "description": all},
    })
}

fn of_hostile(write: impl Fn(&View<'_>, &mut Vec<u8>)) -> String {
    written(&hostile("1"), &hostile("2"), write)
}

/// The comment without what is in its fences, after a look at these: each is closed, by as many backticks.
fn without_fences(comment: &str) -> String {
    let mut outside = String::new();
    let mut fence: Option<usize> = None;
    for line in comment.lines() {
        let backticks = line.trim_start_matches(' ').bytes().take_while(|&byte| byte == b'`').count();
        match fence {
            None if line.starts_with("```") => fence = Some(backticks),
            None => {
                outside.push_str(line);
                outside.push('\n');
            }
            Some(open) if backticks >= open && line.trim_matches([' ', '`']).is_empty() => fence = None,
            Some(_) => assert!(line.starts_with(['+', '-', ' ', '@']), "{line:?} is no line of a diff"),
        }
    }
    assert!(fence.is_none(), "a fence is left open in\n{comment}");
    outside
}

/// The text without code spans and elements of code: what a forge reads as prose.
fn prose(comment: &str) -> String {
    let mut rest = without_fences(comment);
    let code = regex::Regex::new("(?s)<code>.*?</code>").unwrap();
    rest = code.replace_all(&rest, "CODE").into_owned();
    // Code spans stand in the title alone.
    let (title, below) = rest.split_once('\n').unwrap();
    let mut outside = String::new();
    let mut left = title;
    while let Some(at) = left.find('`') {
        outside.push_str(&left[..at]);
        let run = left[at..].bytes().take_while(|&byte| byte == b'`').count();
        let after = &left[at + run..];
        let end = (0..after.len())
            .filter(|&at| after.is_char_boundary(at) && after[at..].starts_with('`') && !after[..at].ends_with('`'))
            .find(|&at| after[at..].bytes().take_while(|&byte| byte == b'`').count() == run)
            .expect("a code span ends");
        left = &after[end + run..];
    }
    outside + left + below
}

#[test]
fn nothing_in_a_comment_becomes_markup_a_link_or_a_mention() {
    let comment = of_hostile(|view, out| markdown::write(view, 65_000, out).unwrap());
    let prose = prose(&comment);
    for active in ["@", "#1", "://", "onerror", "octocat", "script>", "\u{1b}", "\u{202e}", "~~~"] {
        assert!(!prose.contains(active), "{active} is in\n{prose}");
    }
    // All markup is the comment's own.
    for tag in prose.split('<').skip(1) {
        let name: String = tag.chars().take_while(|c| c.is_ascii_lowercase() || *c == '/').collect();
        let own = ["details", "summary", "table", "tr", "td", "th", "p", "b", "em"];
        assert!(own.contains(&name.trim_start_matches('/')), "<{name}");
    }
    let count = |tag: &str| prose.matches(tag).count();
    assert_eq!(count("<details>"), count("</details>"));
    assert!(count("<details>") > HOSTILE.len(), "each object has its section");
}

/// Releases of any number of objects, with texts that break lines, fences and characters.
fn texts() -> impl Strategy<Value = Vec<(String, String, String)>> {
    let text = || {
        prop_oneof![
            proptest::sample::select(HOSTILE).prop_map(str::to_owned),
            "\\PC{0,40}",
            "`{1,40}",
            "[a-z😀é\\n`]{0,3000}",
            (1usize..400).prop_map(|lines| "a line\n".repeat(lines)),
        ]
    };
    proptest::collection::vec((text(), text(), text()), 0..25)
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(32))]

    #[test]
    fn a_comment_is_never_too_long_and_all_its_fences_are_closed(texts in texts(), most in 0usize..70_000) {
        let manifest = |side: usize| -> String {
            let objects = texts.iter().enumerate().map(|(at, (name, old, new))| {
                let content = if side == 0 { old } else { new };
                let object = json!({"kind": "A", "metadata": {"name": format!("{at}{name}")}, "data": {"text": content}});
                format!("{object}\n")
            });
            objects.collect::<Vec<_>>().join("---\n")
        };
        let side = |side| json!({"manifest": manifest(side), "info": {"notes": texts.get(side).map(|text| &text.1)}});
        let write = |view: &View<'_>, out: &mut Vec<u8>| markdown::write(view, most, out).unwrap();
        let comment = written(&side(0), &side(1), write);
        prop_assert!(comment.len() <= most.max(markdown::LEAST_BYTES), "{} bytes, not {most}", comment.len());
        let outside = without_fences(&comment);
        prop_assert_eq!(outside.matches("<details>").count(), outside.matches("</details>").count());
        prop_assert_eq!(outside.matches("<table>").count(), outside.matches("</table>").count());
    }
}

/// So many ConfigMaps with so many lines each, all of which changed.
fn many(objects: usize, lines: usize, version: &str) -> Value {
    let object = |at: usize| {
        let data: String = (0..lines).map(|line| format!("  key{line}: {version} of object {at}\n")).collect();
        format!("apiVersion: v1\nkind: ConfigMap\nmetadata: {{name: object-{at}}}\ndata:\n{data}")
    };
    json!({"manifest": (0..objects).map(object).collect::<Vec<_>>().join("---\n")})
}

#[test]
fn a_comment_that_is_cut_says_exactly_what_is_missing() {
    let comment = |objects: usize, lines: usize, most: usize| {
        let write = |view: &View<'_>, out: &mut Vec<u8>| markdown::write(view, most, out).unwrap();
        written(&many(objects, lines, "old"), &many(objects, lines, "new"), write)
    };
    assert!(!comment(10, 3, 65_000).contains("left out"));

    let cut = comment(300, 20, 65_000);
    let shown = cut.matches("<code>~ ConfigMap/object-").count();
    let missing = 300 - shown;
    let expected =
        format!("**Cut to 65000 bytes:** {missing} of 300 objects left out ({missing} changed, 0 added, 0 removed)");
    assert!(shown > 20 && missing > 0 && cut.contains(&expected), "{}", &cut[cut.len() - 300..]);
    assert!(cut.len() > 60_000, "the room is used: {}", cut.len());

    // One object that is too large by itself is cut within.
    let huge = comment(1, 5_000, 10_000);
    let shown = huge.lines().filter(|line| line.starts_with(['+', '-', ' ', '@'])).count();
    let missing: usize = huge.split("<em>").nth(1).unwrap().split(' ').next().unwrap().parse().unwrap();
    // 5,000 lines on each side, three before them and one with their place.
    assert_eq!(shown + missing, 10_004, "{}", &huge[huge.len() - 400..]);
    assert!(huge.contains("**Cut to 10000 bytes:** 1 object shortened."));
    assert!(huge.len() > 9_000, "the room is used: {}", huge.len());
}

#[test]
fn a_line_longer_than_a_comment_is_cut() {
    let side = |word: &str| json!({"manifest": format!("kind: A\nmetadata: {{name: a}}\ntext: {}{word}\n", "é".repeat(50_000))});
    let comment = written(&side("1"), &side("2"), |view, out| markdown::write(view, 65_000, out).unwrap());
    assert!(comment.len() < 6_000 && comment.contains("more bytes left out here"), "{comment}");
}

#[test]
fn an_annotation_stays_one_command_on_one_line() {
    let annotations = of_hostile(|view, out| github::write(view, out).unwrap());
    let command = regex::Regex::new("^::(notice|warning) title=[^:,\r\n]*(,file=[^:,\r\n]*)?::[^\r\n]*$").unwrap();
    for line in annotations.lines() {
        assert!(command.is_match(line), "{line:?}");
        assert!(!line.chars().any(char::is_control), "{line:?}");
    }
    assert!(annotations.contains("%250A%3A%3Aerror file=x%3A%3Ay"), "{annotations}");
}

#[test]
fn annotations_are_bounded_and_the_first_says_what_is_missing() {
    let old = many(40, 1, "old");
    let mut new = many(30, 1, "new");
    let more = "---\napiVersion: v1\nkind: Secret\nmetadata: {name: more}\n# Source: web/templates/more.yaml\n";
    new["manifest"] = (new["manifest"].as_str().unwrap().to_owned() + more).into();
    let annotations = written(&old, &new, |view, out| github::write(view, out).unwrap());
    let count = |level: &str| annotations.lines().filter(|line| line.starts_with(&format!("::{level} "))).count();
    assert_eq!((count("notice"), count("warning")), (10, 10));
    let first = annotations.lines().next().unwrap();
    // 30 changed, 1 added and 10 removed, of which 9 and 10 are shown.
    assert!(first.contains("30 changed, 1 added, 10 removed, 0 unchanged"), "{first}");
    assert!(first.contains("22 more objects not annotated"), "{first}");
    let second = annotations.lines().nth(1).unwrap();
    assert!(second.starts_with("::warning title=ConfigMap/object-30 removed"), "{second}");
}

#[test]
fn an_annotation_names_the_template() {
    let side = |replicas: u32| json!({"manifest": format!("# Source: web/templates/deployment.yaml\nkind: Deployment\nmetadata: {{name: web}}\nspec: {{replicas: {replicas}}}\n")});
    let annotations = written(&side(1), &side(3), |view, out| github::write(view, out).unwrap());
    let expected = "::notice title=Deployment/web changed,file=web/templates/deployment.yaml::~ spec.replicas  1 → 3\n";
    assert!(annotations.ends_with(expected), "{annotations}");
}

/// A page without its own style and script.
fn content(page: &str) -> String {
    let style = regex::Regex::new("(?s)<style>.*?</style>|<script>.*?</script>").unwrap();
    style.replace_all(page, "").into_owned()
}

#[test]
fn nothing_in_a_page_becomes_markup() {
    let page = of_hostile(|view, out| html::write(view, out).unwrap());
    assert_eq!((page.matches("<script").count(), page.matches("</script>").count()), (1, 1));
    let content = content(&page);
    for active in ["<img", "<script", "\u{1b}", "\u{202e}", " onerror=\"", "style=\""] {
        assert!(!content.contains(active), "{active}");
    }
    assert!(content.contains("&lt;/script&gt;&lt;img src=x onerror=alert(1)&gt;"), "it is shown");
    // Every element that is opened is closed, and none is unknown.
    let own = [
        "a", "b", "body", "button", "code", "del", "details", "div", "h1", "h2", "header", "html", "head", "ins",
        "kbd", "label", "li", "main", "mark", "nav", "p", "section", "span", "summary", "table", "tbody", "td", "th",
        "thead", "title", "tr", "ul",
    ];
    let open = regex::Regex::new("<(/?)([a-z0-9]+)[ >]").unwrap();
    let mut inside: Vec<&str> = Vec::new();
    for found in open.captures_iter(&content) {
        let (end, name) = (&found[1] == "/", found.get(2).unwrap().as_str());
        match name {
            "meta" | "link" | "input" => {}
            _ if end => assert_eq!(inside.pop(), Some(name), "elements are nested"),
            _ => {
                assert!(own.contains(&name), "{name}");
                inside.push(name);
            }
        }
    }
    assert!(inside.is_empty(), "{inside:?}");
}

#[test]
fn a_page_asks_nobody_for_anything() {
    let page = of_hostile(|view, out| html::write(view, out).unwrap());
    let attribute = regex::Regex::new("(?:src|href|action|data|poster|srcset)=\"([^\"]*)\"").unwrap();
    for found in attribute.captures_iter(&content(&page)) {
        assert!(found[1].starts_with('#') || found[1].starts_with("data:image/svg+xml,"), "{}", &found[1]);
    }
    for loading in ["url(", "@import", "fetch(", "XMLHttpRequest", "import(", "innerHTML", "eval("] {
        assert!(!page.contains(loading) || content(&page).contains(loading), "{loading}");
    }
    let policy = page.split("Content-Security-Policy\" content=\"").nth(1).unwrap().split('"').next().unwrap();
    assert!(policy.starts_with("default-src 'none'; img-src data:; style-src 'sha256-"), "{policy}");
    assert!(!policy.contains("unsafe"), "{policy}");
}

#[test]
fn a_page_of_many_objects_is_in_proportion() {
    let page = |objects: usize| {
        let write = |view: &View<'_>, out: &mut Vec<u8>| html::write(view, out).unwrap();
        written(&many(objects, 5, "old"), &many(objects, 5, "new"), write).len()
    };
    let (few, more) = (page(100), page(1_000));
    assert!(more < 11 * few, "{few} bytes, {more} bytes");
}

#[test]
fn no_format_for_a_terminal_steers_it() {
    let painter = Painter::new(false);
    type Write = Box<dyn Fn(&View<'_>, &mut Vec<u8>)>;
    let all: [(&str, Write); 7] = [
        ("text", Box::new(move |view, out| text::write(view, painter, out).unwrap())),
        ("side-by-side", Box::new(move |view, out| side_by_side::write(view, painter, 100, out).unwrap())),
        ("paths", Box::new(move |view, out| paths::write(view, painter, out).unwrap())),
        ("stat", Box::new(move |view, out| stat::write(view, painter, out).unwrap())),
        ("json", Box::new(|view, out| json::write(view, out).unwrap())),
        ("markdown", Box::new(|view, out| markdown::write(view, 65_000, out).unwrap())),
        ("github", Box::new(|view, out| github::write(view, out).unwrap())),
    ];
    for (format, write) in all {
        let shown = of_hostile(write);
        let steering = shown.chars().find(|c| c.is_control() && *c != '\n' || matches!(c, '\u{202a}'..='\u{202e}'));
        assert!(steering.is_none(), "{format} sends {steering:?}");
        assert!(shown.contains("u{1b}") || shown.contains("\\u001b"), "{format} shows it");
    }
}

/// The columns that a text takes on a terminal.
fn width(text: &str) -> usize {
    unicode_width::UnicodeWidthStr::width(text)
}

fn side_by_side_of(old: &str, new: &str, columns: usize) -> String {
    let side = |text: &str| json!({"manifest": format!("kind: A\nmetadata: {{name: a}}\ntext: {}\n", json!(text))});
    written(&side(old), &side(new), |view, out| side_by_side::write(view, Painter::new(false), columns, out).unwrap())
}

#[test]
fn two_columns_stand_below_each_other_whatever_is_in_them() {
    let old = "日本語の文字列 and e\u{301}\u{302} and 😀😀 and more of it, so that it is wrapped twice at the least";
    let shown = side_by_side_of(old, &old.replace('語', "国"), 80);
    let rows: Vec<&str> = shown.lines().filter(|line| line.contains(" │")).collect();
    assert!(rows.len() > 5, "{shown}");
    for row in rows {
        let (left, right) = row.split_once(" │").unwrap();
        assert_eq!(width(left), 38, "{row:?}\n{shown}");
        assert!(width(right) <= 39, "{row:?}");
    }
    let narrow = side_by_side_of(old, "x", 1);
    assert!(narrow.lines().filter(|line| line.contains(" │")).all(|line| width(line) <= side_by_side::NARROWEST));
}

#[test]
fn removed_and_added_lines_stand_beside_each_other_with_their_numbers() {
    let shown = side_by_side_of("one\ntwo\nthree\nfour\n", "one\n2\nthree\nfour\nfive\n", 60);
    let expected = "\
@@ -3,6 +3,7 @@ text
 3     name: a               │  3     name: a
 4   text: |                 │  4   text: |
 5     one                   │  5     one
 6 -   two                   │  6 +   2
 7     three                 │  7     three
 8     four                  │  8     four
                             │  9 +   five
";
    assert!(shown.contains(expected), "{shown}");
}

#[test]
fn changed_words_are_highlighted_in_two_columns() {
    let side = |word: &str| json!({"manifest": format!("kind: A\nmetadata: {{name: a}}\ntext: a shade of {word}\n")});
    let write = |view: &View<'_>, out: &mut Vec<u8>| side_by_side::write(view, Painter::new(true), 80, out).unwrap();
    let shown = written(&side("red"), &side("blue"), write);
    assert!(shown.contains("\u{1b}[31;7mred\u{1b}[0m"), "{shown:?}");
    assert!(shown.contains("\u{1b}[32;7mblue\u{1b}[0m"), "{shown:?}");
}

#[test]
fn where_nothing_differs_every_format_says_so() {
    let same = many(2, 1, "same");
    let sentence = "no changes: objects, values, chart and notes are the same (2 objects)";
    assert!(written(&same, &same, |view, out| markdown::write(view, 65_000, out).unwrap()).contains(sentence));
    assert!(written(&same, &same, |view, out| html::write(view, out).unwrap()).contains(sentence));
    assert!(written(&same, &same, |view, out| stat::write(view, Painter::new(false), out).unwrap()).contains(sentence));
    let annotations = written(&same, &same, |view, out| github::write(view, out).unwrap());
    assert_eq!(annotations, format!("::notice title=web in namespace shop%3A revision 1 → 1::{sentence}\n"));
    assert_eq!(written(&same, &same, |view, out| paths::write(view, Painter::new(false), out).unwrap()), "");
}
