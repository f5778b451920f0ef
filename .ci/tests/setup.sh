#!/bin/sh
# SPDX-License-Identifier: BSD-2-Clause
# The set-up on machines that lack something, played with a PATH of stand-ins. Nothing is installed.
set -u
cd "$(dirname "$0")/../.." || exit 1
room=$(mktemp -d) || exit 1
trap 'rm -rf "$room"' EXIT
unset YOTON_PATH
number=0
failed=0

# A machine: the usual tools, and what the arguments name on top.
machine() {
    rm -rf "${room:?}/bin" "$room/build"
    mkdir "$room/bin"
    for tool in sh awk cat chmod cut dirname env flock grep head mkdir mktemp rm sleep tail tee uname "$@"; do
        path=$(command -v "$tool") || continue
        # what is first in PATH may be a script that chooses among several
        [ "$tool" != python3 ] || path=$(python3 -c 'import sys; print(sys.executable)')
        ln -s "$path" "$room/bin/$tool"
    done
    stand_in id 'echo 0'
}
stand_in() {
    rm -f "$room/bin/$1"
    printf '#!/bin/sh\n%s\n' "$2" >"$room/bin/$1"
    chmod +x "$room/bin/$1"
}
setup() {
    PATH=$room/bin BUILD=$room/build CC=gcc "$room/bin/sh" .ci/setup.sh >"$room/out" 2>&1
    status=$?
}
# What the last run of the set-up must have done: its exit status, and words of its output.
expect() {
    name=$1 wanted=$2
    shift 2
    number=$((number + 1))
    verdict=ok
    [ $status = "$wanted" ] || verdict="not ok"
    for words in "$@"; do grep -qF -e "$words" "$room/out" || verdict="not ok"; done
    echo "$verdict $number - $name"
    [ "$verdict" = ok ] && return
    failed=1
    echo "# exit status $status, wanted $wanted and the words: $*"
    sed 's/^/# /' "$room/out"
}
everything="gcc g++ as clang llvm-symbolizer clang-format pkg-config gcovr python3 patch tshark xmllint pgrep ip node spin qemu-i386"

echo 1..11

machine
setup
expect "without apt-get the list of what is needed is printed, with reasons" 1 \
    "gcc                compiles the reference" "libuv1-dev         event loop" "error: no apt-get here"

machine
stand_in id 'echo 1000'
stand_in apt-get 'exit 0'
setup
expect "without root and sudo it says what root has to call" 1 "not root and no sudo" "apt-get install gcc"

machine
stand_in apt-cache 'exit 0'
stand_in apt-get 'echo "E: Could not get lock /var/lib/dpkg/lock-frontend."; exit 100'
stand_in sleep 'exit 0'
setup
expect "a busy package system is named" 1 "another program is using the package system"

machine
stand_in apt-cache 'exit 1'
stand_in apt-get 'echo "Err:1 Temporary failure resolving the name"; echo "W: Failed to fetch lists"; exit 0'
setup
expect "a network that is down is named" 1 "apt-get update did not succeed: the package server cannot be reached"

machine
stand_in apt-cache 'exit 0'
stand_in apt-get 'case "$*" in *install*) echo "E: Unable to locate package libuv1-dev"; exit 100;; esac'
setup
expect "a package that this release does not have is named" 1 "Unable to locate package libuv1-dev"

machine
stand_in apt-cache 'exit 0'
# shellcheck disable=SC2016 # expanded by the stand-in
stand_in apt-get 'case "$*" in *update*) : >"$0.new" ;; *) [ -e "$0.new" ] || { echo "E: Failed to fetch it  404"; exit 100; } ;; esac'
setup
expect "package lists that are too old are updated" 1 "updating the package lists" "installed, and still not found: gcc"

machine
stand_in apt-cache 'exit 0'
stand_in apt-get 'echo "Setting up nothing"'
setup
expect "packages that change nothing are not taken for success" 1 "Setting up nothing" "installed, and still not found: gcc"

# shellcheck disable=SC2086
machine $everything
setup
expect "with all here but apt-get, the original is skipped with the reason" 0 "the original will be skipped: no apt-get here"
cp "$room/build/peer/pyzo.unavailable" "$room/out" 2>/dev/null
expect "the reason is kept for the report" 0 "no apt-get here"

# shellcheck disable=SC2086
machine $everything
mkdir -p "$room/original/yoton"
: >"$room/original/yoton/__init__.py"
export YOTON_PATH="$room/original"
setup
[ -e "$room/build/peer/pyzo.unavailable" ] && status=unavailable
expect "YOTON_PATH replaces the package" 0

YOTON_PATH=$room/nowhere
setup
expect "a YOTON_PATH without the package is named" 0 "YOTON_PATH is '$room/nowhere'"

exit $failed
