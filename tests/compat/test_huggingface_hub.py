"""How an upload fails, as a sentence; what the library must have for that."""

import pytest
from huggingface_hub import HfApi, errors

from emolit.compat.huggingface_hub import push_folder
from emolit.errors import ConfigError


def test_what_the_network_raises_has_one_base():
    import huggingface_hub

    assert issubclass(errors.HfHubHTTPError, errors.HTTPError)
    with pytest.raises(errors.HTTPError):
        huggingface_hub.get_session().get("http://127.0.0.1:9")


@pytest.mark.parametrize("public", [False, True])
def test_a_repository_that_everybody_sees_is_not_taken_for_a_private_one(
    tmp_path, monkeypatch, public
):
    class Found:
        private = False

    sent = []
    monkeypatch.setattr(HfApi, "create_repo", lambda api, name, **given: f"there/{name}")
    monkeypatch.setattr(HfApi, "repo_info", lambda api, name: Found)
    monkeypatch.setattr(HfApi, "upload_folder", lambda api, **given: sent.append(given))
    if public:
        assert push_folder(tmp_path, "me/open", public=True) == "there/me/open"
        assert sent[0]["folder_path"] == tmp_path
    else:
        with pytest.raises(ConfigError, match="everybody can see it"):
            push_folder(tmp_path, "me/open", public=False)
        assert not sent


def test_a_name_that_is_none_is_a_sentence(tmp_path):
    with pytest.raises(ConfigError, match="is not uploaded to a/b/c"):
        push_folder(tmp_path, "a/b/c", public=False)
