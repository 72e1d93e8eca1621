"""Speak Hugging Face's protocol: cursors in absolute links, quotas, and 401 for what is gone."""

from __future__ import annotations

import base64
from bisect import bisect_right
from typing import TYPE_CHECKING, Any
from urllib.parse import urlencode

import msgspec

from archiver.fakehub.answers import Answer, answer, moment
from archiver.fakehub.hub import Wanted

if TYPE_CHECKING:
    from archiver.fakehub.answers import Asked
    from archiver.fakehub.hub import Hub
    from archiver.fakehub.models import Model

_LIST = "/api/models"
_PAGE = 1000
_SORTS = {"createdAt": "created", "downloads": "downloads", "lastModified": "last_modified"}
_QUOTA = 'fixed window";"api";q=500;w=300'
_MISSING = {"X-Error-Code": "RepoNotFound"}
_FIELDS = {"_id", "id", "modelId", "likes", "private", "downloads", "tags", "createdAt"}
_FIELDS |= {"pipeline_tag", "library_name"}


def respond(asked: Asked, hub: Hub, left: int) -> Answer | None:
    """Return the answer, or None where this is not Hugging Face's path.

    Args:
        asked: The request.
        hub: The hub.
        left: Requests that are left in this window.
    """
    if asked.method != "GET":
        return None
    limits = {"RateLimit": f'"api";r={left};t=55', "RateLimit-Policy": f'"{_QUOTA}'}
    found: Answer | None = None
    if asked.path == _LIST:
        found = _list(asked, hub)
    elif asked.path.startswith(f"{_LIST}/"):
        found = _detail(asked, asked.path.removeprefix(f"{_LIST}/"), hub)
    elif asked.path.endswith("/resolve/main/README.md"):
        found = _readme(asked.path[1:].removesuffix("/resolve/main/README.md"), hub)
    elif asked.path == "/api/agent-harnesses":
        found = answer({"error": "Not Found"}, 404)
    if found is None:
        return None
    return Answer(found.status, found.body, {**found.headers, **limits}, found.lists)


def _row(model: Model) -> dict[str, Any]:
    tags = [model.library, *model.tasks[:1], f"license:{model.license}" if model.license else ""]
    row = {
        "_id": f"{model.number:024x}",
        "id": model.id,
        "modelId": model.id,
        "author": model.owner,
        "likes": model.likes,
        "private": False,
        "downloads": model.downloads,
        "tags": [tag for tag in tags if tag],
        "createdAt": moment(model.created).replace("Z", ".000Z"),
        "lastModified": moment(model.modified).replace("Z", ".000Z"),
        "sha": f"{model.number * 7919 + int(model.modified.timestamp()):040x}",
        "gated": "auto" if model.state == "gated" else False,
        "disabled": model.state == "disabled",
    }
    if model.tasks:
        row["pipeline_tag"] = model.tasks[0]
    if model.library:
        row["library_name"] = model.library
    if model.params:
        row["safetensors"] = {"parameters": {"BF16": model.params}, "total": model.params}
    return row


def _shown(row: dict[str, Any], expand: list[str]) -> dict[str, Any]:
    wanted = {"_id", "id", *expand} if expand else _FIELDS
    return {name: value for name, value in row.items() if name in wanted}


def _list(asked: Asked, hub: Hub) -> Answer:
    limit = min(asked.number("limit", _PAGE) or _PAGE, _PAGE)
    sort = _SORTS.get(asked.one("sort"), "default")
    wanted = Wanted(
        words=asked.one("search"),
        owner=asked.one("author"),
        task=asked.one("pipeline_tag"),
        sort=sort,
        first=sort == "created" and asked.one("direction") != "1",
    )
    found = hub.index().find(wanted)
    start = _start(asked.one("cursor"), found, by_creation=sort == "created" and not wanted.first)
    page = found[start : start + limit]
    expand = [*asked.query.get("expand", []), *asked.query.get("expand[]", [])]
    headers = {}
    if start + limit < len(found):
        headers["Link"] = f'<{_next(asked, start + limit, page[-1])}>; rel="next"'
    return answer([_shown(_row(model), expand) for model in page], headers=headers, lists=True)


def _start(cursor: str, found: Any, *, by_creation: bool) -> int:
    """Return where the page begins: after the cursor's model, or at its place."""
    if not cursor:
        return 0
    place, number = msgspec.json.decode(base64.urlsafe_b64decode(cursor))
    if by_creation:
        return bisect_right(found, number, key=lambda model: model.number)
    return int(place)


def _next(asked: Asked, place: int, last: Model) -> str:
    cursor = base64.urlsafe_b64encode(msgspec.json.encode([place, last.number])).decode()
    query = [(name, v) for name, values in asked.query.items() if name != "cursor" for v in values]
    return f"{asked.base}{asked.path}?{urlencode([*query, ('cursor', cursor)])}"


def _detail(asked: Asked, key: str, hub: Hub) -> Answer:
    key = key.partition("/revision/")[0]
    if (moved := hub.moved(key)) is not None:
        return answer({}, 307, {"Location": f"{_LIST}/{moved}"})
    model = hub.find(key)
    if model is None:
        known = "authorization" in asked.headers
        error = "Repository not found" if known else "Invalid username or password."
        return answer({"error": error}, 404 if known else 401, _MISSING)
    if model.state == "disabled":
        message = "Access to this resource is disabled."
        return answer({"error": message}, 403, {"X-Error-Message": message})
    return answer({**_row(model), "siblings": [], "usedStorage": model.size})


def _readme(key: str, hub: Hub) -> Answer:
    model = hub.find(key)
    if model is None:
        error = {"error": "Invalid username or password."}
        return answer(error, 401, _MISSING)
    text = f"---\nlicense: x\n---\n# {model.id}\n\n{model.description or 'A made-up model.'}\n"
    return Answer(200, text.encode(), {"Content-Type": "text/markdown"})
