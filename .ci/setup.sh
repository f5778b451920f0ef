#!/bin/sh
# SPDX-License-Identifier: BSD-2-Clause
# Installs what building and testing need, and fetches the original (Debian's package pyzo) to be judged.
# When nothing is missing it only looks, quickly and without the network.
#
# usage: .ci/setup.sh [--list]        --list: say what is needed and what is missing, change nothing
# environment: BUILD (build), CC (gcc), PYTHON (python3), YOTON_PATH (a folder that holds the package `yoton`),
# ALSO (more lines of the list below, for what only one target of the Makefile needs)
set -u
cd "$(dirname "$0")/.." || exit 1

BUILD=${BUILD:-build}
CC=${CC:-gcc}
PYTHON=${PYTHON:-python3}
PEER=$BUILD/peer/pyzo
PEER_YOTON=$PEER/usr/share/pyzo/pyzo
UNAVAILABLE=$BUILD/peer/pyzo.unavailable
LOG=$BUILD/setup.log

# Debian package, how to see that it is there (a command, a header, a module of Python, a runtime of
# clang, a kernel that runs 32 bits or else a command), and why.
needs() {
    cat <<'LIST'
gcc               command gcc                compiles the reference and the harness
g++               command g++                compiles the headers as C++
libc6-dev         header stdlib.h            the C library's headers
clang             command clang              the second compiler; builds the fuzz targets
libclang-rt-dev   runtime fuzzer             libFuzzer and the sanitizers of clang
llvm              command llvm-symbolizer    names functions in the reports of a fuzz target
clang-format      command clang-format       checks the style of the C sources
pkg-config        command pkg-config         tells a test's program how to link with the installed library
python3           command python3            runs the original, the tests' runner and the generators
patch             command patch              makes the mutants of the reference
libuv1-dev        header uv.h                event loop and sockets of the reference
libunistring-dev  header unicase.h           lower case of slot names
libgmp-dev        header gmp.h               the slot hash outgrows 64 bits
libjansson-dev    header jansson.h           JSON of the adapter protocol, vectors and reports
libpcap-dev       header pcap/pcap.h         reads and records captures
libcmocka-dev     header cmocka.h            unit tests
gcovr             command gcovr              says which branches the unit tests did not take
tshark            command tshark             a second reader for captures; its editcap writes new ones
libxml2-utils     command xmllint            checks the junit.xml of the harness
python3-jsonschema module jsonschema         checks vectors against their schema
nodejs            command node               runs the third implementation that is judged
spin              command spin               visits every state of the models of the protocol
procps            command pgrep              shows tests what is left running
iproute2          command ip                 makes two boxes and a cable for the experiments with sockets
LIST
    if [ "$(uname -m)" = x86_64 ]; then
        echo 'gcc-multilib header gnu/stubs-32.h replays corpora in 32 bits, too'
        echo 'qemu-user 32bit qemu-i386 runs programs of 32 bits where the kernel does not'
    fi
    [ -z "${ALSO:-}" ] || printf '%s\n' "$ALSO"
}

say() { printf 'setup: %s\n' "$*"; }
fail() {
    printf 'setup: error: %s\n' "$*" >&2
    exit 1
}

has_header() {
    # cmocka wants four headers before its own.
    printf '#include <stdarg.h>\n#include <stddef.h>\n#include <setjmp.h>\n#include <stdint.h>\n' >"$probe"
    for h in "$@"; do printf '#include <%s>\n' "$h" >>"$probe"; done
    $compiler -fsyntax-only -x c "$probe" 2>/dev/null
}

has_runtime() {
    command -v clang >/dev/null 2>&1 || return 1
    dir=$(clang -print-runtime-dir 2>/dev/null)
    for f in "$dir"/libclang_rt."$1"*.a; do [ -e "$f" ] && return 0; done
    f=$(clang -print-file-name="libclang_rt.$1-$(uname -m).a" 2>/dev/null)
    [ -e "$f" ]
}

# Runs a program of 32 bits: 93 bytes, exit(0) by int 0x80.
has_32bit() {
    command -v "$1" >/dev/null 2>&1 && return 0
    {
        printf '\177ELF\1\1\1\0\0\0\0\0\0\0\0\0\2\0\3\0\1\0\0\0T\200\4\10\64\0\0\0\0\0\0\0\0\0\0\0\64\0\40\0\1\0\0\0\0\0\0\0'
        printf '\1\0\0\0\0\0\0\0\0\200\4\10\0\200\4\10]\0\0\0]\0\0\0\5\0\0\0\0\20\0\0\270\1\0\0\0\61\333\315\200'
    } >"$probe.32" && chmod 700 "$probe.32" && "$probe.32" 2>/dev/null
    ran=$?
    rm -f "$probe.32"
    return $ran
}

