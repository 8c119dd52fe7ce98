"""The endpoint: only what the user named, checked before anything is sent."""

import pytest

from csnb.endpoint import read_endpoint
from csnb.errors import ParameterError

NAMED = {"CSNB_LLM_URL": "https://llm.example/v1", "CSNB_LLM_MODEL": "qwen"}


def config(tmp_path, words):
    """Write a configuration."""
    path = tmp_path / "llm.toml"
    path.write_text(words, "utf-8")
    return path


@pytest.mark.parametrize("left", ["CSNB_LLM_URL", "CSNB_LLM_MODEL"])
def test_address_and_model_must_both_be_named(left):
    with pytest.raises(ParameterError, match="nothing was sent") as error:
        read_endpoint(environment={name: value for name, value in NAMED.items() if name != left})
    assert left in str(error.value)


def test_the_environment_counts_before_the_file(tmp_path):
    path = config(tmp_path, 'url = "http://127.0.0.1:1/v1"\nmodel = "other"\nparallel = 2\n')
    endpoint = read_endpoint(path, NAMED)
    assert (endpoint.url, endpoint.model, endpoint.parallel) == ("https://llm.example/v1", "qwen", 2)
    assert read_endpoint(path, {}).model == "other"


@pytest.mark.parametrize(
    ("words", "complaint"),
    [
        ("prallel = 2", "'prallel' is no key; keys are: url, model"),
        ('parallel = "2"', "parallel must be like 4"),
        ("url = 1", "url must be like"),
        ("url = ", "cannot be read"),
    ],
)
def test_a_wrong_key_of_the_file_is_named(tmp_path, words, complaint):
    with pytest.raises(ParameterError, match=complaint):
        read_endpoint(config(tmp_path, words), NAMED)


def test_a_file_that_is_not_there_is_named(tmp_path):
    with pytest.raises(ParameterError, match=r"none\.toml cannot be read"):
        read_endpoint(tmp_path / "none.toml", NAMED)


@pytest.mark.parametrize("url", ["file:///etc/passwd", "ftp://host/v1", "127.0.0.1:8000"])
def test_only_http_addresses_are_allowed(url):
    with pytest.raises(ParameterError, match="http"):
        read_endpoint(environment={**NAMED, "CSNB_LLM_URL": url})


def test_an_unknown_answer_format_is_refused(tmp_path):
    with pytest.raises(ParameterError, match="json_schema, json_object, text"):
        read_endpoint(config(tmp_path, 'answer_format = "xml"'), NAMED)
