"""The commands of the unattended job, typed as people and services type them."""

from __future__ import annotations

import json
import shutil
import signal
import subprocess
import sys
import time
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeAlias

import jsonschema
import pytest
from support.archives import Archive
from support.git import new_repository, run_git
from support.processes import started
from support.receivers import Receiver

from archiver.records.text import width

if TYPE_CHECKING:
    from collections.abc import Callable
    from subprocess import CompletedProcess

Archiver: TypeAlias = "Callable[..., CompletedProcess[str]]"
CRON = "17 3 * * *"
BOTH = {"stdout": subprocess.PIPE, "stderr": subprocess.STDOUT}


@pytest.fixture(scope="module")
def template(tmp_path_factory: pytest.TempPathFactory) -> Archive:
    found = Archive(new_repository(tmp_path_factory.mktemp("template") / "repo"))
    found.configure(confirmations=1, max_shrink=1)
    found.lists([
        {"id": "org/a", "license": "mit", "gated": False, "size": 4_500_000_000},
        {"id": "org/b", "license": "mit"},
        {"id": "org/c", "license": "mit"},
        {"id": "org/d", "license": "mit"},
    ])  # fmt: skip
    found.run()
    found.lists([
        {"id": "org/a", "license": "gpl-3.0", "gated": False, "size": 4_600_000_000},
        {"id": "org/b", "license": "mit", "gated": "auto"},
        {"id": "org/d", "license": "mit"},
    ])  # fmt: skip
    found.run()
    return found


@pytest.fixture
def archive(template: Archive, tmp_path: Path) -> Archive:
    """Return an archive with two captures, the second with one record less and one changed."""
    return template.copied(tmp_path / "repo")


def test_a_changelog_is_what_the_runs_wrote(archiver: Archiver, archive: Archive) -> None:
    done = archiver("changelog", "--repo", archive.folder)
    assert done.returncode == 0
    assert done.stdout == (archive.folder / "data/hub/CHANGELOG.md").read_text()
    assert "  - size: 4.5 GB → 4.6 GB" in done.stdout
    newest = archiver("changelog", "--repo", archive.folder, "--limit", "1").stdout
    assert newest.count("\n## ") == 1
    last = archiver("changelog", "HEAD~1..HEAD", "--repo", archive.folder).stdout
    assert newest == f"{last}\n… and 1 more\n"
    assert "first snapshot" not in newest


def test_what_a_limit_leaves_out_of_a_changelog_is_counted(
    archiver: Archiver, archive: Archive, tmp_path: Path
) -> None:
    whole = tmp_path / "context.json"
    archiver("changelog", "--context", "-o", whole, "--repo", archive.folder)
    one = archiver("changelog", "--limit", "1", "--repo", archive.folder).stdout
    again = archiver("changelog", "--from-context", whole, "--limit", "1", "--repo", tmp_path)
    assert again.stdout == one
    document = archiver("changelog", "--context", "--limit", "1", "--repo", archive.folder)
    assert len(json.loads(document.stdout)["sections"]) == 1
    assert document.stderr == "… and 1 more\n"
    assert (
        archiver("changelog", "--limit", "2", "--repo", archive.folder).stdout
        == (archive.folder / "data/hub/CHANGELOG.md").read_text()
    )
    for number in range(2):
        archive.lists(**{"org/a": number})
        archive.run()
    run_git(tmp_path, "clone", "--quiet", "--depth=3", archive.folder.as_uri(), "clone")
    (tmp_path / "clone" / "archiver.toml").write_bytes(
        (archive.folder / "archiver.toml").read_bytes()
    )
    shallow = archiver("changelog", "--limit", "1", "--repo", tmp_path / "clone")
    assert (shallow.returncode, shallow.stdout.count("\n## ")) == (0, 1)
    assert shallow.stdout.endswith(
        "\n… and more: this clone is shallow, so nobody can count them\n"
    )


@pytest.mark.parametrize(
    ("change", "words"),
    [
        (
            lambda document: document.update(sections=[1]),
            "`object`, got `int` - at `$.sections[0]`",
        ),
        (lambda document: document.update(schema="archiver/changes/2"), "$.schema"),
        (lambda document: document["sections"][0].pop("links"), "required field `links`"),
        (lambda document: document["sections"][0]["more"].update(new="x"), "more.new"),
        (lambda document: document["sections"][0]["more"].pop("new"), "field `new`"),
        (lambda document: document["sections"][0]["changes"].pop("left"), "field `left`"),
        (lambda document: document["sections"][0]["changes"]["removed"].append({}), "removed[1]"),
        (lambda document: document["sections"][0]["changes"].update(updated=[{}]), "updated[0]"),
    ],
)
def test_a_context_that_lacks_something_is_refused_before_anything_is_printed(
    archiver: Archiver,
    archive: Archive,
    tmp_path: Path,
    change: Callable[[Any], object],
    words: str,
) -> None:
    document = json.loads(archiver("changelog", "--context", "--repo", archive.folder).stdout)
    change(document)
    (tmp_path / "context.json").write_text(json.dumps(document))
    done = archiver("changelog", "--from-context", tmp_path / "context.json", "--repo", tmp_path)
    assert (done.returncode, done.stdout) == (2, "")
    first, hint = done.stderr.splitlines()
    assert first.startswith("archiver: --from-context: no archiver/changelog/1: ")
    assert words in first
    assert hint == "  hint: write it with: archiver changelog --context"


