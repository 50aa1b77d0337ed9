//! The dates of certificates (RFC 5280 §4.1.2.5).

use crate::der::{NotDer, Reader, Tag};

/// Seconds since the beginning of 1970 in UTC, leap seconds not counted, as POSIX counts; negative before.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
#[cfg_attr(feature = "defmt", derive(defmt::Format))]
pub struct UnixTime(pub i64);

const UTC_TIME: Tag = Tag(0x17);
const GENERALIZED_TIME: Tag = Tag(0x18);

/// The next element, which must be a time in one of the forms of RFC 5280 §4.1.2.5: to the second, in UTC.
pub(super) fn time(reader: &mut Reader<'_>) -> Result<UnixTime, NotDer> {
    let element = reader.element()?;
    let (year, rest) = match element.tag {
        UTC_TIME => {
            let (&digits, rest) = element.content.split_first_chunk().ok_or(NotDer)?;
            let year = two_digits(digits)?;
            // RFC 5280 §4.1.2.5.1: 50 to 99 are of the 20th century.
            let century: u16 = if year < 50 { 2000 } else { 1900 };
            (century.saturating_add(year), rest)
        }
        GENERALIZED_TIME => {
            let (&[a, b, c, d], rest) = element.content.split_first_chunk().ok_or(NotDer)?;
            let century = two_digits([a, b])?.saturating_mul(100);
            (century.saturating_add(two_digits([c, d])?), rest)
        }
        _ => return Err(NotDer),
    };
    let &[m1, m2, d1, d2, h1, h2, n1, n2, s1, s2, b'Z'] = rest else {
        return Err(NotDer);
    };
    let month = two_digits([m1, m2])?;
    let day = two_digits([d1, d2])?;
    let hour = two_digits([h1, h2])?;
    let minute = two_digits([n1, n2])?;
    let second = two_digits([s1, s2])?;
    if hour > 23 || minute > 59 || second > 59 {
        return Err(NotDer);
    }
    let seconds = [(24, hour), (60, minute), (60, second)]
        .into_iter()
        .fold(days(year, month, day)?, |time, (factor, value)| {
            time.saturating_mul(factor).saturating_add(i64::from(value))
        });
    Ok(UnixTime(seconds))
}

fn two_digits(digits: [u8; 2]) -> Result<u16, NotDer> {
    let [Some(tens), Some(ones)] = digits.map(|digit| char::from(digit).to_digit(10)) else {
        return Err(NotDer);
    };
    u16::try_from(tens.saturating_mul(10).saturating_add(ones)).map_err(|_| NotDer)
}

/// Days from the beginning of 1970 to a date of the Gregorian calendar.
fn days(year: u16, month: u16, day: u16) -> Result<i64, NotDer> {
    /// Days of a year that is no leap year, before each month.
    const BEFORE: [u16; 13] = [0, 31, 59, 90, 120, 151, 181, 212, 243, 273, 304, 334, 365];

    let leap = year.is_multiple_of(4) && (!year.is_multiple_of(100) || year.is_multiple_of(400));
    let index = usize::from(month).checked_sub(1).ok_or(NotDer)?;
    let before = *BEFORE.get(index).ok_or(NotDer)?;
    let after = *BEFORE.get(usize::from(month)).ok_or(NotDer)?;
    let longer = u16::from(leap && month == 2);
    let length = after.saturating_sub(before).saturating_add(longer);
    if day == 0 || day > length {
        return Err(NotDer);
    }
    // Whole years before this one, of which the divisible ones had a day more, counted from the year 1.
    let years = i64::from(year).saturating_sub(1);
    let leap_days = years
        .div_euclid(4)
        .saturating_sub(years.div_euclid(100))
        .saturating_add(years.div_euclid(400));
    let this_year = u16::from(leap && month > 2)
        .saturating_add(before)
        .saturating_add(day);
    // 719,163 days lie between the beginning of the year 1 and the second day of 1970.
    Ok(years
        .saturating_mul(365)
        .saturating_add(leap_days)
        .saturating_add(i64::from(this_year))
        .saturating_sub(719_163))
}

#[cfg(test)]
mod tests {
    use std::vec;

    use super::*;

    fn at(tag: u8, text: &str) -> Option<i64> {
        let mut der = vec![tag, u8::try_from(text.len()).unwrap()];
        der.extend_from_slice(text.as_bytes());
        time(&mut Reader::new(&der)).ok().map(|time| time.0)
    }

    // The right sides are those of `date --utc +%s --date …`.
    #[test]
    fn dates_are_what_date_says() {
        for (tag, text, expected) in [
            (0x17, "700101000000Z", 0),
            (0x17, "500101000000Z", -631_152_000),
            (0x17, "491231235959Z", 2_524_607_999),
            (0x17, "000229120000Z", 951_825_600),
            (0x17, "000301000000Z", 951_868_800),
            (0x17, "991231235959Z", 946_684_799),
            (0x18, "20500101000000Z", 2_524_608_000),
            (0x18, "21000301000000Z", 4_107_542_400),
            (0x18, "99991231235959Z", 253_402_300_799),
            (0x18, "00000101000000Z", -62_167_219_200),
        ] {
            assert_eq!(at(tag, text), Some(expected), "{text}");
        }
    }

    #[test]
    fn no_other_date_is_taken() {
        for text in [
            "700100000000Z",
            "700001000000Z",
            "701301000000Z",
            "700132000000Z",
            "010229000000Z",
            "700101240000Z",
            "700101006000Z",
            "700101000060Z",
            "7001010000Z",
            "700101000000",
            "700101000000z",
            "700101000000+0000",
            "70010100000 Z",
            "+0010100000Z",
        ] {
            assert_eq!(at(0x17, text), None, "{text}");
        }
        assert_eq!(at(0x18, "21000229000000Z"), None);
        assert_eq!(at(0x18, "20500101000000.5Z"), None);
        assert_eq!(at(0x16, "700101000000Z"), None);
    }
}
