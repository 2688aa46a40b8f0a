//! A blue-green roll-out for a reader: what it would do, its steps as they happen, how it ended, and how two releases stand.

mod status;

use jiff::Timestamp;

pub use status::{Stand, StatusView};

use crate::report::releases::{Sheet, moment};
use crate::report::rollout::table::span;
use crate::report::style::{Painter, Role};
use crate::upgrade::blue_green::event::{BlueGreenEvent, Planned};
use crate::upgrade::blue_green::kept::Kept;
use crate::upgrade::blue_green::next::Phase;
use crate::upgrade::blue_green::{Outcome, Pause, Retire, Roles};

/// What would be done: which release is live, and a line for each step.
#[must_use]
pub fn plan(plan: &Planned, painter: Painter) -> String {
    let mut sheet = Sheet::new(painter);
    let Roles { live, idle } = &plan.roles;
    sheet.put(Role::Heading, &format!("blue-green of {live} and {idle}"));
    sheet.line(Role::Plain, &format!(" in namespace {}", plan.namespace));
    let width = live.chars().count().max(idle.chars().count());
    let row = |sheet: &mut Sheet, role: Role, word: &str, name: &str, rest: &str| {
        sheet.put(Role::Plain, &format!("  {word:<5} "));
        sheet.put(role, &format!("{name:<width$}"));
        sheet.line(Role::Plain, &format!("  {rest}"));
    };
    let revision = plan.live_revision;
    let live_is = format!("{}, revision {revision}; {} leads to it: {}", plan.live_chart, plan.switch, plan.before);
    row(&mut sheet, Role::Added, "live", live, &live_is);
    let was = plan.idle_chart.as_deref().map_or("not installed".to_owned(), |chart| format!("{chart} now"));
    row(&mut sheet, Role::Changed, "next", idle, &format!("{}; {was}", plan.chart));
    sheet.line(Role::Plain, "");
    let steps = steps(plan);
    for (number, step) in (1..).zip(&steps) {
        sheet.put(Role::Heading, &format!("  {number}  "));
        sheet.line(Role::Plain, step);
    }
    if plan.goes_on {
        sheet.line(Role::Warning, "  it was begun before, and goes on where it was");
    }
    sheet.text
}

fn steps(plan: &Planned) -> Vec<String> {
    let Roles { live, idle } = &plan.roles;
    let does = if plan.idle_chart.is_some() { "upgrade" } else { "install" };
    let tested = if plan.tests.is_empty() { "ready".to_owned() } else { plan.tests.join(", ") };
    let after = if plan.soak.is_empty() { "ready".to_owned() } else { plan.soak.join(", ") };
    let switch = format!("switch {}: {} becomes {}", plan.switch, plan.before, plan.after);
    let mut steps = vec![
        format!("{does} {idle}, under guard: {tested}. Where it fails, {live} was not touched"),
        match plan.pause {
            None => switch,
            Some(Pause::Pause) => format!("{switch}, once somebody promotes it"),
            Some(Pause::Confirm) => format!("{switch}, once somebody confirms it"),
        },
        format!("watch {idle} with the traffic: {after}. Where it fails, the traffic goes back to {live}"),
    ];
    let when = match plan.retire_after {
        0 => "at once".to_owned(),
        seconds => format!("{} later", length(seconds as f64)),
    };
    steps.push(match plan.retire {
        Retire::Keep => format!("keep {live} as it is (--retire says otherwise)"),
        Retire::Scale => format!("scale {live} to zero, {when}"),
        Retire::Uninstall => format!("uninstall {live}, {when}"),
    });
    steps
}

/// A length of time that was given: `30s`, `10m`.
#[must_use]
pub fn length(seconds: f64) -> String {
    if seconds < 60.0 && seconds.fract() == 0.0 { format!("{seconds}s") } else { span(seconds) }
}

/// What is said of a roll-out that goes on after the switch.
#[must_use]
pub fn goes_on(kept: &Kept) -> String {
    let Kept { chart, roles, switch, .. } = kept;
    let how = match (kept.phase, kept.switched) {
        (Phase::GoingBack, _) => format!("{switch} is to be led back to {}", roles.live),
        (_, Some(time)) => format!("{switch} was switched at {}", moment(time)),
        (_, None) => format!("{switch} was being switched"),
    };
    format!("the roll-out of {chart} to {} goes on: {how}", roles.idle)
}

