"""The workflows, run for real by act on this machine against a bare repository and a fake hub."""

from __future__ import annotations

import json
import os
import re
import shutil
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
from click.testing import CliRunner
from support.checkout import CHECKOUT
from support.git import run_git
from support.git_server import GitServer

from archiver.capture import runlog
from archiver.cli import archiver
from archiver.fakehub.hub import Hub
from archiver.fakehub.server import FakeHub
from archiver.render.schedules import scheduled

if TYPE_CHECKING:
    from collections.abc import Iterator

BIN = Path(sys.prefix) / "bin"
WORKFLOW = ".github/workflows/archive.yml"
USES = re.compile(r"uses: (actions/[a-z/-]+@[0-9a-f]{40})")
STUB = "name: stub\nruns:\n  using: composite\n  steps:\n    - shell: bash\n      run: |\n"
PYTHON = f"""\
        echo "{BIN}" >> "$GITHUB_PATH"
        mkdir -p "$RUNNER_TEMP/archiver/bin"
        ln -sf "{BIN}/archiver" "$RUNNER_TEMP/archiver/bin/archiver"
"""
CHECKOUT_STUB = """\
name: stub
inputs:
  ref:
    default: ""
runs:
  using: composite
  steps:
    - if: inputs.ref != ''
      shell: bash
      run: git clone --quiet --branch "$REF" "ORIGIN" . # act leaves the folder empty
      env:
        REF: ${{ inputs.ref }}
"""
ADDRESS = "https://me.example.org/models"
CONFIGURE_STUB = f"""\
name: stub
outputs:
  base_url:
    value: {ADDRESS}
runs:
  using: composite
  steps:
    - shell: bash
      run: "true" # act wants a step
"""
UPLOAD_STUB = """\
name: stub
inputs:
  name:
    default: github-pages
  path:
    required: true
runs:
  using: composite
  steps:
    - shell: bash
      run: |
        mkdir -p "ARTIFACTS"
        cp -r "$SITE" "$(mktemp -d "ARTIFACTS/XXXX")/$NAME"
      env:
        NAME: ${{ inputs.name }}
        SITE: ${{ inputs.path }}
"""
DEPLOY_STUB = """\
name: stub
inputs:
  artifact_name:
    default: github-pages
runs:
  using: composite
  steps:
    - shell: bash
      run: |
        found=("ARTIFACTS"/*/"$NAME")
        [ "${#found[@]}" = 1 ] # GitHub's refuses to choose
        rm -rf "PUBLISHED"
        cp -r "${found[0]}" "PUBLISHED"
      env:
        NAME: ${{ inputs.artifact_name }}
"""
NEWS = """\
name: news
on: pull_request
permissions: {}
jobs:
  news:
    runs-on: ubuntu-latest
    steps:
      - uses: actions/checkout@3d3c42e5aac5ba805825da76410c181273ba90b1
      - id: archive
        uses: OWNER/REPO@v1
      - shell: bash
        run: echo "told=$NEW,$CHANGED,$STATUS"
        env:
          NEW: ${{ steps.archive.outputs.new }}
          CHANGED: ${{ steps.archive.outputs.changed }}
          STATUS: ${{ steps.archive.outputs.status }}
"""


