#!/bin/sh
# Runs Crossbar.io on the first free port from PORT on, until standard input ends:  crossbar.sh CROSSBAR PORT
#
# Whoever started it need not live to stop it: the end of the pipe does.
node=$(mktemp -d) || exit
cat >"$node/config.json" <<END
{
    "version": 2,
    "workers": [
        {
            "type": "router",
            "realms": [
                {
                    "name": "realm1",
                    "roles": [
                        {
                            "name": "anonymous",
                            "permissions": [
                                {
                                    "uri": "",
                                    "match": "prefix",
                                    "allow": {"call": true, "register": true, "publish": true, "subscribe": true}
                                }
                            ]
                        }
                    ]
                }
            ],
            "transports": [
                {
                    "type": "websocket",
                    "endpoint": {"type": "tcp", "interface": "127.0.0.1", "portrange": [$2, $(($2 + 99))]},
                    "auth": {"anonymous": {"type": "static", "role": "anonymous"}}
                }
            ]
        }
    ]
}
END
"$1" start --cbdir "$node" --color false &
cat >/dev/null
kill $!
wait $!
rm -r "$node"
