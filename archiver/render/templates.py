"""Render the templates: strict, escaped by file name, sandboxed, without clock or chance."""

from __future__ import annotations

import hashlib
import json
import re
from functools import lru_cache, partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

import msgspec

from archiver.changes.severity import FIRST
from archiver.errors import RenderError, reason
from archiver.language import (
    Sentence,
    current,
    retold,
    said,
    sentence,
    speaking,
    tr,
    translated,
    translated_plural,
)
from archiver.records import text
from archiver.records.model import FieldChange, FieldSummary
from archiver.render import wording
from archiver.render.groups import groups

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping
    from importlib.resources.abc import Traversable

    from jinja2 import Environment
    from jinja2.runtime import Context
    from jinja2.sandbox import ImmutableSandboxedEnvironment

    from archiver.records.model import Kind

_TEXT = (str, Sentence)
_TABLE = "const TRANSLATIONS = {};"
"""Where a script takes its translations from."""
_SAYINGS = re.compile(r'\btr\("((?:[^"\\]|\\.)*)"')
_PLAIN = tuple(f".{kind}{end}" for kind in ("txt", "md", "yml") for end in (".j2", ""))


def render(template: str, context: Mapping[str, Any], *, folder: Path | None = None) -> str:
    """Return the template named `template`, filled in with `context`.

    Args:
        template: File name, such as ``commit.txt.j2``.
        context: What the template may name; anything else is an error.
        folder: The user's templates; they come before the built-in ones of the same name.

    Raises:
        RenderError: The template is missing or wrong, or names something undefined.
    """
    return "".join(stream(template, context, folder=folder))


def stream(
    template: str, context: Mapping[str, Any], *, folder: Path | None = None
) -> Iterator[str]:
    """Yield the rendered template piece by piece; otherwise as `render`."""
    import jinja2

    try:
        yield from _environment(folder, current()).get_template(template).generate(context)
    except RenderError:
        raise
    except jinja2.TemplateNotFound as error:
        hint = (
            sentence("templates are looked up by file name")
            if folder is None
            else sentence("look into {folder}", folder=folder)
        )
        raise RenderError(
            sentence("there is no template {error}", error=reason(error)), hint=hint
        ) from error
    except jinja2.TemplateSyntaxError as error:
        raise RenderError(
            sentence(
                "{error}:{lineno}: {message}",
                error=error.name,
                lineno=error.lineno,
                message=error.message,
            )
        ) from error
    except Exception as error:  # a template may raise whatever a filter or an operator can
        words = text.terminal(str(error)) or type(error).__name__
        raise RenderError(
            sentence("{place}: {words}", place=_place(error, template), words=words)
        ) from error


def _place(error: BaseException, template: str) -> str:
    """Return where a template failed: Jinja gives its traceback the template's own lines."""
    place, trace = template, error.__traceback__
    while trace is not None:
        name = Path(trace.tb_frame.f_code.co_filename).name
        if name == template or name.endswith(".j2"):
            place = f"{name}:{trace.tb_lineno}"
        trace = trace.tb_next
    return place


@lru_cache(maxsize=8)
def _environment(folder: Path | None, language: str) -> ImmutableSandboxedEnvironment:
    import jinja2
    from jinja2.sandbox import ImmutableSandboxedEnvironment

    loaders: list[jinja2.BaseLoader] = [jinja2.FunctionLoader(_built_in)]
    if folder is not None:
        loaders.insert(0, jinja2.FunctionLoader(partial(_from, folder.resolve())))
    environment = ImmutableSandboxedEnvironment(
        loader=jinja2.ChoiceLoader(loaders),
        undefined=jinja2.StrictUndefined,
        # Jinja's own choice looks at the last suffix and would leave .html.j2 unescaped.
        autoescape=lambda name: not (name or "").endswith(_PLAIN),
        finalize=_shown,
        trim_blocks=True,
        lstrip_blocks=True,
        keep_trailing_newline=True,
        extensions=["jinja2.ext.i18n"],
    )
    with speaking(language):
        _furnish(environment)
    return environment


def _furnish(environment: Environment) -> None:
    del environment.globals["lipsum"], environment.filters["random"]
    environment.globals |= {
        "gettext": _pass_context(_gettext),
        "ngettext": _pass_context(_ngettext),
    }
    environment.newstyle_gettext = True  # type: ignore[attr-defined]  # of the extension
    environment.policies["ext.i18n.trimmed"] = True
    environment.globals["numbered"] = _numbered
    environment.globals["titles"] = {kind: said(title) for kind, title in wording.TITLES.items()}
    environment.globals["kinds"] = {kind: said(words) for kind, words in wording.WORDS.items()}
    environment.globals["severities"] = {
        each: said(words) for each, words in wording.SEVERITIES.items()
    }
    environment.globals["matters"] = FIRST
    environment.globals["groups"] = groups
    environment.globals["stylesheet"] = _stylesheet
    environment.globals["marks"] = dict(wording.MARKS)
    environment.globals["names"] = {}  # where no record has a label
    environment.filters |= {
        "retold": retold,
        "terminal": text.terminal,
        "markdown": text.markdown,
        "csv": text.csv_value,
        "commit": text.commit,
        "chat": text.chat,
        "clip": text.clip,
        "value": text.value,
        "words": _words,
        "count": _counted,
        "size": text.bytes_,
        "key": wording.key,
        "shifts": _shifts,
        "said_once": _said_once,
        "facts": wording.facts,
        "address": text.address,
        "chat_link": text.chat_link,
    }


