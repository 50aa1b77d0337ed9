//! The code of an object.

use proc_macro2::{Literal, Span, TokenStream};
use quote::{quote, quote_spanned};
use syn::spanned::Spanned as _;
use syn::{DeriveInput, Ident};

use super::attributes::{Create, Object, Resource};
use super::kind::Kind;
use crate::root::root;

pub(super) fn object(input: &DeriveInput, object: &Object<'_>) -> TokenStream {
    let root = root(object.root.as_ref());
    let ident = &input.ident;
    let (impl_generics, type_generics, where_clause) = input.generics.split_for_impl();

    let definition = definition(object, &root);
    let create = object.create.as_ref().map(|create| {
        let instance = match create {
            Create::Default => quote!(::core::default::Default::default()),
            Create::By(path) => quote!(#path()),
        };
        quote! {
            fn create() -> ::core::option::Option<Self> {
                ::core::option::Option::Some(#instance)
            }
        }
    });
    let shared = object.resources.iter().map(|one| arm(one, &quote!(&)));
    let exclusive = object.resources.iter().map(|one| arm(one, &quote!(&mut)));
    let check = check(object, &root);
    let execute = execute(object, &root);
    // Without parameters the definition is a constant that is checked whether it is used or not.
    let early = input.generics.params.is_empty().then(|| {
        quote! {
            const _: &#root::model::ObjectDefinition = #root::derive::definition::<#ident>();
        }
    });
    quote! {
        #early

        #[automatically_derived]
        impl #impl_generics #root::ObjectType for #ident #type_generics #where_clause {
            const DEFINITION: &'static #root::model::ObjectDefinition = #definition;

            #create
        }

        #[automatically_derived]
        impl #impl_generics #root::derive::Object for #ident #type_generics #where_clause {
            fn field(
                &self,
                resource: #root::model::ResourceId,
            ) -> ::core::option::Option<&dyn #root::derive::Field> {
                match resource.get() {
                    #(#shared)*
                    _ => ::core::option::Option::None,
                }
            }

            fn field_mut(
                &mut self,
                resource: #root::model::ResourceId,
            ) -> ::core::option::Option<&mut dyn #root::derive::Field> {
                match resource.get() {
                    #(#exclusive)*
                    _ => ::core::option::Option::None,
                }
            }

            #check
            #execute
        }
    }
}

/// From a number to a field; a type that is none of a field is blamed where it stands.
fn arm(resource: &Resource<'_>, reference: &TokenStream) -> TokenStream {
    let (number, field) = (number(resource), resource.field);
    quote_spanned! {resource.ty.span()=>
        #number => ::core::option::Option::Some(#reference self.#field),
    }
}

fn number(resource: &Resource<'_>) -> Literal {
    Literal::u16_unsuffixed(resource.number)
}

