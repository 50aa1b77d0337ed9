//! Types of values, as far as tokens show them.

use syn::{GenericArgument, Ident, PathArguments, Type};

/// The type of a value.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Kind {
    String,
    Integer,
    Unsigned,
    Float,
    Boolean,
    Opaque,
    Time,
    Objlnk,
    Corelnk,
    /// Of an executable resource.
    None,
}

impl Kind {
    /// The type that `type = …` names.
    pub(super) fn named(ident: &Ident) -> Option<Self> {
        Some(match ident.to_string().as_str() {
            "string" => Self::String,
            "integer" => Self::Integer,
            "unsigned" => Self::Unsigned,
            "float" => Self::Float,
            "boolean" => Self::Boolean,
            "opaque" => Self::Opaque,
            "time" => Self::Time,
            "objlnk" => Self::Objlnk,
            "corelnk" => Self::Corelnk,
            _ => return None,
        })
    }

    /// The variant of `ValueType`.
    pub(super) const fn variant(self) -> &'static str {
        match self {
            Self::String => "String",
            Self::Integer => "Integer",
            Self::Unsigned => "Unsigned",
            Self::Float => "Float",
            Self::Boolean => "Boolean",
            Self::Opaque => "Opaque",
            Self::Time => "Time",
            Self::Objlnk => "Objlnk",
            Self::Corelnk => "Corelnk",
            Self::None => "None",
        }
    }

    /// What a message calls a value of this type.
    pub(super) const fn noun(self) -> &'static str {
        match self {
            Self::String => "text",
            Self::Integer => "an integer",
            Self::Unsigned => "an unsigned integer",
            Self::Float => "a float",
            Self::Boolean => "a boolean",
            Self::Opaque => "bytes",
            Self::Time => "a time",
            Self::Objlnk => "an object link",
            Self::Corelnk => "links",
            Self::None => "executable",
        }
    }

    pub(super) const fn is_whole(self) -> bool {
        matches!(self, Self::Integer | Self::Unsigned | Self::Time)
    }

    pub(super) const fn is_number(self) -> bool {
        self.is_whole() || matches!(self, Self::Float)
    }

    pub(super) const fn has_length(self) -> bool {
        matches!(self, Self::String | Self::Opaque | Self::Corelnk)
    }

    /// Whether a resource with values of this type may be declared as `other`.
    pub(super) fn is_declarable(self, other: Self) -> bool {
        let text = |kind| matches!(kind, Self::String | Self::Corelnk);
        self == other || (self.is_whole() && other.is_whole()) || (text(self) && text(other))
    }
}

/// What the tokens of a field's type show.
pub(super) struct Shape {
    /// The type of the value; `None` when a name says nothing, as an alias does.
    pub(super) kind: Option<Kind>,
    /// The value is borrowed.
    pub(super) borrowed: bool,
}

pub(super) fn shape(ty: &Type) -> Shape {
    let inner = inner(ty);
    Shape {
        kind: kind(inner),
        borrowed: matches!(inner, Type::Reference(_)),
    }
}

/// The type inside an `Option` or a `ResourceInstances`.
fn inner(ty: &Type) -> &Type {
    let Type::Path(path) = ty else {
        return ty;
    };
    let Some(last) = path.path.segments.last() else {
        return ty;
    };
    let PathArguments::AngleBracketed(arguments) = &last.arguments else {
        return ty;
    };
    match arguments.args.first() {
        Some(GenericArgument::Type(argument))
            if last.ident == "Option" || last.ident == "ResourceInstances" =>
        {
            argument
        }
        _ => ty,
    }
}

fn kind(ty: &Type) -> Option<Kind> {
    match ty {
        Type::Reference(reference) => match &*reference.elem {
            Type::Path(path) if path.path.is_ident("str") => Some(Kind::String),
            Type::Slice(_) => Some(Kind::Opaque),
            _ => None,
        },
        Type::Array(_) => Some(Kind::Opaque),
        Type::Path(path) => {
            let last = path.path.segments.last()?;
            match last.ident.to_string().as_str() {
                "i8" | "i16" | "i32" | "i64" => Some(Kind::Integer),
                "u8" | "u16" | "u32" | "u64" => Some(Kind::Unsigned),
                "f32" | "f64" => Some(Kind::Float),
                "bool" => Some(Kind::Boolean),
                "ObjectLink" => Some(Kind::Objlnk),
                "Time" => Some(Kind::Time),
                "Execute" => Some(Kind::None),
                "String" if !last.arguments.is_empty() => Some(Kind::String),
                "Vec" => Some(Kind::Opaque),
                _ => None,
            }
        }
        _ => None,
    }
}
