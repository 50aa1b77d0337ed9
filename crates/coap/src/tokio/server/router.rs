//! Finds the route of a path.

use std::boxed::Box;
use std::collections::BTreeMap;
use std::string::String;
use std::sync::Arc;
use std::vec;
use std::vec::Vec;

use super::request::Request;
use super::route::{Route, get_sync};
use super::template::{Segment, Template};
use crate::OptionNumber;
use crate::tokio::response::{LINK_FORMAT, Response};

/// A route and its path.
pub(super) struct Entry {
    pub(super) template: Arc<Template>,
    pub(super) route: Route,
}

/// All routes as a tree of segments.
pub(crate) struct Router {
    nodes: Vec<Node>,
    entries: Vec<Entry>,
    fallback: Entry,
}

/// What follows one segment.
#[derive(Default)]
struct Node {
    texts: BTreeMap<Box<[u8]>, usize>,
    one: Option<usize>,
    /// The entry of `{*rest}` here.
    rest: Option<usize>,
    /// The entry of the path that ends here.
    end: Option<usize>,
}

impl Router {
    pub(super) fn new() -> Self {
        Self {
            nodes: vec![Node::default()],
            entries: Vec::new(),
            fallback: Entry {
                template: Arc::new(Template::default()),
                route: Route::default(),
            },
        }
    }

    /// Adds a route; a later one for the same path takes the place of an earlier one.
    pub(super) fn add(&mut self, path: &str, route: Route) {
        let template = Template::parse(path);
        let entry = self.entries.len();
        let mut at = 0;
        let mut rest = false;
        for segment in template.segments() {
            let new = self.nodes.len();
            let Some(node) = self.nodes.get_mut(at) else {
                return;
            };
            at = match segment {
                Segment::Text(text) => *node.texts.entry(text.as_bytes().into()).or_insert(new),
                Segment::One(_) => *node.one.get_or_insert(new),
                Segment::Rest(_) => {
                    node.rest = Some(entry);
                    rest = true;
                    break;
                }
            };
            if at == new {
                self.nodes.push(Node::default());
            }
        }
        if let Some(node) = self.nodes.get_mut(at).filter(|_| !rest) {
            node.end = Some(entry);
        }
        self.entries.push(Entry {
            template: Arc::new(template),
            route,
        });
    }

    /// Sets what answers where no route fits.
    pub(super) fn set_fallback(&mut self, route: Route) {
        self.fallback.route = route;
    }

    /// What answers where no route fits.
    pub(super) const fn fallback(&self) -> &Entry {
        &self.fallback
    }

    /// The route of a path: at each segment its text comes before `{one}`, and both before `{*rest}`.
    pub(super) fn find<'p>(&self, path: impl Iterator<Item = &'p [u8]>) -> Option<&Entry> {
        let mut node = self.nodes.first()?;
        let mut rest = node.rest;
        let mut whole = true;
        for segment in path {
            let next = node.texts.get(segment).copied().or(node.one);
            let Some(next) = next.and_then(|next| self.nodes.get(next)) else {
                whole = false;
                break;
            };
            node = next;
            rest = node.rest.or(rest);
        }
        let found = node.end.filter(|_| whole).or(rest)?;
        self.entries.get(found)
    }

    /// Adds `/.well-known/core` (RFC 6690 §4), unless there is one.
    pub(super) fn add_discovery(&mut self) {
        let path = [&b".well-known"[..], b"core"];
        if self
            .find(path.into_iter())
            .is_some_and(|entry| entry.template.rest_position() == 2)
        {
            return;
        }
        let mut links = Vec::new();
        for (number, entry) in self.entries.iter().enumerate() {
            let Some(path) = entry.template.fixed() else {
                continue;
            };
            // One that was replaced has no link.
            let segments = entry.template.segments().iter();
            let segments = segments.filter_map(|segment| match segment {
                Segment::Text(text) => Some(text.as_bytes()),
                _ => None,
            });
            let current = self.find(segments).map(core::ptr::from_ref);
            if !entry.route.hidden && current == self.entries.get(number).map(core::ptr::from_ref) {
                links.push(Link {
                    attributes: entry.route.link_attributes(),
                    path,
                });
            }
        }
        let core = move |request: &Request<'_>| discover(&links, request);
        self.add(
            "/.well-known/core",
            get_sync(core).content_format(LINK_FORMAT),
        );
    }
}

