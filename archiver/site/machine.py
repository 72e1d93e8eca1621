"""Files for machines: what there is on the site, a badge, addresses for search engines."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final
from urllib.parse import urljoin

import msgspec

from archiver.records.text import count

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from archiver.site.source import Told

SCHEMA: Final = "archiver/site-index/1"
_MOST_ADDRESSES: Final = 50_000
"""Largest number of addresses of a sitemap (sitemaps.org, protocol 0.9)."""
_CHAR: Final = 6.6
"""Pixels of a character of a badge, on average."""
_PADDING: Final = 12


def index(title: str, base_url: str, sources: Sequence[Told]) -> bytes:
    """Return ``index.json``: the sources, and where their files are, relative to it."""
    document: dict[str, Any] = {
        "schema": SCHEMA,
        "title": title,
        "url": base_url or None,
        "sources": [
            {
                "source": each.name,
                "records": each.records,
                "captures": each.captures,
                "first": each.first,
                "last": each.last,
                "revision": each.revision,
                "pages": {name: f"{each.folder}/{name}.html" for name in each.pages},
                "feeds": [f"{each.folder}/{feed}" for feed, _ in each.feeds],
                "delta": f"{each.folder}/latest.delta.json",
                "badge": f"{each.folder}/badge.svg",
            }
            for each in sources
        ],
    }
    return msgspec.json.format(msgspec.json.encode(document), indent=2) + b"\n"


def sitemap(base_url: str, files: Iterable[str]) -> str:
    """Return ``sitemap.xml`` with the pages among some files."""
    pages = [each for each in files if each.endswith(".html") and each != "404.html"]
    pages.sort(key=lambda each: (each.count("/"), each))
    places = "".join(
        f"<url><loc>{urljoin(base_url, each)}</loc></url>\n" for each in pages[:_MOST_ADDRESSES]
    )
    return (
        '<?xml version="1.0" encoding="UTF-8"?>\n'
        f'<urlset xmlns="http://www.sitemaps.org/schemas/sitemap/0.9">\n{places}</urlset>\n'
    )


def badge(label: str, words: str) -> str:
    """Return an SVG of two fields; both texts are plain ASCII."""
    left, right = (round(len(each) * _CHAR) + _PADDING for each in (label, words))
    label, words = map(_escaped, (label, words))
    middle = left + right / 2
    return (
        f'<svg xmlns="http://www.w3.org/2000/svg" width="{left + right}" height="20" role="img" '
        f'aria-label="{label}: {words}"><title>{label}: {words}</title>'
        f'<rect width="{left + right}" height="20" rx="3" fill="#0d5470"/>'
        f'<path d="M0 3a3 3 0 0 1 3-3h{left - 3}v20H3a3 3 0 0 1-3-3z" fill="#3a362f"/>'
        '<g fill="#fff" font-family="Verdana,DejaVu Sans,Geneva,sans-serif" font-size="11" '
        f'text-anchor="middle"><text x="{left / 2:g}" y="14">{label}</text>'
        f'<text x="{middle:g}" y="14">{words}</text></g></svg>\n'
    )


def badge_words(noun_counted: str, last: str) -> str:
    """Return what the badge says: how many records, captured on which day."""
    return f"{noun_counted}, {last[:10]}"


def _escaped(text: str) -> str:
    plain = text.encode("ascii", "replace").decode()
    return plain.replace("&", "&amp;").replace("<", "&lt;").replace('"', "&quot;")


def llms(title: str, sources: Sequence[Told]) -> str:
    """Return ``llms.txt``: what the site is, for programs that read text (llmstxt.org)."""
    lines = [
        f"# {title}",
        "",
        "> The history of a catalogue: every record and every change, computed from git.",
        "",
    ]
    for each in sources:
        captures = count(each.captures, "capture")
        told = f"{each.total}, {captures} from {each.first} to {each.last} (UTC)"
        lines += [
            f"## {each.name}",
            "",
            f"{told}.",
            "",
            f"- [Overview]({each.folder}/index.html): news, movers, charts",
            f"- [Changes]({each.folder}/changes.html): every capture and what it changed",
            f"- [Removed]({each.folder}/removed.html): what is gone, since when and why",
            f"- [Newest changes as JSON]({each.folder}/latest.delta.json)",
            f"- [Feed]({each.folder}/feed.json): changes as they come",
            f"- [How this is known]({each.folder}/proof.html): commits and digests",
            "",
        ]
    return "\n".join(lines)