@dataclass
class Job:
    """A data repository, its bare origin, and the machine that runs its workflows."""

    folder: Path
    hub: Hub
    server: FakeHub

    @property
    def repo(self) -> Path:
        return self.folder / "repo"

    @property
    def artifacts(self) -> Path:
        """What one run of the workflow has uploaded, in all of its attempts."""
        return self.folder / "artifacts"

    @property
    def published(self) -> Path:
        """The site, as GitHub Pages shows it."""
        return self.folder / "published"

    @property
    def origin(self) -> Path:
        return self.folder / "origin.git"

    def begin(self) -> None:
        """Commit what there is and push it, as a person does after ``archiver init``."""
        self.origin.mkdir()
        run_git(self.origin, "init", "--bare", "--quiet", "--initial-branch=main")
        run_git(self.repo, "remote", "add", "origin", str(self.origin))
        run_git(self.repo, "add", ".")
        run_git(self.repo, "commit", "--quiet", "-m", "Begin")
        run_git(self.repo, "push", "--quiet", "origin", "main")

    def act(
        self,
        event: str = "schedule",
        *,
        workflow: str = WORKFLOW,
        inputs: dict[str, str] | None = None,
        attempt: int = 1,
    ) -> subprocess.CompletedProcess[str]:
        """Run a workflow of the repository as it lies here; the exit code is the job's result."""
        if attempt == 1:
            shutil.rmtree(self.artifacts, ignore_errors=True)
        text = (self.repo / workflow).read_text()
        action = (CHECKOUT / "action.yml").read_text()
        stubs = dict(self._stub(name) for name in USES.findall(text + action))
        stubs["OWNER/REPO@v1"] = self._action()
        payload = self.folder / "event.json"
        payload.write_text(json.dumps({"inputs": inputs or {}}))
        home = self.folder / "home"
        home.mkdir(exist_ok=True)
        variables = [
            f"PATH={BIN}:/usr/local/bin:/usr/bin:/bin",
            f"HOME={home}",
            f"MODELSCOPE_ENDPOINT={self.server.endpoint}",
        ]
        command = ["env", "-i", *variables, str(BIN / "act"), event]
        command += ["-C", str(self.repo), "-W", workflow, "-P", "ubuntu-latest=-self-hosted"]
        command += ["-e", str(payload), "--action-cache-path", str(self.folder / "cache")]
        command += ["--no-cache-server", "--env", f"MODELSCOPE_ENDPOINT={self.server.endpoint}"]
        command += ["--env", f"GITHUB_RUN_ATTEMPT={attempt}"]
        for name, place in stubs.items():
            command += ["--local-repository", f"{name}={place}"]
        return subprocess.run(command, capture_output=True, text=True, timeout=180, check=False)

    def _action(self) -> Path:
        """Give the action alone: act reads all of its folder, here also .venv and .git."""
        folder = self.folder / "action"
        folder.mkdir(exist_ok=True)
        shutil.copy(CHECKOUT / "action.yml", folder)
        return folder

    def _stub(self, name: str) -> tuple[str, Path]:
        """Stand in for an action of GitHub: the machine is prepared, and nothing leaves it.

        Returns:
            Its repository, and the folder that stands in for that.
        """
        path, _, ref = name.partition("@")
        owner, project, *inside = path.split("/")
        repository = f"{owner}/{project}@{ref}"
        top = self.folder / "stubs" / repository.replace("/", "_")
        folder = top.joinpath(*inside)
        folder.mkdir(parents=True, exist_ok=True)
        script = PYTHON if "setup-python" in name else "        git status --short\n"
        whole = {
            "actions/checkout": CHECKOUT_STUB.replace("ORIGIN", str(self.origin)),
            "actions/configure-pages": CONFIGURE_STUB,
            "actions/deploy-pages": DEPLOY_STUB.replace("PUBLISHED", str(self.published)),
            "actions/upload-pages-artifact": UPLOAD_STUB,
        }
        text = whole.get(name.partition("@")[0], STUB + script)
        (folder / "action.yml").write_text(text.replace("ARTIFACTS", str(self.artifacts)))
        return repository, top

    def subjects(self) -> list[str]:
        return run_git(self.origin, "log", "--format=%s", "main").splitlines()

    def outcomes(self) -> list[str]:
        text = run_git(self.origin, "show", "refs/archiver/state:modelscope/runs.jsonl")
        return [run.outcome for run in runlog.decode(text.encode())]

    def update(self) -> None:
        """Bring the checkout to what was pushed, as GitHub's checkout does."""
        run_git(self.repo, "fetch", "--quiet", "origin", "main")
        run_git(self.repo, "reset", "--quiet", "--hard", "origin/main")


@pytest.fixture
def job(tmp_path: Path) -> Iterator[Job]:
    if not (BIN / "act").exists():
        pytest.skip("act is not installed: make test installs it")
    hub = Hub(60)
    with FakeHub(hub=hub) as server:
        yield Job(tmp_path, hub, server)


