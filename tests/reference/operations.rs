//! What sessions do, at random: few sessions, few URIs and many choices among what there is, so that they meet.
//!
//! Numbers choose. The smaller, the plainer: what shrinks becomes plain.

use std::fmt;

use proptest::prelude::*;

/// How many sessions there are at most.
pub(super) const SESSIONS: usize = 5;
/// How many operations a sequence has at least.
pub(super) const LENGTH_MIN: usize = 50;

/// One session's doing.
#[derive(Clone, Debug)]
pub(super) struct Move {
    pub(super) who: usize,
    pub(super) operation: Operation,
}

#[derive(Clone, Debug)]
pub(super) enum Operation {
    /// Joins as one of a few, if it is not there.
    Join(u8),
    /// Loses its transport.
    Lose,
    Goodbye,
    Abort,
    /// Breaks one of the rules.
    Break(u8),
    Subscribe {
        pattern: u8,
        node: u8,
        flags: u8,
    },
    Unsubscribe(u8),
    Publish {
        topic: u8,
        key: u8,
        flags: u8,
        lists: u8,
    },
    Register {
        pattern: u8,
        invoke: u8,
        limit: u8,
        flags: u8,
    },
    Unregister(u8),
    Call {
        procedure: u8,
        flags: u16,
        timeout: u8,
    },
    /// Sends one more part of a call.
    Continue {
        which: u8,
        flags: u8,
    },
    Cancel {
        which: u8,
        mode: u8,
    },
    Yield {
        which: u8,
        flags: u8,
    },
    Fail {
        which: u8,
        error: u8,
    },
    /// Calls a procedure of the router's own.
    Meta {
        procedure: u8,
        which: u8,
        variant: u8,
    },
    /// So many milliseconds pass.
    Wait(u16),
}

/// The profile of the realm, as whom each session joins, and what they do.
#[derive(Clone)]
pub(super) struct Sequence {
    pub(super) profile: u8,
    pub(super) kinds: [u8; SESSIONS],
    pub(super) moves: Vec<Move>,
}

/// How often each chapter is met in a sequence.
#[derive(Clone, Copy)]
struct Theme {
    calls: u32,
    events: u32,
    meta: u32,
}

/// A bit of everything, or much of one thing.
pub(super) fn sequence(profiles: u8) -> impl Strategy<Value = Sequence> {
    prop_oneof![
        2 => sequence_about(Theme { calls: 2, events: 2, meta: 2 }, profiles),
        6 => sequence_about(Theme { calls: 12, events: 1, meta: 1 }, profiles),
        3 => sequence_about(Theme { calls: 1, events: 8, meta: 3 }, profiles),
    ]
}

fn sequence_about(theme: Theme, profiles: u8) -> impl Strategy<Value = Sequence> {
    // One that shrinks to nothing, so that a sequence shrinks below its least length.
    let a_move = prop::option::weighted(0.999, a_move(theme));
    let moves = prop::collection::vec(a_move, LENGTH_MIN + 5..LENGTH_MIN * 2);
    let kinds = prop::array::uniform5(prop_oneof![2 => Just(0), 3 => 0..8_u8]);
    let profile = prop_oneof![2 => Just(0), 5 => 0..profiles];
    (profile, kinds, moves).prop_map(|(profile, kinds, moves)| Sequence {
        profile,
        kinds,
        moves: moves.into_iter().flatten().collect(),
    })
}

/// A failure is told as a transcript.
impl fmt::Debug for Sequence {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(
            f,
            "{} operations, as the transcript tells",
            self.moves.len()
        )
    }
}

fn a_move(theme: Theme) -> impl Strategy<Value = Move> {
    let who = prop_oneof![2 => 0..3_usize, 1 => 0..SESSIONS];
    (who, operation(theme)).prop_map(|(who, operation)| Move { who, operation })
}

