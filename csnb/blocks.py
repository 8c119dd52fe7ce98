"""Show headings, findings, quotes, sheets, definitions and provenance, in the lab and in a report.

Every `show_` function displays and returns None; its `_html` twin gives the same HTML as a string. All text
passes `escape` on its way in.
"""

import re
from importlib.metadata import version
from itertools import chain, zip_longest
from pathlib import Path

from csnb.formats import escape, format_value, is_missing, metric_name, rulepack_words, word_of
from csnb.outputs import show_html
from csnb.strings import text

BASIS = ("n", "interval")
_BOLD, _END = "\ue000", "\ue001"
_BRACKETS, _NUMBER = re.compile(r"([（(][^（()）]*[)）])"), re.compile(r"\u2212?\d[\d,.]*%?")


# ---- headings and findings


def show_section(key, tables=None):
    """Show a heading and one line on what follows, from strings `section.<key>.title` and `.lead`.

    Parameters
    ----------
    key : str
    tables : list of DataFrame, or None
        What the section is made of: where none of them has a row, there is nothing to say and no heading.

    Raises
    ------
    StringsError
        If the language in force lacks either text.

    Examples
    --------
    >>> show_section("findings")  # doctest: +SKIP
    """
    if tables is None or any(len(table) for table in tables):
        show_html(section_html(key), text(f"section.{key}.title"))


def section_html(key):
    """Give the HTML of `show_section`."""
    title, lead = (escape(text(f"section.{key}.{part}")) for part in ("title", "lead"))
    return f'<h2 class="section" id="{escape(key)}">{title}</h2><p class="lead">{lead}</p>'


def show_findings(findings, even_empty=True):
    """Show findings as sentences, the weightiest first, each with its evidence grade, n and interval.

    Parameters
    ----------
    findings : list of Finding (`csnb.findings`): key, values, grade, weight, section
        The sentence is `finding.<key>` of the strings, filled with all values but `n` and `interval`:
        these two, where given, stand in the line below it. `section` names the section of the detail.
    even_empty : bool; False shows nothing at all where there is none

    Raises
    ------
    StringsError
        If a sentence lacks a value, or a value has no place in it.

    Examples
    --------
    >>> show_findings(csnb.find_response_issues(book.sessions))  # doctest: +SKIP
    """
    if not findings and not even_empty:
        return
    findings = sorted(findings, key=lambda finding: -finding.weight)
    claims = [text(f"finding.{each.key}", **_claim_values(each)) for each in findings]
    show_html(findings_html(findings), "\n".join(claims), {"headline": claims[0]} if claims else {})


def findings_html(findings):
    """Give the HTML of `show_findings`, for findings in their order."""
    if not findings:
        return f'<p class="none">{escape(text("table.no_findings"))}</p>'
    cards = "".join(
        f'<li class="finding"><p class="claim">{_emphasised(f"finding.{each.key}", _claim_values(each))}</p>'
        f'<p class="basis">{_basis(each)}</p></li>'
        for each in findings
    )
    return f'<ol class="findings">{cards}</ol>'


def _claim_values(finding):
    """Give the values that belong into the sentence of a finding."""
    return {name: value for name, value in finding.values.items() if name not in BASIS}


def _basis(finding):
    """Give the line below a claim: grade, n, interval, where to read on."""
    grade = escape(text("table.evidence", grade=finding.grade))
    parts = [f'<b class="grade">{grade}</b> {escape(text(f"grade.{finding.grade}"))}']
    parts += [
        escape(text(f"table.basis_{name}", **{name: finding.values[name]}))
        for name in BASIS
        if name in finding.values
    ]
    if finding.section:
        words = text("table.see", section=text(f"section.{finding.section}.title"))
        parts.append(f'<a href="#{escape(finding.section)}">{escape(words)}</a>')
    return " ".join(f"<span>{part}</span>" for part in parts)


