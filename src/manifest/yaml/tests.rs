//! What a user of the module sees.

use proptest::prelude::*;

use super::*;
use crate::manifest::node::Number;

/// JSON of a node, with every character escaped that YAML 1.1 does not take as it is.
fn json(node: &Node) -> String {
    match node.value() {
        Value::Null => "null".to_owned(),
        Value::Bool(value) => value.to_string(),
        Value::Number(number) => number.to_string(),
        Value::String(text) => json_text(text),
        Value::List(items) => format!("[{}]", items.iter().map(json).collect::<Vec<_>>().join(", ")),
        Value::Map(entries) => {
            let entries: Vec<_> =
                entries.iter().map(|(key, node)| format!("{}: {}", json_text(key), json(node))).collect();
            format!("{{{}}}", entries.join(", "))
        }
    }
}

fn json_text(text: &str) -> String {
    let escaped = text.chars().map(|character| match character {
        '"' | '\\' => format!("\\{character}"),
        '\n' => "\\n".to_owned(),
        '\t' => "\\t".to_owned(),
        ' '..='~' | '\u{A0}'..='\u{2027}' | '\u{1F600}'..='\u{1F64F}' => character.to_string(),
        _ if u32::from(character) > 0xFFFF => format!("\\U{:08X}", u32::from(character)),
        _ => format!("\\u{:04X}", u32::from(character)),
    });
    format!("\"{}\"", escaped.collect::<String>())
}

fn read(text: &str) -> String {
    json(&parse(text).unwrap())
}

fn refusal(text: &str) -> YamlError {
    parse_all(text).unwrap_err()
}

/// Every path of a tree with its line and spelling.
fn places(text: &str) -> Vec<(String, u32, Option<String>)> {
    fn walk(path: String, node: &Node, places: &mut Vec<(String, u32, Option<String>)>) {
        places.push((path.clone(), node.line(), node.raw().map(str::to_owned)));
        for (index, item) in node.as_list().unwrap_or_default().iter().enumerate() {
            walk(format!("{path}/{index}"), item, places);
        }
        for (key, value) in node.as_map().unwrap_or_default() {
            walk(format!("{path}/{key}"), value, places);
        }
    }
    let mut places = Vec::new();
    walk(String::new(), &parse(text).unwrap(), &mut places);
    places
}

fn lines(text: &str) -> Vec<(String, u32)> {
    places(text).into_iter().map(|(path, line, _)| (path, line)).collect()
}

fn spelling(text: &str) -> Option<String> {
    places(&format!("a: {text}\n"))[1].2.clone()
}

#[test]
fn empty_documents_are_left_out_and_nulls_stay() {
    let count = |text: &str| parse_all(text).unwrap().len();
    assert_eq!(
        [count(""), count("# x\n"), count("---\n---\n# y\n"), count("---\na: 1\n---\n---\nb: 1\n")],
        [0, 0, 0, 2]
    );
    assert_eq!([count("null"), count("~"), count("--- null\n---\n"), count("&a"), count("''")], [1, 1, 1, 1, 1]);
    assert_eq!(read(""), "null");
}

#[test]
fn parse_wants_one_document() {
    assert_eq!(read("---\n---\na: 1\n---\n"), "{\"a\": 1}");
    let error = parse("a: 1\n---\n\nb: 2\n").unwrap_err();
    assert_eq!(error.to_string(), "line 4, column 1: expected only one document");
}

#[test]
fn nodes_know_their_lines() {
    let text = "a:\nb: 1\nc:\n  -\n  - x\n  - k:\n      v\nd: |\n  t\ne: [1,\n 2, {f:\n g}]\nh: !t\n\ni: 'x\n  y'\n";
    let expected = [
        ("", 1),
        ("/a", 1),
        ("/b", 2),
        ("/c", 4),
        ("/c/0", 4),
        ("/c/1", 5),
        ("/c/2", 6),
        ("/c/2/k", 7),
        ("/d", 9),
        ("/e", 10),
        ("/e/0", 10),
        ("/e/1", 11),
        ("/e/2", 11),
        ("/e/2/f", 12),
        ("/h", 13),
        ("/i", 15),
    ];
    assert_eq!(lines(text), expected.map(|(path, line)| (path.to_owned(), line)));
}

