#!/bin/sh
# Runs Crossbar.io in the directory NODE until standard input ends, and removes it:  crossbar.sh CROSSBAR NODE
#
# Whoever started it need not live to stop it: the end of the pipe does.
# Of its log, which has a dozen lines for each realm and session, it hands on how far it is and what went wrong.
crossbar=$1 node=$2
mkfifo "$node/log" || exit
grep --line-buffered -e 'Native worker ready' -e 'listening on TCP port' -e '[Ee]rror' <"$node/log" &
"$crossbar" start --cbdir "$node" --color false >"$node/log" 2>&1 &
cat >/dev/null
kill $!
wait
rm -r "$node"
