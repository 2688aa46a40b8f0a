//! A canary for a reader: the plan of its steps, what happens, how far it is, and how it ended.

mod plan;
mod status;

pub use plan::PlanView;
pub use status::StatusView;

use crate::report::style::{Painter, Role};
use crate::upgrade::canary::event::{CanaryEvent, Outcome};
use crate::upgrade::canary::kept::{Halt, Kept};

/// Lines for a log about something that happened. What is told elsewhere is none.
#[must_use]
pub fn told(event: &CanaryEvent<'_>, release: &str, painter: Painter) -> Vec<String> {
    let line = |role: Role, mark: &str, text: &str| {
        let mut line = String::new();
        painter.paint(&mut line, role, mark);
        line.push(' ');
        painter.paint(&mut line, Role::Plain, text);
        line
    };
    match event {
        CanaryEvent::CanaryStepBegun { number, steps, title } => {
            vec![String::new(), line(Role::Heading, "▸", &format!("step {number} of {steps} of {release}: {title}"))]
        }
        CanaryEvent::CanaryScaled { workload, replicas } => {
            let pods = if *replicas == 1 { "1 pod".to_owned() } else { format!("{replicas} pods") };
            vec![line(Role::Plain, "·", &format!("{workload} of {release} is set to {pods}"))]
        }
        CanaryEvent::CanaryStepEnded { number, report } if is_good(report.ending) => {
            vec![line(Role::Added, "✓", &format!("step {number} has passed"))]
        }
        _ => Vec::new(),
    }
}

fn is_good(ending: crate::upgrade::next::Ending) -> bool {
    use crate::upgrade::next::Ending;
    matches!(ending, Ending::Passed | Ending::Upgraded)
}

/// The last lines: how it ended, or why it does not go on and what to do then.
#[must_use]
pub fn concluded(kept: &Kept, outcome: Outcome, notes: &[String], painter: Painter) -> Vec<String> {
    let (role, mark) = match outcome {
        Outcome::Proven => (Role::Added, "✓"),
        Outcome::Paused => (Role::Heading, "‖"),
        Outcome::Aborted | Outcome::RolledBack | Outcome::Unclear | Outcome::Overtaken | Outcome::Interrupted => {
            (Role::Warning, "!")
        }
        Outcome::Refused | Outcome::NotRolledBack => (Role::Error, "✗"),
    };
    let mut first = String::new();
    painter.paint(&mut first, role, mark);
    first.push(' ');
    painter.paint(&mut first, Role::Heading, &sentence(kept, outcome));
    let plain = |text: &str| {
        let mut line = String::new();
        painter.paint(&mut line, Role::Plain, text);
        line
    };
    let mut lines = vec![String::new(), first];
    lines.extend(notes.iter().map(|note| plain(&format!("  {note}"))));
    if matches!(outcome, Outcome::Paused | Outcome::Unclear | Outcome::Refused) && kept.passed + kept.done.len() > 0 {
        lines.push(plain("  next:"));
        lines.push(plain(&format!("    {}", command(kept, "promote"))));
        lines.push(plain(&format!("    {}", command(kept, "abort"))));
    }
    if outcome == Outcome::NotRolledBack {
        lines.push(plain("  next:"));
        lines.push(plain(&format!("    {}", command(kept, "abort"))));
    }
    lines
}

/// A command to copy.
fn command(kept: &Kept, word: &str) -> String {
    format!("helm safe-upgrade canary {word} {} -n {}", kept.release, kept.namespace)
}

fn sentence(kept: &Kept, outcome: Outcome) -> String {
    let (release, passed, steps) = (&kept.release, kept.passed, kept.steps.len());
    let revision = kept.done.last().and_then(|done| done.revision).unwrap_or_default();
    let failed = kept.done.iter().filter(|done| !done.passed).map(|done| done.step + 1).next_back();
    let step = failed.map_or_else(|| "a step".to_owned(), |number| format!("step {number} of {steps}"));
    let why = |halted: Option<&Halt>| halted.map(|halt| format!(": {}", halt.reason)).unwrap_or_default();
    match outcome {
        Outcome::Proven => format!("{release}: all {steps} steps have passed; revision {revision} is proven"),
        Outcome::Paused => {
            format!("the canary of {release} waits after {passed} of {steps} steps{}", why(kept.halted.as_ref()))
        }
        Outcome::Unclear => {
            format!(
                "the canary of {release} waits: whether {step} is good could not be told{}",
                why(kept.halted.as_ref())
            )
        }
        Outcome::Refused => format!("the canary of {release} stays after {passed} of {steps} steps"),
        Outcome::RolledBack => format!("{step} failed; {release} is back, as revision {} has it", kept.base),
        Outcome::NotRolledBack => format!("{step} failed, and {release} is NOT back at revision {}", kept.base),
        Outcome::Interrupted => format!("{step} was interrupted; {release} is back, as revision {} has it", kept.base),
        Outcome::Aborted => format!("the canary of {release} is over: it is back, as revision {} has it", kept.base),
        Outcome::Overtaken => {
            format!("{release} was changed by somebody else, and is left to them; the canary is over")
        }
    }
}
