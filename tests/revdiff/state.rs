//! What this program keeps in the cluster, written by its own library: marks and leases.

use std::sync::LazyLock;

use helm_safe_upgrade::cluster::{Connection, KubeCluster, Resource};
use helm_safe_upgrade::helm::process::HelmProcess;
use helm_safe_upgrade::record::{Acquired, Holder, Records, Revision, acquire};
use helm_safe_upgrade::release::marks::{Mark, signed};
use helm_safe_upgrade::storage::Storage;
use jiff::Timestamp;
use serde_json::Value;

use crate::cluster;
use crate::user::User;

static RUNTIME: LazyLock<tokio::runtime::Runtime> = LazyLock::new(|| tokio::runtime::Runtime::new().unwrap());

/// Waits for the end of something.
pub(crate) fn run<T>(future: impl Future<Output = T>) -> T {
    RUNTIME.block_on(future)
}

/// The user's cluster, with all rights, in their namespace.
pub(crate) async fn connect(user: &User) -> KubeCluster {
    let kubeconfig = Some(user.folder.join("kubeconfig").into_os_string());
    let connection = Connection { kubeconfig, namespace: Some(user.namespace.clone()), ..Connection::default() };
    KubeCluster::connect_in(&connection, &Default::default()).await.unwrap()
}

/// Where the user's releases are, if Helm keeps them in Secrets.
pub(crate) async fn storage(user: &User) -> Storage<KubeCluster, HelmProcess> {
    Storage::Objects { cluster: connect(user).await, resource: Resource::SECRETS }
}

/// Writes to a revision of the release `web`.
pub(crate) fn revises(user: &User, revision: u32, change: &Revision) {
    run(async {
        let storage = storage(user).await;
        Records::of(&storage).unwrap().revise("web", revision, change).await.unwrap();
    });
}

/// Marks a revision as proven.
pub(crate) fn proves(user: &User, revision: u32) {
    let description = Some(signed("All is well", "ann@ci"));
    let marks = vec![Mark::Proven(Timestamp::now())];
    revises(user, revision, &Revision { description, marks, ..Revision::default() });
}

/// Marks a revision as bad.
pub(crate) fn condemns(user: &User, revision: u32) {
    revises(user, revision, &Revision { marks: vec![Mark::Bad(Timestamp::now())], ..Revision::default() });
}

/// Whether the owner of a lease runs.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Owner {
    /// As a process on this machine.
    Alive,
    /// It was a process on this machine.
    Dead,
}

/// Who holds a lease by this identity.
pub(crate) fn holder(identity: &str, owner: Owner) -> Holder {
    let process = Holder::of_this_process("ann").process.expect("the system tells processes apart");
    let (machine, _) = process.rsplit_once('/').unwrap();
    // A lease that is renewed by nobody counts for a quarter of a minute, if nobody can tell about its process.
    let process = match owner {
        Owner::Alive => format!("elsewhere/{}", process.len()),
        Owner::Dead => format!("{machine}/0"),
    };
    Holder { identity: identity.to_owned(), process: Some(process) }
}

/// Leaves a lease of the release `web` as somebody does who is at work on this revision.
pub(crate) fn leaves_a_lease(user: &User, identity: &str, owner: Owner, revision: u32) {
    run(async {
        let cluster = connect(user).await;
        let me = holder(identity, owner);
        match acquire(&cluster, &user.namespace, "web", &me, Timestamp::now).await.unwrap() {
            Acquired::Held(lease) => drop(lease.note("upgrade", Some(revision)).await.unwrap()),
            other => panic!("{other:?}"),
        }
    });
}

fn lease_path(user: &User) -> String {
    format!("/apis/coordination.k8s.io/v1/namespaces/{}/leases/helm-safe-upgrade.web", user.namespace)
}

/// The lease of the release `web`.
pub(crate) fn lease(user: &User) -> Option<Value> {
    aside(|| cluster::at(&lease_path(user)))
}

/// Runs what waits for itself, within or outside of [`run`].
pub(crate) fn aside<T>(act: impl FnOnce() -> T) -> T {
    tokio::task::block_in_place(act)
}

/// Writes to an object as another program does.
pub(crate) fn writes_as(manager: &str, path: &str, change: &Value) {
    aside(|| cluster::writes_as(manager, "merge", path, change));
}

/// Removes it.
pub(crate) fn removes_the_lease(user: &User) {
    cluster::remove(&lease_path(user));
}
