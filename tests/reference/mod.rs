//! Random sequences of operations, done to the core and to a naive reference that shares no code with it.
//!
//! | module | what it is |
//! |---|---|
//! | [`operations`] | what sessions do, at random |
//! | [`hello`], [`requests`], [`meta_requests`] | the messages that do it, by what their client knows |
//! | [`profile`] | settings and small limits of the realm |
//! | [`core`] | the core, driven as `node` drives it |
//! | [`model`] | the reference: plain lists, messages as they are on the wire |
//! | [`compare`] | whether both sent the same |
//! | [`world`] | both side by side |
//! | [`transcript`] | a sequence as a transcript, ready for `tests/transcripts` |
//! | [`coverage`] | what was reached |
//!
//! A sequence where they differ is shrunk and printed as a transcript. Who is wrong, the specification says.

mod compare;
mod core;
mod coverage;
mod hello;
mod json;
mod meta_requests;
mod model;
mod operations;
mod profile;
mod requests;
mod transcript;
mod world;

use proptest::prelude::*;
use proptest::strategy::ValueTree;
use proptest::test_runner::{Config, RngAlgorithm, RngSeed, TestRng, TestRunner};

use coverage::Coverage;

/// Two thousand sequences, the same in every run; `PROPTEST_CASES` asks for more and `PROPTEST_RNG_SEED` for others.
fn config() -> ProptestConfig {
    let config = ProptestConfig::default();
    let rng_seed = match config.rng_seed {
        RngSeed::Random if config.cases < CASES => RngSeed::Fixed(1),
        asked => asked,
    };
    ProptestConfig {
        failure_persistence: None,
        cases: config.cases.max(CASES),
        rng_seed,
        ..config
    }
}

const CASES: u32 = 2_000;

proptest! {
    #![proptest_config(config())]

    #[test]
    fn the_core_does_what_the_naive_reference_does(sequence in operations::sequence(profile::COUNT)) {
        if let Err(transcript) = world::run(&sequence) {
            return Err(TestCaseError::fail(transcript));
        }
    }
}

#[test]
fn random_sequences_reach_every_operation_and_every_error() {
    let rng = TestRng::deterministic_rng(RngAlgorithm::ChaCha);
    let mut runner = TestRunner::new_with_rng(Config::default(), rng);
    let strategy = operations::sequence(profile::COUNT);
    let mut coverage = Coverage::default();
    for count in 0..800 {
        let sequence = strategy.new_tree(&mut runner).unwrap().current();
        let run = || world::run(&sequence).unwrap_or_else(|transcript| panic!("{transcript}"));
        let (met, transcript) = run();
        coverage.extend(met);
        if count < 60 {
            assert_eq!(transcript, run().1, "one sequence has one outcome");
        }
    }
    let lacking = coverage.lacks(
        REACHED
            .lines()
            .map(str::trim)
            .filter(|line| !line.is_empty()),
    );
    assert!(lacking.is_empty(), "never met: {lacking:#?}");
}

/// What must be met.
const REACHED: &str = include_str!("reached.txt");
