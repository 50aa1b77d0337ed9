//! Reading the registry's XML: OMA's schemas LWM2M.xsd and LWM2M-v1_1.xsd.

use core::fmt;

use dunlin_model::{
    DefinitionError, ObjectDefinition, ObjectId, Operations, Owned, Range, ResourceDefinition,
    ResourceId, ValueType, Version,
};
use roxmltree::{Document, Node, ParsingOptions};

use super::{RegisteredObject, ResourceNote};

/// How many nodes a file may have; the registry's largest has some 5,000.
const MAX_NODES: u32 = 200_000;

/// A place in a file.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Position {
    /// The line, from 1.
    pub line: u32,
    /// The character in the line, from 1.
    pub column: u32,
}

/// Why a file with object definitions is not loaded: `3303.xml:17:5: …`.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub struct DefinitionFileError {
    /// The file.
    pub file: Box<str>,
    /// Where in it.
    pub position: Option<Position>,
    /// What is wrong.
    pub kind: DefinitionFileErrorKind,
}

impl fmt::Display for DefinitionFileError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.file)?;
        if let Some(Position { line, column }) = self.position {
            write!(f, ":{line}:{column}")?;
        }
        write!(f, ": {}", self.kind)
    }
}

impl DefinitionFileError {
    /// Whether the file is well-formed XML of something else.
    pub fn is_of_something_else(&self) -> bool {
        matches!(
            self.kind,
            DefinitionFileErrorKind::Root(_) | DefinitionFileErrorKind::Reusable
        )
    }
}

/// What is wrong with a file with object definitions.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum DefinitionFileErrorKind {
    /// The file cannot be read.
    #[error("cannot be read: {0}")]
    Unreadable(String),
    /// The file is longer than 4 MiB.
    #[error("{0} bytes are too many for an object definition")]
    TooLarge(u64),
    /// The file is not UTF-8.
    #[error("not UTF-8")]
    Utf8,
    /// The file is not well-formed XML, or has a document type, which none needs.
    #[error("no well-formed XML: {0}")]
    Xml(String),
    /// The outermost element is another than `LWM2M`.
    #[error("the outermost element is `{0}`, where `LWM2M` should be")]
    Root(String),
    /// The file lists reusable resources (the registry's `Common.xml`), which belong to no object.
    #[error("a list of reusable resources, which defines no object")]
    Reusable,
    /// There is no object inside.
    #[error("there is no `Object` inside")]
    Empty,
    /// An element is missing.
    #[error("`{inside}` has no `{element}`")]
    Missing {
        /// What is missing.
        element: &'static str,
        /// Where.
        inside: &'static str,
    },
    /// The text of an element is none that it can have.
    #[error("`{element}` is “{text}”, which is {expected}")]
    Value {
        /// The element or attribute.
        element: &'static str,
        /// Its text.
        text: String,
        /// What it is not.
        expected: &'static str,
    },
    /// The URN names another object or version.
    #[error("the URN `{urn}` is not that of object {id} in version {version}")]
    Urn {
        /// The URN.
        urn: String,
        /// The object's id.
        id: ObjectId,
        /// The object's version.
        version: Version,
    },
    /// The definition contradicts itself.
    #[error("{0}")]
    Definition(DefinitionError),
}

/// Reads the objects of a file.
pub(super) fn read(name: &str, xml: &[u8]) -> Result<Vec<RegisteredObject>, DefinitionFileError> {
    let error = |position, kind| DefinitionFileError {
        file: name.into(),
        position,
        kind,
    };
    if xml.len() as u64 > super::MAX_FILE {
        let kind = DefinitionFileErrorKind::TooLarge(xml.len() as u64);
        return Err(error(None, kind));
    }
    let text = core::str::from_utf8(xml).map_err(|wrong| {
        let before = &xml[..wrong.valid_up_to()];
        error(Some(position_after(before)), DefinitionFileErrorKind::Utf8)
    })?;
    let text = text.strip_prefix('\u{feff}').unwrap_or(text);
    let options = ParsingOptions {
        nodes_limit: MAX_NODES,
        ..ParsingOptions::default()
    };
    let document = Document::parse_with_options(text, options).map_err(|wrong| {
        let at = wrong.pos();
        let position = Position {
            line: at.row,
            column: at.col,
        };
        error(
            Some(position),
            DefinitionFileErrorKind::Xml(wrong.to_string()),
        )
    })?;
    let reader = Reader {
        name,
        document: &document,
    };
    let root = document.root_element();
    if root.tag_name().name() != "LWM2M" {
        let kind = DefinitionFileErrorKind::Root(root.tag_name().name().to_owned());
        return Err(reader.error(root, kind));
    }
    let objects = root
        .children()
        .filter(|node| node.has_tag_name("Object"))
        .map(|node| reader.object(node))
        .collect::<Result<Vec<_>, _>>()?;
    if objects.is_empty() {
        return Err(reader.error(root, DefinitionFileErrorKind::Empty));
    }
    Ok(objects)
}

