#!/bin/sh
# Runs Crossbar.io on the first free port from PORT on, until standard input ends:  crossbar.sh CROSSBAR PORT REALM..
#
# Everybody may do everything in each realm, and is disclosed: Crossbar.io leaves that to its configuration.
# Whoever started it need not live to stop it: the end of the pipe does.
node=$(mktemp -d) || exit
crossbar=$1 port=$2
shift 2
realms=
for realm; do
    realms="$realms${realms:+, }"'{
                    "name": "'"$realm"'",
                    "roles": [
                        {
                            "name": "anonymous",
                            "permissions": [
                                {
                                    "uri": "",
                                    "match": "prefix",
                                    "allow": {"call": true, "register": true, "publish": true, "subscribe": true},
                                    "disclose": {"caller": true, "publisher": true}
                                }
                            ]
                        }
                    ]
                }'
done
cat >"$node/config.json" <<END
{
    "version": 2,
    "workers": [
        {
            "type": "router",
            "realms": [$realms],
            "transports": [
                {
                    "type": "websocket",
                    "endpoint": {"type": "tcp", "interface": "127.0.0.1", "portrange": [$port, $((port + 99))]},
                    "auth": {"anonymous": {"type": "static", "role": "anonymous"}}
                }
            ]
        }
    ]
}
END
"$crossbar" start --cbdir "$node" --color false &
cat >/dev/null
kill $!
wait $!
rm -r "$node"
