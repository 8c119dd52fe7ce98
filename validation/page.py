"""Write docs/validation.md from the results of a full run."""

from pathlib import Path

import numpy as np

from csnb.lookup import read_toml
from validation.originality import describe_talk
from validation.registry import STUDIES
from validation.runner import CELL_COVERAGE, MEAN_COVERAGE, WIDEST, passes

PAGE = Path(__file__).parents[1] / "docs" / "validation.md"
TALK_MARK = "## How close simulated talk is to real talk"

HEAD = f"""# Validation

Made by `python -m validation`; do not edit. Every estimator is put to worlds whose truth is known
(`csnb.world`, scenarios below). Seeds follow from the study's name and were fixed before the first run.

A coverage study passes when every cell covers the truth in at least {CELL_COVERAGE:.0%} of the worlds and the
study's mean in at least {MEAN_COVERAGE:.0%}, with a mean width of at most {WIDEST} times the oracle width (3.92 times the
standard deviation of the estimate around the truth). A study of figures passes when every mean lies between its bounds.
"""


def write_page(found, shared):
    """Write the page; gives its path.

    Parameters
    ----------
    found : dict of study name to results of `run_study`
    shared : folder of real chats; where it is absent the page keeps what it said about talk
    """
    parts = [HEAD, "## Studies\n"]
    for study in STUDIES:
        parts.append(_study(study, found[study.name]))
    parts += ["## Scenarios\n", _scenarios(), TALK_MARK + "\n", describe_talk(shared) or _said_before()]
    PAGE.write_text("\n".join(parts).rstrip() + "\n", "utf-8")
    return PAGE


def _study(study, results):
    """Write one study: claim, verdict and table."""
    verdict = "pass" if passes(results) else "**fail**"
    lines = [f"### {study.name}: {verdict}\n", study.claim + "\n"]
    if study.bounds:
        lines += ["| cell | worlds | mean | from | to | verdict |", "|---|---|---|---|---|---|"]
        lines += [
            f"| {r.cell} | {r.n} | {r.estimate:.3f} | {r.coverage_low:g} | {r.coverage_high:g} | {_word(r.passes)} |"
            for r in results.itertuples()
        ]
    else:
        lines += [
            "| cell | worlds | truth | mean estimate | bias | coverage (95 %) | mean width | oracle width | verdict |",
            "|---|---|---|---|---|---|---|---|---|",
        ]
        lines += [
            f"| {r.cell} | {r.n} | {r.truth:.4f} | {r.estimate:.4f} | {r.bias:+.4f} | {r.coverage:.3f} "
            f"({r.coverage_low:.3f} to {r.coverage_high:.3f}) | {r.width:.4f} | {r.oracle_width:.4f} | {_word(r.passes)} |"
            for r in results.itertuples()
        ]
        lines.append(f"\nMean coverage {np.mean(results['coverage']):.3f}.")
    return "\n".join(lines) + "\n"


def _word(passed):
    """Give the word of a verdict."""
    return "pass" if passed else "**fail**"


def _scenarios():
    """Write the table of scenarios."""
    rows = [
        f"| {name} | {s['title']} | {s['purpose']} |" for name, s in read_toml("world/scenarios.toml").items()
    ]
    return "\n".join(["| scenario | title | what it is for |", "|---|---|---|", *rows]) + "\n"


def _said_before():
    """Give what the page said about talk, where there are no real chats to measure against."""
    text = PAGE.read_text("utf-8") if PAGE.exists() else ""
    return text.partition(TALK_MARK + "\n\n")[2] or "Not measured: there are no real chats here.\n"
