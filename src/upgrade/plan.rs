//! A plan: what was reviewed of an upgrade, so that exactly this upgrade is made later, or none.
//!
//! A plan holds no content of values and Secrets, but keyed digests (HMAC-SHA256). Half of their key is in the plan, and half is
//! what only the cluster knows: random identifiers of objects that the plan does not name (see [`Key`]). So who finds a plan
//! can't try passwords against its digests, however short these passwords are, unless they may read the release's record as well.
//!
//! Pure: digests of what was observed go in, and out comes what has changed.

use std::collections::BTreeMap;

use jiff::Timestamp;
use ring::hmac;
use serde::{Deserialize, Serialize};

use crate::diff::regenerated::Regenerated;
use crate::manifest::mask::Masker;
use crate::manifest::node::{Node, Value};
use crate::release::Release;

/// The version of a plan's form.
pub const VERSION: u32 = 1;

/// A plan.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct Plan {
    /// The version of its form.
    pub version: u32,
    /// When it was made.
    pub made: Timestamp,
    /// Who made it.
    pub who: String,
    /// The release's name.
    pub release: String,
    /// Its namespace.
    pub namespace: String,
    /// The chart, as it was named.
    pub chart: String,
    /// Its name and version.
    pub chart_version: String,
    /// Helm's flags.
    pub flags: Flags,
    /// Where the values came from.
    pub values: Values,
    /// Half of the key of all digests, in hexadecimal.
    pub salt: String,
    /// Which identifiers are the other half.
    pub identifiers: Vec<Identifier>,
    /// What it rests on.
    pub rests_on: RestsOn,
    /// What the chart makes anew at each render. It is left out of the digests.
    pub regenerated: Vec<Anew>,
}

/// An identifier in the cluster that goes into the key, and is not in the plan.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Identifier {
    /// The uid of the namespace `kube-system`: which cluster it is.
    Cluster,
    /// The uid of the release's namespace.
    Namespace,
    /// The uid of the object that holds the last revision.
    Record,
}

/// Helm's flags that a plan keeps. None of them holds a secret.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct Flags {
    /// Those without a value, as they are typed: `--install`.
    pub switches: Vec<String>,
    /// `--server-side`.
    pub server_side: Option<String>,
    /// `--kube-version`: the version of Kubernetes that the checklist asks about too.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub kube_version: Option<String>,
    /// `--description`.
    pub description: Option<String>,
    /// `--labels`.
    pub labels: Vec<String>,
    /// `--timeout`, in seconds.
    pub timeout: u64,
}

/// The flags without a value that a plan may hold. Any other word in a plan is refused.
pub const SWITCHES: [&str; 14] = [
    "--install",
    "--create-namespace",
    "--skip-crds",
    "--take-ownership",
    "--disable-openapi-validation",
    "--force-conflicts",
    "--force",
    "--wait-for-jobs",
    "--no-hooks",
    "--reuse-values",
    "--reset-values",
    "--reset-then-reuse-values",
    "--enable-dns",
    "--skip-schema-validation",
];

/// Where the values came from: paths and keys, and none of their content.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct Values {
    /// Files, as they were named.
    pub files: Vec<String>,
    /// What has to be given again, as it is typed, without its value: `--set image.tag=…`.
    pub again: Vec<String>,
}

/// Something that is made anew at each render.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct Anew {
    /// The object.
    pub object: String,
    /// Where in it: JSON Pointers. Empty where its name is made anew, and the whole of it is left out.
    pub paths: Vec<String>,
}

/// What a plan rests on. All digests are keyed.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct RestsOn {
    /// The API server's URL; it counts only where the cluster's identifier may not be read.
    pub server: String,
    /// Helm's major version.
    pub helm: u32,
    /// The last revision; 0 if there is none.
    pub last: u32,
    /// Its status.
    pub status: String,
    /// The deployed revision.
    pub deployed: Option<u32>,
    /// Digest of the key itself: whether it is the same cluster and record.
    pub key: String,
    /// Digest of the chart's files.
    pub chart: String,
    /// Digest of the values that were supplied.
    pub supplied: String,
    /// Digest of the values that the templates see.
    pub computed: String,
    /// Digests of the objects that would be applied.
    pub proposed: Digests,
    /// Digests of the objects of the revision that it starts from.
    pub running: Digests,
    /// Digests of how the live objects differ from that revision.
    pub drift: Digests,
}

/// Digests by the object they are of.
pub type Digests = BTreeMap<String, String>;

/// Makes digests that nobody can check who has the plan alone.
pub struct Key(hmac::Key);

impl Key {
    /// The key of a plan: its salt, and the identifiers that it names, in their order.
    #[must_use]
    pub fn new(salt: &str, identifiers: &[String]) -> Self {
        let outer = hmac::Key::new(hmac::HMAC_SHA256, salt.as_bytes());
        // No identifier has a zero in it, so none can be taken for two.
        let joined = identifiers.join("\0");
        Self(hmac::Key::new(hmac::HMAC_SHA256, hmac::sign(&outer, joined.as_bytes()).as_ref()))
    }

