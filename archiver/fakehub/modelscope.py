"""Speak ModelScope's protocols: the OpenAPI, the older calls, the website's query."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import msgspec

from archiver.fakehub.answers import Answer, answer, moment
from archiver.fakehub.hub import Wanted

if TYPE_CHECKING:
    from collections.abc import Sequence

    from archiver.fakehub.answers import Asked
    from archiver.fakehub.hub import Hub
    from archiver.fakehub.models import Model

_OPENAPI, _LEGACY = "/openapi/v1/models", "/api/v1/models"
_WEBSITE, _TASKS = "/api/v1/dolphin/models", "/api/v1/tasks"
_PAGE, _WINDOW = 50, 3000
_WEBSITE_PAGE, _WEBSITE_WINDOW = 100, 10_000
_SORTS = {
    "Default": "default",
    "DownloadsCount": "downloads",
    "StarsCount": "likes",
    "GmtModified": "last_modified",
}
_CRITERIA = {"organizations": "owner", "tasks": "task", "libraries": "library"}


def respond(asked: Asked, hub: Hub) -> Answer | None:
    """Return the answer, or None where this is not ModelScope's path."""
    path = asked.path.rstrip("/")
    if path == _WEBSITE:
        return _website(asked, hub)
    whole = {
        ("GET", _OPENAPI): lambda: _list(asked, hub),
        ("PUT", _LEGACY): lambda: _older_list(asked, hub),
        ("GET", _TASKS): lambda: _tasks(hub),
    }.get((asked.method, path))
    if whole is not None:
        return whole()
    for prefix, single in ((f"{_OPENAPI}/", _detail), (f"{_LEGACY}/", _older_detail)):
        if asked.method == "GET" and path.startswith(prefix):
            return single(path.removeprefix(prefix), hub)
    return None


def row(model: Model) -> dict[str, Any]:
    """Return a model as the OpenAPI spells it (schema `Model` of 1.1.0)."""
    tags = {"license": model.license, "library": model.library, "model_type": model.model_type}
    return {
        "id": model.id,
        "display_name": model.id.partition("/")[2],
        "description": model.description,
        "downloads": model.downloads,
        "likes": model.likes,
        "license": model.license,
        "tasks": list(model.tasks),
        "created_at": moment(model.created),
        "last_modified": moment(model.modified),
        "file_size": model.size,
        "params": model.params,
        "tags": [f"{name}:{value}" for name, value in tags.items() if value],
        "private": model.state == "private",
        "gated": model.state == "gated",
    }


def _ok(data: Any, *, lists: bool = False) -> Answer:
    return answer({"success": True, "request_id": "fake", "data": data}, lists=lists)


def _refused(status: int, code: str, message: str) -> Answer:
    body = {"success": False, "code": code, "message": message, "request_id": "fake"}
    return answer(body, status)


def _list(asked: Asked, hub: Hub) -> Answer:
    page, size = asked.number("page_number", 1), asked.number("page_size", 10)
    if not 1 <= size <= _PAGE:
        message = f"invalid page_size parameter, cannot exceed {_PAGE}"
        return _refused(400, "InputParameterError", message)
    if page < 1 or page * size > _WINDOW:
        message = f"page_number * page_size cannot exceed {_WINDOW}"
        return _refused(400, "InputParameterError", message)
    found = hub.index().find(
        Wanted(
            words=asked.one("search"),
            owner=asked.one("owner"),
            task=asked.one("filter.task"),
            library=asked.one("filter.library"),
            license=asked.one("filter.license"),
            model_type=asked.one("filter.model_type"),
            sort=asked.one("sort", "default"),
        )
    )
    data = {
        "models": [row(model) for model in found[(page - 1) * size : page * size]],
        "total_count": len(found),
        "page_number": page,
        "page_size": size,
    }
    return _ok(data, lists=True)


def _detail(key: str, hub: Hub) -> Answer:
    model = hub.find(hub.moved(key) or key)
    if model is None:
        return _refused(404, "ResourceNotFound", f"model {key} does not exist")
    return _ok({**row(model), "readme": f"---\nlicense: x\n---\n# {model.id}\n\nA made-up model."})


