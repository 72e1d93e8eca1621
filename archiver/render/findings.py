"""The status of pinned records: as a table, JSON, SARIF, annotations."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final, Literal, TypeAlias, get_args
from urllib.parse import quote

import msgspec
from msgspec import UNSET

from archiver import __version__
from archiver.changes.severity import reached
from archiver.language import Sentence, plain, said, sentence, tr
from archiver.records.text import count, named, terminal, visible, width
from archiver.render import wording

if TYPE_CHECKING:
    from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
    from typing import TextIO

    from archiver.records.model import Severity

FindingForm: TypeAlias = Literal["text", "json", "sarif", "github"]
FORMS: Final[tuple[FindingForm, ...]] = get_args(FindingForm)

_RULES: Final[Mapping[str, str]] = {
    "missing": sentence("No snapshot ever had this record"),
    "removed": sentence("The record is gone from the catalogue"),
    "renamed": sentence("The record has another key now"),
    "gated": sentence("Access to the record must be asked for"),
    "license": sentence("The record has another licence"),
    "unconfirmed": sentence(
        "The newest listing lacks the record, and its source does not tell why"
    ),
    "changed": sentence("The record has another value in one of its fields"),
    "respelled": sentence("The record writes the same licence in another way"),
    "left": sentence("The record is outside of the window that is listed, and still exists"),
}
_encode = msgspec.json.Encoder(enc_hook=str).encode  # a `Sentence` is written in English


_LEVELS: Final[Mapping[Severity, str]] = {"breaking": "error", "notable": "warning"}
"""How SARIF calls a severity, and GitHub; anything less is a note, or a notice."""
_Failing: TypeAlias = "Callable[[Any], bool]"
_Level: TypeAlias = "Callable[[Any], str]"


def show(
    findings: Sequence[Any],
    form: FindingForm,
    out: TextIO,
    *,
    source: str,
    least: Severity,
    allowed: frozenset[str],
) -> None:
    """Write `findings` (`pins.status.Finding`) to `out`.

    Args:
        findings: One for each key.
        form: ``text`` and ``github`` name only what fails; ``sarif`` is SARIF
            2.1.0 (OASIS), ``github`` the workflow commands of GitHub's runner.
        out: Where to.
        source: Name of the source.
        least: How bad a finding is that makes a check fail.
        allowed: The verdicts that do not, however bad they are.
    """

    def failing(finding: Any) -> bool:
        return is_failing(finding, least, allowed)

    def level(finding: Any) -> str:
        return "" if finding.verdict in allowed else _LEVELS.get(finding.severity, "")

    if form == "text":
        _write_text(findings, out, source, failing)
    elif form == "json":
        _write_json(findings, out, source, failing)
    elif form == "sarif":
        _write_sarif(findings, out, source, level)
    else:
        _write_github(findings, out, source, level)


def is_failing(finding: Any, least: Severity, allowed: Collection[str]) -> bool:
    """Return whether a finding makes a check fail."""
    return finding.verdict not in allowed and reached(finding.severity, least)


def _write_text(findings: Sequence[Any], out: TextIO, source: str, failing: _Failing) -> None:
    several = len({each.source for each in findings}) > 1
    rows = [_row(each, several=several) for each in findings if each.verdict != "ok"]
    widths = [max((width(row[column]) for row in rows), default=0) for column in range(2)]
    for verdict, key, *rest in rows:
        words = "  ".join(filter(None, rest))
        gap = " " * (widths[1] - width(key))
        if plain():
            out.write(f"{verdict}: {key}: {'; '.join(filter(None, rest))}\n")
            continue
        start = verdict + " " * (widths[0] - width(verdict))
        out.write(f"{start}  {key}{gap}  {words}\n")
    bad = len({each.key for each in findings if failing(each)})
    all_ = len({each.key for each in findings})
    words = tr("{bad:,} of {records} failed the check", bad=bad, records=count(all_, "record"))
    out.write(f"{source}: {words}\n")


def _row(finding: Any, *, several: bool) -> tuple[str, ...]:
    since = finding.since
    when = (
        sentence(
            "since {time} UTC ({revision})", time=since.timestamp, revision=since.revision[:10]
        )
        if since
        else ""
    )
    place = _place(finding.pins[0]) if finding.pins else ""
    words = (wording.VERDICTS[finding.verdict], _shown(finding), finding.detail, when, place)
    return tuple(map(terminal, (*words, f"({finding.source})" if several else "")))


def _shown(finding: Any) -> str:
    return finding.key if finding.label is UNSET else named(finding.key, finding.label)


def _place(pin: Any) -> str:
    if not pin.file:
        return tr("line {line}", line=pin.line) if pin.line else ""
    return f"{pin.file}:{pin.line}"


def _write_json(findings: Sequence[Any], out: TextIO, source: str, failing: _Failing) -> None:
    document = {
        "schema": "archiver/check/1",
        "source": source,
        "ok": not any(failing(each) for each in findings),
        "findings": findings,
    }
    out.write(_json(document))


def _json(document: Any) -> str:
    """Return a line of JSON in which GitHub's runner finds no order: ``##[`` counts anywhere."""
    return _encode(document).decode().replace("##[", "##\\u005b") + "\n"


