//! What a user of the module sees.

mod hostile;
mod reading;
mod scalars;

use super::*;

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
