"""Shows a page in the browser: record or drop a clip, and see what a checkpoint answers.

    emolit demo --checkpoint runs/mine/grpo/best
    emolit demo --checkpoint runs/mine/sft/best runs/mine/grpo/best   # side by side

The page stays on this machine, at http://127.0.0.1:7860, unless ``--host`` or ``--share`` says
otherwise. What is recorded is kept nowhere but in Gradio's temporary folder.
"""

import argparse
import sys

from emolit.errors import EmolitError
from emolit.inference.listener import Listener
from emolit.inference.page import build_page

MOST = 2
"""Checkpoints side by side."""


def main(arguments: list[str]) -> int:
    """Serve the page until Ctrl-C, and return the exit status."""
    parser = argparse.ArgumentParser(
        prog="emolit demo", description=(__doc__ or "").splitlines()[0], allow_abbrev=False
    )
    parser.add_argument("--checkpoint", nargs="+", required=True, help="folder; two to compare")
    parser.add_argument("--host", default="127.0.0.1", help="0.0.0.0 lets other machines in")
    parser.add_argument("--port", type=int, default=7860, help="by default 7860")
    parser.add_argument("--share", action="store_true", help="a public link by Gradio's servers")
    parser.add_argument("--device", help="cpu, cuda; by default a GPU if there is one")
    given = parser.parse_args(arguments)
    if len(given.checkpoint) > MOST:
        parser.error(f"{len(given.checkpoint)} checkpoints are given; {MOST} stand side by side")
    try:
        listeners = [Listener(folder, given.device) for folder in given.checkpoint]
        page = build_page(listeners)
    except EmolitError as error:
        sys.stderr.write(f"error: {error}\n")
        return 2
    try:
        page.launch(server_name=given.host, server_port=given.port, share=given.share)
    except OSError:
        sys.stderr.write(f"error: {given.host}:{given.port} is taken; choose another --port\n")
        return 2
    return 0
