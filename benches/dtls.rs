//! `dunlin-dtls` beside OpenSSL, dimpl and the bare primitives; the naming convention is in `benches/README.md`.
//!
//! All figures are time of the processor, so that they say the same on a busy machine. A handshake is both sides of it,
//! from nothing to two ends that can send, with HelloVerifyRequest and the extended master secret.

mod dtls_peers;
mod external;

use core::cell::RefCell;
use core::hint::black_box;
use core::time::Duration;

use criterion::measurement::{Measurement, ValueFormatter, WallTime};
use criterion::{BatchSize, Criterion, criterion_group};
use dtls_peers::{Cipher, Kind, LENGTHS, dimpl, openssl, raw};
use rustix::time::{ClockId, clock_gettime};

/// Time of the processor that this process has used.
struct CpuTime;

impl CpuTime {
    fn used() -> Duration {
        clock_gettime(ClockId::ProcessCPUTime)
            .try_into()
            .expect("not before the start")
    }
}

impl Measurement for CpuTime {
    type Intermediate = Duration;
    type Value = Duration;

    fn start(&self) -> Duration {
        Self::used()
    }

    fn end(&self, start: Duration) -> Duration {
        Self::used() - start
    }

    fn add(&self, one: &Duration, other: &Duration) -> Duration {
        *one + *other
    }

    fn zero(&self) -> Duration {
        Duration::ZERO
    }

    fn to_f64(&self, value: &Duration) -> f64 {
        WallTime.to_f64(value)
    }

    fn formatter(&self) -> &dyn ValueFormatter {
        WallTime.formatter()
    }
}

fn handshake(c: &mut Criterion<CpuTime>) {
    for kind in Kind::ALL {
        let mut group = c.benchmark_group(format!("dtls/handshake/{}", kind.name()));
        let peer = dimpl::Peer::new(kind);
        group.bench_function("dimpl", |b| b.iter(|| peer.handshake()));
        group.finish();
    }
}

fn protect(c: &mut Criterion<CpuTime>) {
    for cipher in Cipher::ALL {
        let mut peer = dimpl::Peer::with(cipher).handshake();
        let raw = raw::Raw::new(cipher);
        for length in LENGTHS {
            let mut group = c.benchmark_group(format!("dtls/protect/{}/{length}", cipher.name()));
            let data = vec![7; length];
            let mut buffer = [0; 2048];
            group.bench_function("dimpl", |b| {
                b.iter(|| peer.protect(black_box(&data), &mut buffer));
            });
            group.bench_function("raw", |b| {
                b.iter(|| raw.seal(black_box(&mut buffer[..length + raw.tag_len()])));
            });
            // What it costs to keep no more than the key of an association.
            group.bench_function("raw-with-key-schedule", |b| {
                b.iter(|| {
                    raw::Raw::new(cipher).seal(black_box(&mut buffer[..length + raw.tag_len()]));
                });
            });
            group.finish();
        }
    }
}

fn unprotect(c: &mut Criterion<CpuTime>) {
    for cipher in Cipher::ALL {
        let mut peer = dimpl::Peer::with(cipher).handshake();
        let raw = raw::Raw::new(cipher);
        for length in LENGTHS {
            let mut group = c.benchmark_group(format!("dtls/unprotect/{}/{length}", cipher.name()));
            let data = vec![7; length];
            group.bench_function("dimpl", |b| {
                let peer = RefCell::new(&mut peer);
                let mut buffer = [0; 2048];
                b.iter_batched_ref(
                    || {
                        let mut packet = vec![0; 2048];
                        let used = peer.borrow_mut().protect(&data, &mut packet);
                        packet.truncate(used);
                        packet
                    },
                    |packet| peer.borrow_mut().unprotect(packet, &mut buffer),
                    BatchSize::SmallInput,
                );
            });
            group.bench_function("raw", |b| {
                let mut sealed = vec![7; length + raw.tag_len()];
                raw.seal(&mut sealed);
                b.iter_batched_ref(
                    || sealed.clone(),
                    |record| raw.open(record),
                    BatchSize::SmallInput,
                );
            });
            group.finish();
        }
    }
}

/// OpenSSL in a process of its own, on the same work.
fn of_openssl(_: &mut Criterion<CpuTime>) {
    if !external::measuring() {
        return;
    }
    let Some(program) = openssl::Program::build() else {
        return;
    };
    for kind in Kind::ALL {
        let bench = format!("dtls/handshake/{}", kind.name());
        external::report(&bench, "openssl", program.handshake(kind), "ns");
    }
    for cipher in Cipher::ALL {
        for length in LENGTHS {
            let figures = program.record(cipher, length);
            for (operation, figure) in ["protect", "unprotect"].into_iter().zip(figures) {
                let bench = format!("dtls/{operation}/{}/{length}", cipher.name());
                external::report(&bench, "openssl", figure, "ns");
            }
        }
    }
}

criterion_group! {
    name = benches;
    config = Criterion::default().with_measurement(CpuTime);
    targets = handshake, protect, unprotect, of_openssl
}

fn main() {
    benches();
    Criterion::default().configure_from_args().final_summary();
}
