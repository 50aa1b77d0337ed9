//! Whether a certificate names a host (RFC 6125 in the profile of RFC 7925 §4.4.1, and RFC 7252 §9.1.3.3).

use core::net::IpAddr;

use crate::Certificate;

/// Whether `certificate` names `host`, a DNS name or an IP address, with or without brackets.
///
/// It does by an entry of subjectAltName: a DNS name, an IP address, or the host of a CoAP URI. Where there is no
/// subjectAltName at all, the common name may be the DNS name (RFC 7252 §9.1.3.3). There are no wildcards (RFC 7925
/// §4.4.1).
pub(crate) fn is_named(certificate: &Certificate<'_>, host: &str) -> bool {
    let Some(host) = Host::parse(host) else {
        return false;
    };
    if !certificate.has_subject_alt_name() {
        return match host {
            Host::Name(_) => certificate
                .subject()
                .common_name()
                .is_some_and(|name| host.is(name)),
            Host::Address(_) => false,
        };
    }
    let names = certificate.subject_alt_names();
    let by_kind = match host {
        Host::Name(_) => names.clone().dns().any(|name| host.is(name)),
        Host::Address(address) => names.clone().ip_addresses().any(|other| other == address),
    };
    by_kind || names.uris().filter_map(coap_host).any(|name| host.is(name))
}

#[derive(Clone, Copy)]
enum Host<'a> {
    /// A DNS name without the dot of the root at its end.
    Name(&'a str),
    Address(IpAddr),
}

impl<'a> Host<'a> {
    fn parse(text: &'a str) -> Option<Self> {
        let bare = text
            .strip_prefix('[')
            .and_then(|text| text.strip_suffix(']'));
        if let Ok(address) = bare.unwrap_or(text).parse() {
            return Some(Self::Address(address));
        }
        let name = text.strip_suffix('.').unwrap_or(text);
        // What no DNS name can be; above all no wildcard.
        let possible = !name.is_empty()
            && name
                .bytes()
                .all(|byte| byte.is_ascii_alphanumeric() || b"-._".contains(&byte));
        possible.then_some(Self::Name(name))
    }

    /// Whether `text` in a certificate is this host.
    fn is(self, text: &str) -> bool {
        match (self, Host::parse(text)) {
            (Self::Name(one), Some(Host::Name(other))) => one.eq_ignore_ascii_case(other),
            (Self::Address(one), Some(Host::Address(other))) => one == other,
            _ => false,
        }
    }
}

/// The host of a CoAP URI (RFC 7252 §6): what stands between `//` and the port or the path.
fn coap_host(uri: &str) -> Option<&str> {
    let scheme = until(uri, b":");
    // coap, coaps, and those of RFC 8323, as coaps+tcp.
    if !scheme.get(..4)?.eq_ignore_ascii_case("coap") {
        return None;
    }
    let rest = uri.get(scheme.len()..)?.strip_prefix("://")?;
    let authority = until(rest, b"/?#");
    if authority.starts_with('[') {
        let address = until(authority, b"]");
        // With its bracket, which must be there.
        return authority.get(..address.len().checked_add(1)?);
    }
    Some(until(authority, b":"))
}

/// What stands in `text` before the first of the characters `ends`; without one, all.
///
/// The standard library's searches for texts are large, and not free of panics.
fn until<'a>(text: &'a str, ends: &[u8]) -> &'a str {
    match text.bytes().position(|byte| ends.contains(&byte)) {
        Some(end) => text.get(..end).unwrap_or(text),
        None => text,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    macro_rules! names {
        ($file:literal, $host:expr) => {
            is_named(
                &Certificate::parse(include_bytes!(concat!("../../tests/pki/", $file))).unwrap(),
                $host,
            )
        };
    }

    #[test]
    fn a_host_is_named_by_subject_alt_name() {
        for host in [
            "a.example",
            "A.Example",
            "a.example.",
            "b.example",
            "c.example",
            "192.0.2.1",
            "2001:db8::1",
            "[2001:db8::1]",
            "[2001:DB8:0::1]",
        ] {
            assert!(names!("names.der", host), "{host}");
        }
        for host in [
            "example",
            "x.a.example",
            "a.example..",
            // The names of a person's address, of a directory and of the subject.
            "d.example",
            "d",
            "e.example",
            "f.example",
            "192.0.2.2",
            "::ffff:192.0.2.1",
            "[2001:db8::1",
            "",
            ".",
            "*.example",
        ] {
            assert!(!names!("names.der", host), "{host}");
        }
    }

    #[test]
    fn a_common_name_serves_where_nothing_else_is() {
        assert!(names!("common-name.der", "server.example.com"));
        assert!(!names!("common-name.der", "example.com"));
        assert!(
            !names!("wildcard.der", "server.example.com"),
            "neither a wildcard nor the common name beside it"
        );
        assert!(!names!("wildcard.der", "*.example.com"));
    }

    #[test]
    fn the_host_of_a_uri_ends_where_it_ends() {
        for (uri, host) in [
            ("coaps://c.example:5684", Some("c.example")),
            ("COAPS+TCP://c.example/rd", Some("c.example")),
            ("coap://[2001:db8::1]:1/", Some("[2001:db8::1]")),
            ("coap://[2001:db8::1", None),
            ("coap://c.example?x=//d", Some("c.example")),
            ("https://c.example", None),
            ("coap:c.example", None),
            ("c", None),
        ] {
            assert_eq!(coap_host(uri), host, "{uri}");
        }
        assert!(Host::parse("user@c.example").is_none());
    }
}
