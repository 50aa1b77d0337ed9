//! Test vectors that lie beside the repository.

use std::fs;
use std::path::PathBuf;

use serde_json::Value;

/// Reads `../shared/<path>`, seen from the root of the repository, as JSON.
///
/// Where the file is absent this prints a line that says so and gives `None`; a test then has nothing to do.
///
/// # Panics
/// If the file is there and is not JSON.
pub fn shared(path: &str) -> Option<Value> {
    // As cargo tells it at run time: clones that share a target directory share this crate too, whichever built it.
    let here = std::env::var_os("CARGO_MANIFEST_DIR")
        .map_or_else(|| PathBuf::from(env!("CARGO_MANIFEST_DIR")), PathBuf::from);
    let found = here
        .ancestors()
        .find_map(|folder| fs::read_to_string(folder.join("shared").join(path)).ok());
    let Some(text) = found else {
        println!("skipped: ../shared/{path} is not here");
        return None;
    };
    Some(serde_json::from_str(&text).unwrap_or_else(|error| panic!("../shared/{path}: {error}")))
}

/// Makes bytes of hexadecimal digits; spaces and line ends between them do not count.
///
/// ```
/// assert_eq!(dunlin_testkit::hex("c1 09 64"), [0xc1, 0x09, 0x64]);
/// ```
///
/// # Panics
/// If the text is anything else.
pub fn hex(text: &str) -> Vec<u8> {
    let digits: Vec<u8> = text
        .chars()
        .filter(|character| !character.is_ascii_whitespace())
        .map(|digit| match digit.to_digit(16).map(u8::try_from) {
            Some(Ok(digit)) => digit,
            _ => panic!("{digit:?} is not a hexadecimal digit"),
        })
        .collect();
    assert!(
        digits.len().is_multiple_of(2),
        "half a byte at the end of {text:?}"
    );
    digits
        .chunks(2)
        .map(|pair| pair[0] << 4 | pair[1])
        .collect()
}
