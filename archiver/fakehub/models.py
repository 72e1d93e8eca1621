"""Made-up models of a hub, with as many owners as a real one, and as unequal."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Final

from archiver.fakehub import words
from archiver.fakehub.catalogue import Dice

START: Final = datetime(2026, 1, 1, tzinfo=UTC)
"""The beginning of day 0, unless a hub has another."""

LICENSES: Final = (
    *("Apache License 2.0",) * 9,
    *("apache-2.0",) * 3,
    *("MIT License",) * 3,
    "mit",
    "other",
    "CC-BY-NC-4.0",
    "openrail",
    "",
)
LIBRARIES: Final = ("pytorch", "safetensors", "diffusers", "gguf", "onnx", "")
TYPES: Final = ("qwen2", "qwen3_moe", "llama", "glm4v", "mistral", "bert", "", "", "")
_STEMS: Final = (
    *(family for family, _ in words.FAMILIES),
    *("qw", "Lumen", "test", "my-model", "baichuan", "Deep", "nova", "mini", "Zephyr"),
    *("chat", "sd-lora", "Flux", "ocr", "yolo", "whisper", "bge", "Image", "wan", "模型"),
)
_OWNER_STEMS: Final = (*words.PLACES, "xiao", "wang", "li", "Zhang", "user", "dev", "ai", "Mr")


@dataclass(slots=True)
class Model:
    """One model; what changes is changed in place.

    Attributes:
        number: Order of creation, from 0.
        id: ``owner/name``.
        tasks: What it does.
        license: As its owner spelled it.
        library: The library that loads it.
        model_type: Its architecture.
        downloads: Counter.
        likes: Counter.
        created: Creation, UTC.
        modified: Last change of files or settings, UTC.
        size: Bytes.
        params: Number of parameters; 0: unknown.
        description: A sentence, mostly none.
        state: ``public``, ``private``, ``gated`` or ``disabled``.
    """

    number: int
    id: str
    tasks: tuple[str, ...]
    license: str
    library: str
    model_type: str
    downloads: int
    likes: int
    created: datetime
    modified: datetime
    size: int
    params: int
    description: str = ""
    state: str = "public"

    @property
    def owner(self) -> str:
        """The part of the id before the slash."""
        return self.id.partition("/")[0]


def owner_of(number: int, models: int) -> int:
    """Return the number of the owner of a model.

    Three fifths of the models belong to few owners (the share of each falls with its rank), the
    others to owners with two or three: 45,000 owners for 250,000 models.
    """
    dice = Dice(7, number)
    group, place = divmod(number, 5)
    if place < 3:  # noqa: PLR2004  three fifths
        return int(max(models // 80, 2) ** dice.fraction()) - 1
    return 10_000_000 + (2 * group + place) * 42 // 100


def model(number: int, models: int, seed: int = 1, start: datetime = START) -> Model:
    """Return model number `number` of a hub that starts with this many `models`, at `start`."""
    dice = Dice(seed, number)
    owner = _owner_name(owner_of(number, models))
    category = dice.choice(words.FAMILIES)[1]
    tasks = () if dice.below(6) == 0 else (category.name, *category.tasks[: dice.below(2)])
    created = start - timedelta(minutes=5 * max(models - number, 0) + dice.below(5))
    modified = created + timedelta(minutes=dice.below(5 * (models - number) + 1))
    params = dice.choice(words.SCALES)[1] if dice.below(3) else 0
    downloads = int(30 / (dice.fraction() + 1e-5))
    return Model(
        number=number,
        id=f"{owner}/{_name(number, dice)}",
        tasks=tasks,
        license=dice.choice(LICENSES),
        library=dice.choice(LIBRARIES),
        model_type=dice.choice(TYPES),
        downloads=downloads,
        likes=downloads // (20 + dice.below(200)),
        created=created,
        modified=min(modified, start),
        size=2 * params + (dice.below(1 << 30) << 3),
        params=params,
        description=dice.choice(words.CHINESE).format(chinese=category.chinese, family="", scale="")
        if dice.below(8) == 0
        else "",
    )


def _owner_name(number: int) -> str:
    dice = Dice(11, number)
    stem = dice.choice(_OWNER_STEMS)
    return f"{stem}{dice.choice(('', '-', '_'))}{_letters(dice)}{number % 1_000_000:x}"


def _name(number: int, dice: Dice) -> str:
    stem, scale = dice.choice(_STEMS), dice.choice(words.SCALES)[0]
    version, variant = dice.choice(words.VERSIONS), dice.choice(words.VARIANTS)
    match dice.below(6):
        case 0:
            return f"{_letters(dice)}{number}"
        case 1:
            return f"{stem}_{_letters(dice)}.{number:x}"
        case 2:
            return f"{stem}-{scale}-{_letters(dice)}-{number:x}"
        case 3:
            return f"{_letters(dice)}-{stem}-{version}-{number:x}"
        case _:
            return f"{stem}-{scale}-{version}{variant}-{number}"


_SYLLABLES: Final = (
    *("ka", "lo", "mi", "ren", "ta", "vo", "shi", "na", "qu", "be", "tor", "el", "in", "dar"),
    *("su", "ze", "po", "ly", "an", "ger", "ox", "ti"),
)


def _letters(dice: Dice) -> str:
    """Return something like a word."""
    return "".join(dice.choice(_SYLLABLES) for _ in range(1 + dice.below(3)))
