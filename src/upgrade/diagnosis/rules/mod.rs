//! The rules, one a file. Each has a function `find`, a line in [`RULES`], tests, and a row in `docs/diagnose.md`.

mod admission;
mod connection;
mod container_config;
mod crash;
mod field_conflict;
mod forbidden;
mod force;
mod history;
mod hook;
mod image;
mod immutable_field;
mod invalid_object;
mod namespace;
mod no_revision;
mod node_lost;
mod out_of_memory;
mod ownership;
mod pending;
mod port_in_use;
mod probe;
mod quota;
mod reuse_values;
mod rollback;
mod service;
mod template;
mod timed_out;
mod too_large;
mod unknown_kind;
mod unschedulable;
mod values_file;
mod values_schema;
mod volume_claim;

use crate::manifest::emit;
use crate::manifest::node::Node;
use crate::upgrade::diagnosis::Rule;

/// All rules. Of causes that are equally sure, that of the earlier rule is told first: so what causes stands before what follows.
pub const RULES: &[Rule] = &[
    Rule { name: "pending", find: pending::find },
    Rule { name: "connection", find: connection::find },
    Rule { name: "no-revision", find: no_revision::find },
    Rule { name: "namespace", find: namespace::find },
    Rule { name: "forbidden", find: forbidden::find },
    Rule { name: "values-schema", find: values_schema::find },
    Rule { name: "reuse-values", find: reuse_values::find },
    Rule { name: "template", find: template::find },
    Rule { name: "unknown-kind", find: unknown_kind::find },
    Rule { name: "ownership", find: ownership::find },
    Rule { name: "force", find: force::find },
    Rule { name: "immutable-field", find: immutable_field::find },
    Rule { name: "field-conflict", find: field_conflict::find },
    Rule { name: "admission", find: admission::find },
    Rule { name: "quota", find: quota::find },
    Rule { name: "too-large", find: too_large::find },
    Rule { name: "port-in-use", find: port_in_use::find },
    Rule { name: "invalid-object", find: invalid_object::find },
    Rule { name: "hook", find: hook::find },
    Rule { name: "image", find: image::find },
    Rule { name: "container-config", find: container_config::find },
    Rule { name: "volume-claim", find: volume_claim::find },
    Rule { name: "unschedulable", find: unschedulable::find },
    Rule { name: "out-of-memory", find: out_of_memory::find },
    Rule { name: "crash", find: crash::find },
    Rule { name: "node-lost", find: node_lost::find },
    Rule { name: "probe", find: probe::find },
    Rule { name: "service", find: service::find },
    Rule { name: "rollback", find: rollback::find },
    Rule { name: "values-file", find: values_file::find },
    Rule { name: "timed-out", find: timed_out::find },
    Rule { name: "history", find: history::find },
];

/// A number, an amount or a port as it is written.
fn amount(node: &Node) -> String {
    match node.as_str() {
        Some(text) => text.to_owned(),
        None => emit::scalar(node).into_owned(),
    }
}
