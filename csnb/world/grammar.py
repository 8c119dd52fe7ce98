"""Small grammars: one line of definitions/world/talk.toml stands for many sentences.

`(a|b|)` chooses one part, `{name}` stands for a list of words or for a value of the session.
"""

from functools import cache

from csnb.errors import DefinitionError


@cache
def parse(line):
    """Turn a line into nested tuples: a text, ("one_of", lines) or ("name", name).

    Examples
    --------
    >>> parse("(大|小)了{size}")
    (('one_of', (('大',), ('小',))), '了', ('name', 'size'))
    """
    parts, rest = _sequence(line, 0, line)
    if rest != len(line):
        raise DefinitionError(f"definitions/world/talk.toml: ')' without '(' in {line!r}")
    return parts


def _sequence(line, at, whole):
    """Read parts until the end, a `|` or a `)`."""
    parts, text = [], ""
    while at < len(line) and line[at] not in "|)":
        if line[at] in "({":
            parts, text = ([*parts, text] if text else parts), ""
            reader = _choice if line[at] == "(" else _name
            part, at = reader(line, at + 1, whole)
            parts.append(part)
        else:
            text += line[at]
            at += 1
    return tuple([*parts, text] if text else parts), at


def _choice(line, at, whole):
    """Read the alternatives of one bracket."""
    options = []
    while True:
        option, at = _sequence(line, at, whole)
        options.append(option)
        if at >= len(line):
            raise DefinitionError(f"definitions/world/talk.toml: '(' is not closed in {whole!r}")
        at += 1
        if line[at - 1] == ")":
            return ("one_of", tuple(options)), at


def _name(line, at, whole):
    """Read one name in braces."""
    end = line.find("}", at)
    if end < 0:
        raise DefinitionError(f"definitions/world/talk.toml: '{{' is not closed in {whole!r}")
    return ("name", line[at:end]), end + 1


def say(parts, words, values, chance):
    """Say one sentence of a parsed line.

    Parameters
    ----------
    parts : what `parse` gave
    words : dict of name to list of parsed lines
    values : dict of name to text: what holds for this session; comes before `words`
    chance : random.Random
    """
    said = []
    for part in parts:
        if isinstance(part, str):
            said.append(part)
        elif part[0] == "one_of":
            said.append(say(pick(part[1], chance), words, values, chance))
        elif part[1] in values:
            said.append(values[part[1]])
        else:
            said.append(say(pick(words[part[1]], chance), words, values, chance))
    return "".join(said)


def pick(options, chance):
    """Choose one of a sequence."""
    return options[int(chance.random() * len(options))]
