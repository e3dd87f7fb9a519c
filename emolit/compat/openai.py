"""What emolit takes from the client of openai: replies of a size that a reply can have.

The client reads a reply whole, however long it is. That a hook may read the reply in its place, and
leave it as ``_content``, is promised nowhere.
"""

from typing import Any

MOST = 1 << 24
"""Bytes of a reply, unpacked: 16 MB. A hundred thousand tokens with log-probabilities are 10."""


async def limit_reply(response: Any) -> None:
    """Read a reply, and give it up where it becomes larger than `MOST`; a hook of the HTTP client.

    Raises:
        openai.APIConnectionError: It does; the client does not ask again.
    """
    from openai import APIConnectionError

    parts, size = [], 0
    async for part in response.aiter_bytes():
        size += len(part)
        if size > MOST:
            raise APIConnectionError(
                message=f"the reply has more than {MOST} bytes", request=response.request
            )
        parts.append(part)
    response._content = b"".join(parts)
