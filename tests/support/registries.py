"""Registries of packages, releases and models on 127.0.0.1, as their documentation says."""

from __future__ import annotations

import hashlib
import json
import re
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import quote, unquote

from support.apis import Asked, Said

NOT_FOUND = Said({"message": "Not Found"}, 404)
SIMPLE = "application/vnd.pypi.simple.v1+json"


def document(value: Any, asked: Asked, **headers: str) -> Said:
    """Return a JSON document with its ETag, or 304."""
    body = json.dumps(value).encode()
    etag = f'"{hashlib.sha256(body).hexdigest()[:22]}"'
    headers = {name.replace("_", "-"): value for name, value in headers.items()}
    if asked.headers.get("if-none-match") == etag:
        return Said(b"", 304, {"ETag": etag, **headers})
    headers = {"Content-Type": "application/json", "ETag": etag, **headers}
    return Said(body, headers=headers, sent=len(body))


@dataclass
class PyPI:
    """Index API (PEP 691, PEP 700) and JSON API: docs.pypi.org/api.

    Attributes:
        serial: That of the newest event.
        projects: Display name to serial and version.
    """

    serial: int = 0
    projects: dict[str, tuple[int, str]] = field(default_factory=dict)

    def upload(self, name: str, version: str = "1.0") -> None:
        """Publish a release."""
        self.serial += 1
        self.projects[name] = (self.serial, version)

    def remove(self, name: str) -> None:
        """Delete a project."""
        self.serial += 1
        del self.projects[name]

    def index(self) -> dict[str, Any]:
        """Return the document of the whole index."""
        rows = [{"_last-serial": at, "name": name} for name, (at, _) in self.projects.items()]
        return {"meta": {"_last-serial": self.serial, "api-version": "1.4"}, "projects": rows}

    def __call__(self, asked: Asked) -> Said:
        if asked.path == "/simple/":
            return document(self.index(), asked, X_PyPI_Last_Serial=str(self.serial), **_SIMPLE)
        found = re.fullmatch(r"/(pypi|simple)/([^/]+)/(json)?", asked.path)
        names = {re.sub(r"[-_.]+", "-", name).lower(): name for name in self.projects}
        if found is None or found[2] not in names:
            return NOT_FOUND
        name = names[found[2]]
        serial, version = self.projects[name]
        if found[1] == "simple":
            file = f"{found[2].replace('-', '_')}-{version}-py3-none-any.whl"
            row = {"filename": file, "url": f"/files/{file}", "hashes": {}, "size": 1}
            meta = {"_last-serial": serial, "api-version": "1.4"}
            page = {"meta": meta, "name": found[2], "versions": [version], "files": [row]}
            return document(page, asked, **_SIMPLE)
        info = {
            "name": name,
            "version": version,
            "summary": f"What {name} does",
            "license": "",
            "license_expression": "MIT",
            "requires_python": ">=3.9",
            "yanked": False,
        }
        return document({"info": info, "last_serial": serial, "urls": []}, asked)


_SIMPLE = {"Content_Type": SIMPLE}


