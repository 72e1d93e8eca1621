"""Write the changelog of a source's folder: one more section for each capture with news."""

from __future__ import annotations

from typing import TYPE_CHECKING

from archiver.capture.report import section_of
from archiver.errors import RenderError
from archiver.history.catalogue import CHANGELOG
from archiver.render import changelog

if TYPE_CHECKING:
    from collections.abc import Callable

    from archiver.capture.report import Report
    from archiver.capture.target import Target
    from archiver.store.commit import Writer


def changelog_file(
    target: Target, writer: Writer, report: Report, *, tip: str | None, link: Callable[[str], str]
) -> tuple[dict[str, str | None], RenderError | None]:
    """Write the changelog of `tip` with one more section; without news there is none.

    Args:
        target: The source.
        writer: Stores the blob.
        report: What is committed, with the name of its stamped file.
        tip: The commit it stands on.
        link: Returns the address of a record's page; empty: it has none.

    Returns:
        Path to blob id, and what is wrong with the user's template, which the built-in one
        replaces.
    """
    if not report.summary.news and report.outcome != "first":
        return {}, None
    context = section_of(report, report.snapshot or "", link)
    folder, error = target.config.template_folder, None
    try:
        section = changelog.rendered(context, folder=folder)
    except RenderError as wrong:
        if folder is None:
            raise
        section, error = changelog.rendered(context, folder=None), wrong
    path = f"{target.catalogue.folder}/{CHANGELOG}"
    old = target.repository.read(tip, path) if tip else None
    new = changelog.prepended(old, section, source=report.source)
    return {path: writer.write_blob((new,), len(new))}, error
