"""Speak OpenRouter's protocol: one document of some hundred models."""

from __future__ import annotations

from typing import TYPE_CHECKING

from archiver.fakehub.answers import Answer, answer
from archiver.fakehub.hub import Wanted

if TYPE_CHECKING:
    from archiver.fakehub.answers import Asked
    from archiver.fakehub.hub import Hub

_OFFERED = 300


def respond(asked: Asked, hub: Hub) -> Answer | None:
    """Return the answer, or None where this is not OpenRouter's path."""
    if (asked.method, asked.path) != ("GET", "/api/v1/models"):
        return None
    rows = [
        {
            "id": model.id.lower(),
            "name": model.id.partition("/")[2],
            "created": int(model.created.timestamp()),
            "description": model.description,
            "context_length": 1024 * (1 + model.number % 128),
            "pricing": {"prompt": f"0.{model.number % 1000:07}", "completion": "0.000002"},
        }
        for model in hub.index().find(Wanted(sort="downloads"))[:_OFFERED]
    ]
    return answer({"data": rows, "total_count": len(rows)}, lists=True)
