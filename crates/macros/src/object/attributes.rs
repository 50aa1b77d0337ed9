//! The attributes `#[object(…)]` and `#[resource(…)]`.

use syn::ext::IdentExt as _;
use syn::meta::ParseNestedMeta;
use syn::parse::{Parse, ParseStream};
use syn::spanned::Spanned as _;
use syn::{Attribute, DeriveInput, Error, Ident, LitInt, LitStr, Path, Token, Type};

use super::kind::{self, Kind, Shape};
use super::range::Ranges;
use crate::root::fields;

/// What `#[object(…)]` says, and the resources.
pub(super) struct Object<'i> {
    pub(super) id: LitInt,
    pub(super) version: Option<(u8, u8)>,
    pub(super) name: Option<LitStr>,
    pub(super) single: bool,
    pub(super) mandatory: bool,
    pub(super) create: Option<Create>,
    pub(super) root: Option<Path>,
    pub(super) resources: Vec<Resource<'i>>,
}

/// How a server's Create makes an instance.
pub(super) enum Create {
    Default,
    By(Path),
}

/// What `#[resource(…)]` says of a field.
#[expect(
    clippy::struct_excessive_bools,
    reason = "each is a word of the attribute"
)]
pub(super) struct Resource<'i> {
    pub(super) field: &'i Ident,
    pub(super) ty: &'i Type,
    /// What the tokens of the type show.
    pub(super) shape: Shape,
    pub(super) id: LitInt,
    pub(super) number: u16,
    pub(super) read: bool,
    pub(super) write: bool,
    pub(super) execute: bool,
    pub(super) bootstrap: bool,
    pub(super) method: Option<Ident>,
    pub(super) check: Option<Ident>,
    pub(super) kind: Option<(Kind, Ident)>,
    pub(super) unit: Option<LitStr>,
    pub(super) range: Option<Ranges>,
    pub(super) length: Option<Ranges>,
    pub(super) mandatory: Option<bool>,
    pub(super) name: Option<LitStr>,
}

impl<'i> Object<'i> {
    pub(super) fn parse(input: &'i DeriveInput) -> Result<Self, Error> {
        let mut id = None;
        let mut object = Head::default();
        for attribute in of(&input.attrs, "object") {
            attribute.parse_nested_meta(|meta| {
                if meta.path.is_ident("id") {
                    let literal: LitInt = meta.value()?.parse()?;
                    identifier(&literal, "the object's id")?;
                    once(&mut id, literal, &meta)
                } else {
                    object.item(&meta)
                }
            })?;
        }
        let id = id.ok_or_else(|| {
            Error::new_spanned(
                &input.ident,
                format!(
                    "`{}` has no object id: write `#[object(id = …)]`",
                    input.ident
                ),
            )
        })?;
        let mut resources = Vec::new();
        for (name, field) in fields(input, "an object instance")? {
            let mut found = None;
            for attribute in of(&field.attrs, "resource") {
                if found.is_some() {
                    return Err(Error::new_spanned(
                        attribute,
                        format!("`{name}` has two `#[resource(…)]`"),
                    ));
                }
                let Items(id, number, items) =
                    attribute.parse_args_with(|input: ParseStream<'_>| {
                        Items::parse(input).map_err(|error| name_field(&error, name))
                    })?;
                found = Some(Resource {
                    field: name,
                    ty: &field.ty,
                    shape: kind::shape(&field.ty),
                    id,
                    number,
                    read: items.read,
                    write: items.write,
                    execute: items.execute,
                    bootstrap: items.bootstrap,
                    method: items.method,
                    check: items.check,
                    kind: items.kind,
                    unit: items.unit,
                    range: items.range,
                    length: items.length,
                    mandatory: items.mandatory,
                    name: items.name,
                });
            }
            resources.extend(found);
        }
        resources.sort_by_key(|resource| resource.number);
        Ok(Self {
            id,
            version: object.version,
            name: object.name,
            single: object.single,
            mandatory: object.mandatory,
            create: object.create,
            root: object.root,
            resources,
        })
    }
}

fn of<'a>(attributes: &'a [Attribute], name: &'static str) -> impl Iterator<Item = &'a Attribute> {
    attributes
        .iter()
        .filter(move |attribute| attribute.path().is_ident(name))
}

/// The items of `#[object(…)]` beside the id.
#[derive(Default)]
struct Head {
    version: Option<(u8, u8)>,
    name: Option<LitStr>,
    single: bool,
    mandatory: bool,
    create: Option<Create>,
    root: Option<Path>,
}

impl Head {
    fn item(&mut self, meta: &ParseNestedMeta<'_>) -> Result<(), Error> {
        let name = meta.path.get_ident().map(ToString::to_string);
        match name.as_deref() {
            Some("version") => {
                let literal: LitStr = meta.value()?.parse()?;
                let version = version(&literal)?;
                once(&mut self.version, version, meta)
            }
            Some("name") => {
                let literal = meta.value()?.parse()?;
                once(&mut self.name, literal, meta)
            }
            Some("single") => flag(&mut self.single, meta),
            Some("mandatory") => flag(&mut self.mandatory, meta),
            Some("create") => {
                let create = if meta.input.peek(Token![=]) {
                    Create::By(meta.value()?.parse()?)
                } else {
                    Create::Default
                };
                once(&mut self.create, create, meta)
            }
            Some("crate") => {
                let path = meta.value()?.parse()?;
                once(&mut self.root, path, meta)
            }
            _ => Err(meta.error(
                "an object has `id`, `version`, `name`, `single`, `mandatory`, `create` and `crate`",
            )),
        }
    }
}

