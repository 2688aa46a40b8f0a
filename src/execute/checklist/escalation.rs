//! The rights that roles and bindings give, and whether the user has them.
//!
//! The API server lets a user write a role only if they hold every right in it, or the verb `escalate` on it; a binding only if they
//! hold every right of the role that it names, or the verb `bind` on that. It looks whenever the object changes.
//! (Kubernetes: "Privilege escalation prevention and bootstrapping"; `pkg/registry/rbac/{role,rolebinding}/policybased`.)

use std::collections::{BTreeMap, BTreeSet, HashMap};

use futures::stream::{self, StreamExt as _};

use super::AT_ONCE;
use crate::checks::escalation::Grants;
use crate::checks::snapshot::{Known, Need, Objects};
use crate::cluster::{Cluster, ClusterError, ObjectRef, Resource, Right};
use crate::manifest::document::Object;
use crate::manifest::identity::ObjectId;
use crate::manifest::node::Node;

/// More rights than this are not asked for.
const MOST_ASKED: usize = 400;

/// The API group of roles.
const GROUP: &str = "rbac.authorization.k8s.io";

/// A role or a binding that is written.
struct Written<'a> {
    object: &'a Object,
    need: Need,
    /// Where it gives rights; `None` is everywhere.
    namespace: Option<String>,
    /// The right that makes all others needless.
    waiver: Right,
    gives: Gives,
}

/// What is given.
enum Gives {
    /// These rights.
    Rights(BTreeSet<Right>),
    /// What can't be told, and why.
    Unknown(String),
}

/// What the user's rights are asked about.
pub(super) struct Question<'a> {
    pub(super) objects: &'a Objects,
    /// The release's namespace.
    pub(super) namespace: &'a str,
    /// Whether a failure leads to a revision.
    pub(super) goes_back: bool,
}

/// Asks whether the user has what the roles give. Without roles that change nothing is asked.
pub(super) async fn ask<C: Cluster>(cluster: &C, question: &Question<'_>) -> Known<Vec<Grants>> {
    let written = written(cluster, question).await;
    if written.is_empty() {
        return Ok(Vec::new());
    }
    let mut answers = Answers::default();
    let waivers = written.iter().flat_map(|one| [one.waiver.clone(), everything(one.namespace.clone())]);
    answers.ask(cluster, waivers.collect()).await;
    let left: Vec<&Written<'_>> = written.iter().filter(|one| !answers.waived(one)).collect();
    let rights: BTreeSet<Right> = left.iter().flat_map(|one| one.rights().cloned()).collect();
    let too_many = rights.len() > MOST_ASKED;
    answers.ask(cluster, rights.into_iter().take(MOST_ASKED).collect()).await;
    Ok(written.iter().map(|one| answers.of(one, too_many)).collect())
}

impl Written<'_> {
    fn rights(&self) -> impl Iterator<Item = &Right> {
        match &self.gives {
            Gives::Rights(rights) => Some(rights.iter()),
            Gives::Unknown(_) => None,
        }
        .into_iter()
        .flatten()
    }
}

/// What the server has answered.
#[derive(Default)]
struct Answers(HashMap<Right, Known<bool>>);

impl Answers {
    async fn ask<C: Cluster>(&mut self, cluster: &C, rights: BTreeSet<Right>) {
        let asked = stream::iter(rights).map(async |right| {
            let answer = cluster.may(&right).await.map_err(|error| error.to_string());
            (right, answer)
        });
        let answers: Vec<(Right, Known<bool>)> = asked.buffered(AT_ONCE).collect().await;
        self.0.extend(answers);
    }

    fn has(&self, right: &Right) -> bool {
        matches!(self.0.get(right), Some(Ok(true)))
    }

    fn waived(&self, one: &Written<'_>) -> bool {
        let has_paths = one.rights().any(|right| right.plural.starts_with('/'));
        self.has(&one.waiver) || (!has_paths && self.has(&everything(one.namespace.clone())))
    }

