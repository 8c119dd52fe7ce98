"""Worlds as files: chat exports in each platform's own columns, the tables beside them, and the truth apart."""

import gzip
import io
import json
from pathlib import Path

import numpy as np
import polars as pl
import xlsxwriter

from csnb.errors import ParameterError, one_of
from csnb.layouts import read_layout, shapes_of
from csnb.schema import TIME
from csnb.world.causes import CODES
from csnb.world.coders import label_exports
from csnb.world.draws import happens
from csnb.world.faults import as_faults, soil
from csnb.world.making import make_world
from csnb.world.observed import at, session_ids
from csnb.world.scenarios import world_table
from csnb.world.talk import talk

TABLES = ("agents", "events", "orders", "refunds", "tickets", "shifts")
FORMATS = ("csv", "csv.gz", "xlsx", "jsonl")
ENCODINGS = ("utf-8", "gb18030")
INDEX = ("file", "layout", "kind", "rows")
SHEET_ROWS = 1_048_575


def simulate(
    scenario, weeks, seed, platforms, out, truth=None, file_format="csv.gz", encoding="utf-8", labels=None
):
    """Make one world and write its exports, ready for `csnb import`; write the truth apart if asked.

    Parameters
    ----------
    scenario, seed : as in `make_world`; a world with other changes goes through `write_exports`
    weeks : int, or None for the scenario's own
    platforms : list of str, dealt to the shops in turn, or None for the scenario's own
    out : folder of the exports
    truth : folder of the truth, or None
    file_format, encoding : see `write_exports`
    labels : int, or None: also let made-up coders label a sample of so many (`csnb.world.coders`)

    Returns
    -------
    polars.DataFrame
        One row is one file of `out`, labels aside: `file, layout, kind, rows`; the same as `out`/exports.csv.

    Raises
    ------
    ParameterError
        If an argument is not allowed; it is named with its value and what is allowed.

    Examples
    --------
    >>> simulate("S1", weeks=4, seed=1, platforms=["taobao"], out="exports", truth="truth")  # doctest: +SKIP
    """
    asked = {"weeks": weeks, "platforms": platforms}
    world = make_world(scenario, seed, **{name: value for name, value in asked.items() if value is not None})
    index = write_exports(world, out, platforms, truth, file_format, encoding)
    if labels is not None:
        label_exports(out, messages_table(world)[1], labels, seed)
    return index


def write_exports(world, out, platforms=None, truth=None, file_format="csv.gz", encoding="utf-8"):
    """Write a world as the files a merchant would export, in place of those of an earlier world in the folder.

    Messages and ratings come in the layout of each platform (csnb/definitions/platforms), all other tables in the
    documented columns. What a platform does not export is left out: JD open has no robot and no system rows.

    Parameters
    ----------
    world : World
    out : folder
    platforms : list of str, or None for all of the world
    truth : folder for sessions, reasons, agents and faults as they truly are, or None
    file_format : csv, csv.gz, xlsx or jsonl; times have whole seconds
    encoding : utf-8, or for csv gb18030

    Returns
    -------
    polars.DataFrame
        One row is one file of `out`: `file, layout, kind, rows`.

    Raises
    ------
    ParameterError
        If a format, an encoding or a platform is not there to choose, or `truth` is `out`; what is allowed is named.
    """
    one_of("file_format", file_format, FORMATS)
    one_of("encoding", encoding, ENCODINGS if file_format.startswith("csv") else ENCODINGS[:1])
    known = list(dict.fromkeys(world.truth.draw.shops["platform"].tolist()))
    for platform in platforms or ():
        one_of("platforms", platform, known)
    out = Path(out)
    if truth is not None and Path(truth).resolve() == out.resolve():
        raise ParameterError(f"truth must be another folder than the exports; got: {str(truth)!r}")
    out.mkdir(parents=True, exist_ok=True)
    _delete_earlier(out)
    clean, reasons = messages_table(world)
    messages, faults = soil(_exported(clean), world)
    ratings = pl.from_pandas(world.ratings)
    files = []
    for platform in platforms or known:
        layout = world_table("platforms").loc[platform, "layout"]
        for kind, table in (("messages", messages), ("ratings", ratings)):
            own, renamed = _in_layout(table.filter(platform=platform), layout, kind, world.truth.draw)
            faults = pl.concat([faults, renamed])
            files.append(_write(own, out, f"{platform}_{kind}", layout, kind, file_format, encoding))
    for kind in TABLES:
        table = pl.from_pandas(getattr(world, kind))
        if table.height:
            files.append(_write(table, out, kind, "generic", kind, file_format, encoding))
    index = pl.DataFrame(files, schema=INDEX, orient="row")
    index.write_csv(out / "exports.csv")
    if encoding != "utf-8":
        faults = pl.concat(
            [faults, as_faults([("encoding", None, f"{file}: {encoding}") for file, *_ in files])]
        )
    if truth is not None:
        _write_truth(world, reasons, faults, Path(truth))
    return index


