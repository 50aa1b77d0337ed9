//! Rust from an object definition: a struct with `#[derive(Object)]`.

use core::fmt::Write as _;
use std::collections::BTreeSet;

use dunlin_manager::{RegisteredObject, ResourceNote};
use dunlin_model::{Operations, Owned, Range, ResourceDefinition, ValueType};

/// How long lines may be.
const WIDTH: usize = 100;

/// Room for a text or bytes whose length the definition does not limit, in bytes.
const LENGTH: u32 = 64;

/// Room for the resource instances of a multiple resource.
const INSTANCES: usize = 4;

/// Names that a struct cannot have, because the file uses them for something else.
const TAKEN: [&str; 12] = [
    "Debug",
    "Clone",
    "Default",
    "Execute",
    "Object",
    "ObjectLink",
    "Option",
    "ResourceInstances",
    "Self",
    "String",
    "Time",
    "Vec",
];

/// Words that no field can have as its name.
const KEYWORDS: [&str; 52] = [
    "abstract", "as", "async", "await", "become", "box", "break", "const", "continue", "crate",
    "do", "dyn", "else", "enum", "extern", "false", "final", "fn", "for", "gen", "if", "impl",
    "in", "let", "loop", "macro", "match", "mod", "move", "mut", "override", "priv", "pub", "ref",
    "return", "self", "static", "struct", "super", "trait", "true", "try", "type", "typeof",
    "unsafe", "unsized", "use", "virtual", "where", "while", "yield", "union",
];

/// The file for `object`.
pub(crate) fn file(object: &RegisteredObject) -> String {
    let definition = &object.definition;
    let mut used = BTreeSet::new();
    let mut taken = BTreeSet::new();
    let mut fields = String::new();
    for (resource, note) in definition.resources.iter().zip(&object.notes) {
        field(&mut fields, resource, note, &mut used, &mut taken);
    }

    let mut file = String::new();
    let version = definition.version;
    let _ = writeln!(
        file,
        "//! Object {}, {}, in version {version}.",
        definition.id,
        escaped(&definition.name)
    );
    let _ = writeln!(
        file,
        "//!\n//! Written by `dunlin objgen` from the definition in the OMA registry.\n"
    );
    let heapless: Vec<_> = used
        .iter()
        .filter(|name| is_heapless(name))
        .copied()
        .collect();
    let mut agent: Vec<_> = used.iter().filter(|name| is_agent(name)).copied().collect();
    agent.push("Object");
    agent.sort_unstable();
    import(&mut file, "dunlin_agent::heapless", &heapless);
    if used.contains("ObjectLink") {
        import(&mut file, "dunlin_agent::model", &["ObjectLink"]);
    }
    import(&mut file, "dunlin_agent", &agent);
    file.push('\n');
    document(&mut file, "", &object.description, &definition.name);
    let _ = writeln!(file, "#[derive(Debug, Clone, Default, Object)]");
    let mut items = vec![
        format!("id = {}", definition.id),
        format!("version = \"{version}\""),
    ];
    items.extend((!definition.multiple).then(|| "single".to_owned()));
    items.extend(definition.mandatory.then(|| "mandatory".to_owned()));
    let _ = writeln!(file, "#[object({})]", items.join(", "));
    let _ = writeln!(file, "pub struct {} {{\n{fields}}}", type_name(object));
    file
}

/// The name of the file for `object`, without its end.
pub(crate) fn file_name(object: &RegisteredObject) -> String {
    snake(&object.definition.name).map_or_else(
        || format!("object_{}", object.definition.id),
        |name| keyword_free(&name),
    )
}

fn is_heapless(name: &str) -> bool {
    matches!(name, "String" | "Vec")
}

fn is_agent(name: &str) -> bool {
    matches!(name, "Execute" | "ResourceInstances" | "Time")
}

fn import(file: &mut String, from: &str, names: &[&str]) {
    let _ = match names {
        [] => Ok(()),
        [name] => writeln!(file, "use {from}::{name};"),
        names => writeln!(file, "use {from}::{{{}}};", names.join(", ")),
    };
}

