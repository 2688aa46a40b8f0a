//! What has the traffic is watched, all of it, for it is all new.

use serde_json::{Value, json};

use crate::cluster;
use crate::resumed::starts_until;
use crate::user::User;

stories![what_crashes_with_the_traffic_loses_it];

/// The containers of green crash, and run again.
fn green_crashes(user: &User) {
    let pods = format!("/api/v1/namespaces/{}/pods", user.namespace);
    let list = cluster::at(&pods).unwrap();
    let is_green = |pod: &&Value| pod["metadata"]["labels"]["release"] == "web-green";
    for pod in list["items"].as_array().unwrap().iter().filter(is_green) {
        let path = format!("{pods}/{}/status", pod["metadata"]["name"].as_str().unwrap());
        let container = json!({
            "name": pod["spec"]["containers"][0]["name"],
            "restartCount": 1,
            "lastState": {"terminated": {"exitCode": 1, "reason": "Error"}},
        });
        cluster::writes_as("test", "strategic-merge", &path, &json!({"status": {"containerStatuses": [container]}}));
    }
}

fn what_crashes_with_the_traffic_loses_it(user: &User) {
    user.has_blue();
    // The gate is asked once before the switch, and then while it is watched with the traffic.
    let flags = "--set tag=2 --switch-soak 60s --soak-interval 1s --gate-cmd 'echo x >>asked'";
    let mut helm = starts_until(user, flags, "soaking");
    let asked = || std::fs::read_to_string(user.folder.join("asked")).unwrap_or_default().lines().count();
    user.waits_for(|| asked() >= 3);
    green_crashes(user);
    assert_eq!(helm.wait().unwrap().code(), Some(4), "{:?}", user.kept());
    assert_eq!((user.live(), user.marked("web-green", "bad")), ("web-blue".to_owned(), vec![1]));
    let kept = user.kept().unwrap();
    assert!(kept["reason"].as_str().unwrap().contains("was restarted, exit code 1"), "{kept:#}");
}
