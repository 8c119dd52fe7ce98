"""Build: from staged rows to messages, texts, turns, session facts, labels and chances.

`build_partition` is one pure function over whole conversations. Here it is mapped over the
partitions of a book in worker processes; `groupBy("partition").applyInArrow` maps the same
function on a cluster. Only new or changed partitions are built again, and each is written as soon
as it is done, so that a killed build goes on where it stopped.
"""

import hashlib
import json
import multiprocessing
import os
from concurrent.futures import ProcessPoolExecutor
from contextlib import contextmanager
from datetime import date, timedelta
from functools import cache
from pathlib import Path
from typing import NamedTuple

import polars as pl

from csnb import reasons, rulepacks, sessions, turns
from csnb.accounts import read_accounts
from csnb.book import read_imported, read_key, read_manifest, write_manifest, write_parquet
from csnb.evidence import is_heard
from csnb.lookup import SHIPPED, UNSEEN
from csnb.masks import hash64, hash_id
from csnb.schema import conform, dtypes
from csnb.unseen import read_taught, split_by_teacher

ENGINE = 4  # raise it when build_partition gives other numbers for the same rows
PARTITION_ROWS = 1_000_000
NEIGHBOUR_DAYS = 3
SMALL = 50_000  # rows below which worker processes cost more than they save
TABLES = ("messages", "texts", "turns", "facts", "labels", "chances")
_SHAPES = (
    "rulepacks",
    "rules",
    "utterances",
    "reasons.toml",
    "measured.toml",
    "combination.toml",
    "stages.toml",
    "accounts.toml",
    UNSEEN,
)


class Rules(NamedTuple):
    """All definitions that a build depends on, read once."""

    packs: pl.DataFrame
    accounts: dict
    stage_words: dict
    taught: dict
    folder: str | None


def read_rules(key, folder=None):
    """Read the definitions that `build_partition` needs.

    Parameters
    ----------
    key : bytes, the book's secret, to compare listed buyers by their hash
    folder : path of the user's own definitions folder, or None
    """
    accounts = read_accounts(folder)
    buyers = hash_id(pl.Series(accounts["internal_buyers"], dtype=pl.String), key).to_list()
    return Rules(
        packs=rulepacks.load_rulepacks(folder),
        accounts={**accounts, "internal_buyers": buyers},
        stage_words=sessions.read_stage_words(folder),
        taught=read_taught(folder),
        folder=folder and str(folder),
    )


def build_partition(rows, rules):
    """Make all message-level tables of whole conversations. Pure: no file is read or written.

    Parameters
    ----------
    rows : polars.DataFrame
        Table `staged` with `session_key` and `source`, every row of each conversation it holds,
        in any order; rows of one source keep their order by `line`.
    rules : Rules of `read_rules`

    Returns
    -------
    dict of polars.DataFrame
        `messages`, `texts`, `turns`, `facts` (table `sessions` before `link_sessions`), `labels`,
        `chances`.

    Examples
    --------
    >>> build_partition(staged_rows, read_rules(key))["turns"]  # doctest: +SKIP
    """
    messages = _ordered(rows)
    pace = rulepacks.packs_in_force(_session_spans(messages), rules.packs)
    walked = turns.build_turns(messages, pace)
    facts = sessions.build_sessions(messages, walked, pace, rules.accounts, rules.stage_words)
    counted = messages.filter(pl.col("left_out_because").is_null() & is_heard())
    counted = counted.select("session_key", "number", "role", "text", "sent_at", "agent_id")
    labels, chances = _coded(counted, walked, facts, rules)
    texts = (
        messages.drop_nulls("text").group_by("text_id").agg(pl.col("text").first(), pl.len().alias("count"))
    )
    return {
        "messages": conform(messages, "messages"),
        "texts": conform(texts.sort("text_id"), "texts"),
        "turns": conform(walked, "turns"),
        "facts": facts,
        "labels": conform(
            labels.drop("session_id", strict=False).join(
                pace.select("session_key", "session_id"), on="session_key", how="left"
            ),
            "labels",
        ),
        "chances": conform(chances, "chances"),
    }


def _ordered(rows):
    """Number the messages of each conversation and say which are left out, and why."""
    ids = ["session_key", "message_id"]
    whole = ["session_key", *(name for name in dtypes("staged") if name not in ("session_id", "line"))]
    has_id = pl.col("message_id").is_not_null()
    has_time = pl.col("sent_at").is_not_null()
    is_timed = has_time.any().over("session_key")
    again = (
        pl.when(has_id)
        .then(~pl.struct(ids).is_first_distinct())
        .otherwise(has_time & ~pl.struct(whole).is_first_distinct())
    )
    left_out = (
        pl.when(again)
        .then(pl.lit("duplicate"))
        .when(pl.col("recalled") | (pl.col("kind") == "recall"))
        .then(pl.lit("recalled"))
        .when(pl.col("role") == "notice")
        .then(pl.lit("notice"))
        .when(~has_time & is_timed)
        .then(pl.lit("no_time"))
    )
    messages = rows.sort("session_key", "sent_at", "source", "line").with_columns(
        pl.int_range(pl.len(), dtype=pl.Int32).over("session_key").alias("number"),
        left_out.alias("left_out_because"),
    )
    return messages.with_columns(hash64(messages["text"]).alias("text_id"))


