//! What this program writes into records and leases, beside Helm and beside itself.

use helm_safe_upgrade::error::Kind;
use helm_safe_upgrade::record::{Acquired, Lease, Records, Renewal, Revision, acquire};
use helm_safe_upgrade::release::marks::Mark;
use jiff::Timestamp;
use k8s_openapi::api::core::v1::Secret;
use serde_json::{Value, json};

use crate::cluster;
use crate::record::Record;
use crate::state::{self, Owner, connect, holder, run, storage};
use crate::user::User;

stories!(
    what_is_written_is_read_by_both_helms,
    only_what_was_to_change_has_changed,
    several_write_at_the_same_time,
    a_helm_writes_at_the_same_time,
    a_status_that_is_not_as_expected,
    two_who_want_the_same_lease,
    a_lease_that_somebody_else_has_taken,
    a_lease_without_the_right_to_make_one,
    a_lease_of_somebody_elsewhere_who_is_silent,
);

fn makes_revisions(user: &User, count: u32) {
    for number in 1..=count {
        user.upgrades("parts", &format!("configMaps: {{settings: {{number: '{number}'}}}}\nnotes: 'ä < {number}'"));
    }
}

fn failed(why: &str) -> Revision {
    Revision {
        status: Some("failed".to_owned()),
        description: Some(why.to_owned()),
        marks: vec![Mark::Bad(Timestamp::now())],
        only_if_status: None,
    }
}

fn what_is_written_is_read_by_both_helms(user: &User) {
    makes_revisions(user, 3);
    let all = |helm| user.with(helm).types("helm get all web --revision 2").exits(0).stdout.clone();
    let helms = [user.helm, user.helm.other()];
    let before = helms.map(all);
    let long = format!("no such \"image\" {}", "x".repeat(2000));
    state::revises(user, 2, &failed(&long));
    for (helm, before) in helms.into_iter().zip(before) {
        let history = user.with(helm).types("helm history web -o json").json();
        assert_eq!(history[1]["status"], "failed");
        let description = history[1]["description"].as_str().unwrap();
        assert!(description.starts_with("no such \"image\" xxx") && description.ends_with('…'), "{description}");
        assert_eq!(description.chars().count(), 300);
        let shown = user.with(helm).types("helm get all web --revision 2").exits(0).stdout.clone();
        let line = |text: &str| {
            text.lines().filter(|line| !line.starts_with("STATUS: ")).map(str::to_owned).collect::<Vec<_>>()
        };
        // Helm 4 shows the description as well.
        let without =
            |text: &str| line(text).into_iter().filter(|line| !line.starts_with("DESCRIPTION: ")).collect::<Vec<_>>();
        assert_eq!(without(&shown), without(&before));
        user.with(helm).types("helm rollback web 2").exits(0);
    }
    user.types("helm get values web").mentions("number: \"2\"");
}

fn only_what_was_to_change_has_changed(user: &User) {
    makes_revisions(user, 2);
    let record = Record::of(user, "web", 2);
    record.label("team", "blue");
    cluster::merge::<Secret>(&user.namespace, &record.name, json!({"metadata": {"annotations": {"note": "mine"}}}));
    let (before, object): (Value, Secret) = (record.read(), cluster::find(&user.namespace, &record.name).unwrap());
    state::revises(user, 2, &failed("why"));
    let (mut after, changed): (Value, Secret) = (record.read(), cluster::find(&user.namespace, &record.name).unwrap());
    assert_eq!((&after["info"]["status"], &after["info"]["description"]), (&json!("failed"), &json!("why")));
    after["info"]["status"] = before["info"]["status"].clone();
    after["info"]["description"] = before["info"]["description"].clone();
    assert_eq!(after, before);
    assert_eq!(changed.type_, object.type_);
    assert_eq!(changed.metadata.annotations, object.metadata.annotations);
    let (mut labels, old) = (changed.metadata.labels.unwrap(), object.metadata.labels.unwrap());
    assert!(labels.remove("safe-upgrade/bad").unwrap().starts_with("2."));
    assert_eq!(labels.insert("status".to_owned(), "deployed".to_owned()).as_deref(), Some("failed"));
    assert_eq!(labels, old);
}