def init(job: Job, *options: str) -> None:
    command = ["init", str(job.repo), "--type", "modelscope", "--set", "scope=all", *options]
    done = CliRunner().invoke(archiver, command)
    assert done.exit_code == 0, done.output
    job.begin()


def test_a_new_data_repository_runs_green_and_says_what_happened(job: Job) -> None:
    init(job, "--github")
    first = job.act()
    assert first.returncode == 0, first.stdout
    assert job.subjects() == ["modelscope: first snapshot (60 models)", "Begin"]
    assert "status=ok" in first.stdout
    job.update()
    again = job.act()
    assert again.returncode == 0
    assert "changed=false" in again.stdout
    assert len(job.subjects()) == 2
    assert job.outcomes() == ["first", "unchanged"]


FASTER = """\
#!/bin/sh
# Somebody else's commit arrives while the first push is being received.
[ -e raced ] && exit 0
touch raced
unset GIT_QUARANTINE_PATH GIT_OBJECT_DIRECTORY GIT_ALTERNATE_OBJECT_DIRECTORIES
export GIT_AUTHOR_NAME=b GIT_AUTHOR_EMAIL=b@c GIT_COMMITTER_NAME=b GIT_COMMITTER_EMAIL=b@c
git update-ref refs/heads/main "$(git commit-tree -p main -m Faster 'main^{tree}')"
"""


def test_a_job_that_loses_the_race_builds_on_the_new_tip(job: Job) -> None:
    init(job, "--github")
    hook = job.origin / "hooks" / "pre-receive"
    hook.parent.mkdir(exist_ok=True)
    hook.write_text(FASTER)
    hook.chmod(0o755)
    done = job.act()
    assert done.returncode == 0, done.stdout
    assert (job.origin / "raced").exists()
    assert job.subjects() == ["modelscope: first snapshot (60 models)", "Faster", "Begin"]
    assert job.outcomes() == ["first"]


def test_a_hub_that_is_down_makes_the_job_red_and_leaves_the_branch(job: Job) -> None:
    init(job, "--github")
    job.server.misbehave("html")
    done = job.act()
    assert done.returncode != 0
    assert "status=" in done.stdout
    assert job.subjects() == ["Begin"]
    assert job.outcomes() == ["failed"]


def test_the_action_serves_any_repository(job: Job) -> None:
    init(job, "--github", "OWNER/REPO@v1")
    done = job.act("workflow_dispatch", inputs={"source": "modelscope", "dry-run": "true"})
    assert done.returncode == 0, done.stdout
    assert job.subjects() == ["Begin"]
    done = job.act("workflow_dispatch", inputs={"source": "modelscope"})
    assert done.returncode == 0, done.stdout
    assert len(job.subjects()) == 2


@pytest.mark.parametrize("action", ["", "OWNER/REPO@v1"], ids=["pip", "action"])
def test_the_job_publishes_the_site_of_what_it_captured(job: Job, action: str) -> None:
    init(job, "--pages", "--github", action)
    done = job.act()
    assert done.returncode == 0, done.stdout
    assert len(job.subjects()) == 2
    told = json.loads((job.published / "index.json").read_text("utf-8"))
    assert run_git(job.origin, "rev-parse", "main").strip() in json.dumps(told)
    assert f"{ADDRESS}/modelscope/" in (job.published / "sitemap.xml").read_text("utf-8")
    assert re.search(r"Publish the site\].*Job succeeded", done.stdout)
    job.update()
    again = job.act()
    assert again.returncode == 0, again.stdout
    assert job.outcomes() == ["first", "unchanged"]
    assert "Last checked on " in (job.published / "index.html").read_text("utf-8")


def test_a_run_that_is_repeated_publishes_its_own_site(job: Job) -> None:
    """What the first attempt uploaded stays in the run beside what the second one uploads."""
    init(job, "--pages", "--github")
    assert job.act().returncode == 0
    job.update()
    repeated = job.act(attempt=2)
    assert repeated.returncode == 0, repeated.stdout
    assert len([*job.artifacts.iterdir()]) == 2
    assert "Last checked on " in (job.published / "index.html").read_text("utf-8")


