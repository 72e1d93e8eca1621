"""The catalogues of messages: what the program says, and how other languages say it.

``python tests/translations.py`` brings ``archiver/locale/*/LC_MESSAGES/messages.po`` up to date
with the code, and compiles them. What is new has no translation then, and a test names it.
"""

from __future__ import annotations

import ast
import inspect
import io
import re
import sys
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

import click
from babel.messages import Catalog
from babel.messages.extract import extract
from babel.messages.mofile import write_mo
from babel.messages.pofile import read_po, write_po

from archiver.language import STORED

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence

ROOT: Final = Path(__file__).parents[1]
LOCALES: Final = ROOT / "archiver" / "locale"
STORABLE: Final = {
    **dict.fromkeys(("sentence", "stored"), None),
    **dict.fromkeys(("sentences", "forms"), (1, 2)),
}
SHOWN: Final = {
    **dict.fromkeys(("tr", "_", "gettext"), None),
    **dict.fromkeys(("trn", "ngettext"), (1, 2)),
}
_NO_DATE: Final = datetime(2026, 1, 1, tzinfo=UTC)
_CHANGING: Final = re.compile(
    rb'^"(Project-Id|Report-Msgid|POT-Creation|PO-Revision|Last-T|Language-Team|Generated).*\n',
    re.MULTILINE,
)
_WORDS_OF_CLICK: Final = {"_": None, "gettext": None, "ngettext": (1, 2)}
_CLICK_BY_NAME: Final = ("required",)
"""What click translates without writing it where it asks for the translation."""
_HELP: Final = frozenset({"help", "description"})
_COMMANDS: Final = frozenset({"command", "group"})


def messages() -> Catalog:
    """Return everything that the program and click say, with the files in which it stands."""
    catalog = Catalog()
    for path in sorted((ROOT / "archiver").rglob("*.py")):
        code = path.read_bytes()
        storable = extract("python", io.BytesIO(code), STORABLE)
        _add(catalog, path, storable, comments=[STORED])
        _add(catalog, path, extract("python", io.BytesIO(code), SHOWN))
        _add(catalog, path, _help(ast.parse(code)))
    for path in sorted((ROOT / "templates").iterdir()):
        method = "javascript" if path.suffix == ".js" else "jinja2.ext.babel_extract"
        options = {"extensions": "jinja2.ext.i18n", "trimmed": "true", "newstyle_gettext": "true"}
        if path.suffix in (".js", ".j2"):
            source = io.BytesIO(path.read_bytes())
            _add(catalog, path, extract(method, source, SHOWN, options=options))
    for word in _CLICK_BY_NAME:
        catalog.add(word, locations=[("click/core.py", 0)])
    for path in sorted(Path(click.__file__).parent.glob("*.py")):
        words = extract("python", io.BytesIO(path.read_bytes()), _WORDS_OF_CLICK)
        _add(catalog, Path("click") / path.name, words)
    return catalog


def _add(
    catalog: Catalog,
    path: Path,
    found: Iterable[tuple[int, Any, Any, Any]],
    comments: Sequence[str] = (),
) -> None:
    place = str(path.relative_to(ROOT)) if path.is_absolute() else str(path)
    for _line, message, *_rest in found:
        if message:
            catalog.add(message, locations=[(place, 0)], auto_comments=comments)


def _help(tree: ast.Module) -> Iterator[tuple[int, str, None, None]]:
    """Yield the help of commands and options, and what a setting must be."""
    for node in ast.walk(tree):
        if isinstance(node, ast.FunctionDef) and any(map(_is_command, node.decorator_list)):
            yield node.lineno, inspect.cleandoc(ast.get_docstring(node) or ""), None, None
        elif isinstance(node, ast.keyword) and node.arg in _HELP and _is_text(node.value):
            yield node.value.lineno, inspect.cleandoc(ast.literal_eval(node.value)), None, None


def _is_command(decorator: ast.expr) -> bool:
    called = decorator.func if isinstance(decorator, ast.Call) else decorator
    return isinstance(called, ast.Attribute) and called.attr in _COMMANDS


def _is_text(node: ast.expr) -> bool:
    return isinstance(node, ast.Constant) and isinstance(node.value, str)


def catalogue(path: Path) -> Catalog:
    """Read the translations of one language."""
    with path.open("rb") as file:
        return read_po(file, locale=path.parts[-3])


def compiled(translations: Catalog) -> bytes:
    """Return the file that the program reads: the same bytes for the same translations."""
    same = Catalog(
        locale=translations.locale,
        project="archiver",
        creation_date=_NO_DATE,
        revision_date=_NO_DATE,
    )
    for each in translations:
        if each.id and each.string:
            same.add(each.id, each.string)
        if each.id and each.string and STORED in each.auto_comments and isinstance(each.id, str):
            same.add(each.id, each.string, context=STORED)
    file = io.BytesIO()
    write_mo(file, same)
    return file.getvalue()


def written(translations: Catalog) -> bytes:
    """Return the file that translators edit; its header says nothing that changes each day."""
    file = io.BytesIO()
    write_po(file, translations, width=100, sort_output=True, include_lineno=False)
    return _CHANGING.sub(b"", file.getvalue())


def main() -> int:
    """Bring every catalogue up to date, and say how many messages have no translation."""
    found, lacking = messages(), 0
    for path in sorted(LOCALES.glob("*/LC_MESSAGES/messages.po")):
        translations = catalogue(path)
        translations.update(found, no_fuzzy_matching=True, keep_user_comments=False)
        translations.obsolete.clear()
        path.write_bytes(written(translations))
        path.with_suffix(".mo").write_bytes(compiled(translations))
        missing = [each for each in translations if each.id and not each.string]
        lacking += len(missing)
    return lacking


if __name__ == "__main__":
    sys.exit(1 if main() else 0)
