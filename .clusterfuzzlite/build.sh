#!/bin/sh
# SPDX-License-Identifier: BSD-2-Clause
# Builds the fuzz targets as ClusterFuzzLite and OSS-Fuzz ask for it: compiler and flags in CC and CFLAGS, what to link with in
# LIB_FUZZING_ENGINE, programs, seeds and dictionaries to OUT. Under MSan only the targets whose rooms use no library are built,
# as libraries that MSan did not compile give false alarms; fuzz_original is left out, as there is no original there.
set -eu
: "${CC:?}" "${CFLAGS?}" "${LIB_FUZZING_ENGINE:?}" "${OUT:?}"
CXX=${CXX:-$CC}
cd "$(dirname "$0")/.."
[ -f Makefile ] || cd "${SRC:?}/yoton"
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT

include="-Ireference/include -Ireference/src -Ireference/tools -Ireference/tests -Iconformance -Ifuzz"
base="-std=c17 -D_POSIX_C_SOURCE=200809L -pthread"
library="reference/src/*/*.c reference/tools/capture_*.c reference/tools/json_value.c reference/tools/dump_*.c reference/tests/sim_*.c reference/tests/alloc.c reference/tools/literal_read.c $(ls conformance/*/*.c | grep -v -e /mutants/ -e /peers/ -e /tests/)"
help=$(ls fuzz/*.c | grep -v -e '/fuzz_' -e '/runner.c' -e '/mutate_afl.c' -e '/calibrate.c')
# Where the targets run the libraries are not installed: they go beside them.
libraries="@fuzz/within.opt -Wl,--as-needed -Wl,-rpath,\$ORIGIN/lib -luv -lunistring -lgmp -ljansson -lpcap -lcmocka"
targets=$(ls fuzz/fuzz_*.c | sed -e 's|.*/fuzz_||' -e 's|\.c$||' | grep -v original)
if [ "${SANITIZER:-}" = memory ]; then
    library="reference/src/wire/frame.c reference/src/wire/handshake.c"
    help="fuzz/line.c fuzz/mutate.c"
    libraries=
    targets="frame handshake"
fi

compile() { # the words of the flags are meant to be split
    # shellcheck disable=SC2086
    $CC $CFLAGS $base $include -c -o "$work/$(echo "$1" | tr / _).o" "$1"
}
if [ "${SANITIZER:-}" != memory ]; then # what the harness is made of besides
    python3 conformance/tools/gen_requirements.py spec/wire.md conformance/ADAPTER.md > "$work/requirements.c"
    python3 conformance/tools/gen_evidence.py conformance/mutants conformance/findings.md > "$work/evidence.c"
    library="$library $work/requirements.c $work/evidence.c"
fi
for source in $library $help; do compile "$source"; done
rm -f "$work/libyoton.a"
ar rcs "$work/libyoton.a" "$work"/*.o
mkdir -p "$OUT/lib"
for target in $targets; do
    compile "fuzz/fuzz_$target.c"
    # shellcheck disable=SC2086
    $CXX $CFLAGS -o "$OUT/fuzz_$target" "$work/fuzz_fuzz_$target.c.o" "$work/libyoton.a" $LIB_FUZZING_ENGINE -pthread $libraries
    ldd "$OUT/fuzz_$target" | awk '$1 ~ /^lib(uv|unistring|gmp|jansson|pcap|dbus-1|systemd|cap|lzma|zstd|lz4|gcrypt|gpg-error|cmocka)\./ {print $3}' |
        while read -r path; do [ -e "$OUT/lib/${path##*/}" ] || cp "$path" "$OUT/lib"; done
    [ ! -f "fuzz/dict/$target.dict" ] || cp "fuzz/dict/$target.dict" "$OUT/fuzz_$target.dict"
    python3 -c 'import sys, zipfile, pathlib
with zipfile.ZipFile(sys.argv[1], "w") as out:
    for path in sorted(pathlib.Path(sys.argv[2]).iterdir()):
        out.write(path, path.name)' "$OUT/fuzz_${target}_seed_corpus.zip" "fuzz/corpus/$target"
done
