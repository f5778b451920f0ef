#!/bin/sh
# SPDX-License-Identifier: BSD-2-Clause
# Compares what `yoton dump` says about every capture with its expected event log. Prints TAP, one result per capture.
#
# environment: YOTON (default BUILD/yoton), BUILD (default build)
set -u
cd "$(dirname "$0")/.." || exit 1
YOTON=${YOTON:-${BUILD:-build}/yoton}
[ -x "$YOTON" ] || {
    echo "Bail out! $YOTON is not there; build it with make tools, or set YOTON"
    exit 1
}
got=$(mktemp "${TMPDIR:-/tmp}/captures.XXXXXX") || exit 1
trap 'rm -f "$got"' EXIT

number=0
failed=0
report() { # verdict, name, reason
    number=$((number + 1))
    echo "$1 $number - $2${3:+ # $3}"
    [ "$1" = ok ] || failed=$((failed + 1))
}

for capture in captures/*.pcapng; do
    log=${capture%.pcapng}.log
    if [ ! -f "$log" ]; then
        report "not ok" "$capture" "it has no $log"
    elif ! "$YOTON" dump --no-time --slots captures/slots.txt "$capture" >"$got" 2>&1; then
        report "not ok" "$capture" "yoton dump failed"
        sed 's/^/# /' "$got"
    elif ! cmp -s "$log" "$got"; then
        report "not ok" "$capture" "the events are not those of $log"
        diff -u --label "$log" --label "yoton dump" "$log" "$got" | sed 's/^/# /'
    else
        report ok "$capture"
    fi
done
for log in captures/*.log; do
    [ -f "${log%.log}.pcapng" ] || report "not ok" "$log" "its capture is not there"
done
echo "1..$number"
[ $failed -eq 0 ] && [ $number -gt 0 ]
