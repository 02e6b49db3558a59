"""A notebook shows a resolution as HTML: no secret, no markup of others, every place."""

from __future__ import annotations

from dataclasses import dataclass, field
from html.parser import HTMLParser

from hypothesis import given
from hypothesis import strategies as st

from ptyconf import Precedence, Schema, View, resolve
from ptyconf.sources import defaults, mapping

KNOWN_TAGS = {"div", "b", "table", "thead", "tbody", "tr", "th", "td", "code", "br", "details", "summary"}


@dataclass
class Server:
    """A section with a secret."""

    host: str = "localhost"
    token: str = field(default="hunter2", metadata={"secret": True})


@dataclass
class App:
    """Settings."""

    server: Server = field(default_factory=Server)
    names: dict[str, str] = field(default_factory=dict)


class Reader(HTMLParser):
    """Reads the tags and the text of a fragment."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.tags: set[str] = set()
        self.text = ""
        self.feed(text)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        """Keep the tag."""
        self.tags.add(tag)

    def handle_data(self, data: str) -> None:
        """Keep the text."""
        self.text += data


def shown(values: dict[str, object]) -> str:
    """Resolve and give the HTML."""
    view = View(App, "")
    layers = [mapping.layer("overrides", values), defaults.layer("defaults", view)]
    return resolve(Schema("app", [view]), Precedence("overrides", "defaults"), layers)._repr_html_()


def test_value_place_and_loser_are_shown() -> None:
    """A written value stands with its layer, and the default that it beat beside it."""
    text = Reader(shown({"server": {"host": "beam"}})).text
    assert '"beam"' in text
    assert '"localhost"' in text
    assert "overrides" in text


def test_a_secret_is_masked() -> None:
    """Neither a written secret nor the default that it beat is shown."""
    page = shown({"server": {"token": "open sesame"}})
    assert "open sesame" not in page
    assert "hunter2" not in page
    assert "********" in page


@given(st.dictionaries(st.text(min_size=1), st.text(), max_size=3))
def test_text_of_others_is_text(names: dict[str, str]) -> None:
    """No key and no value becomes markup."""
    assert Reader(shown({"names": names, "server": {"host": "<script>alert(1)</script>"}})).tags <= KNOWN_TAGS
