"""Sending an export to the Hugging Face hub. Private unless asked otherwise."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from rote.errors import SourceUnavailableError, UsageError


def check_push(repo: str, token: str | None = None, *, offline: bool | None = None) -> None:
    """Raise before any work is done where a push cannot succeed.

    Raises UsageError: no hub id, no token. SourceUnavailableError: the hub's client is set to be offline.
    """
    from huggingface_hub import constants, get_token
    from huggingface_hub.errors import HFValidationError
    from huggingface_hub.utils._validators import validate_repo_id

    try:
        validate_repo_id(repo)
    except HFValidationError as error:
        raise UsageError(f"--push-to-hub {repo}: is no hub id such as team/model ({error})") from None
    if constants.HF_HUB_OFFLINE if offline is None else offline:
        raise SourceUnavailableError(
            f"--push-to-hub {repo}: HF_HUB_OFFLINE is set, so that nothing can be sent; unset it"
        )
    if (token or get_token()) is None:
        raise UsageError(
            f"--push-to-hub {repo}: there is no token; set HF_TOKEN to one that may write, "
            "or run `hf auth login`"
        )


def push(folder: Path, repo: str, *, public: bool = False, api: Any = None) -> str:
    """Send a folder to the hub as one commit; returns its address.

    A repository that is there already must be private, unless ``public``. Raises UsageError where it is not
    or where the hub refuses, SourceUnavailableError where it cannot be reached; the folder stays as it is.
    """
    from huggingface_hub import HfApi
    from huggingface_hub.errors import HfHubHTTPError

    hub = HfApi() if api is None else api
    try:
        hub.create_repo(repo, private=not public, repo_type="model", exist_ok=True)
        if not public and hub.repo_info(repo, repo_type="model").private is False:
            raise UsageError(
                f"--push-to-hub {repo}: is there already and is public; pass --public, or name another"
            )
        commit = hub.upload_folder(
            repo_id=repo, folder_path=str(folder), repo_type="model", commit_message="rote export"
        )
    except HfHubHTTPError as error:
        status = getattr(getattr(error, "response", None), "status_code", None)
        told = " ".join(str(error).split())[:200]
        why = "the token may not write there" if status in (401, 403) else "the hub refused"
        raise UsageError(f"--push-to-hub {repo}: {why} ({told}); the export is whole in {folder}") from None
    except Exception as error:
        if not _of_network(error):
            raise
        told = " ".join(str(error).split())[:200]
        raise SourceUnavailableError(
            f"--push-to-hub {repo}: the hub cannot be reached ({told}); the export is whole in {folder}"
        ) from None
    return str(getattr(commit, "commit_url", commit))


def _of_network(error: Exception) -> bool:
    """Whether an error is of the connection; the hub's client has had two libraries for it."""
    libraries = {kind.__module__.split(".")[0] for kind in type(error).__mro__}
    return isinstance(error, OSError) or not libraries.isdisjoint({"httpx", "requests"})
