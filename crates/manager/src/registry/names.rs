//! Finding objects by what they are called.

use std::sync::Arc;

use dunlin_model::ObjectId;

use super::{RegisteredObject, Registry};

impl Registry {
    /// Every object in every version, in the order of ids and versions.
    pub fn all(&self) -> impl Iterator<Item = &Arc<RegisteredObject>> {
        self.objects.values().flatten()
    }

    /// The ids of the objects that are called `name` in any of their versions, ascending.
    ///
    /// Case and whatever is no letter and no digit do not matter, and the objects "LWM2M Server" and "LWM2M Security" may
    /// leave out the `lwm2m`: `temperature`, `Temperature`, `lwm2m_server` and `server` all name an object. Names are not
    /// unique in the OMA registry.
    pub fn named(&self, name: &str) -> Vec<ObjectId> {
        let wanted = squash(name);
        let is_it = |object: &Arc<RegisteredObject>| {
            let known = squash(&object.definition.name);
            known == wanted || known.strip_prefix("lwm2m") == Some(&wanted)
        };
        self.objects
            .iter()
            .filter(|(_, versions)| !wanted.is_empty() && versions.iter().any(is_it))
            .map(|(id, _)| *id)
            .collect()
    }

    /// Every object, in every version, whose number is `text` or whose name has `text` in it as [`named`](Self::named)
    /// compares them; all objects where `text` is empty.
    pub fn matching(&self, text: &str) -> impl Iterator<Item = &Arc<RegisteredObject>> {
        let wanted = squash(text);
        let number = text.parse().ok().and_then(ObjectId::new);
        self.all().filter(move |object| {
            text.is_empty()
                || number == Some(object.definition.id)
                || (!wanted.is_empty() && squash(&object.definition.name).contains(&wanted))
        })
    }
}

/// What is left of a name when it is compared.
fn squash(name: &str) -> String {
    name.chars()
        .filter(|c| c.is_alphanumeric())
        .flat_map(char::to_lowercase)
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn objects_are_found_however_their_names_are_written() {
        let registry = Registry::new();
        for (name, ids) in [
            ("temperature", &[3303][..]),
            ("Tempera-Ture", &[3303]),
            ("lwm2m_server", &[1]),
            ("LwM2M Server", &[1]),
            ("server", &[1]),
            ("temp", &[]),
            ("", &[]),
            ("_", &[]),
        ] {
            let found: Vec<_> = registry.named(name).iter().map(|id| id.get()).collect();
            assert_eq!(found, ids, "{name}");
        }
    }

    #[test]
    fn a_search_takes_numbers_and_parts_of_names() {
        let registry = Registry::new();
        let search = |text: &str| {
            registry
                .matching(text)
                .map(|object| object.definition.id.get())
                .collect::<Vec<_>>()
        };
        assert_eq!(search("3303"), [3303]);
        assert_eq!(search("temp"), [3303]);
        assert_eq!(search("connectivity m"), [4]);
        assert_eq!(search("").len(), registry.all().count());
        assert!(search("_").is_empty());
        assert!(search("70000").is_empty());
    }
}
