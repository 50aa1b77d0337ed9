//! Keeps `docs/conformance.md` honest: a row that claims a proof names a test that exists.

use std::fs;
use std::path::Path;

#[test]
fn every_named_scene_exists() {
    let here = Path::new(env!("CARGO_MANIFEST_DIR"));
    let table = fs::read_to_string(here.join("../../docs/conformance.md")).unwrap();
    let (cases, _) = table.split_once("\n## ").unwrap();
    let mut named = 0;
    for row in cases.lines().filter(|line| line.starts_with("| ")) {
        let proof = row.trim_end_matches('|').rsplit_once('|').unwrap().1.trim();
        if proof.starts_with("open: ") || proof == "Proved by" {
            continue;
        }
        for name in proof.split(", ") {
            let name = name.trim_matches('`');
            let (module, test) = name.split_once("::").expect(name);
            let source = ["scenes", "sockets"].iter().find_map(|folder| {
                let file = here.join("tests").join(folder).join(module);
                fs::read_to_string(file.with_extension("rs")).ok()
            });
            let source = source.expect(name);
            let definition = format!("#[test]\nfn {test}() {{");
            assert!(source.contains(&definition), "{name} is no test");
            named += 1;
        }
    }
    assert!(named > 150, "{named}");
}