def test_the_site_is_that_of_the_branch_that_holds_the_captures(job: Job) -> None:
    init(job, "--pages", "--github")
    path = job.repo / "archiver.toml"
    path.write_text(path.read_text("utf-8").replace('# branch = "data"', 'branch = "data"'))
    run_git(job.repo, "commit", "--quiet", "-am", "Capture elsewhere")
    run_git(job.repo, "push", "--quiet", "origin", "main")
    done = job.act()
    assert done.returncode == 0, done.stdout
    assert "first snapshot" in run_git(job.origin, "log", "--format=%s", "data")
    assert (job.published / "modelscope" / "catalogue.html").exists()


def test_the_site_of_a_private_repository_is_fetched_by_the_token_of_the_job(
    tmp_path: Path,
) -> None:
    text = scheduled("github", cron="1 2 * * *", folder=tmp_path, pages=True)
    (script,) = re.findall(r"- run: >-\n((?: {10}.*\n)+) {8}env:\n {10}TOKEN: ", text)
    folder = tmp_path / "origin.git"
    folder.mkdir()
    run_git(folder, "init", "--bare", "--quiet", "--initial-branch=main")
    run_git(folder, "clone", "--quiet", ".", "../clone")
    run_git(tmp_path / "clone", "commit", "--quiet", "--allow-empty", "-m", "Begin")
    run_git(tmp_path / "clone", "push", "--quiet", "origin", "main", "main:refs/heads/data")
    run_git(tmp_path / "clone", "push", "--quiet", "origin", "main:refs/archiver/state")
    with GitServer(tmp_path, token="secret word") as server:
        run_git(tmp_path / "clone", "remote", "set-url", "origin", server.url)

        def fetched(token: str) -> int:
            command = ["bash", "-e", "-c", " ".join(script.split())]
            variables = {"PATH": os.environ["PATH"], "TOKEN": token, "GIT_TERMINAL_PROMPT": "0"}
            variables |= {"HOME": str(tmp_path), "GIT_CONFIG_NOSYSTEM": "1"}
            return subprocess.run(
                command, cwd=tmp_path / "clone", env=variables, capture_output=True, check=False
            ).returncode

        assert fetched("another") != 0
        assert fetched("secret word") == 0
    refs = run_git(tmp_path / "clone", "for-each-ref", "--format=%(refname)").splitlines()
    assert {"refs/heads/data", "refs/archiver/state"} <= {*refs}


def test_a_dry_run_and_a_capture_that_failed_publish_nothing(job: Job) -> None:
    init(job, "--pages", "--github")
    dry = job.act("workflow_dispatch", inputs={"dry-run": "true"})
    assert dry.returncode == 0, dry.stdout
    job.server.misbehave("html")
    failed = job.act()
    assert failed.returncode != 0
    assert not job.published.exists()


def test_an_input_is_never_read_by_a_shell(job: Job, tmp_path: Path) -> None:
    init(job, "--github", "OWNER/REPO@v1")
    spoilt = tmp_path / "spoilt"
    done = job.act(
        "workflow_dispatch", inputs={"source": f"$(touch${{IFS}}{spoilt});`touch {spoilt}`"}
    )
    assert done.returncode != 0
    assert "no source is called" in done.stdout
    assert not spoilt.exists()


def test_a_pull_request_is_told_the_news_and_commits_nothing(job: Job) -> None:
    init(job, "--github")
    (job.repo / ".github/workflows/news.yml").write_text(NEWS)
    done = job.act("pull_request", workflow=".github/workflows/news.yml")
    assert done.returncode == 0, done.stdout
    assert "told=60,false,ok" in done.stdout
    assert "first snapshot (60 models) (dry run)" in done.stdout.replace("\\", "")
    assert job.subjects() == ["Begin"]
    assert "refs/archiver/state" not in run_git(job.origin, "for-each-ref")


