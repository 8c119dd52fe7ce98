"""The labeller: read masked conversations in JupyterLab and code them by click or key.

Python owns the state and saves after every answer; the page (`templates/labeller/`) draws it and tells
what was clicked. It sets text as text, so nothing that a customer wrote can run, and loads nothing from
anywhere.
"""

from pathlib import Path

import anywidget
import traitlets
from IPython.display import display

from csnb.answers import check_answer, own_case, read_answers, read_cases, save_answers
from csnb.book import Book, open_book, read_conversations
from csnb.errors import ParameterError
from csnb.formats import word_of
from csnb.labelling import read_settings
from csnb.reasons import read_reasons
from csnb.sheets import said_text
from csnb.strings import get_language, text

_PAGE = Path(__file__).parent / "templates" / "labeller"
_WORDS = ("previous", "next", "open", "satisfied", "primary", "note", "clear", "help")


def show_labeller(sessions, coder="analyst", book=None):
    """Show the labeller: what this coder has not answered yet comes first, and each answer is saved at once.

    Parameters
    ----------
    sessions : Book, to label what its draws gave to this coder; or pandas.DataFrame, `book.sessions` or a
        part of it, to label just these. Sessions that no draw holds may train a model, never estimate.
    coder : str, who labels; `final` for settled answers
    book : Book or None; only for a table of sessions that no longer knows its book

    Raises
    ------
    ParameterError
        If no draw of the book asks this coder, or the table of sessions does not know its book.

    Examples
    --------
    >>> show_labeller(book.sessions.head(3), coder="anna")  # doctest: +SKIP
    """
    display(make_labeller(sessions, coder, book))


def make_labeller(sessions, coder="analyst", book=None):
    """Give the widget of `show_labeller`; parameters and errors as there."""
    if isinstance(sessions, Book):
        return Labeller(sessions, read_cases(sessions, coder), coder, f"no draw asks {coder!r} to label")
    if book is None and "book" not in sessions.attrs:
        raise ParameterError(
            "these sessions do not know their book; call show_labeller(sessions, coder, book)"
        )
    book = book or open_book(sessions.attrs["book"])
    drawn = read_cases(book).drop_duplicates("session_key").set_index("session_key")["case"]
    own = sessions["session_key"].map(own_case)
    cases = sessions[["session_key", "session_id"]].assign(
        case=sessions["session_key"].map(drawn).fillna(own)
    )
    return Labeller(book, cases, coder, "there are no sessions in the table")


class Labeller(anywidget.AnyWidget):
    """Cases of one coder, one at a time. Every answer on the screen is complete and saved, or not kept."""

    _esm = _PAGE / "labeller.js"
    _css = _PAGE / "labeller.css"
    words = traitlets.Dict().tag(sync=True)
    codes = traitlets.List().tag(sync=True)
    case = traitlets.Dict().tag(sync=True)
    answer = traitlets.Dict().tag(sync=True)
    place = traitlets.Int().tag(sync=True)
    progress = traitlets.Unicode().tag(sync=True)
    status = traitlets.Unicode().tag(sync=True)

    def __init__(self, book, cases, coder, nothing):
        if cases.empty:
            raise ParameterError(f"{nothing}; draw with: csnb label sample {book.path.name} --coders {coder}")
        self._book, self._coder = book, coder
        self._cases = cases[["case", "session_key", "session_id"]].to_dict("records")
        self._said = read_conversations(book, cases["session_key"])
        self._answers = {case["case"]: _blank() for case in self._cases}
        self._answers |= {
            case: given for case, given in read_answers(book, coder).items() if case in self._answers
        }
        super().__init__(
            words={name: text(f"label.{name}") for name in _WORDS}, codes=_codes(book.definitions_folder)
        )
        self.on_msg(lambda _, content, buffers: self.tell(content))
        self.go(0)
        self.go_to_open()

    def tell(self, content):
        """Do what the page tells: `what` is toggle, verdict, primary, note, clear, go or open."""
        acts = {"go": lambda: self.go(content["place"]), "open": self.go_to_open}
        if content["what"] in acts:
            acts[content["what"]]()
            return
        answer = self._answers[content["case"]]
        changed = {
            "toggle": lambda: _toggled(answer, content["code"], content["number"]),
            "verdict": lambda: {**_blank(), "dissatisfied": content["dissatisfied"], "note": answer["note"]},
            "primary": lambda: {**answer, "primary": content["code"]},
            "note": lambda: {**answer, "note": content["note"]},
            "clear": _blank,
        }[content["what"]]()
        self._keep(content["case"], changed)

    def go(self, place):
        """Show the case at a place; beyond the ends nothing moves."""
        self.place = min(max(int(place), 0), len(self._cases) - 1)
        shown = self._cases[self.place]
        self.case = {
            "case": shown["case"],
            "session_id": shown["session_id"],
            "messages": [
                {"number": row["number"], "time": f"{row['sent_at']:%H:%M:%S}" if row["sent_at"] else "",
                 "role": row["role"], "who": word_of("role", row["role"]), "text": said_text(row)}
                for row in self._messages(shown["case"])
            ],
        }  # fmt: skip
        self.status = ""
        self._draw()

    def go_to_open(self):
        """Show the next case without an answer; if all have one, stay."""
        count = len(self._cases)
        around = [(self.place + step) % count for step in range(count)]
        self.go(
            next(
                (place for place in around if not _is_complete(self._answers[self._cases[place]["case"]])),
                self.place,
            )
        )

    def _messages(self, case):
        """Give the messages of a case as dicts."""
        (key,) = [each["session_key"] for each in self._cases if each["case"] == case]
        return self._said.filter(session_key=key).to_dicts()

    def _keep(self, case, answer):
        """Save an answer, or take the saved one back while it is incomplete; a wrong one changes nothing."""
        numbers = [row["number"] for row in self._messages(case)]
        wrong = check_answer(answer, numbers, [each["code"] for each in self.codes])
        if _is_complete(answer) and wrong:
            name, value, what = wrong[0]
            self.status = text("label.refused", complaint=f"{name} {value!r} {what}")
            return
        self._answers[case] = answer
        save_answers(self._book, self._coder, {case: answer if _is_complete(answer) else None}, self._said)
        self.status = text("label.saved") if _is_complete(answer) else ""
        self._draw()

    def _draw(self):
        """Give the page the answer of the shown case and the progress."""
        self.answer = self._answers[self._cases[self.place]["case"]]
        done = sum(map(_is_complete, self._answers.values()))
        self.progress = text("label.progress", place=self.place + 1, total=len(self._cases), done=done)


def _blank():
    """Give the answer before anything is answered."""
    return {"dissatisfied": None, "reasons": {}, "primary": None, "note": ""}


def _is_complete(answer):
    """Say whether an answer answers: not dissatisfied, or at least one reason."""
    return answer["dissatisfied"] is False or bool(answer["reasons"])


def _toggled(answer, code, number):
    """Give a reason this evidence; the same evidence again takes the reason back."""
    reasons = dict(answer["reasons"])
    if reasons.get(code) == number:
        del reasons[code]
    else:
        reasons[code] = number
    primary = answer["primary"] if answer["primary"] in reasons else None
    return {**answer, "dissatisfied": True if reasons else None, "reasons": reasons, "primary": primary}


def _codes(folder):
    """Give the codes with their names, sides and keys, in the order of the guide."""
    reasons, keys = read_reasons(folder), read_settings(folder)["keys"]
    rows = reasons.select("code", "side", name=get_language()).to_dicts()
    return [{**row, "key": keys[place] if place < len(keys) else ""} for place, row in enumerate(rows)]
