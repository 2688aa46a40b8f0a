//! What real kubelets show, second by second, from `tests/vectors/kubelet/`: each file names its source, and the verdict that is to
//! be reached, with its time.

use std::fs;
use std::path::Path;

use helm_safe_upgrade::upgrade::judge::{Judgement, Patience, Sign, Verdict};
use jiff::{SignedDuration, Timestamp};
use serde_json::{Value, json};

use crate::scene::{Scene, event, pod};

/// The first sign of the first verdict of failure, and its time in seconds. It is looked when something changes, and when the judge
/// asks for it.
fn outcome(vector: &Value) -> Option<(f64, Sign)> {
    let mut scene = Scene::upgraded_with(Patience::default());
    let mut steps = vector["steps"].as_array().unwrap().iter().peekable();
    let end = seconds(&vector["until"]);
    let mut now = 0.0;
    loop {
        while let Some(step) = steps.next_if(|step| seconds(&step["at"]) <= now) {
            tell(&mut scene, vector, step);
        }
        let judgement = scene.at(now);
        if let Verdict::Failed(signs) = &judgement.verdict {
            return Some((now, signs[0].clone()));
        }
        let next = steps.peek().map(|step| seconds(&step["at"]));
        let again = asked(&judgement, scene.start);
        now = next.into_iter().chain(again).fold(f64::INFINITY, f64::min);
        if now > end {
            return None;
        }
    }
}

fn asked(judgement: &Judgement, start: Timestamp) -> Option<f64> {
    judgement.look_again.map(|time| time.duration_since(start)).map(|elapsed: SignedDuration| elapsed.as_secs_f64())
}

fn tell(scene: &mut Scene, vector: &Value, step: &Value) {
    if let Some(status) = step.get("status") {
        let mut pod = pod("web-2-a", "ReplicaSet", "web-2", status.clone());
        pod["spec"] = vector["spec"].clone();
        scene.set(pod);
    }
    for told in step["events"].as_array().into_iter().flatten() {
        let text = |name: &str| told[name].as_str().unwrap();
        let mut event = event("Pod-web-2-a", text("reason"), text("message"));
        event["type"] = told["type"].clone();
        event["count"] = told.get("count").cloned().unwrap_or(json!(1));
        let start = scene.start;
        event["lastTimestamp"] = json!((start + SignedDuration::from_secs_f64(seconds(&step["at"]))).to_string());
        scene.set(event);
    }
}

fn seconds(value: &Value) -> f64 {
    value.as_f64().unwrap()
}

#[test]
fn what_real_kubelets_show_is_judged_rightly_and_in_time() {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/vectors/kubelet");
    let mut files: Vec<_> = fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path()).collect();
    files.sort();
    assert!(files.len() >= 20, "the vectors are found");
    for file in files {
        let vector: Value = serde_json::from_slice(&fs::read(&file).unwrap()).unwrap();
        let name = file.file_stem().unwrap().to_string_lossy();
        assert!(vector["source"].as_array().is_some_and(|source| !source.is_empty()), "{name} names its source");
        let expected = &vector["verdict"];
        match outcome(&vector) {
            None => assert!(expected.is_null(), "{name}: no verdict, but expected {expected}"),
            Some((at, sign)) => {
                assert_eq!(json!(sign.rule), expected["rule"], "{name} after {at} s: {sign:?}");
                assert!(
                    (at - seconds(&expected["at"])).abs() < 0.001,
                    "{name}: after {at} s and not {}",
                    expected["at"]
                );
                assert_eq!(json!(sign.message), expected["message"], "{name}");
            }
        }
    }
}
