"""Prove the estimators against worlds with known truth.

python -m validation                      all studies in full; writes docs/validation.md
python -m validation --smoke              few worlds, wider gates: a part of `make test`; writes nothing
python -m validation --only daily_chart   some studies; writes nothing
"""

import argparse
import sys

from validation.page import write_page
from validation.runner import REPLICATIONS, passes, run_study
from validation.studies import STUDIES


def main(arguments=None):
    """Run studies, print a line for each, write the page of a full run; give the exit code."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument(
        "--replications", type=int, default=REPLICATIONS, help=f"worlds a study (default {REPLICATIONS})"
    )
    parser.add_argument("--smoke", action="store_true", help="few worlds, wider gates")
    parser.add_argument("--only", nargs="+", choices=[study.name for study in STUDIES], help="some studies")
    parser.add_argument(
        "--shared", default="../shared", help="folder of real chats, for the page (default ../shared)"
    )
    chosen = parser.parse_args(arguments)
    found = {}
    for study in STUDIES:
        if chosen.only and study.name not in chosen.only:
            continue
        found[study.name] = run_study(study, study.smoke if chosen.smoke else chosen.replications)
        verdict = "pass" if passes(found[study.name]) else "FAIL"
        print(f"{verdict}  {study.name}: {study.claim}", flush=True)
        if verdict == "FAIL":
            print(found[study.name].to_string(index=False), flush=True)
    if not chosen.smoke and not chosen.only and chosen.replications >= REPLICATIONS:
        print(write_page(found, chosen.shared))
    return 0 if all(passes(results) for results in found.values()) else 1


if __name__ == "__main__":
    sys.exit(main())