#[test]
fn lines_count_through_comments_markers_and_windows_line_ends() {
    assert_eq!(parse_all("---\r\n# x\r\na: 1\r\n---\r\n\r\nb: 2\r\n").unwrap()[1].line(), 6);
}

#[test]
fn an_alias_stands_on_its_own_line() {
    let expected = [("", 1), ("/a", 2), ("/a/x", 2), ("/b", 3), ("/b/x", 2)];
    assert_eq!(lines("a: &a\n  x: 1\nb: *a\n"), expected.map(|(path, line)| (path.to_owned(), line)));
}

#[test]
fn spellings_are_kept_where_json_has_another() {
    for text in
        ["0644", "0x1F", "yes", "~", "Null", "1.10", "1e3", "1.0", "-0", "+1", "1_000", ".5", "5.", "08", "TRUE"]
    {
        assert_eq!(spelling(text).as_deref(), Some(text), "{text}");
    }
    for text in [
        "",
        "0",
        "-1",
        "420",
        "1.5",
        "true",
        "false",
        "null",
        "18446744073709551615",
        "x",
        "'yes'",
        "\"0644\"",
        "2024-01-01",
        "1:30",
        "!!int 0x1F",
        "[]",
        "|\n  yes",
    ] {
        assert_eq!(spelling(text), None, "{text}");
    }
}