@dataclass
class Npm:
    """Replication feed and registry, as changed in 2025 (github.com/orgs/community, 152515).

    Attributes:
        most: Rows on a page at most.
        sequence: Number of the newest change.
        packages: Name to its newest change, its revision and its version.
        gone: The same for deleted ones.
    """

    most: int = 10_000
    sequence: int = 100
    packages: dict[str, tuple[int, int, str]] = field(default_factory=dict)
    gone: dict[str, tuple[int, int, str]] = field(default_factory=dict)

    def publish(self, name: str, version: str = "1.0.0") -> None:
        """Publish a version."""
        self.sequence += 1
        _, revision, _ = self.packages.get(name) or self.gone.pop(name, (0, 0, ""))
        self.packages[name] = (self.sequence, revision + 1, version)

    def unpublish(self, name: str) -> None:
        """Delete a package."""
        self.sequence += 1
        _, revision, _ = self.packages.pop(name)
        self.gone[name] = (self.sequence, revision + 1, "")

    def __call__(self, asked: Asked) -> Said:
        if asked.path == "/registry/":
            known = {"doc_count": len(self.packages), "update_seq": self.sequence}
            return document({"db_name": "registry", **known}, asked)
        if asked.path in ("/registry/_all_docs", "/registry/_changes"):
            limit = int(asked.query.get("limit", 1000))
            if limit > 10_000 or not {*asked.query} <= {"limit", "startkey", "since"}:
                return Said({"error": "Bad Request"}, 400)
            names = asked.path.endswith("_all_docs")
            page = self.names if names else self.changes
            return document(page(asked.query, min(limit, self.most)), asked)
        return self.registry(unquote(asked.path), asked)

    def registry(self, path: str, asked: Asked) -> Said:
        """Answer for one package."""
        if match := re.fullmatch(r"/-/package/(.+)/dist-tags", path):
            found = self.packages.get(match[1])
            return document({"latest": found[2]}, asked) if found else NOT_FOUND
        name = path[1:].removesuffix("/latest")
        if name not in self.packages:
            return NOT_FOUND
        version = self.packages[name][2]
        manifest = {
            "name": name,
            "version": version,
            "description": f"What {name} does",
            "license": "ISC",
            "dist": {"tarball": f"http://127.0.0.1/{quote(name)}.tgz", "shasum": "0" * 40},
        }
        if path.endswith("/latest"):
            return document(manifest, asked)
        tags, times = {"latest": version}, {version: "2026-01-01T00:00:00.000Z"}
        whole = {"_id": name, "name": name, "dist-tags": tags, "time": times}
        return document({**whole, "versions": {version: manifest}}, asked)

    def names(self, query: dict[str, str], limit: int) -> dict[str, Any]:
        """Return a page of ``_all_docs``: from `startkey` on."""
        start = json.loads(query.get("startkey", '""'))
        found = sorted(name for name in self.packages if name >= start)
        rows = [
            {"id": name, "key": name, "value": {"rev": f"{self.packages[name][1]}-{'0' * 32}"}}
            for name in found[:limit]
        ]
        offset = len(self.packages) - len(found)
        return {"total_rows": len(self.packages), "offset": offset, "rows": rows}

    def changes(self, query: dict[str, str], limit: int) -> dict[str, Any]:
        """Return a page of ``_changes``: each package once, at its newest change."""
        since, every = int(query.get("since", 0)), {**self.packages, **self.gone}
        found = sorted((at, name) for name, (at, *_) in every.items() if at > since)[:limit]
        rows = [
            {"seq": at, "id": name, "changes": [{"rev": f"{every[name][1]}-{'0' * 32}"}]}
            | ({"deleted": True} if name in self.gone else {})
            for at, name in found
        ]
        return {"results": rows, "last_seq": found[-1][0] if found else since}


