//! Which hooks run, in which order, and what becomes of their objects.

use super::super::{Check, Finding, Severity, Snapshot};
use super::{DEFAULT_POLICY, Hook, hooks, running_at};
use crate::manifest::hook;

const NAME: &str = "hooks";

pub(crate) const CHECK: Check =
    Check::new(NAME, "the hooks that run, their order and deletion policies; the tests that exist", run)
        .worst(Severity::Info);

fn run(snapshot: &Snapshot<'_>) -> Vec<Finding> {
    // What would run is told even where the user wants none to.
    let points = hook::points_of_upgrade(snapshot.is_first, false);
    let new = &snapshot.objects.new;
    let told = |event: Option<&&'static str>| -> Vec<String> {
        event.map(|event| lines(event, &running_at(new, event))).unwrap_or_default()
    };
    let run = |event: Option<&&'static str>| event.map_or(0, |event| running_at(new, event).len());
    let (first, last) = (told(points.first()), told(points.get(1)));
    let (before, after) = (run(points.first()), run(points.get(1)));
    let tests: Vec<String> = hooks(new).filter(Hook::is_test).map(|hook| format!("test: {}", hook.object.id)).collect();
    let count = before + after;
    if count == 0 {
        let message = match tests.len() {
            0 => "no hook runs".to_owned(),
            _ => format!("no hook runs; {} for helm test", counted(tests.len(), "test")),
        };
        return vec![Finding::new(NAME, Severity::Pass, message).seen_by(tests)];
    }
    let message = match (snapshot.no_hooks, before, after) {
        (true, ..) => {
            format!("--no-hooks: {} of the chart {}", counted(count, "hook"), verb(count, "does", "do") + " not run")
        }
        (_, some, 0) => format!("{} {} before the upgrade", counted(some, "hook"), verb(some, "runs", "run")),
        (_, 0, some) => format!("{} {} after the upgrade", counted(some, "hook"), verb(some, "runs", "run")),
        (_, first, last) => {
            format!("{} before the upgrade and {last} after it", counted(first, "hook") + &verb(first, " runs", " run"))
        }
    };
    vec![Finding::new(NAME, Severity::Info, message).seen_by([first, last, tests].concat())]
}

/// A line for those that follow each other and are treated alike: charts bring a hook's account, roles and bindings as hooks too.
fn lines(event: &str, hooks: &[Hook<'_>]) -> Vec<String> {
    let alike = hooks.chunk_by(|one, next| how(one) == how(next));
    alike
        .map(|hooks| {
            let names: Vec<String> = hooks.iter().map(|hook| hook.object.id.to_string()).collect();
            format!("{event}: {}, {}", names.join(", "), how(&hooks[0]))
        })
        .collect()
}

fn how(hook: &Hook<'_>) -> String {
    let policy = match hook.policies.as_slice() {
        [] => format!("{DEFAULT_POLICY} (Helm's default)"),
        policies => policies.join(", "),
    };
    format!("weight {}, delete policy {policy}", hook.weight)
}

fn counted(count: usize, what: &str) -> String {
    if count == 1 { format!("1 {what}") } else { format!("{count} {what}s") }
}

fn verb(count: usize, one: &str, several: &str) -> String {
    if count == 1 { one.to_owned() } else { several.to_owned() }
}
