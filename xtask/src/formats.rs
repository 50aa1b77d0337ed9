//! `cargo xtask size --formats`: what each payload format costs on a Cortex-M3.
//!
//! Each is linked alone into an image of `examples/firmware/formats`, to read and to write; what is printed is what that
//! image takes more than one without a format. Two formats cost less than the sum, since they share their parts.

use anyhow::Result;

use crate::size::{disassembly, panic_callers, sections};
use crate::{project, thumb};

/// The features of `dunlin-codec`.
const FORMATS: [&str; 9] = [
    "text",
    "opaque",
    "cbor",
    "tlv",
    "senml-cbor",
    "senml-json",
    "lwm2m-cbor",
    "lwm2m-json",
    "link",
];

pub(crate) fn run(json: bool) -> Result<()> {
    let (empty, _) = measure("")?;
    for format in FORMATS {
        for direction in ["decode", "encode"] {
            let (image, panics) = measure(&format!("{format},{direction}"))?;
            let flash = image.saturating_sub(empty);
            if json {
                let size = format!("codec/{direction}/{format}");
                println!(
                    "{}",
                    serde_json::json!({ "size": size, "image": flash, "panics": panics })
                );
            } else {
                println!(
                    "codec/{direction}/{format:<12} {flash:>6} bytes of flash   {panics} panic calls"
                );
            }
        }
    }
    Ok(())
}

/// Builds the image with some features and gives its flash and the number of its panic calls.
fn measure(features: &str) -> Result<(u64, usize)> {
    let folder = project::root().join("examples/firmware/formats");
    project::run(
        thumb::build("release")?
            .args(["--quiet", "--features", features])
            .current_dir(folder),
    )?;
    let path = thumb::target()?
        .join(thumb::TARGET)
        .join("release/dunlin-formats");
    let (image, _) = sections(&path)?;
    Ok((image, panic_callers(&disassembly(&path)?).values().sum()))
}
