"""Addresses that look mistyped: what is suggested, and when nothing is."""

import re

import pytest

from storefront.checkout.typos import HOSTS, suggest_email

MISTYPED = [
    ("ana@gmial.com", "ana@gmail.com"),
    ("ana@gmail.con", "ana@gmail.com"),
    (" Ana@HOTMIAL.com ", "ana@hotmail.com"),
    ("ana@b@outlok.com", "ana@b@outlook.com"),
    ("ana@yaho.com.br", "ana@yahoo.com.br"),
]
RIGHT = [
    "ana@example.com",
    "ana@studio.pt",
    "ana",
    "@gmial.com",
    "gmial.com",
    "",
    "ana@",
]


@pytest.mark.parametrize(("typed", "meant"), MISTYPED)
def test_a_host_that_is_nearly_a_known_one_is_suggested(typed: str, meant: str) -> None:
    assert suggest_email(typed) == meant


@pytest.mark.parametrize("typed", RIGHT)
def test_nothing_is_suggested_for_what_looks_like_no_slip(typed: str) -> None:
    assert suggest_email(typed) is None


def test_the_known_hosts_are_names_of_hosts() -> None:
    assert [host for host in HOSTS if not re.fullmatch(r"[a-z.]+\.[a-z]+", host)] == []


@pytest.mark.parametrize("host", HOSTS)
def test_no_known_host_is_taken_for_another(host: str) -> None:
    assert suggest_email(f"ana@{host}") is None