/// Mostly none of some bits, often one or two, sometimes any.
fn bits(count: u32) -> impl Strategy<Value = u16> {
    let bit = move || (0..count).prop_map(|bit| 1_u16 << bit);
    prop_oneof![
        4 => Just(0),
        4 => bit(),
        2 => (bit(), bit()).prop_map(|(one, other)| one | other),
        1 => 0..1_u16 << count,
    ]
}

fn few_bits(count: u32) -> impl Strategy<Value = u8> {
    bits(count).prop_map(|bits| bits.to_le_bytes()[0])
}

/// Mostly one of the first few, sometimes any.
fn mostly(first: u8, all: u8) -> impl Strategy<Value = u8> {
    prop_oneof![5 => 0..first, 1 => 0..all]
}

fn operation(theme: Theme) -> impl Strategy<Value = Operation> {
    let Theme {
        calls,
        events,
        meta,
    } = theme;
    prop_oneof![
        calls => about_calls(),
        events => about_events(),
        meta => any::<[u8; 3]>()
            .prop_map(|[procedure, which, variant]| Operation::Meta { procedure, which, variant }),
        1 => about_sessions(),
    ]
}

fn about_sessions() -> impl Strategy<Value = Operation> {
    prop_oneof![
        3 => (0..8_u8).prop_map(Operation::Join),
        1 => Just(Operation::Lose),
        1 => Just(Operation::Goodbye),
        1 => Just(Operation::Abort),
        1 => (0..20_u8).prop_map(Operation::Break),
        3 => prop_oneof![1..50_u16, 100..700_u16, 500..3_000_u16].prop_map(Operation::Wait),
    ]
}

fn about_calls() -> impl Strategy<Value = Operation> {
    let small = any::<u8>;
    let invoke = prop_oneof![5 => Just(0), 1 => 0..6_u8];
    let limit = prop_oneof![3 => Just(0), 3 => Just(1), 1 => Just(2)];
    prop_oneof![
        9 => (mostly(3, 8), invoke, limit, few_bits(5)).prop_map(|(pattern, invoke, limit, flags)| {
            Operation::Register { pattern, invoke, limit, flags }
        }),
        1 => (8..13_u8).prop_map(|pattern| Operation::Register { pattern, invoke: 0, limit: 0, flags: 0 }),
        2 => small().prop_map(Operation::Unregister),
        18 => (mostly(2, 9), bits(10), 0..6_u8)
            .prop_map(|(procedure, flags, timeout)| Operation::Call { procedure, flags, timeout }),
        4 => (small(), few_bits(3)).prop_map(|(which, flags)| Operation::Continue { which, flags }),
        4 => (small(), 0..4_u8).prop_map(|(which, mode)| Operation::Cancel { which, mode }),
        8 => (small(), few_bits(4)).prop_map(|(which, flags)| Operation::Yield { which, flags }),
        6 => (small(), 0..6_u8).prop_map(|(which, error)| Operation::Fail { which, error }),
        2 => (50..700_u16).prop_map(Operation::Wait),
    ]
}

fn about_events() -> impl Strategy<Value = Operation> {
    let small = any::<u8>;
    // Often one that most topics match, so that nodes meet.
    let pattern = prop_oneof![2 => small(), 1 => Just(7)];
    let key = prop_oneof![3 => Just(0), 1 => 0..4_u8];
    // Often retained, so that there is something to be had.
    let flags = prop_oneof![3 => few_bits(7), 1 => Just(8)];
    prop_oneof![
        7 => (pattern, 0..5_u8, few_bits(2))
            .prop_map(|(pattern, node, flags)| Operation::Subscribe { pattern, node, flags }),
        2 => small().prop_map(Operation::Unsubscribe),
        9 => (mostly(5, 10), key, flags, few_bits(6))
            .prop_map(|(topic, key, flags, lists)| Operation::Publish { topic, key, flags, lists }),
        1 => (500..3_000_u16).prop_map(Operation::Wait),
    ]
}
