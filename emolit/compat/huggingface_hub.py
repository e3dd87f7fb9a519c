"""What emolit relies on of huggingface_hub: how a folder is uploaded, and what failing looks like.

The library is imported inside functions: it is slow, and most of emolit runs without it.
"""

from pathlib import Path
from typing import Any

from emolit.errors import ConfigError


def push_folder(folder: Path, repository: str, public: bool) -> str:
    """Upload a folder to the Hub and return its address there; private unless told otherwise.

    Relies on ``errors.HTTPError`` being the base of what the network raises.

    Args:
        folder: With all that shall be there.
        repository: ``owner/name``; it is made where it is not there.
        public: Whether everybody may see it.

    Raises:
        ConfigError: The Hub is not reached, refuses, or shows the repository to everybody.
    """
    from huggingface_hub import HfApi, errors

    broken: Any = errors
    api = HfApi()
    try:
        address = api.create_repo(repository, private=not public, exist_ok=True)
        if not public and not api.repo_info(repository).private:
            raise ConfigError(
                f"{repository} is there already and everybody can see it; add `--public`, or name "
                "another repository with `--push`."
            )
        api.upload_folder(
            repo_id=repository, folder_path=folder, commit_message="Upload by emolit export"
        )
    except (OSError, ValueError, broken.HTTPError) as error:
        lines = str(error).strip().splitlines() or [type(error).__name__]
        raise ConfigError(
            f"{folder} is not uploaded to {repository}: {lines[0]} Log in with `hf auth login`, "
            f"check the name and the network, then `hf upload {repository} {folder}` goes on."
        ) from error
    return str(address)
