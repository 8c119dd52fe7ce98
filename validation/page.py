"""Compose docs/validation.md from the results that are kept and the registry."""

from collections import Counter
from pathlib import Path

from validation.kept import read_kept
from validation.registry import STUDIES
from validation.runner import CELL_COVERAGE, FEWEST_FIGURES, MEAN_COVERAGE, WIDEST, judge, passes

PAGE = Path(__file__).parents[1] / "docs" / "validation.md"

HEAD = f"""# Validation

Made by `python -m validation`; do not edit. Every estimator is put to worlds whose truth is known: the scenarios of
[the simulated world](world.md), with the changes that a study's own code names. Seeds follow from the study's name and
were fixed before the first run.

A coverage study passes when every cell covers the truth in at least {CELL_COVERAGE:.0%} of the worlds and the
study's mean in at least {MEAN_COVERAGE:.0%}, with a mean width of at most {WIDEST} times the oracle width (3.92 times the
standard deviation of the estimate around the truth); a world that gives no interval counts against it. A study of figures
passes when every mean lies between its bounds and stands on {FEWEST_FIGURES} worlds or more. The figures below are kept in
`validation/results/`, a file a study, with the mean of the first worlds: by it a smoke run sees if they came from other code.
"""

TALK = """## How close simulated talk is to real talk

S1 on JD against real customer service chats of JD, of which nothing is kept here. Canned messages are those that stand five
times or more in a draw of 6,000. Told apart: a logistic regression on character 1- to 3-grams, five folds, a whole
session in one fold; .5 is chance, 1 is perfect. Before that, what one side says in a row is joined, and what anonymising left in
the real chats is folded on both sides: masks such as `[数字x]`, links and all numbers become 0, full-width marks become half-width. A whole
session is told apart nearly always: the small differences of a dozen messages add up.
"""


def write_page():
    """Write the page; gives its path."""
    PAGE.write_text(compose_page(), "utf-8")
    return PAGE


def compose_page():
    """Give the page as text."""
    parts = [HEAD, "## Studies\n", _overview(), *map(_study, STUDIES), TALK, _talk()]
    return "\n".join(parts).rstrip() + "\n"


def _overview():
    """Write one line for each study."""
    verdicts = Counter(map(_verdict, STUDIES))
    counts = ", ".join(f"{n} {verdict}" for verdict, n in verdicts.items())
    lines = [
        f"| [{study.name}](#{study.name}) | {study.claim} | {study.worlds} | {_verdict(study)} |"
        for study in STUDIES
    ]
    return (
        "\n".join(
            [
                f"{len(STUDIES)} studies: {counts}.\n",
                "| study | claim | worlds | verdict |",
                "|---|---|---|---|",
                *lines,
            ]
        )
        + "\n"
    )


def _verdict(study):
    """Give the word of a study's verdict."""
    results = read_kept(study.name)
    return "not run yet" if results is None else _word(passes(study, results))


def _study(study):
    """Write one study: claim, verdict and table."""
    head = f"### {study.name}\n\n{study.claim} {_verdict(study).capitalize()}.\n"
    results = read_kept(study.name)
    if results is None:
        return head
    rows = list(results.assign(passes=judge(study, results)).itertuples())
    if study.bounds:
        lines = [
            "| cell | worlds | mean (standard error) | from | to | verdict |",
            "|---|---|---|---|---|---|",
        ]
        lines += [
            f"| {r.cell} | {r.n} | {r.estimate:.3f} ({r.error:.3f}) | {study.bounds[r.cell][0]:g} "
            f"| {study.bounds[r.cell][1]:g} | {_word(r.passes)} |"
            for r in rows
        ]
    else:
        lines = [
            "| cell | worlds | truth | mean estimate | bias | coverage (95 %) | mean width | oracle width | verdict |",
            "|---|---|---|---|---|---|---|---|---|",
        ]
        lines += [
            f"| {r.cell} | {r.n} | {r.truth:.4f} | {r.estimate:.4f} | {r.bias:+.4f} | {r.coverage:.3f} "
            f"({r.coverage_low:.3f} to {r.coverage_high:.3f}) | {r.width:.4f} | {r.oracle_width:.4f} | {_word(r.passes)} |"
            for r in rows
        ]
        lines.append(f"\nMean coverage {results['coverage'].mean():.3f}.")
    return "\n".join([head, *lines]) + "\n"


def _word(passed):
    """Give the word of a verdict."""
    return "pass" if passed else "**fail**"


def _talk():
    """Write what was measured of the talk."""
    found = read_kept("talk")
    if found is None:
        return "Not measured yet.\n"
    rows = [
        f"| {r.measure} | {'' if r.real != r.real else f'{r.real:g}'} | {r.simulated:g} |"
        for r in found.itertuples()
    ]
    return "\n".join(["| | real | simulated |", "|---|---|---|", *rows]) + "\n"
