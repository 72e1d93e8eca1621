"""Go on from another repository: begin a new one with its newest files, and fetch its history.

The address comes from a file of the branch, so nobody has vouched for it. Nothing is fetched
unless a person asks; only protocols that run no program are taken, and what arrives counts for
nothing but the objects that the first commit's trailer names by their hash.
"""

from __future__ import annotations

import os
import tempfile
from contextlib import suppress
from dataclasses import replace
from typing import IO, TYPE_CHECKING, Final, cast

from archiver.errors import StoreError
from archiver.language import sentence
from archiver.store.clone import refuse
from archiver.store.commit import writing
from archiver.store.durable import disk_errors, write_whole
from archiver.store.joined import BASE, FETCHED, mark
from archiver.store.plumbing import Answer, failed
from archiver.store.repository import BRANCHES, STATE_REF
from archiver.store.transfer import FETCH, PROTOCOLS, causes, hidden, networked, transfer

if TYPE_CHECKING:
    from collections.abc import Collection, Iterable, Mapping
    from datetime import datetime

    from archiver.store.change import Identity
    from archiver.store.joined import Join
    from archiver.store.plumbing import Plumbing
    from archiver.store.repository import Repository

_AS_THEY_ARE: Final = "* -text -eol -filter -ident -working-tree-encoding\n"
"""Attributes under which git writes files byte for byte."""


def fetch(repository: Repository, address: str, commit: str, variables: Mapping[str, str]) -> None:
    """Fetch one commit with all that it stands on, unless it is here.

    Args:
        repository: Where to.
        address: A URL, or the absolute path of a folder.
        commit: Full id.
        variables: The environment, for how to reach it; git finds the credentials.

    Raises:
        ConfigError: The URL has another protocol.
        StoreError: It cannot be fetched.
    """
    ref = FETCHED + commit
    if repository.tip(ref) == commit:
        return
    if not address.startswith("/"):
        refuse(address)
    git = networked(repository.plain, variables)
    allowed = ("GIT_ALLOW_PROTOCOL", ":".join(PROTOCOLS))
    safe = ("protocol.version=2", "transfer.fsckObjects=true", "fetch.negotiationAlgorithm=noop")
    options = (word for each in safe for word in ("-c", each))
    git = replace(git, options=(*git.options, *options), variables=(*git.variables, allowed))
    answer = transfer(git, "fetch", *FETCH, "--no-write-commit-graph", address, f"{commit}:{ref}")
    if answer.code:
        words = next(causes(answer.err), sentence("git does not say why"))
        raise StoreError(
            sentence(
                "the previous repository {address} cannot be fetched: {words}",
                address=hidden(address, [address]),
                words=hidden(words, [address]),
            ),
            hint=sentence("where it moved, say so: archiver rollover --fetch --previous URL"),
        )


def join(repository: Repository, joins: Collection[Join]) -> None:
    """Let reading go on from each first commit to what it goes on from, and to nothing else.

    Args:
        repository: The repository, which has all of these commits.
        joins: What is joined, the newest repository first.
    """
    git = repository.plain
    with writing(repository):
        known = os.fsdecode(git.run("for-each-ref", "--format=%(refname)", BASE)).split()
        lines = [f"delete {ref}" for ref in known if ref.removeprefix(BASE) not in _firsts(joins)]
        lines += [f"update {BASE}{each.first} {_standing_on(repository, each)}" for each in joins]
        git.run("update-ref", "--stdin", stdin="".join(f"{line}\n" for line in lines).encode())
        content = "".join(f"{each.first} {each.previous}\n" for each in joins)
        with disk_errors():
            write_whole(mark(repository.common_dir), (content.encode(),))


def _firsts(joins: Iterable[Join]) -> set[str]:
    return {each.first for each in joins}


def _standing_on(repository: Repository, join: Join) -> str:
    """Write the first commit once more, with a parent, and return that object's id."""
    with repository.objects() as reader:
        tree, _, rest = reader.read(join.first).partition(b"\n")
    content = b"%s\nparent %s\n%s" % (tree, join.previous.encode(), rest)
    command = ("hash-object", "-t", "commit", "-w", "--stdin")
    return repository.plain.run(*command, stdin=content).decode().strip()


