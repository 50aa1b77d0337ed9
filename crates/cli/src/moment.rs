//! Moments as a person reads them.

use jiff::{SignedDuration, Timestamp, tz::TimeZone};

/// How long ago or ahead a moment is, in its largest unit: `3 s ago`, `in 5 min`, `now`.
pub(crate) fn relative(moment: Timestamp, now: Timestamp) -> String {
    let distance = now.duration_since(moment);
    let text = span(distance.abs());
    match text {
        None => "now".to_owned(),
        Some(text) if distance.is_negative() => format!("in {text}"),
        Some(text) => format!("{text} ago"),
    }
}

/// A number of seconds in its largest units that lose nothing: `5 min`, `1 d`, `90 s`.
pub(crate) fn seconds(count: u64) -> String {
    for (unit, length) in [("d", 86_400), ("h", 3600), ("min", 60)] {
        if count >= length && count.is_multiple_of(length) {
            return format!("{} {unit}", count / length);
        }
    }
    format!("{count} s")
}

/// The time of day in the zone of this machine: `18:05:09`.
pub(crate) fn time_of_day(moment: Timestamp) -> String {
    moment
        .to_zoned(TimeZone::system())
        .strftime("%H:%M:%S")
        .to_string()
}

/// Date and time in the zone of this machine: `2026-11-22 18:05:09`.
pub(crate) fn date_and_time(moment: Timestamp) -> String {
    moment
        .to_zoned(TimeZone::system())
        .strftime("%Y-%m-%d %H:%M:%S")
        .to_string()
}

fn span(distance: SignedDuration) -> Option<String> {
    let seconds = distance.as_secs();
    [("d", 86_400), ("h", 3600), ("min", 60), ("s", 1)]
        .into_iter()
        .find(|(_, length)| seconds >= *length)
        .map(|(unit, length)| format!("{} {unit}", seconds / length))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_largest_unit_tells() {
        let now = Timestamp::from_second(1_700_000_000).expect("valid");
        for (before, text) in [
            (0, "now"),
            (1, "1 s ago"),
            (59, "59 s ago"),
            (60, "1 min ago"),
            (3599, "59 min ago"),
            (7200, "2 h ago"),
            (200_000, "2 d ago"),
            (-30, "in 30 s"),
            (-300, "in 5 min"),
        ] {
            let moment = Timestamp::from_second(1_700_000_000 - before).expect("valid");
            assert_eq!(relative(moment, now), text);
        }
    }

    #[test]
    fn spans_lose_nothing() {
        for (count, text) in [
            (0, "0 s"),
            (90, "90 s"),
            (300, "5 min"),
            (86_400, "1 d"),
            (7200, "2 h"),
            (86_401, "86401 s"),
        ] {
            assert_eq!(seconds(count), text);
        }
    }
}
