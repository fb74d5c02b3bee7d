import itertools
import json
import random
from pathlib import Path
from types import MappingProxyType
from typing import Any, Literal

import pytest
import torch

from reader.models.grammar import Grammars, Matcher, mask_scores
from tests.tiny_models import SPECIAL, tiny_tokenizer

ENDS = [SPECIAL.index("<|im_end|>"), SPECIAL.index("</s>")]
# A model's scores are often wider than its tokenizer.
WIDTH = 1216

NUMBER = {"type": "integer", "minimum": 1, "maximum": 12}
SCHEMAS: list[dict[str, Any]] = [
    {"enum": ["search", "walk, then stop", "naïve “☃”"]},
    {"type": "boolean"},
    {
        "type": "object",
        "properties": {
            "ids": {"type": "array", "items": NUMBER, "maxItems": 4},
            "why": {"type": "string", "maxLength": 20},
            "enough": {"type": "boolean"},
        },
        "required": ["ids", "why", "enough"],
        "additionalProperties": False,
    },
    {
        "anyOf": [
            {"type": "null"},
            {
                "type": "object",
                "properties": {"n": {"$ref": "#/$defs/n"}},
                "required": ["n"],
                "additionalProperties": False,
            },
        ],
        "$defs": {"n": {"const": 7}},
    },
]


