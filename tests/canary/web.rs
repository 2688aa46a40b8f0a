//! A release that runs, and what is left of its canary.

use k8s_openapi::api::apps::v1::Deployment;
use k8s_openapi::api::coordination::v1::Lease;
use k8s_openapi::api::core::v1::Secret;
use serde_json::Value;

use crate::cluster;
use crate::shown::Shown;
use crate::user::User;

impl User {
    /// Installs the app as `web` with two pods, proven as revision 1.
    pub(crate) fn has_two_pods(&self) {
        self.has_web(&[]);
    }

    /// Runs a canary of `web` to the tag 2, with these flags.
    pub(crate) fn canary(&self, flags: &str) -> Shown {
        self.types(&format!(
            "helm safe-upgrade canary web app --set tag=2 --replicas-key replicas --interval 600ms --yes {flags}"
        ))
    }

    /// What was told of a canary with `-o json`, of which each event is as its schema says.
    pub(crate) fn events(&self, shown: &Shown) -> Vec<Value> {
        let schema: Value = serde_json::from_str(include_str!("../../docs/schema/canary-events.json")).unwrap();
        let validator = jsonschema::validator_for(&schema).unwrap();
        let read = |line: &str| {
            let event: Value = serde_json::from_str(line).unwrap();
            let problems: Vec<String> = validator.iter_errors(&event).map(|error| error.to_string()).collect();
            assert!(problems.is_empty(), "{problems:#?}\n{event:#}");
            event
        };
        shown.stdout.lines().map(read).collect()
    }

    /// How many pods a Deployment is set to, and with which tag.
    pub(crate) fn has_running(&self, name: &str) -> String {
        let Some(deployment) = cluster::find::<Deployment>(&self.namespace, name) else { return "nothing".to_owned() };
        let spec = deployment.spec;
        let image = spec.template.spec.unwrap().containers[0].image.clone().unwrap();
        format!("{} of {}", spec.replicas.unwrap(), image.rsplit(':').next().unwrap())
    }

    /// What is kept of the canary of `web`.
    pub(crate) fn kept(&self) -> Option<Value> {
        let secret = cluster::find::<Secret>(&self.namespace, "helm-safe-upgrade.canary.web")?;
        Some(serde_json::from_slice(&secret.data.unwrap()["canary.json"].0).unwrap())
    }

    /// Nothing is kept of the canary, and nobody is at work.
    pub(crate) fn left_nothing(&self) {
        assert!(self.kept().is_none(), "the canary is still kept");
        assert!(cluster::find::<Lease>(&self.namespace, "helm-safe-upgrade.canary.web").is_none(), "its lease is held");
        self.left_no_lease();
    }
}
