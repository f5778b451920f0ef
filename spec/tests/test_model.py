#!/usr/bin/env python3
# SPDX-License-Identifier: BSD-2-Clause
"""The smallest of the models holds, its faults are found, and a checker that finds nothing is no success. Prints TAP.
`make model` checks all of them."""
import importlib.util
import shutil
import sys
from pathlib import Path

MODEL = Path(__file__).resolve().parents[1] / "model"
spec = importlib.util.spec_from_file_location("check", MODEL / "check.py")
check = importlib.util.module_from_spec(spec)
spec.loader.exec_module(check)
sys.path.insert(0, str(Path(__file__).resolve().parents[2] / ".ci"))
from tap import finish, report  # noqa: E402  (it is no package)


def tables():
    """Every model is checked and has faults; every definition in the tables stands in its model, and every fault names a rule."""
    text = {path.stem: path.read_text() for path in MODEL.glob("*.pml")}
    report("every model is checked, and has faults", set(text) ^ {one[0] for one in check.GOOD} and "models without a check",
           set(text) ^ {one[0] for one in check.FAULTS} and "models without a fault")
    wanted = [(model, d.split("=")[0]) for table in (check.GOOD, check.FAULTS, check.NOT_SO) for model, definitions, _ in table for d in definitions.split()]
    report("every definition stands in its model", *[f"{model}: {d}" for model, d in wanted if d not in text[model]])
    report("every model names the rules that its faults break", *[f"{model}: {rule}" for model, _, rule in check.FAULTS if rule not in text[model]])


def smallest():
    for kind, table in (("good", check.GOOD), ("fault", check.FAULTS), ("not so", check.NOT_SO)):
        for model, definitions, what in table:
            if model == "state":
                result = check.try_variant(kind, model, definitions, what)
                report(f"{model} {definitions} ({kind}): {what}", not result["ok"] and result["text"])


def no_success():
    result = check.try_variant("good", "state", "AGREE", "")
    report("what does not hold is not said to hold", result["ok"] and "it was")
    result = check.try_variant("fault", "state", "", "")
    report("a fault that is not found is told", result["ok"] and "it was not")
    result = check.try_variant("good", "state", "SETTERS=)", "")
    report("a model that cannot be read is an error", result["ok"] and "it was not", "spin" not in result["text"] and result["text"])


if __name__ == "__main__":
    tables()
    if shutil.which("spin") is None:
        report("the models # SKIP spin is not installed")
    else:
        smallest()
        no_success()
    sys.exit(finish())