/// The definition, as the value of a constant.
fn definition(object: &Object<'_>, root: &TokenStream) -> TokenStream {
    let id = &object.id;
    let name = object
        .name
        .as_ref()
        .map_or_else(|| quote!(""), |name| quote!(#name));
    let version = object
        .version
        .map(|(major, minor)| quote!(.version(#root::derive::Version::new(#major, #minor))));
    let single = object.single.then(|| quote!(.single()));
    let mandatory = object.mandatory.then(|| quote!(.mandatory()));
    let checks = object.resources.iter().map(|one| checks(one, root));
    let resources = object.resources.iter().map(|one| resource(one, root));
    quote! {
        &#root::model::ObjectDefinition::new(
            #root::derive::ObjectId::of::<#id>(),
            #name,
            const {
                #(#checks)*
                &[#(#resources),*]
            },
        )
        #version
        #single
        #mandatory
    }
}

/// What only the types show: names of types may be aliases.
fn checks(resource: &Resource<'_>, root: &TokenStream) -> TokenStream {
    let ty = resource.ty;
    let field = resource.field;
    let mut checks = Vec::new();
    let mut check = |condition: TokenStream, what: &str| {
        let message = format!("`{field}` {what}");
        checks.push(quote_spanned! {ty.span()=> ::core::assert!(#condition, #message); });
    };
    if resource.execute {
        check(
            quote!(#root::derive::is_execute::<#ty>()),
            "is executed, so its type is `Execute`",
        );
    } else {
        check(
            quote!(!#root::derive::is_execute::<#ty>()),
            "is `Execute`, so `execute` is all that servers may do with it",
        );
    }
    if resource.write {
        check(
            quote!(<#ty as #root::FieldType>::WRITABLE),
            "is borrowed, so servers cannot write it",
        );
    }
    if let Some((kind, _)) = resource.kind.as_ref() {
        let variant = variant(*kind);
        check(
            quote!(#root::derive::is_declarable::<#ty>(#root::model::ValueType::#variant)),
            "cannot be of the type that is declared",
        );
    }
    if resource.unit.is_some() || resource.range.is_some() {
        check(
            quote!(#root::derive::is_number::<#ty>()),
            "is no number, so it has neither unit nor range",
        );
    }
    if let Some(range) = &resource.range
        && (!range.is_whole() || resource.shape.kind == Some(Kind::Float))
    {
        check(
            quote!(#root::derive::is_float::<#ty>()),
            "is a whole number, and its range has a fraction",
        );
    }
    if resource
        .range
        .as_ref()
        .is_some_and(super::range::Ranges::is_whole)
        && resource.shape.kind.is_none()
    {
        check(
            quote!(!#root::derive::is_float::<#ty>()),
            "is a float, whose range is written with fractions, as in 0.0..=1.0",
        );
    }
    if resource.length.is_some() {
        check(
            quote!(#root::derive::has_length::<#ty>()),
            "is neither text nor bytes, so it has no length",
        );
    }
    quote!(#(#checks)*)
}

/// An `Option` in the code.
fn optional(value: Option<TokenStream>) -> TokenStream {
    value.map_or_else(
        || quote!(::core::option::Option::None),
        |value| quote!(::core::option::Option::Some(#value)),
    )
}

fn variant(kind: Kind) -> Ident {
    Ident::new(kind.variant(), Span::call_site())
}

fn resource(resource: &Resource<'_>, root: &TokenStream) -> TokenStream {
    let ty = resource.ty;
    let number = number(resource);
    let name = resource
        .name
        .as_ref()
        .map_or_else(|| quote!(""), |name| quote!(#name));
    let operations = Ident::new(
        match (resource.read, resource.write, resource.execute) {
            (true, true, _) => "RW",
            (true, false, _) => "R",
            (false, true, _) => "W",
            (false, false, true) => "E",
            (false, false, false) => "NONE",
        },
        Span::call_site(),
    );
    let kind = optional(resource.kind.as_ref().map(|(kind, _)| {
        let variant = variant(*kind);
        quote!(#root::model::ValueType::#variant)
    }));
    let mandatory = optional(resource.mandatory.map(|mandatory| quote!(#mandatory)));
    let units = resource.unit.as_ref().map(|unit| quote!(.units(#unit)));
    let variants = quote!(#root::derive::Range);
    let range = match (&resource.range, &resource.length) {
        (Some(range), _) => {
            let whole = match resource.shape.kind {
                Some(kind) => kind.is_whole(),
                None => range.is_whole(),
            };
            let range = if whole {
                range.integers(&variants)
            } else {
                range.floats(&variants)
            };
            Some(quote!(.range(&const { #range })))
        }
        (None, Some(length)) => {
            let range = length.lengths(&variants);
            Some(quote!(.range(&const { #range })))
        }
        (None, None) => None,
    };
    quote_spanned! {ty.span()=>
        #root::derive::resource::<#ty>(
            #root::model::ResourceId::of::<#number>(),
            #name,
            #root::model::Operations::#operations,
            #kind,
            #mandatory,
        )
        #range
        #units
    }
}

/// `Object::check`, where methods have a say.
fn check(object: &Object<'_>, root: &TokenStream) -> Option<TokenStream> {
    let checked: Vec<_> = object
        .resources
        .iter()
        .filter_map(|resource| Some((resource, resource.check.as_ref()?)))
        .collect();
    if checked.is_empty() {
        return None;
    }
    let arms = checked.iter().map(|(resource, method)| {
        let number = number(resource);
        quote_spanned!(method.span()=> #number => self.#method(value)?,)
    });
    Some(quote! {
        fn check(
            &self,
            resource: #root::model::ResourceId,
            _: #root::derive::ResourceInstanceId,
            value: &#root::derive::Value<'_>,
        ) -> ::core::result::Result<(), #root::Error> {
            match resource.get() {
                #(#arms)*
                _ => {}
            }
            #root::derive::Object::field(self, resource)
                .ok_or(#root::Error::NotFound)?
                .check(value)
        }
    })
}

/// `Object::execute`, where methods do it.
fn execute(object: &Object<'_>, root: &TokenStream) -> Option<TokenStream> {
    let methods: Vec<_> = object
        .resources
        .iter()
        .filter_map(|resource| Some((resource, resource.method.as_ref()?)))
        .collect();
    if methods.is_empty() {
        return None;
    }
    let arms = methods.iter().map(|(resource, method)| {
        let number = number(resource);
        quote_spanned!(method.span()=> #number => self.#method(arguments),)
    });
    Some(quote! {
        fn execute(
            &mut self,
            resource: #root::model::ResourceId,
            arguments: &#root::derive::Arguments<'_>,
        ) -> ::core::result::Result<(), #root::Error> {
            match resource.get() {
                #(#arms)*
                _ => #root::derive::Object::field_mut(self, resource)
                    .ok_or(#root::Error::NotAllowed)?
                    .execute(arguments),
            }
        }
    })
}
