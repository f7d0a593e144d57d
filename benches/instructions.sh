#!/usr/bin/env bash
# Instructions a message, by callgrind: two runs of different length, subtracted, so that setting up does not count.
#
#     benches/instructions.sh [SCENARIO...]
#
# The message's text is made in the round as well: 300 to 500 instructions that are the same in every version.
set -euo pipefail
cd "$(dirname "$0")/.."
command -v valgrind >/dev/null || { echo 'error: valgrind is missing (Debian package valgrind)' >&2; exit 1; }
[ $# -gt 0 ] || set -- publish-1 publish-100 call {exact,prefix,wildcard}-{10,100000} worst-{all-hit,none-hits}
binary=$(cargo bench --bench instructions --no-run 2>&1 | sed -n 's/.*(\(.*instructions-[0-9a-f]*\)).*/\1/p' | tail -1)

# Instructions of a run of scenario $1 with $2 rounds.
instructions() {
    valgrind --tool=callgrind --callgrind-out-file=/dev/null "$binary" "$1" "$2" 2>&1 |
        sed -n 's/.*Collected *: *\([0-9]*\).*/\1/p'
}

for scenario; do
    # Many, for setting up does not cost quite the same twice: hash maps are seeded at random. Of the worst a few do.
    case $scenario in worst-*) rounds=20 ;; *) rounds=10000 ;; esac
    few=$(instructions "$scenario" "$rounds")
    many=$(instructions "$scenario" $((3 * rounds)))
    printf '%-18s %8d\n' "$scenario" $(((many - few) / (2 * rounds)))
done
