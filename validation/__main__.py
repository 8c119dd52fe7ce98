"""Prove the estimators against worlds with known truth.

python -m validation                      all studies in full; writes docs/validation.md
python -m validation --smoke              few worlds, wider gates: a part of `make test`; writes nothing
python -m validation --only daily_chart   some studies; writes nothing
"""

import argparse
import sys

from validation.page import write_page
from validation.registry import STUDIES
from validation.runner import passes, run_study, worker_pool


def main(arguments=None):
    """Run studies, print a line for each, write the page of a full run; give the exit code."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument(
        "--replications", type=int, help="worlds a study (default: 400, fewer where bounds are far)"
    )
    parser.add_argument("--smoke", action="store_true", help="few worlds, wider gates")
    parser.add_argument("--only", nargs="+", choices=[study.name for study in STUDIES], help="some studies")
    parser.add_argument(
        "--shared", default="../shared", help="folder of real chats, for the page (default ../shared)"
    )
    chosen = parser.parse_args(arguments)
    found = {}
    with worker_pool() as pool:
        for study in STUDIES:
            if not chosen.only or study.name in chosen.only:
                worlds = study.smoke if chosen.smoke else chosen.replications
                found[study.name] = run_study(study, worlds, pool)
                _tell(study, found[study.name])
    if not chosen.smoke and not chosen.only and not chosen.replications:
        print(write_page(found, chosen.shared))
    return 0 if all(passes(results) for results in found.values()) else 1


def _tell(study, results):
    """Print the verdict of one study, and its table if it fails."""
    print(f"{'pass' if passes(results) else 'FAIL'}  {study.name}: {study.claim}", flush=True)
    if not passes(results):
        print(results.to_string(index=False), flush=True)


if __name__ == "__main__":
    sys.exit(main())
