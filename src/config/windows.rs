//! The key `windows` of a policy: when upgrades may be made.

use jiff::civil::{DateTime, Time};
use jiff::{SignedDuration, Timestamp};

use crate::checks::window::cron::Cron;
use crate::checks::window::schedule::{DAYS, Freeze, LONGEST, Opening, When, Zone};
use crate::config::reading::{Problem, Table, text};
use crate::manifest::node::Node;

/// What the key says.
pub(super) struct Read {
    pub(super) allow: Option<Vec<Opening>>,
    pub(super) deny: Vec<Opening>,
    pub(super) freezes: Vec<Freeze>,
}

/// Reads it.
pub(super) fn read(node: &Node) -> Result<Read, Problem> {
    let table = Table::of(node, "\"windows\"", &["timeZone", "allow", "deny", "freezeUntil", "freezeReason"])?;
    let zone = zone(&table)?.unwrap_or_default();
    let openings = |key: &str| -> Result<Vec<Opening>, Problem> {
        let nodes = table.list(key, |node| Ok(node.clone()))?;
        nodes.iter().map(|node| opening(node, &zone)).collect()
    };
    if let (Some(reason), None) = (node.get("freezeReason"), node.get("freezeUntil")) {
        return Err(Problem::at(reason, "\"freezeReason\" takes a \"freezeUntil\""));
    }
    let freezes = match node.get("freezeUntil") {
        None => Vec::new(),
        Some(node) => {
            let (until, reason) = (moment(node, &zone)?, table.text("freezeReason")?);
            vec![Freeze { until, zone: zone.clone(), reason }]
        }
    };
    let allow = openings("allow")?;
    Ok(Read { allow: node.get("allow").map(|_| allow), deny: openings("deny")?, freezes })
}

fn zone(table: &Table<'_>) -> Result<Option<Zone>, Problem> {
    let Some(name) = table.text("timeZone")? else { return Ok(None) };
    let unknown = || {
        let node = table.node.get("timeZone").unwrap_or(table.node);
        let problem = Problem::at(node, format!("no time zone is named {name:?}"));
        Problem { hint: Some("zones are named as in Europe/Berlin, America/New_York or UTC".to_owned()), ..problem }
    };
    Zone::named(&name).map(Some).ok_or_else(unknown)
}

fn opening(node: &Node, around: &Zone) -> Result<Opening, Problem> {
    let table = Table::of(node, "a window", &["days", "from", "to", "cron", "for", "timeZone", "reason"])?;
    let zone = zone(&table)?.unwrap_or_else(|| around.clone());
    let reason = table.text("reason")?;
    let wrong = || {
        Problem::at(node, "a window has either \"cron\" and \"for\", or \"from\" and \"to\", with \"days\" or daily")
    };
    let has = |key: &str| node.get(key).is_some();
    let when = match table.text("cron")? {
        Some(written) if has("for") && !has("days") && !has("from") && !has("to") => {
            let cron = Cron::parse(&written).map_err(|what| Problem::at(node, what))?;
            let long = table.span("for")?.unwrap_or_default();
            if long.is_zero() || long > SignedDuration::from_hours(LONGEST) {
                return Err(Problem::at(node, "\"for\" is longer than nothing, and no longer than 31 days"));
            }
            When::Cron(cron, long, written)
        }
        None if has("from") && has("to") && !has("for") => {
            let (from, to) = (time(node, "from")?, time(node, "to")?);
            if from == Time::MAX {
                return Err(Problem::at(node, "no window begins at 24:00"));
            }
            When::Weekly(days(&table)?, from, to)
        }
        _ => return Err(wrong()),
    };
    Ok(Opening { when, zone, reason })
}

/// `mon`, `mon-fri`, `sat-mon`; every day where none is named.
fn days(table: &Table<'_>) -> Result<[bool; 7], Problem> {
    if table.node.get("days").is_none() {
        return Ok([true; 7]);
    }
    let mut week = [false; 7];
    let ranges = table.list("days", |node| {
        let named = text(node, "a day")?.to_lowercase();
        let (from, to) = named.split_once('-').unwrap_or((&named, &named));
        let day = |name: &str| DAYS.iter().position(|day| *day == name.trim());
        match day(from).zip(day(to)) {
            Some(range) => Ok(range),
            None => Err(Problem::at(node, format!("{named:?} is no day of the week, as in mon or mon-fri"))),
        }
    })?;
    for (from, to) in ranges {
        // `fri-mon` goes over the end of the week.
        (from..=if to < from { to + 7 } else { to }).for_each(|day| week[day % 7] = true);
    }
    if week.iter().any(|day| *day) { Ok(week) } else { Err(Problem::at(table.node, "a window names no day")) }
}

/// `08:00`; `24:00` is the end of the day.
fn time(node: &Node, key: &str) -> Result<Time, Problem> {
    let node = node.get(key).unwrap_or(node);
    let written = node.as_str().unwrap_or_default();
    let number = |text: &str| text.parse::<i8>().ok().filter(|_| text.len() == 2);
    let time = written.split_once(':').and_then(|(hour, minute)| match (number(hour)?, number(minute)?) {
        (24, 0) => Some(Time::MAX),
        (hour, minute) => Time::new(hour, minute, 0, 0).ok(),
    });
    time.ok_or_else(|| Problem::at(node, format!("{key:?} is no time of the day, as in \"08:00\"")))
}

/// A time with its offset, or one of the zone, or a day of it.
fn moment(node: &Node, zone: &Zone) -> Result<Timestamp, Problem> {
    let wrong =
        || Problem::at(node, "\"freezeUntil\" is no time, as in \"2027-01-04 08:00\" or \"2027-01-04T08:00:00Z\"");
    let written = node.as_str().ok_or_else(wrong)?;
    if let Ok(time) = written.parse::<Timestamp>() {
        return Ok(time);
    }
    let local: DateTime = written.parse().map_err(|_| wrong())?;
    local.to_zoned(zone.rules.clone()).map(|zoned| zoned.timestamp()).map_err(|_| wrong())
}
