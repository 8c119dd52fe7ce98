"""Made-up coders label exports as people would: from a draw, on a sheet, with small errors that are settled."""

import gzip
import io
import shutil

import polars as pl
import pytest

from csnb.book import open_book
from csnb.filled import import_labels
from csnb.human import FINAL
from csnb.labelling import read_settings
from csnb.sources import import_export
from csnb.world import simulate

N = 40


@pytest.fixture(scope="module")
def labelled(tmp_path_factory):
    """Make a small labelled world; gives the folder of its exports, and that of its truth."""
    folder = tmp_path_factory.mktemp("labelled")
    simulate("S11", 5, 1, ["taobao"], folder / "out", folder / "truth", labels=N)
    return folder


@pytest.fixture(scope="module")
def sheet(labelled):
    return pl.read_csv(io.BytesIO(gzip.decompress((labelled / "out" / "labels.csv.gz").read_bytes())))


def test_a_share_of_the_draw_is_at_random_and_a_share_of_it_is_coded_twice(sheet):
    settings, cases = read_settings(), sheet.unique("case")
    assert cases.filter(use="estimate").height == round(N * settings["estimate_share"])
    coders = sheet.filter(pl.col("coder") != FINAL).group_by("case").len()
    assert coders.filter(len=2).height == round(cases.height * settings["twice_share"])


def test_a_book_made_anew_takes_draw_and_sheet(labelled, tmp_path):
    out = labelled / "out"
    for kind in ("messages", "ratings"):
        import_export(out / f"taobao_{kind}.csv.gz", "qianniu", tmp_path / "book", kind, jobs=1)
    book = open_book(tmp_path / "book")
    (book.path / "drawn").mkdir()
    shutil.copyfile(out / "drawn.parquet", book.path / "drawn" / "0001.parquet")
    counts = import_labels(book, out / "labels.csv.gz")
    assert sum(count["answered"] for who, count in counts.items() if who != FINAL) >= N
    assert book.human_labels["drawn_probability"].notna().any()


def test_coders_err_now_and_then_and_what_they_differ_on_is_settled_by_the_truth(labelled, sheet):
    truth = pl.read_csv(labelled / "truth" / "reasons.csv.gz").unique(["session_id", "code"])
    codes = set(truth["code"]) & set(sheet.columns)
    true = {(session, code) for session, code, _ in truth.iter_rows()}
    said = sheet.unpivot(
        sorted(codes), index=["case", "session_id", "coder"], variable_name="code"
    ).drop_nulls()
    by_coder = {
        (coder,): {(session, code) for session, code in rows.select("session_id", "code").iter_rows()}
        for (coder,), rows in said.group_by("coder")
    }
    single = set().union(*(pairs for (coder,), pairs in by_coder.items() if coder != FINAL))
    assert 0.85 <= len(single & true) / len(single) < 1
    assert by_coder.get((FINAL,), set()) <= true


def test_the_same_seed_labels_the_same(labelled, tmp_path):
    simulate("S11", 5, 1, ["taobao"], tmp_path, labels=N)
    assert (tmp_path / "labels.csv.gz").read_bytes() == (labelled / "out" / "labels.csv.gz").read_bytes()
