"""Prove the estimators against worlds with known truth.

python -m validation                      all studies in full, and the talk; keeps the results, writes docs/validation.md
python -m validation --only daily_chart   the same for some studies
python -m validation --talk               the same for the simulated talk alone, against the real chats in --shared
python -m validation --page               writes docs/validation.md from the results that are kept
python -m validation --smoke              few worlds, wider gates: a part of `make test`; keeps and writes nothing
python -m validation --worlds 40          so many worlds a study; keeps and writes nothing
"""

import argparse
import sys
import time

from validation.kept import is_stale, keep
from validation.page import write_page
from validation.realism import measure_realism
from validation.registry import STUDIES
from validation.runner import judge, passes, run_study, worker_pool


def main(arguments=None):
    """Run what is asked for, print a line for each study; give the exit code."""
    chosen = _parser().parse_args(arguments)
    is_full = not (chosen.smoke or chosen.worlds)
    studies = [study for study in STUDIES if not chosen.only or study.name in chosen.only]
    good = True
    if not (chosen.page or chosen.talk):
        with worker_pool(chosen.jobs) as pool:
            for study in studies:
                good &= _run(study, study.smoke if chosen.smoke else chosen.worlds, pool, is_full)
    if chosen.talk or (is_full and not chosen.only and not chosen.page):
        _measure_talk(chosen.shared)
    if is_full:
        print(write_page())
    return 0 if good else 1


def _parser():
    """Describe the arguments."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    what = parser.add_mutually_exclusive_group()
    what.add_argument("--talk", action="store_true", help="the simulated talk alone")
    what.add_argument("--page", action="store_true", help="the page alone")
    what.add_argument("--smoke", action="store_true", help="few worlds, wider gates")
    what.add_argument("--worlds", type=int, help="worlds a study")
    parser.add_argument("--only", nargs="+", choices=[study.name for study in STUDIES], help="some studies")
    parser.add_argument("--jobs", type=int, help="processes (default: one for each core)")
    parser.add_argument("--shared", default="../shared", help="folder of real chats (default ../shared)")
    return parser


def _run(study, worlds, pool, is_full):
    """Run one study, keep it if it is full, print its verdict, and its table if it fails; say whether it passes."""
    started = time.monotonic()
    results = run_study(study, worlds, pool)
    if is_full:
        keep(study.name, results)
    passed = passes(study, results)
    spent = time.monotonic() - started
    print(f"{'pass' if passed else 'FAIL'}  {study.name} ({spent:.0f} s): {study.claim}", flush=True)
    if worlds == study.smoke and is_stale(study.name, results):
        print(
            f"      what is kept of it may come from other code: run python -m validation --only {study.name}"
        )
    if not passed:
        print(results.assign(passes=judge(study, results)).to_string(index=False), flush=True)
    return passed


def _measure_talk(shared):
    """Measure the talk where there are real chats, keep what was found and print it."""
    found = measure_realism(shared)
    if found is None:
        print(f"talk not measured again: there are no real chats below {shared}")
    else:
        keep("talk", found)
        print(found.to_string(index=False))


if __name__ == "__main__":
    sys.exit(main())
