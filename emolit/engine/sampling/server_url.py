"""The address of a server: what is none is refused, and not waited for."""

from urllib.parse import urlsplit

from emolit.errors import ConfigError


def check_url(url: str) -> str:
    """Return an address, if it is one.

    Raises:
        ConfigError: It has no ``http://``, no name, or a port that is none.
    """
    try:
        parts = urlsplit(url)
        whole = parts.scheme in ("http", "https") and bool(parts.hostname) and parts.port != 0
    except ValueError:  # a port that is none
        whole = False
    if not whole:
        raise ConfigError(
            f"{url!r} is no address of a server; give one such as 'http://127.0.0.1:8000'."
        )
    return url