/// What there is to say of an event.
#[must_use]
pub fn told(event: &BlueGreenEvent<'_>, painter: Painter) -> Option<String> {
    let line = |role: Role, mark: &str, text: &str| {
        let mut line = String::new();
        painter.paint(&mut line, role, mark);
        line.push(' ');
        let of_text = if role == Role::Heading { Role::Heading } else { Role::Plain };
        painter.paint(&mut line, of_text, text);
        line
    };
    match event {
        BlueGreenEvent::BlueGreenPlanned { .. } | BlueGreenEvent::BlueGreenDone { .. } => None,
        BlueGreenEvent::BlueGreenStep { text, .. } => Some(line(Role::Heading, "▸", text)),
        BlueGreenEvent::BlueGreenStepEnded { good: true, text, .. } => Some(line(Role::Added, "✓", text)),
        BlueGreenEvent::BlueGreenStepEnded { text, .. } => Some(line(Role::Error, "✗", text)),
        BlueGreenEvent::BlueGreenPaused { release, .. } => {
            Some(line(Role::Plain, "·", &format!("{release} waits to be promoted; the traffic is where it was")))
        }
        BlueGreenEvent::BlueGreenWaiting { release, until } => {
            Some(line(Role::Plain, "·", &format!("{release} is retired at {}", moment(*until))))
        }
    }
}

/// How it ended.
#[must_use]
pub fn done(kept: &Kept, namespace: &str, painter: Painter) -> String {
    let mut sheet = Sheet::new(painter);
    let outcome = kept.outcome.unwrap_or(Outcome::Unproven);
    let (role, mark) = match outcome {
        Outcome::Switched | Outcome::Unchanged | Outcome::Paused => (Role::Added, "✓"),
        Outcome::NotSwitchedBack | Outcome::Failed => (Role::Error, "✗"),
        _ => (Role::Warning, "!"),
    };
    sheet.line(Role::Plain, "");
    sheet.put(role, mark);
    sheet.line(Role::Heading, &format!(" {}", summary(kept, outcome)));
    if let Some(reason) = &kept.reason {
        sheet.line(Role::Plain, &format!("  {reason}"));
    }
    let next = next(kept, outcome, namespace);
    if !next.is_empty() {
        sheet.line(Role::Plain, "  Next:");
        next.iter().for_each(|next| sheet.line(Role::Plain, &format!("    {next}")));
    }
    sheet.text
}

fn summary(kept: &Kept, outcome: Outcome) -> String {
    let Roles { live, idle } = &kept.roles;
    let revision = kept.revision.map(|revision| format!(", revision {revision}")).unwrap_or_default();
    match outcome {
        Outcome::Unchanged => format!("nothing to do: {live} is live, and is what was asked for ({})", kept.chart),
        Outcome::Switched => {
            let before = match (&kept.reason, kept.retire) {
                (Some(_), _) | (_, Retire::Keep) => format!("{live} is kept"),
                (_, Retire::Scale) => format!("{live} is scaled to zero"),
                (_, Retire::Uninstall) => format!("{live} is uninstalled"),
            };
            format!("{idle} has the traffic and is proven ({}{revision}); {before}", kept.chart)
        }
        Outcome::Failed => format!("{idle} failed before the switch; {live} has the traffic and was not touched"),
        Outcome::Paused => {
            let chart = &kept.chart;
            format!("{idle} is tested and ready ({chart}{revision}), and waits to be promoted; {live} has the traffic")
        }
        Outcome::Aborted => format!("the roll-out to {idle} is given up; {live} has the traffic"),
        Outcome::Interrupted => format!("stopped before the switch; {live} has the traffic and was not touched"),
        Outcome::SwitchedBack => format!("{idle} failed with the traffic, which is back at {live}"),
        Outcome::NotSwitchedBack => format!("{idle} failed with the traffic, which was NOT seen to be back at {live}"),
        Outcome::Unproven if kept.phase == Phase::Proven => {
            format!("{idle} has the traffic, and no pod that is ready; {live} is kept")
        }
        Outcome::Unproven => format!("{idle} has the traffic, and is not proven; {live} is kept"),
        Outcome::Waiting => format!("{idle} has the traffic and is proven; {live} is not retired yet"),
        Outcome::Overtaken => format!("somebody else is at work; the traffic, {live} and {idle} are left as they are"),
    }
}