fn field(
    file: &mut String,
    resource: &ResourceDefinition<Owned>,
    note: &ResourceNote,
    used: &mut BTreeSet<&'static str>,
    taken: &mut BTreeSet<String>,
) {
    let id = resource.id;
    let mut items = vec![id.to_string()];
    let operations = [
        (Operations::R, "read"),
        (Operations::W, "write"),
        (Operations::E, "execute"),
    ];
    if resource.operations == Operations::NONE {
        items.push("bootstrap".to_owned());
    }
    for (operation, word) in operations {
        if resource.operations.contains(operation) {
            items.push(word.to_owned());
        }
    }
    let (base, declared) = base(resource, used);
    items.extend(declared.map(|kind| format!("type = {kind}")));
    items.extend(range(&resource.range));
    if resource.kind.is_numeric() && is_unit(&resource.units) {
        items.push(format!("unit = {:?}", &*resource.units));
    }
    let ty = match (resource.multiple, resource.mandatory) {
        (true, mandatory) => {
            used.insert("ResourceInstances");
            items.extend(mandatory.then(|| "mandatory".to_owned()));
            format!("ResourceInstances<{base}, {INSTANCES}>")
        }
        (false, true) => base,
        (false, false) => format!("Option<{base}>"),
    };

    let told = match &*note.description {
        "" => &resource.name,
        told => told,
    };
    let mut description = told.to_owned();
    if !note.range.is_empty() {
        let _ = write!(description, "\n\nRange: {}", note.range);
    }
    document(file, "    ", &description, &resource.name);
    let _ = writeln!(file, "    #[resource({})]", items.join(", "));
    let _ = writeln!(file, "    pub {}: {ty},", field_name(resource, taken));
}

/// The type of the value, and the type to declare where it is not the one that the Rust type has.
fn base(
    resource: &ResourceDefinition<Owned>,
    used: &mut BTreeSet<&'static str>,
) -> (String, Option<ValueType>) {
    let length = match &*resource.range {
        Range::Length(_, max) => *max,
        Range::Lengths(lengths) => lengths.iter().copied().max().unwrap_or(LENGTH),
        _ => LENGTH,
    };
    let mut named = |name: &'static str| {
        used.insert(name);
        name
    };
    match resource.kind {
        ValueType::None => (named("Execute").to_owned(), None),
        ValueType::String => (format!("{}<{length}>", named("String")), None),
        ValueType::Corelnk => (
            format!("{}<{length}>", named("String")),
            Some(ValueType::Corelnk),
        ),
        ValueType::Opaque => (format!("{}<u8, {length}>", named("Vec")), None),
        ValueType::Integer | ValueType::Unsigned => {
            let small = small(&resource.range, resource.kind);
            let native = if small.starts_with('u') {
                ValueType::Unsigned
            } else {
                ValueType::Integer
            };
            let declared = (native != resource.kind).then_some(resource.kind);
            (small.to_owned(), declared)
        }
        ValueType::Float => ("f64".to_owned(), None),
        ValueType::Boolean => ("bool".to_owned(), None),
        ValueType::Time => (named("Time").to_owned(), None),
        ValueType::Objlnk => (named("ObjectLink").to_owned(), None),
    }
}

/// The smallest type for the numbers of a range.
fn small(range: &Range<Owned>, kind: ValueType) -> &'static str {
    let ends = match range {
        Range::Integer(min, max) => Some((*min, *max)),
        Range::Integers(ranges) => ranges
            .iter()
            .copied()
            .reduce(|(min, max), (first, last)| (min.min(first), max.max(last))),
        _ => None,
    };
    match ends {
        None if kind == ValueType::Unsigned => "u64",
        None => "i64",
        Some((0.., max)) => {
            if u8::try_from(max).is_ok() {
                "u8"
            } else if u16::try_from(max).is_ok() {
                "u16"
            } else if u32::try_from(max).is_ok() {
                "u32"
            } else {
                "u64"
            }
        }
        Some((min, max)) => {
            if i8::try_from(min).is_ok() && i8::try_from(max).is_ok() {
                "i8"
            } else if i16::try_from(min).is_ok() && i16::try_from(max).is_ok() {
                "i16"
            } else if i32::try_from(min).is_ok() && i32::try_from(max).is_ok() {
                "i32"
            } else {
                "i64"
            }
        }
    }
}

