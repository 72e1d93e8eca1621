"""Keep the site of a working archive up to date: build it again after each change."""

from __future__ import annotations

import logging
from threading import Event, Thread
from time import monotonic
from typing import TYPE_CHECKING, Final

from archiver.errors import ArchiverError, reason
from archiver.language import sentence

if TYPE_CHECKING:
    from collections.abc import Callable
    from typing import Self

INTERVAL: Final = 2.0
_LONGEST: Final = 60.0
_FAREWELL: Final = 1.0
_log = logging.getLogger(__name__)


class Renewal:
    """Looks at the archive again and again, in a thread, between ``__enter__`` and ``__exit__``."""

    def __init__(
        self,
        mark: Callable[[], str],
        build: Callable[[], object],
        *,
        renewed: Callable[[str], object],
        interval: float = INTERVAL,
    ) -> None:
        """Look at nothing yet.

        Args:
            mark: Returns what changes whenever the archive does.
            build: Builds the site; it leaves the old one where it fails.
            renewed: Receives the mark of the archive of which the site was built.
            interval: Seconds between two looks.
        """
        self._mark = mark
        self._build = build
        self._renewed = renewed
        self._interval = interval
        self._built: str | None = None
        self._failed: str | None = None
        self._pause = interval
        self._again = 0.0
        self._said = ""
        self._ending = Event()
        self._thread = Thread(target=self._run, name="archiver-site", daemon=True)

    def __enter__(self) -> Self:
        """Begin to look."""
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        """End; what is being built meanwhile never becomes the site."""
        self._ending.set()
        self._thread.join(_FAREWELL)

    def renew(self) -> None:
        """Build the site if the archive has changed since; raise what keeps it from being built."""
        self._renew(self._mark())

    def _renew(self, mark: str) -> None:
        """Build the site of an archive with this mark: it was read before, so nothing is missed."""
        if mark != self._built:
            self._build()
            self._built = mark
            self._renewed(mark)

    def _run(self) -> None:
        while not self._ending.is_set():
            self._look()
            self._ending.wait(self._interval)

    def _look(self) -> None:
        """Build what is new; what failed is tried again less and less often until it changes."""
        mark = None
        try:
            mark = self._mark()
            if mark != self._failed or monotonic() >= self._again:
                self._renew(mark)
                self._said = ""
        except Exception as error:  # noqa: BLE001  the old site is served all the same
            self._pause = min(2 * self._pause, _LONGEST) if mark == self._failed else self._interval
            self._failed, self._again = mark, monotonic() + self._pause
            self._tell(error)

    def _tell(self, error: Exception) -> None:
        """Say once why the site is not up to date."""
        words = (
            reason(error)
            if isinstance(error, ArchiverError)
            else sentence("unexpected {error!r}", error=error)
        )
        if words != self._said and not self._ending.is_set():
            if self._built is None:
                _log.warning(sentence("the site is not built: {words}", words=words))
            else:
                _log.warning(sentence("the site stays as it was: {words}", words=words))
        self._said = words
