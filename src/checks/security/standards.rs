//! What a pod must not do at a level of the Pod Security Standards.
//!
//! Source: Kubernetes documentation, "Pod Security Standards", in its newest version but for the hosts of probes, which servers before
//! 1.34 do not look at. Of pods for Windows some rules of the level *restricted* are left out there.

use std::collections::BTreeSet;

use crate::checks::scene::{items, string, texts};
use crate::diff::workload::{self, Container};
use crate::manifest::node::Node;

/// A level at which something is forbidden.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Level {
    Baseline,
    Restricted,
}

impl Level {
    /// The level of a label; none for `privileged`, and what is none.
    pub(super) fn of(label: &str) -> Option<Self> {
        match label {
            "baseline" => Some(Self::Baseline),
            "restricted" => Some(Self::Restricted),
            _ => None,
        }
    }

    pub(super) fn word(self) -> &'static str {
        match self {
            Self::Baseline => "baseline",
            Self::Restricted => "restricted",
        }
    }
}

/// Capabilities that a container may add at the level *baseline*.
const CAPABILITIES: [&str; 13] = [
    "AUDIT_WRITE",
    "CHOWN",
    "DAC_OVERRIDE",
    "FOWNER",
    "FSETID",
    "KILL",
    "MKNOD",
    "NET_BIND_SERVICE",
    "SETFCAP",
    "SETGID",
    "SETPCAP",
    "SETUID",
    "SYS_CHROOT",
];

const SYSCTLS: [&str; 12] = [
    "kernel.shm_rmid_forced",
    "net.ipv4.ip_local_port_range",
    "net.ipv4.ip_local_reserved_ports",
    "net.ipv4.ip_unprivileged_port_start",
    "net.ipv4.ping_group_range",
    "net.ipv4.tcp_fin_timeout",
    "net.ipv4.tcp_keepalive_intvl",
    "net.ipv4.tcp_keepalive_probes",
    "net.ipv4.tcp_keepalive_time",
    "net.ipv4.tcp_rmem",
    "net.ipv4.tcp_syncookies",
    "net.ipv4.tcp_wmem",
];

const SELINUX: [&str; 5] = ["", "container_t", "container_init_t", "container_kvm_t", "container_engine_t"];

/// The volumes of the level *restricted*, by the key that says what they are.
const VOLUMES: [&str; 9] = [
    "configMap",
    "csi",
    "downwardAPI",
    "emptyDir",
    "ephemeral",
    "image",
    "persistentVolumeClaim",
    "projected",
    "secret",
];

const APPARMOR: &str = "container.apparmor.security.beta.kubernetes.io/";

/// All that a pod does and must not, of its template.
pub(super) fn violations(template: &Node, level: Level) -> BTreeSet<String> {
    let mut found = BTreeSet::new();
    let Some(spec) = template.find(&["spec"]) else { return found };
    for key in ["hostNetwork", "hostPID", "hostIPC"] {
        found.extend(is(spec, &[key], true).then(|| key.to_owned()));
    }
    found.extend(
        items(spec, &["volumes"])
            .iter()
            .filter(|one| one.find(&["hostPath"]).is_some())
            .map(|_| "a volume of type hostPath".to_owned()),
    );
    let sysctls = items(spec, &["securityContext", "sysctls"]).iter().filter_map(|one| string(one, &["name"]));
    found.extend(sysctls.filter(|name| !SYSCTLS.contains(name)).map(|name| format!("sysctl {name}")));
    for (key, profile) in texts(template, &["metadata", "annotations"]) {
        let allowed = profile == "runtime/default" || profile.starts_with("localhost/") || profile.is_empty();
        found.extend((key.starts_with(APPARMOR) && !allowed).then(|| format!("AppArmor profile {profile}")));
    }
    found.extend(of_context(spec));
    for container in workload::containers(spec) {
        let of_container = of_context(container.node).into_iter().chain(of_container(container));
        found.extend(of_container.map(|what| format!("{what} (container {})", container.name)));
    }
    if level == Level::Restricted {
        found.extend(restricted(spec));
    }
    found
}

