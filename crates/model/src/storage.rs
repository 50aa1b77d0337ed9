//! Where the texts and lists of a definition lie.

use core::fmt;
use core::ops::Deref;

/// Where the texts and lists of a definition lie: in the program ([`Static`]) or on the heap ([`Owned`]).
///
/// Definitions are [`Static`] unless something else is said, so that firmware has them as constants. The definitions
/// that a manager loads at run time are [`Owned`]; both are the same types with the same methods.
///
/// [`Owned`]: https://docs.rs/dunlin-model/latest/dunlin_model/struct.Owned.html
pub trait Storage: fmt::Debug + Clone + PartialEq + 'static {
    /// A text.
    type Text: Deref<Target = str> + Clone + fmt::Debug + PartialEq;
    /// A list.
    type List<T: Clone + fmt::Debug + PartialEq + 'static>: Deref<Target = [T]>
        + Clone
        + fmt::Debug
        + PartialEq;
    /// A single thing that most have in common, behind a pointer.
    type Place<T: Clone + fmt::Debug + PartialEq + 'static>: Deref<Target = T>
        + Clone
        + fmt::Debug
        + PartialEq;
}

/// Texts and lists are constants of the program.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Static;

/// A name or a unit in a constant definition: a text, or nothing without the feature `names`.
#[cfg(feature = "names")]
pub type StaticText = &'static str;

/// A name or a unit in a constant definition: nothing, since the feature `names` is off.
#[cfg(not(feature = "names"))]
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct StaticText;

#[cfg(not(feature = "names"))]
impl Deref for StaticText {
    type Target = str;

    fn deref(&self) -> &'static str {
        ""
    }
}

#[cfg(not(feature = "names"))]
impl fmt::Display for StaticText {
    fn fmt(&self, _: &mut fmt::Formatter<'_>) -> fmt::Result {
        Ok(())
    }
}

/// Keeps `text` where constant definitions have texts.
#[cfg(feature = "names")]
pub const fn static_text(text: &'static str) -> StaticText {
    text
}

/// Keeps nothing of `text`, since the feature `names` is off.
#[cfg(not(feature = "names"))]
pub const fn static_text(_: &'static str) -> StaticText {
    StaticText
}

impl Storage for Static {
    type Text = StaticText;
    type List<T: Clone + fmt::Debug + PartialEq + 'static> = &'static [T];
    type Place<T: Clone + fmt::Debug + PartialEq + 'static> = &'static T;
}

/// Texts and lists lie on the heap.
#[cfg(feature = "alloc")]
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Owned;

#[cfg(feature = "alloc")]
impl Storage for Owned {
    type Text = alloc::boxed::Box<str>;
    type List<T: Clone + fmt::Debug + PartialEq + 'static> = alloc::boxed::Box<[T]>;
    type Place<T: Clone + fmt::Debug + PartialEq + 'static> = alloc::boxed::Box<T>;
}