def test_a_reversed_range_is_empty_and_says_so(archiver: Archiver, archive: Archive) -> None:
    done = archiver("changelog", "HEAD..HEAD~1", "--repo", archive.folder)
    assert (done.returncode, "## " in done.stdout) == (0, False)
    assert done.stderr == "note: HEAD~1 comes before HEAD: there is nothing between them\n"


def test_the_name_of_a_snapshot_names_its_source(archiver: Archiver, archive: Archive) -> None:
    archive.configure('[sources.other]\ntype = "json"\nurl = "x.json"\nkey = ["id"]')
    first, second = sorted(path.name for path in (archive.folder / "data/hub/snapshots").iterdir())
    for arguments in (
        ("compare", first, second, "--name-only"),
        ("compare", f"{first}..{second}", "--name-only"),
        ("changes", "--since", "2026-01-30", "--at", second, "--name-only"),
        ("changelog", f"{first}..{second}"),
        ("export", "--at", second),
        ("check", "--keys", "org/d", "--since", first),
    ):
        done = archiver(*arguments, "--repo", archive.folder)
        assert done.returncode == 0, done.stderr
        assert "org/" in done.stdout or "0 of 1" in done.stdout
    context = archiver(
        "changelog", "--limit", "1", "--context", "--source", "hub", "--repo", archive.folder
    )
    command = json.loads(context.stdout)["sections"][0]["compare"].split()
    done = archiver(*command[1:], "--repo", archive.folder)
    assert (done.returncode, "org/c" in done.stdout) == (0, True), done.stderr
    both = archiver("compare", first, "other_models_20260101_000000.json", "--repo", archive.folder)
    assert (both.returncode, "there is more than one source" in both.stderr) == (2, True)