/// What the security context of a pod or of a container says.
fn of_context(node: &Node) -> BTreeSet<String> {
    let mut found = BTreeSet::new();
    let context = |path: &[&str]| string(node, &[&["securityContext"], path].concat());
    found.extend(
        is(node, &["securityContext", "windowsOptions", "hostProcess"], true).then(|| "hostProcess".to_owned()),
    );
    found.extend(
        (context(&["seccompProfile", "type"]) == Some("Unconfined")).then(|| "seccomp profile Unconfined".to_owned()),
    );
    found.extend(
        (context(&["appArmorProfile", "type"]) == Some("Unconfined")).then(|| "AppArmor profile Unconfined".to_owned()),
    );
    let se_linux = |key| context(&["seLinuxOptions", key]).unwrap_or_default();
    let other = !SELINUX.contains(&se_linux("type")) || !se_linux("user").is_empty() || !se_linux("role").is_empty();
    found.extend(other.then(|| "SELinux options".to_owned()));
    found
}

fn of_container(container: Container<'_>) -> BTreeSet<String> {
    let node = container.node;
    let mut found = BTreeSet::new();
    found.extend(is(node, &["securityContext", "privileged"], true).then(|| "privileged".to_owned()));
    let proc = string(node, &["securityContext", "procMount"]).is_some_and(|mount| mount != "Default");
    found.extend(proc.then(|| "procMount".to_owned()));
    let added = items(node, &["securityContext", "capabilities", "add"]).iter().filter_map(Node::as_str);
    found.extend(added.filter(|one| !CAPABILITIES.contains(one)).map(|one| format!("capability {one}")));
    let ports = items(node, &["ports"]).iter().filter_map(|port| port.find(&["hostPort"])?.as_count());
    found.extend(ports.filter(|port| *port > 0).map(|port| format!("hostPort {port}")));
    found
}

/// What the level *restricted* wants beyond.
fn restricted(spec: &Node) -> BTreeSet<String> {
    let mut found = BTreeSet::new();
    let windows = string(spec, &["os", "name"]) == Some("windows");
    for volume in items(spec, &["volumes"]) {
        let keys = volume.as_map().unwrap_or_default().iter().map(|(key, _)| &**key).filter(|key| *key != "name");
        found.extend(keys.filter(|key| !VOLUMES.contains(key)).map(|key| format!("a volume of type {key}")));
    }
    for container in workload::containers(spec) {
        let node = container.node;
        // Where the container says nothing, the pod's word counts.
        let effective = |path: &[&str]| {
            let path = [&["securityContext"], path].concat();
            node.find(&path).or_else(|| spec.find(&path))
        };
        let mut add = |what: &str| found.insert(format!("{what} (container {})", container.name));
        if effective(&["runAsNonRoot"]).and_then(Node::as_bool) != Some(true) {
            add("runAsNonRoot is not true");
        }
        if effective(&["runAsUser"]).and_then(Node::as_count) == Some(0) {
            add("runAsUser is 0");
        }
        if windows {
            continue;
        }
        if !is(node, &["securityContext", "allowPrivilegeEscalation"], false) {
            add("allowPrivilegeEscalation is not false");
        }
        if effective(&["seccompProfile", "type"]).is_none() {
            add("no seccomp profile");
        }
        let capabilities = |key| items(node, &["securityContext", "capabilities", key]).iter().filter_map(Node::as_str);
        if !capabilities("drop").any(|one| one == "ALL") {
            add("capabilities are not dropped");
        }
        if let Some(one) = capabilities("add").find(|one| CAPABILITIES.contains(one) && *one != "NET_BIND_SERVICE") {
            add(&format!("capability {one}"));
        }
    }
    found
}

fn is(node: &Node, path: &[&str], value: bool) -> bool {
    node.find(path).and_then(Node::as_bool) == Some(value)
}
