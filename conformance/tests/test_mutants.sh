#!/bin/sh
# SPDX-License-Identifier: BSD-2-Clause
# A sample of the hand-written mutants: each is failed by the cases that claim it. `make mutants` tries them all.
here=$(dirname "$0")
exec python3 "$here/../mutants/run.py" --build "${BUILD:-$here/../../build}" \
    no-heartbeat duplicates-forwarded close-ignored control-bytes-half-checked directed-deposited \
    listening-socket-left-open header-fields-swapped close-without-signal length-limit-missing sent-back \
    self-not-noticed slot-hash-64 pyzo/echoed pyzo/length-with-header pyzo/host-does-not-answer pyzo/request-without-word \
    pyzo/first-key-wins pyzo/late-ones-taken
