"""archiver.toml becomes one typed value, or all its mistakes at once."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

import pytest

from archiver.changes.pace import Pace
from archiver.config import Config, discover, load, locate, parse
from archiver.errors import ConfigError

if TYPE_CHECKING:
    from pathlib import Path

FOLDER = 'a folder inside the repository, such as "data"'
KEV = """
[sources.kev]
type = "json"
url = "feed.json"
records = "vulnerabilities"
key = "cveID"
"""


def read(folder: Path, text: str, **environ: str) -> Config:
    path = folder / "archiver.toml"
    path.write_text(text, encoding="utf-8")
    return load(path, environ)


def mistakes(folder: Path, text: str, **environ: str) -> list[str]:
    with pytest.raises(ConfigError) as caught:
        read(folder, text, **environ)
    return str(caught.value).split("\n")


def test_an_empty_file_means_the_defaults(tmp_path: Path) -> None:
    config = read(tmp_path, "")
    assert (config.root, config.archive.path, config.archive.branch) == (tmp_path, "data", None)
    assert (dict(config.sources), config.retention.keep_days) == ({}, None)
    assert config.template_folder is None


def test_a_source_has_common_settings_and_those_of_its_type(tmp_path: Path) -> None:
    source = read(tmp_path, KEV + 'metrics = ["seen"]\ntolerance = {price = 1}').source("kev")
    assert (source.key, source.records, source.commit) == (("cveID",), "vulnerabilities", "any")
    assert (source.metrics, source.tolerance) == (("seen",), {"price": 1.0})
    assert source.settings == {
        "type": "json",
        "url": "feed.json",
        "records": "vulnerabilities",
        "key": ["cveID"],
    }


def test_metrics_have_a_pace_of_their_own(tmp_path: Path) -> None:
    table = 'metrics = { fields = ["seen", "stats.*"], every = "24h", round = 2, jump = 10 }'
    source = read(tmp_path, KEV + table).source("kev")
    assert source.metrics == ("seen", "stats.*")
    assert source.pace == Pace("24h", 2, 10)
    assert read(tmp_path, KEV + 'metrics = ["seen"]').source("kev").pace == Pace()
    assert read(tmp_path, KEV + "metrics = {}").source("kev").metrics == ()


@pytest.mark.parametrize("kind", ["modelscope", "huggingface"])
def test_a_pace_without_fields_is_that_of_the_metrics_of_the_type(
    tmp_path: Path, kind: str
) -> None:
    table = f'[sources.hub]\ntype = "{kind}"\n'
    usual = read(tmp_path, table).source("hub")
    paced = read(tmp_path, table + 'metrics = { every = "7d" }').source("hub")
    own = read(tmp_path, table + 'metrics = { fields = ["likes"] }').source("hub")
    assert paced.metrics == usual.metrics
    assert (paced.pace, usual.pace, own.pace) == (Pace("7d"), Pace(), Pace())
    assert own.metrics == ("likes",)


@pytest.mark.parametrize(
    ("pace", "expected"),
    [
        (
            'every = "weekly"',
            '.every: expected a period, such as "24h", "7d" or "2w", got "weekly"',
        ),
        ('every = "0d"', '.every: expected a period, such as "24h", "7d" or "2w", got "0d"'),
        ('every = "3m"', '.every: expected a period, such as "24h", "7d" or "2w", got "3m"'),
        ("every = 7", '.every: expected a period, such as "24h", "7d" or "2w", got 7'),
        ("round = 0", ".round: expected a whole number of digits from 1, got 0"),
        ("round = 1.5", ".round: expected a whole number of digits from 1, got 1.5"),
        ("round = true", ".round: expected a whole number of digits from 1, got true"),
        ("jump = 1", ".jump: expected a factor above 1, such as 10, got 1"),
        ("jump = 0.5", ".jump: expected a factor above 1, such as 10, got 0.5"),
        ("jump = nan", ".jump: expected a factor above 1, such as 10, got null"),
        ("jump = inf", ".jump: expected a factor above 1, such as 10, got null"),
        ('fields = "n"', ".fields: expected array, got string"),
        ('evry = "7d"', '.evry: unknown key; did you mean "every"?'),
    ],
)
def test_a_wrong_pace_is_one_error(tmp_path: Path, pace: str, expected: str) -> None:
    found = mistakes(tmp_path, f"{KEV}metrics = {{ {pace} }}")
    assert found == [f"archiver.toml: sources.kev.metrics{expected}"]


def test_the_pace_is_no_setting_beside_the_metrics(tmp_path: Path) -> None:
    (mistake,) = mistakes(tmp_path, KEV + 'pace = { every = "7d" }')
    assert mistake.startswith("archiver.toml: sources.kev.pace: unknown key")


def test_templates_lie_in_a_folder_of_the_repository(tmp_path: Path) -> None:
    (tmp_path / "repo").mkdir()
    (tmp_path / "elsewhere").mkdir()
    table = '[templates]\nfolder = "mine"'
    where = "archiver.toml: templates.folder:"
    assert mistakes(tmp_path / "repo", table) == [f"{where} there is no folder mine"]
    (tmp_path / "repo" / "mine").symlink_to(tmp_path / "elsewhere")
    assert mistakes(tmp_path / "repo", table) == [f"{where} mine leads out of the repository"]
    (tmp_path / "repo" / "mine").unlink()
    (tmp_path / "repo" / "own").mkdir()
    (tmp_path / "repo" / "mine").symlink_to("own")
    assert read(tmp_path / "repo", table).template_folder == tmp_path / "repo" / "mine"


def test_every_setting_of_the_documentation_is_read(tmp_path: Path) -> None:
    (tmp_path / "mine").mkdir()
    config = read(
        tmp_path,
        """
        archive = {path = "a/b", branch = "data", author = "A Bot <bot@example.org>"}
        retention = {keep_days = 30, keep_daily = 7, keep_weekly = 4, keep_monthly = 12}
        templates = {folder = "mine"}
        [sources.kev]
        type = "json"
        url = "https://example.org/feed.json"
        key = ["a", "b"]
        volatile = ["tags.*.fetched_at"]
        sets = ["tags"]
        commit = "news"
        max_shrink = 0
        shards = 16
        max_bytes = 1000
        """,
    )
    source = config.source("kev")
    assert config.archive.identity == ("A Bot", "bot@example.org")
    assert config.folder("kev") == "a/b/kev"
    assert config.template_folder == tmp_path / "mine"
    assert (config.retention.keep_daily, config.retention.keep_monthly) == (7, 12)
    assert (source.shards, source.max_shrink, source.max_bytes) == (16, 0.0, 1000)


def test_all_errors_are_reported_at_once_with_file_and_key(tmp_path: Path) -> None:
    text = KEV + 'metricz = []\nshards = 3\nsets = ["a", 2]\n[retentoin]\n[archive]\npath = "../x"'
    assert mistakes(tmp_path, text) == [
        'archiver.toml: retentoin: unknown table; did you mean "retention"?',
        f'archiver.toml: archive.path: expected {FOLDER}, got "../x"',
        'archiver.toml: sources.kev.metricz: unknown key; did you mean "metrics"?',
        'archiver.toml: sources.kev.shards: expected one of "auto", 1, 16, 256, 4096, got 3',
        "archiver.toml: sources.kev.sets[1]: expected string, got integer",
    ]


@pytest.mark.parametrize(
    "path", ["", "/a", "..", "a/../b", ".git", "a/.GIT/b", "C:/a", "a\\b", "a//b", "a/", ".", "a\n"]
)
def test_the_archive_stays_inside_the_repository(tmp_path: Path, path: str) -> None:
    (mistake,) = mistakes(tmp_path, f"[archive]\npath = {json.dumps(path)}")
    assert mistake.startswith("archiver.toml: archive.path: expected a folder inside")


@pytest.mark.parametrize("name", ["CON", "con", "a b", "é", "-a", "a" * 65, "a.b"])
def test_a_source_name_can_be_a_folder_everywhere(tmp_path: Path, name: str) -> None:
    (mistake,) = mistakes(tmp_path, f'[sources."{name}"]\ntype = "json"\nurl = "x"')
    assert mistake.startswith(f"archiver.toml: sources.{name}: a source's name is")


@pytest.mark.parametrize(
    ("line", "expected"),
    [
        ("", "sources.a.type: missing"),
        ("type = 1", "sources.a.type: expected string, got integer"),
        ('type = "jsn"', 'sources.a.type: unknown type of source "jsn"; did you mean "json"?'),
    ],
)
def test_the_type_of_a_source_is_checked(tmp_path: Path, line: str, expected: str) -> None:
    assert mistakes(tmp_path, f"[sources.a]\n{line}") == [f"archiver.toml: {expected}"]


@pytest.mark.parametrize(
    ("line", "expected"),
    [
        ("sources = 3", "archiver.toml: sources: expected a table, [sources]"),
        ("sources.a = 3", "archiver.toml: sources.a: expected a table, [sources.a]"),
        ("retention.keep_days = 0", "expected a whole number of days from 1, got 0"),
        ('sources.a = {type = "json", url = "x", damping = -1}', "expected a whole number from 0"),
        ('sources.a = {type = "json", url = "x", damping = "2"}', "expected a whole number from 0"),
        ('archive.author = "me"', "expected a name and an address"),
        ('archive.author = "me\\n <a@b>"', "expected a name and an address"),
        ('archive.branch = "a..b"', "expected the name of a branch"),
        ('archive.branch = "-x"', "expected the name of a branch"),
    ],
)
def test_a_wrong_value_is_named(tmp_path: Path, line: str, expected: str) -> None:
    assert expected in mistakes(tmp_path, line)[0]


def test_broken_toml_names_line_and_column_and_warns_of_more(tmp_path: Path) -> None:
    with pytest.raises(ConfigError) as caught:
        read(tmp_path, "[archive]\npath = \n")
    assert str(caught.value) == "archiver.toml: Invalid value (at line 2, column 8)"
    assert caught.value.hint == "TOML is read up to its first error: there may be more."


@pytest.mark.parametrize(
    ("content", "expected"),
    [(b"a = '\xff'", "not UTF-8 at byte 6"), (b"a = " + b"[" * 100_000, "recursion")],
)
def test_content_that_is_no_toml_is_one_error(
    tmp_path: Path, content: bytes, expected: str
) -> None:
    (tmp_path / "archiver.toml").write_bytes(content)
    with pytest.raises(ConfigError, match=expected):
        load(tmp_path / "archiver.toml", {})


def test_a_byte_order_mark_and_windows_line_ends_are_fine(tmp_path: Path) -> None:
    (tmp_path / "archiver.toml").write_bytes(b'\xef\xbb\xbf[archive]\r\npath = "x"\r\n')
    assert load(tmp_path / "archiver.toml", {}).archive.path == "x"


def test_the_environment_goes_before_the_file(tmp_path: Path) -> None:
    config = read(tmp_path, '[archive]\npath = "a"', ARCHIVER_PATH="b", ARCHIVER_BRANCH="")
    assert (config.archive.path, config.archive.branch) == ("b", None)


def test_a_mistake_in_the_environment_names_the_variable(tmp_path: Path) -> None:
    (mistake,) = mistakes(tmp_path, "", ARCHIVER_PATH="/")
    assert mistake.startswith("archiver.toml: ARCHIVER_PATH: archive.path: expected a folder")


def test_an_unknown_source_is_refused_with_the_nearest_one(tmp_path: Path) -> None:
    config = read(tmp_path, KEV)
    with pytest.raises(
        ConfigError, match='no source is called "kve"; did you mean "kev"'
    ) as caught:
        config.source("kve")
    assert caught.value.hint == "Sources in archiver.toml: kev."


def test_the_file_is_found_from_below_but_not_outside_the_repository(tmp_path: Path) -> None:
    below = tmp_path / "repo" / "data" / "kev"
    below.mkdir(parents=True)
    (tmp_path / "archiver.toml").touch()
    assert locate(below, {}) == tmp_path / "archiver.toml"
    (tmp_path / "repo" / ".git").mkdir()
    assert locate(below, {}) is None
    (tmp_path / "repo" / "archiver.toml").touch()
    assert locate(below, {}) == tmp_path / "repo" / "archiver.toml"


def test_archiver_config_names_another_file(tmp_path: Path) -> None:
    (tmp_path / "other.toml").write_text('[archive]\npath = "x"')
    environ = {"ARCHIVER_CONFIG": str(tmp_path / "other.toml")}
    assert discover(tmp_path, environ).archive.path == "x"


def test_no_file_at_all_says_how_to_make_one(repo: Path) -> None:
    with pytest.raises(ConfigError, match=r"no archiver\.toml in") as caught:
        discover(repo, {})
    assert caught.value.hint == "Make a data repository with: archiver init"


def test_a_file_that_cannot_be_read_is_one_error(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match=r"cannot read .*: No such file or directory"):
        load(tmp_path / "archiver.toml", {})


def test_reading_a_configuration_runs_no_code_that_it_names(tmp_path: Path) -> None:
    (tmp_path / "plugin.py").write_text(
        'from pathlib import Path\nPath(__file__ + ".ran").touch()\n'
    )
    text = b'[sources.hub]\ntype = "plugin:Hub"\naddress = "x"\nkey = "id"\n'
    config = parse(text, tmp_path / "archiver.toml", {})
    assert config.source("hub").settings == {"type": "plugin:Hub", "address": "x", "key": ["id"]}
    assert sorted(path.name for path in tmp_path.iterdir()) == ["plugin.py"]


@pytest.mark.parametrize(
    ("table", "words"),
    [
        ('type = "pigeon"', "notify.team.type: unknown type of channel"),
        ('type = "webhook"', "notify.team.url_env: missing"),
        (
            'type = "webhook"\nurl_env = "https://x.example/secret"',
            "name of an environment variable",
        ),
        ('type = "stdout"\nkinds = ["gone"]', "notify.team.kinds"),
        ('type = "stdout"\nwhere = ["downloads"]', "is not a condition"),
        (
            'type = "stdout"\nthreshold = "a lot"',
            'expected a field and a share, such as "downloads',
        ),
        ('type = "stdout"\nsources = ["nope"]', 'notify.team.sources: no source is called "nope"'),
        ('type = "stdout"\nlimit = 0', "notify.team.limit: expected a whole number from 1"),
        ('type = "stdout"\nurl = "x"', "notify.team.url: unknown key"),
        ('type = "stdout"\npins = 5', "notify.team.pins: expected a file, such as"),
        ('type = "stdout"\npins = "a\\u0000b"', "notify.team.pins: expected a file, such as"),
        ('type = "stdout"\nfields = "license"', "notify.team.fields: expected array"),
    ],
)
def test_a_wrong_channel_is_refused_with_its_key(tmp_path: Path, table: str, words: str) -> None:
    with pytest.raises(ConfigError) as refused:
        parse(f"[notify.team]\n{table}\n".encode(), tmp_path / "archiver.toml", {})
    assert words in str(refused.value)


@pytest.mark.parametrize(
    ("table", "words"),
    [
        ('where = ["downloads"]', "feeds.mine.where: 'downloads' is not a condition"),
        ('kinds = ["metrics"]', 'feeds.mine.kinds: expected one of "new", "removed", "returned"'),
        ('sources = ["hbu"]', 'feeds.mine.sources: no source is called "hbu"; did you mean "hub"?'),
        ('fields = "license"', "feeds.mine.fields: expected array"),
        ('field = ["license"]', 'feeds.mine.field: unknown key; did you mean "fields"?'),
        ('name = "x"', "feeds.mine.name: unknown key"),
        ("[feeds.CON]", "feeds.CON: a feed's name is up to 64 of a-z, 0-9, _ and -"),
        ('[feeds]\n"../x" = {}', "feeds.../x: a feed's name is up to 64 of a-z"),
        ("[feeds]\nother = 5", "feeds.other: expected a table, [feeds.other]"),
    ],
)
def test_a_wrong_feed_is_refused_with_its_key(tmp_path: Path, table: str, words: str) -> None:
    source = '[sources.hub]\ntype = "json"\nurl = "x"\n'
    feed = table if table.startswith("[") else f"[feeds.mine]\n{table}\n"
    with pytest.raises(ConfigError) as refused:
        parse(f"{source}{feed}".encode(), tmp_path / "archiver.toml", {})
    assert words in str(refused.value)


@pytest.mark.parametrize(
    ("settings", "expected"),
    [
        ("", ("record", "records")),
        ('noun = "vulnerability"', ("vulnerability", "vulnerabilities")),
        ('noun = "box"', ("box", "boxes")),
        ('noun = "key"', ("key", "keys")),
        ('noun = "词条"\nnouns = "词条"', ("词条", "词条")),
        ('noun = "data set"', ("data set", "data sets")),
    ],
)
def test_records_have_a_noun(tmp_path: Path, settings: str, expected: tuple[str, str]) -> None:
    table = f'[sources.s]\ntype = "json"\nurl = "a.json"\nkey = "id"\n{settings}\n'
    config = parse(table.encode(), tmp_path / "archiver.toml", {})
    assert config.source("s").called == expected


@pytest.mark.parametrize("noun", ["", " x", "a\\nb", "<b>", "a" * 41, "x`y"])
def test_a_noun_is_a_word(tmp_path: Path, noun: str) -> None:
    table = f'[sources.s]\ntype = "json"\nurl = "a.json"\nkey = "id"\nnoun = "{noun}"\n'
    with pytest.raises(ConfigError, match="noun"):
        parse(table.encode(), tmp_path / "archiver.toml", {})
