"""Turn an executed notebook into one self-contained page: body, contents, styles, scripts, policy.

A page needs nothing from outside. Its policy lets only its own scripts run, known by their hashes, so
that hostile text could not run even if it slipped through the escaping. Equal inputs give equal bytes.
"""

import base64
import gzip
import hashlib
import html
import json
import re
from functools import cache
from typing import NamedTuple

import jinja2
import nbformat
from nbconvert.exporters import TemplateExporter
from nbconvert.filters import strip_ansi
from plotly.offline import get_plotlyjs
from traitlets.config import Config

from csnb.figures import chart_html
from csnb.formats import escape
from csnb.outputs import FACTS, TEMPLATE, lab_script, lab_style
from csnb.strings import get_language, text
from csnb.theme import css_variables, dark_colours, print_colours

PLOTLY = "application/vnd.plotly.v1+json"
LEFT_OUT = {"parameters", "injected-parameters", "analyst"}
HTML_LANG = {"zh": "zh-CN", "en": "en"}
WORDS = (
    "contents", "skip", "chart_failed", "filter", "filter_label", "download", "show_less", "sort_by",
    "failed_lead", "failed_error", "failed_traceback",
    "index_search", "index_empty", "index_none", "index_failed",
)  # fmt: skip


class Download(NamedTuple):
    """A file inside a page: its name, its type, what a reader clicks on, its bytes."""

    name: str
    type: str
    words: str
    data: bytes


def notebook_facts(notebook):
    """Collect what a notebook's outputs say about themselves: headline and provenance.

    Returns
    -------
    dict; where two outputs say the same thing, the first counts
    """
    facts = {}
    for cell in notebook.cells:
        for output in cell.get("outputs", []):
            for name, value in output.get("data", {}).get(FACTS, {}).items():
                facts.setdefault(name, value)
    return facts


def render_cells(notebook):
    """Give the outputs of a notebook as HTML, by the own nbconvert template.

    The first cell (the title) is the page's head; parameters and cells tagged `analyst` are left
    out, and so are all inputs and stderr.
    """
    cells = [cell for cell in notebook.cells[1:] if not LEFT_OUT & set(cell.metadata.get("tags", []))]
    config = Config()
    config.TemplateExporter.extra_template_basedirs = [str(TEMPLATE.parent)]
    config.TemplateExporter.template_name = TEMPLATE.name
    config.TemplateExporter.file_extension = ".html"
    config.NbConvertBase.display_data_priority = [PLOTLY, "text/html", "text/plain"]
    exporter = TemplateExporter(config=config)
    exporter.register_filter("chart", chart_html)
    exporter.register_filter("plain", lambda words: escape(strip_ansi(words)))
    body, _ = exporter.from_notebook_node(nbformat.from_dict({**notebook, "cells": cells}))
    return body.replace(lab_style(), "").replace(lab_script(), "").strip()


def render_failure(error, traceback):
    """Give the body of the page that says why a report could not be made."""
    return _template("failed.html.j2").render(words=_words(), error=error, traceback=traceback)


def render_list(periods):
    """Give the body of the list of reports, from (period, entries) pairs."""
    return _template("catalog.html.j2").render(words=_words(), periods=periods)


def render_page(title, lead, brand, body, footer, about, scripts=(), download=None):
    """Put a body into a page, in the language in force.

    Parameters
    ----------
    title, lead : str; the heading and the line below it (may be empty)
    brand, footer : list of str, shown side by side above the heading and at the foot
    body : str, HTML; charts by `chart_html`, headings by `show_section`
    about : dict; what the page says about itself to the list of reports
    scripts : file names beside the template; together they are the page's own script
    download : Download or None; a file that the page carries and offers, without any script

    Returns
    -------
    str, the HTML of the whole page
    """
    has_charts = 'class="plot"' in body
    boot, own = _asset("boot.js"), "".join(map(_asset, scripts))
    running = [each for each in (boot, own, get_plotlyjs() if has_charts else "") if each]
    headings = re.findall(r'<h2 class="section" id="([^"]*)">(.*?)</h2>', body)
    data = {
        "words": {**_words(), "show_all": text("page.show_all", count="{count}")},
        "dark": dark_colours(),
        "print": print_colours(),
    }
    return _template("page.html.j2").render(
        lang=HTML_LANG[get_language()],
        hashes=" ".join(map(_script_hash, running)),
        title=title,
        lead=lead,
        brand=brand,
        body=body,
        footer=footer,
        about=about,
        words=_words(),
        contents=[tuple(map(html.unescape, pair)) for pair in headings] if len(headings) > 1 else [],
        css=css_variables() + _asset("blocks.css") + _asset("page.css"),
        boot=boot,
        script=own,
        data=json.dumps(data, ensure_ascii=False, sort_keys=True).replace("<", "\\u003c"),
        plotly=_packed_plotly() if has_charts else "",
        download=download and {**download._asdict(), "data": base64.b64encode(download.data).decode()},
    )


def read_about(page):
    """Give what a page says about itself, from the text of its head; None for a foreign page."""
    found = re.search(r'<meta name="csnb" content="([^"]*)">', page)
    return json.loads(html.unescape(found[1])) if found else None


def _words():
    """Give the words of templates and scripts."""
    return {key: text(f"page.{key}") for key in WORDS}


def _script_hash(script):
    """Give the hash by which the policy of a page knows a script."""
    return f"'sha256-{base64.b64encode(hashlib.sha256(script.encode()).digest()).decode()}'"


@cache
def _packed_plotly():
    """Give plotly.js packed to a third; the page's script unpacks it."""
    return base64.b64encode(gzip.compress(get_plotlyjs().encode(), mtime=0)).decode()


@cache
def _asset(name):
    """Read a style sheet or a script."""
    return (TEMPLATE / name).read_text("utf-8")


@cache
def _environment():
    """Set up the templates: they escape by themselves and refuse a missing value."""
    loader = jinja2.FileSystemLoader(TEMPLATE)
    return jinja2.Environment(
        loader=loader, autoescape=True, trim_blocks=True, undefined=jinja2.StrictUndefined
    )


def _template(name):
    return _environment().get_template(name)