def _older(data: Any) -> Answer:
    body = {"Code": 200, "Success": True, "Message": "success", "RequestId": "fake", "Data": data}
    return answer(body)


def _older_row(model: Model) -> dict[str, Any]:
    owner, _, name = model.id.partition("/")
    return {
        "Id": model.number,
        "Path": owner,
        "Name": name,
        "ChineseName": name,
        "CreatedBy": owner,
        "Description": model.description,
        "Downloads": model.downloads,
        "Stars": model.likes,
        "License": model.license,
        "Tasks": [{"Name": task} for task in model.tasks],
        "Tags": [],
        "Libraries": [model.library] if model.library else [],
        "CreatedTime": int(model.created.timestamp()),
        "LastUpdatedTime": int(model.modified.timestamp()),
        "StorageSize": model.size,
        "Revision": "master",
    }


def _website(asked: Asked, hub: Hub) -> Answer:
    """Answer the website's query, as it was measured on 2026-08-12."""
    if asked.method != "PUT":
        return Answer(404, b"404 page not found", {"Content-Type": "text/plain"})
    body = _body(asked)
    size = min(int(body.get("PageSize", 10)), _WEBSITE_PAGE)  # cut off without a word
    page = int(body.get("PageNumber", 1))
    if page * size > _WEBSITE_WINDOW:
        failed = {"Code": 10010207001, "Message": "list_models_failed", "Success": False}
        return answer(failed, 500)
    sort = _SORTS.get(body.get("SortBy", "Default"))
    found: Sequence[Model] = ()
    if sort is not None:
        found = hub.index().find(_criteria(body)._replace(sort=sort))
    rows = [_older_row(model) for model in found[(page - 1) * size : page * size]]
    data = {"Model": {"Models": rows, "TotalCount": len(found)}}
    return _older(data)


def _criteria(body: dict[str, Any]) -> Wanted:
    wanted = Wanted(words=str(body.get("Name", "")))
    for each in body.get("Criterion") or ():
        field, values = _CRITERIA.get(each.get("category")), each.get("values")
        if field and values:
            wanted = wanted._replace(**{field: values[0]})
    return wanted


def _older_list(asked: Asked, hub: Hub) -> Answer:
    body = _body(asked)
    page, size = int(body.get("PageNumber", 1)), int(body.get("PageSize", 10))
    wanted = Wanted(words=str(body.get("Name", "")), owner=str(body.get("Path", "")))
    found = hub.index().find(wanted)
    rows = [_older_row(model) for model in found[(page - 1) * size : page * size]]
    return _older({"Models": rows, "TotalCount": len(found)})


def _older_detail(rest: str, hub: Hub) -> Answer:
    owner, _, tail = rest.partition("/")
    name, _, call = tail.partition("/")
    model = hub.find(f"{owner}/{name}")
    if model is None:
        return answer({"Code": 10010205001, "Message": "模型不存在", "Success": False}, 404)
    if call == "revisions":
        tags = [{"Revision": "v1.0", "CreatedAt": int(model.created.timestamp())}]
        tags += [{"Revision": "v1.1", "CreatedAt": int(model.modified.timestamp())}]
        branches = [{"Revision": "master", "CreatedAt": int(model.modified.timestamp())}]
        return _older({"RevisionMap": {"Branches": branches, "Tags": tags}})
    if call.startswith("repo/files"):
        files = [{"Path": "README.md", "Name": "README.md", "Size": 9, "Type": "blob"}]
        return _older({"Files": files, "LatestCommitter": {"Id": f"{model.number:040x}"}})
    return _older(_older_row(model))


def _tasks(hub: Hub) -> Answer:
    names = sorted({task for model in hub.index().find(Wanted())[:1000] for task in model.tasks})
    return _older({"Domains": [{"Name": "all", "Tasks": [{"Name": name} for name in names]}]})


def _body(asked: Asked) -> dict[str, Any]:
    try:
        found = msgspec.json.decode(asked.body)
    except msgspec.DecodeError:
        return {}
    return found if isinstance(found, dict) else {}
