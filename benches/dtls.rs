//! `dunlin-dtls` beside OpenSSL, dimpl and the bare primitives; the naming convention is in `benches/README.md`.
//!
//! All figures are time of the processor, so that they say the same on a busy machine. A handshake is both sides of it,
//! from nothing to two ends that can send, with HelloVerifyRequest and the extended master secret.

mod dtls_peers;
mod external;
mod handshakes;

use core::cell::RefCell;
use core::hint::black_box;
use core::time::Duration;

use criterion::measurement::{Measurement, ValueFormatter, WallTime};
use criterion::{BatchSize, Criterion, criterion_group};
use dtls_peers::{dimpl, openssl, raw};
use dunlin_dtls::Association;
use handshakes::{Cipher, Kind, LENGTHS, Peer};
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
        Self::used().saturating_sub(start)
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
        let mut ours = Peer::new(kind);
        group.bench_function("dunlin", |b| b.iter(|| ours.handshake()));
        let peer = dimpl::Peer::new(kind);
        group.bench_function("dimpl", |b| b.iter(|| peer.handshake()));
        group.finish();
    }
}

fn protect(c: &mut Criterion<CpuTime>) {
    for cipher in Cipher::ALL {
        let mut ours = Peer::with(cipher).handshake().live().client;
        let mut resting = Peer::with(cipher).handshake();
        let mut peer = dimpl::Peer::with(cipher).handshake();
        let raw = raw::Raw::new(cipher);
        for length in LENGTHS {
            let mut group = c.benchmark_group(format!("dtls/protect/{}/{length}", cipher.name()));
            let data = vec![7; length];
            let mut buffer = [0; 2048];
            group.bench_function("dunlin", |b| {
                b.iter(|| ours.protect(black_box(&data), &mut buffer));
            });
            // As it is in an association that keeps no more than its keys.
            group.bench_function("dunlin-at-rest", |b| {
                b.iter(|| resting.protect(black_box(&data), &mut buffer));
            });
            group.bench_function("dimpl", |b| {
                b.iter(|| peer.protect(black_box(&data), &mut buffer));
            });
            group.bench_function("raw", |b| {
                b.iter(|| raw.seal(black_box(&data), &mut buffer));
            });
            // What it costs to keep no more than the key of an association.
            group.bench_function("raw-with-key-schedule", |b| {
                b.iter(|| raw::Raw::new(cipher).seal(black_box(&data), &mut buffer));
            });
            group.finish();
        }
    }
}

fn unprotect(c: &mut Criterion<CpuTime>) {
    for cipher in Cipher::ALL {
        // One end protects while the records are made ready, the other unprotects while the time is taken.
        let mut ours = Peer::with(cipher).handshake().live();
        let resting = RefCell::new(Peer::with(cipher).handshake());
        let peer = RefCell::new(dimpl::Peer::with(cipher).handshake());
        let raw = raw::Raw::new(cipher);
        for length in LENGTHS {
            let mut group = c.benchmark_group(format!("dtls/unprotect/{}/{length}", cipher.name()));
            let data = vec![7; length];
            let record = |protect: &mut dyn FnMut(&mut [u8]) -> usize| {
                // Of just its length, so that no side has more memory to go through than another.
                let mut buffer = [0; 2048];
                let used = protect(&mut buffer);
                buffer[..used].to_vec()
            };
            group.bench_function("dunlin", |b| {
                b.iter_batched_ref(
                    || record(&mut |buffer| ours.client.protect(&data, buffer)),
                    |record| ours.server.unprotect(record),
                    BatchSize::SmallInput,
                );
            });
            group.bench_function("dunlin-at-rest", |b| {
                b.iter_batched_ref(
                    || record(&mut |buffer| resting.borrow_mut().protect(&data, buffer)),
                    |record| resting.borrow_mut().unprotect(record),
                    BatchSize::SmallInput,
                );
            });
            group.bench_function("dimpl", |b| {
                let mut buffer = [0; 2048];
                b.iter_batched_ref(
                    || record(&mut |buffer| peer.borrow_mut().protect(&data, buffer)),
                    |record| peer.borrow_mut().unprotect(record, &mut buffer),
                    BatchSize::SmallInput,
                );
            });
            let sealed = record(&mut |buffer| raw.seal(&data, buffer));
            group.bench_function("raw", |b| {
                b.iter_batched_ref(
                    || record(&mut |buffer| raw.seal(&data, buffer)),
                    |record| raw.open(record),
                    BatchSize::SmallInput,
                );
            });
            group.bench_function("raw-with-key-schedule", |b| {
                b.iter_batched_ref(
                    || sealed.clone(),
                    |record| raw::Raw::new(cipher).open(record),
                    BatchSize::SmallInput,
                );
            });
            group.finish();
        }
    }
}

/// Resident bytes of a server's association at rest, as so many of them grow this process.
fn memory(_: &mut Criterion<CpuTime>) {
    if !external::measuring() {
        return;
    }
    let bench = "dtls/memory/association";
    let mut one = Peer::with(Cipher::Ccm8).handshake().server;
    let exported = one.export(1);
    let ours = grown(100_000, || {
        Association::import(exported.as_bytes()).expect("just exported")
    });
    external::report(bench, "dunlin", ours, "bytes");
    let peer = dimpl::Peer::with(Cipher::Ccm8);
    let theirs = grown(2_000, || peer.handshake().server);
    external::report(bench, "dimpl", theirs, "bytes");
}

/// Resident bytes for each of `count` things.
fn grown<T>(count: u32, make: impl Fn() -> T) -> f64 {
    let before = resident();
    let mut kept = Vec::new();
    kept.reserve_exact(usize::try_from(count).expect("fits"));
    kept.extend((0..count).map(|_| make()));
    let after = resident();
    drop(black_box(kept));
    (after - before) * 1024.0 / f64::from(count)
}

/// Kilobytes of this process that are in memory.
fn resident() -> f64 {
    let status = std::fs::read_to_string("/proc/self/status").expect("Linux");
    let mut lines = status.lines();
    let line = lines.find_map(|line| line.strip_prefix("VmRSS:"));
    let word = line.and_then(|line| line.split_whitespace().next());
    word.and_then(|word| word.parse().ok()).expect("a number")
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
    let resident = program.memory();
    external::report("dtls/memory/association", "openssl", resident, "bytes");
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
    targets = memory, handshake, protect, unprotect, of_openssl
}

fn main() {
    benches();
    Criterion::default().configure_from_args().final_summary();
}
