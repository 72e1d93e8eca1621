"""The hubs' own clients judge the fake hub: unchanged, each in a process of its own."""

from __future__ import annotations

import importlib.util
import json
import os
import subprocess
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from archiver.fakehub.hub import Hub, Wanted
from archiver.fakehub.server import FakeHub

if TYPE_CHECKING:
    from collections.abc import Iterator

OLDER = Path(os.environ.get("ARCHIVER_PEERS_OLD", Path(sys.prefix) / "peers-old"))
"""Where modelscope 1.34.0 lies, whose listing is the older PUT call."""


def needs(module: str) -> pytest.MarkDecorator:
    absent = importlib.util.find_spec(module) is None
    return pytest.mark.skipif(absent, reason=f"{module} is not installed (extra: peers)")


@pytest.fixture(scope="module")
def server() -> Iterator[FakeHub]:
    with FakeHub(hub=Hub(2300)) as running:
        yield running


@pytest.fixture
def hub(server: FakeHub) -> Hub:
    assert server.hub is not None
    return server.hub


@pytest.fixture
def ask(server: FakeHub, tmp_path: Path) -> Any:
    """Return what runs a client's code, with `U` as the endpoint, and returns what it prints."""

    def asked(code: str, *, path: Path | None = None, **environ: str) -> Any:
        own = {name: value for name, value in os.environ.items() if "proxy" not in name.lower()}
        folders = ("HOME", "MODELSCOPE_HOME", "MODELSCOPE_CACHE", "HF_HOME")
        own |= {name: str(tmp_path / name) for name in folders} | environ
        if path is not None:
            own["PYTHONPATH"] = str(path)
        start = f"import json\nU = {server.endpoint!r}\n"
        command = [sys.executable, "-W", "ignore", "-c", start + code]
        done = subprocess.run(command, env=own, capture_output=True, text=True, check=False)
        assert done.returncode == 0, done.stderr[-2000:]
        return json.loads(done.stdout.splitlines()[-1])

    return asked


@needs("modelscope_hub")
def test_modelscope_hub_lists_page_by_page(ask: Any, hub: Hub) -> None:
    found = ask("""
from modelscope_hub import HubApi
api, ids, page = HubApi(endpoint=U), [], 1
while page:
    got = api.list_repos("model", page_size=50, page_number=page, sort="last_modified")
    ids += [each.repo_id for each in got.items]
    page = page + 1 if got.has_next else 0
print(json.dumps([got.total_count, ids]))
""")
    expected = [model.id for model in hub.index().find(Wanted(sort="last_modified"))]
    assert found == [2300, expected]


@needs("modelscope_hub")
def test_modelscope_hub_knows_what_is_there_and_what_is_not(ask: Any, hub: Hub) -> None:
    key = min(hub.truth())
    code = f"""
from modelscope_hub import HubApi
api = HubApi()
there = api.get_repo({key!r}, "model")
exist = [api.repo_exists(each, "model") for each in ({key!r}, "no/such")]
print(json.dumps([there.repo_id, *exist]))
"""
    assert ask(code, MODELSCOPE_ENDPOINT=ask("print(json.dumps(U))")) == [key, True, False]


@needs("modelscope")
def test_modelscope_lists_an_owner_and_gets_a_model(ask: Any, hub: Hub) -> None:
    owner = min(hub.truth()).partition("/")[0]
    found = ask(f"""
from modelscope.hub.api import HubApi
api = HubApi(endpoint=U)
got = api.list_models({owner!r}, 1, 50)
key = got["Models"][0]["Owner"] + "/" + got["Models"][0]["Name"]
print(json.dumps([got["TotalCount"], key, bool(api.get_model(key))]))
""")
    models = hub.index().find(Wanted(owner=owner))
    assert found == [len(models), models[0].id, True]


@pytest.mark.skipif(not OLDER.is_dir(), reason=f"modelscope 1.34.0 is not in {OLDER.name}")
@needs("modelscope")
def test_the_older_client_lists_by_put(ask: Any, hub: Hub) -> None:
    owner = min(hub.truth()).partition("/")[0]
    code = f"""
import modelscope
assert modelscope.__version__ == "1.34.0", modelscope.__version__
from modelscope.hub.api import HubApi
api = HubApi(endpoint=U)
got = api.list_models({owner!r}, 1, 50)
keys = [each["Path"] + "/" + each["Name"] for each in got["Models"]]
print(json.dumps([got["TotalCount"], keys, api.get_model(keys[0])["Name"]]))
"""
    models = [model.id for model in hub.index().find(Wanted(owner=owner))]
    name = models[0].partition("/")[2]
    assert ask(code, path=OLDER) == [len(models), models[:50], name]


@needs("huggingface_hub")
def test_huggingface_hub_follows_the_cursor_over_several_pages(ask: Any, hub: Hub) -> None:
    found = ask("""
from huggingface_hub import HfApi
api = HfApi(endpoint=U, token=False)
every = [each.id for each in api.list_models(sort="created_at", limit=None, expand=["downloads"])]
few = [each.id for each in api.list_models(sort="downloads", limit=5, expand=["downloads", "sha"])]
print(json.dumps([every, few]))
""")
    newest = hub.index().find(Wanted(sort="created", first=True))
    popular = hub.index().find(Wanted(sort="downloads"))[:5]
    assert found == [[model.id for model in newest], [model.id for model in popular]]


@needs("huggingface_hub")
def test_huggingface_hub_filters_and_tells_what_is_gone(ask: Any, hub: Hub) -> None:
    key = min(hub.truth())
    owner = key.partition("/")[0]
    code = f"""
from huggingface_hub import HfApi
from huggingface_hub.errors import RepositoryNotFoundError
api = HfApi(token=False)
mine = sorted(each.id for each in api.list_models(author={owner!r}))
there = api.model_info({key!r})
try:
    api.model_info("no/such")
except RepositoryNotFoundError as error:
    gone = error.response.status_code
print(json.dumps([mine, there.id, gone]))
"""
    mine = sorted(model.id for model in hub.index().find(Wanted(owner=owner)))
    assert ask(code, HF_ENDPOINT=ask("print(json.dumps(U))")) == [mine, key, 401]
