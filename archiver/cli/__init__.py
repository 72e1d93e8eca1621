"""The command line: parse, one call to a use case, print, exit code.

The table of commands is static, and a command's module is imported when the command runs:
``archiver --help`` and completion cost little more than click itself.
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any, NamedTuple

import click

from archiver import __version__
from archiver.cli.failure import reported
from archiver.cli.output import note_warnings, prepare_streams
from archiver.errors import suggestion

if TYPE_CHECKING:
    from click.shell_completion import CompletionItem


class Entry(NamedTuple):
    """Where a command lives, as ``module:attribute`` below archiver.cli, and what it does."""

    place: str
    help: str


GROUPS = {
    "Capture": {
        "init": Entry("setup:init", "Make a data repository, or add a source to one."),
        "run": Entry("capture:run", "Capture sources: fetch, check, commit, show what changed."),
        "import": Entry("capture:import_", "Turn old files or another history into commits."),
        "watch": Entry("jobs:watch", "Run sources again and again by a schedule."),
        "schedule": Entry("jobs:schedule", "Print a systemd unit, a crontab line or a workflow."),
    },
    "Questions": {
        "compare": Entry("history:compare", "Compare two revisions, dates or files."),
        "changes": Entry("history:changes", "Show what changed in a period."),
        "log": Entry("history:log", "Show the history as a changelog, newest first."),
        "changelog": Entry("changelog:changelog", "Render the history as a changelog in Markdown."),
        "show": Entry("show:show", "Show one record and its timeline."),
        "search": Entry("catalogue:search", "Find records by words."),
        "list": Entry("catalogue:list_", "List the records."),
        "export": Entry("catalogue:export", "Write the catalogue, or changes, in another format."),
        "site": Entry("site:site", "Make a site of static files, to look at and to publish."),
        "report": Entry("report:report", "Review a month or another period, for people."),
        "top": Entry("top:top", "List the largest movers of a metric."),
        "churn": Entry("churn:churn", "Tell which fields and records change how often."),
        "sql": Entry("sql:sql", "Ask the history in SQL."),
        "serve": Entry("serve:serve", "Serve the site of the archive on this machine."),
    },
    "Alerts": {
        "check": Entry("check:check", "End with 1 if a record you depend on is gone or changed."),
        "feed": Entry("feed:feed", "Write a feed of what changes: Atom or JSON Feed."),
        "status": Entry("jobs:status", "Show when the job last worked, and the archive's size."),
        "notify": Entry("jobs:notify", "Send a test message to every channel."),
    },
    "Maintenance": {
        "index": Entry("index:index", "Make or update a database that answers at once."),
        "prune": Entry("maintenance:prune", "Remove old stamped files; history keeps everything."),
        "revert": Entry("maintenance:revert", "Revert a bad capture by a new commit."),
        "diff-driver": Entry("diff_driver:diff_driver", "Let git log -p show changes of records."),
        "verify": Entry("maintenance:verify", "Read every snapshot again and check it."),
    },
    "Help and trials": {
        "demo": Entry("demo:demo", "Play the whole story in a temporary folder."),
        "fakehub": Entry("fakehub:fakehub", "Run a made-up hub here, also one that misbehaves."),
        "sources": Entry("setup:sources", "List the configured sources and the types there are."),
        "schema": Entry("setup:schema", "Print the JSON Schema of a public form."),
        "completion": Entry("setup:completion", "Print the completion script of a shell."),
    },
}
COMMANDS = {name: entry for group in GROUPS.values() for name, entry in group.items()}
_COLUMN = max(map(len, COMMANDS))


class LazyGroup(click.Group):
    """A group that knows its commands by name and help, and imports the one that runs."""

    def list_commands(self, ctx: click.Context) -> list[str]:  # noqa: ARG002 - click's signature
        """Return the names in the order of the table."""
        return list(COMMANDS)

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:  # noqa: ARG002 - click's signature
        """Import and return the command, or None if there is none of this name."""
        if cmd_name not in COMMANDS:
            return None
        module, _, attribute = COMMANDS[cmd_name].place.partition(":")
        command = getattr(import_module(f"archiver.cli.{module}"), attribute)
        assert isinstance(command, click.Command)  # noqa: S101 - the table is ours
        return command

    def resolve_command(
        self, ctx: click.Context, args: list[str]
    ) -> tuple[str | None, click.Command | None, list[str]]:
        """Refuse an unknown name with the nearest one."""
        name = args[0]
        if name in COMMANDS or name.startswith("-") or ctx.resilient_parsing:
            return super().resolve_command(ctx, args)
        raise click.UsageError(f'no command is called "{name}"{suggestion(name, COMMANDS)}', ctx)

    def format_commands(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:  # noqa: ARG002 - click's signature
        """Write the table of commands without importing any."""
        for title, group in GROUPS.items():
            with formatter.section(title):
                rows = [(f"{name:<{_COLUMN}}", entry.help) for name, entry in group.items()]
                formatter.write_dl(rows)

    def shell_complete(self, ctx: click.Context, incomplete: str) -> list[CompletionItem]:
        """Complete names without importing any command."""
        from click.shell_completion import CompletionItem  # noqa: PLC0415 - completion only

        return [
            *(
                CompletionItem(name, help=entry.help)
                for name, entry in COMMANDS.items()
                if name.startswith(incomplete)
            ),
            *click.Command.shell_complete(self, ctx, incomplete),
        ]

    def make_context(
        self,
        info_name: str | None,
        args: list[str],
        parent: click.Context | None = None,
        **extra: Any,
    ) -> click.Context:
        """Parse; ``--help`` and ``--version`` write here."""
        with reported(debug=False):
            return super().make_context(info_name, args, parent, **extra)

    def invoke(self, ctx: click.Context) -> object:
        """Run the command; every failure ends in `failure`."""
        with reported(debug=ctx.params["debug"]):
            note_warnings()
            return super().invoke(ctx)


@click.group(
    cls=LazyGroup,
    context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 100},
    epilog="\b\nExample:\n  $ archiver demo",
)
@click.version_option(__version__, "-V", "--version", message="archiver %(version)s")
@click.option("--debug", is_flag=True, help="Show the traceback of an error.")
def archiver(debug: bool) -> None:  # noqa: FBT001 - read by LazyGroup.invoke
    """Keep the trustworthy history of a catalogue in git, and answer questions about it."""


def main() -> None:
    """Run the command line of this process and end with its exit code."""
    prepare_streams()
    archiver.main(prog_name="archiver")