    fn of(&self, one: &Written<'_>, too_many: bool) -> Grants {
        let (mut missing, mut unknown) = (Vec::new(), Vec::new());
        if !self.waived(one) {
            if let Gives::Unknown(reason) = &one.gives {
                unknown.push(reason.clone());
            }
            for right in one.rights() {
                match self.0.get(right) {
                    Some(Ok(true)) => {}
                    Some(Ok(false)) => missing.push(right.to_string()),
                    Some(Err(reason)) => unknown.push(format!("{right}: {reason}")),
                    None => {}
                }
            }
            if too_many && missing.is_empty() {
                unknown.push(format!("more than {MOST_ASKED} rights are given, and not all were asked for"));
            }
        }
        Grants { object: one.object.id.to_string(), need: one.need, missing, unknown }
    }
}

/// All verbs on all objects.
fn everything(namespace: Option<String>) -> Right {
    Right { verb: "*".into(), group: "*".into(), plural: "*".into(), namespace, name: None }
}

/// The roles and bindings that the upgrade writes, and those that going back would write. A revision to go back to that could not be
/// read is left out: the check says so.
async fn written<'a, C: Cluster>(cluster: &C, question: &Question<'a>) -> Vec<Written<'a>> {
    let Question { objects, namespace, goes_back } = question;
    let upgraded = changed(&objects.old, &objects.new, namespace).into_iter();
    let mut all: Vec<_> = upgraded.map(|object| (object, Need::Upgrade, objects.new.as_slice())).collect();
    let back = match &objects.back {
        Ok(Some(back)) => Some(back),
        Ok(None) => Some(&objects.old),
        Err(_) => None,
    };
    if let Some(back) = back.filter(|_| *goes_back) {
        let changed = changed(&objects.new, back, namespace).into_iter();
        all.extend(changed.map(|object| (object, Need::GoingBack, back.as_slice())));
    }
    let read = stream::iter(all).map(|(object, need, manifest)| of(cluster, (object, need), manifest, namespace));
    read.buffered(AT_ONCE).filter_map(async |written| written).collect().await
}

/// The roles and bindings that are other ones in the second manifest.
fn changed<'a>(from: &[Object], to: &'a [Object], namespace: &str) -> Vec<&'a Object> {
    let of_roles = |object: &&Object| object.id.group == GROUP && object.problem.is_none();
    let before: BTreeMap<_, &Node> =
        from.iter().filter(of_roles).map(|object| (object.id.key(namespace), &object.node)).collect();
    to.iter().filter(of_roles).filter(|object| before.get(&object.id.key(namespace)) != Some(&&object.node)).collect()
}

async fn of<'a, C: Cluster>(
    cluster: &C,
    (object, need): (&'a Object, Need),
    manifest: &[Object],
    release_namespace: &str,
) -> Option<Written<'a>> {
    let own = || object.id.namespace.clone().unwrap_or_else(|| release_namespace.to_owned());
    let (namespace, is_role) = match object.id.kind.as_str() {
        "Role" => (Some(own()), true),
        "ClusterRole" => (None, true),
        "RoleBinding" => (Some(own()), false),
        "ClusterRoleBinding" => (None, false),
        _ => return None,
    };
    let right = |verb: &'static str, plural: &str, name: &str| Right {
        verb: verb.into(),
        group: GROUP.to_owned(),
        plural: plural.to_owned(),
        namespace: namespace.clone(),
        name: Some(name.to_owned()),
    };
    let (waiver, gives) = if is_role {
        let plural = if namespace.is_some() { "roles" } else { "clusterroles" };
        (right("escalate", plural, &object.id.name), rights_of(&object.node, namespace.as_deref()))
    } else {
        let named = object.node.find(&["roleRef", "name"]).and_then(Node::as_str).unwrap_or_default();
        let kind = object.node.find(&["roleRef", "kind"]).and_then(Node::as_str).unwrap_or_default();
        let plural = if kind == "Role" { "roles" } else { "clusterroles" };
        let role = Named { kind, plural, name: named, namespace: namespace.as_deref().filter(|_| kind == "Role") };
        let gives = match role.within(manifest, release_namespace) {
            Some(node) => rights_of(node, namespace.as_deref()),
            None => role.live(cluster, namespace.as_deref()).await,
        };
        (right("bind", plural, named), gives)
    };
    Some(Written { object, need, namespace, waiver, gives })
}

