//! Parameters of Register, Update and De-register.

use dunlin_coap::{Code, Message, MessageBuilder, OptionNumber};
use dunlin_codec::ContentFormat;
use dunlin_model::decimal::short_digits_of;

use crate::query;
use crate::{Binding, LwM2mVersion, RequestError};

/// The lifetime of a registration that names none, in seconds (Core 1.2.2 §6.2.1; a client of 1.0 may leave it out).
pub const DEFAULT_LIFETIME: u32 = 86_400;

/// The longest endpoint name: a Uri-Query option holds 255 bytes (RFC 7252 Table 4), three of them are `ep=`.
const MAX_ENDPOINT: usize = 252;

/// A Register request: `POST /rd?ep=…&lt=…&lwm2m=…&b=…&Q&sms=…&pid=…` with the object list in link format
/// (Transport 1.2.2 §6.4.3).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub struct Register<'a> {
    /// The endpoint name, 1 to 252 bytes without control characters; `None` when the client leaves it to its
    /// credentials (1.1 and later).
    pub endpoint: Option<&'a str>,
    /// Seconds until the registration ends by itself; 0 never (1.1 and later).
    pub lifetime: u32,
    /// The version of the enabler.
    pub version: LwM2mVersion,
    /// The transports on which the client can be reached.
    pub binding: Binding,
    /// Whether the client sleeps and wants its requests queued (Transport 1.2.2 §6.5).
    pub queue_mode: bool,
    /// The MSISDN for SMS, digits without `+`.
    pub sms: Option<&'a str>,
    /// Profile IDs as given (1.2).
    pub profile_ids: Option<&'a str>,
    /// The object list in CoRE link format; of a block-wise request this is the block at hand.
    pub links: &'a [u8],
}

impl<'a> Register<'a> {
    /// A registration over UDP, without queue mode. Its object list is the payload put after [`write`](Self::write).
    pub const fn new(endpoint: &'a str, lifetime: u32, version: LwM2mVersion) -> Self {
        Self {
            endpoint: Some(endpoint),
            lifetime,
            version,
            binding: Binding::U,
            queue_mode: false,
            sms: None,
            profile_ids: None,
            links: &[],
        }
    }

    /// Reads the parameters of a `POST /rd`.
    ///
    /// # Errors
    ///
    /// 4.00 for a parameter that is missing, malformed, repeated or unknown, 4.12 for an unsupported version, 4.15
    /// for a payload that says it is not link format (Transport 1.2.2 §6.7).
    pub fn from_message(message: &Message<'a>) -> Result<Self, RequestError> {
        let (parameters, rest) = Parameters::read(message)?;
        let version = match rest.version {
            Some(text) => LwM2mVersion::parse(text)?,
            None => LwM2mVersion::V1_0,
        };
        let lifetime = match parameters.lifetime {
            Some(lifetime) => lifetime,
            None if version == LwM2mVersion::V1_0 => DEFAULT_LIFETIME,
            None => return Err(RequestError::bad_request("lt: the lifetime is missing")),
        };
        if version == LwM2mVersion::V1_0 && lifetime == 0 {
            return Err(RequestError::bad_request(
                "lt: not a number of seconds from 1 to 4294967295",
            ));
        }
        if let Some(endpoint) = rest.endpoint {
            check_endpoint(endpoint)?;
        }
        let binding = parameters.binding.unwrap_or_default();
        Ok(Self {
            endpoint: rest.endpoint,
            lifetime,
            version,
            binding,
            queue_mode: parameters.queue_mode || binding.queue_mode(),
            sms: parameters.sms,
            profile_ids: parameters.profile_ids,
            links: link_payload(message)?,
        })
    }

    /// Adds Uri-Path, Content-Format and Uri-Query options; Block1 and the payload may follow. With Profile IDs and
    /// without [`links`](Self::links) there is no payload, and no Content-Format.
    ///
    /// The endpoint name is written as it is: see [`check_endpoint`] for what a server takes.
    pub fn write(&self, builder: &mut MessageBuilder<'_>) {
        builder.option(OptionNumber::URI_PATH, b"rd");
        // Profile IDs may stand for the object list.
        if self.profile_ids.is_none() || !self.links.is_empty() {
            builder.content_format(ContentFormat::LINK_FORMAT.0);
        }
        if let Some(endpoint) = self.endpoint {
            text_query(builder, b"ep=", endpoint);
        }
        number_query(builder, b"lt=", self.lifetime);
        text_query(builder, b"lwm2m=", self.version.as_str());
        binding_query(builder, self.binding);
        if self.queue_mode && self.version != LwM2mVersion::V1_0 {
            builder.option(OptionNumber::URI_QUERY, b"Q");
        }
        if let Some(sms) = self.sms {
            text_query(builder, b"sms=", sms);
        }
        if let Some(profile_ids) = self.profile_ids {
            text_query(builder, b"pid=", profile_ids);
        }
    }
}

/// An Update request: `POST /{location}?lt=…&b=…&Q&sms=…&pid=…`, with only what has changed (Transport 1.2.2 §6.4.3).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
#[non_exhaustive]
pub struct Update<'a> {
    /// The new lifetime in seconds.
    pub lifetime: Option<u32>,
    /// The new transports.
    pub binding: Option<Binding>,
    /// Whether the `Q` flag is there. Its absence says nothing: an Update carries only what has changed.
    pub queue_mode: bool,
    /// The new MSISDN.
    pub sms: Option<&'a str>,
    /// The new Profile IDs (1.2).
    pub profile_ids: Option<&'a str>,
    /// The whole new object list in CoRE link format, empty when it has not changed.
    pub links: &'a [u8],
}

