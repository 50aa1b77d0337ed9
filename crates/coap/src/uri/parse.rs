//! The grammar (RFC 3986 Appendix A) and what CoAP takes of it.

use core::fmt;
use core::net::Ipv6Addr;

use nom::branch::alt;
use nom::bytes::complete::{tag, take_while, take_while_m_n, take_while1};
use nom::character::complete::{char, digit0};
use nom::combinator::{opt, recognize};
use nom::error::ErrorKind;
use nom::multi::many0_count;
use nom::sequence::{delimited, preceded};
use nom::{IResult, Parser};

use super::encoded::Encoded;
use super::{Host, MAX_COMPONENT_LEN, MAX_LEN, Scheme, Uri};

/// Why a text is no URI of CoAP, and where.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[cfg_attr(feature = "defmt", derive(defmt::Format))]
pub struct UriError {
    /// The offset in bytes.
    pub position: usize,
    /// What is wrong.
    pub problem: UriProblem,
}

/// What is wrong with a URI.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[cfg_attr(feature = "defmt", derive(defmt::Format))]
#[non_exhaustive]
pub enum UriProblem {
    /// Longer than [`MAX_LEN`].
    TooLong,
    /// Does not begin with a scheme and a colon: not an absolute URI (RFC 7252 §6.4 step 1).
    NotAbsolute,
    /// The scheme is none of CoAP (RFC 7252 §6.4 step 3, RFC 8323 §8.6).
    UnknownScheme,
    /// No `//` follows the scheme, or the host is empty (RFC 7252 §6.1).
    MissingHost,
    /// There is userinfo before the host, which CoAP has not (RFC 7252 §6.1).
    UserInfo,
    /// What stands in brackets is no IPv6 address, or the bracket is not closed.
    BadAddress,
    /// The port is no number up to 65535.
    BadPort,
    /// A `%` without two hexadecimal digits.
    BadPercentEncoding,
    /// A character that must be percent-encoded here.
    BadCharacter,
    /// A fragment, which must have been taken off (RFC 7252 §6.4 step 4).
    Fragment,
    /// A host, segment or argument longer than [`MAX_COMPONENT_LEN`] once decoded.
    ComponentTooLong,
    /// A host, segment or argument that is not UTF-8 once decoded (RFC 7252 §3.2).
    NotUtf8,
}

impl fmt::Display for UriError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let problem = match self.problem {
            UriProblem::TooLong => "URI is too long",
            UriProblem::NotAbsolute => "URI has no scheme",
            UriProblem::UnknownScheme => "URI scheme is not one of CoAP",
            UriProblem::MissingHost => "URI has no host",
            UriProblem::UserInfo => "CoAP URI has user information",
            UriProblem::BadAddress => "bad IPv6 address in URI",
            UriProblem::BadPort => "bad port in URI",
            UriProblem::BadPercentEncoding => "percent sign without two hexadecimal digits in URI",
            UriProblem::BadCharacter => "character not allowed in URI",
            UriProblem::Fragment => "CoAP URI has a fragment",
            UriProblem::ComponentTooLong => "part of the URI is longer than 255 bytes",
            UriProblem::NotUtf8 => "part of the URI is not UTF-8",
        };
        write!(f, "{problem} at byte {}", self.position)
    }
}

impl core::error::Error for UriError {}

/// What failed, with the text that was left.
struct Failed<'a> {
    rest: &'a str,
    problem: UriProblem,
}

impl<'a> nom::error::ParseError<&'a str> for Failed<'a> {
    fn from_error_kind(rest: &'a str, _: ErrorKind) -> Self {
        Self {
            rest,
            problem: UriProblem::BadCharacter,
        }
    }

    fn append(_: &'a str, _: ErrorKind, other: Self) -> Self {
        other
    }
}

type Parsed<'a, T = &'a str> = IResult<&'a str, T, Failed<'a>>;

fn fail<T>(rest: &str, problem: UriProblem) -> Parsed<'_, T> {
    Err(nom::Err::Failure(Failed { rest, problem }))
}

