"""init, sources, schema, completion: what a person sees first."""

from __future__ import annotations

import json
import re
import tomllib
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from archiver import __version__
from archiver.config import load, parse
from archiver.config.scaffold import NewSource, config_text

if TYPE_CHECKING:
    from collections.abc import Callable
    from subprocess import CompletedProcess

FILES = ["archiver.toml", ".gitattributes", "README.md"]


def test_init_makes_a_repository_with_its_files_and_commits_nothing(
    archiver: Callable[..., CompletedProcess[str]], git: Callable[..., str], tmp_path: Path
) -> None:
    done = archiver("init", tmp_path / "a" / "b")
    assert done.returncode == 0
    assert done.stdout.splitlines() == [f"made {tmp_path}/a/b/{name}" for name in FILES]
    assert sorted(git(tmp_path / "a" / "b", "status", "--short").splitlines()) == sorted(
        f"?? {name}" for name in FILES
    )


def test_init_says_where_its_workflow_gets_the_program(
    archiver: Callable[..., CompletedProcess[str]], tmp_path: Path
) -> None:
    by_name = archiver("init", tmp_path / "a", "--github").stderr.splitlines()
    assert by_name[0].startswith(
        f"note: it installs snapshot-archiver {__version__} from PyPI; until"
    )
    by_tag = archiver("init", tmp_path / "b", "--github", "owner/repo@v1").stderr.splitlines()
    assert by_tag[0].startswith("note: v1 can be moved to other code")
    by_commit = archiver("init", tmp_path / "c", "--github", f"owner/repo@{'0' * 40}").stderr
    assert "note" not in by_commit
    (tmp_path / "d").mkdir()
    (tmp_path / "d" / ".github").write_text("a file")
    refused = archiver("init", tmp_path / "d", "--github")
    assert (refused.returncode, "cannot make " in refused.stderr) == (2, True)


def test_init_says_what_is_left_to_do_before_a_site_is_published(
    archiver: Callable[..., CompletedProcess[str]], tmp_path: Path
) -> None:
    def said(*options: str) -> str:
        return archiver("init", tmp_path, "--pages", *options).stderr

    github, gitlab = "Settings > Pages > Source: GitHub Actions", "Deploy > Pages"
    first = said("--github")
    assert (github in first, gitlab in first) == (True, False)
    path = tmp_path / ".github" / "workflows" / "archive.yml"
    text = path.read_text("utf-8")
    assert "  deploy:\n" in text
    path.write_text("# mine\n")
    both = said("--github", "--gitlab")
    assert (github in both, gitlab in both) == (False, True)
    assert "archive.yml stays as it is; remove it to get a new one" in both
    assert path.read_text("utf-8") == "# mine\n"
    again = said("--gitlab")
    assert ".gitlab-ci.yml stays as it is; remove it to get a new one" in again
    assert gitlab not in again


def test_a_site_is_published_by_a_job_or_not_at_all(
    archiver: Callable[..., CompletedProcess[str]], tmp_path: Path
) -> None:
    done = archiver("init", tmp_path / "a", "--pages")
    assert (done.returncode, done.stderr.splitlines()[-1]) == (
        2,
        "Error: --pages belongs to --github or --gitlab.",
    )
    assert not (tmp_path / "a").exists()


@pytest.mark.parametrize("kind", ["modelscope", "huggingface"])
def test_init_says_what_the_top_of_a_hub_cannot_show(
    archiver: Callable[..., CompletedProcess[str]], tmp_path: Path, kind: str
) -> None:
    archiver("init", tmp_path / "top", "--type", kind)
    lines = (tmp_path / "top" / "archiver.toml").read_text("utf-8").splitlines()
    start = lines.index(f'type = "{kind}"')
    scope = next(number for number, line in enumerate(lines) if line.startswith("scope = "))
    assert lines[start + 1].startswith("# The top of a hub cannot show that a model was deleted")
    assert all(line.startswith("# ") for line in lines[start + 1 : scope])
    archiver("init", tmp_path / "all", "--type", kind, "--set", "scope=all")
    text = (tmp_path / "all" / "archiver.toml").read_text("utf-8")
    assert ("The top" in text, text.count("\nscope = ")) == (False, 1)


