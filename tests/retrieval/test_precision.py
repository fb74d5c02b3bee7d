import pytest

from retrieval.encoder import DEFAULT_ENCODER
from retrieval.errors import EncoderError
from retrieval.precision import CLEARLY_FASTER, MOST_ERROR, machine_name, measure_formats


def test_the_choice_follows_from_what_was_measured() -> None:
    measured = measure_formats(DEFAULT_ENCODER)
    assert set(measured.seconds) == {"float32", "bfloat16"}
    assert all(0 < seconds < 60 for seconds in measured.seconds.values())
    assert -1e-5 <= measured.error < MOST_ERROR == 0.01
    faster = measured.seconds["float32"] / measured.seconds["bfloat16"]
    assert measured.chosen == ("bfloat16" if faster >= CLEARLY_FASTER else "float32")


def test_an_unknown_model_is_not_measured() -> None:
    with pytest.raises(EncoderError):
        measure_formats("no-such-model")


def test_the_machine_has_one_name() -> None:
    assert machine_name() == machine_name()
    assert "torch" in machine_name()
    assert "\n" not in machine_name()
