extern crate std;

use std::format;
use std::string::String;

use proptest::prelude::*;

use super::*;

fn printed(number: f64, style: Style) -> String {
    let mut text = std::vec::Vec::new();
    assert!(print_with(number, Precision::Double, style, &mut |piece| {
        text.extend_from_slice(piece);
        true
    }));
    String::from_utf8(text).unwrap()
}

fn check(number: f64) {
    let plain = printed(number, Style::Plain);
    assert_eq!(plain, format!("{number}"));
    assert_eq!(format!("{}", Decimal(number)), plain);
    assert_eq!(parse_plain(plain.as_bytes()), Some(number));
    // What a device does is the same.
    if let Some(few) = print::few_digits(number.abs()).filter(|_| number != 0.0) {
        let all = print::all_digits(number.abs(), Precision::Double);
        assert_eq!((few.as_slice(), few.point), (all.as_slice(), all.point));
    }
    let short = printed(number, Style::Exponent);
    assert_eq!(
        short.parse::<f64>().unwrap().to_bits(),
        number.to_bits(),
        "{short}"
    );
    for text in [&plain, &short] {
        for short_ways in [false, true] {
            assert_eq!(
                parse::parse_by(text.as_bytes(), short_ways).map(f64::to_bits),
                Some(number.to_bits()),
                "{text}"
            );
        }
    }
    assert!(short.len() <= 25, "{short}");
    // Digit for digit what `core` prints.
    let digits = |text: &str| {
        let mantissa = text.split('e').next().unwrap_or_default();
        let digits: String = mantissa.chars().filter(char::is_ascii_digit).collect();
        String::from(digits.trim_matches('0'))
    };
    assert_eq!(digits(&short), digits(&format!("{number:e}")));
}

#[test]
#[expect(clippy::excessive_precision, reason = "digits that others print")]
fn numbers_that_are_hard() {
    for number in [
        0.0,
        -0.0,
        1.0,
        -1.5,
        0.1,
        0.3,
        22.5,
        100.0,
        1e15,
        1e16,
        1e17,
        1e21,
        1e22,
        1e23,
        123_456_789_012_345_680.0,
        0.000_001,
        1e-7,
        5e-324,
        1.5e-323,
        f64::MIN_POSITIVE,
        f64::MAX,
        f64::MIN,
        f64::EPSILON,
        2.225_073_858_507_201e-308,
        9_007_199_254_740_993.0,
        9_007_199_254_740_992.0,
        0.1 + 0.2,
        1.0 / 3.0,
        22.100_000_381_469_727,
        5.684_341_886_080_801_5e-14,
        4.35,
        8.41e21,
        9.5e-5,
        2e-44,
        1.797_693_134_862_315_7e308,
        12_345.678_9,
        1_700_000_000.123,
        43.610_92,
        9.999_999_999_999_999e22,
        6.631_236_846_766_476e-316,
    ] {
        check(number);
        check(-number);
    }
    for exponent in 0..2046_u64 {
        // Powers of two, whose neighbours are unevenly far away, and what is around them.
        let bits = exponent << 52;
        for bits in [bits, bits + 1, (bits + (1 << 52)) - 1] {
            check(f64::from_bits(bits));
        }
    }
    for exponent in -323..=308 {
        check(format!("1e{exponent}").parse().unwrap());
        check(format!("9.5e{}", exponent - 1).parse().unwrap());
    }
}

#[test]
fn texts_that_are_hard() {
    let long = |digits: usize, text: &str| format!("{}{text}", "1".repeat(digits));
    let halfway = "9007199254740993";
    for text in [
        String::from("0"),
        String::from("-0.0e5"),
        String::from(halfway),
        format!("{halfway}.0"),
        format!("{halfway}.{}1", "0".repeat(900)),
        format!("{halfway}.{}", "0".repeat(900)),
        format!("{halfway}e-900"),
        long(800, ""),
        long(309, "e-300"),
        long(900, "e-1000"),
        long(1200, ".5e-1500"),
        long(20, ".25"),
        format!("0.{}1", "0".repeat(322)),
        format!("0.{}25", "0".repeat(323)),
        format!("0.{}24", "0".repeat(323)),
        format!("0.{}1e700", "0".repeat(700)),
        String::from("18446744073709551615"),
        String::from("18446744073709551616"),
        String::from("1e-400"),
        String::from("2.4703282292062327e-324"),
        String::from("2.4703282292062328e-324"),
        String::from("1.7976931348623158e308"),
        String::from("000000000000000000000000000001.5"),
        String::from("1e0000000000000000000000000001"),
        String::from("0e999999999999"),
        String::from("1e-99999999999"),
        String::from("2.2250738585072011e-308"),
        String::from("2.2250738585072012e-308"),
        String::from("1E+5"),
        String::from("0.1000000000000000055511151231257827021181583404541015625"),
    ] {
        let number: f64 = text.parse().unwrap();
        let expected = number.is_finite().then_some(number.to_bits());
        for short_ways in [false, true] {
            let parsed = parse::parse_by(text.as_bytes(), short_ways);
            assert_eq!(parsed.map(f64::to_bits), expected, "{text}");
        }
    }
    for text in [
        "1e309",
        "1.7976931348623159e308",
        "-1e999",
        "1e99999999999999999999",
    ] {
        assert_eq!(parse(text.as_bytes()), None, "{text}");
    }
    assert_eq!(parse(long(310, "").as_bytes()), None);
    for text in [
        "", "-", ".", "1.", ".1", "+1", "1e", "1e+", "1e-", "e5", "1.e5", "1e5.0", "1 ", "--1",
        "nan", "inf", "0x1",
    ] {
        assert_eq!(parse(text.as_bytes()), None, "{text}");
    }
}

