import numpy as np
import pytest
from sqlalchemy import Engine, select

from memory.documents import DocumentStore
from memory.embeddings import missing_hashes
from memory.tables import UnitRow
from memory.units import PlannedUnit, UnitStore
from tests.memory.samples import DIM, an_encoder, counts, encode, new_document, row_of


@pytest.fixture
def units(engine: Engine) -> UnitStore:
    return UnitStore(engine)


def attempts(engine: Engine) -> list[tuple[str, int, float | None]]:
    with engine.connect() as connection:
        query = select(UnitRow.state, UnitRow.attempts, UnitRow.seconds).order_by(UnitRow.key)
        return [tuple(row) for row in connection.execute(query)]


def test_units_are_open_in_the_order_they_were_planned(
    engine: Engine, store: DocumentStore, units: UnitStore
) -> None:
    new = new_document(engine)
    key = store.begin(new)
    assert [(unit.encoder, unit.hashes) for unit in units.open(key)] == [
        (planned.encoder, planned.hashes) for planned in new.units
    ]
    assert attempts(engine) == [("planned", 0, None)] * len(new.units)


def test_a_unit_that_is_done_is_stored_at_once_and_not_open_again(
    engine: Engine, store: DocumentStore, units: UnitStore
) -> None:
    key = store.begin(new_document(engine))
    first, *others = units.open(key)
    encode(engine, key, most=1)
    assert units.open(key) == others
    assert missing_hashes(engine, first.encoder, first.hashes) == set()
    assert attempts(engine)[:2] == [("done", 1, 0.5), ("planned", 0, None)]


def test_an_interrupted_unit_is_begun_again_and_counted(
    engine: Engine, store: DocumentStore, units: UnitStore
) -> None:
    key = store.begin(new_document(engine))
    first = units.open(key)[0]
    units.begin(first)
    assert attempts(engine)[0] == ("planned", 1, None)
    assert units.repeated() == 0
    assert units.open(key)[0] == first
    encode(engine, key)
    assert attempts(engine)[0] == ("done", 2, 0.5)
    assert units.repeated() == 1
    assert units.open(key) == []


def test_nothing_was_repeated_where_nothing_is(units: UnitStore) -> None:
    assert units.repeated() == 0
    assert units.open(1) == []


def test_finishing_fails_whole(engine: Engine, store: DocumentStore, units: UnitStore) -> None:
    key = store.begin(new_document(engine))
    unit = units.open(key)[0]
    with pytest.raises(ValueError, match="zip"):
        units.finish(unit, np.ones((len(unit.hashes) + 1, DIM), np.float32), 1.0)
    assert units.open(key)[0] == unit
    assert counts(engine)["embeddings"] == 0


def test_what_another_process_has_stored_meanwhile_stays(
    engine: Engine, store: DocumentStore, units: UnitStore
) -> None:
    one = store.begin(new_document(engine))
    two = store.begin(new_document(engine, path="/other.txt", content=b"other bytes, same text"))
    encode(engine, one)
    before = counts(engine)["embeddings"]
    unit = units.open(two)[0]
    units.finish(unit, np.stack([row_of(each) for each in unit.hashes]), 1.0)
    assert counts(engine)["embeddings"] == before
    assert unit not in units.open(two)


def test_a_digest_names_encoder_and_inputs(engine: Engine) -> None:
    one, two = b"1" * 16, b"2" * 16
    key = an_encoder(engine)
    digests = {
        PlannedUnit(key, (one, two)).digest,
        PlannedUnit(key, (two, one)).digest,
        PlannedUnit(key, (one,)).digest,
        PlannedUnit(key + 1, (one,)).digest,
    }
    assert len(digests) == 4
    assert {len(digest) for digest in digests} == {16}
    assert PlannedUnit(key, (one,)).digest == PlannedUnit(key, (one,)).digest
