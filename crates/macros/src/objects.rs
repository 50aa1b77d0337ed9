//! `#[derive(Objects)]`.

use proc_macro2::{Literal, TokenStream};
use quote::{quote, quote_spanned};
use syn::spanned::Spanned as _;
use syn::{DeriveInput, Error, Ident, Path, Type};

use crate::root::{fields, root};

pub(crate) fn derive(input: &DeriveInput) -> Result<TokenStream, Error> {
    let mut named_root = None;
    for attribute in &input.attrs {
        if attribute.path().is_ident("objects") {
            attribute.parse_nested_meta(|meta| {
                if meta.path.is_ident("crate") {
                    named_root = Some(meta.value()?.parse::<Path>()?);
                    Ok(())
                } else {
                    Err(meta.error("here stands `crate = path` only"))
                }
            })?;
        }
    }
    let root = root(named_root.as_ref());
    let mut objects: Vec<(&Ident, &Type)> = Vec::new();
    for (name, field) in fields(input, "a set of objects")? {
        let mut skip = false;
        for attribute in &field.attrs {
            if attribute.path().is_ident("objects") {
                attribute.parse_nested_meta(|meta| {
                    if meta.path.is_ident("skip") {
                        skip = true;
                        Ok(())
                    } else {
                        Err(meta.error(format!("`{name}`: here stands `skip` only")))
                    }
                })?;
            }
        }
        if !skip {
            objects.push((name, &field.ty));
        }
    }
    if objects.is_empty() {
        return Err(Error::new_spanned(
            &input.ident,
            format!("`{}` has no field that is an object", input.ident),
        ));
    }

    let ident = &input.ident;
    let (impl_generics, type_generics, where_clause) = input.generics.split_for_impl();
    let ids = objects
        .iter()
        .map(|(_, ty)| quote_spanned!(ty.span()=> #root::derive::id::<#ty>()));
    let ids: Vec<_> = ids.collect();
    let mut checks = Vec::new();
    for (index, (name, ty)) in objects.iter().enumerate() {
        for (earlier, earlier_type) in &objects[..index] {
            let message = format!("`{earlier}` and `{name}` are the same object");
            checks.push(quote_spanned! {ty.span()=>
                ::core::assert!(#root::derive::id::<#earlier_type>() != #root::derive::id::<#ty>(), #message);
            });
        }
    }
    let order = quote! {
        const {
            #(#checks)*
            &#root::derive::order([#(#ids),*])
        }
    };
    let arms = |reference: &TokenStream| -> TokenStream {
        let arms = objects.iter().enumerate().map(|(place, (name, ty))| {
            let place = Literal::usize_unsuffixed(place);
            quote_spanned! {ty.span()=>
                #place => ::core::option::Option::Some(#reference self.#name),
            }
        });
        quote!(#(#arms)*)
    };
    let (shared, exclusive) = (arms(&quote!(&)), arms(&quote!(&mut)));
    let early = input.generics.params.is_empty().then(|| {
        quote! {
            const _: () = { #(#checks)* };
        }
    });
    Ok(quote! {
        #early

        #[automatically_derived]
        impl #impl_generics #root::derive::Objects for #ident #type_generics #where_clause {
            fn get(&self, index: usize) -> ::core::option::Option<&dyn #root::derive::Collection> {
                match *#order.get(index)? {
                    #shared
                    _ => ::core::option::Option::None,
                }
            }

            fn get_mut(&mut self, index: usize) -> ::core::option::Option<&mut dyn #root::derive::Collection> {
                match *#order.get(index)? {
                    #exclusive
                    _ => ::core::option::Option::None,
                }
            }
        }
    })
}
