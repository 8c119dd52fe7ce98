"""The folder of pages: their list, the record of runs, and what is kept."""

import json
from pathlib import Path

from csnb.book import write_bytes
from csnb.formats import format_period
from csnb.pages import read_about, render_list, render_page
from csnb.strings import LANGUAGES, get_language, text

HEAD = 20_000  # signs of a page in which it says what it is


def read_pages(out):
    """Give what the reports of a folder say about themselves.

    Returns
    -------
    list of dict, by file name; `path` is the file, `further` the further parameters. Foreign files and the list itself are not in it
    """
    pages = []
    for path in sorted(Path(out).glob("*.html")):
        with path.open(encoding="utf-8") as handle:
            about = read_about(handle.read(HEAD))
        if about:
            pages.append({"further": [], **about, "path": path})
    return pages


def workbook_path(page):
    """Say where the workbook of a page lies: beside it, under the same name."""
    return page.with_suffix(".xlsx")


def index_language(out):
    """Give the language of a folder's list: Chinese if any page is, else that of its pages, or the one in force."""
    found = {page["lang"] for page in read_pages(out)}
    return next((lang for lang in LANGUAGES if lang in found), get_language())


def write_index(out):
    """Write `index.html`, the list of all pages of a folder, in the language in force.

    The newest period comes first, in it the pages in that language; the list can be searched without network.

    Returns
    -------
    Path
    """
    own = get_language()
    pages = sorted(read_pages(out), key=lambda page: (page["lang"] != own, page["report"], page["path"].name))
    pages.sort(key=_period, reverse=True)
    periods = {}
    for page in pages:
        words = format_period(page["date_from"], page["date_to"])
        periods.setdefault(words, []).append(_entry(page))
    page = render_page(
        text("page.index_title"), text("page.index_lead"), [text("page.brand")],
        render_list(list(periods.items())), [], {}, ("catalog.js",),
    )  # fmt: skip
    write_bytes(Path(out) / "index.html", page.encode())
    return Path(out) / "index.html"


def _period(page):
    """Order pages by their last and first day; the whole book is newest."""
    return page["date_to"] or "9999", page["date_from"] or "9999"


def _entry(page):
    """Give the line of one page in the list."""
    shops = text("chart.comma").join(page["shops"]) if page["shops"] else text("page.all_shops")
    return {
        "href": page["path"].name,
        "workbook": workbook_path(page["path"]).name if workbook_path(page["path"]).exists() else None,
        "title": page["title"],
        "headline": page["headline"],
        "failed": page["failed"],
        "about": [
            text(f"page.lang_{page['lang']}"),
            shops,
            text(f"page.audience_{page['audience']}"),
            *page["further"],
        ],
    }


def delete_old_pages(out, keep, fresh):
    """Delete the pages, with their workbooks, that are older than the newest `keep` good periods of each report.

    Parameters
    ----------
    out : folder
    keep : int, at least 1, so that the last good page of a report always stays; a report without any keeps all
    fresh : set of Path; pages just made, which stay whatever their period
    """
    series = {}
    for page in read_pages(out):
        same = json.dumps([page[name] for name in ("report", "lang", "audience", "shops", "further")])
        series.setdefault(same, []).append(page)
    for pages in series.values():
        kept = sorted((_period(page) for page in pages if not page["failed"]), reverse=True)[:keep]
        for page in pages:
            if kept and _period(page) < kept[-1] and page["path"] not in fresh:
                page["path"].unlink()
                workbook_path(page["path"]).unlink(missing_ok=True)


def write_manifest(out, run):
    """Put a run on top of `manifest.json`, the log of all runs that wrote into a folder.

    Parameters
    ----------
    out : folder
    run : dict, what is worth keeping of a run

    Returns
    -------
    Path
        Every run stays in it, the newest first; a page of the folder is by the newest run that names it.
    """
    path = Path(out) / "manifest.json"
    runs = json.loads(path.read_text("utf-8"))["runs"] if path.exists() else []
    write_bytes(path, json.dumps({"runs": [run, *runs]}, ensure_ascii=False, indent=1).encode())
    return path