fn several_write_at_the_same_time(user: &User) {
    makes_revisions(user, 1);
    run(async {
        let storage = storage(user).await;
        let records = Records::of(&storage).unwrap();
        let proven = Revision { marks: vec![Mark::Proven(Timestamp::now())], ..Revision::default() };
        let bad = Revision { marks: vec![Mark::Bad(Timestamp::now())], ..Revision::default() };
        let said = Revision { description: Some("said".to_owned()), ..Revision::default() };
        let all = [proven, bad, said].map(|change| {
            let records = records.clone();
            async move { records.revise("web", 1, &change).await.map(drop) }
        });
        futures::future::try_join_all(all).await.unwrap();
        let entries = storage.history("web").await.unwrap();
        let marks = entries.entries()[0].marks;
        assert!(marks.proven.is_some() && marks.bad.is_some(), "{marks:?}");
        assert_eq!(storage.head("web", 1).await.unwrap().description, "said");
    });
}

fn a_helm_writes_at_the_same_time(user: &User) {
    makes_revisions(user, 1);
    // Helm sets revision 1 to superseded while marks are written to it again and again.
    user.writes("next.yaml", "configMaps: {settings: {number: '2'}}");
    let mut helm = user.starts("exec helm upgrade web parts --values next.yaml");
    let mut written = 0;
    while helm.try_wait().unwrap().is_none() {
        let time = Timestamp::from_second(1_766_668_400 + written).unwrap();
        state::revises(user, 1, &Revision { marks: vec![Mark::Proven(time)], ..Revision::default() });
        written += 1;
    }
    assert!(helm.wait().unwrap().success());
    assert!(written > 1, "both were at work");
    let record = Record::of(user, "web", 1);
    assert_eq!(record.read()["info"]["status"], "superseded", "what Helm wrote is still there");
}

fn a_status_that_is_not_as_expected(user: &User) {
    makes_revisions(user, 2);
    run(async {
        let storage = storage(user).await;
        let records = Records::of(&storage).unwrap();
        let change = Revision { only_if_status: Some("pending-upgrade".to_owned()), ..failed("why") };
        let error = records.revise("web", 2, &change).await.unwrap_err();
        assert_eq!(error.kind, Kind::Locked);
        assert!(
            error.message.ends_with("its status is deployed, and not pending-upgrade as it was expected to be"),
            "{error}"
        );
        let missing = records.revise("web", 7, &change).await.unwrap_err();
        assert_eq!(missing.kind, Kind::NotFound);
        // What says all of that already is not written, and is as it was wanted.
        let change = Revision { only_if_status: Some("deployed".to_owned()), ..failed("why") };
        records.revise("web", 2, &change).await.unwrap();
        records.revise("web", 2, &change).await.unwrap();
        let error = records.delete("web", 2, "1").await.unwrap_err();
        assert_eq!(error.kind, Kind::Locked, "{error}");
        assert_eq!(storage.history("web").await.unwrap().revisions(), [1, 2]);
    });
}

async fn takes<'a>(
    cluster: &'a helm_safe_upgrade::cluster::KubeCluster,
    user: &User,
    identity: &str,
    owner: Owner,
) -> Acquired<'a, helm_safe_upgrade::cluster::KubeCluster> {
    acquire(cluster, &user.namespace, "web", &holder(identity, owner), Timestamp::now).await.unwrap()
}