impl<'a> Update<'a> {
    /// Reads the parameters of a `POST` to a registration's location.
    ///
    /// # Errors
    ///
    /// 4.00 for a parameter that is malformed, repeated or not allowed here (`ep`, `lwm2m`), 4.15 for a payload that
    /// says it is not link format.
    pub fn from_message(message: &Message<'a>) -> Result<Self, RequestError> {
        let (parameters, rest) = Parameters::read(message)?;
        if rest.endpoint.is_some() || rest.version.is_some() {
            return Err(RequestError::bad_request(
                "ep and lwm2m cannot be changed by an Update",
            ));
        }
        Ok(Self {
            lifetime: parameters.lifetime,
            binding: parameters.binding,
            queue_mode: parameters.queue_mode
                || parameters.binding.is_some_and(Binding::queue_mode),
            sms: parameters.sms,
            profile_ids: parameters.profile_ids,
            links: link_payload(message)?,
        })
    }

    /// Adds the Uri-Path options of `location` and the Uri-Query options, with Content-Format between them when
    /// `with_links` says that the object list follows as payload.
    pub fn write<S: AsRef<[u8]>>(
        &self,
        builder: &mut MessageBuilder<'_>,
        location: impl IntoIterator<Item = S>,
        with_links: bool,
    ) {
        builder.path(location);
        if with_links {
            builder.content_format(ContentFormat::LINK_FORMAT.0);
        }
        if let Some(lifetime) = self.lifetime {
            number_query(builder, b"lt=", lifetime);
        }
        if let Some(binding) = self.binding {
            binding_query(builder, binding);
        }
        if self.queue_mode && !self.binding.is_some_and(Binding::queue_mode) {
            builder.option(OptionNumber::URI_QUERY, b"Q");
        }
        if let Some(sms) = self.sms {
            text_query(builder, b"sms=", sms);
        }
        if let Some(profile_ids) = self.profile_ids {
            text_query(builder, b"pid=", profile_ids);
        }
    }
}

/// The parameters that Register and Update share.
#[derive(Default)]
struct Parameters<'a> {
    lifetime: Option<u32>,
    binding: Option<Binding>,
    queue_mode: bool,
    sms: Option<&'a str>,
    profile_ids: Option<&'a str>,
}

/// The parameters that only Register has.
#[derive(Default)]
struct RegisterOnly<'a> {
    endpoint: Option<&'a str>,
    version: Option<&'a str>,
}

impl<'a> Parameters<'a> {
    fn read(message: &Message<'a>) -> Result<(Self, RegisterOnly<'a>), RequestError> {
        let mut shared = Self::default();
        let mut only = RegisterOnly::default();
        for item in query::items(message) {
            let fresh = match item? {
                ("ep", Some(value)) => only.endpoint.replace(value).is_none(),
                ("lwm2m", Some(value)) => only.version.replace(value).is_none(),
                ("lt", Some(value)) => {
                    let lifetime = query::decimal(value).ok_or(RequestError::bad_request(
                        "lt: not a number of seconds from 0 to 4294967295",
                    ))?;
                    shared.lifetime.replace(lifetime).is_none()
                }
                ("b", Some(value)) => shared.binding.replace(Binding::parse(value)?).is_none(),
                ("Q", None) => !core::mem::replace(&mut shared.queue_mode, true),
                ("sms", Some(value)) => {
                    if value.is_empty() || !value.bytes().all(|byte| byte.is_ascii_digit()) {
                        return Err(RequestError::bad_request(
                            "sms: not a number of digits alone",
                        ));
                    }
                    shared.sms.replace(value).is_none()
                }
                ("pid", Some(value)) => shared.profile_ids.replace(value).is_none(),
                _ => {
                    return Err(RequestError::bad_request(
                        "an unknown parameter in the query",
                    ));
                }
            };
            if !fresh {
                return Err(RequestError::bad_request("a parameter is given twice"));
            }
        }
        Ok((shared, only))
    }
}

/// Checks that `endpoint` can name a client: 1 to 252 bytes (a Uri-Query option holds 255, RFC 7252 Table 4) without
/// control characters.
///
/// # Errors
///
/// 4.00, as a server answers it.
pub fn check_endpoint(endpoint: &str) -> Result<(), RequestError> {
    if endpoint.is_empty()
        || endpoint.len() > MAX_ENDPOINT
        || endpoint.chars().any(char::is_control)
    {
        return Err(RequestError::bad_request(
            "ep: not a name of 1 to 252 bytes without control characters",
        ));
    }
    Ok(())
}

/// The payload, unless its Content-Format names something other than link format. A payload without one is taken for
/// link format: nothing else can stand here.
fn link_payload<'a>(message: &Message<'a>) -> Result<&'a [u8], RequestError> {
    match message.content_format() {
        Some(format) if format != ContentFormat::LINK_FORMAT.0 && !message.payload().is_empty() => {
            Err(RequestError::new(
                Code::UNSUPPORTED_CONTENT_FORMAT,
                "the object list must be in link format (40)",
            ))
        }
        _ => Ok(message.payload()),
    }
}

fn number_query(builder: &mut MessageBuilder<'_>, name: &[u8], value: u32) {
    let digits = &mut [0; 10];
    let digits = short_digits_of(value, digits);
    builder.option_parts(OptionNumber::URI_QUERY, &[name, digits]);
}

fn text_query(builder: &mut MessageBuilder<'_>, name: &[u8], value: &str) {
    builder.option_parts(OptionNumber::URI_QUERY, &[name, value.as_bytes()]);
}

fn binding_query(builder: &mut MessageBuilder<'_>, binding: Binding) {
    let mut letters = [0; 7];
    let length = binding.encode(&mut letters);
    builder.option_parts(
        OptionNumber::URI_QUERY,
        &[b"b=", letters.get(..length).unwrap_or_default()],
    );
}

#[cfg(test)]
mod tests;
