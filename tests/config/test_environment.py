"""Proxies, certificates and secrets come from the environment, and stay out of sight."""

from __future__ import annotations

import pytest

from archiver.config import Environment
from archiver.errors import ConfigError


def test_the_lower_case_variable_wins_and_empty_means_not_set() -> None:
    read = Environment.read(
        {"https_proxy": "http://a", "HTTPS_PROXY": "http://b", "http_proxy": "", "NO_PROXY": "x"}
    )
    assert read.proxies == {"https": "http://a", "no_proxy": "x"}


@pytest.mark.parametrize(
    ("variables", "expected"),
    [
        ({}, None),
        ({"SSL_CERT_FILE": "/b"}, "/b"),
        ({"SSL_CERT_FILE": "/b", "REQUESTS_CA_BUNDLE": "/a"}, "/a"),
        ({"SSL_CERT_FILE": "/b", "CURL_CA_BUNDLE": "/a"}, "/a"),
    ],
)
def test_the_certificates_are_those_the_other_tools_use(
    variables: dict[str, str], expected: str | None
) -> None:
    assert Environment.read(variables).ca_bundle == expected


def test_a_secret_is_read_by_name() -> None:
    assert Environment.read({"TOKEN": "abc"}).secret("TOKEN") == "abc"


def test_a_missing_secret_is_named() -> None:
    with pytest.raises(ConfigError, match="the environment variable TOKEN is not set"):
        Environment.read({"TOKEN": ""}).secret("TOKEN")


def test_repr_hides_every_secret() -> None:
    shown = repr(Environment.read({"TOKEN": "abc", "HTTPS_PROXY": "http://user:abc@proxy"}))
    assert "abc" not in shown