def test_a_context_is_rendered_anywhere_by_any_template(
    archiver: Archiver, archive: Archive, tmp_path: Path
) -> None:
    context = tmp_path / "context.json"
    archiver("changelog", "--context", "--repo", archive.folder, "-o", context)
    assert json.loads(context.read_text())["schema"] == "archiver/changelog/1"
    again = archiver("changelog", "--from-context", context, "--repo", tmp_path)
    assert again.stdout == archiver("changelog", "--repo", archive.folder).stdout
    template = tmp_path / "mine.md.j2"
    template.write_text("{{ source | markdown }} {{ summary.removed }}\n")
    mine = archiver("changelog", "--repo", archive.folder, "--template", template)
    assert mine.stdout == "hub 1\nhub 0\n"
    template.write_text("ok\n{{ nope }}\n")
    wrong = archiver("changelog", "--repo", archive.folder, "--template", template)
    assert wrong.returncode == 6
    assert "mine.md.j2:2: 'nope' is undefined" in wrong.stderr


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (("HEAD",), "a range is written as A..B"),
        (("--since", "2026-02-30"), 'there is no date "2026-02-30"'),
        (("--since", "soon"), "neither a period nor a date"),
        (("--from-context", "archiver.toml"), "this is no JSON"),
        (("--template", "nowhere.j2"), "does not exist"),
    ],
)
def test_what_no_changelog_can_be_made_of_is_refused(
    archiver: Archiver,
    archive: Archive,
    arguments: tuple[str, ...],
    words: str,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.chdir(archive.folder)
    done = archiver("changelog", *arguments)
    assert done.returncode == 2
    assert words in done.stderr


def test_a_wrong_template_never_costs_a_capture(archiver: Archiver, archive: Archive) -> None:
    archive.configure('[templates]\nfolder = "mine"', confirmations=1)
    (archive.folder / "mine").mkdir()
    (archive.folder / "mine" / "changelog.md.j2").write_text("a\n{{ hugh }}\n")
    archive.lists(**{"new": 1, "org/a": 2, "org/b": 3, "org/d": 4})
    done = archiver("run", "--repo", archive.folder)
    assert done.returncode == 6
    assert "changelog.md.j2:2: 'hugh' is undefined" in done.stderr
    assert "the capture is safe" in done.stderr
    assert "+1 new" in run_git(archive.folder, "log", "-1", "--format=%s")
    assert "## " in (archive.folder / "data/hub/CHANGELOG.md").read_text()


def checked(archiver: Archiver, archive: Archive, *arguments: object) -> tuple[int, Any]:
    done = archiver("check", *arguments, "--repo", archive.folder, "-f", "json")
    assert done.stdout, done.stderr
    return done.returncode, json.loads(done.stdout)


def verdicts(document: Any) -> dict[str, str]:
    return {each["key"]: each["verdict"] for each in document["findings"]}


def test_a_list_of_keys_is_checked_with_when_and_since_which_revision(
    archiver: Archiver, archive: Archive, tmp_path: Path
) -> None:
    pins = tmp_path / "models.txt"
    pins.write_text("# ours\norg/a\norg/b  # gated\norg/c\norg/d\norg/never\n")
    code, found = checked(archiver, archive, pins)
    assert code == 1
    assert verdicts(found) == {
        "org/a": "license",
        "org/b": "gated",
        "org/c": "removed",
        "org/d": "ok",
        "org/never": "missing",
    }
    tip = run_git(archive.folder, "rev-parse", "HEAD").strip()
    assert found["findings"][0]["detail"] == "license was mit, is gpl-3.0"
    assert {each["since"]["revision"] for each in found["findings"][:3]} == {tip}
    text = archiver("check", pins, "--repo", archive.folder).stdout
    assert (
        f"license was mit, is gpl-3.0  since 2026-01-31 15:47:33 UTC ({tip[:10]})  {pins}:2" in text
    )
    assert text.endswith("hub: 4 of 5 records failed the check\n")


def test_what_a_person_says_is_right_is_right(
    archiver: Archiver, archive: Archive, tmp_path: Path
) -> None:
    pins = tmp_path / "models.txt"
    pins.write_text(
        "org/a license=GPL-3.0-only\n"
        'org/b gated="auto" license="MIT License"\n'
        "org/d license=apache\n"
    )
    code, found = checked(archiver, archive, pins)
    assert verdicts(found) == {"org/a": "ok", "org/b": "ok", "org/d": "license"}
    assert found["findings"][2]["detail"] == "license is mit, not apache"
    assert code == 1
    assert checked(archiver, archive, pins, "--allow", "license")[0] == 0
    pins.write_text("org/a\n")
    assert checked(archiver, archive, pins, "--since", "HEAD")[0] == 0
    assert checked(archiver, archive, pins, "--at", "HEAD~1")[0] == 0


def test_allowing_one_trouble_hides_no_other(
    archiver: Archiver, archive: Archive, tmp_path: Path
) -> None:
    archive.lists([
        {"id": "org/a", "license": "gpl-3.0", "gated": "auto", "size": 4_600_000_000},
        {"id": "org/b", "license": "mit", "gated": "auto"},
        {"id": "org/d", "license": "mit"},
    ])  # fmt: skip
    archive.run()
    pins = tmp_path / "models.txt"
    pins.write_text("org/a\n")
    code, found = checked(archiver, archive, pins, "--allow", "gated")
    assert [each["verdict"] for each in found["findings"]] == ["gated", "license"]
    assert code == 1
    text = archiver("check", pins, "--repo", archive.folder).stdout
    assert text.endswith("hub: 1 of 1 record failed the check\n")


def test_all_sources_are_asked_where_none_is_named(
    archiver: Archiver, archive: Archive, tmp_path: Path
) -> None:
    other = {"type": "json", "url": "other.json", "records": "models", "key": ["id"]}
    rows = "\n".join(f"{name} = {json.dumps(value)}" for name, value in other.items())
    archive.configure(f"[sources.other]\n{rows}", confirmations=1, max_shrink=1)
    (archive.folder / "other.json").write_text('{"models": [{"id": "lab/x"}, {"id": "org/c"}]}')
    assert archiver("run", "other", "--repo", archive.folder).returncode == 0
    pins = tmp_path / "models.txt"
    pins.write_text("org/d\nlab/x\norg/never\norg/c\n")
    code, found = checked(archiver, archive, pins)
    assert code == 1
    assert [(each["key"], each["source"], each["verdict"]) for each in found["findings"]] == [
        ("lab/x", "other", "ok"),
        ("org/c", "hub", "removed"),
        ("org/c", "other", "ok"),
        ("org/d", "hub", "ok"),
        ("org/never", "hub", "missing"),
    ]
    text = archiver("check", pins, "--repo", archive.folder).stdout
    assert "removed  org/c" in text
    assert text.endswith("hub, other: 2 of 4 records failed the check\n")
    assert checked(archiver, archive, pins, "--source", "other")[0] == 1
    pins.write_text("lab/x\norg/d\n")
    assert checked(archiver, archive, pins)[0] == 0


def test_source_files_are_searched_for_known_keys(
    archiver: Archiver, archive: Archive, tmp_path: Path
) -> None:
    source = tmp_path / "src" / "deep"
    source.mkdir(parents=True)
    (source / "app.py").write_text('m = load("org/c")\nn = load("org/other")\n# see org/d.\n')
    code, found = checked(archiver, archive, f"{tmp_path}/src/**/*.py")
    assert (code, verdicts(found)) == (1, {"org/c": "removed", "org/d": "ok"})
    assert [(pin["line"], pin["file"]) for pin in found["findings"][0]["pins"]] == [
        (1, str(source / "app.py"))
    ]
    pattern = r'load\("([^"]+)"'
    code, found = checked(archiver, archive, source / "app.py", "--pattern", pattern)
    assert verdicts(found) == {"org/c": "removed", "org/other": "missing"}
    code, found = checked(archiver, archive, "--keys", "org/[cd]")
    assert (code, verdicts(found)) == (1, {"org/c": "removed", "org/d": "ok"})


def test_a_key_that_went_without_a_tombstone_is_found(
    archiver: Archiver, archive: Archive, tmp_path: Path
) -> None:
    (archive.folder / "data/hub/removed.jsonl").unlink()
    run_git(archive.folder, "add", ".")
    run_git(archive.folder, "commit", "--quiet", "-m", "no tombstones")
    source = tmp_path / "app.py"
    source.write_text('load("org/c")\n')
    code, found = checked(archiver, archive, source)
    assert (code, verdicts(found)) == (1, {"org/c": "removed"})
    code, found = checked(archiver, archive, "--keys", "org/[cd]")
    assert (code, verdicts(found)) == (1, {"org/c": "removed", "org/d": "ok"})
    assert verdicts(checked(archiver, archive, "--keys", "org/.*", "--at", "HEAD~2")[1]) == {
        f"org/{name}": "ok" for name in "abcd"
    }
    run_git(tmp_path, "clone", "--quiet", "--depth=1", archive.folder.as_uri(), "clone")
    clone = ("--since", "HEAD", "--repo", tmp_path / "clone")
    done = archiver("check", "--keys", "org/.*", *clone)
    assert (done.returncode, done.stdout) == (0, "hub: 0 of 3 records failed the check\n")
    assert "note: this clone is shallow" in done.stderr
    pins = tmp_path / "models.txt"
    pins.write_text("org/c\n")
    short = archiver("check", pins, *clone)
    assert short.returncode == 5
    assert short.stderr.endswith("hint: git fetch --unshallow\n")


def test_a_list_is_read_as_people_write_it(
    archiver: Archiver, archive: Archive, tmp_path: Path
) -> None:
    pins = tmp_path / "models.LST"
    words = [
        "https://hub.org/models/org/d",
        "org/c@main",
        '"odd # key license=x" license=mit  # why',
        "org/d:free",
    ]
    pins.write_text("\n".join(words))
    code, found = checked(archiver, archive, pins)
    details = {each["key"]: each["detail"] for each in found["findings"]}
    assert code == 1
    assert set(verdicts(found).values()) == {"missing"}
    assert details["https://hub.org/models/org/d"].endswith("; did you mean org/d?")
    assert details["org/c@main"].endswith("; did you mean org/c?")
    assert details["org/d:free"].endswith("; did you mean org/d?")
    assert details["odd # key license=x"] == "no snapshot here has ever had a record with this key"
    command = [sys.executable, "-m", "archiver", "check", "-", "--repo", str(archive.folder)]
    given = {"input": "org/d\norg/c license=mit\n", "capture_output": True, "text": True}
    done = subprocess.run(command, check=False, **given)  # type: ignore[call-overload]
    assert done.returncode == 1
    assert done.stdout.splitlines()[0].endswith("  line 2")
    done = subprocess.run([*command, "-f", "github"], check=False, **given)  # type: ignore[call-overload]
    assert done.stdout.startswith("::error title=hub%3A removed::org/c of hub: removed")


def test_a_pattern_may_have_alternatives(
    archiver: Archiver, archive: Archive, tmp_path: Path
) -> None:
    source = tmp_path / "app.py"
    source.write_text("load('org/c')\nopen(org/d)\nnone()\n")
    pattern = r"load\('([^']+)'\)|open\(([^)]+)\)|none\((x)?\)"
    found = checked(archiver, archive, source, "--pattern", pattern)[1]
    assert verdicts(found) == {"org/c": "removed", "org/d": "ok"}


def test_a_field_that_is_gone_has_its_day(archiver: Archiver, archive: Archive) -> None:
    archive.lists([{"id": "org/a"}, {"id": "org/b", "gated": "auto"}, {"id": "org/d", "n": 1}])
    archive.run()
    tip = run_git(archive.folder, "rev-parse", "HEAD").strip()
    archive.lists([{"id": "org/a", "n": 2}, {"id": "org/b", "gated": "auto"}, {"id": "org/d"}])
    archive.run()
    found = checked(archiver, archive, "--keys", "org/d")[1]["findings"][0]
    assert (found["detail"], found["since"]["revision"]) == ("license was mit, is unknown", tip)


def test_no_finding_can_command_a_runner(
    archiver: Archiver, archive: Archive, tmp_path: Path
) -> None:
    pins = tmp_path / "model s#1.txt"
    pins.write_text("org/##[error]x\n模型/模型\norg/c\n")
    for form in ("json", "sarif", "github", "text"):
        done = archiver("check", pins, "--keys", "org/c", "--repo", archive.folder, "-f", form)
        assert done.stdout, done.stderr
        assert "##[" not in done.stdout
    document = json.loads(
        archiver("check", pins, "--keys", "org/c", "--repo", archive.folder, "-f", "sarif").stdout
    )
    results = document["runs"][0]["results"]
    assert results[0]["message"]["text"].startswith("org/##[error]x of hub: ")
    assert "revision" in results[1]["message"]["text"]
    places = [each["locations"] for each in results]
    uri = places[0][0]["physicalLocation"]["artifactLocation"]["uri"]
    assert uri.endswith("/model%20s%231.txt")
    assert places[2] == []  # --keys
    rows = archiver("check", pins, "--repo", archive.folder).stdout.splitlines()
    starts = [width(row[: row.index("no snapshot")]) for row in (rows[0], rows[2])]
    assert starts[0] == starts[1]


def test_a_shallow_clone_never_guesses(
    archiver: Archiver, archive: Archive, tmp_path: Path
) -> None:
    run_git(archive.folder, "add", ".")
    run_git(archive.folder, "commit", "--quiet", "-m", "all")
    run_git(tmp_path, "clone", "--quiet", "--depth=1", archive.folder.as_uri(), "clone")
    pins = tmp_path / "models.txt"
    pins.write_text("org/a\norg/d\n")
    refused = archiver("check", pins, "--repo", tmp_path / "clone")
    assert refused.returncode == 5
    assert "this clone is shallow" in refused.stderr
    assert "--unshallow" in refused.stderr
    fine = archiver("check", pins, "--since", "HEAD", "--repo", tmp_path / "clone")
    assert (fine.returncode, fine.stdout) == (0, "hub: 0 of 2 records failed the check\n")
    pins.write_text("org/c\n")
    gone = archiver("check", pins, "--since", "HEAD", "--repo", tmp_path / "clone")
    assert (gone.returncode, gone.stdout.split()[0]) == (1, "removed")


def test_findings_stand_where_ci_shows_them(
    archiver: Archiver, archive: Archive, tmp_path: Path
) -> None:
    pins = tmp_path / "a,b:100%.txt"
    pins.write_text("org/c\norg/::error::x\n")
    lines = archiver("check", pins, "--repo", archive.folder, "-f", "github").stdout.splitlines()
    assert len(lines) == 2
    assert lines[1].startswith("::error file=")
    assert "a%2Cb%3A100%25.txt,line=1,title=hub%3A removed::org/c of hub: removed" in lines[1]
    sarif = json.loads(archiver("check", pins, "--repo", archive.folder, "-f", "sarif").stdout)
    results = sarif["runs"][0]["results"]
    assert [each["ruleId"] for each in results] == ["missing", "removed"]
    assert results[1]["locations"][0]["physicalLocation"]["region"] == {"startLine": 1}
    jsonschema.validate(sarif, {"required": ["version", "runs"]})


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        ((), "Say what you depend on"),
        (("nowhere.txt",), "no file is called nowhere.txt"),
        (("--keys", "("), "is no pattern"),
        (("--keys", "zzz"), "nothing there names a record"),
    ],
)
def test_nothing_to_check_is_refused(
    archiver: Archiver, archive: Archive, arguments: tuple[str, ...], words: str
) -> None:
    done = archiver("check", *arguments, "--repo", archive.folder)
    assert done.returncode == 2
    assert words in done.stderr