def _session_spans(messages):
    """Give each conversation its identity, its day, and its first and last time."""
    return messages.group_by("session_key", maintain_order=True).agg(
        pl.col("session_id", "platform", "shop").first(),
        pl.col("sent_at").min().alias("started_at"),
        pl.col("sent_at").max().alias("ended_at"),
        pl.col("sent_at").min().dt.date().cast(pl.String).fill_null("unknown").alias("day"),
    )


def _coded(messages, walked, facts, rules):
    """Give labels and chances, every session coded by definitions that did not learn from it."""
    parts, nobody = [], [(rules.folder, facts["session_key"])]
    for folder, keys in split_by_teacher(facts, rules.taught, rules.folder) or nobody:
        is_here = pl.col("session_key").is_in(keys.implode())
        parts.append(reasons.code_with_chances(messages.filter(is_here), walked.filter(is_here), folder))
    return [pl.concat(tables).sort("session_key", maintain_order=True) for tables in zip(*parts, strict=True)]


def build_book(path, folder=None, jobs=None, progress=None):
    """Bring everything that is built in a book up to date with its sources and definitions.

    Parameters
    ----------
    path : pathlib.Path of the book
    folder : path of the user's own definitions folder, or None
    jobs : int, worker processes; by default the number of cores
    progress : callable(done, total), called after every partition, or None

    Returns
    -------
    dict
        `partitions` (all), `built` (made anew in this run), `days_linked`.

    Examples
    --------
    >>> build_book(open_book("data/books/demo").path)["built"]  # doctest: +SKIP
    """
    index = _session_index(path)
    rules_hash = definitions_hash(folder)
    wanted = _plan(path, index, rules_hash)
    done = _progress_so_far(path)
    stale = {
        name: plan
        for name, plan in wanted.items()
        if done.get(name, {}).get("fingerprint") != plan["fingerprint"]
    }
    for number, (name, counts) in enumerate(_built(path, stale, folder, jobs), start=1):
        done[name] = {"fingerprint": stale[name]["fingerprint"], **counts}
        with (path / "progress.jsonl").open("a", encoding="utf-8") as log:
            log.write(json.dumps({"partition": name, **done[name]}) + "\n")
        if progress:
            progress(number, len(stale))
    gone = set(done) - set(wanted)
    for name in gone:
        for table in TABLES:
            (path / table / f"{name}.parquet").unlink(missing_ok=True)
    days = _link(path, wanted, set(stale) | gone)
    manifest = read_manifest(path)
    manifest["partitions"] = {name: done[name] for name in sorted(wanted)}
    manifest["definitions"] = rules_hash
    write_manifest(path, manifest)
    (path / "progress.jsonl").unlink(missing_ok=True)
    return {"partitions": len(wanted), "built": len(stale), "days_linked": days}


def definitions_hash(folder=None):
    """Give a hash of every definition that a build depends on, and of the engine's version."""
    digest = hashlib.blake2b(str(ENGINE).encode(), digest_size=8)
    for base in filter(None, (SHIPPED, folder and Path(folder))):
        for file in sorted(path for shape in _SHAPES for path in [base / shape, *(base / shape).rglob("*")]):
            if file.is_file():
                digest.update(file.relative_to(base).as_posix().encode() + file.read_bytes())
    return digest.hexdigest()


def _session_index(path):
    """List every session of every source file: its key, its start there, and where its rows lie."""
    frames = [
        pl.read_parquet(file).with_columns(pl.lit(source["id"]).alias("source"))
        for source in read_manifest(path)["sources"]
        if source["kind"] == "messages"
        for file in [path / "sources" / source["id"] / "sessions.parquet"]
    ]
    if not frames:
        return pl.DataFrame(schema=INDEX | {"source": pl.String})
    return pl.concat(frames)


INDEX = {
    "session_key": pl.Int64,
    "shop_key": pl.String,
    "started_at": dtypes("staged")["sent_at"],
    "rows": pl.UInt32,
    "part": pl.String,
}