fn next(kept: &Kept, outcome: Outcome, namespace: &str) -> Vec<String> {
    let Roles { live, idle } = &kept.roles;
    let command =
        |word: &str| format!("helm safe-upgrade blue-green {word} --blue {live} --green {idle} -n {namespace}");
    match outcome {
        Outcome::Failed | Outcome::SwitchedBack => vec![format!("helm safe-upgrade diagnose {idle} -n {namespace}")],
        Outcome::NotSwitchedBack => {
            vec![format!("helm safe-upgrade status {live} -n {namespace}"), format!("look at {}", kept.switch)]
        }
        Outcome::Paused => ["promote", "abort"].map(command).to_vec(),
        Outcome::Unproven | Outcome::Waiting | Outcome::Overtaken => vec![command("status")],
        Outcome::Switched if kept.retire == Retire::Keep => {
            vec![format!("helm uninstall {live} -n {namespace}, or roll out to it next time")]
        }
        _ => Vec::new(),
    }
}

/// The same as a moment for a reader, where there is one.
fn at(time: Option<Timestamp>) -> Option<String> {
    time.map(moment)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::upgrade::blue_green::Switch;
    use crate::upgrade::blue_green::traffic::Route;

    fn planned(idle_chart: Option<&str>, retire: Retire, retire_after: u64) -> Planned {
        let route = |value: &str| Route::Service { selector: [("of".to_owned(), value.to_owned())].into() };
        Planned {
            namespace: "shop".to_owned(),
            roles: Roles { live: "web-blue".to_owned(), idle: "web-green".to_owned() },
            live_chart: "web-1.0.0".to_owned(),
            live_revision: 3,
            idle_chart: idle_chart.map(str::to_owned),
            chart: "web-1.1.0".to_owned(),
            switch: Switch::Service { name: "web".to_owned() },
            before: route("blue"),
            after: route("green"),
            tests: vec!["helm test".to_owned(), "soak 2m".to_owned()],
            pause: None,
            soak: Vec::new(),
            retire,
            retire_after,
            goes_on: false,
        }
    }

    #[test]
    fn a_plan_says_which_is_live_and_what_comes() {
        let text = plan(&planned(None, Retire::Uninstall, 600), Painter::new(false));
        assert_eq!(
            text,
            "blue-green of web-blue and web-green in namespace shop\n\
             \x20 live  web-blue   web-1.0.0, revision 3; service/web leads to it: of=blue\n\
             \x20 next  web-green  web-1.1.0; not installed\n\
             \n\
             \x20 1  install web-green, under guard: helm test, soak 2m. Where it fails, web-blue was not touched\n\
             \x20 2  switch service/web: of=blue becomes of=green\n\
             \x20 3  watch web-green with the traffic: ready. Where it fails, the traffic goes back to web-blue\n\
             \x20 4  uninstall web-blue, 10m later\n"
        );
        let text = plan(&planned(Some("web-0.9.0"), Retire::Keep, 0), Painter::new(false));
        assert!(text.contains("web-1.1.0; web-0.9.0 now\n") && text.contains("1  upgrade web-green"), "{text}");
        assert!(text.contains("4  keep web-blue as it is"), "{text}");
    }

    #[test]
    fn a_plan_says_where_somebody_has_to_promote_it() {
        for (pause, says) in [(Pause::Pause, "promotes"), (Pause::Confirm, "confirms")] {
            let plan = plan(&Planned { pause: Some(pause), ..planned(None, Retire::Keep, 0) }, Painter::new(false));
            let line = format!("2  switch service/web: of=blue becomes of=green, once somebody {says} it");
            assert!(plan.contains(&line), "{plan}");
        }
    }

    #[test]
    fn a_name_can_not_steer_the_terminal() {
        let mut planned = planned(None, Retire::Keep, 0);
        planned.chart = "web\u{1b}[2J".to_owned();
        assert!(!plan(&planned, Painter::new(false)).contains('\u{1b}'));
    }
}