# What apt installs is seen by the system's Python, which is not always the first in PATH.
has_module() {
    for p in /usr/bin/python3 "$PYTHON"; do
        "$p" -I -c "import importlib.util as u; raise SystemExit(u.find_spec('$1') is None)" 2>/dev/null && return 0
    done
    return 1
}

# Prints the packages that are missing, one a line.
missing() {
    probe=$(mktemp "${TMPDIR:-/tmp}/setup.XXXXXX") || exit 1
    compiler=
    for c in $CC gcc clang cc; do command -v "$c" >/dev/null 2>&1 && compiler=$c && break; done
    all_headers=no
    # shellcheck disable=SC2046 # one word per header is meant
    [ -n "$compiler" ] && has_header $(needs | awk '$2 == "header" {print $3}') && all_headers=yes
    needs | while read -r package kind what _; do
        case $kind in
        command) command -v "$what" >/dev/null 2>&1 ;;
        runtime) has_runtime "$what" ;;
        32bit) has_32bit "$what" ;;
        module) has_module "$what" ;;
        header) [ $all_headers = yes ] || { [ -n "$compiler" ] && has_header "$what"; } ;;
        esac || echo "$package"
    done
    rm -f "$probe"
}

reason() { needs | awk -v p="$1" '$1 == p {$1 = $2 = $3 = ""; sub(/^ +/, ""); print}'; }
explain() { for p in "$@"; do printf '  %-18s %s\n' "$p" "$(reason "$p")"; done; }

as_root() {
    if [ "$(id -u)" = 0 ]; then
        env DEBIAN_FRONTEND=noninteractive "$@"
    elif [ -t 0 ]; then
        sudo DEBIAN_FRONTEND=noninteractive "$@"
    else
        sudo -n DEBIAN_FRONTEND=noninteractive "$@"
    fi
}

# Runs a command with its whole output in the log; the lines that show progress are printed as they come.
logged() {
    {
        "$@" 2>&1
        echo "exit status: $?"
    } | tee -a "$LOG" | grep --line-buffered -E '^(Get:|Fetched|Setting up|E:)' | cut -c1-160 >&2
    [ "$(tail -n 1 "$LOG")" = "exit status: 0" ]
}

# What went wrong, in words, from the log of apt.
apt_trouble() {
    if grep -Eq 'Could not get lock|Unable to (acquire|lock)' "$LOG"; then
        echo "another program is using the package system; run this again when it has ended"
    elif grep -q 'Unable to locate package' "$LOG"; then
        echo "$(grep -o 'Unable to locate package.*' "$LOG" | head -n 1) in this system's package lists (Debian 12 or newer has it)"
    elif grep -Eq 'Could not resolve|Temporary failure|Could not connect|Unable to connect|Failed to fetch|onnection (failed|timed out)' "$LOG"; then
        echo "the package server cannot be reached; check the network and run this again"
    elif grep -Eq 'a password is required|not in the sudoers|Permission denied' "$LOG"; then
        echo "no right to install packages; run it as root or ask for sudo"
    else
        grep -E '^(E:|dpkg:|sudo:)' "$LOG" | tail -n 1
    fi
}

APT="-q -o DPkg::Lock::Timeout=300 -o Acquire::Retries=2 -o Acquire::http::Timeout=20 -o Acquire::https::Timeout=20"

# Package lists are updated once, and waited for when another program is at it.
apt_update() {
    [ -z "${updated:-}" ] || return 0
    say "updating the package lists"
    tries=0
    # shellcheck disable=SC2086 # APT is a list of options
    until : >"$LOG" && logged as_root apt-get $APT update && ! grep -Eq '^(Err:|W: Failed to fetch)' "$LOG"; do
        tries=$((tries + 1))
        [ $tries -lt 30 ] && grep -q 'Could not get lock' "$LOG" || return 1
        sleep 5
    done
    updated=yes
}

apt_install() {
    say "installing with apt-get"
    : >"$LOG"
    # shellcheck disable=SC2086
    logged as_root apt-get $APT install -y --no-install-recommends "$@"
}