@pytest.mark.parametrize("kind", ["modelscope", "huggingface"])
def test_init_gives_the_metrics_of_a_whole_hub_their_pace_and_says_why(
    archiver: Callable[..., CompletedProcess[str]], tmp_path: Path, kind: str
) -> None:
    def table(*given: str) -> list[str]:
        folder = tmp_path / "-".join(("x", *given)).replace("=", "-").replace(" ", "")
        archiver("init", folder, "--type", kind, *(f"--set={each}" for each in given))
        return (folder / "archiver.toml").read_text("utf-8").splitlines()

    every, words = {"modelscope": ("7d", "once a week"), "huggingface": ("8w", "every 8 weeks")}[
        kind
    ]
    pace = f'metrics = {{ every = "{every}", round = 2, jump = 10 }}'
    whole = table("scope=all")
    place = whole.index(pace)
    assert whole[place - 2].startswith("# Half of ")
    assert sum("metrics = " in line for line in whole) == 1
    assert [line for line in table() if "metrics = " in line] == [
        f'# {pace}  # with "all": counters {words}'
    ]
    own = table("scope=all", 'metrics=["likes"]')
    assert [line for line in own if "metrics = " in line] == ['metrics = ["likes"]']


def test_init_keeps_and_names_what_is_there(
    archiver: Callable[..., CompletedProcess[str]], repo: Path
) -> None:
    (repo / "README.md").write_text("mine")
    done = archiver("init", repo)
    assert f"kept {repo}/README.md" in done.stdout.splitlines()
    assert (repo / "README.md").read_text() == "mine"


HAND_WRITTEN = [
    '# mine\n[sources.a]  # one\ntype="openrouter"\n\n\n[notify.x]\ntype = "stdout"\n# end',
    '\ufeff[sources.a]\r\ntype = "openrouter"\r\n',
    "",
]


@pytest.mark.parametrize("before", HAND_WRITTEN)
def test_init_adds_a_source_to_the_end_of_a_file_that_exists(
    archiver: Callable[..., CompletedProcess[str]], repo: Path, before: str
) -> None:
    path = repo / "archiver.toml"
    path.write_bytes(before.encode())
    old = load(path, {})
    done = archiver("init", repo, "--type", "huggingface", "--set", "top=50")
    assert (done.returncode, done.stdout.splitlines()[0]) == (0, f"extended {path}")
    added = path.read_bytes().decode()
    assert added.startswith(before)
    assert added.count("\r\n") in (0, added.count("\n"))
    new = load(path, {})
    assert [*new.sources] == [*old.sources, "huggingface"]
    assert new.source("huggingface").settings["top"] == 50
    again = archiver("init", repo, "--type", "huggingface", "--set", "top=50")
    assert (again.returncode, f"kept {path}" in again.stdout) == (0, True)
    feed = archiver("init", repo, "--source", "b", "--url", repo / "b.json", "--key", "id")
    assert (feed.returncode, load(path, {}).source("b").key) == (0, ("id",))
    assert path.read_bytes().startswith(added.encode())


