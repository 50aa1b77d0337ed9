//! `#[derive(Object)]`.

use proc_macro2::TokenStream;
use syn::{DeriveInput, Error};

mod attributes;
mod check;
mod expand;
mod kind;
mod range;

pub(crate) fn derive(input: &DeriveInput) -> Result<TokenStream, Error> {
    let object = attributes::Object::parse(input)?;
    check::object(&object)?;
    Ok(expand::object(input, &object))
}
