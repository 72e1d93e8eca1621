"""Turn one version of a file into lines for git: one member of a record, or one element, a line.

git starts this for every blob that it shows, by its path and with ``python -I -S``: it imports
nothing of ours, nor anything installed, unless a blob needs it. What it prints depends on the
blob alone and leaves nothing out, so that git's own options (``-S``, ``-G``, ``blame``,
``--word-diff``) search and show what is stored.
"""

from __future__ import annotations

import sys

_CHUNK = 1 << 16
_START = b'{\n"format": 1,\n"source": '
_MODELS = b'"models": [\n'
_TAIL = b"}\n]\n}\n"
_EMPTY = b"]\n}\n"
_RECORD = b"record "
"""Begins a record by a letter, which is where git takes the name of a hunk from.

A regular expression for that (``diff.NAME.xfuncname``) doubles the time of ``git log -p``.
"""
_PLAIN = bytes(range(32, 127)) + b"\n"
_WIDE_SPACE = "\u3000"
"""Is usual in Chinese text, though Python calls it not printable."""
_UNSEEN = frozenset(
    (
        *"\u034f\u115f\u1160\u17b4\u17b5\u180b\u180c\u180d\u180f\u2800\u3164\uffa0",
        *map(chr, range(0xFE00, 0xFE10)),
        *map(chr, range(0xE0100, 0xE01F0)),
    )
)
"""What Python calls printable, though it hides; the others are not printable."""
_LAST = b"},\n"
"""How every record ends, the last one as the others: what follows it is no change of it."""
CUT_OFF = b"\narchiver: the snapshot ends too early (truncated)\n"


def main(arguments: list[str]) -> None:
    """Write the lines of the file that is the last argument; the others describe a document."""
    out = sys.stdout.buffer
    with open(arguments[-1], "rb", buffering=0) as file:  # noqa: PTH123  pathlib costs 5 ms
        start = file.read(_CHUNK)
        head, models, rest = start.partition(_MODELS)
        if not start.startswith(_START) or not models:
            _import_ours()
            from archiver.driver.document import text  # noqa: PLC0415 - rare, and 60 ms

            out.writelines(text(start + file.readall(), arguments[:-1]))
            return
        out.write(_safe(head + models))
        if rest == _EMPTY:
            return
        out.write(_RECORD)
        while chunk := file.read(_CHUNK):
            rest += chunk
            cut = rest.rfind(b"\n", 0, -len(_TAIL))
            if cut >= 0:
                out.write(lines(rest[: cut + 1]))
                rest = rest[cut + 1 :]
    whole = rest.endswith(_TAIL)
    out.write(lines(rest.removesuffix(_TAIL)))
    out.write(_LAST if whole else CUT_OFF)


def lines(records: bytes) -> bytes:
    """Return records, one a line, with a line for each member and element.

    A line feed never stands inside of one, so this can be undone: nothing is hidden by it.
    """
    return _safe(records).replace(b"\n", b"\n" + _RECORD).replace(b',"', b'\n "')


def _safe(text: bytes) -> bytes:
    """Return `text` with every character that steers or hides made visible."""
    unusual = text.translate(None, _PLAIN)
    if not (unusual and hides(unusual)) and not (b"#" in text and b"##[" in text):
        return text
    _import_ours()
    from archiver.driver.document import visible  # noqa: PLC0415 - rare

    return visible(text)


def hides(text: bytes) -> bool:
    """Say whether a character of `text` may steer or hide something; in doubt it does."""
    try:
        found = set(text.decode())
    except UnicodeDecodeError:
        return True
    found.discard(_WIDE_SPACE)
    return not ("".join(found).isprintable() and found.isdisjoint(_UNSEEN))


def _import_ours() -> None:
    """Let this process import what is installed, ourselves included."""
    if "site" not in sys.modules:
        import site  # noqa: PLC0415 - what -S spares

        site.main()
    ours = __file__.removesuffix("/archiver/driver/textconv.py")
    if ours not in sys.path:
        sys.path.append(ours)


if __name__ == "__main__":
    try:
        main(sys.argv[1:])
        sys.stdout.flush()
    except (KeyboardInterrupt, BrokenPipeError):
        sys.stdout = None  # nobody reads it any more
        sys.exit(130)
    except OSError as error:
        sys.exit(f"archiver: {error}")
