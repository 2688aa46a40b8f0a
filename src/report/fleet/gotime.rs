//! Times as `helm list` writes them: as Go does, in the offset that the record says.
//!
//! Source: `Time.UnmarshalJSON` and `Time.String` of Go's package `time`.

use jiff::Timestamp;
use jiff::tz::TimeZone;

/// `2026-11-21 13:00:00.5 +0000 UTC` of `2026-11-21T13:00:00.500Z`; `-` of no time. An offset that is the local one has its
/// local abbreviation.
pub(super) fn helms(time: &str, local: &TimeZone) -> String {
    let Ok(instant) = time.parse::<Timestamp>() else { return "-".to_owned() };
    let Some((date, rest)) = time.split_once(['T', 't']) else { return "-".to_owned() };
    if date == "0001-01-01" {
        return "-".to_owned();
    }
    let zone_at = rest.find(['Z', 'z', '+', '-']).unwrap_or(rest.len());
    let (clock, zone) = rest.split_at(zone_at);
    let clock = match clock.split_once('.') {
        Some((clock, fraction)) => format!("{clock}.{}", fraction.trim_end_matches('0')),
        None => clock.to_owned(),
    };
    let clock = clock.trim_end_matches('.');
    let zone = if zone.eq_ignore_ascii_case("z") { "+0000 UTC".to_owned() } else { named(instant, zone, local) };
    format!("{date} {clock} {zone}")
}

fn named(instant: Timestamp, zone: &str, local: &TimeZone) -> String {
    let digits: String = zone.chars().filter(|c| *c != ':').collect();
    let here = local.to_offset_info(instant);
    let seconds = |text: &str| {
        let (hours, minutes) = (text.get(1..3)?.parse::<i32>().ok()?, text.get(3..5)?.parse::<i32>().ok()?);
        let sign = if text.starts_with('-') { -1 } else { 1 };
        Some(sign * (hours * 3600 + minutes * 60))
    };
    let name = match seconds(&digits) {
        Some(offset) if offset == here.offset().seconds() => here.abbreviation().to_owned(),
        _ => digits.clone(),
    };
    format!("{digits} {name}")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn times_are_written_as_go_does() {
        let berlin = TimeZone::get("Europe/Berlin").unwrap();
        let rows = [
            ("2026-11-21T13:00:00Z", "2026-11-21 13:00:00 +0000 UTC"),
            ("2026-11-21T13:00:00.120500Z", "2026-11-21 13:00:00.1205 +0000 UTC"),
            ("2026-11-21T13:00:00.000Z", "2026-11-21 13:00:00 +0000 UTC"),
            ("2026-11-21T13:00:00.5+01:00", "2026-11-21 13:00:00.5 +0100 CET"),
            ("2026-07-21T13:00:00+01:00", "2026-07-21 13:00:00 +0100 +0100"),
            ("2026-07-21T13:00:00-05:30", "2026-07-21 13:00:00 -0530 -0530"),
            ("0001-01-01T00:00:00Z", "-"),
            ("", "-"),
            ("soon", "-"),
        ];
        rows.iter().for_each(|(time, expected)| assert_eq!(helms(time, &berlin), *expected, "{time}"));
        assert_eq!(helms("2026-11-21T13:00:00+00:00", &TimeZone::UTC), "2026-11-21 13:00:00 +0000 UTC");
    }
}