def test_status_has_an_exit_code_and_a_document(archiver: Archiver, archive: Archive) -> None:
    late = archiver("status", "--repo", archive.folder, "--max-age", "1h")
    assert late.returncode == 1
    assert "hub: STALE\n  last good run  2026-01-31 15:47:33 UTC, changed, 3 records" in late.stdout
    fine = archiver("status", "--repo", archive.folder, "-f", "json")
    assert fine.returncode == 0
    document = json.loads(fine.stdout)
    assert document["healthy"]
    assert document["sources"][0]["files"] > document["sources"][0]["largest"] > 0
    assert document["git"] > 0
    (archive.folder / "models.json").unlink()
    assert archiver("run", "--repo", archive.folder).returncode == 3
    failing = archiver("status", "--repo", archive.folder)
    assert failing.returncode == 1
    assert "hub: FAILING" in failing.stdout
    assert "since then     1 failed run; last: " in failing.stdout


def test_a_capture_that_was_not_pushed_is_no_healthy_job(
    archiver: Archiver, archive: Archive, tmp_path: Path
) -> None:
    run_git(archive.folder, "remote", "add", "origin", str(tmp_path / "nowhere.git"))
    assert archiver("run", "--push", "--repo", archive.folder).returncode == 5
    run_git(archive.folder, "checkout", "--quiet", "--detach")
    done = archiver("status", "--repo", archive.folder)
    assert done.returncode == 1
    assert "hub: FAILING\n  last good run  20" in done.stdout
    assert "UTC, unchanged, 3 records\n  after it       exit code 5: origin " in done.stdout


