//! Room for the ciphers of those associations that records go over just now.

use dunlin_dtls::Ciphers;

use crate::AssociationId;

/// How many associations have their ciphers ready: 700 bytes each.
const PLACES: usize = 1024;

/// A table in which each association has a place, and shares it with others: whoever comes to find another's ciphers there
/// makes its own ready anew, as it would for each record without the table.
pub(super) struct CipherTable {
    places: Vec<Option<Box<Ciphers>>>,
}

impl CipherTable {
    pub(super) fn new() -> Self {
        Self {
            places: (0..PLACES).map(|_| None).collect(),
        }
    }

    /// The place of an association. Ids are drawn at random, and so are evenly spread.
    pub(super) fn of(&mut self, id: AssociationId) -> &mut Ciphers {
        let at = usize::try_from(id.bits()).unwrap_or_default() % PLACES;
        self.places[at].get_or_insert_default()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_table_takes_less_than_a_megabyte_however_many_there_are() {
        let mut table = CipherTable::new();
        for id in 0..10_000 {
            let _ = table.of(AssociationId::from_bits(id << 3 | id));
        }
        let taken = table.places.iter().flatten().count();
        assert!(taken <= PLACES && taken * size_of::<Ciphers>() < 1 << 20);
        let place: *const Ciphers = table.of(AssociationId::from_bits(5));
        assert_eq!(place, &raw const *table.of(AssociationId::from_bits(5)));
        assert_ne!(place, &raw const *table.of(AssociationId::from_bits(6)));
    }
}