def _emphasised(key, values):
    """Fill a text and set the values that hold a digit in bold."""
    marked = {name: _marked(value) for name, value in values.items()}
    return escape(text(key, **marked)).replace(_BOLD, "<b>").replace(_END, "</b>")


def _marked(value):
    """Put marks around a value with a digit; they survive escaping and become tags after it.

    Of a value with brackets only the numbers outside of them are marked, if there are any.
    """
    if is_missing(value):
        return None
    plain = str(value).replace(_BOLD, "").replace(_END, "")
    parts = _BRACKETS.split(plain)
    if len(parts) > 1 and any(sign.isdigit() for part in parts[::2] for sign in part):
        marked = (_NUMBER.sub(rf"{_BOLD}\g<0>{_END}", part) for part in parts[::2])
        return "".join(chain(*zip_longest(marked, parts[1::2], fillvalue="")))
    return f"{_BOLD}{plain}{_END}" if any(sign.isdigit() for sign in plain) else plain


# ---- quotes


def show_quotes(frame, by="reason", even_empty=True):
    """Show masked messages with the evidence marked, folded away until the reader opens them.

    Parameters
    ----------
    frame : DataFrame, one row a message, in reading order
        `session_id` and `text`; `role` (who speaks; a customer where it is absent), `quote` (the part
        of the text to mark; missing: none), and the column `by`, where present, to group by
    by : str; groups are folded together, and a bar of the same column in a chart leads to its group
    even_empty : bool; False shows nothing at all where there is no message

    Examples
    --------
    >>> show_quotes(csnb.list_quotes(book, csnb.dissatisfied_sessions(book.sessions)))  # doctest: +SKIP
    """
    if len(frame) or even_empty:
        show_html(quotes_html(frame, by), f"{frame['session_id'].nunique()}")


def quotes_html(frame, by="reason"):
    """Give the HTML of `show_quotes`."""
    if frame.empty:
        return f'<p class="none">{escape(text("table.quotes_none"))}</p>'
    groups = frame.groupby(by, sort=False) if by in frame else [(None, frame)]
    return f'<div class="quotes">{"".join(_fold(by, value, group) for value, group in groups)}</div>'


def _fold(by, value, group):
    """Fold all conversations of one group, or of no group."""
    sessions = group["session_id"].nunique()
    count = (
        text("table.quote_one")
        if sessions == 1
        else text("table.quote_count", count=format_value(sessions, "count"))
    )
    mark = "" if value is None else f' data-drill="{escape(by)}={escape(value)}"'
    name = "" if value is None else f"{escape(word_of(by, value))} "
    return (
        f'<details{mark}><summary>{name}<span class="muted">{escape(count)}</span></summary>'
        f"{_conversations(group)}</details>"
    )


def _conversations(frame):
    """Set conversations one below the other."""
    return "".join(
        f'<article class="chat"><h3>{escape(text("table.session", session=session))}</h3>'
        f"{''.join(map(_said, rows.to_dict('records')))}</article>"
        for session, rows in frame.groupby("session_id", sort=False)
    )


def _said(message):
    """Set one message: who speaks, and the words with the evidence marked."""
    role = message.get("role") or "customer"
    words, quote = message["text"], message.get("quote")
    words = "" if is_missing(words) else str(words)
    if is_missing(quote) or not quote or quote not in words:
        inner = escape(words)
    else:
        before, after = words.split(quote, 1)
        inner = f"{escape(before)}<mark>{escape(quote)}</mark>{escape(after)}"
    who = escape(word_of("role", role))
    return (
        f'<p class="said {escape(role)}"><span class="who">{who}</span><bdi class="words">{inner}</bdi></p>'
    )


# ---- sheets


def show_sheets(frame, by="agent_id"):
    """Show one sheet a group, folded away until the reader opens it; nothing where there is none.

    Parameters
    ----------
    frame : DataFrame, one row a line: the column `by`, `line` (a word: `value.line.<line>`) and `said`
    by : str

    Examples
    --------
    >>> show_sheets(csnb.list_sheets(talks, compared, hints, fault_agents, gaps, "lead"))  # doctest: +SKIP
    """
    if len(frame):
        show_html(sheets_html(frame, by), f"{frame[by].nunique()}")


