//! `#[derive(Object)]` and `#[derive(Objects)]` of `dunlin-agent`, which re-exports both.
//!
//! What can be wrong is said when the program is compiled, with the name of the field: here where the tokens show it, in
//! constants that the derives write where only the types do. The code that they write allocates nothing, has no panic
//! path, and is two matches and a constant definition for each object.

use proc_macro::TokenStream;
use syn::{DeriveInput, parse_macro_input};

mod object;
mod objects;
mod root;

/// Makes a struct an object: an instance of it is an object instance, its fields are resources.
///
/// ```ignore
/// use dunlin_agent::{Execute, Object};
///
/// #[derive(Object)]
/// #[object(id = 3303, version = "1.1")]
/// struct Temperature {
///     #[resource(5700, read, unit = "Cel")]
///     value: f32,
///     #[resource(5701, read)]
///     units: &'static str,
///     #[resource(5605, execute)]
///     reset_min_max: Execute,
/// }
/// ```
///
/// # The struct: `#[object(…)]`
///
/// - `id = 3303`: the object's id, 0 to 65534.
/// - `version = "1.1"`: 1.0 when absent.
/// - `name = "…"`: the registry's name. Firmware does without: nothing in the agent reads it.
/// - `single`: there is no instance but 0. Otherwise there may be several.
/// - `mandatory`: every device has the object.
/// - `create`: servers may create instances, which begin as `Default`, and delete them. `create = path` names a function
///   that makes one.
/// - `crate = path`: where `dunlin-agent` is, if it is not found by itself.
///
/// # A field: `#[resource(…)]`
///
/// Fields without it are the program's own. The type of the field says the type of the resource; `Option<T>` is a
/// resource that an instance may lack, `ResourceInstances<T, N>` a multiple one, `Execute` one to execute.
///
/// - `5700`: the resource's id, 0 to 65534.
/// - `read`, `write`, `execute`: what servers may do. `execute = method` calls `fn method(&mut self, arguments:
///   &Arguments<'_>) -> Result<(), Error>`. `bootstrap` stands alone: only a Bootstrap-Server reaches the resource.
/// - `unit = "Cel"`: the unit of a number, as the registry writes it.
/// - `range = 0..=100`, `range = [0..=247, 255]`: the numbers that are allowed.
/// - `length = 0..=255`, `length = [16, 32]`: the lengths in bytes that text or bytes may have.
/// - `type = integer`: the type, where the registry has another than the Rust type suggests. A whole number is `integer`,
///   `unsigned` or `time`, a text `string` or `corelnk`.
/// - `check = method`: `fn method(&self, value: &Value<'_>) -> Result<(), Error>` has a say in every Write.
/// - `mandatory`, `optional`: in the definition. Otherwise an `Option` and a multiple resource are optional.
/// - `name = "…"`: the registry's name.
#[proc_macro_derive(Object, attributes(object, resource))]
pub fn object(input: TokenStream) -> TokenStream {
    let input = parse_macro_input!(input as DeriveInput);
    object::derive(&input)
        .unwrap_or_else(syn::Error::into_compile_error)
        .into()
}

/// Makes a struct the set of a device's objects: each field is an object, alone or as `Instances`, in any order.
///
/// ```ignore
/// use dunlin_agent::{Instances, Objects, objects::*};
///
/// #[derive(Objects)]
/// struct Node {
///     security: Security<2>,
///     server: Server<2>,
///     device: Device<'static>,
///     temperature: Instances<Temperature, 1>,
/// }
/// ```
///
/// `#[objects(skip)]` leaves a field out; `#[objects(crate = path)]` on the struct says where `dunlin-agent` is. Two
/// fields of the same object do not compile.
#[proc_macro_derive(Objects, attributes(objects))]
pub fn objects(input: TokenStream) -> TokenStream {
    let input = parse_macro_input!(input as DeriveInput);
    objects::derive(&input)
        .unwrap_or_else(syn::Error::into_compile_error)
        .into()
}
