//! Where `dunlin-agent` is for the code that is derived.

use proc_macro_crate::{FoundCrate, crate_name};
use proc_macro2::{Span, TokenStream};
use quote::quote;
use syn::{Data, DeriveInput, Error, Field, Fields, Ident, Path};

/// The path to `dunlin-agent`: as the attribute says, by its own name, or through the facade `dunlin`.
pub(crate) fn root(named: Option<&Path>) -> TokenStream {
    if let Some(path) = named {
        return quote!(#path);
    }
    let identifier = |name: &str| Ident::new(name, Span::call_site());
    match (crate_name("dunlin-agent"), crate_name("dunlin")) {
        (Ok(FoundCrate::Name(name)), _) => {
            let name = identifier(&name);
            quote!(::#name)
        }
        (Ok(FoundCrate::Itself), _) | (Err(_), Err(_)) => quote!(::dunlin_agent),
        (Err(_), Ok(FoundCrate::Itself)) => quote!(::dunlin::agent),
        (Err(_), Ok(FoundCrate::Name(name))) => {
            let name = identifier(&name);
            quote!(::#name::agent)
        }
    }
}

/// The fields of a struct with named fields.
pub(crate) fn fields<'i>(
    input: &'i DeriveInput,
    what: &str,
) -> Result<impl Iterator<Item = (&'i Ident, &'i Field)>, Error> {
    let named = match &input.data {
        Data::Struct(data) => match &data.fields {
            Fields::Named(fields) => Some(&fields.named),
            _ => None,
        },
        _ => None,
    };
    let named = named.ok_or_else(|| {
        Error::new_spanned(
            &input.ident,
            format!(
                "`{}` is no struct with named fields, which {what} is",
                input.ident
            ),
        )
    })?;
    Ok(named
        .iter()
        .filter_map(|field| Some((field.ident.as_ref()?, field))))
}
