"""Write a file so that it is complete or was not written at all."""

from __future__ import annotations

import os
import stat
from contextlib import contextmanager
from typing import TYPE_CHECKING

from archiver.errors import ConfigError
from archiver.language import sentence

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path
    from typing import TextIO


@contextmanager
def whole_file(path: Path) -> Iterator[TextIO]:
    """Yield a stream whose text replaces the file `path` when the block ends without an error.

    UTF-8, line feeds only. The old file's permissions stay, and a link's target is replaced.

    Raises:
        ConfigError: The file cannot be written.
    """
    path = path.resolve()
    draft = path.with_name(f".{path.name}.{os.getpid()}.part")
    try:
        with draft.open("x", encoding="utf-8", newline="\n") as stream:
            if path.exists():
                draft.chmod(stat.S_IMODE(path.stat().st_mode))
            yield stream
            stream.flush()
            os.fsync(stream.fileno())
        draft.replace(path)
    except OSError as error:
        raise ConfigError(
            sentence("cannot write {path}: {strerror}", path=path, strerror=error.strerror)
        ) from error
    finally:
        draft.unlink(missing_ok=True)