def test_this_repositorys_own_workflow_archives_where_there_is_something_to(job: Job) -> None:
    init(job)
    for name in (WORKFLOW, "action.yml"):
        (job.repo / name).parent.mkdir(parents=True, exist_ok=True)
        shutil.copy(CHECKOUT / name, job.repo / name)
    done = job.act()
    assert done.returncode == 0, done.stdout
    assert job.subjects()[0] == "modelscope: first snapshot (60 models)"
    (job.repo / "archiver.toml").unlink()
    without = job.act()
    assert without.returncode == 0
    assert "there is nothing to archive" in without.stdout


def test_a_fork_of_this_project_is_a_working_archive(job: Job) -> None:
    run_git(job.folder, "init", "--bare", "--quiet", "--initial-branch=main", "origin.git")
    run_git(CHECKOUT, "push", "--quiet", str(job.origin), "HEAD:refs/heads/main")
    run_git(job.folder, "clone", "--quiet", str(job.origin), "repo")
    done = job.act()
    assert done.returncode == 0, done.stdout
    assert job.subjects()[0] == "modelscope: first snapshot (60 models)"
    job.update()
    changed = run_git(job.repo, "diff", "--name-only", "HEAD~1", "HEAD").splitlines()
    assert {path.rpartition("_models_")[0] or path for path in changed} == {
        "data/modelscope/latest.json",
        "data/modelscope/CHANGELOG.md",
        "data/modelscope/snapshots/modelscope",
    }
    assert job.act().returncode == 0
    assert job.outcomes() == ["first", "unchanged"]


def test_ci_runs_what_people_run(job: Job) -> None:
    init(job)
    workflow = ".github/workflows/ci.yml"
    (job.repo / workflow).parent.mkdir(parents=True, exist_ok=True)
    shutil.copy(CHECKOUT / workflow, job.repo / workflow)
    script = job.repo / ".ci" / "run"
    script.parent.mkdir()
    script.write_text("#!/bin/sh\necho checked by .ci/run\n")
    script.chmod(0o755)
    done = job.act("push", workflow=workflow)
    assert done.returncode == 0, done.stdout
    assert done.stdout.count("checked by .ci/run") == 3


def workflows(folder: Path) -> Iterator[Path]:
    """Yield this repository's workflows, and those that the program writes or the docs show."""
    yield from (CHECKOUT / ".github" / "workflows").glob("*.yml")
    shown = folder / "docs" / ".github" / "workflows" / "models.yml"
    shown.parent.mkdir(parents=True)
    shown.write_text(checking())
    yield shown
    for name, options in {
        "pip": ["--github"],
        "action": ["--github", f"OWNER/REPO@{'12' * 20}"],
        "pip and pages": ["--github", "--pages"],
        "action and pages": ["--pages", "--github", f"OWNER/REPO@{'12' * 20}"],
    }.items():
        target = folder / name
        done = CliRunner().invoke(archiver, ["init", str(target), *options])
        assert done.exit_code == 0, done.output
        yield target / WORKFLOW


def checking() -> str:
    """Return the workflow that the docs show for ``archiver check``."""
    page = (CHECKOUT / "docs" / "automation.md").read_text("utf-8")
    _, _, rest = page.partition("```yaml\n# .github/workflows/models.yml\n")
    return rest.partition("```")[0]


def test_what_the_docs_upload_has_places_in_the_repository(tmp_path: Path) -> None:
    (tmp_path / "models.txt").write_text("org/gone\n")
    (tmp_path / "feed.json").write_text('[{"id": "org/here"}]')
    feed = ("--source", "hub", "--url", str(tmp_path / "feed.json"), "--key", "id")
    archive = tmp_path / "archive"
    assert CliRunner().invoke(archiver, ["init", str(archive), *feed]).exit_code == 0
    run_git(archive, "config", "user.name", "me")
    run_git(archive, "config", "user.email", "me@example.org")
    assert CliRunner().invoke(archiver, ["run", "--repo", str(archive)]).exit_code == 0
    (command,) = re.findall(r"- run: archiver (check .*)", checking())
    done = subprocess.run(
        [str(BIN / "archiver"), *command.split()], cwd=tmp_path, capture_output=True, check=False
    )
    assert done.returncode == 1
    (run,) = json.loads((tmp_path / "check.sarif").read_text())["runs"]
    (result,) = run["results"]
    place = result["locations"][0]["physicalLocation"]
    assert place == {"artifactLocation": {"uri": "models.txt"}, "region": {"startLine": 1}}


