"""Addresses pass as they are, and what is none is named."""

import pytest

from emolit.engine.sampling.server_url import check_url
from emolit.errors import ConfigError


@pytest.mark.parametrize("url", ["http://127.0.0.1:8000", "https://node0/v1", "http://[::1]:80"])
def test_addresses_pass(url):
    assert check_url(url) == url


@pytest.mark.parametrize(
    "url", ["", "127.0.0.1:8000", "localhost", "http://", "http://127.0.0.1:80000", "ftp://a:1"]
)
def test_what_is_no_address_is_refused(url):
    with pytest.raises(ConfigError, match=r"is no address of a server; give one such as"):
        check_url(url)
