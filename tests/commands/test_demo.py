"""`emolit demo` as a process, in a real browser: a clip is dropped, and the answers are read."""

import os
import socket
import subprocess
import sys

import numpy as np
import pytest
import soundfile

from emolit.commands.demo import main
from emolit.inference.listener import Listener
from emolit.prompts.open_vocabulary import OpenVocabulary
from tests.browser import PATIENCE, open_tab
from tests.fakes.checkpoint import write_checkpoint


@pytest.fixture
def clip(tmp_path):
    path = tmp_path / "take.wav"
    soundfile.write(path, 0.1 * np.random.default_rng(0).normal(size=40_000), 16_000)
    return path


@pytest.fixture
def served(tmp_path, nano_folder):
    """Two checkpoints and the address of their page."""
    one = write_checkpoint(tmp_path / "one", nano_folder)
    two = write_checkpoint(tmp_path / "two", nano_folder, OpenVocabulary())
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    words = [sys.executable, "-m", "emolit", "demo", "--checkpoint", str(one), str(two)]
    process = subprocess.Popen(
        [*words, "--port", str(port)],
        env={**os.environ, "GRADIO_TEMP_DIR": str(tmp_path / "gradio"), "PYTHONUNBUFFERED": "1"},
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
    )
    try:
        told = next((line for line in process.stdout if f":{port}" in line), None)
        assert told is not None, "the page was not served"
        yield (one, two), f"http://127.0.0.1:{port}"
    finally:
        process.terminate()
        process.communicate(timeout=PATIENCE)


def test_a_clip_that_is_dropped_in_a_browser_is_answered(served, clip):
    checkpoints, address = served
    failed = []
    with open_tab(viewport={"width": 1280, "height": 1500}) as tab:
        tab.on("pageerror", lambda error: failed.append(error))  # a builtin fails
        tab.goto(address)
        with tab.expect_response(lambda response: "/upload" in response.url):
            tab.locator("input[type=file]").first.set_input_files(clip)
        tab.get_by_role("button", name="Ask").click()
        tab.locator(".answer h2").nth(1).wait_for()
        told = tab.locator(".answer h2").all_inner_texts()
        pictures = tab.locator("img[src^='data:image']").count()
    answers = [Listener(folder).predict(clip) for folder in checkpoints]
    assert told == [answer.text or "The answer cannot be read." for answer in answers]
    assert pictures >= 4
    assert not failed


def test_three_checkpoints_are_too_many(capsys):
    with pytest.raises(SystemExit):
        main(["--checkpoint", "a", "b", "c"])
    assert "3 checkpoints are given; 2 stand side by side" in capsys.readouterr().err


def test_a_folder_without_weights_is_a_sentence(capsys, tmp_path):
    assert main(["--checkpoint", str(tmp_path)]) == 2
    assert "does not say what it has learned" in capsys.readouterr().err