def _write_github(findings: Sequence[Any], out: TextIO, source: str, level: _Level) -> None:
    for each in findings:
        if each.verdict == "ok":
            continue
        words = _data(visible(_message(each, source)))
        for pin in each.pins:
            place = f"file={_property(pin.file)},line={pin.line}," if pin.file else ""
            title = _property(f"{each.source or source}: {said(wording.VERDICTS[each.verdict])}")
            out.write(f"::{level(each) or 'notice'} {place}title={title}::{words}\n")


def _message(finding: Any, source: str) -> Sentence:
    about = {
        "record": _shown(finding),
        "source": finding.source or source,
        "detail": finding.detail,
    }
    if finding.since is None:
        return sentence("{record} of {source}: {detail}", **about)
    return sentence(
        "{record} of {source}: {detail} (since {time} UTC, revision {revision})",
        time=finding.since.timestamp,
        revision=finding.since.revision[:10],
        **about,
    )


def _data(text: str) -> str:
    """Escape the text of a workflow command (GitHub's toolkit, command.ts)."""
    shown = text.replace("##[", "#\\#[")  # what the runner obeys anywhere in a line
    return shown.replace("%", "%25").replace("\r", "%0D").replace("\n", "%0A")


def _property(text: str) -> str:
    return _data(visible(text)).replace(":", "%3A").replace(",", "%2C")


def _write_sarif(findings: Sequence[Any], out: TextIO, source: str, level: _Level) -> None:
    rules = [
        {"id": name, "shortDescription": {"text": str(words)}} for name, words in _RULES.items()
    ]
    driver = {"name": "archiver", "version": __version__, "rules": rules}
    results = [row for each in findings for row in _results(each, source, level(each) or "note")]
    document = {
        "version": "2.1.0",
        "$schema": "https://json.schemastore.org/sarif-2.1.0.json",
        "runs": [{"tool": {"driver": driver}, "results": results}],
    }
    out.write(_json(document))


def _results(finding: Any, source: str, level: str) -> Iterator[dict[str, Any]]:
    if finding.verdict == "ok":
        return
    for pin in finding.pins:
        yield {
            "ruleId": finding.verdict,
            "level": level,
            "message": {"text": visible(str(_message(finding, source)))},
            "locations": [_location(pin)] if pin.file else [],
        }


def _location(pin: Any) -> dict[str, Any]:
    place = {
        "artifactLocation": {"uri": quote(pin.file.replace("\\", "/"))},
        "region": {"startLine": pin.line},
    }
    return {"physicalLocation": place}
