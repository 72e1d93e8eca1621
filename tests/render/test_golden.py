"""Every form of a few comparisons, as people read it; ``make golden`` writes them anew."""

from __future__ import annotations

import io
import json
from pathlib import Path
from typing import TYPE_CHECKING

import msgspec
import pytest

from archiver.changes.compare import compare
from archiver.changes.severity import BUILT_IN
from archiver.language import ENGLISH, LANGUAGES, speaking
from archiver.records import document
from archiver.records.model import End, Line, RecordChange, Summary
from archiver.records.policy import Policy
from archiver.records.text import Noun, width
from archiver.render.changes import show
from archiver.render.commit_message import SUBJECT_COLUMNS, message
from archiver.render.templates import static
from archiver.render.view import View

if TYPE_CHECKING:
    from collections.abc import Callable

    from archiver.render.view import ChangeStream, Form

GOLDEN = Path(__file__).resolve().parents[1] / "golden"
CASES = sorted(folder.name for folder in GOLDEN.iterdir())
FOR_PEOPLE: dict[str, Form] = {"txt": "text", "md": "markdown", "html": "html"}
FOR_PROGRAMS: dict[str, Form] = {"json": "json", "jsonl": "jsonl", "csv": "csv"}


def comparison(folder: Path) -> tuple[list[RecordChange], End, End]:
    """Return the changes of a case and its two ends."""
    if (folder / "changes.jsonl").exists():
        lines = (folder / "changes.jsonl").read_bytes().splitlines()
        changes = [msgspec.json.decode(line, type=RecordChange) for line in lines]
        return (
            [BUILT_IN.weighed(change) for change in changes],
            End(None, None, 0),
            End(None, "2026-01-30 15:47:35", 4),
        )
    named = json.loads((folder / "policy.json").read_bytes())
    paths = {name: tuple(named.get(name, ())) for name in ("key", "metrics", "sets")}
    policy = Policy(paths["key"], metrics=paths["metrics"], sets=paths["sets"])
    old, new = (snapshot(folder / f"{name}.json", policy) for name in ("old", "new"))
    found = compare(old[0], new[0], policy=policy)
    return [BUILT_IN.weighed(change) for change in found], old[1], new[1]


def snapshot(file: Path, policy: Policy) -> tuple[list[bytes], End]:
    """Return the sorted lines of a snapshot, and what it says about itself."""
    body = file.read_bytes()
    lines = [line for line in document.read(body, "models", policy.key) if isinstance(line, Line)]
    header = json.loads(body)
    end = End("0123456789" * 4, header["timestamp"], header["total_models"])
    return [line.data for line in sorted(lines)], end


def check(file: Path, actual: str, *, renew: bool) -> None:
    """Compare with the expected file, or write it."""
    if renew:
        file.write_bytes(actual.encode())
    assert file.read_bytes().decode() == actual


@pytest.mark.parametrize("language", LANGUAGES)
@pytest.mark.parametrize("suffix", FOR_PEOPLE)
@pytest.mark.parametrize("case", CASES)
def test_a_comparison_is_shown_as_expected(
    case: str, suffix: str, language: str, streamed: Callable[..., ChangeStream], *, renew: bool
) -> None:
    shown = comparison_shown(case, FOR_PEOPLE[suffix], language, streamed)
    check(expected(case, suffix, language), shown, renew=renew)


@pytest.mark.parametrize("language", LANGUAGES)
@pytest.mark.parametrize("suffix", FOR_PROGRAMS)
@pytest.mark.parametrize("case", CASES)
def test_programs_read_the_same_in_every_language(
    case: str, suffix: str, language: str, streamed: Callable[..., ChangeStream], *, renew: bool
) -> None:
    shown = comparison_shown(case, FOR_PROGRAMS[suffix], language, streamed)
    check(expected(case, suffix, ENGLISH), shown, renew=renew and language == ENGLISH)


def comparison_shown(
    case: str, form: Form, language: str, streamed: Callable[..., ChangeStream]
) -> str:
    """Return a case in a form, as it is shown in a language."""
    out = io.StringIO(newline="")
    view = View(form=form, link=lambda key: f"https://hub.example/models/{key}")
    with speaking(language):
        show(streamed(*comparison(GOLDEN / case)), view, out)
    return unstyled(out.getvalue())


def expected(case: str, suffix: str, language: str) -> Path:
    """Return the file that holds what is expected."""
    name = "expected" if language == ENGLISH else f"expected.{language}"
    return GOLDEN / case / f"{name}.{suffix}"


def unstyled(page: str) -> str:
    """Leave the stylesheet out of a page: it is a file of its own."""
    return page.replace(static("site.css"), "")


@pytest.mark.parametrize("language", LANGUAGES)
@pytest.mark.parametrize("case", CASES)
def test_a_capture_is_committed_with_the_expected_message(
    case: str, language: str, *, renew: bool
) -> None:
    changes, _, current = comparison(GOLDEN / case)
    counts = {change.kind: 0 for change in changes}
    for change in changes:
        counts[change.kind] += 1
    with speaking(language):
        written = message(
            source="modelscope",
            total=current.total,
            summary=Summary(**counts),
            changes=changes,
            trailers={"Archiver-Source": "modelscope", "Archiver-Total": str(current.total)},
            first=case == "first",
            noun=Noun("model", "models"),
        )
    assert width(written.splitlines()[0]) <= SUBJECT_COLUMNS
    check(expected(case, "commit", language), written, renew=renew)
