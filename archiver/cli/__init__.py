"""The command line: parse, one call to a use case, print, exit code.

The table of commands is static, and a command's module is imported when the command runs:
``archiver --help`` and completion cost little more than click itself.
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any, NamedTuple

import click

from archiver import __version__
from archiver.cli import language
from archiver.cli.failure import reported
from archiver.cli.output import fetches, note_warnings, prepare_streams
from archiver.errors import suggestion
from archiver.language import said, sentence, tr

if TYPE_CHECKING:
    from click.shell_completion import CompletionItem


class Entry(NamedTuple):
    """Where a command lives, as ``module:attribute`` below archiver.cli, and what it does."""

    place: str
    help: str


GROUPS = {
    sentence("Capture"): {
        "init": Entry("setup:init", sentence("Make a data repository, or add a source to one.")),
        "run": Entry(
            "capture:run", sentence("Capture sources: fetch, check, commit, show what changed.")
        ),
        "inspect": Entry(
            "inspect:inspect", sentence("Say how a document can be archived, and write its table.")
        ),
        "import": Entry(
            "capture:import_", sentence("Turn old files or another history into commits.")
        ),
        "clone": Entry(
            "clone:clone", sentence("Clone an archive to read it, without its content.")
        ),
        "watch": Entry("jobs:watch", sentence("Run sources again and again by a schedule.")),
        "schedule": Entry(
            "jobs:schedule", sentence("Print a systemd unit, a crontab line or a workflow.")
        ),
    },
    sentence("Questions"): {
        "compare": Entry("history:compare", sentence("Compare two revisions, dates or files.")),
        "changes": Entry("history:changes", sentence("Show what changed in a period.")),
        "log": Entry("history:log", sentence("Show the history as a changelog, newest first.")),
        "changelog": Entry(
            "changelog:changelog", sentence("Render the history as a changelog in Markdown.")
        ),
        "show": Entry("show:show", sentence("Show one record and its timeline.")),
        "search": Entry("catalogue:search", sentence("Find records by words.")),
        "list": Entry("catalogue:list_", sentence("List the records.")),
        "export": Entry(
            "catalogue:export", sentence("Write the catalogue, or changes, in another format.")
        ),
        "across": Entry(
            "across:across", sentence("Show where records are in several sources, and differ.")
        ),
        "site": Entry(
            "site:site", sentence("Make a site of static files, to look at and to publish.")
        ),
        "report": Entry("report:report", sentence("Review a month or another period, for people.")),
        "top": Entry("top:top", sentence("List the largest movers of a metric.")),
        "churn": Entry("churn:churn", sentence("Tell which fields and records change how often.")),
        "sql": Entry("sql:sql", sentence("Ask the history in SQL.")),
        "serve": Entry("serve:serve", sentence("Serve the site of the archive on this machine.")),
    },
    sentence("Alerts"): {
        "check": Entry(
            "check:check", sentence("End with 1 if a record you depend on is gone or changed.")
        ),
        "feed": Entry("feed:feed", sentence("Write a feed of what changes: Atom or JSON Feed.")),
        "status": Entry(
            "jobs:status", sentence("Show when the job last worked, and the archive's size.")
        ),
        "notify": Entry("jobs:notify", sentence("Send a test message to every channel.")),
    },
    sentence("Maintenance"): {
        "index": Entry("index:index", sentence("Make or update a database that answers at once.")),
        "prune": Entry(
            "maintenance:prune", sentence("Remove old stamped files; history keeps everything.")
        ),
        "migrate": Entry(
            "layout:migrate", sentence("Keep a catalogue in another number of files.")
        ),
        "pack": Entry("layout:pack", sentence("Make git's storage as small as it gets.")),
        "revert": Entry("maintenance:revert", sentence("Revert a bad capture by a new commit.")),
        "rollover": Entry(
            "rollover:rollover", sentence("Go on in a new repository from the newest snapshots.")
        ),
        "diff-driver": Entry(
            "diff_driver:diff_driver", sentence("Let git log -p show changes of records.")
        ),
        "verify": Entry("maintenance:verify", sentence("Read every snapshot again and check it.")),
    },
    sentence("Help and trials"): {
        "demo": Entry("demo:demo", sentence("Play the whole story in a temporary folder.")),
        "fakehub": Entry(
            "fakehub:fakehub", sentence("Run a made-up hub here, also one that misbehaves.")
        ),
        "sources": Entry(
            "setup:sources", sentence("List the configured sources and the types there are.")
        ),
        "schema": Entry("setup:schema", sentence("Print the JSON Schema of a public form.")),
        "completion": Entry(
            "setup:completion", sentence("Print the completion script of a shell.")
        ),
    },
}
COMMANDS = {name: entry for group in GROUPS.values() for name, entry in group.items()}
_COLUMN = max(map(len, COMMANDS))


class LazyGroup(click.Group):
    """A group that knows its commands by name and help, and imports the one that runs."""

    context_class = language.Context

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
        return language.translated(command)

    def resolve_command(
        self, ctx: click.Context, args: list[str]
    ) -> tuple[str | None, click.Command | None, list[str]]:
        """Refuse an unknown name with the nearest one."""
        name = args[0]
        if not ctx.resilient_parsing and ctx.params["lang"] is None:
            language.of_archive(args)
        if name in COMMANDS or name.startswith("-") or ctx.resilient_parsing:
            return super().resolve_command(ctx, args)
        raise click.UsageError(
            tr(
                'no command is called "{name}"{suggestion}',
                name=name,
                suggestion=suggestion(name, COMMANDS),
            ),
            ctx,
        )

    def format_help(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        """Write the help in the language of the reader, as of any command."""
        click.Group.format_help(language.translated(self), ctx, formatter)

    def format_commands(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:  # noqa: ARG002 - click's signature
        """Write the table of commands without importing any."""
        for title, group in GROUPS.items():
            with formatter.section(said(title)):
                rows = [(f"{name:<{_COLUMN}}", said(entry.help)) for name, entry in group.items()]
                formatter.write_dl(rows)

    def shell_complete(self, ctx: click.Context, incomplete: str) -> list[CompletionItem]:
        """Complete names without importing any command."""
        from click.shell_completion import CompletionItem  # noqa: PLC0415 - completion only

        return [
            *(
                CompletionItem(name, help=said(entry.help))
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
            language.of_environment()
            return super().make_context(info_name, args, parent, **extra)

    def invoke(self, ctx: click.Context) -> object:
        """Run the command; every failure ends in `failure`."""
        with reported(debug=ctx.params["debug"]):
            note_warnings()
            with fetches():
                return super().invoke(ctx)


@click.group(
    cls=LazyGroup,
    context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 100},
    epilog="\b\nExample:\n  $ archiver demo",
)
@click.version_option(__version__, "-V", "--version", message="archiver %(version)s")
@click.option(
    "--lang",
    envvar=language.VARIABLE,
    is_eager=True,
    callback=language.asked,
    metavar="LANG",
    help="Speak this language: en, zh.  [default: lang in archiver.toml, else the locale's]",
)
@click.option(
    "--plain",
    envvar="ARCHIVER_PLAIN",
    is_flag=True,
    is_eager=True,
    callback=language.plainly,
    help="Text to be read aloud, or in a log: words, no symbols, colours or tables.",
)
@click.option("--debug", is_flag=True, help="Show the traceback of an error.")
def archiver(**_asked: object) -> None:  # what was asked for is read by LazyGroup
    """Keep the trustworthy history of a catalogue in git, and answer questions about it."""


def main() -> None:
    """Run the command line of this process and end with its exit code."""
    prepare_streams()
    archiver.main(prog_name="archiver")
