"""A real run with a judge leaves its key nowhere."""

import traceback

import pytest
import yaml

from emolit.errors import RewardError
from tests.command import emolit
from tests.fakes.endpoint import Reply, completion, served
from tests.fakes.tones import EXPERIMENT, write_tones

KEY = "sk-secret-0123456789abcdef"


@pytest.fixture
def server(monkeypatch):
    """Serve a judge; there are keys of others in the environment too."""
    with served(monkeypatch) as made:
        monkeypatch.setenv("OPENAI_API_KEY", KEY)
        monkeypatch.setenv("VLLM_API_KEY", KEY)
        monkeypatch.setenv("HF_TOKEN", KEY)
        yield made


@pytest.fixture
def config(server, tmp_path, nano_folder):
    """Return a short run with a judge that keeps replies, and a journal."""
    write_tones(tmp_path / "tones", speakers=3, clips=2)
    made = yaml.safe_load(
        EXPERIMENT.replace("ROOT", str(tmp_path / "tones")).replace("NANO", str(nano_folder))
    )
    endpoint = {"model": "judge", "store": str(tmp_path / "store"), "retries": 0}
    judge = {"endpoint": endpoint, "question": "{response} mark 1"}
    made["model"]["init_args"] |= {
        "rewards": [{"class_path": "LanguageModelJudge", "init_args": judge}],
        "group_size": 2,
    }
    made["data"]["init_args"]["loading"] = {"batch_size": 2}
    made["trainer"] |= {"default_root_dir": str(tmp_path / "run")}
    made["trainer"]["callbacks"].pop()
    path = tmp_path / "judged.yaml"
    path.write_text(yaml.safe_dump(made))
    return path


def holding(folder):
    """Return the files that hold the key, as text or as bytes of other encodings."""
    forms = [KEY.encode(name) for name in ("utf-8", "utf-16-le", "utf-32-le")]
    files = [path for path in folder.rglob("*") if path.is_file()]
    assert len(files) > 5
    return [path for path in files if any(form in path.read_bytes() for form in forms)]


@pytest.mark.slow
def test_a_run_leaves_its_key_nowhere(config, server, tmp_path, capfd, caplog):
    server.replies = [Reply(body=completion(f"You sent {KEY}. 1"))]
    caplog.set_level("DEBUG")
    emolit("fit", "--config", config)
    assert server.keys and set(server.keys) == {f"Bearer {KEY}"}
    assert [*(tmp_path / "run").rglob("config.yaml")] and [*(tmp_path / "store").rglob("*")]
    assert holding(tmp_path) == []
    assert KEY not in caplog.text + "".join(capfd.readouterr())


@pytest.mark.slow
def test_a_failure_shows_no_key(config, server, tmp_path, capfd, caplog):
    server.replies = [Reply(status=401, body=f'{{"error": "bad key {KEY}"}}')]
    caplog.set_level("DEBUG")
    with pytest.raises(RewardError) as raised:
        emolit("fit", "--config", config)
    shown = "".join(traceback.format_exception(raised.value))
    said = shown + caplog.text + "".join(capfd.readouterr())
    assert "401" in said and KEY not in said
    assert holding(tmp_path) == []
