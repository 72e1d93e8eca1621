"""The record of a release, as GitHub's REST API describes it."""

from __future__ import annotations

from typing import TYPE_CHECKING

import msgspec

from archiver.sources.documents import known

if TYPE_CHECKING:
    from archiver.records.model import Json, Record


class _Asset(msgspec.Struct):
    name: str
    size: int = 0
    digest: str | None = None
    download_count: int = 0


class _Release(msgspec.Struct):
    tag_name: str
    name: str | None = None
    body: str | None = None
    draft: bool = False
    prerelease: bool = False
    immutable: bool = False
    target_commitish: str | None = None
    published_at: str | None = None
    assets: tuple[_Asset, ...] = ()


def release_record(row: Json, repository: str) -> Record | None:
    """Return the record of a published release; None: it is a draft, which only writers see.

    Raises:
        msgspec.ValidationError: It is no release.
    """
    release = msgspec.convert(row, _Release)
    return (
        None
        if release.draft
        else known(
            repository=repository,
            tag=release.tag_name,
            name=release.name,
            notes=release.body,
            prerelease=release.prerelease,
            immutable=release.immutable,
            commit=release.target_commitish,
            published_at=release.published_at,
            assets={
                each.name: known(size=each.size, digest=each.digest) for each in release.assets
            },
            downloads=sum(each.download_count for each in release.assets),
        )
    )