pub(super) fn uri(text: &str) -> Result<Uri<'_>, UriError> {
    let position = |rest: &str| text.len().saturating_sub(rest.len());
    if text.len() > MAX_LEN {
        return Err(UriError {
            position: MAX_LEN,
            problem: UriProblem::TooLong,
        });
    }
    match absolute(text) {
        Ok((_, uri)) => {
            check_components(text, &uri)?;
            Ok(uri)
        }
        Err(nom::Err::Error(failed) | nom::Err::Failure(failed)) => Err(UriError {
            position: position(failed.rest),
            problem: failed.problem,
        }),
        // Never: all parsers are complete ones.
        Err(nom::Err::Incomplete(_)) => Err(UriError {
            position: text.len(),
            problem: UriProblem::NotAbsolute,
        }),
    }
}

/// `scheme "://" host [ ":" port ] path-abempty [ "?" query ]`
fn absolute(text: &str) -> Parsed<'_, Uri<'_>> {
    let Ok((rest, name)) = scheme(text) else {
        return fail(text, UriProblem::NotAbsolute);
    };
    let Some(scheme) = Scheme::from_name(name) else {
        return fail(text, UriProblem::UnknownScheme);
    };
    let Ok((from_host, _)) = tag::<_, _, Failed<'_>>("//").parse(rest) else {
        return fail(rest, UriProblem::MissingHost);
    };
    let (rest, (host_text, host)) = host(from_host)?;
    let (rest, port) = port(rest)?;
    let authority = from_host
        .get(..from_host.len().saturating_sub(rest.len()))
        .unwrap_or_default();
    let (rest, path) = opt(recognize((char('/'), encoded(is_path)))).parse(rest)?;
    let (rest, query) = opt(preceded(char('?'), encoded(is_query))).parse(rest)?;
    if let Some(stop) = rest.bytes().next() {
        return fail(rest, stopped_by(stop));
    }
    Ok((
        rest,
        Uri {
            scheme,
            host,
            host_text,
            port,
            authority,
            path: path.unwrap_or_default(),
            query,
        },
    ))
}

/// `ALPHA *( ALPHA / DIGIT / "+" / "-" / "." ) ":"`
fn scheme(text: &str) -> Parsed<'_> {
    let (rest, name) = recognize((
        take_while_m_n(1, 1, |c: char| c.is_ascii_alphabetic()),
        take_while(|c: char| c.is_ascii_alphanumeric() || matches!(c, '+' | '-' | '.')),
    ))
    .parse(text)?;
    let (rest, _) = char(':').parse(rest)?;
    Ok((rest, name))
}

fn host(text: &str) -> Parsed<'_, (&str, Host<'_>)> {
    if text.starts_with('[') {
        return ip_literal(text);
    }
    let (rest, name) = encoded(is_reg_name).parse(text)?;
    if has_user_info(rest) {
        return fail(text, UriProblem::UserInfo);
    }
    if name.is_empty() {
        let problem = match rest.bytes().next() {
            None | Some(b'/' | b'?' | b'#' | b':') => UriProblem::MissingHost,
            Some(stop) => stopped_by(stop),
        };
        return fail(text, problem);
    }
    // "First match wins": what is no IPv4 address is a name (RFC 3986 §3.2.2).
    let host = match name.parse() {
        Ok(address) => Host::Ipv4(address),
        Err(_) => Host::Name(Encoded::lower_case(name)),
    };
    Ok((rest, (name, host)))
}

/// Whether an `@` ends the authority's first part.
fn has_user_info(rest: &str) -> bool {
    rest.split(['/', '?', '#'])
        .next()
        .is_some_and(|authority| authority.contains('@'))
}

