//! The addresses of the API.

use core::fmt;

use dunlin_model::Path;
use percent_encoding::{AsciiSet, NON_ALPHANUMERIC, utf8_percent_encode};

/// What stands for itself in a path segment or a query value.
const ESCAPED: &AsciiSet = &NON_ALPHANUMERIC
    .remove(b'-')
    .remove(b'.')
    .remove(b'_')
    .remove(b'~')
    .remove(b':');

/// A path of the API with its query.
#[derive(Debug, Clone)]
pub(crate) struct Route {
    path: String,
    query: Vec<(&'static str, String)>,
    timeout: Option<u64>,
}

impl Route {
    fn new(path: String) -> Self {
        Self {
            path,
            query: Vec::new(),
            timeout: None,
        }
    }

    /// The list of devices.
    pub(crate) fn devices() -> Self {
        Self::new("/api/v1/devices".to_owned())
    }

    /// One device.
    pub(crate) fn device(endpoint: &str) -> Self {
        Self::new(format!(
            "/api/v1/devices/{}",
            utf8_percent_encode(endpoint, ESCAPED)
        ))
    }

    /// What a command of `kind` (`resources`, `execute`, `observations`, …) on a path of a device is called.
    pub(crate) fn node(endpoint: &str, kind: &str, path: Path) -> Self {
        let Self { path: device, .. } = Self::device(endpoint);
        Self::new(format!(
            "{device}/{kind}{}",
            path.to_string().trim_end_matches('/')
        ))
    }

    /// The objects of the registry.
    pub(crate) fn objects() -> Self {
        Self::new("/api/v1/objects".to_owned())
    }

    /// One object, by its number or its name.
    pub(crate) fn object(object: &str) -> Self {
        Self::new(format!(
            "/api/v1/objects/{}",
            utf8_percent_encode(object, ESCAPED)
        ))
    }

    /// One version of an object.
    pub(crate) fn object_version(object: &str, version: &str) -> Self {
        let Self { path, .. } = Self::object(object);
        Self::new(format!("{path}/{}", utf8_percent_encode(version, ESCAPED)))
    }

    /// The security store.
    pub(crate) fn security() -> Self {
        Self::new("/api/v1/security".to_owned())
    }

    /// A credential of a device.
    pub(crate) fn credential(endpoint: &str, kind: &str) -> Self {
        let endpoint = utf8_percent_encode(endpoint, ESCAPED);
        Self::new(format!("/api/v1/security/{endpoint}/{kind}"))
    }

    /// The observations of a device.
    pub(crate) fn observations(endpoint: &str) -> Self {
        let Self { path, .. } = Self::device(endpoint);
        Self::new(format!("{path}/observations"))
    }

    /// The stream of events.
    pub(crate) fn events(endpoint: Option<&str>) -> Self {
        Self::new("/api/v1/events".to_owned()).query("endpoint", endpoint)
    }

    /// Adds a parameter, if there is a value.
    #[must_use]
    pub(crate) fn query(mut self, name: &'static str, value: Option<impl fmt::Display>) -> Self {
        self.query
            .extend(value.map(|value| (name, value.to_string())));
        self
    }

    /// Sets how many seconds the device may take to answer.
    #[must_use]
    pub(crate) fn with_timeout(self, seconds: Option<u64>) -> Self {
        Self {
            timeout: seconds,
            ..self.query("timeout", seconds)
        }
    }

    /// How many seconds the device may take to answer, if it was said.
    pub(crate) const fn timeout(&self) -> Option<u64> {
        self.timeout
    }
}

impl fmt::Display for Route {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.path)?;
        for (index, (name, value)) in self.query.iter().enumerate() {
            let separator = if index == 0 { '?' } else { '&' };
            write!(
                f,
                "{separator}{name}={}",
                utf8_percent_encode(value, ESCAPED)
            )?;
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn whatever_an_endpoint_is_called_it_stays_one_segment() {
        let path: Path = "/3/0/9".parse().expect("a path");
        for (endpoint, route) in [
            (
                "urn:imei:490154203237518",
                "/api/v1/devices/urn:imei:490154203237518/resources/3/0/9",
            ),
            (
                "a/b c?d#e%",
                "/api/v1/devices/a%2Fb%20c%3Fd%23e%25/resources/3/0/9",
            ),
            ("..", "/api/v1/devices/../resources/3/0/9"),
            ("ü", "/api/v1/devices/%C3%BC/resources/3/0/9"),
        ] {
            assert_eq!(Route::node(endpoint, "resources", path).to_string(), route);
        }
        assert_eq!(
            Route::node("a", "resources", Path::ROOT).to_string(),
            "/api/v1/devices/a/resources"
        );
    }

    #[test]
    fn queries_are_escaped_and_absent_values_left_out() {
        let route = Route::devices()
            .query("q", Some("a&b=c"))
            .query("limit", None::<u32>)
            .with_timeout(Some(5));
        assert_eq!(route.to_string(), "/api/v1/devices?q=a%26b%3Dc&timeout=5");
        assert_eq!(route.timeout(), Some(5));
        assert_eq!(Route::events(None).to_string(), "/api/v1/events");
    }
}
