//! The weather in a simulated room.

use rand::{Rng, RngExt as _};

/// How long a whole wave of warming and cooling takes, in seconds: short, so that a chart lives.
const WAVE: core::ops::Range<f64> = 60.0..180.0;

/// A room whose temperature follows a slow wave, wanders a little, and is measured with a little noise.
#[derive(Debug, Clone)]
pub(crate) struct Climate {
    mean: f64,
    swing: f64,
    wave: f64,
    phase: f64,
    wander: f64,
}

impl Climate {
    /// A room somewhere between a cellar and a greenhouse.
    pub(crate) fn new(rng: &mut impl Rng) -> Self {
        Self {
            mean: rng.random_range(17.0..26.0),
            swing: rng.random_range(1.0..4.0),
            wave: rng.random_range(WAVE),
            phase: rng.random_range(0.0..core::f64::consts::TAU),
            wander: 0.0,
        }
    }

    /// What the sensor shows `seconds` after the start, in degrees Celsius with two decimals.
    pub(crate) fn sample(&mut self, seconds: f64, rng: &mut impl Rng) -> f64 {
        // The pull towards 0 keeps the wandering within about half a degree.
        self.wander = self.wander * 0.95 + rng.random_range(-0.15..0.15);
        let wave = self.swing * (core::f64::consts::TAU * seconds / self.wave + self.phase).sin();
        let noise = rng.random_range(-0.05..0.05);
        ((self.mean + wave + self.wander + noise) * 100.0).round() / 100.0
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use rand::SeedableRng as _;
    use rand::rngs::StdRng;

    #[test]
    fn temperatures_change_and_stay_plausible() {
        for seed in 0..50 {
            let mut rng = StdRng::seed_from_u64(seed);
            let mut climate = Climate::new(&mut rng);
            let samples: Vec<_> = (0..600)
                .map(|second| climate.sample(f64::from(second), &mut rng))
                .collect();
            assert!(
                samples.iter().all(|sample| (5.0..40.0).contains(sample)),
                "seed {seed}: {samples:?}"
            );
            let steps = samples.windows(2).map(|pair| (pair[1] - pair[0]).abs());
            assert!(steps.clone().all(|step| step < 1.5), "seed {seed}: a jump");
            assert!(
                steps.filter(|step| *step > 0.0).count() > 500,
                "seed {seed}: it hardly changes"
            );
        }
    }
}