/// `"[" IPv6address [ "%25" zone ] "]"`; no other version of IP exists.
fn ip_literal(text: &str) -> Parsed<'_, (&str, Host<'_>)> {
    let literal = recognize(delimited(
        char('['),
        take_while1(|c: char| c != ']'),
        char(']'),
    ))
    .parse(text);
    let Ok((rest, literal)) = literal as Parsed<'_> else {
        return fail(text, UriProblem::BadAddress);
    };
    let inner = literal
        .strip_prefix('[')
        .and_then(|literal| literal.strip_suffix(']'))
        .unwrap_or_default();
    let (address, zone) = match inner.split_once("%25") {
        Some((address, zone)) => (address, Some(zone)),
        None => (inner, None),
    };
    match address.parse::<Ipv6Addr>() {
        Ok(address)
            if zone.is_none_or(|zone| !zone.is_empty() && zone.chars().all(is_unreserved)) =>
        {
            Ok((rest, (literal, Host::Ipv6 { address, zone })))
        }
        _ => fail(text, UriProblem::BadAddress),
    }
}

/// `[ ":" *DIGIT ]`; an empty one is none.
fn port(text: &str) -> Parsed<'_, Option<u16>> {
    let (rest, digits) = opt(preceded(char(':'), digit0)).parse(text)?;
    // After the port comes the path, the query, the fragment or nothing.
    if digits.is_some() && !matches!(rest.bytes().next(), None | Some(b'/' | b'?' | b'#')) {
        return fail(rest, UriProblem::BadPort);
    }
    match digits {
        None | Some("") => Ok((rest, None)),
        Some(digits) => match digits.parse() {
            Ok(port) => Ok((rest, Some(port))),
            Err(_) => fail(digits_start(text), UriProblem::BadPort),
        },
    }
}

fn digits_start(text: &str) -> &str {
    text.strip_prefix(':').unwrap_or(text)
}

/// Any number of allowed characters and percent-encodings.
fn encoded<'a>(
    is_allowed: fn(char) -> bool,
) -> impl Parser<&'a str, Output = &'a str, Error = Failed<'a>> {
    recognize(many0_count(alt((
        take_while1(is_allowed),
        recognize((
            char('%'),
            take_while_m_n(2, 2, |c: char| c.is_ascii_hexdigit()),
        )),
    ))))
}

/// What is wrong with a byte that none of the parsers took.
const fn stopped_by(byte: u8) -> UriProblem {
    match byte {
        b'#' => UriProblem::Fragment,
        b'%' => UriProblem::BadPercentEncoding,
        _ => UriProblem::BadCharacter,
    }
}

/// Every component is what an option may carry.
fn check_components(text: &str, uri: &Uri<'_>) -> Result<(), UriError> {
    let host = core::iter::once(Encoded::new(uri.host_text));
    // All segments, those too that dot segments remove.
    let path = uri.path.split('/').map(Encoded::new);
    for component in host.chain(path).chain(uri.query()) {
        let mut buffer = [0; MAX_COMPONENT_LEN];
        let problem = match component.try_decode(&mut buffer) {
            None => UriProblem::ComponentTooLong,
            Some(bytes) if core::str::from_utf8(bytes).is_err() => UriProblem::NotUtf8,
            Some(_) => continue,
        };
        return Err(UriError {
            position: offset(text, component.as_encoded()),
            problem,
        });
    }
    Ok(())
}

/// The offset of `part`, which lies in `text`.
fn offset(text: &str, part: &str) -> usize {
    part.as_ptr().addr().saturating_sub(text.as_ptr().addr())
}

pub(super) fn is_unreserved(c: char) -> bool {
    c.is_ascii_alphanumeric() || matches!(c, '-' | '.' | '_' | '~')
}

pub(super) fn is_sub_delim(c: char) -> bool {
    matches!(
        c,
        '!' | '$' | '&' | '\'' | '(' | ')' | '*' | '+' | ',' | ';' | '='
    )
}

pub(super) fn is_reg_name(c: char) -> bool {
    is_unreserved(c) || is_sub_delim(c)
}

pub(super) fn is_pchar(c: char) -> bool {
    is_reg_name(c) || matches!(c, ':' | '@')
}

fn is_path(c: char) -> bool {
    is_pchar(c) || c == '/'
}

fn is_query(c: char) -> bool {
    is_pchar(c) || matches!(c, '/' | '?')
}
