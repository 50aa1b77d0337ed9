//! Whatever happens to a shard: no panic, bounded tables, and an end for every command.

mod checks;

use proptest::prelude::*;

proptest! {
    #[test]
    fn any_script_comes_to_rest(script in prop::collection::vec(any::<u8>(), 0..400)) {
        checks::shard(&script);
    }
}

#[test]
fn the_corpus_of_the_fuzz_target_comes_to_rest() {
    let corpus = concat!(
        env!("CARGO_MANIFEST_DIR"),
        "/../../fuzz/corpus/manager_shard"
    );
    let Ok(entries) = std::fs::read_dir(corpus) else {
        println!("skipped: there is no {corpus}");
        return;
    };
    for entry in entries {
        let path = entry.unwrap().path();
        println!("{}", path.display());
        checks::shard(&std::fs::read(path).unwrap());
    }
}