@pytest.mark.parametrize(
    ("before", "words"),
    [
        ('[sources.huggingface]\ntype = "huggingface"', 'a source is called "huggingface" already'),
        ('[sources.huggingface]\ntype = "json"\nurl = 5', "sources.huggingface.url"),
        ("[sources.a", "Expected ']'"),
        ('sources = {a = {type = "openrouter"}}', "no table can follow there"),
        ("# caf\udce9", "not UTF-8 at byte 6"),
    ],
)
def test_init_shows_what_to_paste_where_it_cannot_add(
    archiver: Callable[..., CompletedProcess[str]], repo: Path, before: str, words: str
) -> None:
    (repo / "archiver.toml").write_bytes(before.encode(errors="surrogateescape"))
    done = archiver("init", repo, "--type", "huggingface", "--github")
    assert done.returncode == 2
    assert words in done.stderr
    pasted = parse(done.stdout.encode(), repo / "archiver.toml", {})
    assert pasted.source("huggingface").type == "huggingface"
    assert sorted(path.name for path in repo.iterdir()) == [".git", "archiver.toml"]
    assert (repo / "archiver.toml").read_bytes() == before.encode(errors="surrogateescape")


def test_init_writes_a_source_that_works(
    archiver: Callable[..., CompletedProcess[str]], tmp_path: Path
) -> None:
    (tmp_path / "feed.json").write_text("[]")
    options = ["--source", "kev", "--url", tmp_path / "feed.json", "--records", "."]
    archiver("init", tmp_path / "kev", *options, "--key", "^.id", "--key", "id", "--metric", "n")
    source = load(tmp_path / "kev" / "archiver.toml", {}).source("kev")
    assert source.settings["url"] == str(tmp_path / "feed.json")
    assert (source.key, source.metrics) == (("^.id", "id"), ("n",))


@pytest.mark.parametrize("folder", ["there", "link"])
def test_init_writes_a_relative_address_as_archiver_toml_reads_it(
    archiver: Callable[..., CompletedProcess[str]],
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    folder: str,
) -> None:
    """A linked folder's archiver.toml stands in another folder than its name says."""
    (tmp_path / "feed.json").write_text('[{"id": "a"}]')
    (tmp_path / "far" / "away" / "there").mkdir(parents=True)
    (tmp_path / "link").symlink_to("far/away/there")
    monkeypatch.chdir(tmp_path)
    made = archiver("init", folder, "--source", "a", "--url", "feed.json", "--key", "id")
    assert made.returncode == 0
    url = load(tmp_path / folder / "archiver.toml", {}).source("a").settings["url"]
    assert url == {"there": "../feed.json", "link": "../../../feed.json"}[folder]
    assert archiver("sources", "--check", "--repo", folder).returncode == 0


@pytest.mark.parametrize(
    ("options", "expected"),
    [
        (["--source", "a b", "--url", "x"], "sources.a b: a source's name is"),
        (["--source", "a"], "A source needs --source and --url."),
        (["--key", "id"], "A source needs --source and --url."),
    ],
)
def test_a_wrong_source_writes_nothing(
    archiver: Callable[..., CompletedProcess[str]],
    tmp_path: Path,
    options: list[str],
    expected: str,
) -> None:
    done = archiver("init", tmp_path / "new", *options)
    assert (done.returncode, (tmp_path / "new").exists()) == (2, False)
    assert expected in done.stderr


@pytest.mark.parametrize("text", ['a"b', "a\\b", "a\nb", "\x7f", "模型", "#", "'''", "\U0001f600"])
def test_any_text_survives_the_way_through_the_file(text: str) -> None:
    source = NewSource("kev", url=text, records=text, key=(text,))
    read = parse(config_text(source).encode(), Path("archiver.toml"), {}).source("kev")
    assert (read.settings["url"], read.records, read.key) == (text, text, (text,))


def test_every_commented_setting_of_a_new_file_is_a_real_one() -> None:
    text = config_text(NewSource("kev", "kev.json", key=("id",)))
    told = re.sub(r"^# (?=\w+ = |\[notify)", "", text, flags=re.MULTILINE)
    config = parse(told.encode(), Path("archiver.toml"), {})
    assert (config.archive.branch, config.templates.folder) == ("data", "templates")
    assert (config.retention.keep_days, config.retention.keep_monthly) == (30, 12)
    assert config.source("kev").tolerance == {"price": 0.01}
    assert config.notify["team"].kinds == ("new", "removed")
    assert config.archive.remote == "origin"