def test_a_fresh_clone_says_that_it_has_no_reports(
    archiver: Archiver, archive: Archive, tmp_path: Path
) -> None:
    run_git(archive.folder, "add", ".")
    run_git(archive.folder, "commit", "--quiet", "-m", "all")
    run_git(tmp_path, "clone", "--quiet", "--depth=1", archive.folder.as_uri(), "clone")
    done = archiver("status", "--repo", tmp_path / "clone")
    assert done.returncode == 1
    assert "hub: STALE\n  last good run  never" in done.stdout
    assert "git fetch origin refs/archiver/state:refs/archiver/state" in done.stderr
    assert "unknown: this clone is shallow" in done.stdout


def test_status_of_a_new_archive_says_that_nothing_is_committed(
    archiver: Archiver, repo: Path
) -> None:
    Archive(repo).configure()
    done = archiver("status", "--repo", repo)
    assert (done.returncode, "nothing is committed yet" in done.stdout) == (1, True)
    assert "shallow" not in done.stdout


def test_a_report_from_the_future_is_named_and_hides_nothing(
    archiver: Archiver, archive: Archive
) -> None:
    archive.time = datetime.now(UTC) + timedelta(days=400)
    archive.run()
    done = archiver("status", "--repo", archive.folder, "--max-age", "1h")
    assert "hub: STALE\n  last good run  2026-01-31 15:47:33 UTC" in done.stdout
    assert "1 report from the future: was the clock wrong?" in done.stdout
    command = ("watch", "--every", "24h", "--repo", archive.folder)
    with started(*command, **BOTH) as watching:
        assert watching.stdout is not None
        watching.stdout.readline()
        assert watching.stdout.readline() == "hub: nothing changed (3 records)\n"
        watching.send_signal(signal.SIGTERM)
        watching.communicate(timeout=10)


