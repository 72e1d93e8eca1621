"""Hypothesis strategies: JSON values, records, catalogues, policies."""

from __future__ import annotations

from typing import TYPE_CHECKING, TypeAlias

from hypothesis import settings
from hypothesis import strategies as st

from archiver.records.model import Json, Record
from archiver.records.policy import Policy

if TYPE_CHECKING:
    from hypothesis.strategies import SearchStrategy

# No test is timed: the first example of a law pays for imports.
settings.register_profile("untimed", settings.default, deadline=None)
settings.load_profile("untimed")

Catalogue: TypeAlias = dict[str, Record]
"""Records by key."""

TRICKY_TEXTS = (
    "",
    "@key",
    "a/b",
    "~",
    "~1",
    "a.b",
    '"',
    "\\",
    "],\n{",
    ",\n",
    "\n]\n}\n",
    "__class__",
    "\u2028",
    "\x00\x1b[31m",
    "e\u0301",
    "\u00e9",
    "模型",
    "\U0001f600",
    "\uffff",
    "=1+1",
    "true",
    "1",
)
LOOKALIKES = (True, 1, 1.0, False, 0, -0.0, None, 220.0, 220, 1e2)
LONG_NUMBERS = (2**53, 2**53 + 1, 2**64, -(2**64) - 1, 10**21, 1e21, 1e22, 1e-6, 1e-7, 5e-324)
FIELDS = ("name", "downloads", "tags", "stats", "a/b", "~", "__private__", "size", "名称")

texts: SearchStrategy[str] = st.text(max_size=8) | st.sampled_from(TRICKY_TEXTS)
finite_floats: SearchStrategy[float] = st.floats(allow_nan=False, allow_infinity=False)
numbers: SearchStrategy[int | float] = st.integers() | finite_floats | st.sampled_from(LONG_NUMBERS)
atoms: SearchStrategy[Json] = st.sampled_from(LOOKALIKES) | numbers | texts


def nested(values: SearchStrategy[Json]) -> SearchStrategy[Json]:
    """Return lists and objects of `values`."""
    return st.lists(values, max_size=3) | st.dictionaries(texts, values, max_size=3)


json_values: SearchStrategy[Json] = st.recursive(atoms, nested, max_leaves=6)

keys: SearchStrategy[str] = st.sampled_from(("a", "a!", "a/b", "b", "B", "模", "\U0001f600")) | (
    texts.filter(bool)
)
"""Keys of records, few enough that two catalogues have many in common."""

records: SearchStrategy[Record] = st.dictionaries(
    st.sampled_from(FIELDS) | texts.filter(lambda name: name not in {"@key", "id"}),
    json_values,
    max_size=4,
)
"""Records without their key."""


@st.composite
def catalogues(draw: st.DrawFn) -> Catalogue:
    """Draw records by their ``id``, in no order."""
    drawn: Catalogue = draw(st.dictionaries(keys, records, max_size=6))
    return {key: {**record, "id": key} for key, record in drawn.items()}


@st.composite
def two_catalogues(draw: st.DrawFn) -> tuple[Catalogue, Catalogue]:
    """Draw a catalogue and a later version of it: some records kept, edited, removed or added."""
    old, other = draw(catalogues()), draw(catalogues())
    kept = {key: record for key, record in old.items() if draw(st.booleans())}
    edited = {
        key: {**record, draw(st.sampled_from(FIELDS)): draw(json_values)}
        for key, record in kept.items()
        if draw(st.booleans())
    }
    return old, other | kept | edited


paths: SearchStrategy[str] = st.sampled_from(
    ("name", "downloads", "tags", "stats", "stats.likes", "tags.*", "*.a", "size")
)
path_lists: SearchStrategy[tuple[str, ...]] = st.lists(paths, max_size=2).map(tuple)

policies: SearchStrategy[Policy] = st.builds(
    Policy,
    key=st.just(("id",)),
    metrics=path_lists,
    volatile=path_lists,
    sets=path_lists,
    tolerance=st.dictionaries(paths, st.floats(0, 10), max_size=2),
)
