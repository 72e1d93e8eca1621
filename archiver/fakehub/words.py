"""The words that made-up records are composed of; no real owner or model is named."""

# ruff: noqa: RUF001 - Chinese sentences have Chinese punctuation

from __future__ import annotations

from typing import NamedTuple


class Category(NamedTuple):
    """A category of models: its name in English and in Chinese, and its tasks."""

    name: str
    chinese: str
    tasks: tuple[str, ...]


TEXT = Category("text-generation", "文本生成", ("chat", "summarization", "code"))
VISION = Category("image-text-to-text", "图文理解", ("visual-question-answering", "ocr"))
IMAGE = Category("text-to-image", "文生图", ("image-generation", "image-editing"))
SPEECH = Category("automatic-speech-recognition", "语音识别", ("transcription", "diarization"))
VOICE = Category("text-to-speech", "语音合成", ("speech-synthesis", "voice-cloning"))
SEARCH = Category("sentence-embedding", "文本向量", ("retrieval", "reranking", "clustering"))
TABLE = Category("time-series-forecasting", "时间序列预测", ("forecasting",))

FAMILIES: tuple[tuple[str, Category], ...] = (
    ("Kestrel", TEXT),
    ("Taiga", TEXT),
    ("Morrow", TEXT),
    ("Basalt", TEXT),
    ("Qingfeng", TEXT),
    ("Yuntai", TEXT),
    ("Hearth", TEXT),
    ("Lodestar", TEXT),
    ("Prism-VL", VISION),
    ("Shanshui-VL", VISION),
    ("Fresco", IMAGE),
    ("Inkstone", IMAGE),
    ("Danqing", IMAGE),
    ("Cicada-ASR", SPEECH),
    ("Tingyu", SPEECH),
    ("Chorus-TTS", VOICE),
    ("Magpie-Embed", SEARCH),
    ("Compass-Rerank", SEARCH),
    ("Tideline", TABLE),
)
PLACES = (
    "amberfield",
    "bluequay",
    "cedarhall",
    "driftwater",
    "eastmoor",
    "fernhollow",
    "greywharf",
    "hanlin",
    "islemark",
    "jianghu",
    "kingsbrae",
    "longjing",
    "millbrook",
    "northlake",
    "oakmere",
    "pinewatch",
    "quillstone",
    "riverbend",
    "shuimu",
    "thornbury",
    "umberly",
    "westlight",
    "xishan",
)
TRADES = ("ai", "labs", "research", "ml", "studio", "nlp", "vision", "open", "community")
SCALES: tuple[tuple[str, int], ...] = (
    ("0.5B", 494_000_000),
    ("1.8B", 1_837_000_000),
    ("3B", 3_086_000_000),
    ("7B", 7_615_000_000),
    ("14B", 14_770_000_000),
    ("32B", 32_760_000_000),
    ("72B", 72_700_000_000),
)
VERSIONS = ("v1", "v1.1", "v1.5", "v2", "v2.1", "v2.5", "v3", "v3.1", "2511", "2602")
VARIANTS = (
    "",
    "-Base",
    "-Chat",
    "-Instruct",
    "-Lite",
    "-GGUF",
    "-AWQ",
    "-Int4",
    "-LoRA",
    "-Distill",
)
LICENSES = ("apache-2.0", "mit", "cc-by-4.0", "cc-by-nc-4.0", "openrail", "gpl-3.0", "other")
TAGS = (
    "safetensors",
    "pytorch",
    "onnx",
    "zh",
    "en",
    "multilingual",
    "quantized",
    "long-context",
    "fine-tuned",
    "region:cn",
    "region:us",
    "edge",
)
ENGLISH = (
    "A {scale} model.",
    "{family}, stage two",
    "One card | 4 bit",
    '"small", 128k',
    "Converted.",
)
CHINESE = (
    "{chinese}，{scale}",
    "轻量{chinese}",
    "{family}：附评测",
)