def test_the_example_of_a_new_file_is_a_source() -> None:
    text = config_text()
    start = text.index("# [sources.kev]")
    told = text[:start] + re.sub("^# ", "", text[start:], flags=re.MULTILINE)
    config = parse(told.encode(), Path("archiver.toml"), {})
    assert config.source("kev").key == ("cveID",)


def test_sources_lists_what_is_configured_without_its_secrets(
    archiver: Callable[..., CompletedProcess[str]], repo: Path
) -> None:
    (repo / "archiver.toml").write_text(
        '[sources.a]\ntype = "json"\nurl = "https://user:secret@example.org/a.json"\n'
    )
    listed = json.loads(archiver("sources", "--repo", repo, "-f", "json").stdout)
    types = "api class file github-releases huggingface json modelscope npm ollama openrouter pypi"
    assert listed["types"] == types.split()
    assert [(each["name"], each["folder"]) for each in listed["sources"]] == [("a", "data/a")]
    assert "secret" not in str(listed)
    assert archiver("sources", "--repo", repo).stdout.startswith("a  json  data/a  https://")


def test_sources_without_a_file_lists_the_types(
    archiver: Callable[..., CompletedProcess[str]], repo: Path
) -> None:
    done = archiver("sources", ARCHIVER_REPO=str(repo))
    types = "api class file github-releases huggingface json modelscope npm ollama openrouter pypi"
    assert (done.returncode, done.stdout) == (0, f"types: {types.replace(' ', ', ')}\n")
    assert done.stderr == "no sources: no archiver.toml here\n"


@pytest.mark.parametrize("form", ["changes", "snapshot", "config"])
def test_schema_prints_a_schema(
    archiver: Callable[..., CompletedProcess[str]], tmp_path: Path, form: str
) -> None:
    archiver("schema", form, "-o", tmp_path / "schema.json")
    schema = json.loads((tmp_path / "schema.json").read_text())
    assert schema["$schema"] == "https://json-schema.org/draft/2020-12/schema"


@pytest.mark.parametrize("shell", ["bash", "zsh", "fish"])
def test_completion_prints_the_script_of_the_shell(
    archiver: Callable[..., CompletedProcess[str]], shell: str
) -> None:
    done = archiver("completion", shell)
    assert done.returncode == 0
    assert f"_ARCHIVER_COMPLETE={shell}_complete" in done.stdout


def test_a_setting_of_a_json_source_is_written_and_checked(
    archiver: Callable[..., CompletedProcess[str]], tmp_path: Path
) -> None:
    source = ("--source", "shop", "--url", "shop.json", "--key", "id")
    done = archiver("init", tmp_path / "a", *source, "--set", "label=name", "--set", "max_shrink=1")
    assert done.returncode == 0
    text = (tmp_path / "a" / "archiver.toml").read_text()
    assert tomllib.loads(text)["sources"]["shop"]["label"] == "name"
    refused = archiver("init", tmp_path / "b", *source, "--set", "nonsense=foo")
    assert refused.returncode == 2
    assert "nonsense" in refused.stderr


def test_init_writes_the_members_that_are_no_records(
    archiver: Callable[..., CompletedProcess[str]], tmp_path: Path
) -> None:
    (tmp_path / "d.json").write_text('{"$schema": {}, "meta": {}, "a": {"v": 1}}')
    options = ("--url", tmp_path / "d.json", "--records", ".{}", "--except", "$schema")
    assert archiver("init", tmp_path, "--source", "d", *options, "--except", "meta").returncode == 0
    config = load(tmp_path / "archiver.toml", {})
    assert config.source("d").settings["except"] == ["$schema", "meta"]
    refused = archiver("init", tmp_path, "--type", "modelscope", "--except", "meta")
    assert refused.stderr.endswith("--except and --metric belong to the types json and api.\n")
