//! Jobs with a time to live: they are gone soon after their end, and that is as it should be.

use helm_safe_upgrade::upgrade::gates::vigil::Vigil;
use helm_safe_upgrade::upgrade::judge::{State, Verdict};
use helm_safe_upgrade::upgrade::world::{Wanted, World};
use jiff::SignedDuration;
use serde_json::{Value, json};

use crate::scene::{Scene, key};

fn job(lives: Option<i64>, condition: Option<&str>) -> Value {
    let mut job = json!({"apiVersion": "batch/v1", "kind": "Job", "metadata": {"name": "migrate", "generation": 1},
        "spec": {"backoffLimit": 0}, "status": {"startTime": "2026-03-01T12:00:00Z"}});
    if let Some(seconds) = lives {
        job["spec"]["ttlSecondsAfterFinished"] = json!(seconds);
    }
    if let Some(condition) = condition {
        job["status"]["conditions"] = json!([{"type": condition, "status": "True", "message": "as it says"}]);
    }
    job
}

fn scene() -> Scene {
    Scene::of(&[key("batch", "Job", "migrate")])
}

#[test]
fn a_job_that_was_complete_may_go() {
    let mut scene = scene();
    scene.set(job(Some(30), None));
    scene.set(job(Some(30), Some("Complete")));
    scene.gone(job(Some(30), Some("Complete")));
    assert_eq!(scene.state(), State::Ready);
    assert_eq!(scene.at(1.0).verdict, Verdict::Ready);
}

/// Its last change and its end are told in one, or the watch was away meanwhile.
#[test]
fn a_job_whose_end_was_not_seen_is_not_waited_for() {
    let told = State::Unverified("is removed when it has finished".to_owned());
    let mut scene = scene();
    scene.set(job(Some(0), None));
    scene.world.replace("batch", "Job", Some("shop"), Vec::new());
    assert_eq!((scene.state(), scene.at(1.0).verdict), (told.clone(), Verdict::Ready));
    // It is not known of one that the manifest declares, and that is gone before it is looked at.
    let wanted = Wanted { key: key("batch", "Job", "migrate"), hook: false, replicas: None, expires: true };
    scene.world = World::new(vec![wanted]);
    assert_eq!(scene.state(), told);
}

#[test]
fn a_job_that_is_made_anew_is_waited_for_again() {
    let mut scene = scene();
    scene.gone(job(Some(30), Some("Complete")));
    let mut anew = job(Some(30), None);
    anew["status"] = json!({});
    scene.set(anew);
    assert_eq!(scene.state(), State::Waiting("has not started yet".to_owned()));
}

#[test]
fn a_job_that_failed_stays_failed_when_it_is_removed() {
    // Its manifest lets it be removed.
    let wanted = Wanted { key: key("batch", "Job", "migrate"), hook: false, replicas: None, expires: true };
    for seconds in [0, 30] {
        let mut scene = scene();
        scene.world = World::new(vec![wanted.clone()]);
        scene.set(job(Some(seconds), Some("Failed")));
        scene.gone(job(Some(seconds), Some("Failed")));
        assert_eq!(scene.state(), State::Failed("has failed, and was removed".to_owned()));
        assert_ne!(scene.at(1.0).verdict, Verdict::Ready);
    }
}

#[test]
fn a_job_that_had_failed_before_and_is_removed_says_nothing_of_the_upgrade() {
    let mut scene = scene();
    scene.set(job(Some(30), Some("Failed")));
    scene.world.mark_before();
    let before = scene.at(0.0).verdict;
    scene.gone(job(Some(30), Some("Failed")));
    assert_eq!(scene.state(), State::Unverified("is removed when it has finished".to_owned()));
    assert_eq!((before, scene.at(1.0).verdict), (Verdict::Ready, Verdict::Ready));
}

#[test]
fn a_job_that_is_deleted_before_its_end_is_missing() {
    let mut scene = scene();
    scene.set(job(None, None));
    scene.gone(job(None, None));
    assert_eq!(scene.state(), State::Waiting("is not there yet".to_owned()));
}

#[test]
fn a_job_that_is_collected_while_it_soaks_is_well() {
    let mut scene = scene();
    scene.world.mark_before();
    scene.set(job(Some(300), Some("Complete")));
    let judgement = scene.at(0.0);
    let mut vigil = Vigil::begin(&scene.world, &judgement, SignedDuration::from_secs(60));
    scene.gone(job(Some(300), Some("Complete")));
    for at in [300.0, 360.0, 600.0] {
        let judgement = scene.at(at);
        let now = scene.start + SignedDuration::from_secs_f64(at);
        assert_eq!(vigil.troubles(&scene.world, &judgement, now), Vec::<String>::new());
        assert_eq!(judgement.verdict, Verdict::Ready);
    }
}
