//! Whether somebody answers of a release that a router leads to: what the router says to whom is its own, so all that takes traffic counts.

use std::collections::BTreeSet;

use super::arrival::{Enough, Readiness, is_ready, judged, pods};
use crate::cluster::Cluster;
use crate::error::{Error, Kind};
use crate::execute::Seams;
use crate::helm::Helm;
use crate::manifest::document::Object;
use crate::manifest::node::Node;
use crate::upgrade::blue_green::side::{Labels, Pods, Side, chooses, labels, shown};

/// Whether pods of a release are ready, or nothing of it runs pods.
pub(super) async fn of_release<C: Cluster, H: Helm>(
    seams: &Seams<'_, C, H>,
    name: &str,
    enough: Enough,
) -> Result<Readiness, Error> {
    let history = seams.storage.history(name).await?;
    let release = match seams.storage.deployed(name, &history).await {
        Err(error) if error.kind == Kind::NotFound => {
            return Ok(Readiness::Nobody("no revision of it is deployed".to_owned()));
        }
        release => release?,
    };
    let documents = release.documents();
    let objects: Vec<Object> = documents.iter().flat_map(|document| seams.masker.open(document)).collect();
    let side = Side { release: name, namespace: seams.storage.namespace(), objects: &objects };
    let (wanted, all_of_them) = wanted(&side);
    let mut nobody = None;
    for labels in &wanted {
        match pods(seams, labels).await {
            Ok(pods) if pods.iter().any(is_ready) && !(all_of_them && enough == Enough::All) => {
                return Ok(Readiness::Ready);
            }
            Ok(pods) if pods.iter().any(is_ready) => {}
            Ok(_) => nobody = Some(labels),
            Err(error) => return judged(Err(error)),
        }
    }
    Ok(match nobody {
        None => Readiness::Ready,
        Some(labels) if all_of_them && enough == Enough::All => Readiness::Nobody(format!("none of {}", shown(labels))),
        Some(_) => Readiness::Nobody("none of it is ready".to_owned()),
    })
}

/// The labels of the pods that are asked for, and whether each of them is: those behind its Services, without which any of its pods
/// count. A worker that is ready answers nobody who asks the servers.
fn wanted(side: &Side<'_>) -> (BTreeSet<Labels>, bool) {
    let served = side.services().map(|service| labels(service.node.find(&["spec", "selector"])));
    let runs = |selector: &Labels| side.pods().any(|pods| chooses(selector, &pods.labels) && has_replicas(&pods));
    let served: BTreeSet<Labels> = served.filter(runs).collect();
    if !served.is_empty() {
        return (served, true);
    }
    (side.pods().map(|pods| pods.labels).filter(|labels| !labels.is_empty()).collect(), false)
}

/// Whether it is to have pods, as far as its manifest says.
fn has_replicas(pods: &Pods<'_>) -> bool {
    pods.object.node.find(&["spec", "replicas"]).and_then(Node::as_count) != Some(0)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::manifest::yaml;

    fn wanted_of(text: &str) -> (Vec<String>, bool) {
        let objects: Vec<Object> = text.split("---\n").map(|text| Object::of(yaml::parse(text).unwrap())).collect();
        let (all, each) = wanted(&Side { release: "web", namespace: "shop", objects: &objects });
        (all.iter().map(shown).collect(), each)
    }

    fn deployment(part: &str, replicas: u32) -> String {
        format!(
            "apiVersion: apps/v1\nkind: Deployment\nmetadata: {{name: {part}}}\n\
             spec: {{replicas: {replicas}, template: {{metadata: {{labels: {{part: {part}}}}}, spec: {{containers: []}}}}}}\n"
        )
    }

    #[test]
    fn what_is_behind_services_is_asked_for_and_no_worker() {
        let service = |part: &str| {
            format!("apiVersion: v1\nkind: Service\nmetadata: {{name: {part}}}\nspec: {{selector: {{part: {part}}}}}\n")
        };
        let both = format!("{}---\n{}", deployment("server", 2), deployment("worker", 2));
        assert_eq!(wanted_of(&both), (vec!["part=server".to_owned(), "part=worker".to_owned()], false));
        let served = format!("{both}---\n{}", service("server"));
        assert_eq!(wanted_of(&served), (vec!["part=server".to_owned()], true));
        // What is to have no pods has none, and a Service without pods of its own asks for none.
        let more = format!("{served}---\n{}---\n{}---\n{}", deployment("extra", 0), service("extra"), service("other"));
        assert_eq!(wanted_of(&more), (vec!["part=server".to_owned()], true));
    }
}