struct Link {
    path: String,
    attributes: String,
}

/// The links that fit the query (RFC 6690 §4.1), in link format.
fn discover(links: &[Link], request: &Request<'_>) -> Response {
    let filters: Vec<&str> = request.query().collect();
    let mut text = String::new();
    for link in links {
        if filters.iter().all(|filter| link.fits(filter)) {
            if !text.is_empty() {
                text.push(',');
            }
            text.push('<');
            text.push_str(&link.path);
            text.push('>');
            text.push_str(&link.attributes);
        }
    }
    Response::content(text).with_content_format(LINK_FORMAT)
}

impl Link {
    /// Whether `name=value` holds, where a `*` ends the value of any beginning; an attribute of several words fits by
    /// any one of them.
    fn fits(&self, filter: &str) -> bool {
        let Some((name, wanted)) = filter.split_once('=') else {
            return self.values(filter).next().is_some();
        };
        let fits = |value: &str| match wanted.strip_suffix('*') {
            Some(beginning) => value.starts_with(beginning),
            None => value == wanted,
        };
        if name == "href" {
            return fits(&self.path);
        }
        self.values(name)
            .any(|value| fits(value) || value.split(' ').any(fits))
    }

    fn values<'a>(&'a self, name: &'a str) -> impl Iterator<Item = &'a str> {
        self.attributes.split(';').filter_map(move |attribute| {
            let (key, value) = attribute.split_once('=').unwrap_or((attribute, ""));
            (key == name).then_some(value.trim_matches('"'))
        })
    }
}

/// The critical options that the server itself understands.
pub(super) const fn is_understood(option: OptionNumber) -> bool {
    matches!(
        option,
        OptionNumber::URI_HOST
            | OptionNumber::URI_PORT
            | OptionNumber::URI_PATH
            | OptionNumber::URI_QUERY
            | OptionNumber::ACCEPT
            | OptionNumber::BLOCK1
            | OptionNumber::BLOCK2
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    fn router() -> Router {
        let mut router = Router::new();
        for path in [
            "/",
            "/a",
            "/a/b",
            "/a/{x}/c",
            "/files/{*path}",
            "/files/own",
        ] {
            router.add(path, Route::default().title(path).resource_type("t one"));
        }
        router
    }

    fn found(router: &Router, path: &str) -> Option<String> {
        let segments = path.split('/').filter(|_| !path.is_empty());
        let entry = router.find(segments.map(str::as_bytes))?;
        Some(entry.route.link_attributes())
    }

    #[test]
    fn the_nearest_route_is_found() {
        let router = router();
        for (path, title) in [
            ("", Some("/")),
            ("a", Some("/a")),
            ("a/b", Some("/a/b")),
            ("a/q/c", Some("/a/{x}/c")),
            ("files", Some("/files/{*path}")),
            ("files/x/y/z", Some("/files/{*path}")),
            ("files/own", Some("/files/own")),
            ("files/own/x", Some("/files/{*path}")),
            ("a/b/c", None),
            ("a/q", None),
            ("b", None),
            ("a/", None),
        ] {
            let title = title.map(|title| std::format!(";title=\"{title}\";rt=\"t one\""));
            assert_eq!(found(&router, path), title, "{path}");
        }
    }

    #[test]
    fn links_are_filtered() {
        let link = Link {
            path: "/sensors/temp".into(),
            attributes: ";rt=\"temperature-c core.s\";obs;ct=40".into(),
        };
        for (filter, fits) in [
            ("href=/sensors*", true),
            ("href=/sensors", false),
            ("rt=core.s", true),
            ("rt=temp*", true),
            ("rt=temp", false),
            ("obs", true),
            ("ct=40", true),
            ("ct=41", false),
            ("if=x", false),
        ] {
            assert_eq!(link.fits(filter), fits, "{filter}");
        }
    }
}