/// A role that a binding names.
struct Named<'a> {
    kind: &'a str,
    plural: &'static str,
    name: &'a str,
    namespace: Option<&'a str>,
}

impl Named<'_> {
    /// The role as the manifest has it.
    fn within<'m>(&self, manifest: &'m [Object], release_namespace: &str) -> Option<&'m Node> {
        let is_it = |id: &ObjectId| {
            let place = id.namespace.as_deref().unwrap_or(release_namespace);
            id.group == GROUP
                && id.kind == self.kind
                && id.name == self.name
                && self.namespace.is_none_or(|namespace| namespace == place)
        };
        manifest.iter().find(|object| is_it(&object.id)).map(|object| &object.node)
    }

    /// The rights of the role that the cluster has.
    async fn live<C: Cluster>(&self, cluster: &C, namespace: Option<&str>) -> Gives {
        let resource = Resource {
            group: GROUP.into(),
            version: "v1".into(),
            plural: self.plural.into(),
            kind: self.kind.to_owned().into(),
        };
        let namespace_of_role = self.namespace.map(str::to_owned);
        let at = ObjectRef { resource, namespace: namespace_of_role, name: self.name.to_owned() };
        let node = match cluster.get(&at).await {
            Ok(body) => serde_json::from_slice::<Node>(&body).ok(),
            // The server takes such a binding from whoever may bind only.
            Err(error @ ClusterError::NotFound { .. }) => return Gives::Unknown(error.to_string()),
            Err(error) => return Gives::Unknown(error.to_string()),
        };
        node.map_or_else(|| Gives::Unknown(format!("{at} can't be read")), |node| rights_of(&node, namespace))
    }
}

/// The single rights that a role gives in a namespace, or everywhere.
fn rights_of(role: &Node, namespace: Option<&str>) -> Gives {
    if role.get("aggregationRule").is_some() {
        // What it will hold is not said, so the server wants all of it.
        return Gives::Rights(BTreeSet::from([everything(namespace.map(str::to_owned))]));
    }
    let mut found = BTreeSet::new();
    for rule in role.get("rules").and_then(Node::as_list).unwrap_or_default() {
        let list = |key: &str| -> Vec<&str> {
            let items = rule.get(key).and_then(Node::as_list).unwrap_or_default();
            items.iter().filter_map(Node::as_str).collect()
        };
        let (groups, resources, verbs) = (list("apiGroups"), list("resources"), list("verbs"));
        let names = list("resourceNames");
        let names: Vec<Option<&str>> =
            if names.is_empty() { vec![None] } else { names.into_iter().map(Some).collect() };
        let count = groups.len().saturating_mul(resources.len()).saturating_mul(names.len());
        if count.saturating_mul(verbs.len()).saturating_add(found.len()) > MOST_ASKED * 10 {
            return Gives::Unknown("it gives too many rights to ask for each".to_owned());
        }
        for verb in verbs {
            let right = |group: &str, plural: &str, name: Option<&str>| Right {
                verb: verb.to_owned().into(),
                group: group.to_owned(),
                plural: plural.to_owned(),
                namespace: namespace.map(str::to_owned),
                name: name.map(str::to_owned),
            };
            found.extend(
                list("nonResourceURLs").into_iter().map(|path| Right { namespace: None, ..right("", path, None) }),
            );
            for group in &groups {
                for resource in &resources {
                    found.extend(names.iter().map(|name| right(group, resource, *name)));
                }
            }
        }
    }
    Gives::Rights(found)
}
