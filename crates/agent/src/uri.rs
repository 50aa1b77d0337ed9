//! The URIs of servers, as far as runners need them.

/// The port of `coap` URIs that name none (RFC 7252 §6.1).
const PORT: u16 = 5683;

/// The port of `coaps` URIs that name none.
const SECURE_PORT: u16 = 5684;

/// Host and port of a `coap` URI without path, or of a `coaps` URI where that can be reached: for runners.
///
/// `None` for any other URI. A host may be a name or an address; one of IPv6 comes without its brackets.
pub fn host_and_port(uri: &str, secure: bool) -> Option<(&str, u16)> {
    let (scheme, authority) = uri.split_once("://")?;
    let default = if scheme.eq_ignore_ascii_case("coap") {
        PORT
    } else if secure && scheme.eq_ignore_ascii_case("coaps") {
        SECURE_PORT
    } else {
        return None;
    };
    split(authority, default)
}

/// Whether a URI is one over a stream, whose bytes are under TLS (RFC 8323 §8.1, §8.2); `None` for all others.
#[cfg(feature = "tcp")]
fn stream(uri: &str) -> Option<(bool, &str)> {
    let (scheme, authority) = uri.split_once("://")?;
    let tls = scheme.eq_ignore_ascii_case("coaps+tcp");
    (tls || scheme.eq_ignore_ascii_case("coap+tcp")).then_some((tls, authority))
}

/// Whether a URI is one of `coap+tcp` or `coaps+tcp`.
#[cfg(feature = "tcp")]
pub(crate) fn is_stream(uri: &str) -> bool {
    stream(uri).is_some()
}

/// Whether there is TLS, host and port of a URI of `coap+tcp` or `coaps+tcp` without path.
#[cfg(feature = "tcp")]
pub(crate) fn stream_host_and_port(uri: &str) -> Option<(bool, &str, u16)> {
    let (tls, authority) = stream(uri)?;
    let (host, port) = split(authority, if tls { SECURE_PORT } else { PORT })?;
    Some((tls, host, port))
}

/// Host and port of an authority.
fn split(authority: &str, default: u16) -> Option<(&str, u16)> {
    let authority = authority.strip_suffix('/').unwrap_or(authority);
    let (host, port) = match authority.strip_prefix('[') {
        Some(rest) => {
            let (host, rest) = rest.split_once(']')?;
            match rest.strip_prefix(':') {
                Some(port) => (host, Some(port)),
                None if rest.is_empty() => (host, None),
                None => return None,
            }
        }
        None => match authority.split_once(':') {
            Some((host, port)) => (host, Some(port)),
            None => (authority, None),
        },
    };
    let port = match port {
        // An empty port is the default one (RFC 3986 §3.2.3).
        None | Some("") => default,
        Some(digits) if digits.bytes().all(|digit| digit.is_ascii_digit()) => {
            digits.parse().ok()?
        }
        Some(_) => return None,
    };
    let plain = !host.is_empty() && !host.contains(['/', '?', '#', '@', ' ']);
    plain.then_some((host, port))
}

#[cfg(test)]
mod tests {
    use super::host_and_port;

    #[test]
    fn hosts_and_ports_are_taken_apart() {
        for (uri, expected) in [
            ("coap://example.com", ("example.com", 5683)),
            ("COAP://example.com:7/", ("example.com", 7)),
            ("coap://[2001:db8::1]:5683", ("2001:db8::1", 5683)),
            ("coap://[::1]", ("::1", 5683)),
            ("coap://10.0.0.1:", ("10.0.0.1", 5683)),
        ] {
            assert_eq!(host_and_port(uri, false), Some(expected), "{uri}");
        }
    }

    #[test]
    fn coaps_is_for_who_has_security() {
        assert_eq!(host_and_port("coaps://example.com", false), None);
        assert_eq!(host_and_port("coaps://h", true), Some(("h", 5684)));
        assert_eq!(host_and_port("coaps://h:7", true), Some(("h", 7)));
        assert_eq!(host_and_port("coap://h", true), Some(("h", 5683)));
        assert_eq!(host_and_port("coap+tcp://h", true), None);
    }
    #[cfg(feature = "tcp")]
    #[test]
    fn streams_are_told_apart() {
        use super::stream_host_and_port;
        for (uri, expected) in [
            ("coap+tcp://h", Some((false, "h", 5683))),
            ("COAPS+TCP://h/", Some((true, "h", 5684))),
            ("coaps+tcp://[::1]:7", Some((true, "::1", 7))),
            ("coap+tcp://h/rd", None),
            ("coap+ws://h", None),
            ("coap://h", None),
        ] {
            assert_eq!(stream_host_and_port(uri), expected, "{uri}");
        }
    }
}