fn range(range: &Range<Owned>) -> Option<String> {
    let list = |items: Vec<String>| format!("[{}]", items.join(", "));
    Some(match range {
        Range::Integer(min, max) => format!("range = {min}..={max}"),
        Range::Integers(ranges) => {
            let each = ranges.iter().map(|(min, max)| {
                if min == max {
                    min.to_string()
                } else {
                    format!("{min}..={max}")
                }
            });
            format!("range = {}", list(each.collect()))
        }
        Range::Float(min, max) => format!("range = {min:?}..={max:?}"),
        Range::Length(min, max) => format!("length = {min}..={max}"),
        Range::Lengths(lengths) => {
            format!(
                "length = {}",
                list(lengths.iter().map(ToString::to_string).collect())
            )
        }
        _ => return None,
    })
}

fn is_unit(units: &str) -> bool {
    !units.is_empty() && !units.chars().any(|c| c.is_control() || c.is_whitespace())
}

/// Documentation comments of `text`, or of `name` where there is none.
fn document(file: &mut String, indent: &str, text: &str, name: &str) {
    let text = if text.trim().is_empty() { name } else { text };
    let room = WIDTH.saturating_sub(indent.len() + "/// ".len());
    let mut blank = true;
    for line in text.trim().lines() {
        let words: Vec<_> = line.split_whitespace().map(escaped).collect();
        if words.is_empty() {
            // One empty line is enough.
            if !blank {
                let _ = writeln!(file, "{indent}///");
            }
            blank = true;
            continue;
        }
        blank = false;
        let mut current = String::new();
        for word in words {
            if !current.is_empty() && current.chars().count() + 1 + word.chars().count() > room {
                let _ = writeln!(file, "{indent}/// {current}");
                current.clear();
            }
            if !current.is_empty() {
                current.push(' ');
            }
            current.push_str(&word);
        }
        let _ = writeln!(file, "{indent}/// {current}");
    }
}

/// Text that means nothing to Markdown.
fn escaped(text: &str) -> String {
    let mut escaped = String::with_capacity(text.len());
    for character in text.chars() {
        if matches!(
            character,
            '[' | ']' | '<' | '>' | '`' | '*' | '_' | '\\' | '#'
        ) {
            escaped.push('\\');
        }
        // A lone carriage return ends a comment.
        if !character.is_control() {
            escaped.push(character);
        }
    }
    escaped
}

/// The name of the struct: `Temperature`.
fn type_name(object: &RegisteredObject) -> String {
    let name: String = words(&object.definition.name)
        .map(|word| {
            let mut letters = word.chars();
            let first = letters.next().map(|first| first.to_ascii_uppercase());
            first.into_iter().chain(letters).collect::<String>()
        })
        .collect();
    match name.chars().next() {
        Some('0'..='9') | None => format!("Object{name}"),
        Some(_) if TAKEN.contains(&name.as_str()) => format!("{name}Object"),
        Some(_) => name,
    }
}

/// The name of the field, which no other has: `sensor_value`.
fn field_name(resource: &ResourceDefinition<Owned>, taken: &mut BTreeSet<String>) -> String {
    let name = snake(&resource.name).map_or_else(
        || format!("resource_{}", resource.id),
        |name| keyword_free(&name),
    );
    let name = if taken.contains(&name) {
        format!("{name}_{}", resource.id)
    } else {
        name
    };
    taken.insert(name.clone());
    name
}

fn keyword_free(name: &str) -> String {
    if KEYWORDS.contains(&name) {
        format!("{name}_")
    } else {
        name.to_owned()
    }
}

/// Letters and digits with `_` between words; `None` where nothing is left that can be a name.
fn snake(text: &str) -> Option<String> {
    let name = words(text)
        .map(str::to_ascii_lowercase)
        .collect::<Vec<_>>()
        .join("_");
    match name.chars().next() {
        None => None,
        Some('0'..='9') => Some(format!("n{name}")),
        Some(_) => Some(name),
    }
}

