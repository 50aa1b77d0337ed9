//! One payload format, read or written, and nothing else: `cargo xtask size --formats` builds it for each.
#![no_std]
#![no_main]

use core::hint::black_box;

use cortex_m_rt::entry;
use dunlin_codec::{ContentFormat, Types};
use dunlin_model::{Path, ValueType};

/// Each `black_box` stands for the rest of a program: the compiler knows nothing of what it gives or takes.
#[entry]
fn main() -> ! {
    let (mut buffer, mut scratch) = ([0; 256], [0; 64]);
    let (buffer, scratch) = (black_box(&mut buffer[..]), black_box(&mut scratch[..]));
    let length = black_box(0_usize);
    if cfg!(feature = "link") {
        links(buffer, length);
    } else if cfg!(feature = "decode") {
        decode(buffer.get(..length).unwrap_or_default(), scratch);
    } else if cfg!(feature = "encode") {
        encode(buffer);
    }
    loop {
        cortex_m::asm::wfi();
    }
}

/// What a device knows of its resources.
struct Resources;

impl Types for Resources {
    fn value_type(&self, path: &Path) -> Option<ValueType> {
        black_box(path);
        black_box(Some(ValueType::Integer))
    }
}

fn decode(bytes: &[u8], scratch: &mut [u8]) {
    let (format, base) = (black_box(ContentFormat::TLV), black_box(Path::ROOT));
    match dunlin_codec::Decoder::new(format, base, bytes, &Resources, scratch) {
        Ok(decoder) => {
            for record in decoder {
                let _ = black_box(record);
            }
        }
        Err(error) => {
            black_box(error);
        }
    }
}

fn encode(buffer: &mut [u8]) {
    let (format, base) = (black_box(ContentFormat::TLV), black_box(Path::ROOT));
    let mut encoder = dunlin_codec::Encoder::new(format, base, buffer);
    while let Some(record) = black_box(None) {
        let _ = black_box(encoder.push(&record));
    }
    let _ = black_box(encoder.finish());
}

#[cfg(feature = "link")]
fn links(buffer: &mut [u8], length: usize) {
    use dunlin_codec::link;
    use dunlin_model::Version;
    if cfg!(feature = "decode") {
        let text = core::str::from_utf8(buffer.get(..length).unwrap_or_default());
        for link in link::parse(text.unwrap_or_default()) {
            if let Ok(link) = link {
                black_box(link.path());
                link.attributes().for_each(|attribute| {
                    black_box(attribute);
                });
            }
        }
    } else {
        let mut links = link::Writer::new(buffer);
        links.link(&Path::ROOT).quoted("rt", "oma.lwm2m");
        while let Some(path) = black_box(None) {
            links.link(&path).attribute("ver", black_box(Version::V1_1));
            links.attributes(&black_box(dunlin_model::Attributes::NONE));
        }
        let _ = black_box(links.finish());
    }
}

#[cfg(not(feature = "link"))]
fn links(_buffer: &mut [u8], _length: usize) {}

/// Nothing here panics; `cargo xtask size` counts what could.
#[panic_handler]
fn panic(_: &core::panic::PanicInfo<'_>) -> ! {
    loop {
        cortex_m::asm::bkpt();
    }
}