def begin(
    new: Repository,
    old: Repository,
    tip: str,
    *,
    removed: Collection[str],
    added: Mapping[str, bytes],
    message: str,
    author: Identity,
    authored_at: datetime,
    committed_at: datetime,
) -> str:
    """Write the first commit of a new repository: the files of a commit of an old one.

    What runs remember comes along. Nobody else knows the new repository yet; nothing is written
    in the old one.

    Args:
        new: The new repository, on an unborn branch.
        old: The old one.
        tip: Full id of the commit.
        removed: Files that do not come along.
        added: Path to content of further files.
        message: The message.
        author: Who commits.
        authored_at: Author date.
        committed_at: Committer date.

    Returns:
        The new commit's full id.
    """
    state = old.tip(STATE_REF)
    _copy(new, old, [each for each in (tip, state) if each], removed)
    git = new.git
    git.run("read-tree", old.plain.line("rev-parse", f"{tip}^{{tree}}"))
    gone = "".join(f"{path}\0" for path in removed).encode("utf-8", "surrogateescape")
    git.run("update-index", "-z", "--force-remove", "--stdin", stdin=gone)
    for path, content in added.items():
        blob = git.run("hash-object", "-t", "blob", "-w", "--stdin", stdin=content).decode().strip()
        git.run("update-index", "--add", "--cacheinfo", f"100644,{blob},{path}")
    signatures = (
        f"author {author.signature(authored_at)}\ncommitter {author.signature(committed_at)}\n"
    )
    commit = _commit(git, git.line("write-tree"), signatures, message)
    moves = [f"create {BRANCHES}{new.branch(None).removeprefix(BRANCHES)} {commit}"]
    if state:
        tree = old.plain.line("rev-parse", f"{state}^{{tree}}")
        words = "Remember the state of the archive\n"
        moves.append(f"create {STATE_REF} {_commit(git, tree, signatures, words)}")
    git.run("update-ref", "--stdin", stdin="".join(f"{line}\n" for line in moves).encode())
    _write_files(new)
    return commit


def _commit(git: Plumbing, tree: str, signatures: str, message: str) -> str:
    content = f"tree {tree}\n{signatures}\n{message.rstrip()}\n".encode()
    return git.run("hash-object", "-t", "commit", "-w", "--stdin", stdin=content).decode().strip()


def _copy(
    new: Repository, old: Repository, commits: Iterable[str], removed: Collection[str]
) -> None:
    """Copy the files and folders of commits, as one pack and without what came before."""
    wanted: dict[str, str] = {}
    for commit in commits:
        wanted[old.plain.line("rev-parse", f"{commit}^{{tree}}")] = ""
        out = old.plain.run("ls-tree", "-r", "-t", "-z", "--full-tree", commit)
        for row in out.split(b"\0")[:-1]:
            meta, _, name = os.fsdecode(row).partition("\t")
            _, kind, oid = meta.split()
            if kind != "commit" and name not in removed:  # a submodule is elsewhere
                wanted[oid] = name
    if old.promised:
        old.promised.bring_all(wanted)
    with tempfile.TemporaryFile() as ids:
        lines = (f"{oid} {name}".replace("\n", " ") for oid, name in wanted.items())
        ids.write("".join(f"{line}\n" for line in lines).encode("utf-8", "surrogateescape"))
        ids.seek(0)
        command = ("pack-objects", "--stdout", "--quiet", "--delta-base-offset", "--window=0")
        packing = old.plain.start(*command, stdin=ids)
        pack = cast("IO[bytes]", packing.stdout)
        with packing, new.git.start("index-pack", "--stdin", stdin=pack) as taking:
            pack.close()  # else pack-objects would not learn that index-pack ended early
            words = taking.communicate()[1]
            errors = packing.stderr.read() if packing.stderr else b""
        for child, name, said in (
            (packing, "pack-objects", errors),
            (taking, "index-pack", words),
        ):
            if child.returncode:
                failed(name, Answer(child.returncode, b"", said.decode(errors="replace").strip()))


def _write_files(new: Repository) -> None:
    """Write the work tree, byte for byte: no attribute changes what was archived."""
    attributes = new.git_dir / "info" / "attributes"
    with disk_errors():
        attributes.parent.mkdir(exist_ok=True)
        attributes.write_text(_AS_THEY_ARE, encoding="ascii")
        new.git.run("checkout-index", "--all", "--quiet")
        new.git.ask("update-index", "-q", "--refresh")
        attributes.unlink()
        with suppress(OSError):
            attributes.parent.rmdir()