/// The runs of ASCII letters and digits in `text`, parted where a small letter is followed by a capital.
fn words(text: &str) -> impl Iterator<Item = &str> {
    text.split(|c: char| !c.is_ascii_alphanumeric())
        .filter(|word| !word.is_empty())
        .flat_map(|word| {
            let bytes = word.as_bytes();
            let mut starts: Vec<_> = bytes
                .windows(2)
                .enumerate()
                .filter(|(_, pair)| pair[0].is_ascii_lowercase() && pair[1].is_ascii_uppercase())
                .map(|(at, _)| at + 1)
                .collect();
            starts.insert(0, 0);
            starts.push(word.len());
            let parts: Vec<_> = starts
                .windows(2)
                .filter_map(|ends| word.get(ends[0]..ends[1]))
                .collect();
            parts
        })
}

#[cfg(test)]
mod tests {
    use super::*;
    use dunlin_manager::Registry;

    fn generated(items: &str) -> String {
        let xml = format!(
            "<LWM2M><Object ObjectType=\"MODefinition\"><Name>Time</Name><Description1>Shows [the] time,\r\nand &lt;more&gt;.</Description1>\
             <ObjectID>42770</ObjectID><ObjectURN>urn:oma:lwm2m:x:42770</ObjectURN><MultipleInstances>Single</MultipleInstances>\
             <Mandatory>Mandatory</Mandatory><Resources>{items}</Resources></Object></LWM2M>"
        );
        let mut registry = Registry::default();
        let loaded = registry.load_xml("test", xml.as_bytes()).expect("valid");
        file(&loaded[0])
    }

    fn item(
        id: u16,
        name: &str,
        operations: &str,
        kind: &str,
        range: &str,
        rest: [&str; 2],
    ) -> String {
        format!(
            "<Item ID=\"{id}\"><Name>{name}</Name><Operations>{operations}</Operations>\
             <MultipleInstances>{}</MultipleInstances><Mandatory>{}</Mandatory><Type>{kind}</Type>\
             <RangeEnumeration>{range}</RangeEnumeration><Units>s</Units><Description></Description></Item>",
            rest[0], rest[1]
        )
    }

    #[test]
    fn writes_a_struct_that_reads_like_one() {
        let single = ["Single", "Mandatory"];
        let optional = ["Single", "Optional"];
        let items = [
            item(0, "Type", "R", "Integer", "0..100", single),
            item(1, "type", "RW", "String", "0..255 bytes", optional),
            item(2, "3D fooBar", "", "Float", "-1..1", optional),
            item(3, "Go", "E", "", "", optional),
            item(4, "Many", "W", "Opaque", "16,32", ["Multiple", "Mandatory"]),
            item(5, "Width", "R", "Integer", "8 bit", single),
            item(6, "", "R", "Corelnk", "", single),
        ];
        assert_eq!(
            generated(&items.concat()),
            "\
//! Object 42770, Time, in version 1.0.
//!
//! Written by `dunlin objgen` from the definition in the OMA registry.

use dunlin_agent::heapless::{String, Vec};
use dunlin_agent::{Execute, Object, ResourceInstances};

/// Shows \\[the\\] time,
/// and \\<more\\>.
#[derive(Debug, Clone, Default, Object)]
#[object(id = 42770, version = \"1.0\", single, mandatory)]
pub struct TimeObject {
    /// Type
    #[resource(0, read, type = integer, range = 0..=100, unit = \"s\")]
    pub type_: u8,
    /// type
    #[resource(1, read, write, length = 0..=255)]
    pub type__1: Option<String<255>>,
    /// 3D fooBar
    #[resource(2, bootstrap, range = -1.0..=1.0, unit = \"s\")]
    pub n3d_foo_bar: Option<f64>,
    /// Go
    #[resource(3, execute)]
    pub go: Option<Execute>,
    /// Many
    #[resource(4, write, length = [16, 32], mandatory)]
    pub many: ResourceInstances<Vec<u8, 32>, 4>,
    /// Width
    ///
    /// Range: 8 bit
    #[resource(5, read, unit = \"s\")]
    pub width: i64,
    #[resource(6, read, type = corelnk)]
    pub resource_6: String<64>,
}
"
        );
    }

    #[test]
    fn long_descriptions_are_wrapped() {
        let mut text = String::new();
        document(&mut text, "    ", &"word ".repeat(60), "name");
        assert!(text.lines().count() >= 3);
        assert!(
            text.lines()
                .all(|line| line.len() <= WIDTH && line.starts_with("    /// "))
        );
    }
}