def sheets_html(frame, by="agent_id"):
    """Give the HTML of `show_sheets`."""
    sheets = "".join(
        f"<details><summary>{escape(word_of(by, name))}</summary>"
        f'<dl class="definitions">{"".join(map(_line_of_sheet, rows["line"], rows["said"]))}</dl></details>'
        for name, rows in frame.groupby(by, sort=False)
    )
    return f'<div class="quotes">{sheets}</div>'


def _line_of_sheet(line, said):
    return f"<dt>{escape(word_of('line', line))}</dt><dd>{escape(said)}</dd>"


# ---- definitions and provenance


def show_definitions(*metrics):
    """Show what metrics mean: `metric.<id>.name` and `metric.<id>.meaning` of the strings.

    Parameters
    ----------
    metrics : str each, ids of the catalogue (`csnb.list_metrics()`) or of a table of results

    Raises
    ------
    StringsError
        If a metric has no words in the language in force.

    Examples
    --------
    >>> show_definitions("reply_rate", "satisfaction_rate")  # doctest: +SKIP
    """
    show_html(definitions_html(*metrics), "\n".join(metric_name(metric) for metric in metrics))


def definitions_html(*metrics):
    """Give the HTML of `show_definitions`."""
    return f'<dl class="definitions">{"".join(map(_definition, metrics))}</dl>'


def _definition(metric):
    """Give one metric's name and meaning."""
    name, meaning = (escape(text(f"metric.{metric}.{part}")) for part in ("name", "meaning"))
    return f"<dt>{name}</dt><dd>{meaning}</dd>"


def show_provenance(data_hash, rulepacks, rows, parameters):
    """Show on what data a report stands; the run's manifest and the page's footer take it from here.

    Parameters
    ----------
    data_hash : str; the fingerprint of the book
    rulepacks : list of str; rule packs in force, with their dates
    rows : dict; name of a table -> number of rows used
    parameters : dict; the notebook's parameters. Of the book only the folder's name is shown, so that
        the page does not depend on where the book lies.

    Examples
    --------
    >>> rulepacks, rows = csnb.list_rulepacks(book.sessions), csnb.count_table_rows(book)  # doctest: +SKIP
    >>> show_provenance(csnb.data_hash(book), rulepacks, rows, {"shops": None})  # doctest: +SKIP
    """
    facts = {
        "version": version("csnb"),
        "data_hash": str(data_hash),
        "rulepacks": [str(pack) for pack in rulepacks],
        "rows": {str(table): int(count) for table, count in rows.items()},
        "parameters": {
            name: _portable(name, value) for name, value in parameters.items() if value is not None
        },
    }
    show_html(provenance_html(facts), f"csnb {facts['version']} {data_hash}", {"provenance": facts})


def provenance_html(facts):
    """Give the HTML of `show_provenance`."""
    none = text("provenance.none")
    lines = {
        "data_hash": facts["data_hash"],
        "rulepacks": rulepack_words(facts["rulepacks"]),
        "rows": " · ".join(
            f"{word_of('table', t)} {format_value(n, 'count')}" for t, n in facts["rows"].items()
        )
        or none,
        "parameters": " · ".join(f"{name} = {value}" for name, value in facts["parameters"].items()) or none,
        "version": facts["version"],
    }
    body = "".join(
        f"<dt>{escape(text(f'provenance.{key}'))}</dt><dd>{escape(v)}</dd>" for key, v in lines.items()
    )
    return f'<dl class="provenance">{body}</dl>'


def _portable(name, value):
    """Write a parameter so that it reads the same on every machine."""
    if name == "book" and value:
        return Path(str(value)).name
    return ", ".join(map(str, value)) if isinstance(value, (list, tuple)) else str(value)
