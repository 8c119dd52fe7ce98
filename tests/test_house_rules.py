"""The rules of the house: imports one way, true paths, equal languages, plain notebooks."""

import ast
import re
from pathlib import Path

import pytest

import csnb
from csnb.lookup import definition_names
from csnb.strings import LANGUAGES, placeholders, texts

ROOT = Path(__file__).parents[1]


def modules():
    """Name every module of csnb with its file; a package counts as one."""
    for path in sorted((ROOT / "csnb").rglob("*.py")):
        parts = path.relative_to(ROOT / "csnb").with_suffix("").parts
        if parts != ("__init__",) and "definitions" not in parts:
            yield parts[0], path


def imported(path):
    """Name the csnb modules that a file imports anywhere."""
    for node in ast.walk(ast.parse(path.read_text("utf-8"))):
        if isinstance(node, ast.ImportFrom) and node.module == "csnb":
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom) and (node.module or "").startswith("csnb."):
            yield node.module.split(".")[1]


def test_imports_point_one_way():
    """The map of CONTRIBUTING.md names every module once, and each imports only from those before it."""
    rooms = (ROOT / "CONTRIBUTING.md").read_text("utf-8").split("| room |")[1].split("\n\n")[0]
    order = re.findall(r"`(\w+)`", rooms)
    assert sorted(order) == sorted({name for name, _ in modules()})
    place = {name: number for number, name in enumerate(order)}
    back = {
        f"{name} imports {other}" for name, path in modules() for other in imported(path)
        if name != other and place[other] > place[name]
    }  # fmt: skip
    assert back == set()


def test_every_public_name_exists_and_says_what_it_gives():
    for name in csnb.__all__:
        assert (getattr(csnb, name).__doc__ or "").strip(), f"{name} has no docstring"
        assert not (ROOT / "csnb" / f"{name}.py").exists(), f"importing csnb.{name} would hide the name"


def named_by_the_change_map():
    """Give every path of the change map."""
    rows = [
        line for line in (ROOT / "CONTRIBUTING.md").read_text("utf-8").splitlines() if line.startswith("| ")
    ]
    return {
        path for line in rows for path in re.findall(r"`((?:csnb|tests|notebooks|validation)/[^`]*)`", line)
    }


def test_the_change_map_names_only_paths_that_exist():
    named = named_by_the_change_map()
    assert named
    assert [path for path in sorted(named) if not (ROOT / path).exists()] == []


def test_the_change_map_names_every_definition():
    named = {(ROOT / path).resolve() for path in named_by_the_change_map()}
    definitions = [path for path in (ROOT / "csnb" / "definitions").iterdir() if path.name != "__pycache__"]
    assert [path.name for path in sorted(definitions) if path not in named] == []


def test_all_languages_have_the_same_texts_with_the_same_placeholders():
    assert definition_names("strings") == sorted(LANGUAGES)
    first, *others = (texts(lang) for lang in LANGUAGES)
    for other in others:
        assert sorted(first) == sorted(other)
        assert {key: placeholders(first[key]) for key in first} == {
            key: placeholders(other[key]) for key in other
        }


def methods():
    """Name every method that a module writes into results, literally: in a row, an assignment or a call."""
    for _, path in modules():
        for node in ast.walk(ast.parse(path.read_text("utf-8"))):
            if isinstance(node, ast.Dict):
                pairs = zip(node.keys, node.values, strict=True)
                said = [
                    value for key, value in pairs if isinstance(key, ast.Constant) and key.value == "method"
                ]
            elif isinstance(node, ast.Assign):
                said = [node.value] if "method" in ast.unparse(node.targets[0]).split(", ")[-1] else []
                said = said[0].elts[-1:] if said and isinstance(said[0], ast.Tuple) else said
            elif isinstance(node, ast.Call) and getattr(node.func, "attr", "") == "assign":
                said = [keyword.value for keyword in node.keywords if keyword.arg == "method"]
            else:
                continue
            for value in said:
                ends = [value.body, value.orelse] if isinstance(value, ast.IfExp) else [value]
                yield from (end.value for end in ends if isinstance(end, ast.Constant))


@pytest.mark.parametrize("lang", LANGUAGES)
def test_every_method_of_an_interval_has_words(lang):
    parts = {part for method in methods() for part in method.split(", ")}
    assert {"wilson", "suppressed", "xmr", "gamma"} <= parts
    assert sorted(part for part in parts if f"value.method.{part}" not in texts(lang)) == []


def test_no_english_text_holds_chinese_signs():
    chinese = re.compile(r"[\u3000-\u303f\u4e00-\u9fff\uff00-\uffef]")
    found = {key: words for key, words in texts("en").items() if chinese.search(words)}
    assert found.keys() <= {"page.lang_zh"}, "only a language's own name"


def test_no_chinese_text_mixes_half_and_full_width_punctuation():
    mixed = re.compile(r"[\u4e00-\u9fff][,;:?!()]|[,;:?!()][\u4e00-\u9fff]")
    assert {key: words for key, words in texts("zh").items() if mixed.search(words)} == {}


def test_chinese_stands_in_definitions_tests_and_the_simulated_world_only():
    """Docstring examples may show what a function gives; code may not hold a reader's words."""
    chinese = re.compile(r"[\u4e00-\u9fff]")
    found = [
        f"{path.name}:{node.lineno} {node.value}"
        for name, path in modules()
        if name not in ("world", "metrics")
        for node in _literals(ast.parse(path.read_text("utf-8")))
        if chinese.search(node.value)
    ]
    assert found == []


def _literals(tree):
    """Give the string literals of a module that are no docstrings."""
    docs = {
        id(node.body[0].value)
        for node in ast.walk(tree)
        if isinstance(node, ast.Module | ast.FunctionDef | ast.ClassDef) and node.body
        and isinstance(node.body[0], ast.Expr)
    }  # fmt: skip
    return [
        node for node in ast.walk(tree)
        if isinstance(node, ast.Constant) and isinstance(node.value, str) and id(node) not in docs
    ]  # fmt: skip