fn flag(flag: &mut bool, meta: &ParseNestedMeta<'_>) -> Result<(), Error> {
    if core::mem::replace(flag, true) {
        return Err(meta.error("given twice"));
    }
    Ok(())
}

fn once<T>(place: &mut Option<T>, value: T, meta: &ParseNestedMeta<'_>) -> Result<(), Error> {
    if place.replace(value).is_some() {
        return Err(meta.error("given twice"));
    }
    Ok(())
}

fn version(literal: &LitStr) -> Result<(u8, u8), Error> {
    let text = literal.value();
    let number = |part: &str| {
        let canonical = !part.is_empty()
            && part.bytes().all(|byte| byte.is_ascii_digit())
            && (part.len() == 1 || !part.starts_with('0'));
        canonical.then(|| part.parse().ok()).flatten()
    };
    text.split_once('.')
        .and_then(|(major, minor)| Some((number(major)?, number(minor)?)))
        .ok_or_else(|| {
            Error::new_spanned(literal, "a version is two numbers up to 255, as in \"1.1\"")
        })
}

fn identifier(literal: &LitInt, what: &str) -> Result<u16, Error> {
    literal
        .base10_parse::<u16>()
        .ok()
        .filter(|id| *id != u16::MAX && literal.suffix().is_empty())
        .ok_or_else(|| Error::new_spanned(literal, format!("{what} is a number from 0 to 65534")))
}

/// The content of `#[resource(…)]`.
struct Items(LitInt, u16, Parts);

#[derive(Default)]
#[expect(
    clippy::struct_excessive_bools,
    reason = "each is a word of the attribute"
)]
struct Parts {
    read: bool,
    write: bool,
    execute: bool,
    bootstrap: bool,
    method: Option<Ident>,
    check: Option<Ident>,
    kind: Option<(Kind, Ident)>,
    unit: Option<LitStr>,
    range: Option<Ranges>,
    length: Option<Ranges>,
    mandatory: Option<bool>,
    name: Option<LitStr>,
}

impl Parse for Items {
    fn parse(input: ParseStream<'_>) -> Result<Self, Error> {
        if !input.peek(LitInt) {
            return Err(
                input.error("the resource's id comes first, as in `#[resource(5700, read)]`")
            );
        }
        let id: LitInt = input.parse()?;
        let number = identifier(&id, "a resource's id")?;
        let mut parts = Parts::default();
        while !input.is_empty() {
            input.parse::<Token![,]>()?;
            if !input.is_empty() {
                parts.item(input)?;
            }
        }
        Ok(Self(id, number, parts))
    }
}

impl Parts {
    fn item(&mut self, input: ParseStream<'_>) -> Result<(), Error> {
        // `type` is a keyword.
        let key = input.call(Ident::parse_any)?;
        let twice = || Error::new_spanned(&key, format!("`{key}` is given twice"));
        let set = |flag: &mut bool| {
            if core::mem::replace(flag, true) {
                Err(twice())
            } else {
                Ok(())
            }
        };
        match key.to_string().as_str() {
            "read" => set(&mut self.read),
            "write" => set(&mut self.write),
            "bootstrap" => set(&mut self.bootstrap),
            "execute" => {
                set(&mut self.execute)?;
                if input.peek(Token![=]) {
                    self.method = Some(value(input)?);
                }
                Ok(())
            }
            "check" => put(&mut self.check, value(input)?, twice),
            "unit" => put(&mut self.unit, value(input)?, twice),
            "name" => put(&mut self.name, value(input)?, twice),
            "range" => put(&mut self.range, value(input)?, twice),
            "length" => put(&mut self.length, value(input)?, twice),
            "mandatory" => put(&mut self.mandatory, true, twice),
            "optional" => put(&mut self.mandatory, false, twice),
            "type" => {
                let ident: Ident = value(input)?;
                let kind = Kind::named(&ident).ok_or_else(|| {
                    Error::new_spanned(
                        &ident,
                        "a type is integer, unsigned, float, boolean, string, opaque, time, objlnk or corelnk",
                    )
                })?;
                put(&mut self.kind, (kind, ident), twice)
            }
            _ => Err(Error::new_spanned(
                &key,
                "a resource has `read`, `write`, `execute`, `bootstrap`, `unit`, `range`, `length`, `type`, `check`, \
                 `mandatory`, `optional` and `name`",
            )),
        }
    }
}

fn put<T>(place: &mut Option<T>, value: T, twice: impl FnOnce() -> Error) -> Result<(), Error> {
    match place.replace(value) {
        Some(_) => Err(twice()),
        None => Ok(()),
    }
}

fn value<T: Parse>(input: ParseStream<'_>) -> Result<T, Error> {
    input.parse::<Token![=]>()?;
    input.parse()
}

/// Says which field an error is about.
fn name_field(error: &Error, field: &Ident) -> Error {
    Error::new(error.span(), format!("`{field}`: {error}"))
}

impl Resource<'_> {
    /// An error about the resource, at its type.
    pub(super) fn wrong_type(&self, what: &str) -> Error {
        Error::new(self.ty.span(), format!("`{}` {what}", self.field))
    }

    /// An error about the resource, at `tokens`.
    pub(super) fn wrong(&self, tokens: impl quote::ToTokens, what: &str) -> Error {
        Error::new_spanned(tokens, format!("`{}` {what}", self.field))
    }
}
