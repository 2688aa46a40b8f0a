//! Texts made to do harm, and any text at all.

use proptest::prelude::*;

use super::*;
use crate::manifest::node::Number;

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
