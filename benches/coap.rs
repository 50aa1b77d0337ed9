//! Comparisons of `dunlin-coap`; the naming convention is in `benches/README.md`.

use criterion::{Criterion, criterion_group, criterion_main};

fn none_yet(_: &mut Criterion) {}

criterion_group!(benches, none_yet);
criterion_main!(benches);
