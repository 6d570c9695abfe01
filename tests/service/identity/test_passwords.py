"""Password hashes, and the one that is compared with where there is nobody."""

from argon2 import PasswordHasher, extract_parameters

from offhook.service.identity import passwords
from offhook.service.identity.passwords import hash_password, verify_password


async def test_a_password_fits_its_hash_and_no_other() -> None:
    known = await hash_password("correct horse")
    assert await verify_password(known, "correct horse")
    assert not await verify_password(known, "correct hors")
    assert not await verify_password(known, "")


async def test_two_hashes_of_one_password_differ_and_do_not_show_it() -> None:
    first, second = await hash_password("correct horse"), await hash_password("correct horse")
    assert first != second
    assert first.startswith("$argon2id$")
    assert "horse" not in first


async def test_nobody_has_no_password_but_takes_as_much_work() -> None:
    known = await hash_password("x")
    assert extract_parameters(passwords._NOBODY) == extract_parameters(known)
    for guess in ("", "x", passwords._NOBODY):
        assert not await verify_password(None, guess)


async def test_a_damaged_hash_lets_nobody_in() -> None:
    for damaged in ("", "x", "$argon2id$v=19$", PasswordHasher().hash("x")[:-4]):
        assert not await verify_password(damaged, "x")
