//! A claim that gets no volume.

use crate::manifest::node::Node;
use crate::manifest::observed::Observed;
use crate::upgrade::diagnosis::evidence::{items, name_of, text};
use crate::upgrade::diagnosis::message::{has, has_any, quoted_after, short};
use crate::upgrade::diagnosis::{Cause, Evidence};

pub(super) fn find(evidence: &Evidence) -> Vec<Cause> {
    let unbound =
        evidence.of_kind("PersistentVolumeClaim").filter(|claim| claim.text(&["status", "phase"]) == "Pending");
    let mut causes: Vec<Cause> = unbound.filter_map(|claim| unbound_claim(evidence, claim)).collect();
    causes.extend(missing_claims(evidence));
    causes
}

fn unbound_claim(evidence: &Evidence, claim: &Observed) -> Option<Cause> {
    let event = evidence.events_of(claim).last();
    // It waits for a pod, and that is as it should be: who has a place decides where the volume is made.
    let waits = event.is_some_and(|event| {
        event.reason == "WaitForFirstConsumer" || has(&event.message, "waiting for first consumer")
    });
    if waits || claim.is_deleting() {
        return None;
    }
    let class = claim.text(&["spec", "storageClassName"]);
    let size = claim.at(&["spec", "resources", "requests", "storage"]).map(super::amount).unwrap_or_default();
    let message = event.map(|event| event.message.as_str()).unwrap_or_default();
    let name = name_of(claim);
    let of_class =
        if class.is_empty() { "without a storage class".to_owned() } else { format!("of storage class {class}") };
    let what = format!("{name}: it gets no volume of {size} {of_class}");
    let classes = "kubectl get storageclass";
    let cause = if has(message, "storageclass.storage.k8s.io") && has(message, "not found") {
        Cause::certain(
            format!("{name}: the storage class {class} is not there"),
            format!("name one that is there: {classes}"),
        )
    } else if has_any(
        message,
        &["no persistent volumes available", "no volume plugin matched", "no storage class is set"],
    ) {
        Cause::certain(
            what,
            format!("name a storage class that makes volumes ({classes}), or make a volume by hand that fits"),
        )
    } else if message.is_empty() {
        Cause::likely(what, format!("{} tells why", evidence.kubectl(&format!("describe pvc {}", claim.name()))))
    } else {
        Cause::certain(format!("{what}: {}", short(message)), format!("check the storage class: {classes}"))
    };
    Some(cause.on(name))
}

/// Pods that name a claim which is not there at all.
fn missing_claims(evidence: &Evidence) -> Vec<Cause> {
    let pods = evidence.pods();
    let causes = pods.iter().filter_map(|pod| {
        let scheduled = pod.condition("PodScheduled").filter(|condition| condition.is_false())?;
        let message = scheduled.text("message");
        let claim = quoted_after(message, "persistentvolumeclaim")?;
        if !has(message, "not found") || evidence.object("PersistentVolumeClaim", claim).is_some() {
            return None;
        }
        let volumes = items(pod.at(&["spec", "volumes"]));
        let claims: Vec<&str> = volumes
            .filter_map(|volume| volume.get("persistentVolumeClaim"))
            .map(|one: &Node| text(one, "claimName"))
            .collect();
        claims.contains(&claim).then(|| {
            let sentence = format!("{}: it needs the claim {claim}, which is not there", evidence.workload(pod));
            let there = evidence.kubectl("get pvc");
            Cause::certain(sentence, format!("make it, or correct its name in the values; what there is: {there}"))
                .on(name_of(pod))
        })
    });
    causes.collect()
}

#[cfg(test)]
mod tests {
    use super::super::super::scene::{found, pod, says, with};

    const CLAIM: &str = "apiVersion: v1\nkind: PersistentVolumeClaim\nmetadata: {name: data, namespace: shop}\nspec: {storageClassName: fast, resources: {requests: {storage: 5Gi}}}\nstatus: {phase: Pending}\n";

    #[test]
    fn a_storage_class_that_is_not_there() {
        let evidence = with(&[CLAIM]).event(
            "persistentvolumeclaim/data",
            "ProvisioningFailed",
            "storageclass.storage.k8s.io \"fast\" not found",
        );
        assert_eq!(
            says("volume-claim", &evidence),
            "persistentvolumeclaim/data: the storage class fast is not there | name one that is there: kubectl get storageclass"
        );
    }

    #[test]
    fn no_volume_fits() {
        let evidence = with(&[CLAIM]).event(
            "persistentvolumeclaim/data",
            "FailedBinding",
            "no persistent volumes available for this claim and no storage class is set",
        );
        assert!(says("volume-claim", &evidence).starts_with(
            "persistentvolumeclaim/data: it gets no volume of 5Gi of storage class fast | name a storage class"
        ));
    }

    #[test]
    fn a_claim_that_waits_for_its_pod_waits_rightly() {
        let evidence = with(&[CLAIM]).event(
            "persistentvolumeclaim/data",
            "WaitForFirstConsumer",
            "waiting for first consumer to be created before binding",
        );
        assert_eq!(found("volume-claim", &evidence), []);
        assert_eq!(found("volume-claim", &with(&[&CLAIM.replace("Pending", "Bound")])), []);
    }

    #[test]
    fn a_claim_that_nobody_made() {
        let text = pod("web-1", "restartCount: 0").replace("spec:\n", "spec:\n  volumes: [{name: d, persistentVolumeClaim: {claimName: gone}}]\n").replace(
            "  phase: Running",
            "  phase: Pending\n  conditions: [{type: PodScheduled, status: 'False', message: '0/3 nodes are available: persistentvolumeclaim \"gone\" not found. preemption: x'}]",
        );
        assert!(
            says("volume-claim", &with(&[&text]))
                .starts_with("deployment/web: it needs the claim gone, which is not there")
        );
    }
}
