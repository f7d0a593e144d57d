#!/bin/sh
# Lists a directory by file extension, once a second, as records for `wamp pub --each json`:
#
#   examples/lister.sh DIRECTORY | wamp pub --each json
#
# Each is {"topic":"filewithext.txt","args":[["a.txt","b.txt"]]}; an extension whose last file has gone has an empty
# list once. Left out is what has no extension, or one that is no part of a URI.
export LC_ALL=C
dir=${1:-.}

# Lines as a list of JSON texts.
quoted() { sed 's/[\\"]/\\&/g; s/.*/"&"/' | paste -sd, -; }

known=
while :; do
    # The names of files, and none of directories.
    files=$(ls -p -- "$dir" | grep -v '/$')
    now=$(printf '%s\n' "$files" | sed -n 's/^..*\.\([A-Za-z0-9_][A-Za-z0-9_]*\)$/\1/p' | sort -u)
    for extension in $now; do
        names=$(printf '%s\n' "$files" | grep "^..*\.$extension\$" | quoted)
        printf '{"topic":"filewithext.%s","args":[[%s]]}\n' "$extension" "$names" || exit
    done
    for extension in $known; do
        printf '%s\n' "$now" | grep -qx "$extension" ||
            printf '{"topic":"filewithext.%s","args":[[]]}\n' "$extension" || exit
    done
    known=$now
    sleep 1
done