def _stylesheet() -> Any:
    """Return the stylesheet of pages that are one file; it is ours, so it is markup."""
    from markupsafe import Markup  # noqa: PLC0415 - for pages only

    return Markup(static("site.css"))  # noqa: S704  a file of the program


def _shown(value: Any) -> Any:
    """Show hidden characters in everything a template prints, except what is markup already."""
    return text.visible(value) if type(value) in _TEXT else value


def _pass_context(function: Callable[..., Any]) -> Callable[..., Any]:
    """Let Jinja give `function` its context; importing Jinja for that costs 15 ms."""
    from jinja2 import pass_context

    return pass_context(function)


def _gettext(context: Context, message: str, **values: Any) -> Any:
    """Translate a message of a template, and what is filled in."""
    return _filled(context, translated(message), values)


def _ngettext(context: Context, one: str, many: str, number: int, **values: Any) -> Any:
    """Translate a message about a `number` of things, which it may name as ``num``."""
    return _filled(context, translated_plural(one, many, number), {"num": number, **values})


def _filled(context: Context, words: str, values: Mapping[str, Any]) -> Any:
    from markupsafe import Markup  # noqa: PLC0415 - for pages only

    told = {name: _shown(each) for name, each in values.items()}  # markup is not shown again
    return (Markup(words) if context.eval_ctx.autoescape else words) % told  # noqa: S704  ours


def _numbered(kind: Kind, number: int) -> str:
    """Say how many changes of a kind there are."""
    return said(wording.number(kind, number))


def _counted(number: int, noun: str = "") -> str:
    """Write a number of things in the language of the reader; see `text.count`."""
    return said(text.count(number, noun))


def _words(value: Any, name: str) -> str:
    """Write the `value` of the field `name` as changes do: a number with separators or unit."""
    return wording.words(name, value)


def _shifts(change: Mapping[str, Any]) -> list[wording.Shift]:
    """Name the values that differ in a field change of the public form."""
    return list(wording.shifts(msgspec.convert(change, FieldChange)))


def _said_once(summary: Mapping[str, Any]) -> str:
    """Say what happened to a field in most records, given the public form."""
    return wording.said_once(msgspec.convert(summary, FieldSummary))


def _from(folder: Path, name: str) -> tuple[str, str, Callable[[], bool]] | None:
    """Read a template of `folder`; a link to elsewhere would publish a file of this machine.

    Raises:
        RenderError: It leads out of the folder, or is no text in UTF-8.
    """
    file = folder / name
    if not file.is_file():
        return None
    if not file.resolve().is_relative_to(folder):
        raise RenderError(
            sentence("the template {name} leads out of its folder", name=name),
            hint=sentence("see {folder}", folder=folder),
        )
    try:
        source = file.read_bytes()
        return source.decode(), str(file), lambda: file.is_file() and file.read_bytes() == source
    except (OSError, UnicodeDecodeError) as error:
        raise RenderError(sentence("{name}: cannot be read as UTF-8", name=name)) from error


def static(name: str) -> str:
    """Return a file of the built-in templates as it is."""
    return _templates().joinpath(name).read_text("utf-8")


def spoken(script: str) -> str:
    """Return `script` with what it says in the language of the reader."""
    said_ = {english: tr(english) for english in map(_unquoted, _SAYINGS.findall(script))}
    told = {english: words for english, words in said_.items() if words != english}
    if not told:
        return script
    table = json.dumps(told, ensure_ascii=False, sort_keys=True, separators=(",", ":"))
    return script.replace(_TABLE, f"const TRANSLATIONS = {table};", 1)


def _unquoted(literal: str) -> str:
    words: str = json.loads(f'"{literal}"')
    return words


def fingerprint(start: str, folder: Path | None) -> str:
    """Return a digest of all templates whose names begin with `start`, the user's included."""
    digest = hashlib.sha256()
    for place in (_templates(), folder):
        files = () if place is None else place.iterdir()
        for each in sorted(files, key=lambda each: each.name):
            if each.name.startswith(start) and each.is_file():
                digest.update(each.name.encode() + b"\0" + each.read_bytes())
    return digest.hexdigest()


def _built_in(name: str) -> tuple[str, str, None] | None:
    file = _templates().joinpath(name)
    return (file.read_text("utf-8"), name, None) if "/" not in name and file.is_file() else None


def _templates() -> Traversable:
    """Find the built-in templates: inside the wheel, or at the top of a checkout."""
    from importlib import resources  # noqa: PLC0415 - 12 ms, for pages only

    shipped = resources.files("archiver") / "templates"
    return shipped if shipped.is_dir() else Path(__file__).parents[2] / "templates"