def test_nobody_listening_to_watch_is_no_failed_run(archive: Archive) -> None:
    command = ("watch", "--every", "24h", "--repo", archive.folder)
    with started(*command, stdout=subprocess.PIPE, stderr=subprocess.PIPE) as watching:
        assert watching.stdout is not None
        assert watching.stderr is not None
        watching.stdout.close()
        watching.stderr.readline()
        deadline = time.monotonic() + 20
        reports = ""
        while reports.count("\n") < 3 and time.monotonic() < deadline:
            time.sleep(0.2)
            reports = run_git(archive.folder, "show", "refs/archiver/state:hub/runs.jsonl")
        time.sleep(0.5)
        watching.send_signal(signal.SIGTERM)
        assert watching.stderr.read() == "stopped\n"
        assert watching.wait() == 0


def test_watch_stops_at_once_and_runs_nothing_twice(archive: Archive) -> None:
    command = ("watch", "--every", "24h", "--repo", archive.folder)
    with started(*command, **BOTH) as watching:
        assert watching.stdout is not None
        said = [watching.stdout.readline(), watching.stdout.readline()]
        assert said[0] == "watching hub; stop with Ctrl-C\n"
        assert said[1] == "hub: nothing changed (3 records)\n"  # the last one was long ago
        began = time.monotonic()
        watching.send_signal(signal.SIGTERM)
        assert watching.communicate(timeout=10) == ("stopped\n", None)
        assert watching.returncode == 0
        assert time.monotonic() - began < 5
    with started(*command, **BOTH) as again:
        assert again.stdout is not None
        again.stdout.readline()
        time.sleep(1)
        again.send_signal(signal.SIGTERM)
        assert again.communicate(timeout=10)[0] == "stopped\n"


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (("watch",), "Say either --every 24h or --cron"),
        (("watch", "--every", "24h", "--cron", CRON), "Say either"),
        (("watch", "--every", "0h"), "is no period"),
        (("watch", "--every", "10m"), "is no period: write 36h, 7d, 2w"),
        (("status", "--max-age", "30m"), "is no period: write 36h, 7d, 2w"),
        (("changelog", "--from-context", __file__, "--since", "7d"), "as it is"),
        (("watch", "--cron", "61 * * * *"), "is not a cron expression"),
        (("watch", "--cron", CRON, "--timezone", "Mars"), "there is no time zone"),
        (("watch", "--every", "400d"), "and 366 days"),
        (("schedule", "--print", "cron", "--cron", "x"), "is not a cron expression"),
        (("schedule", "--print", "cron", "--cron", "0 0 L * *"), "is not a cron expression"),
        (("schedule", "--print", "launchd"), "is not one of"),
        (("schedule", "--print", "cron", "--pages"), "--pages belongs to --print github or"),
        (("schedule", "--print", "systemd", "--cron", "1 2 3 * 5"), "systemd cannot say"),
        (("notify",), "no channel is configured"),
        (("status", "nope"), 'no source is called "nope"'),
    ],
)
def test_bad_words_are_refused_in_one_line(
    archiver: Archiver, archive: Archive, arguments: tuple[str, ...], words: str
) -> None:
    tip = run_git(archive.folder, "rev-parse", "HEAD", "refs/archiver/state")
    done = archiver(*arguments, "--repo", archive.folder)
    assert done.returncode == 2
    assert words in done.stderr
    assert run_git(archive.folder, "rev-parse", "HEAD", "refs/archiver/state") == tip