@pytest.mark.parametrize(
    "linter",
    [
        ("zizmor", "--offline", "--persona=pedantic"),
        ("jactionlint", "--shellcheck="),
        ("check-jsonschema", "--builtin-schema", "vendor.github-workflows"),
    ],
    ids=lambda linter: linter[0],
)
def test_every_workflow_is_clean(linter: tuple[str, ...], tmp_path: Path) -> None:
    for workflow in workflows(tmp_path):
        command = [str(BIN / linter[0]), *linter[1:], str(workflow)]
        done = subprocess.run(command, capture_output=True, text=True, check=False)
        assert done.returncode == 0, done.stdout + done.stderr


def test_the_pipeline_of_gitlab_is_clean(tmp_path: Path) -> None:
    for name, options in {"plain": ["--gitlab"], "pages": ["--gitlab", "--pages"]}.items():
        done = CliRunner().invoke(archiver, ["init", str(tmp_path / name), *options])
        assert done.exit_code == 0, done.output
        command = [str(BIN / "check-jsonschema"), "--builtin-schema", "vendor.gitlab-ci"]
        checked = subprocess.run(
            [*command, str(tmp_path / name / ".gitlab-ci.yml")],
            capture_output=True,
            text=True,
            check=False,
        )
        assert checked.returncode == 0, checked.stdout + checked.stderr


def test_the_script_of_gitlab_pages_builds_the_site_of_what_was_captured(tmp_path: Path) -> None:
    """The runner checks out the commit that began the pipeline; the capture is pushed after it."""
    (tmp_path / "feed.json").write_text('[{"id": "org/here"}]')
    feed = ("--source", "hub", "--url", str(tmp_path / "feed.json"), "--key", "id")
    archive, clone, tools = tmp_path / "archive", tmp_path / "clone", tmp_path / "tools"
    options = [str(archive), *feed, "--gitlab", "--pages"]
    assert CliRunner().invoke(archiver, ["init", *options]).exit_code == 0
    run_git(archive, "add", ".")
    run_git(archive, "commit", "--quiet", "-m", "Begin")
    run_git(tmp_path, "clone", "--quiet", str(archive), "clone")
    run_git(clone, "checkout", "--quiet", "--detach")
    assert CliRunner().invoke(archiver, ["run", "--repo", str(archive)]).exit_code == 0
    tools.mkdir()
    (tools / "pip").symlink_to("/bin/true")  # the program is installed
    _, _, pages = (archive / ".gitlab-ci.yml").read_text("utf-8").partition("\npages:")
    script = "\n".join(
        re.findall(r"^    - (.+ .+)$", pages.partition("  script:\n")[2], re.MULTILINE)
    )
    variables = {"PATH": f"{tools}:{BIN}:{os.environ['PATH']}", "HOME": str(tmp_path)}
    variables |= {"CI_COMMIT_BRANCH": "main", "CI_PAGES_URL": ADDRESS}
    done = subprocess.run(
        ["bash", "-e", "-c", script], cwd=clone, env=variables, capture_output=True, check=False
    )
    assert done.returncode == 0, done.stderr
    told = (clone / "public" / "index.json").read_text("utf-8")
    assert run_git(archive, "rev-parse", "HEAD").strip() in told
    assert f"{ADDRESS}/hub/" in (clone / "public" / "sitemap.xml").read_text("utf-8")
    assert (
        len({run_git(each, "rev-parse", "refs/archiver/state") for each in (archive, clone)}) == 1
    )


def test_the_action_is_clean() -> None:
    action = str(CHECKOUT / "action.yml")
    for command in (
        ("zizmor", "--offline", "--persona=pedantic", action),
        ("check-jsonschema", "--builtin-schema", "vendor.github-actions", action),
    ):
        done = subprocess.run(
            [str(BIN / command[0]), *command[1:]], capture_output=True, text=True, check=False
        )
        assert done.returncode == 0, done.stdout + done.stderr
