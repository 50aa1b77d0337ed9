//! A resource: its handlers and what its link says.

use core::fmt;
use core::future::Future;
use core::pin::Pin;
use std::boxed::Box;
use std::string::String;
use std::vec::Vec;

use super::request::Request;
use super::upload::Upload;
use crate::observe::Policy;
use crate::tokio::Response;
use crate::{Code, OptionNumber};

/// A future of an answer.
pub(crate) type Answering = Pin<Box<dyn Future<Output = Response> + Send>>;

/// What answers a method.
pub(super) enum Handler {
    /// At once, on the socket's task.
    Sync(Box<dyn Fn(&Request<'_>) -> Response + Send + Sync>),
    /// In its own time.
    Async(Box<dyn Fn(Request<'static>) -> Answering + Send + Sync>),
    /// While the body arrives.
    Upload(Box<dyn Fn(Request<'static>, Upload) -> Answering + Send + Sync>),
}

/// A resource: handlers of methods, and the attributes of its link in `/.well-known/core` (RFC 6690).
///
/// Made by [`get`], [`get_sync`] and so on, and extended by the methods of the same names.
///
/// ```
/// use dunlin_coap::tokio::{Response, get_sync};
///
/// let route = get_sync(|_| Response::content("22.3 C"))
///     .put_sync(|request| {
///         println!("{:?}", request.payload());
///         Response::changed()
///     })
///     .resource_type("temperature")
///     .content_format(0);
/// ```
#[derive(Default)]
pub struct Route {
    /// By the code of the method minus one.
    handlers: [Option<Handler>; 7],
    attributes: String,
    pub(super) formats: Vec<u16>,
    understood: Vec<OptionNumber>,
    pub(super) max_body: Option<usize>,
    pub(super) observable: Option<Policy>,
    pub(super) hidden: bool,
}

macro_rules! methods {
    ($($name:ident $sync:ident $code:ident $text:literal;)*) => {
        $(
            #[doc = concat!("A resource whose ", $text, " is answered by a future.")]
            pub fn $name<F, R, T>(handler: F) -> Route
            where
                F: Fn(Request<'static>) -> R + Send + Sync + 'static,
                R: Future<Output = T> + Send + 'static,
                T: Into<Response>,
            {
                Route::default().$name(handler)
            }

            #[doc = concat!("A resource whose ", $text, " is answered at once, on the task of the socket: for what ")]
            #[doc = "neither waits nor computes for long. Costs no allocation and no switch of tasks."]
            pub fn $sync<F, T>(handler: F) -> Route
            where
                F: Fn(&Request<'_>) -> T + Send + Sync + 'static,
                T: Into<Response>,
            {
                Route::default().$sync(handler)
            }
        )*

        impl Route {
            $(
                #[doc = concat!("Answers ", $text, " by a future.")]
                #[must_use]
                pub fn $name<F, R, T>(self, handler: F) -> Self
                where
                    F: Fn(Request<'static>) -> R + Send + Sync + 'static,
                    R: Future<Output = T> + Send + 'static,
                    T: Into<Response>,
                {
                    let handler = move |request| -> Answering {
                        let answer = handler(request);
                        Box::pin(async move { answer.await.into() })
                    };
                    self.with(Code::$code, Handler::Async(Box::new(handler)))
                }

                #[doc = concat!("Answers ", $text, " at once, on the task of the socket.")]
                #[must_use]
                pub fn $sync<F, T>(self, handler: F) -> Self
                where
                    F: Fn(&Request<'_>) -> T + Send + Sync + 'static,
                    T: Into<Response>,
                {
                    let handler = move |request: &Request<'_>| handler(request).into();
                    self.with(Code::$code, Handler::Sync(Box::new(handler)))
                }
            )*
        }
    };
}

methods! {
    get get_sync GET "GET";
    post post_sync POST "POST";
    put put_sync PUT "PUT";
    delete delete_sync DELETE "DELETE";
    fetch fetch_sync FETCH "FETCH (RFC 8132)";
    patch patch_sync PATCH "PATCH (RFC 8132)";
    ipatch ipatch_sync IPATCH "iPATCH (RFC 8132)";
}

/// A resource to which bodies of any length are put: the handler gets them while they arrive.
///
/// Nothing but the block that has just arrived is in memory, and the client is told to go on only once the handler
/// asks for more: a firmware image goes straight to the disk.
pub fn put_upload<F, R, T>(handler: F) -> Route
where
    F: Fn(Request<'static>, Upload) -> R + Send + Sync + 'static,
    R: Future<Output = T> + Send + 'static,
    T: Into<Response>,
{
    Route::default().put_upload(handler)
}

impl Route {
    fn with(mut self, method: Code, handler: Handler) -> Self {
        let slot = usize::from(method.0.wrapping_sub(1));
        if let Some(slot) = self.handlers.get_mut(slot) {
            *slot = Some(handler);
        }
        self
    }

    /// What answers this method.
    pub(super) fn handler(&self, method: Code) -> Option<&Handler> {
        let slot = usize::from(method.0.wrapping_sub(1));
        self.handlers.get(slot)?.as_ref()
    }

    /// Answers PUT while the body arrives, see [`put_upload`].
    #[must_use]
    pub fn put_upload<F, R, T>(self, handler: F) -> Self
    where
        F: Fn(Request<'static>, Upload) -> R + Send + Sync + 'static,
        R: Future<Output = T> + Send + 'static,
        T: Into<Response>,
    {
        self.with(Code::PUT, upload(handler))
    }

    /// Answers POST while the body arrives, see [`put_upload`].
    #[must_use]
    pub fn post_upload<F, R, T>(self, handler: F) -> Self
    where
        F: Fn(Request<'static>, Upload) -> R + Send + Sync + 'static,
        R: Future<Output = T> + Send + 'static,
        T: Into<Response>,
    {
        self.with(Code::POST, upload(handler))
    }

    /// Lets clients observe the resource (RFC 7641): [`Server::notify`](super::Server::notify) or a [`Notifier`](super::Notifier) tells them of a change.
    ///
    /// Notifications are Confirmable, so that a client that is gone is found out.
    #[must_use]
    pub fn observable(self) -> Self {
        self.observable_with(Policy::CONFIRMABLE)
    }

    /// Lets clients observe the resource, and says how they are notified.
    #[must_use]
    pub fn observable_with(mut self, policy: Policy) -> Self {
        self.observable = Some(policy);
        self.attribute("obs", None)
    }

    /// The resource can be represented in this format; may be called for several. A request that accepts none of
    /// them gets 4.06 Not Acceptable.
    #[must_use]
    pub fn content_format(mut self, format: u16) -> Self {
        self.formats.push(format);
        self
    }

    /// The resource type of the link, `rt` (RFC 6690 §3.1).
    #[must_use]
    pub fn resource_type(self, types: &str) -> Self {
        self.attribute("rt", Some(types))
    }

    /// The interface description of the link, `if` (RFC 6690 §3.2).
    #[must_use]
    pub fn interface(self, interfaces: &str) -> Self {
        self.attribute("if", Some(interfaces))
    }

    /// The title of the link (RFC 8288 §3.4.1).
    #[must_use]
    pub fn title(self, title: &str) -> Self {
        self.attribute("title", Some(title))
    }

    /// Leaves the resource out of `/.well-known/core`.
    #[must_use]
    pub const fn hidden(mut self) -> Self {
        self.hidden = true;
        self
    }

    /// The greatest body of a request in bytes, in place of the server's: above it, 4.13 Request Entity Too Large.
    #[must_use]
    pub const fn max_body(mut self, bytes: usize) -> Self {
        self.max_body = Some(bytes);
        self
    }

    /// The handlers understand this critical option, such as [`OptionNumber::IF_MATCH`], which is refused with 4.02
    /// Bad Option otherwise.
    #[must_use]
    pub fn understands(mut self, option: OptionNumber) -> Self {
        self.understood.push(option);
        self
    }

    pub(super) fn knows(&self, option: OptionNumber) -> bool {
        self.understood.contains(&option)
    }

    fn attribute(mut self, name: &str, value: Option<&str>) -> Self {
        self.attributes.push(';');
        self.attributes.push_str(name);
        if let Some(value) = value {
            self.attributes.push_str("=\"");
            // Of a quoted-string only these two need care.
            for character in value.chars() {
                if matches!(character, '"' | '\\') {
                    self.attributes.push('\\');
                }
                self.attributes.push(character);
            }
            self.attributes.push('"');
        }
        self
    }

    /// The attributes of the link as they are written.
    pub(super) fn link_attributes(&self) -> String {
        use core::fmt::Write;

        let mut text = self.attributes.clone();
        match &*self.formats {
            [] => {}
            [format] => {
                // Writing to a string does not fail.
                let _ = write!(text, ";ct={format}");
            }
            [first, rest @ ..] => {
                let _ = write!(text, ";ct=\"{first}");
                for format in rest {
                    let _ = write!(text, " {format}");
                }
                text.push('"');
            }
        }
        text
    }
}

fn upload<F, R, T>(handler: F) -> Handler
where
    F: Fn(Request<'static>, Upload) -> R + Send + Sync + 'static,
    R: Future<Output = T> + Send + 'static,
    T: Into<Response>,
{
    Handler::Upload(Box::new(move |request, upload| {
        let answer = handler(request, upload);
        Box::pin(async move { answer.await.into() })
    }))
}

impl fmt::Debug for Route {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Route")
            .field("link", &self.link_attributes())
            .finish_non_exhaustive()
    }
}
