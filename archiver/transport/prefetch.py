"""Requests that are under way while the pages before them are read."""

from __future__ import annotations

import threading
from concurrent.futures import Future
from queue import SimpleQueue
from typing import TYPE_CHECKING, Self, TypeAlias

from archiver.transport.message import Page, Request

if TYPE_CHECKING:
    from collections.abc import Callable

_Job: TypeAlias = tuple[Request, "Future[Page]"] | None


class Prefetch:
    """Threads that send requests; a context manager that lets them go.

    They are daemons, unlike those of `concurrent.futures`: neither an interrupt nor the end of the
    program waits for an answer.
    """

    def __init__(self, get: Callable[[Request], Page], most: int) -> None:
        """Send by `get`, at most this many requests at once."""
        self._get = get
        self._jobs: SimpleQueue[_Job] = SimpleQueue()
        self._most = most
        self._threads: list[threading.Thread] = []

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        for _thread in self._threads:
            self._jobs.put(None)

    def start(self, request: Request) -> Future[Page]:
        """Send as soon as a thread is free; the answer, or the error, comes with the future."""
        if len(self._threads) < self._most:
            thread = threading.Thread(target=self._work, daemon=True)
            self._threads.append(thread)
            thread.start()
        future: Future[Page] = Future()
        self._jobs.put((request, future))
        return future

    def _work(self) -> None:
        while (job := self._jobs.get()) is not None:
            request, future = job
            if not future.set_running_or_notify_cancel():
                continue
            try:
                future.set_result(self._get(request))
            except BaseException as error:  # noqa: BLE001  it is raised where it is waited for
                future.set_exception(error)
