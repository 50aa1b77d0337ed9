//! The path of a route.

use std::boxed::Box;
use std::string::{String, ToString};
use std::vec::Vec;

/// A path whose segments are texts, `{name}` for any one segment, and at the end `{*name}` for any segments.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Template {
    segments: Vec<Segment>,
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Segment {
    /// This text.
    Text(Box<str>),
    /// Any one segment.
    One(Box<str>),
    /// All that follow, at least none.
    Rest(Box<str>),
}

impl Template {
    /// Reads `/a/{b}/{*c}`. The root is `/` or nothing. What follows `{*…}` is not looked at.
    pub(super) fn parse(path: &str) -> Self {
        let path = path.strip_prefix('/').unwrap_or(path);
        let mut segments = Vec::new();
        if !path.is_empty() {
            for part in path.split('/') {
                let segment = Segment::parse(part);
                let last = matches!(segment, Segment::Rest(_));
                segments.push(segment);
                if last {
                    break;
                }
            }
        }
        Self { segments }
    }

    pub(super) fn segments(&self) -> &[Segment] {
        &self.segments
    }

    /// At which segment `{name}` or `{*name}` stands.
    pub(super) fn position(&self, name: &str) -> Option<usize> {
        self.segments.iter().position(
            |segment| matches!(segment, Segment::One(own) | Segment::Rest(own) if **own == *name),
        )
    }

    /// How many segments stand before `{*name}`.
    pub(super) fn rest_position(&self) -> usize {
        self.segments
            .iter()
            .take_while(|segment| !matches!(segment, Segment::Rest(_)))
            .count()
    }

    /// The path, where it is one: without `{…}`.
    pub(super) fn fixed(&self) -> Option<String> {
        let mut path = String::new();
        for segment in &self.segments {
            let Segment::Text(text) = segment else {
                return None;
            };
            path.push('/');
            path.push_str(text);
        }
        if path.is_empty() {
            path = "/".to_string();
        }
        Some(path)
    }
}

impl Segment {
    fn parse(part: &str) -> Self {
        let inner = part
            .strip_prefix('{')
            .and_then(|part| part.strip_suffix('}'));
        match inner {
            None => Self::Text(part.into()),
            Some(name) => match name.strip_prefix('*') {
                Some(name) => Self::Rest(name.into()),
                None => Self::One(name.into()),
            },
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn paths_have_texts_and_parameters() {
        let template = Template::parse("/devices/{id}/{*path}");
        assert_eq!(template.segments().len(), 3);
        assert_eq!(template.position("id"), Some(1));
        assert_eq!(template.position("path"), Some(2));
        assert_eq!(template.position("devices"), None);
        assert_eq!(template.rest_position(), 2);
        assert_eq!(template.fixed(), None);
        assert_eq!(Template::parse("a/b").fixed().unwrap(), "/a/b");
        assert_eq!(Template::parse("/").fixed().unwrap(), "/");
        assert_eq!(Template::parse(""), Template::parse("/"));
        // An empty segment is a segment (RFC 7252 §6.4).
        assert_eq!(Template::parse("/a/").segments().len(), 2);
    }
}
