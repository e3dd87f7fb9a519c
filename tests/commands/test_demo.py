"""`emolit demo` as a process, in a real browser: a clip is dropped, and the answers are read."""

import os
import shutil
import socket
import subprocess
import sys

import numpy as np
import pytest
import soundfile

from emolit.commands.demo import main
from emolit.inference.listener import Listener
from emolit.prompts.open_vocabulary import OpenVocabulary
from tests.fakes.checkpoint import write_checkpoint

CHROMIUM = shutil.which("chromium") or shutil.which("chromium-browser")
QUIET = (
    "--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run", "--disable-sync",
    "--disable-background-networking", "--disable-component-update",
)  # fmt: skip
PATIENCE = 180
"""Seconds that a busy machine may take."""


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


@pytest.mark.skipif(CHROMIUM is None, reason="needs Chromium: apt-get install chromium")
def test_a_clip_that_is_dropped_in_a_browser_is_answered(served, clip, tmp_path):
    from playwright.sync_api import sync_playwright

    checkpoints, address = served
    with sync_playwright() as driver:
        browser = driver.chromium.launch(executable_path=CHROMIUM, args=[*QUIET])
        tab = browser.new_page(viewport={"width": 1280, "height": 1500})
        tab.set_default_timeout(1000 * PATIENCE)
        failed = []
        tab.on("pageerror", lambda error: failed.append(error))  # a builtin fails
        tab.goto(address)
        with tab.expect_response(lambda response: "/upload" in response.url):
            tab.locator("input[type=file]").first.set_input_files(clip)
        tab.get_by_role("button", name="Ask").click()
        tab.locator(".answer h2").nth(1).wait_for()
        told = tab.locator(".answer h2").all_inner_texts()
        pictures = tab.locator("img[src^='data:image']").count()
        tab.screenshot(path=tmp_path / "page.png", full_page=True)
        browser.close()
    answers = [Listener(folder).predict(clip) for folder in checkpoints]
    assert told == [answer.text or "The answer cannot be read." for answer in answers]
    assert pictures >= 4
    assert not failed
    assert (tmp_path / "page.png").stat().st_size > 10_000
    shutil.copy(tmp_path / "page.png", os.environ.get("EMOLIT_SCREENSHOT", tmp_path / "kept.png"))


def test_three_checkpoints_are_too_many(capsys):
    with pytest.raises(SystemExit):
        main(["--checkpoint", "a", "b", "c"])
    assert "3 checkpoints are given; 2 stand side by side" in capsys.readouterr().err


def test_a_folder_without_weights_is_a_sentence(capsys, tmp_path):
    assert main(["--checkpoint", str(tmp_path)]) == 2
    assert "does not say what it has learned" in capsys.readouterr().err
