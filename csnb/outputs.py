"""Display blocks of HTML: in the lab each with its own style and script, in a report page once for all of them."""

import json
from functools import cache
from pathlib import Path

from IPython.display import display

from csnb.strings import text
from csnb.theme import light_variables

FACTS = "application/vnd.csnb.facts+json"
TEMPLATE = Path(__file__).parent / "templates" / "report"
TABLE_WORDS = ("filter", "filter_label", "download", "show_less", "sort_by")


def show_html(html, plain, facts=None):
    """Display HTML with its style for the lab; facts travel beside it to the run.

    Parameters
    ----------
    html : str
    plain : str, what stands where no HTML is shown
    facts : dict or None; `headline` and `provenance` are what a run takes up (`csnb.pages.notebook_facts`)
    """
    bundle = {"text/html": f'{lab_style()}<div class="csnb">{html}</div>', "text/plain": plain}
    display({**bundle, FACTS: facts} if facts else bundle, raw=True)


def lab_script():
    """Give the script that makes a table sort and filter in the lab; a report page has its own."""
    words = {key: text(f"page.{key}") for key in TABLE_WORDS}
    words["show_all"] = text("page.show_all", count="{count}")
    start = f"equipTables(document.currentScript.parentElement, {json.dumps(words, ensure_ascii=False)})"
    return f"<script>(() => {{ {_script()} {start} }})()</script>"


@cache
def _script():
    return (TEMPLATE / "tables.js").read_text("utf-8")


def lab_style():
    """Give the style sheet of an output in the lab, light in any theme; a report page leaves it out.

    The lab styles lists and tables of every output itself, so the rules name their class three times to outweigh it.
    """
    own = f".csnb{{{light_variables()}background:var(--paper);color:var(--ink);padding:2px 16px}}"
    return f"<style>{own}{_lab_blocks()}</style>"


@cache
def _lab_blocks():
    return (TEMPLATE / "blocks.css").read_text("utf-8").replace(".csnb ", ".csnb.csnb.csnb ")
