//! Who guesses at secrets from another machine, in a network namespace whose addresses are not loopback's.

use crate::defaults::shell;
use crate::support::Program;

const CONFIG: &str = r#"
listen = ["192.0.2.1:7000"]
[[realms]]
name = "realm1"
roles = [{ name = "member", rules = [{ uri = "wamp.session.count", allow = ["call"] }] }]
[[realms.principals]]
authid = "joe"
role = "member"
ticket = "rosebud"
"#;

/// Somebody guesses, one after the other and then many at once, and then knows.
const GUESSES: &str = r#"
ip address add 192.0.2.1/32 dev lo
exec 3< <(wamp router --config wamp.toml 2>&1)
while read -r -u 3 line; do echo "$line"; case $line in ws:*) break;; esac; done
cat <&3 &
export WAMP_URL=ws://192.0.2.1:7000/ws WAMP_AUTHID=joe
for _ in 1 2 3; do WAMP_TICKET=wrong wamp call a.b; done
WAMP_TICKET=rosebud wamp call wamp.session.count
for _ in 1 2 3 4 5 6 7 8 9 10 11 12 13 14 15 16 17 18 19 20; do WAMP_TICKET=wrong wamp call a.b & done
until WAMP_TICKET=rosebud wamp call wamp.session.count; do :; done
echo "let in after all"
"#;

#[test]
fn whoever_guesses_waits_and_whoever_knows_is_let_in_after_a_wait() {
    let folder = tempfile::tempdir().unwrap();
    std::fs::write(folder.path().join("wamp.toml"), CONFIG).unwrap();
    let program = Program::start(shell(GUESSES, folder.path()));
    for count in 1..=3 {
        program.wait_for_line(&format!("from_this_address={count} total={count}"));
    }
    program.wait_for_line("waits for");
    program.wait_for_line("session joined");
    program.wait_for_line("too many tries to sign in have failed from this address: try again in ");
    program.wait_for_line("let in after all");
}
