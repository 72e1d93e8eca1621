"""Which records of several sources are one: the surest evidence first."""

from __future__ import annotations

from collections import Counter
from time import process_time
from typing import TYPE_CHECKING

from hypothesis import given, settings
from hypothesis import strategies as st

from archiver.changes.aliases import Aliases, Rule, folded, loose, pair
from archiver.changes.pairing import Claimed, Named, Pairing

if TYPE_CHECKING:
    from collections.abc import Iterable

    from archiver.changes.aliases import Weakest

SOURCES = ("a", "b", "c")


def paired(
    *names: str,
    gone: Iterable[str] = (),
    rules: Iterable[str] = (),
    pairs: Iterable[tuple[str, ...]] = (),
    weakest: Weakest = "name",
) -> set[tuple[str, ...]]:
    """Return the groups of two records and more, each with its evidence at the end.

    Names are ``source:key``; those that are gone stand in `gone`.
    """
    aliases = Aliases(
        [Rule.read(text, SOURCES) for text in rules], [pair(each, SOURCES) for each in pairs]
    )
    everything = [*names, *gone]
    found = []
    claims = []
    for id_, name in enumerate(everything):
        source, _, key = name.partition(":")
        found.append((loose(folded(key)), SOURCES.index(source), key, id_ >= len(names), id_))
        claims += [
            Claimed(
                loose(claim.key if claim.level == "rule" else folded(claim.key)),
                SOURCES.index(claim.source),
                claim.key,
                id_,
                claim.level,
                claim.number,
            )
            for claim in aliases.of(source, key)
        ]
    found.sort()
    pairing = Pairing(map(Named._make, found), sorted(claims), total=len(found), weakest=weakest)
    groups = set()
    for position in range(len(pairing)):
        members = pairing.members(position)
        if len(members) > 1 and members[0] == position:
            names_ = sorted(everything[found[each][4]] for each in members)
            groups.add((*names_, *sorted({link.level for link in pairing.links(members)})))
            assert len(list(pairing.links(members))) == len(members) - 1
    return groups


def test_equal_keys_are_one() -> None:
    assert paired("a:o/x", "b:o/x", "b:o/y") == {("a:o/x", "b:o/x", "key")}


def test_keys_that_differ_in_case_or_unicode_form_are_one() -> None:
    assert paired("a:O/X", "b:o/x") == {("a:O/X", "b:o/x", "case")}
    assert paired("a:o/\ufb01", "b:o/fi") == {("a:o/\ufb01", "b:o/fi", "case")}


def test_names_of_one_owner_are_one_whatever_separates_their_words() -> None:
    assert paired("a:o/x-1", "b:O/X_1") == {("a:o/x-1", "b:O/X_1", "name")}
    assert paired("a:o/x", "b:p/x") == set()


def test_a_name_that_fits_several_records_pairs_none() -> None:
    assert paired("a:o/x1", "b:o/x-1", "b:o/x_1") == set()
    assert paired("a:o/x", "b:O/x", "b:o/X") == set()


def test_an_equal_key_is_surer_than_a_name_that_fits_two() -> None:
    assert paired("a:o/x", "b:o/x", "b:O/x") == {("a:o/x", "b:o/x", "key")}


def test_a_pair_is_surer_than_an_equal_key() -> None:
    found = paired("a:x", "b:x", "b:y", pairs=[("a:x", "b:y")])
    assert found == {("a:x", "b:y", "pair")}


def test_a_rule_is_surer_than_an_equal_key_and_applies_apart_from_case() -> None:
    found = paired("a:m/x", "b:m/x", "b:O/X", rules=["a:m/* = b:o/*"])
    assert found == {("a:m/x", "b:O/X", "rule")}


def test_of_rules_that_fit_the_first_with_such_a_record_decides() -> None:
    rules = ["a:m/* = b:none/*", "a:m/* = b:one/*", "a:m/* = b:two/*"]
    assert paired("a:m/x", "b:two/x", "b:one/x", rules=rules) == {("a:m/x", "b:one/x", "rule")}


def test_what_is_there_under_another_name_is_not_called_gone() -> None:
    assert paired("a:o/x", "b:O/X", gone=["b:o/x"]) == {("a:o/x", "b:O/X", "case")}


def test_what_is_gone_is_paired_by_key_and_never_by_a_loose_name() -> None:
    assert paired("a:o/x", gone=["b:o/x"]) == {("a:o/x", "b:o/x", "key")}
    assert paired("a:o/x-1", gone=["b:o/x1"]) == set()


def test_a_record_of_three_sources_is_one() -> None:
    found = paired("a:o/x", "b:o/x", "c:O/x")
    assert found == {("a:o/x", "b:o/x", "c:O/x", "case", "key")}


def test_the_weakest_evidence_can_be_said() -> None:
    names = ("a:o/k", "b:o/k", "a:o/C", "b:o/c", "a:o/n-1", "b:o/n1")
    assert len(paired(*names, weakest="name")) == 3
    assert len(paired(*names, weakest="case")) == 2
    assert len(paired(*names, weakest="key")) == 1
    assert paired(*names, weakest="rule") == set()


_NAMES = st.lists(
    st.tuples(st.sampled_from(SOURCES), st.text("aAbB-_/.*:", min_size=1, max_size=4)),
    unique=True,
    max_size=25,
)


@settings(max_examples=200)
@given(_NAMES, st.integers(0, 25))
def test_no_group_has_two_records_of_a_source(names: list[tuple[str, str]], cut: int) -> None:
    texts = [":".join(each) for each in names]
    rules = ["a:a* = b:*b", "b:* = c:A*"]
    for group in paired(*texts[:cut], gone=texts[cut:], rules=rules):
        sources = Counter(name.partition(":")[0] for name in group if ":" in name)
        assert max(sources.values()) == 1


def test_any_number_of_records_of_one_loose_name_take_linear_time() -> None:
    def seconds(number: int) -> float:
        marks = str.maketrans("01", "-_")
        keys = [f"{each:b}x".translate(marks) for each in range(number)]
        names = [f"{source}:{key}" for key in keys for source in "ab"]
        began = process_time()
        assert len(paired(*names, rules=["a:* = b:*"])) == number
        return process_time() - began

    seconds(100)
    assert seconds(8000) < 20 * max(seconds(800), 0.02)