#[test]
fn whole_numbers() {
    for number in [0, 1, 9, 10, 65_535, 65_536, 100_000, i64::MAX, -1, i64::MIN] {
        let text = format!("{number}");
        assert_eq!(integer(text.as_bytes()), Some(number));
        let digits = format!("{}", number.unsigned_abs());
        assert_eq!(
            digits_of(number.unsigned_abs(), &mut [0; 20]),
            digits.as_bytes()
        );
    }
    assert_eq!(integer(b"9223372036854775808"), None);
    assert_eq!(integer(b"-9223372036854775809"), None);
    assert_eq!(natural(b"18446744073709551615"), Some(u64::MAX));
    assert_eq!(natural(b"18446744073709551616"), None);
    for text in [&b""[..], b"-", b"+1", b" 1", b"1.0", b"--1"] {
        assert_eq!(integer(text), None);
    }
}

#[test]
fn what_has_no_digits_or_no_room() {
    for number in [f64::NAN, f64::INFINITY, f64::NEG_INFINITY] {
        assert_eq!(print(number, &mut [0; 400]), None);
        assert_eq!(format!("{}", Decimal(number)), format!("{number}"));
    }
    let mut buffer = [0; 327];
    assert_eq!(print(-5e-324, &mut buffer), Some(327));
    assert_eq!(buffer.as_slice(), format!("{}", -5e-324_f64).as_bytes());
    assert_eq!(print(f64::MIN, &mut buffer), Some(310));
    assert_eq!(print(-f64::MIN_POSITIVE, &mut buffer), Some(327));
    assert_eq!(print(-12.5, &mut [0; 5]), Some(5));
    assert_eq!(print(-12.5, &mut [0; 4]), None);
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 2000, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn every_float_comes_back(bits in any::<u64>()) {
        let number = f64::from_bits(bits);
        prop_assume!(number.is_finite());
        check(number);
    }

    #[test]
    fn every_single_comes_back(bits in any::<u32>()) {
        let number = f32::from_bits(bits);
        prop_assume!(number.is_finite());
        check(number.into());
    }

    #[test]
    fn numbers_of_sensors_come_back(number in any::<i32>(), places in 0..9) {
        check(f64::from(number) / 10_f64.powi(places));
    }

    #[test]
    fn what_a_device_does_is_the_same(number in any::<u64>(), bits in 0..64_u32, exponent in -340..340_i32) {
        let number = number >> bits;
        let [digit, ..] = (number % 10).to_le_bytes();
        prop_assert_eq!(print::in_pieces(number), (number / 10, digit));
        prop_assert_eq!(parse::scaled_at_length(false, number, exponent), scaled(false, number, exponent));
        prop_assert_eq!(parse::scaled_at_length(true, number, exponent % 23), scaled(true, number, exponent % 23));
    }

    #[test]
    fn every_text_is_rounded_as_core_does(text in "-?[0-9]{1,30}(\\.[0-9]{1,30})?(e[-+]?[0-9]{1,3})?") {
        let expected: f64 = text.parse().unwrap();
        let expected = expected.is_finite().then_some(expected.to_bits());
        for short_ways in [false, true] {
            prop_assert_eq!(parse::parse_by(text.as_bytes(), short_ways).map(f64::to_bits), expected, "{}", text);
        }
    }
}

fn check_single(number: f32) {
    let mut text = std::vec::Vec::new();
    assert!(print_with(
        number.into(),
        Precision::Single,
        Style::Plain,
        &mut |piece| {
            text.extend_from_slice(piece);
            true
        }
    ));
    let text = String::from_utf8(text).unwrap();
    assert_eq!(text, format!("{number}"));
    assert_eq!(text.parse::<f32>().map(f32::to_bits), Ok(number.to_bits()));
}

#[test]
fn singles_that_are_hard() {
    let mut puts = 0;
    for number in [f32::NAN, f32::INFINITY, f32::NEG_INFINITY] {
        assert!(!print_with(
            number.into(),
            Precision::Single,
            Style::Plain,
            &mut |_| {
                puts += 1;
                true
            }
        ));
    }
    assert_eq!(puts, 0);
    for number in [
        0.0,
        -0.0,
        0.1,
        0.3,
        16_777_216.0,
        33_554_432.0,
        1e10,
        f32::MAX,
        f32::MIN_POSITIVE,
    ] {
        check_single(number);
        check_single(-number);
        if number < f32::MAX {
            check_single(f32::from_bits(number.to_bits() + 1));
        }
    }
    check_single(f32::from_bits(1));
    // The powers of two, whose smaller neighbour is nearer.
    for exponent in 1..255_u32 {
        check_single(f32::from_bits(exponent << 23));
    }
}

proptest! {
    #[test]
    fn singles_have_the_digits_of_the_language(bits in any::<u32>()) {
        let number = f32::from_bits(bits);
        if number.is_finite() {
            check_single(number);
        }
    }
}