fn position_after(bytes: &[u8]) -> Position {
    let line = bytes.split(|byte| *byte == b'\n');
    let (lines, last) = line.fold((0_u32, 0_usize), |(lines, _), line| {
        (lines.saturating_add(1), line.len())
    });
    Position {
        line: lines.max(1),
        column: u32::try_from(last).unwrap_or(u32::MAX).saturating_add(1),
    }
}

struct Reader<'d, 'x> {
    name: &'d str,
    document: &'d Document<'x>,
}

type Read<T> = Result<T, DefinitionFileError>;

impl<'d, 'x> Reader<'d, 'x> {
    fn error(&self, node: Node<'d, 'x>, kind: DefinitionFileErrorKind) -> DefinitionFileError {
        let at = self.document.text_pos_at(node.range().start);
        DefinitionFileError {
            file: self.name.into(),
            position: Some(Position {
                line: at.row,
                column: at.col,
            }),
            kind,
        }
    }

    fn object(&self, node: Node<'d, 'x>) -> Read<RegisteredObject> {
        const OBJECT: &str = "Object";
        if node.attribute("ObjectType") == Some("CommonResources") {
            return Err(self.error(node, DefinitionFileErrorKind::Reusable));
        }
        let (id_node, text) = self.text(node, "ObjectID", OBJECT)?;
        let id = self.value(
            id_node,
            "ObjectID",
            &text,
            "no number from 0 to 65534",
            |text| ObjectId::new(number(text)?),
        )?;
        let version = self.version(node, "ObjectVersion")?;
        let (urn_node, urn) = self.text(node, "ObjectURN", OBJECT)?;
        if !is_urn_of(&urn, id, version) {
            let kind = DefinitionFileErrorKind::Urn { urn, id, version };
            return Err(self.error(urn_node, kind));
        }
        let (_, name) = self.text(node, "Name", OBJECT)?;
        let (multiple_node, multiple) = self.text(node, "MultipleInstances", OBJECT)?;
        let multiple = self.multiple(multiple_node, &multiple)?;
        let (mandatory_node, mandatory) = self.text(node, "Mandatory", OBJECT)?;
        let mandatory = self.mandatory(mandatory_node, &mandatory)?;

        let resources = child(node, "Resources").ok_or_else(|| {
            self.error(
                node,
                DefinitionFileErrorKind::Missing {
                    element: "Resources",
                    inside: OBJECT,
                },
            )
        })?;
        let mut items = resources
            .children()
            .filter(|node| node.has_tag_name("Item"))
            .map(|node| Ok((node, self.resource(node)?)))
            .collect::<Read<Vec<_>>>()?;
        items.sort_by_key(|(_, (resource, _))| resource.id);
        let places: Vec<_> = items.iter().map(|(node, _)| *node).collect();
        let (resources, notes): (Vec<_>, Vec<_>) = items.into_iter().map(|(_, item)| item).unzip();
        let definition = ObjectDefinition::<Owned> {
            id,
            name: one_line(&name),
            version,
            multiple,
            mandatory,
            resources: resources.into(),
        };
        definition.check().map_err(|wrong| {
            let place = definition
                .resources
                .iter()
                .rposition(|resource| resource.id == wrong.resource);
            let place = place.and_then(|at| places.get(at)).copied();
            self.error(
                place.unwrap_or(node),
                DefinitionFileErrorKind::Definition(wrong),
            )
        })?;
        Ok(RegisteredObject {
            source: super::ObjectSource::File,
            definition,
            urn: urn.into(),
            enabler: self.version(node, "LWM2MVersion")?,
            description: description(node, "Description1"),
            notes: notes.into(),
        })
    }

    fn resource(&self, node: Node<'d, 'x>) -> Read<(ResourceDefinition<Owned>, ResourceNote)> {
        const ITEM: &str = "Item";
        let id = node.attribute("ID").ok_or_else(|| {
            self.error(
                node,
                DefinitionFileErrorKind::Missing {
                    element: "ID",
                    inside: ITEM,
                },
            )
        })?;
        let id = self.value(node, "ID", id, "no number from 0 to 65534", |text| {
            ResourceId::new(number(text)?)
        })?;
        let (_, name) = self.text(node, "Name", ITEM)?;
        let (place, operations) = self.text(node, "Operations", ITEM)?;
        let operations: Operations = self.value(
            place,
            "Operations",
            &operations,
            "none of R, W, RW, E and nothing",
            |text| text.parse().ok(),
        )?;
        let (place, multiple) = self.text(node, "MultipleInstances", ITEM)?;
        let multiple = self.multiple(place, &multiple)?;
        let (place, mandatory) = self.text(node, "Mandatory", ITEM)?;
        let mandatory = self.mandatory(place, &mandatory)?;
        let (place, kind) = self.text(node, "Type", ITEM)?;
        let kind = self.value(place, "Type", &kind, "none of the types", |text| {
            value_type(text, operations)
        })?;
        // Free text: what cannot be checked is told, and every value of the type is allowed.
        let written = child_text(node, "RangeEnumeration").unwrap_or_default();
        let range = Range::parse(&written, kind);
        let note = ResourceNote {
            description: description(node, "Description"),
            range: match range {
                Ok(_) => Box::default(),
                Err(_) => one_line(&written),
            },
        };
        let definition = ResourceDefinition {
            id,
            name: one_line(&name),
            operations,
            multiple,
            mandatory,
            kind,
            range: Box::new(range.unwrap_or_default()),
            units: one_line(&child_text(node, "Units").unwrap_or_default()),
        };
        Ok((definition, note))
    }

