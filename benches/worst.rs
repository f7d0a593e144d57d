//! The worst wildcards that a realm takes: all aimed at one URI, of as many shapes as there may be.

/// Parts that each pattern names or leaves empty: 2^10 shapes, the `realm_wildcard_shapes` of `Limits`.
const MIXED: usize = 10;
/// Parts that each pattern names.
const NAMED: usize = 22;

/// The URI they are aimed at.
pub(crate) fn uri() -> String {
    ["x"; MIXED + NAMED].join(".")
}

/// The patterns of each shape, the last of which ends with `last`, `x` to be a hit.
///
/// The others part from it at one part each, so that a walk meets a node there.
pub(crate) fn by_shape(last: &str) -> Vec<Vec<String>> {
    let beside = |at: usize| format!("{}y{}", "x.".repeat(at), ".x".repeat(NAMED - 1 - at));
    let mut ends: Vec<String> = (0..NAMED).map(beside).collect();
    ends.push("x.".repeat(NAMED - 1) + last);
    let part = |mix: usize, at: usize| if mix >> at & 1 == 1 { "x." } else { "." };
    let mixes = (0..1 << MIXED).map(|mix| (0..MIXED).map(|at| part(mix, at)).collect::<String>());
    let with_ends = |mix: String| ends.iter().map(|end| format!("{mix}{end}")).collect();
    mixes.map(with_ends).collect()
}
