"""What a page says, as a reader's program sees it."""

import json
import re
from html.parser import HTMLParser
from typing import Any

VOID = {"meta", "link", "br", "img", "hr", "input"}


class Page(HTMLParser):
    """A parsed page: its `tables` of cells, its `headings` and `words`; `faults` are tags out of place."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.open: list[str] = []
        self.faults: list[str] = []
        self.ids: list[str] = []
        self.references: list[str] = []
        self.loaded: list[str] = []
        self.tables: list[list[list[str]]] = []
        self.headings: list[str] = []
        self.data = ""
        self.words = ""
        self.feed(text)
        self.faults += [f"{tag} is not closed" for tag in self.open]

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.note(tag, dict(attrs))
        if tag not in VOID:
            self.open.append(tag)
        if tag == "table":
            self.tables.append([])
        elif tag == "tr":
            self.tables[-1].append([])
        elif tag in ("td", "th"):
            self.tables[-1][-1].append("")
        elif tag == "h2":
            self.headings.append("")

    def handle_startendtag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.note(tag, dict(attrs))

    def note(self, tag: str, attributes: dict[str, str | None]) -> None:
        """Keeps what the attributes name and what they would load."""
        if attributes.get("id"):
            self.ids.append(str(attributes["id"]))
        named = [*str(attributes.get("aria-labelledby") or "").split()]
        link = str(attributes.get("href") or "")
        self.references += named + ([link[1:]] if link.startswith("#") else [])
        places = [attributes.get(name) for name in ("src", "srcset", "action", "data", "poster")]
        places += [] if link.startswith("#") else [link]
        self.loaded += [str(place) for place in places if place and place != "data:,"]

    def handle_endtag(self, tag: str) -> None:
        if not self.open or self.open.pop() != tag:
            self.faults.append(f"</{tag}> at {self.getpos()}")

    def handle_data(self, data: str) -> None:
        if self.open and self.open[-1] == "script":
            self.data = self.data or data
        elif self.open and self.open[-1] != "style":
            self.words += data
        if {"td", "th"} & set(self.open):
            self.tables[-1][-1][-1] += data
        if "h2" in self.open:
            self.headings[-1] += data

    @property
    def told(self) -> dict[str, Any]:
        """What the page's points say."""
        return dict(json.loads(self.data))


def fetched(text: str) -> list[str]:
    """Everything in the text of a page that a browser would load from elsewhere."""
    found = re.findall(r"@import[^;]*|url\((?!#)[^)]*\)|\b(?:fetch|XMLHttpRequest|WebSocket|import)\s*\(", text)
    return [*Page(text).loaded, *found]
