//! The meaning of single scalars; every expectation is Go's answer.

use std::borrow::Cow;

use super::super::scalar::{Meaning, resolve, resolve_tagged};

#[test]
fn plain_words_are_booleans_and_nulls_as_in_go() {
    for text in ["y", "Y", "yes", "Yes", "YES", "on", "On", "ON", "true", "True", "TRUE"] {
        assert_eq!(resolve(text), Some(Meaning::Bool(true)), "{text}");
    }
    for text in ["n", "N", "no", "No", "NO", "off", "Off", "OFF", "false", "False", "FALSE"] {
        assert_eq!(resolve(text), Some(Meaning::Bool(false)), "{text}");
    }
    for text in ["", "~", "null", "Null", "NULL"] {
        assert_eq!(resolve(text), Some(Meaning::Null), "{text}");
    }
    for text in ["yEs", "oN", "tRUE", "nULL", "none", "t", "f", "nil", "yes ", "false\n"] {
        assert_eq!(resolve(text), None, "{text}");
    }
}

#[test]
fn integers_have_four_bases_signs_and_underscores() {
    let integers = [
        ("0", 0),
        ("-0", 0),
        ("+1", 1),
        ("00", 0),
        ("0644", 420),
        ("0o644", 420),
        ("0O17", 15),
        ("0x1F", 31),
        ("-0X1f", -31),
        ("0b101", 5),
        ("-0B11", -3),
        ("0b-11", -3),
        ("0b+11", 3),
        ("1_000", 1000),
        ("1__0_", 10),
        ("-_1", -1),
        ("0x_F", 15),
        ("9223372036854775807", i64::MAX),
        ("-9223372036854775808", i64::MIN),
    ];
    for (text, value) in integers {
        assert_eq!(resolve(text), Some(Meaning::Int(value)), "{text}");
    }
    assert_eq!(resolve("18446744073709551615"), Some(Meaning::UInt(u64::MAX)));
    assert_eq!(resolve("0xFFFFFFFFFFFFFFFF"), Some(Meaning::UInt(u64::MAX)));
}

#[test]
fn what_is_no_integer_may_be_a_float() {
    let floats = [
        ("08", 8.0),
        ("019", 19.0),
        ("1e3", 1000.0),
        ("1E+3", 1000.0),
        (".5", 0.5),
        (".5_5", 0.55),
        ("5.", 5.0),
        ("-.5e-1", -0.05),
        ("1._5", 1.5),
        ("18446744073709551616", 18_446_744_073_709_551_616.0),
        ("+18446744073709551615", 18_446_744_073_709_551_615.0),
        ("-9223372036854775809", -9_223_372_036_854_775_809.0),
        (".inf", f64::INFINITY),
        ("-.INF", f64::NEG_INFINITY),
    ];
    for (text, value) in floats {
        assert_eq!(resolve(text), Some(Meaning::Float(value)), "{text}");
    }
}

#[test]
fn what_only_looks_like_a_number_is_text() {
    for text in [
        "1:30",
        "190:20:30",
        "1.2.3",
        "1e999",
        ".5e999",
        "0x",
        "0o",
        "0b",
        "0b2",
        "0x1G",
        "-",
        "+",
        ".",
        "-.",
        "e3",
        ".e3",
        "1e",
        "1e+",
        "_1",
        "._5",
        ".5_",
        ".5__5",
        "10.0.0.1",
        "1Gi",
        "2024-01-01",
        "--1",
        "+-1",
        "0o8",
        "-0b-1",
        "inf",
        "nan",
        "Infinity",
        "0xFFFFFFFFFFFFFFFFFF",
        "-0xFFFFFFFFFFFFFFFF",
        "1 000",
        "１",
    ] {
        assert_eq!(resolve(text), None, "{text}");
    }
}

#[test]
fn tags_force_a_type_or_fail() {
    let tagged = |text: &'static str, tag| resolve_tagged(Cow::Borrowed(text), tag);
    assert_eq!(tagged("123", "str"), Ok(Meaning::Text("123".into())));
    assert_eq!(tagged("0x1F", "int"), Ok(Meaning::Int(31)));
    assert_eq!(tagged("1", "float"), Ok(Meaning::Float(1.0)));
    assert_eq!(tagged("yes", "bool"), Ok(Meaning::Bool(true)));
    assert_eq!(tagged("", "null"), Ok(Meaning::Null));
    assert_eq!(tagged("2024-01-01", "timestamp"), Ok(Meaning::Text("2024-01-01".into())));
    assert_eq!(tagged("aGVs\nbG8=", "binary"), Ok(Meaning::Text("hello".into())));
    assert_eq!(tagged("4oLi", "binary"), Ok(Meaning::Text("\u{FFFD}\u{FFFD}\u{FFFD}".into())));
    assert_eq!(tagged("yes", "set"), Ok(Meaning::Text("yes".into())));
    for (text, tag) in [("x", "int"), ("1.5", "int"), ("", "int"), ("x", "null"), ("1", "bool"), ("!", "binary")] {
        assert!(tagged(text, tag).is_err(), "!!{tag} {text}");
    }
}

#[test]
fn keys_become_text_as_in_go() {
    let key = |text: &str| resolve(text).map(|meaning| meaning.into_key().map(String::from));
    let texts = [
        ("y", "true"),
        ("off", "false"),
        ("0644", "420"),
        ("1.5", "1.5"),
        ("1e5", "100000"),
        ("1e6", "1e+06"),
        ("123456789.5", "1.2345679e+08"),
        ("0.0001", "0.0001"),
        ("0.00001", "1e-05"),
        ("-0.0", "-0"),
        ("1e300", ".inf"),
        ("-.inf", "-.inf"),
        (".nan", ".nan"),
    ];
    for (text, expected) in texts {
        assert_eq!(key(text), Some(Ok(expected.to_owned())), "{text}");
    }
    assert!(key("~").unwrap().is_err());
    assert!(key("18446744073709551615").unwrap().is_err());
}