def messages_table(world, session_rows=None):
    """Give all messages of a world in the documented columns, and the reasons that they show.

    Parameters
    ----------
    world : World
    session_rows : array of numbers of sessions in the order of the draw, or None for all

    Returns
    -------
    messages : polars.DataFrame, in order of the sessions' start and then of time
    reasons : polars.DataFrame, one row a message that shows a reason: session_id, code, quote
    """
    draw = world.truth.draw
    rows, seconds, roles, agents, kinds, texts, codes = map(
        list, zip(*(m for session in talk(draw, session_rows) for m in session), strict=True)
    )
    rows, agents, c = np.array(rows), np.array(agents), draw.contacts
    ids, names = session_ids(draw), np.append(draw.agents["agent_id"].astype(object), None)
    facts = pl.from_pandas(
        world.sessions[["session_id", "platform", "shop", "channel", "buyer_id", "order_id", "product"]]
    )
    order = np.lexsort((np.array(seconds), rows, c["second"][rows]))
    messages = pl.DataFrame({
        "session_id": ids[rows],
        "sent_at": pl.Series(at(draw, np.round(np.array(seconds)))).cast(TIME),
        "role": roles,
        "text": texts,
        "agent_id": pl.Series(names[agents].tolist(), dtype=pl.String),
        "kind": kinds,
        "code": codes,
    })[order].join(facts, on="session_id", how="left", maintain_order="left")  # fmt: skip
    reasons = messages.filter(pl.col("code") != "").select(
        "session_id", "code", pl.col("text").alias("quote")
    )
    columns = [
        "session_id",
        "sent_at",
        "role",
        "text",
        "platform",
        "shop",
        "channel",
        "buyer_id",
        "agent_id",
        "kind",
        "order_id",
        "product",
    ]
    return messages.select(columns), reasons


def _in_layout(table, layout, kind, draw):
    """Give a table the headers and words of a layout, and the headers that are not the first known; columns that the
    layout does not know are left out."""
    shape = shapes_of(read_layout(layout), kind)[0]
    if kind == "messages":
        table = _speakers(table, shape)
    table = table.with_columns(
        pl.col(column).cast(pl.String).str.replace(r"\.0$", "").replace(_words(values, layout))
        for column, values in shape.values.items()
        if column in table.columns
    )
    if layout == "jd_open":
        times = [name for name, dtype in table.schema.items() if isinstance(dtype, pl.Datetime)]
        table = table.with_columns(pl.col(name).dt.epoch("ms") for name in times)
    known = {canonical: own for canonical, own in shape.columns.items() if canonical in table.columns}
    other = happens(draw.seed, f"headers of {layout} {kind}", len(known), draw.p.alias_share)
    headers = {
        canonical: own[-1] if alias else own[0]
        for (canonical, own), alias in zip(known.items(), other, strict=True)
    }
    renamed = [
        ("header_alias", None, f"{layout} {kind}: {canonical} as {name}")
        for canonical, name in headers.items()
        if name != known[canonical][0]
    ]
    return table.select(list(headers)).rename(headers), as_faults(renamed)


def _exported(messages):
    """Leave out what a platform does not export: the roles that its layout has no word for."""
    layouts = world_table("platforms")["layout"]
    parts = []
    for platform in messages["platform"].unique(maintain_order=True):
        shape = shapes_of(read_layout(layouts[platform]), "messages")[0]
        roles = list(shape.values.get("role", {})) or messages["role"].unique().to_list()
        parts.append((pl.col("platform") == platform) & pl.col("role").is_in(roles))
    return messages.filter(pl.any_horizontal(parts))