install_packages() {
    say "missing on this system:"
    explain "$@"
    command -v apt-get >/dev/null 2>&1 || {
        printf 'setup: error: no apt-get here, so nothing was installed. Install the packages above (names as in Debian) %s\n' \
            "by your system's own means, then run this again." >&2
        exit 1
    }
    [ "$(id -u)" = 0 ] || command -v sudo >/dev/null 2>&1 ||
        fail "not root and no sudo, so nothing was installed. As root run: apt-get install $*"
    for p in "$@"; do
        apt-cache show "$p" >/dev/null 2>&1 || {
            apt_update || fail "apt-get update did not succeed: $(apt_trouble) (whole output: $LOG)"
            break
        }
    done
    # Package lists may be older than the server's files: then a second try is made with fresh ones.
    apt_install "$@" || { grep -Eq 'Failed to fetch|Unable to locate' "$LOG" && apt_update && apt_install "$@"; } ||
        fail "apt-get install did not succeed: $(apt_trouble) (whole output: $LOG)"
    still=$(missing)
    # shellcheck disable=SC2086
    [ -z "$still" ] || fail "installed, and still not found:" $still "(whole output: $LOG)"
}

peer_ready() {
    if [ -n "${YOTON_PATH:-}" ]; then [ -f "$YOTON_PATH/yoton/__init__.py" ]; else [ -f "$PEER_YOTON/yoton/__init__.py" ]; fi
}

# The original is a guest: when it cannot be had, that is written down with the reason, and the rest goes on.
peer_unavailable() {
    printf '%s\n' "$*" >"$UNAVAILABLE"
    printf 'setup: warning: the original will be skipped: %s\n' "$*" >&2
}

fetch_peer() {
    mkdir -p "$BUILD/peer"
    [ -z "${YOTON_PATH:-}" ] || {
        peer_unavailable "YOTON_PATH is '$YOTON_PATH', and there is no folder 'yoton' with an __init__.py in it"
        return
    }
    command -v apt-get >/dev/null 2>&1 || {
        peer_unavailable "no apt-get here to fetch Debian's package pyzo; set YOTON_PATH to the folder that holds the package yoton"
        return
    }
    say "fetching Debian's package pyzo, which holds the original (unpacked in $PEER, not installed)"
    new=$(mktemp -d "$BUILD/peer/new.XXXXXX") || exit 1
    # A package that is not in the lists because these could not be had is no package that Debian lacks.
    apt-cache show pyzo >/dev/null 2>&1 || apt_update || apt-cache show pyzo >/dev/null 2>&1 || {
        peer_unavailable "apt-get update did not succeed: $(apt_trouble)"
        rm -rf "$new"
        return
    }
    : >"$LOG"
    # shellcheck disable=SC2086
    if ! (cd "$new" && exec apt-get $APT -o APT::Sandbox::User=root download pyzo) >>"$LOG" 2>&1; then
        peer_unavailable "apt-get download pyzo did not succeed: $(apt_trouble)"
    elif ! dpkg -x "$new"/pyzo_*.deb "$new/root" >>"$LOG" 2>&1 || [ ! -d "$new/root/usr/share/pyzo/pyzo/yoton" ]; then
        peer_unavailable "Debian's package pyzo was fetched and holds no usr/share/pyzo/pyzo/yoton"
    else
        rm -rf "$PEER"
        mv "$new/root" "$PEER"
        rm -f "$UNAVAILABLE"
        say "unpacked $(cd "$new" && echo pyzo_*.deb)"
    fi
    rm -rf "$new"
}

setup() {
    packages=$(missing)
    # shellcheck disable=SC2086 # one word per package is meant
    [ -z "$packages" ] || install_packages $packages
    if peer_ready; then rm -f "$UNAVAILABLE"; else fetch_peer; fi
}

[ $# -eq 0 ] || [ "$*" = --list ] || fail "unknown argument '$*'; usage: .ci/setup.sh [--list]"
if [ "${1:-}" = --list ]; then
    packages=$(missing)
    needs | while read -r p _; do
        state=here
        for m in $packages; do [ "$m" = "$p" ] && state=missing; done
        printf '%-8s %-18s %s\n' $state "$p" "$(reason "$p")"
    done
    exit 0
fi

mkdir -p "$BUILD" || fail "cannot make the folder $BUILD; check who owns it, or set BUILD to another"
[ -z "$(missing)" ] && peer_ready && rm -f "$UNAVAILABLE" && exit 0

# Two of these at once would install twice: the second waits, then finds everything there.
if command -v flock >/dev/null 2>&1; then
    exec 9>"$BUILD/.setup.lock"
    flock -n 9 || {
        say "waiting for another set-up of this tree"
        flock 9
    }
fi
setup
