//! Times of day by five fields, as in cron: minute, hour, day of the month, month, day of the week. (POSIX, `crontab`; names,
//! steps and Sunday as 7 as in Vixie cron.)

use jiff::civil::{Date, Time};

const MONTHS: [&str; 12] = ["jan", "feb", "mar", "apr", "may", "jun", "jul", "aug", "sep", "oct", "nov", "dec"];
const DAYS: [&str; 7] = ["sun", "mon", "tue", "wed", "thu", "fri", "sat"];

/// A cron expression.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Cron {
    minutes: Set,
    hours: Set,
    days: Set,
    months: Set,
    weekdays: Set,
    /// Whether either day may match: only where neither field is a star.
    either_day: bool,
}

/// Numbers below 64.
type Set = u64;

impl Cron {
    /// Reads five fields.
    ///
    /// # Errors
    /// What is wrong with them.
    pub fn parse(text: &str) -> Result<Self, String> {
        let fields: Vec<&str> = text.split_whitespace().collect();
        let [minutes, hours, days, months, weekdays] = fields.as_slice() else {
            return Err(format!("{text:?} has not five fields: minute hour day month weekday"));
        };
        let mut week = field(weekdays, (0, 7), &DAYS, 0)?;
        if week & (1 << 7) != 0 {
            week |= 1;
        }
        Ok(Self {
            minutes: field(minutes, (0, 59), &[], 0)?,
            hours: field(hours, (0, 23), &[], 0)?,
            days: field(days, (1, 31), &[], 0)?,
            months: field(months, (1, 12), &MONTHS, 1)?,
            weekdays: week,
            either_day: !days.starts_with('*') && !weekdays.starts_with('*'),
        })
    }

    /// The times of a day at which it is due.
    #[must_use]
    pub fn times(&self, date: Date) -> Vec<Time> {
        let has = |set: Set, number: i8| u32::try_from(number).is_ok_and(|number| set & (1 << number) != 0);
        let day = has(self.days, date.day());
        let weekday = has(self.weekdays, date.weekday().to_sunday_zero_offset());
        let is_due = if self.either_day { day || weekday } else { day && weekday };
        if !is_due || !has(self.months, date.month()) {
            return Vec::new();
        }
        let hours = (0..24).filter(|hour| has(self.hours, *hour));
        let times = hours.flat_map(|hour| {
            let minutes = (0..60).filter(|minute| has(self.minutes, *minute));
            minutes.filter_map(move |minute| Time::new(hour, minute, 0, 0).ok())
        });
        times.collect()
    }
}

/// Reads a field: lists of ranges with steps, in numbers or names.
fn field(text: &str, (least, most): (u32, u32), names: &[&str], first: u32) -> Result<Set, String> {
    let wrong = || format!("{text:?} is no field of a cron expression from {least} to {most}");
    let number = |word: &str| -> Result<u32, String> {
        let named = names.iter().position(|name| word.eq_ignore_ascii_case(name));
        let number = match named {
            Some(at) => u32::try_from(at).map_err(|_| wrong())? + first,
            None if !word.is_empty() && word.len() <= 2 => word.parse().map_err(|_| wrong())?,
            None => return Err(wrong()),
        };
        if (least..=most).contains(&number) { Ok(number) } else { Err(wrong()) }
    };
    let mut set = 0;
    for part in text.split(',') {
        let (range, step) = match part.split_once('/') {
            Some((range, step)) => (range, Some(step.parse::<u32>().ok().filter(|step| *step > 0).ok_or_else(wrong)?)),
            None => (part, None),
        };
        let (from, to) = match range.split_once('-') {
            _ if range == "*" => (least, most),
            Some((from, to)) => (number(from)?, number(to)?),
            // `5/15` goes on to the end, as in Vixie cron's successors.
            None if step.is_some() => (number(range)?, most),
            None => (number(range)?, number(range)?),
        };
        if from > to {
            return Err(wrong());
        }
        let step = usize::try_from(step.unwrap_or(1)).map_err(|_| wrong())?;
        (from..=to).step_by(step).for_each(|number| set |= 1 << number);
    }
    Ok(set)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn times(cron: &str, date: &str) -> Vec<String> {
        let times = Cron::parse(cron).unwrap().times(date.parse().unwrap());
        times.iter().map(|time| time.strftime("%H:%M").to_string()).collect()
    }

    #[test]
    fn fields_are_read_as_cron_reads_them() {
        // 2026-11-20 is a Friday.
        assert_eq!(times("0 8 * * 1-5", "2026-11-20"), ["08:00"]);
        assert!(times("0 8 * * 1-5", "2026-11-21").is_empty());
        assert_eq!(times("*/30 8,9 * * *", "2026-11-20"), ["08:00", "08:30", "09:00", "09:30"]);
        assert_eq!(times("50/5 0 * NOV Fri", "2026-11-20"), ["00:50", "00:55"]);
        assert_eq!(times("0 0 * * 7", "2026-11-22"), ["00:00"]);
        assert_eq!(times("0 0 * * sun", "2026-11-22"), ["00:00"]);
        // Two days: either; a star: both.
        assert_eq!(times("0 0 13 * 5", "2026-11-20").len(), 1);
        assert_eq!(times("0 0 20 * 1", "2026-11-20").len(), 1);
        assert!(times("0 0 13 * *", "2026-11-20").is_empty());
    }

    #[test]
    fn what_is_no_cron_is_refused() {
        for wrong in [
            "",
            "* * * *",
            "60 * * * *",
            "* 24 * * *",
            "* * 0 * *",
            "* * * 13 *",
            "* * * * 8",
            "5-1 * * * *",
            "*/0 * * * *",
            "a * * * *",
            "1,,2 * * * *",
            "-1 * * * *",
            "* * * * * *",
            "@daily",
            "1-2-3 * * * *",
            "999999999999 * * * *",
        ] {
            assert!(Cron::parse(wrong).is_err(), "{wrong:?}");
        }
    }
}