def _plan(path, index, rules_hash):
    """Give each partition its sessions, the files that hold their rows, and its fingerprint."""
    hashes = {source["id"]: source["sha256"] for source in read_manifest(path)["sources"]}
    homes = (
        index.group_by("session_key")
        .agg(pl.col("shop_key").first(), pl.col("started_at").min(), pl.col("rows").sum())
        .with_columns(_partition_name().alias("partition"))
    )
    crowded = homes.group_by("partition").agg(
        (pl.col("rows").sum() // PARTITION_ROWS + 1).cast(pl.Int64).alias("shards")
    )
    homes = homes.join(crowded, on="partition").with_columns(
        pl.when(pl.col("shards") > 1)
        .then(pl.format("{}__{}", "partition", pl.col("session_key") % pl.col("shards")))
        .otherwise("partition")
        .alias("partition")
    )
    placed = index.join(homes.select("session_key", "partition"), on="session_key")
    plans = {}
    for (name,), part in placed.sort("source", "part", "session_key").group_by(
        "partition", maintain_order=True
    ):
        digest = hashlib.blake2b(rules_hash.encode(), digest_size=8)
        files = part.select("source", "part").unique(maintain_order=True).rows()
        for source, file in files:
            digest.update(f"{hashes[source]}/{file}".encode())
        digest.update(part["session_key"].unique().sort().to_numpy().tobytes())
        plans[name] = {
            "files": [f"{source}/messages/{file}" for source, file in files],
            "sessions": part["session_key"].unique(),
            "rows": int(part["rows"].sum()),
            "fingerprint": digest.hexdigest(),
        }
    return plans


def _partition_name():
    """Name the partition of a session: the day it started and its shop."""
    day = pl.col("started_at").dt.date().cast(pl.String).fill_null("unknown")
    return pl.format("{}__{}", day, "shop_key")


def _progress_so_far(path):
    """Read what earlier runs built, those that were killed included."""
    done = dict(read_manifest(path)["partitions"])
    log = path / "progress.jsonl"
    for line in log.read_text("utf-8").splitlines() if log.is_file() else []:
        entry = json.loads(line)
        done[entry.pop("partition")] = entry
    return done


def _built(path, plans, folder, jobs):
    """Build partitions, in worker processes where that pays; yield each name as it is done."""
    tasks = [(path, name, plan["files"], plan["sessions"], folder) for name, plan in sorted(plans.items())]
    jobs = min(jobs or os.cpu_count() or 1, len(tasks))
    if jobs <= 1 or sum(plan["rows"] for plan in plans.values()) < SMALL:
        yield from map(_build_one, tasks)
        return
    with (
        _one_thread_each(),
        ProcessPoolExecutor(jobs, mp_context=multiprocessing.get_context("spawn")) as pool,
    ):
        yield from pool.map(_build_one, tasks)


@contextmanager
def _one_thread_each():
    """Let every worker started here use one thread: as many workers as cores are busy enough."""
    before = os.environ.get("POLARS_MAX_THREADS")
    os.environ["POLARS_MAX_THREADS"] = "1"
    try:
        yield
    finally:
        os.environ.pop("POLARS_MAX_THREADS")
        if before is not None:
            os.environ["POLARS_MAX_THREADS"] = before


def _build_one(task):
    """Read the rows of one partition, build it, write its tables; give its name and counts."""
    path, name, files, session_keys, folder = task
    rows = pl.concat(
        [
            pl.read_parquet(path / "sources" / file).with_columns(pl.lit(file.split("/")[0]).alias("source"))
            for file in files
        ]
    ).filter(pl.col("session_key").is_in(session_keys.implode()))
    built = build_partition(rows, _rules(path, folder))
    for table in TABLES:
        write_parquet(path / table / f"{name}.parquet", built[table])
    return name, {"rows": rows.height, "sessions": built["facts"].height}


@cache
def _rules(path, folder):
    """Read the definitions once in each process."""
    return read_rules(read_key(path), folder)


def _link(path, plans, changed):
    """Link the sessions of every changed day and its neighbours; give the number of days written."""
    by_day = {}
    for name in plans:
        by_day.setdefault(name.split("__")[0], []).append(path / "facts" / f"{name}.parquet")
    orders = read_imported(path, "orders")
    stamp = hashlib.blake2b(orders.write_csv().encode(), digest_size=8).hexdigest()
    stamp_file = path / "sessions" / "orders.hash"
    touched = {name.split("__")[0] for name in changed}
    if not stamp_file.is_file() or stamp_file.read_text() != stamp:
        touched |= set(by_day)
    days = {near for day in touched for near in _neighbours(day)}
    for day in sorted(days):
        target = path / "sessions" / f"{day}.parquet"
        if day not in by_day:
            target.unlink(missing_ok=True)
            continue
        around = [file for near in _neighbours(day) for file in by_day.get(near, [])]
        linked = sessions.link_sessions(pl.concat([pl.read_parquet(file) for file in around]), orders)
        write_parquet(target, linked.filter(pl.col("day") == day))
    (path / "sessions").mkdir(exist_ok=True)
    stamp_file.write_text(stamp)
    return len(days & set(by_day))


def _neighbours(day):
    """Give the days from D-3 to D+3; the unknown day has only itself."""
    if day == "unknown":
        return [day]
    middle = date.fromisoformat(day)
    return [str(middle + timedelta(days=step)) for step in range(-NEIGHBOUR_DAYS, NEIGHBOUR_DAYS + 1)]
