#!/bin/sh
# SPDX-License-Identifier: BSD-2-Clause
# Every hand-written mutant of the reference is failed by the cases that claim it.
here=$(dirname "$0")
exec python3 "$here/../mutants/run.py" --build "${BUILD:-$here/../../build}"