def test_schedules_are_what_their_programs_read(
    archiver: Archiver, archive: Archive, tmp_path: Path
) -> None:
    def printed(form: str, *more: str) -> str:
        done = archiver("schedule", "--print", form, *more, "--repo", archive.folder)
        assert done.returncode == 0, done.stderr
        return done.stdout

    assert f"run --push --repo {archive.folder}\n" in printed("cron")
    assert printed("cron", "--cron", "5 4\n* * 1").splitlines()[-1].startswith("5 4 * * 1 /")
    assert 'cron: "17 3 * * *"' in printed("github")
    assert "archiver run --push" in printed("gitlab")
    units = printed("systemd")
    assert "OnCalendar=*-*-* 03:17:00 UTC" in units
    if shutil.which("systemd-analyze") is None:
        pytest.skip("systemd-analyze is not installed")
    _, service, timer = units.split("# ---- ")
    for part in (service, timer):
        name, _, text = part.partition(" ----\n")
        (tmp_path / name).write_text(text)
    verified = subprocess.run(
        ["systemd-analyze", "--user", "verify", *tmp_path.glob("archiver.*")],
        capture_output=True,
        text=True,
        check=False,
    )
    assert "archiver" not in verified.stderr, verified.stderr


@pytest.mark.parametrize(
    ("cron", "calendar"),
    [
        ("17 3 * * *", "*-*-* 03:17:00 UTC"),
        ("*/20 * * * *", "*-*-* *:00,20,40:00 UTC"),
        ("0 9-17/2 * * 1-5", "Mon,Tue,Wed,Thu,Fri *-*-* 09,11,13,15,17:00:00 UTC"),
        ("0 0 1,15 */3 *", "*-01,04,07,10-01,15 00:00:00 UTC"),
        ("0 12 * * 0,6", "Sun,Sat *-*-* 12:00:00 UTC"),
    ],
)
def test_cron_is_said_in_systemds_words(
    archiver: Archiver, archive: Archive, cron: str, calendar: str
) -> None:
    done = archiver("schedule", "--print", "systemd", "--cron", cron, "--repo", archive.folder)
    assert f"OnCalendar={calendar}\n" in done.stdout
    if shutil.which("systemd-analyze") is None:
        pytest.skip("systemd-analyze is not installed")
    subprocess.run(["systemd-analyze", "calendar", calendar], check=True, capture_output=True)


def test_channels_are_tried_by_a_command(archiver: Archiver, archive: Archive) -> None:
    team = '[notify.team]\ntype = "webhook"\nurl_env = "HOOK"\n'
    archive.configure(team + '[notify.log]\ntype = "file"\npath = "told.txt"')
    with Receiver() as receiver:
        done = archiver("notify", "--repo", archive.folder, HOOK=receiver.url)
        assert (done.returncode, done.stdout) == (0, "team: delivered\nlog: delivered\n")
        receiver.statuses = [401]
        refused = archiver("notify", "--repo", archive.folder, HOOK=receiver.url)
    assert refused.returncode == 7
    assert "T0-secret-path" not in refused.stderr
    unset = archiver("notify", "--repo", archive.folder)
    assert (unset.returncode, unset.stdout) == (7, "log: delivered\n")
    assert unset.stderr == (
        "archiver: not delivered: team: the environment variable HOOK is not set\n"
    )


def test_a_run_writes_the_outputs_of_a_step(
    archiver: Archiver, archive: Archive, tmp_path: Path
) -> None:
    files = {"GITHUB_OUTPUT": str(tmp_path / "out"), "GITHUB_STEP_SUMMARY": str(tmp_path / "sum")}
    archive.lists(**{"org/a": 1, "org/b": 2, "org/d": 4, "org/x": 3})
    pull = {**files, "GITHUB_EVENT_NAME": "pull_request"}
    tip = run_git(archive.folder, "rev-parse", "HEAD", "refs/archiver/state")
    assert archiver("run", "--github", "--repo", archive.folder, **pull).returncode == 0
    assert run_git(archive.folder, "rev-parse", "HEAD", "refs/archiver/state") == tip
    assert "(dry run)" in (tmp_path / "sum").read_text().replace("\\", "")
    (tmp_path / "out").unlink()
    assert archiver("run", "--github", "--repo", archive.folder, **files).returncode == 0
    said = (tmp_path / "out").read_text()
    assert "\ntrue\n" in said
    assert run_git(archive.folder, "rev-parse", "HEAD").strip() in said
    (archive.folder / "models.json").unlink()
    assert archiver("run", "--github", "--repo", archive.folder, **files).returncode == 3
    assert "\nunavailable\n" in (tmp_path / "out").read_text()
    assert "### hub: failed" in (tmp_path / "sum").read_text()


def test_a_wrong_template_keeps_no_output_of_a_step_back(
    archiver: Archiver, archive: Archive, tmp_path: Path
) -> None:
    (archive.folder / "mine").mkdir()
    (archive.folder / "mine" / "summary.md.j2").write_text("{{ nope }}")
    archive.configure('[templates]\nfolder = "mine"', confirmations=1)
    files = {"GITHUB_OUTPUT": str(tmp_path / "out"), "GITHUB_STEP_SUMMARY": str(tmp_path / "sum")}
    archive.lists(**{"org/a": 1, "org/b": 2, "org/d": 4, "org/x": 3})
    done = archiver("run", "--github", "--repo", archive.folder, **files)
    assert done.returncode == 0
    assert "summary.md.j2:1: 'nope' is undefined; the built-in template was used" in done.stderr
    assert "\ntrue\n" in (tmp_path / "out").read_text()
    assert (tmp_path / "sum").read_text().startswith("### hub: +1 new")


