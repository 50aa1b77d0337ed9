//! Keeps `docs/conformance.md` honest: a row that claims a proof names a test that exists.

use std::fs;
use std::path::Path;

#[test]
fn every_named_scene_exists() {
    let here = Path::new(env!("CARGO_MANIFEST_DIR"));
    let table = fs::read_to_string(here.join("../../docs/conformance.md")).unwrap();
    let mut named = 0;
    for row in table.lines().filter(|line| line.starts_with("| ")) {
        let proof = row.trim_end_matches('|').rsplit_once('|').unwrap().1.trim();
        if proof.starts_with("open: ") || proof == "Proved by" {
            continue;
        }
        for name in proof.split(", ") {
            let name = name.trim_matches('`');
            let (module, test) = name.split_once("::").expect(name);
            let file = here.join("tests/scenes").join(module).with_extension("rs");
            let source = fs::read_to_string(&file).expect(name);
            let definition = format!("#[test]\nfn {test}() {{");
            assert!(source.contains(&definition), "{name} is no test");
            named += 1;
        }
    }
    assert!(named > 40, "{named}");
}
