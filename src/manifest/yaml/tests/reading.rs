//! What texts mean, and what is refused.

use super::*;

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
