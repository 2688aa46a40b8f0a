//! Whether the object of a hook is there already, and nothing deletes it before Helm makes it anew.

use super::super::snapshot::Known;
use super::super::wanted::{ListedKind, Wanted};
use super::super::{Check, Finding, Proposal, Severity, Snapshot};
use super::{Hook, running};
use crate::diff::workload::{self, Kind, containers};
use crate::manifest::document::Object;
use crate::manifest::node::Node;
use crate::manifest::observed::Observed;

const NAME: &str = "hook-exists";

pub(crate) const CHECK: Check =
    Check::new(NAME, "hooks whose object is left from an earlier run, and that nothing deletes before", run)
        .worst(Severity::Blocker)
        .rights("get the kinds of such hooks")
        .wants(wants);

/// The kinds that hooks are of. Of others it can't be told where the server has them.
const KINDS: &[(&str, &str, &str)] = &[
    ("batch", "Job", "jobs"),
    ("batch", "CronJob", "cronjobs"),
    ("", "Pod", "pods"),
    ("", "ConfigMap", "configmaps"),
    ("", "Secret", "secrets"),
    ("", "Service", "services"),
    ("", "ServiceAccount", "serviceaccounts"),
    ("", "PersistentVolumeClaim", "persistentvolumeclaims"),
    ("", "Namespace", "namespaces"),
    ("apps", "Deployment", "deployments"),
    ("apps", "StatefulSet", "statefulsets"),
    ("apps", "DaemonSet", "daemonsets"),
    ("networking.k8s.io", "NetworkPolicy", "networkpolicies"),
    ("networking.k8s.io", "Ingress", "ingresses"),
    ("rbac.authorization.k8s.io", "Role", "roles"),
    ("rbac.authorization.k8s.io", "RoleBinding", "rolebindings"),
    ("rbac.authorization.k8s.io", "ClusterRole", "clusterroles"),
    ("rbac.authorization.k8s.io", "ClusterRoleBinding", "clusterrolebindings"),
    ("apiextensions.k8s.io", "CustomResourceDefinition", "customresourcedefinitions"),
];

/// Those of them that are in no namespace.
const OF_THE_CLUSTER: [&str; 4] = ["Namespace", "ClusterRole", "ClusterRoleBinding", "CustomResourceDefinition"];

fn wants(proposal: &Proposal<'_>) -> Vec<Wanted> {
    running(&proposal.objects.new, proposal.points())
        .iter()
        .filter(|hook| stays(hook))
        .filter_map(|hook| wanted(hook, proposal.namespace))
        .collect()
}

/// Whether Helm would find the object of an earlier run still there. A name that the server makes up is always new.
fn stays(hook: &Hook<'_>) -> bool {
    !hook.is_deleted_before() && hook.object.node.find(&["metadata", "name"]).is_some()
}

fn wanted(hook: &Hook<'_>, namespace: &str) -> Option<Wanted> {
    let id = &hook.object.id;
    let (_, kind, plural) = KINDS.iter().find(|(group, kind, _)| *group == id.group && *kind == id.kind)?;
    let listed = ListedKind {
        group: id.group.clone().into(),
        version: id.version.clone().into(),
        plural: (*plural).into(),
        kind: (*kind).into(),
        metadata_only: false,
    };
    let own = || id.namespace.clone().unwrap_or_else(|| namespace.to_owned());
    let namespace = (!OF_THE_CLUSTER.contains(kind)).then(own);
    Some(Wanted { kind: listed, namespace, name: Some(id.name.clone()) })
}

fn run(snapshot: &Snapshot<'_>) -> Vec<Finding> {
    let hooks: Vec<Hook<'_>> = running(&snapshot.objects.new, snapshot.points()).into_iter().filter(stays).collect();
    let mut findings: Vec<Finding> = hooks.iter().filter_map(|hook| look(snapshot, hook)).collect();
    if findings.is_empty() {
        let message = match hooks.len() {
            0 => "each hook that runs is deleted before, or there is none",
            _ => "no object of an earlier run is left",
        };
        findings.push(Finding::new(NAME, Severity::Pass, message));
    }
    findings
}

fn look(snapshot: &Snapshot<'_>, hook: &Hook<'_>) -> Option<Finding> {
    let about = hook.object.id.to_string();
    let live = match there(snapshot, hook) {
        Ok(live) => live?,
        Err(reason) => {
            let message = format!("whether it is left from an earlier run: {reason}");
            return Some(Finding::new(NAME, Severity::Unknown, message).about(about));
        }
    };
    // Only Helm 4 says how it applies. What it applies on the server's side, it patches where it is there.
    let is_patched = snapshot.releases.new.is_applied_by_server();
    let (severity, message) = match (is_patched, is_on_its_way_out(live), is_run_once(hook.object)) {
        (true, _, false) => return None,
        (true, _, true) if differs(hook.object, live) => (
            Severity::Blocker,
            "it is left from an earlier run, nothing deletes it before, and what it runs can't be changed",
        ),
        (true, _, true) => {
            (Severity::Warning, "it is left from an earlier run, and nothing deletes it before: it does not run again")
        }
        (false, true, _) => {
            (Severity::Warning, "it is left from an earlier run and about to go: helm fails if it is still there then")
        }
        (false, false, _) => (
            Severity::Blocker,
            "it is left from an earlier run, and nothing deletes it before: helm fails, as it already exists",
        ),
    };
    let namespace = if live.namespace().is_empty() { String::new() } else { format!(" -n {}", live.namespace()) };
    let hint = format!(
        "delete it: kubectl delete {} {}{namespace}; for good: helm.sh/hook-delete-policy: before-hook-creation",
        hook.object.id.kind.to_ascii_lowercase(),
        hook.object.id.name
    );
    let created = format!("created {}", live.text(&["metadata", "creationTimestamp"]));
    let policies = format!("delete policy: {}", hook.policies.join(", "));
    Some(Finding::new(NAME, severity, message).about(about).seen_by(vec![policies, created]).hint(hint))
}

fn there<'a>(snapshot: &Snapshot<'a>, hook: &Hook<'_>) -> Known<Option<&'a Observed>> {
    let Some(wanted) = wanted(hook, snapshot.namespace) else {
        return Err("its kind is not among those that are looked at".to_owned());
    };
    snapshot.lists.get(&wanted).map(<[Observed]>::first).map_err(str::to_owned)
}

fn is_on_its_way_out(live: &Observed) -> bool {
    live.is_deleting() || live.at(&["spec", "ttlSecondsAfterFinished"]).is_some()
}

/// Whether it runs to its end, and then stays as it is.
fn is_run_once(object: &Object) -> bool {
    matches!(Kind::of(&object.id), Some(Kind::Job | Kind::Pod))
}

/// Whether what a Job or Pod runs is another than before. The server refuses such a change.
fn differs(object: &Object, live: &Observed) -> bool {
    let path = Kind::of(&object.id).map(Kind::template_path).unwrap_or_default();
    let keys: Vec<&str> = path.iter().copied().chain(["spec"]).collect();
    let (Some(new), Some(old)) = (workload::pod_spec(object), live.at(&keys)) else { return false };
    let runs = |spec: &Node| -> Vec<[Option<Node>; 3]> {
        containers(spec).map(|one| ["image", "command", "args"].map(|key| one.node.get(key).cloned())).collect()
    };
    runs(new) != runs(old)
}