    /// The digest of some bytes, in hexadecimal.
    #[must_use]
    pub fn digest(&self, bytes: &[u8]) -> String {
        hmac::sign(&self.0, bytes).as_ref().iter().map(|byte| format!("{byte:02x}")).collect()
    }

    /// The digest of a tree.
    #[must_use]
    pub fn of_node(&self, node: &Node) -> String {
        self.digest(&serde_json::to_vec(node).unwrap_or_default())
    }

    /// The digests of a release's objects, without what is made anew at each render. Objects of the same name are one digest.
    #[must_use]
    pub fn of_objects(&self, release: &Release, hooks: bool, anew: &[Anew]) -> Digests {
        let masker = Masker::showing_secrets();
        let mut objects: BTreeMap<String, Vec<u8>> = BTreeMap::new();
        for document in release.documents().iter().filter(|document| hooks || !document.is_hook()) {
            for object in masker.open(document) {
                let name = object.id.to_string();
                let made_anew = anew.iter().find(|one| one.object == name);
                if made_anew.is_some_and(|one| one.paths.is_empty()) {
                    continue;
                }
                let paths = made_anew.map(|one| one.paths.as_slice()).unwrap_or_default();
                let node = without(&object.node, "", paths);
                objects.entry(name).or_default().extend(serde_json::to_vec(&node).unwrap_or_default());
            }
        }
        objects.into_iter().map(|(name, bytes)| (name, self.digest(&bytes))).collect()
    }
}

/// A tree without what is at these JSON Pointers.
fn without(node: &Node, at: &str, paths: &[String]) -> Node {
    let below = |key: &str| format!("{at}/{}", key.replace('~', "~0").replace('/', "~1"));
    let kept = |path: &String| !paths.contains(path);
    if !paths.iter().any(|path| path.starts_with(at)) {
        return node.clone();
    }
    match node.value() {
        Value::Map(entries) => {
            let entries = entries.iter().map(|(key, value)| (key, value, below(key)));
            let entries = entries.filter(|(_, _, path)| kept(path));
            Node::new(Value::Map(
                entries.map(|(key, value, path)| (key.clone(), without(value, &path, paths))).collect(),
            ))
        }
        Value::List(items) => {
            let items = items.iter().enumerate().map(|(index, item)| (item, below(&index.to_string())));
            let items = items.filter(|(_, path)| kept(path));
            Node::new(Value::List(items.map(|(item, path)| without(item, &path, paths)).collect()))
        }
        _ => node.clone(),
    }
}

/// What is made anew, for a plan.
#[must_use]
pub fn anew(regenerated: &[Regenerated]) -> Vec<Anew> {
    regenerated.iter().map(|one| Anew { object: one.object.to_string(), paths: one.paths.clone() }).collect()
}

/// What has changed between what a plan rests on and what is so now; a sentence each.
#[must_use]
pub fn changes(then: &RestsOn, now: &RestsOn, same_cluster: bool) -> Vec<String> {
    let mut found = Vec::new();
    if !same_cluster && then.server != now.server {
        found.push(format!("server: it was made for {}, and this is {}", then.server, now.server));
    }
    if then.helm != now.helm {
        found.push(format!("helm: it was made with Helm {}, and this is Helm {}", then.helm, now.helm));
    }
    if (then.last, &then.status) != (now.last, &now.status) {
        let told = |one: &RestsOn| match one.last {
            0 => "there was none".to_owned(),
            last => format!("revision {last}, {}", one.status),
        };
        found.push(format!("release: the last revision was {}, and is now {}", told(then), told(now)));
    } else if then.deployed != now.deployed {
        found.push("release: another revision is deployed".to_owned());
    }
    if then.chart != now.chart {
        found.push("chart: its files are others".to_owned());
    }
    if then.supplied != now.supplied {
        found.push("values: what is supplied by files and flags is something else".to_owned());
    } else if then.computed != now.computed {
        found.push("values: what the templates see is something else".to_owned());
    }
    // Of a new revision everything differs, and that is said already.
    if then.last == now.last {
        found.extend(differing("rendered", &then.proposed, &now.proposed));
        found.extend(differing("stored", &then.running, &now.running));
        found.extend(differing("live", &then.drift, &now.drift));
    }
    found
}

fn differing(what: &str, then: &Digests, now: &Digests) -> Vec<String> {
    let mut names: Vec<&String> = then.keys().chain(now.keys().filter(|name| !then.contains_key(*name))).collect();
    names.retain(|name| then.get(*name) != now.get(*name));
    let how = |name: &String| match (what, then.contains_key(name), now.contains_key(name)) {
        ("live", true, false) => "it differed from its revision, and does not any more",
        ("live", false, _) => "it was changed in the cluster",
        ("live", ..) => "it was changed in the cluster once more",
        (_, true, true) => "its content is another",
        (_, true, false) => "it is gone",
        _ => "it is new",
    };
    names.into_iter().map(|name| format!("{what} {name}: {}", how(name))).collect()
}

#[cfg(test)]
mod tests;