    fn text(
        &self,
        node: Node<'d, 'x>,
        element: &'static str,
        inside: &'static str,
    ) -> Read<(Node<'d, 'x>, String)> {
        child(node, element)
            .map(|child| (child, text_of(child)))
            .ok_or_else(|| self.error(node, DefinitionFileErrorKind::Missing { element, inside }))
    }

    fn value<T>(
        &self,
        node: Node<'d, 'x>,
        element: &'static str,
        text: &str,
        expected: &'static str,
        read: impl FnOnce(&str) -> Option<T>,
    ) -> Read<T> {
        read(text).ok_or_else(|| {
            self.error(
                node,
                DefinitionFileErrorKind::Value {
                    element,
                    text: text.to_owned(),
                    expected,
                },
            )
        })
    }

    /// A version, 1.0 where it is empty or missing.
    fn version(&self, node: Node<'d, 'x>, element: &'static str) -> Read<Version> {
        match child(node, element).map(|child| (child, text_of(child))) {
            Some((place, text)) if !text.is_empty() => {
                self.value(place, element, &text, "no version such as 1.1", |text| {
                    text.parse().ok()
                })
            }
            _ => Ok(Version::V1_0),
        }
    }

    fn multiple(&self, node: Node<'d, 'x>, text: &str) -> Read<bool> {
        let expected = "neither Single nor Multiple";
        self.value(node, "MultipleInstances", text, expected, |text| {
            one_of(text, "Single", "Multiple")
        })
    }

    fn mandatory(&self, node: Node<'d, 'x>, text: &str) -> Read<bool> {
        let expected = "neither Optional nor Mandatory";
        self.value(node, "Mandatory", text, expected, |text| {
            one_of(text, "Optional", "Mandatory")
        })
    }
}

fn one_of(text: &str, no: &str, yes: &str) -> Option<bool> {
    if text == yes {
        Some(true)
    } else if text == no {
        Some(false)
    } else {
        None
    }
}

fn value_type(text: &str, operations: Operations) -> Option<ValueType> {
    // What is executed has no value, whatever stands here.
    if operations == Operations::E {
        return Some(ValueType::None);
    }
    Some(match text {
        // One file of the registry forgets it, at a text.
        "String" | "" => ValueType::String,
        "Integer" => ValueType::Integer,
        "Unsigned Integer" => ValueType::Unsigned,
        "Float" => ValueType::Float,
        "Boolean" => ValueType::Boolean,
        "Opaque" => ValueType::Opaque,
        "Time" => ValueType::Time,
        "Objlnk" => ValueType::Objlnk,
        "Corelnk" => ValueType::Corelnk,
        _ => return None,
    })
}

fn is_urn_of(urn: &str, id: ObjectId, version: Version) -> bool {
    let Some(rest) = urn.strip_prefix("urn:oma:lwm2m:") else {
        return false;
    };
    let mut parts = rest.split(':');
    let (range, number_part, version_part) = (parts.next(), parts.next(), parts.next());
    parts.next().is_none()
        && matches!(range, Some("oma" | "ext" | "x"))
        && number_part.and_then(number) == Some(id.get())
        && version_part.map_or(Ok(Version::V1_0), str::parse) == Ok(version)
}

fn number(text: &str) -> Option<u16> {
    if text.bytes().all(|byte| byte.is_ascii_digit()) {
        text.parse().ok()
    } else {
        None
    }
}

fn child<'d, 'x>(node: Node<'d, 'x>, name: &str) -> Option<Node<'d, 'x>> {
    node.children().find(|child| child.has_tag_name(name))
}

fn child_text(node: Node<'_, '_>, name: &str) -> Option<String> {
    child(node, name).map(text_of)
}

/// The text of an element, in as many pieces as it comes, without white space around it.
fn text_of(node: Node<'_, '_>) -> String {
    let text: String = node
        .descendants()
        .filter_map(|node| node.is_text().then(|| node.text()).flatten())
        .collect();
    text.trim().to_owned()
}

fn one_line(text: &str) -> Box<str> {
    text.split_whitespace().collect::<Vec<_>>().join(" ").into()
}

/// A description: lines without white space around them, no empty line at the ends.
fn description(node: Node<'_, '_>, name: &str) -> Box<str> {
    let text = child_text(node, name).unwrap_or_default();
    let lines: Vec<_> = text.lines().map(str::trim).collect();
    lines.join("\n").into()
}
