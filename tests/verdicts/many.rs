//! A release of ten thousand pods.

use std::time::{Duration, Instant};

use helm_safe_upgrade::upgrade::judge::Verdict;

use crate::scene::{Scene, pod, running, waiting_after};

fn scene_of(pods: usize) -> Scene {
    let mut scene = Scene::upgraded();
    for number in 0..pods {
        let status = if number % 2 == 0 { running(true) } else { waiting_after(3, "CrashLoopBackOff", "") };
        scene.set(pod(&format!("web-2-{number:05}"), "ReplicaSet", "web-2", status));
    }
    scene
}

fn time_of(scene: &mut Scene) -> Duration {
    let timed = |scene: &mut Scene| {
        let start = Instant::now();
        scene.holds_at(0.0);
        start.elapsed()
    };
    (0..5).map(|_| timed(scene)).min().unwrap()
}

#[test]
fn ten_times_the_pods_take_no_more_than_ten_times_as_long() {
    let (mut few, mut many) = (scene_of(1000), scene_of(10_000));
    assert_eq!(many.at(0.0).signs.len(), 5000);
    let (small, large) = (time_of(&mut few), time_of(&mut many));
    // Were it quadratic, it would be a hundred times; the rest is for a busy machine.
    assert!(large < small * 40 + Duration::from_millis(20), "{small:?} {large:?}");
    let Verdict::Failed(signs) = many.at(10.0).verdict else { panic!("it has failed") };
    assert_eq!(signs.len(), 5000);
}
