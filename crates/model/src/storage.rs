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

impl Storage for Static {
    type Text = &'static str;
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