fn held<C>(acquired: Acquired<'_, C>) -> Lease<'_, C> {
    match acquired {
        Acquired::Held(lease) => *lease,
        Acquired::Busy { holder, .. } => panic!("{holder} has it"),
        Acquired::NoRight(reason) => panic!("{reason}"),
    }
}

fn two_who_want_the_same_lease(user: &User) {
    run(async {
        let cluster = connect(user).await;
        let many: Vec<String> = (0..8).map(|number| format!("ann{number}@ci:{number}:x")).collect();
        let all = many.iter().map(|identity| takes(&cluster, user, identity, Owner::Alive));
        let (won, lost): (Vec<_>, Vec<_>) =
            futures::future::join_all(all).await.into_iter().partition(|one| matches!(one, Acquired::Held(_)));
        assert_eq!((won.len(), lost.len()), (1, 7));
        let lease = held(won.into_iter().next().unwrap());
        let holds = state::lease(user).unwrap()["spec"]["holderIdentity"].as_str().unwrap().to_owned();
        for one in lost {
            let Acquired::Busy { holder, since, last_sign } = one else { panic!("{one:?}") };
            assert_eq!(holder, holds);
            assert!(since.is_some() && last_sign.is_some());
        }
        assert_eq!(lease.renew().await.unwrap(), Renewal::Held);
        lease.release().await.unwrap();
        assert!(state::lease(user).is_none());
        assert_eq!(lease.renew().await.unwrap(), Renewal::Lost(None));
        held(takes(&cluster, user, "bob@ci:1:x", Owner::Alive).await).release().await.unwrap();
    });
}

fn a_lease_that_somebody_else_has_taken(user: &User) {
    run(async {
        let cluster = connect(user).await;
        let first = held(takes(&cluster, user, "ann@ci:1:x", Owner::Dead).await);
        assert_eq!(first.note("rollback", Some(7)).await.unwrap(), Renewal::Held);
        // The first one is dead as far as anybody can tell, so that it is free at once.
        let second = held(takes(&cluster, user, "bob@ci:2:y", Owner::Alive).await);
        let left = second.left.clone().unwrap();
        assert_eq!((left.holder.as_str(), left.revision, left.phase.as_str()), ("ann@ci:1:x", Some(7), "rollback"));
        assert_eq!(first.renew().await.unwrap(), Renewal::Lost(Some("bob@ci:2:y".to_owned())));
        first.release().await.unwrap();
        assert_eq!(second.renew().await.unwrap(), Renewal::Held, "it is not given back by whoever lost it");
        // Somebody else's write to our lease, such as a label, is no loss.
        let path = format!("/apis/coordination.k8s.io/v1/namespaces/{}/leases/helm-safe-upgrade.web", user.namespace);
        state::writes_as("someone", &path, &json!({"metadata": {"labels": {"a": "b"}}}));
        assert_eq!(second.renew().await.unwrap(), Renewal::Held);
        state::writes_as("someone", &path, &json!({"metadata": {"labels": {"a": "c"}}}));
        second.release().await.unwrap();
        assert!(state::lease(user).is_none());
    });
}

fn a_lease_without_the_right_to_make_one(user: &User) {
    run(async {
        let mut connection = helm_safe_upgrade::cluster::Connection {
            kubeconfig: Some(user.folder.join("kubeconfig").into_os_string()),
            ..Default::default()
        };
        connection.context = Some("nobody".to_owned());
        let cluster =
            helm_safe_upgrade::cluster::KubeCluster::connect_in(&connection, &Default::default()).await.unwrap();
        match takes(&cluster, user, "ann@ci:1:x", Owner::Alive).await {
            Acquired::NoRight(reason) => assert!(reason.contains("cannot create resource \"leases\""), "{reason}"),
            other => panic!("{other:?}"),
        }
    });
}

fn a_lease_of_somebody_elsewhere_who_is_silent(user: &User) {
    run(async {
        let cluster = connect(user).await;
        let first = held(takes(&cluster, user, "ann@ci:1:x", Owner::Alive).await);
        first.note("upgrade", Some(2)).await.unwrap();
        let path = format!("/apis/coordination.k8s.io/v1/namespaces/{}/leases/helm-safe-upgrade.web", user.namespace);
        let silent = || state::writes_as("test", &path, &json!({"spec": {"renewTime": "2026-01-01T00:00:00.000000Z"}}));
        silent();
        // Late by our clock, but it moves while we look: its clock may be wrong, and it is alive.
        let (second, _) = tokio::join!(takes(&cluster, user, "bob@ci:2:y", Owner::Alive), async {
            tokio::time::sleep(std::time::Duration::from_secs(3)).await;
            assert_eq!(first.renew().await.unwrap(), Renewal::Held);
        });
        assert!(matches!(second, Acquired::Busy { .. }), "{second:?}");
        silent();
        let third = held(takes(&cluster, user, "eve@ci:3:z", Owner::Alive).await);
        assert_eq!(third.left.clone().unwrap().holder, "ann@ci:1:x");
        third.release().await.unwrap();
    });
}