@pytest.fixture(scope="module", params=["bytes", "words"])
def tokenizer(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Any:
    from transformers import AutoTokenizer

    folder = tmp_path_factory.mktemp("grammar")
    kind: Literal["bytes", "words"] = request.param
    return AutoTokenizer.from_pretrained(tiny_tokenizer(folder, kind=kind)).backend_tokenizer


@pytest.fixture(scope="module")
def grammars(tokenizer: Any) -> Grammars:
    return Grammars(tokenizer, WIDTH, ENDS)


def allowed(matcher: Matcher) -> list[int]:
    scores = mask_scores(torch.zeros(1, WIDTH), [matcher])
    return torch.isfinite(scores[0]).nonzero().flatten().tolist()


def random_reply(matcher: Matcher, seed: int) -> list[int]:
    """Tokens taken at random among those that may come, until the end."""
    choice = random.Random(seed)
    tokens: list[int] = []
    while not matcher.is_stopped():
        token = choice.choice(allowed(matcher))
        if token in ENDS:
            assert matcher.is_accepting()
            break
        assert matcher.consume_token(token)
        tokens.append(token)
        assert len(tokens) < 400
    return tokens


@pytest.mark.parametrize("schema", SCHEMAS, ids=str)
def test_whatever_is_taken_the_reply_follows_the_schema(
    tokenizer: Any, grammars: Grammars, schema: Any
) -> None:
    for seed in range(25):
        matcher = grammars.start(schema)
        assert matcher is not None
        text = tokenizer.decode(random_reply(matcher, seed), skip_special_tokens=False)
        value = json.loads(text)
        follows(value, schema)
        # Compact: written as json would write it without spaces, escapes aside.
        assert json.loads(json.dumps(value, separators=(",", ":"))) == value
        assert not set(text[: text.find('"')]) & set(" \n\t")


def follows(value: Any, schema: dict[str, Any]) -> None:
    if "enum" in schema:
        assert value in schema["enum"]
    elif "anyOf" in schema:
        assert value is None or value == {"n": 7}
    elif schema["type"] == "boolean":
        assert isinstance(value, bool)
    else:
        assert set(value) == {"ids", "why", "enough"}
        assert len(value["ids"]) <= 4
        assert all(isinstance(each, int) and 1 <= each <= 12 for each in value["ids"])
        assert len(value["why"]) <= 20


def test_the_end_comes_only_where_the_grammar_is_satisfied(grammars: Grammars) -> None:
    matcher = grammars.start(SCHEMAS[2])
    assert matcher is not None
    assert not set(allowed(matcher)) & set(ENDS)
    assert not matcher.is_accepting()


def test_control_tokens_cannot_be_taken(tokenizer: Any, grammars: Grammars) -> None:
    matcher = grammars.start({"type": "string"})
    assert matcher is not None
    [quote] = tokenizer.encode('"', add_special_tokens=False).ids[-1:]
    assert matcher.consume_token(quote)
    inside = allowed(matcher)
    assert len(inside) > 400
    assert not set(inside) & set(range(len(SPECIAL)))
    assert max(inside) < tokenizer.get_vocab_size(), "scores beyond the vocabulary belong to no token"


def test_rows_have_their_own_grammar_or_none(grammars: Grammars) -> None:
    one, other = grammars.start({"enum": ["aa"]}), grammars.start({"type": "integer"})
    scores = torch.randn(3, WIDTH, dtype=torch.bfloat16)
    before = scores.clone()
    masked = mask_scores(scores, [one, None, other])
    assert torch.equal(scores, before), "the scores given are not changed"
    assert torch.equal(masked[1], scores[1])
    for row, matcher in ((0, one), (2, other)):
        assert matcher is not None
        kept = torch.isfinite(masked[row])
        assert kept.nonzero().flatten().tolist() == allowed(matcher)
        assert torch.equal(masked[row][kept], scores[row][kept])
    assert not torch.equal(torch.isfinite(masked[0]), torch.isfinite(masked[2]))


def test_a_schema_is_compiled_once_and_matchers_do_not_share_their_place(tokenizer: Any) -> None:
    grammars = Grammars(tokenizer, WIDTH, ENDS)
    first = grammars.start(SCHEMAS[0])
    assert first is not None
    beginning = allowed(first)
    assert first.consume_token(beginning[0])
    second = grammars.start(dict(SCHEMAS[0]))
    assert second is not None
    assert allowed(second) == beginning
    assert len(grammars._compiled) == 1


@pytest.mark.parametrize(
    "schema", [{"not": {"type": "string"}}, {"type": "string", "pattern": "(?=x)y"}, {"type": "nonsense"}]
)
def test_what_cannot_be_enforced_is_said(grammars: Grammars, schema: Any) -> None:
    assert grammars.start(schema) is None


def test_without_a_tokenizer_to_read_nothing_is_enforced() -> None:
    assert Grammars(None, WIDTH, ENDS).start(SCHEMAS[0]) is None


def test_many_schemas_are_not_all_kept(tokenizer: Any) -> None:
    grammars = Grammars(tokenizer, WIDTH, ENDS)
    for number in itertools.islice(itertools.count(), 300):
        assert grammars.start({"const": number}) is not None
    assert len(grammars._compiled) <= 256


def test_a_saved_tokenizer_is_the_one_read(tmp_path: Path) -> None:
    """The builder's two kinds are two kinds: one has ▁, the other Ġ."""
    from transformers import AutoTokenizer

    kinds: tuple[Literal["bytes", "words"], ...] = ("bytes", "words")
    marks = [
        AutoTokenizer.from_pretrained(tiny_tokenizer(tmp_path / kind, kind=kind)).tokenize("a the")[-1][0]
        for kind in kinds
    ]
    assert marks == ["Ġ", "▁"]


@pytest.mark.parametrize("width", [1100, 1168, 1200, 1300])
def test_scores_may_be_narrower_or_wider_than_the_vocabulary(tokenizer: Any, width: int) -> None:
    size = tokenizer.get_vocab_size()
    assert size == 1200, "two words of 32 bits more than the narrowest"
    matcher = Grammars(tokenizer, width, ENDS).start({"type": "string"})
    assert matcher is not None
    [quote] = tokenizer.encode('"', add_special_tokens=False).ids[-1:]
    assert matcher.consume_token(quote)
    masked = mask_scores(torch.zeros(1, width), [matcher])
    assert masked.shape == (1, width)
    kept = torch.isfinite(masked[0]).nonzero().flatten().tolist()
    assert kept == [each for each in allowed(matcher) if each < width]
    assert max(kept) < size


def nested(depth: int) -> dict[str, Any]:
    schema: dict[str, Any] = {"type": "string"}
    for _ in range(depth):
        schema = {"type": "object", "properties": {"a": schema}, "required": ["a"]}
    return schema


@pytest.mark.parametrize(
    "schema", [nested(300), nested(1800), {"enum": [{1, 2}]}], ids=["300", "1800", "set"]
)
def test_what_cannot_be_read_is_not_enforced(grammars: Grammars, schema: Any) -> None:
    assert grammars.start(schema) is None


def test_mappings_of_any_kind_are_schemas(grammars: Grammars) -> None:
    schema = MappingProxyType({"properties": MappingProxyType({"a": {"const": 1}}), "required": ("a",)})
    matcher = grammars.start(schema)
    assert matcher is not None
    assert grammars.start({"properties": {"a": {"const": 1}}, "required": ["a"]}) is not None


def test_half_of_a_character_is_replaced(tokenizer: Any, grammars: Grammars) -> None:
    matcher = grammars.start({"enum": ["a\ud800", "\U0001f600\U0001f600"]})
    assert matcher is not None
    found = {tokenizer.decode(random_reply(matcher.deep_copy(), seed)) for seed in range(12)}  # type: ignore[attr-defined]
    assert found <= {'"a\ufffd"', '"\U0001f600\U0001f600"'}