@dataclass
class GitHub:
    """REST API 2022-11-28: "Releases", "Using pagination", "Rate limits".

    Attributes:
        releases: Repository to its releases, newest first.
        renamed: Old name of a repository to the new one.
        token: What requests must bear; empty: nothing.
    """

    releases: dict[str, list[dict[str, Any]]] = field(default_factory=dict)
    renamed: dict[str, str] = field(default_factory=dict)
    token: str = ""

    def publish(self, repository: str, tag: str, **more: Any) -> None:
        """Publish a release with one asset."""
        made = self.releases.setdefault(repository, [])
        asset = {"name": "a.zip", "size": 7, "digest": f"sha256:{'0' * 64}", "download_count": 3}
        known = {"id": len(made) + 1, "tag_name": tag, "name": f"Release {tag}", "body": "notes"}
        times = {"created_at": "2026-01-01T00:00:00Z", "published_at": "2026-01-02T00:00:00Z"}
        flags = {"draft": False, "prerelease": False, "target_commitish": "main"}
        made.insert(0, {**known, **times, **flags, "assets": [asset], **more})

    def __call__(self, asked: Asked) -> Said:
        if self.token and asked.headers.get("authorization") not in (
            f"Bearer {self.token}",
            f"token {self.token}",
        ):
            return Said({"message": "Bad credentials"}, 401)
        found = re.fullmatch(r"/repos/([^/]+/[^/]+)(/releases(?:/tags/(.+))?)?", asked.path)
        if found is None:
            return NOT_FOUND
        url = f"http://{asked.headers['host']}"
        if moved := self.renamed.get(found[1]):
            place = f"{url}/repos/{moved}{found[2] or ''}"
            query = "&".join(f"{name}={value}" for name, value in asked.query.items())
            return Said(b"", 301, {"Location": f"{place}?{query}" if query else place})
        return self.repository(found[1], found, url, asked)

    def repository(self, repository: str, found: re.Match[str], url: str, asked: Asked) -> Said:
        """Answer for one repository."""
        if repository not in self.releases:
            return NOT_FOUND
        rows = self.releases[repository]
        if not found[2]:
            name = repository.partition("/")[2]
            return document(
                {"id": 1, "name": name, "full_name": repository, "url": f"{url}{asked.path}"}, asked
            )
        if found[3]:
            tagged = [row for row in rows if row["tag_name"] == unquote(found[3])]
            return document(tagged[0], asked) if tagged else NOT_FOUND
        size, page = min(int(asked.query.get("per_page", 30)), 100), int(asked.query.get("page", 1))
        shown = rows[(page - 1) * size : page * size]
        more = page * size < min(len(rows), 10_000)
        link = f'<{url}{asked.path}?per_page={size}&page={page + 1}>; rel="next"'
        return document(shown, asked, **({"Link": link} if more else {}))


@dataclass
class Ollama:
    """A registry's manifests, and ``GET /api/tags`` of a server: docs.ollama.com/api.

    Attributes:
        models: Name with its tag to the size of its weights.
    """

    models: dict[str, int] = field(default_factory=dict)

    def manifest(self, name: str) -> bytes:
        """Return the manifest of a model."""
        layers = [
            ("model", self.models[name], name),
            ("license", 100, "MIT"),
        ]
        kind = "application/vnd.docker"
        rows = [
            {
                "mediaType": f"application/vnd.ollama.image.{what}",
                "digest": digest(text),
                "size": size,
            }
            for what, size, text in layers
        ]
        config = {"mediaType": f"{kind}.container.image.v1+json", "digest": digest("c"), "size": 9}
        form = f"{kind}.distribution.manifest.v2+json"
        whole = {"schemaVersion": 2, "mediaType": form, "config": config, "layers": rows}
        return json.dumps(whole).encode()

    def __call__(self, asked: Asked) -> Said:
        if asked.path == "/api/tags":
            details = {"format": "gguf", "family": "qwen3", "quantization_level": "Q4_K_M"}
            at = "2026-01-29T15:47:33.706015396-07:00"
            rows = [
                {"name": name, "model": name, "modified_at": at, "size": size, "details": details}
                | {"digest": hashlib.sha256(self.manifest(name)).hexdigest()}
                for name, size in self.models.items()
            ]
            return Said({"models": rows})
        found = re.fullmatch(r"/v2/(?:library/)?([^/]+(?:/[^/]+)?)/manifests/([^/]+)", asked.path)
        name = f"{found[1]}:{found[2]}" if found else ""
        if name not in self.models:
            return Said({"errors": [{"code": "MANIFEST_UNKNOWN"}]}, 404)
        body = self.manifest(name)
        return Said(
            body, headers={"ollama-content-digest": f"sha256:{hashlib.sha256(body).hexdigest()}"}
        )


def digest(text: str) -> str:
    """Return the digest of a layer."""
    return f"sha256:{hashlib.sha256(text.encode()).hexdigest()}"
