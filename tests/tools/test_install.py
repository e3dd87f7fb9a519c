"""Setting up the environment: what is in the lock, what a machine lacks, lines that break."""

import hashlib
import http.server
import re
import subprocess
import sys
import threading
import zipfile
from pathlib import Path

import install
import pytest
from install import InstallError

LOCK = (Path(__file__).parents[2] / "tools/locks/dev.txt").read_text(encoding="utf-8")


@pytest.mark.parametrize("name", install.LOCKS)
def test_every_requirement_of_a_lock_is_pinned_and_hashed_and_names_no_registry(name):
    text = (install.ROOT / f"tools/locks/{name}.txt").read_text(encoding="utf-8")
    every = install.blocks(text)
    assert "".join(every) == text
    assert all(re.match(r"[a-z0-9._-]+==\S+", block) for block in every)
    assert all("--hash=sha256:" in block for block in every)
    assert "://" not in text


@pytest.mark.parametrize("name", install.LOCKS[1:])
def test_other_locks_hold_all_of_the_first(name):
    more = (install.ROOT / f"tools/locks/{name}.txt").read_text(encoding="utf-8")
    pins = re.compile(r"^[a-z0-9._-]+==\S+", re.MULTILINE)
    assert set(pins.findall(LOCK)) < set(pins.findall(more))


def test_torch_without_cuda_leaves_out_torch_and_its_libraries_only():
    kept, left = install.divide(LOCK)
    names = {install.named(block) for block in left}
    assert {"torch", "torchaudio", "triton", "nvidia-cublas", "cuda-toolkit"} <= names
    assert "torchmetrics==" in kept
    assert "transformers==" in kept
    assert len(install.blocks(kept)) + len(left) == len(install.blocks(LOCK))


def test_torch_without_cuda_is_asked_for_in_the_locked_version(tmp_path):
    [sync, alone, own] = install.steps("dev", "cpu", tmp_path)
    pins = dict(pin.split("==") for pin in alone if "==" in pin)
    assert pins.keys() == {"torch", "torchaudio"}
    assert all(f"{name}=={pin} " in LOCK for name, pin in pins.items())
    assert alone[:4] == ["install", "--no-deps", "--torch-backend", "cpu"]
    assert sync[-1] == str(tmp_path / "lock.txt")
    assert "torch==" not in (tmp_path / "lock.txt").read_text()
    assert own[-1] == str(install.ROOT)


@pytest.mark.parametrize("here", [(3, 10), (3, 14)])
def test_a_python_outside_the_bounds_is_refused_by_its_number(here):
    with pytest.raises(InstallError, match=rf"Python {here[0]}\.{here[1]}; emolit runs on 3\.11"):
        install.check_python(here, install.required_python())


def test_this_python_is_within_the_bounds():
    install.check_python(sys.version_info[:2], install.required_python())


def test_a_full_disk_is_said_with_the_numbers(tmp_path, monkeypatch):
    usage = type("Usage", (), {"free": 2e9})
    monkeypatch.setattr(install.shutil, "disk_usage", lambda _: usage)
    with pytest.raises(InstallError, match=r"2\.0 GB free, and 7(\.0)? GB are needed"):
        install.check_disk(tmp_path / ".venv", "cuda", new=True)
    install.check_disk(tmp_path / ".venv", "cuda", new=False)


def test_a_python_without_venv_is_told_which_package_brings_it(monkeypatch):
    monkeypatch.setitem(sys.modules, "ensurepip", None)
    with pytest.raises(InstallError, match=r"apt install python3\.\d+-venv"):
        install.check_venv_module()


def test_what_is_up_to_date_is_left_alone_and_a_new_lock_is_not(tmp_path, monkeypatch):
    wanted = install.stamp("dev", "cuda")
    (tmp_path / "installed.json").write_text(install.json.dumps(wanted))
    monkeypatch.setattr(install, "make_venv", lambda *_, **__: pytest.fail("made anew"))
    install.install("dev", "cuda", tmp_path)
    monkeypatch.setattr(install, "digest", lambda name: "another")
    with pytest.raises(pytest.fail.Exception, match="made anew"):
        install.install("dev", "cuda", tmp_path)


class Breaking(http.server.BaseHTTPRequestHandler):
    """A registry whose line breaks in the middle of the first download of a wheel."""

    wheel = b""
    asked = 0

    def do_GET(self):
        """Serve the page of one project, and its wheel: half of it at first."""
        if not self.path.endswith(".whl"):
            name = "tiny-1.0-py3-none-any.whl"
            page = f'<a href="/{name}#sha256={hashlib.sha256(self.wheel).hexdigest()}">{name}</a>'
            self.answer(page.encode(), "text/html", whole=True)
            return
        type(self).asked += 1
        self.answer(self.wheel, "application/octet-stream", whole=self.asked > 1)

    def answer(self, body, kind, whole):
        """Write a body, or promise it and stop."""
        self.send_response(200)
        self.send_header("Content-Type", kind)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body if whole else body[: len(body) // 2])

    def log_message(self, *_):
        """Say nothing."""


def tiny_wheel(path):
    """Write a wheel of one module."""
    with zipfile.ZipFile(path, "w") as file:
        file.writestr("tiny.py", "VALUE = 1\n" + "#" * 100_000)
        file.writestr(
            "tiny-1.0.dist-info/METADATA", "Metadata-Version: 2.1\nName: tiny\nVersion: 1.0\n"
        )
        file.writestr(
            "tiny-1.0.dist-info/WHEEL",
            "Wheel-Version: 1.0\nGenerator: t\nRoot-Is-Purelib: true\nTag: py3-none-any\n",
        )
        file.writestr("tiny-1.0.dist-info/RECORD", "tiny.py,,\n")
    return path.read_bytes()


def test_a_download_that_breaks_off_is_taken_up_again(tmp_path, monkeypatch):
    Breaking.wheel, Breaking.asked = tiny_wheel(tmp_path / "tiny.whl"), 0
    server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Breaking)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    for name in ("HTTP_PROXY", "HTTPS_PROXY", "http_proxy", "https_proxy", "ALL_PROXY"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("UV_DEFAULT_INDEX", f"http://127.0.0.1:{server.server_port}/simple")
    monkeypatch.setenv("UV_CACHE_DIR", str(tmp_path / "cache"))
    monkeypatch.setenv("UV_HTTP_RETRIES", "0")
    monkeypatch.setattr(install.time, "sleep", lambda _: None)
    venv = tmp_path / "venv"
    subprocess.run([sys.executable, "-m", "venv", "--without-pip", venv], check=True)
    digest = hashlib.sha256(Breaking.wheel).hexdigest()
    (tmp_path / "lock.txt").write_text(f"tiny==1.0 \\\n    --hash=sha256:{digest}\n")
    uv = str(Path(sys.executable).parent / "uv")
    try:
        install.run([uv, "pip", "sync", "--require-hashes", str(tmp_path / "lock.txt")], venv)
    finally:
        server.shutdown()
        server.server_close()
    assert Breaking.asked == 2
    assert list(venv.rglob("tiny.py"))


def test_a_line_that_never_holds_ends_in_a_sentence(tmp_path, monkeypatch, capfd):
    monkeypatch.setattr(install.time, "sleep", lambda _: None)
    with pytest.raises(InstallError, match=r"python.* failed 3 times.*UV_FIND_LINKS"):
        install.run([sys.executable, "-c", "raise SystemExit('no route')"], tmp_path)
    assert capfd.readouterr().err.count("no route") == 3
