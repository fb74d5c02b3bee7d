from sqlalchemy import Engine

from memory.measurements import read_measurement, write_measurement


def test_what_was_never_measured_is_none(engine: Engine) -> None:
    assert read_measurement(engine, "speed") is None


def test_a_measurement_is_remembered_and_replaced(engine: Engine) -> None:
    write_measurement(engine, "speed", {"chosen": "bfloat16", "seconds": {"float32": 1.5}, "error": 1e-3})
    write_measurement(engine, "other", {})
    assert read_measurement(engine, "speed") == {
        "chosen": "bfloat16",
        "seconds": {"float32": 1.5},
        "error": 1e-3,
    }
    write_measurement(engine, "speed", {"chosen": "float32"})
    assert read_measurement(engine, "speed") == {"chosen": "float32"}
    assert read_measurement(engine, "other") == {}