def test_a_step_summary_is_written_once_and_standard_output_by_one(
    archiver: Archiver, archive: Archive, tmp_path: Path
) -> None:
    archive.configure(
        '[notify.step]\ntype = "github"\n[notify.say]\ntype = "stdout"', confirmations=1
    )
    archive.run()
    archive.lists(**{"org/a": 1, "org/b": 2, "org/d": 4, "org/x": 3})
    refused = archiver("run", "-f", "json", "--repo", archive.folder)
    assert refused.returncode == 2
    assert "-f json and the channel say both write to standard output." in refused.stderr
    for more in ("--no-notify", "--dry-run"):
        dry = archiver("run", "-f", "json", more, "--dry-run", "--repo", archive.folder)
        assert json.loads(dry.stdout)[0]["summary"]["new"] == 1
    files = {"GITHUB_STEP_SUMMARY": str(tmp_path / "sum")}
    assert archiver("run", "--github", "--repo", archive.folder, **files).returncode == 0
    assert (tmp_path / "sum").read_text().count("### hub: +1 new") == 1


def test_what_is_committed_is_told_even_where_telling_fails(
    archiver: Archiver, archive: Archive, tmp_path: Path
) -> None:
    archive.configure('[notify.team]\ntype = "file"\npath = "no/such/folder"', confirmations=1)
    archive.lists(**{"org/a": 1, "org/b": 2, "org/d": 4, "org/x": 3})
    files = {"GITHUB_OUTPUT": str(tmp_path / "out")}
    done = archiver("run", "--github", "--repo", archive.folder, **files)
    assert done.returncode == 7
    assert done.stdout.startswith("hub: +1 new, 3 updated")
    assert "hub: not delivered: team: cannot write" in done.stderr
    assert run_git(archive.folder, "rev-parse", "HEAD").strip() in (tmp_path / "out").read_text()


def test_without_a_remote_nothing_is_fetched(archiver: Archiver, archive: Archive) -> None:
    done = archiver("run", "--push", "--repo", archive.folder)
    assert done.returncode == 5
    assert "there is no remote to push to\n  hint: git remote add origin URL" in done.stderr


def test_a_page_links_where_the_source_has_a_rule(archiver: Archiver, archive: Archive) -> None:
    plain = archiver("compare", "-f", "markdown", "--repo", archive.folder).stdout
    assert "- org/c\n" in plain
    (archive.folder / "archiver.toml").write_text('[sources.hub]\ntype = "huggingface"\n')
    linked = archiver("compare", "-f", "markdown", "--repo", archive.folder).stdout
    assert "- [org/c](https://huggingface.co/org/c)\n" in linked
    page = archiver("changes", "-f", "html", "--since", "2026-01-01", "--repo", archive.folder)
    assert (
        '<a href="https://huggingface.co/org/a" rel="noopener noreferrer">org/a</a>' in page.stdout
    )


def test_a_page_is_rendered_by_a_template_of_ones_own(
    archiver: Archiver, archive: Archive, tmp_path: Path
) -> None:
    template = tmp_path / "mine.html.j2"
    template.write_text("<b>{{ changes.removed[0] | key }}</b>{{ '<' }}")
    done = archiver("compare", "-f", "html", "--template", template, "--repo", archive.folder)
    assert done.stdout == "<b>org/c</b>&lt;"
    wrong = archiver("compare", "--template", template, "--repo", archive.folder)
    assert (wrong.returncode, "--template renders a page" in wrong.stderr) == (2, True)


@pytest.mark.parametrize("closed", [">&-", "2>&-", "<&- >&- 2>&-"])
def test_a_job_whose_streams_are_closed_runs_all_the_same(archive: Archive, closed: str) -> None:
    archive.lists(**{"org/a": 1, "org/b": 2, "org/d": 4, "org/x": 3})
    command = f'exec "$0" -m archiver run --repo "$1" {closed}'
    done = subprocess.run(
        ["sh", "-c", command, sys.executable, str(archive.folder)], capture_output=True, check=False
    )
    assert done.returncode == 0, done.stderr
    assert "+1 new" in run_git(archive.folder, "log", "-1", "--format=%s")
    assert "error" not in run_git(archive.folder, "fsck", "--strict")


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="needs a device that is always full")
def test_a_full_disk_behind_the_log_of_a_job_keeps_no_message_back(archive: Archive) -> None:
    archive.configure('[notify.team]\ntype = "file"\npath = "told.txt"', confirmations=1)
    archive.lists(**{"org/a": 1, "org/b": 2, "org/d": 4, "org/x": 3})
    with Path("/dev/full").open("w") as full:
        done = subprocess.run(
            [sys.executable, "-m", "archiver", "run", "--repo", str(archive.folder)],
            stdout=full,
            stderr=subprocess.PIPE,
            text=True,
            check=False,
        )
    assert done.returncode == 74
    assert "the output cannot be written" in done.stderr
    assert "org/x" in (archive.folder / "told.txt").read_text()
