//! `range = 0..=100` and `length = [16, 32, 48]`.

use proc_macro2::TokenStream;
use quote::{ToTokens, quote};
use syn::parse::{Parse, ParseStream};
use syn::punctuated::Punctuated;
use syn::{Error, Lit, Token, bracketed};

/// A number with its sign.
#[derive(Clone)]
pub(super) struct Number {
    minus: Option<Token![-]>,
    literal: Lit,
    value: f64,
}

/// Numbers from the first to the last, both included; a single one is both.
pub(super) struct Span {
    pub(super) first: Number,
    pub(super) last: Number,
    single: bool,
}

/// What stands after `range =` or `length =`.
pub(super) struct Ranges {
    pub(super) spans: Vec<Span>,
    list: bool,
}

impl Parse for Number {
    fn parse(input: ParseStream<'_>) -> Result<Self, Error> {
        let minus: Option<Token![-]> = input.parse()?;
        let literal: Lit = input.parse()?;
        let value = match &literal {
            Lit::Int(number) if number.suffix().is_empty() => number.base10_parse().ok(),
            Lit::Float(number) if number.suffix().is_empty() => number.base10_parse().ok(),
            _ => None,
        };
        let value: f64 =
            value.ok_or_else(|| Error::new_spanned(&literal, "a number belongs here"))?;
        Ok(Self {
            value: if minus.is_some() { -value } else { value },
            minus,
            literal,
        })
    }
}

impl Parse for Span {
    fn parse(input: ParseStream<'_>) -> Result<Self, Error> {
        let first: Number = input.parse()?;
        let single = !input.peek(Token![..]);
        let last = if single {
            first.clone()
        } else if input.peek(Token![..=]) {
            input.parse::<Token![..=]>()?;
            input.parse()?
        } else {
            return Err(input.error("both ends belong to a range: write `first..=last`"));
        };
        if first.value > last.value {
            return Err(Error::new_spanned(
                &last,
                "the last number of a range is not below the first",
            ));
        }
        Ok(Self {
            first,
            last,
            single,
        })
    }
}

impl Parse for Ranges {
    fn parse(input: ParseStream<'_>) -> Result<Self, Error> {
        if input.peek(syn::token::Bracket) {
            let inside;
            let bracket = bracketed!(inside in input);
            let spans: Punctuated<Span, Token![,]> = Punctuated::parse_terminated(&inside)?;
            if spans.is_empty() {
                return Err(Error::new(
                    bracket.span.join(),
                    "a list of ranges has at least one",
                ));
            }
            return Ok(Self {
                spans: spans.into_iter().collect(),
                list: true,
            });
        }
        Ok(Self {
            spans: vec![input.parse()?],
            list: false,
        })
    }
}

impl Number {
    fn is_whole(&self) -> bool {
        matches!(self.literal, Lit::Int(_))
    }

    /// As a floating point number: `1` becomes `1.0`.
    fn float(&self) -> TokenStream {
        let (minus, literal) = (&self.minus, &self.literal);
        if let Lit::Int(number) = literal {
            let value = number.base10_parse().unwrap_or_default();
            let literal = proc_macro2::Literal::f64_unsuffixed(value);
            quote!(#minus #literal)
        } else {
            quote!(#minus #literal)
        }
    }
}

impl ToTokens for Number {
    fn to_tokens(&self, tokens: &mut TokenStream) {
        self.minus.to_tokens(tokens);
        self.literal.to_tokens(tokens);
    }
}

impl ToTokens for Ranges {
    fn to_tokens(&self, tokens: &mut TokenStream) {
        for span in &self.spans {
            span.first.to_tokens(tokens);
            if !span.single {
                <Token![..=]>::default().to_tokens(tokens);
                span.last.to_tokens(tokens);
            }
        }
    }
}

impl Ranges {
    pub(super) fn is_whole(&self) -> bool {
        self.spans
            .iter()
            .all(|span| span.first.is_whole() && span.last.is_whole())
    }

    pub(super) fn is_list(&self) -> bool {
        self.list
    }

    pub(super) fn has_negative(&self) -> bool {
        self.spans.iter().any(|span| span.first.value < 0.0)
    }

    pub(super) fn has_pair(&self) -> bool {
        self.spans.iter().any(|span| !span.single)
    }

    /// The smallest and the largest number.
    pub(super) fn ends(&self) -> (f64, f64) {
        self.spans
            .iter()
            .fold((f64::INFINITY, f64::NEG_INFINITY), |(min, max), span| {
                (min.min(span.first.value), max.max(span.last.value))
            })
    }

    /// The variant of `Range` for whole numbers.
    pub(super) fn integers(&self, range: &TokenStream) -> TokenStream {
        let first = self.spans.iter().map(|span| &span.first);
        let last = self.spans.iter().map(|span| &span.last);
        if self.list {
            quote!(#range::integers(&[#((#first, #last)),*]))
        } else {
            quote!(#range::Integer(#(#first, #last)*))
        }
    }

    /// The variant of `Range` for floating point numbers.
    pub(super) fn floats(&self, range: &TokenStream) -> TokenStream {
        let first = self.spans.iter().map(|span| span.first.float());
        let last = self.spans.iter().map(|span| span.last.float());
        quote!(#range::Float(#(#first, #last)*))
    }

    /// The variant of `Range` for lengths.
    pub(super) fn lengths(&self, range: &TokenStream) -> TokenStream {
        let first = self.spans.iter().map(|span| &span.first);
        let last = self.spans.iter().map(|span| &span.last);
        if self.list || !self.has_pair() {
            quote!(#range::lengths(&[#(#first),*]))
        } else {
            quote!(#range::Length(#(#first, #last)*))
        }
    }
}
