//! `defmt` for what a derive would show the wrong way.

use defmt::{Format, Formatter, write};

use crate::{ObjectLink, Operations, Path, Value, Version};

impl Format for Path {
    fn format(&self, f: Formatter<'_>) {
        if *self == Self::ROOT {
            write!(f, "/");
        }
        for id in self.segments() {
            write!(f, "/{=u16}", id);
        }
    }
}

impl Format for Version {
    fn format(&self, f: Formatter<'_>) {
        write!(f, "{=u8}.{=u8}", self.major, self.minor);
    }
}

impl Format for ObjectLink {
    fn format(&self, f: Formatter<'_>) {
        write!(f, "{=u16}:{=u16}", self.object, self.instance);
    }
}

impl Format for Operations {
    fn format(&self, f: Formatter<'_>) {
        write!(f, "{=str}", self.as_str());
    }
}

impl Format for Value<'_> {
    /// Without the content of opaque values, because keys are opaque values.
    fn format(&self, f: Formatter<'_>) {
        #[expect(
            clippy::match_same_arms,
            reason = "only what defmt has interned is the same"
        )]
        match self {
            Self::None => write!(f, "None"),
            Self::String(text) => write!(f, "String({=str})", text),
            Self::Integer(number) => write!(f, "Integer({=i64})", number),
            Self::Unsigned(number) => write!(f, "Unsigned({=u64})", number),
            Self::Float(number) => write!(f, "Float({=f64})", number),
            Self::Single(number) => write!(f, "Single({=f32})", number),
            Self::Boolean(truth) => write!(f, "Boolean({=bool})", truth),
            Self::Opaque(bytes) => write!(f, "Opaque({=usize} bytes)", bytes.len()),
            Self::Time(seconds) => write!(f, "Time({=i64})", seconds),
            Self::Objlnk(link) => write!(f, "Objlnk({})", link),
            Self::Corelnk(text) => write!(f, "Corelnk({=str})", text),
        }
    }
}
