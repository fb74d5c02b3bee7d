from __future__ import annotations

from ui.identity import Identity, identity_of

ISSUER = "https://login.example.org"


def test_issuer_and_subject_make_the_scope() -> None:
    claims = {"iss": ISSUER, "sub": "7", "name": "Ada", "email": "ada@example.org", "email_verified": True}
    assert identity_of(claims) == Identity(f"{ISSUER} 7", "Ada", "ada@example.org")


def test_neither_name_nor_address_make_one() -> None:
    one = identity_of({"iss": ISSUER, "sub": "7", "name": "Ada", "email": "ada@example.org"})
    other = identity_of({"iss": ISSUER, "sub": "8", "name": "Ada", "email": "ada@example.org"})
    assert one is not None
    assert other is not None
    assert one.user != other.user


def test_an_address_that_is_not_verified_is_only_shown() -> None:
    for claim in ({}, {"email_verified": False}, {"email_verified": "true"}):
        found = identity_of({"iss": ISSUER, "sub": "7", "email": "boss@example.org", **claim})
        assert found is not None
        assert (found.shown, found.email) == ("boss@example.org", "")


def test_who_is_not_named_has_no_scope() -> None:
    for claims in ({}, {"iss": ISSUER}, {"sub": "7"}, {"iss": "", "sub": "7"}, {"iss": ISSUER, "sub": None}):
        assert identity_of(claims) is None


def test_long_names_stay_apart() -> None:
    ones = {identity_of({"iss": ISSUER, "sub": "x" * 300 + end}) for end in "ab"}
    assert len({each.user for each in ones if each}) == 2
    assert all(len(each.user) <= 200 for each in ones if each)
