"""An endpoint: the OpenAI-compatible address that the user names, and one careful request to it.

Nothing is ever sent without an address and a model that the user named. Redirects are not followed, so
that a key goes to no other host; the key stands in no error and in no file that csnb writes.
"""

import http.client
import json
import os
import time
import tomllib
import urllib.error
import urllib.request
from pathlib import Path
from typing import NamedTuple

from csnb.errors import CsnbError, ParameterError
from csnb.lookup import read_toml

FORMATS = ("json_schema", "json_object", "text")
_FROM_ENVIRONMENT = {"url": "CSNB_LLM_URL", "model": "CSNB_LLM_MODEL", "key": "CSNB_LLM_KEY"}
_BUSY = {408, 409, 425, 429, 500, 502, 503, 504, 529}
_LONGEST_WAIT = 60.0
_SHOWN = 200  # characters of an endpoint's own complaint


class EndpointError(CsnbError):
    """The endpoint refuses, cannot be reached or speaks another language; asking on would not help."""


class Endpoint(NamedTuple):
    """The settings of `definitions/llm.toml`, filled in by the user."""

    url: str
    model: str
    key: str
    answer_format: str
    input_price: float
    output_price: float
    currency: str
    tokens_per_character: float
    answer_tokens: int
    parallel: int
    timeout_seconds: float
    attempts: int
    wait_seconds: float
    answers: int
    instruction: str


class Reply(NamedTuple):
    """What an endpoint answered: its words, and the tokens it counted (None if it counts none)."""

    words: str
    input_tokens: int | None
    output_tokens: int | None


def read_endpoint(config=None, environment=os.environ):
    """Read which endpoint to use.

    Parameters
    ----------
    config : path of a TOML file with any keys of `definitions/llm.toml`, or None
    environment : mapping; CSNB_LLM_URL, CSNB_LLM_MODEL and CSNB_LLM_KEY count before the file

    Returns
    -------
    Endpoint

    Raises
    ------
    ParameterError
        If no address or no model is named, a key of the file is unknown or of the wrong type, or the
        address is not http or https.

    Examples
    --------
    >>> read_endpoint(environment={"CSNB_LLM_URL": "http://127.0.0.1:8000/v1", "CSNB_LLM_MODEL": "qwen"}).parallel
    4
    """
    shipped = read_toml("llm.toml")
    given = _read_config(config, shipped) if config is not None else {}
    named = {
        name: environment[variable]
        for name, variable in _FROM_ENVIRONMENT.items()
        if environment.get(variable)
    }
    endpoint = Endpoint(**{**shipped, **given, **named})
    for name in ("url", "model"):
        if not getattr(endpoint, name):
            raise ParameterError(
                f"no {name} is configured, so nothing was sent; set {_FROM_ENVIRONMENT[name]}, or pass --config with "
                "a TOML file that has url and model (csnb/definitions/llm.toml shows all keys)"
            )
    if not endpoint.url.startswith(("http://", "https://")):
        raise ParameterError(f"url must begin with http:// or https://; got: {endpoint.url!r}")
    if endpoint.answer_format not in FORMATS:
        raise ParameterError(
            f"answer_format must be one of: {', '.join(FORMATS)}; got: {endpoint.answer_format!r}"
        )
    return endpoint


def _read_config(config, shipped):
    """Read the user's file and check its keys."""
    path = Path(config)
    try:
        given = tomllib.loads(path.read_text("utf-8"))
    except (OSError, UnicodeDecodeError, tomllib.TOMLDecodeError) as error:
        raise ParameterError(f"{path} cannot be read: {error}") from error
    for name, value in given.items():
        if name not in shipped:
            raise ParameterError(f"{path.name}: {name!r} is no key; keys are: {', '.join(shipped)}")
        wanted = (int, float) if isinstance(shipped[name], int | float) else str
        if not isinstance(value, wanted) or isinstance(value, bool):
            raise ParameterError(f"{path.name}: {name} must be like {shipped[name]!r}; got: {value!r}")
    return given


def ask(endpoint, messages, schema, sleep=time.sleep):
    """Send one chat request and give the reply; busy endpoints are asked again, each time later.

    Parameters
    ----------
    endpoint : Endpoint
    messages : list of {"role", "content"}
    schema : dict, JSON schema of the answer; sent where `answer_format` is json_schema
    sleep : function of seconds

    Returns
    -------
    Reply

    Raises
    ------
    EndpointError
        If the endpoint refuses the request, cannot be reached after all attempts, or answers with
        something that is no chat completion.
    """
    for attempt in range(endpoint.attempts):
        try:
            return _reply(_post(endpoint, _body(endpoint, messages, schema)))
        except urllib.error.HTTPError as error:
            complaint = _complaint(endpoint, error)
            if error.code not in _BUSY:
                raise EndpointError(complaint) from None
            wait = _seconds(error.headers.get("Retry-After"))
        except (
            OSError,
            ValueError,
            http.client.HTTPException,
        ) as error:  # no connection, time-out, a body that is cut off or no JSON
            complaint, wait = f"{endpoint.url} does not answer as it should: {error}", None
        if attempt + 1 < endpoint.attempts:
            sleep(min(_LONGEST_WAIT, wait if wait is not None else endpoint.wait_seconds * 2**attempt))
    raise EndpointError(f"{complaint} (asked {endpoint.attempts} times)")


def _body(endpoint, messages, schema):
    """Give the request as JSON."""
    formats = {
        "json_schema": {
            "type": "json_schema",
            "json_schema": {"name": "coding", "strict": True, "schema": schema},
        },
        "json_object": {"type": "json_object"},
    }
    body = {"model": endpoint.model, "messages": messages, "temperature": 0, "stream": False}
    if endpoint.answer_format in formats:
        body["response_format"] = formats[endpoint.answer_format]
    return json.dumps(body, ensure_ascii=False).encode()


class _NoRedirect(urllib.request.HTTPRedirectHandler):
    """Refuse to be sent elsewhere."""

    def redirect_request(self, *_):
        return None


_OPENER = urllib.request.build_opener(_NoRedirect)


def _post(endpoint, body):
    """Post a request and give the JSON that comes back."""
    headers = {"Content-Type": "application/json"}
    if endpoint.key:
        headers["Authorization"] = f"Bearer {endpoint.key}"
    request = urllib.request.Request(f"{endpoint.url.rstrip('/')}/chat/completions", body, headers)
    with _OPENER.open(request, timeout=endpoint.timeout_seconds) as answer:
        return json.loads(answer.read())


def _reply(answer):
    """Take the words and the token counts out of a chat completion."""
    try:
        message = answer["choices"][0]["message"]
        words = message.get("content") or message.get("refusal") or ""
        usage = answer.get("usage") or {}
        return Reply(words, usage.get("prompt_tokens"), usage.get("completion_tokens"))
    except (KeyError, IndexError, TypeError, AttributeError):
        raise EndpointError(
            f"the endpoint answers, but not with a chat completion: {str(answer)[:_SHOWN]}"
        ) from None


def _complaint(endpoint, error):
    """Say what an endpoint complains about, without the key."""
    said = error.read(2000).decode("utf-8", "replace")
    said = said.replace(endpoint.key, "***") if endpoint.key else said
    hint = " (try another answer_format)" if error.code in (400, 422) and "format" in said else ""
    return f"{endpoint.url} refuses with {error.code}: {said[:_SHOWN]}{hint}"


def _seconds(words):
    """Read the seconds of a Retry-After header, or None."""
    try:
        return max(0.0, float(words))
    except (TypeError, ValueError):
        return None