#[test]
fn the_last_duplicate_wins_at_the_first_ones_place() {
    assert_eq!(read("a: 1\nb: 2\na: 3\n"), r#"{"a": 3, "b": 2}"#);
    assert_eq!(read("on: 1\nyes: 2\n\"true\": 3\n"), r#"{"true": 3}"#);
    let many: String = (0..40).map(|i| format!("k{}: {i}\n", i % 20)).collect();
    let expected: Vec<_> = (0..20).map(|i| format!("\"k{i}\": {}", i + 20)).collect();
    assert_eq!(read(&many), format!("{{{}}}", expected.join(", ")));
}

#[test]
fn merges_overwrite_what_is_before_them_and_not_what_follows() {
    let base = "m: &m {x: 1, z: 2}\nn: &n {x: 3, w: 4}\n";
    let merged = |text: &str| json(parse(&format!("{base}{text}")).unwrap().get("r").unwrap());
    assert_eq!(merged("r:\n  <<: *m\n  x: 9\n"), r#"{"x": 9, "z": 2}"#);
    assert_eq!(merged("r:\n  x: 9\n  <<: *m\n"), r#"{"x": 1, "z": 2}"#);
    assert_eq!(merged("r: {<<: [*m, *n]}"), r#"{"x": 1, "w": 4, "z": 2}"#);
    assert_eq!(merged("r: {<<: {q: 1}, <<: *n}"), r#"{"q": 1, "x": 3, "w": 4}"#);
    assert_eq!(merged("r: {\"<<\": 1}"), r#"{"<<": 1}"#);
    for wrong in ["r: {<<: 1}", "r: {<<: }", "r: {<<: [1]}", "l: &l [*m]\nr: {<<: *l}"] {
        assert_eq!(refusal(&format!("{base}{wrong}")).message, "`<<` takes a map or a list of maps", "{wrong}");
    }
}

#[test]
fn keys_that_cannot_be_text_are_refused() {
    for text in
        ["~: 1", "null: 1", "? [a]\n: b", "? {a: b}\n: c", "[a]: b", "a: &a [1]\n*a : 2", "18446744073709551615: 1"]
    {
        assert!(refusal(text).message.starts_with("a map's key cannot be "), "{text}");
    }
    assert_eq!(read("&k a: 1\nb: *k\n*k : 2\n"), r#"{"a": 2, "b": "a"}"#);
}

#[test]
fn numbers_that_json_does_not_have_are_refused() {
    assert!(parse("a: .inf").is_err() && parse("a: .nan").is_err());
    assert_eq!(read("a: 1e999"), r#"{"a": "1e999"}"#);
    assert_eq!(
        read("a: 1e17\nb: 100000000000000000\nc: 1e25"),
        r#"{"a": 100000000000000000, "b": 100000000000000000, "c": 1e25}"#
    );
}

#[test]
fn quoted_text_need_not_be_indented() {
    let text = "a:\n  b:\n    c: \"one\n  two\nthree\n\n\tfour\"\n    d: 'it''s\n it'\n  # it's\n  e: 1\n";
    assert_eq!(read(text), r#"{"a": {"b": {"c": "one two three\nfour", "d": "it's it"}, "e": 1}}"#);
    assert_eq!(lines(text).last(), Some(&("/a/e".to_owned(), 11)));
}

#[test]
fn repairs_leave_content_alone() {
    let text = "a: |\n  k: \"one\n  two\"\n  it\\'s\nb: [\"x\n\", \"it\\'s\"]\nc: 'it\\'\nd: x\\'y # it's\ne: \"\nz\"# comment\nf: g#h\n";
    let expected =
        r#"{"a": "k: \"one\ntwo\"\nit\\'s\n", "b": ["x ", "it's"], "c": "it\\", "d": "x\\'y", "e": " z", "f": "g#h"}"#;
    assert_eq!(read(text), expected);
}

#[test]
fn tabs_may_indent_what_is_in_brackets() {
    assert_eq!(
        read("a:\n  b: {\n\t\"x\": [\n\t\t1\n\t]\n\t}\n  c: |\n    x\n\n    \ty\n"),
        r#"{"a": {"b": {"x": [1]}, "c": "x\n\n\ty\n"}}"#
    );
    assert!(parse("a:\n\tb: 1\n").is_err());
}

#[test]
fn many_repairs_in_one_document_are_not_many_readings() {
    let text: String = (0..5_000).map(|i| format!("- k{i}: 'it''s\n\"\n  {i}'\n- \"don\\'t\"\n")).collect();
    let node = parse(&text).unwrap();
    let items = node.as_list().unwrap();
    assert_eq!(items.len(), 10_000);
    assert_eq!(json(&items[9_998]), r#"{"k4999": "it's \" 4999"}"#);
    assert_eq!((items[9_999].as_str(), items[9_999].line()), (Some("don't"), 20_000));
}

#[test]
fn repairs_that_cannot_be_guessed_are_made_one_by_one_within_bounds() {
    let hidden = "- {a: [\"x\n\\'\"]}\n- &a  !!str\n  \"\\'\n\"\n";
    assert_eq!(parse(&hidden.repeat(100)).unwrap().as_list().map(<[Node]>::len), Some(200));
    assert!(refusal(&hidden.repeat(10_000)).line > 1);
}

#[test]
fn separators_that_go_takes_for_line_breaks_stand_only_in_quotes() {
    assert_eq!(read("a: \"x\u{2028}y\"\nb: 'x\u{85}y'\n"), r#"{"a": "x\u2028y", "b": "x y"}"#);
    for text in ["a: x\u{2028}y", "# x\u{2028}a: 1\nb: 2", "a: |\n  x\u{2029}y\n", "a: \"x \u{2028}y\""] {
        assert!(parse(text).is_err(), "{text:?}");
    }
    assert_eq!(read("# x\u{85}a: 1\nb: 2"), r#"{"a": 1, "b": 2}"#);
}

#[test]
fn a_byte_order_mark_belongs_at_the_start() {
    assert_eq!(read("\u{FEFF}a: \"\u{FEFF}\"\n"), "{\"a\": \"\\uFEFF\"}");
    assert!(parse("# x\n\u{FEFF}a: 1\n").is_err());
}

#[test]
fn what_the_two_versions_of_yaml_read_differently_is_refused() {
    for text in [
        "a: {b:}",
        "a: [b:, c]",
        "a: [b?c]",
        "a: &b:c",
        "a: [!b, c]",
        "%YAML 1.2\n---\na: 1",
        "a: \"\\/\"",
        "a: \"\\ud83d\\ude00\"",
        "|\nx",
        "a: &\u{e9} 1",
    ] {
        assert!(parse(text).is_err(), "{text:?}");
    }
}

#[test]
fn control_characters_are_refused_with_their_place() {
    let error = refusal("a: 1\nb: \"é\u{7}\"\n");
    assert_eq!((error.line, error.column), (2, 6));
}

#[test]
fn what_follows_a_document_is_not_ignored() {
    let error = refusal("  a: 1\nb: 2\n");
    assert_eq!(
        error.to_string(),
        "line 2, column 1: this does not belong to what is before it; is the indentation right?"
    );
}

#[test]
fn messages_do_not_quote_the_document() {
    for text in [
        "s3cret: `s3cret",
        "a: *s3cret",
        "a: \"s3cret\\s\"",
        "a: 's3cret",
        "a: s3cret: b",
        "!s3cret!s3cret a",
        "s3cret:\n- a\ns3cret",
        "a: [s3cret}",
        "a: {s3cret: s3cret? }",
        "%s3cret\na",
        "~: s3cret",
        "a: &a [*a] # s3cret",
        "a: !!int s3cret",
        "a: !!binary s3cret",
        "s3cret\u{7}",
        "s3cret:\n\tb: c",
        "- s3cret\nb: c",
        "a: \"s3cret\"s3cret",
        "a: |s3cret",
        "&s3cret: a",
    ] {
        let message = refusal(text).to_string();
        assert!(!message.contains("s3cret") && !message.contains("unexpected character"), "{text:?}: {message}");
    }
}

/// As small as the stacks of threads are by default.
fn on_a_small_stack(work: impl FnOnce() + Send + 'static) {
    std::thread::Builder::new().stack_size(2 << 20).spawn(work).unwrap().join().unwrap();
}

#[test]
fn a_thousand_levels_are_read_and_more_are_refused() {
    on_a_small_stack(|| {
        for (open, close) in [("[", "]"), ("{a: ", "}"), ("- ", ""), ("? ", ""), ("- a: ", "")] {
            for depth in [1000, 1024, 1025, 100_000] {
                let count = if open == "- a: " { depth / 2 } else { depth };
                let text = open.repeat(count) + "1" + &close.repeat(count);
                match parse(&text) {
                    Ok(node) => assert!(depth <= 1024 && node.clone() == node && json(&node).len() > depth),
                    Err(error) => assert!(depth > 1024 || open == "? " || open == "- a: ", "{open} {depth}: {error}"),
                }
            }
        }
        let text = format!("a: {}{}", "[".repeat(1000), "]".repeat(1000));
        assert!(parse(&text).is_ok());
    });
}

#[test]
fn aliases_cannot_nest_deeper_than_the_limit() {
    on_a_small_stack(|| {
        let nested = |inner: &str| "[".repeat(600) + inner + &"]".repeat(600);
        let text = format!("a: &a {}\nb: {}\n", nested("1"), nested("*a"));
        assert!(refusal(&text).message.contains("1024 levels"));
    });
}

#[test]
fn aliases_cannot_make_a_small_document_huge() {
    let mut text = "a0: &a0 [x, x, x, x, x, x, x, x, x]\n".to_owned();
    for i in 1..9 {
        text.push_str(&format!("a{i}: &a{i} [{}]\n", vec![format!("*a{}", i - 1); 9].join(", ")));
    }
    assert_eq!(refusal(&text).message, "aliases make the document too large");
    let long = format!("a: &a \"{}\"\nb: [{}*a]\n", "x".repeat(1 << 20), "*a, ".repeat(100));
    assert_eq!(refusal(&long).message, "aliases make the document too large");
    let nested: String = (0..1000).map(|i| format!("&a{i} [")).collect();
    let nested = nested + &"x, ".repeat(10_000) + &"]".repeat(1000);
    assert_eq!(refusal(&nested).message, "anchors within anchors make the document too large");
}

#[test]
fn an_anchor_cannot_contain_itself() {
    assert_eq!(refusal("a: &a [*a]").message, "an anchor's value contains itself");
    assert_eq!(refusal("a: &a 1\n---\nb: *a").message, "the alias refers to no anchor");
}

#[test]
fn large_maps_take_linear_time() {
    let text: String = (0..100_000).map(|i| format!("k{}: {i}\n", i % 70_000)).collect();
    assert_eq!(parse(&text).unwrap().as_map().unwrap().len(), 70_000);
}

fn node() -> impl Strategy<Value = Node> {
    let number = |number| Node::new(Value::Number(number));
    let leaf = prop_oneof![
        any::<Option<bool>>().prop_map(|value| Node::new(value.map_or(Value::Null, Value::Bool))),
        any::<i64>().prop_map(move |value| number(Number::Int(value))),
        any::<u64>().prop_map(move |value| number(Number::from_u64(value))),
        prop::num::f64::NORMAL.prop_map(move |value| number(Number::from_f64(value))),
        (-1e22..1e22).prop_map(move |value: f64| number(Number::from_f64(value.round()))),
        any::<String>().prop_map(Node::string),
        "[a-z0-9:#? ,{}'\"|>&*!%@`~-]{0,12}".prop_map(Node::string),
    ];
    leaf.prop_recursive(5, 60, 6, |inner| {
        prop_oneof![
            prop::collection::vec(inner.clone(), 0..6).prop_map(|items| Node::new(Value::List(items))),
            prop::collection::btree_map("\\PC{0,8}", inner, 0..6).prop_map(|entries| {
                Node::new(Value::Map(entries.into_iter().map(|(key, node)| (key.into(), node)).collect()))
            }),
        ]
    })
}

const PIECES: &[&str] = &[
    "a",
    "key: ",
    "- ",
    "\n",
    "\n  ",
    "\n    ",
    "\n\t",
    "\r\n",
    ": ",
    "? ",
    "'",
    "\"",
    "\\",
    "\\'",
    "\\u12",
    "|",
    ">-",
    "#",
    " #",
    "&a ",
    "*a",
    "!!int ",
    "!x ",
    "<<: ",
    "{",
    "}",
    "[",
    "]",
    ", ",
    "---",
    "\n---\n",
    "\n...\n",
    "%YAML 1.1\n",
    "%",
    "@",
    "0x1F",
    "yes",
    "~",
    ".inf",
    "1e3",
    "\u{85}",
    "\u{2028}",
    "\u{FEFF}",
    "\u{1F600}",
    "\u{7}",
    "é",
];

proptest! {
    #[test]
    fn json_reads_back_as_the_same_tree(node in node()) {
        let text = json(&node);
        let read = parse(&text);
        prop_assert_eq!(read.as_ref().map(json), Ok(text));
        prop_assert!(read == Ok(node));
    }

    #[test]
    fn no_text_makes_it_panic(text in any::<String>()) {
        let _ = parse_all(&text);
    }

    #[test]
    fn no_yaml_makes_it_panic(pieces in prop::collection::vec(prop::sample::select(PIECES), 0..40)) {
        let text = pieces.concat();
        let lines = text.matches(['\n', '\r', '\u{85}']).count() + 1;
        match parse_all(&text) {
            Ok(nodes) => prop_assert!(nodes.iter().all(|node| (1..=lines).contains(&(node.line() as usize)))),
            Err(error) => prop_assert!((1..=lines).contains(&(error.line as usize))),
        }
    }
}