def _speakers(table, shape):
    """Say who speaks as the layout says it: by role, or by the names of sender and receiver."""
    if "sender" not in shape.columns:
        return table
    account = pl.col("agent_id").fill_null(pl.col("shop") + ":主账号")
    sender = {"customer": pl.col("buyer_id"), "agent": account, "notice": pl.lit("系统消息")}
    said_by = pl.coalesce(pl.when(pl.col("role") == role).then(name) for role, name in sender.items())
    to = pl.when(pl.col("role") == "customer").then(account).otherwise(pl.col("buyer_id"))
    return table.with_columns(
        said_by.fill_null("店小蜜").alias("sender"), to.alias("receiver"), account.alias("agent_id")
    )


def _words(values, layout):
    """Give the word a layout writes for each value: a Chinese one in the platforms' own exports."""
    own = layout != "generic"
    return {
        value: next((word for word in words if own and not word.isascii()), words[0])
        for value, words in values.items()
    }


def _delete_earlier(out):
    """Delete the files that an index of ours names, so that none of an earlier world stays among those of this one."""
    index = out / "exports.csv"
    if index.is_file() and index.read_text("utf-8").startswith(",".join(INDEX)):
        for name in pl.read_csv(index)["file"]:
            (out / Path(name).name).unlink(missing_ok=True)


def _write(table, out, name, layout, kind, file_format, encoding):
    """Write one table; the bytes hold no clock time. Gives its line of the index."""
    path = out / f"{name}.{file_format}"
    plain = _plain_times(table)
    if file_format == "xlsx":
        _write_sheet(plain, path)
    elif file_format == "jsonl":
        path.write_text(
            "".join(json.dumps(row, ensure_ascii=False) + "\n" for row in plain.to_dicts()), "utf-8"
        )
    else:
        data = plain.write_csv().encode(encoding)
        path.write_bytes(gzip.compress(data, compresslevel=9, mtime=0) if file_format == "csv.gz" else data)
    return path.name, layout, kind, table.height


def _plain_times(table):
    """Write times without zone, to the second, and days."""
    forms = {pl.Datetime: "%Y-%m-%d %H:%M:%S", pl.Date: "%Y-%m-%d"}
    kinds = {name: dtype.base_type() for name, dtype in table.schema.items()}
    return table.with_columns(
        pl.col(name).dt.to_string(forms[kind]) for name, kind in kinds.items() if kind in forms
    )


def _write_sheet(table, path):
    """Write one sheet."""
    if table.height > SHEET_ROWS:
        raise ParameterError(
            f"file_format='xlsx' holds {SHEET_ROWS} rows; {path.name} has {table.height}; allowed: csv, csv.gz, jsonl"
        )
    data = io.BytesIO()
    with xlsxwriter.Workbook(
        data, {"in_memory": True, "strings_to_numbers": False, "strings_to_urls": False}
    ) as book:
        sheet = book.add_worksheet("导出")
        sheet.write_row(0, 0, table.columns)
        for number, row in enumerate(table.iter_rows(), start=1):
            sheet.write_row(number, 0, ["" if cell is None else cell for cell in row])
    path.write_bytes(data.getvalue())


def _write_truth(world, reasons, faults, folder):
    """Write the truth: sessions with their causes, the quotes that show them, agents, faults."""
    folder.mkdir(parents=True, exist_ok=True)
    sessions = pl.from_pandas(world.truth.sessions.reset_index())
    shown = [code for code in CODES if code in sessions.columns]
    causes = (
        pl.concat_list([pl.when(pl.col(code)).then(pl.lit(code)) for code in shown])
        .list.drop_nulls()
        .list.join(" ")
    )
    tables = {
        "sessions": sessions.with_columns(causes.alias("codes")).drop(shown),
        "reasons": reasons,
        "agents": pl.from_pandas(world.truth.agents.reset_index()),
        "faults": faults,
    }
    for name, table in tables.items():
        (folder / f"{name}.csv.gz").write_bytes(
            gzip.compress(table.write_csv().encode(), compresslevel=9, mtime=0)
        )
