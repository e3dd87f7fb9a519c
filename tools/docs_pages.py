"""What MkDocs lacks for the pages: `make docs` runs it as a hook, named in ``mkdocs.yml``.

- The reference: one page a shelf, out of docstrings. No page of it is kept in ``docs/``.
- Links that leave ``docs/``, such as ``../README.md``: the file becomes a page of the site.
- Links of tutorials, which mkdocs-jupyter leaves as they are.
- Tutorials without the log lines of their commands; answers and scores stay.
- Nothing from other servers: scripts that mkdocs-jupyter wants from there are taken out.
"""

import logging
import os
import re
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parents[1]
LOG = logging.getLogger("mkdocs.hooks.docs_pages")
FILES = "files"
"""Folder of the site for what lies outside of ``docs/``."""
SHELVES = {
    "prompts": "How a question is put, and how its answer is read.",
    "corpora": "One corpus a file.",
    "policies": "Audio language models that answer, each with its reference.",
    "advantages": "From rewards to advantages.",
    "objectives": "The loss of a scored rollout.",
    "demonstrations": "What gold replies do beside sampled ones.",
    "rewards": "What a response is worth.",
    "evaluators": "How answers become scores, corpus by corpus.",
    "metrics": "Scores that torchmetrics lacks.",
    "rollouts": "Who samples the responses of a rollout.",
    "tasks": "The LightningModules: SFT, GRPO, and what is learned without sampling.",
    "callbacks": "What is written down while a task runs.",
    "affect": "Emotions as data: label sets, wheels, similarities, word lists.",
    "rl": "The mathematics of RL on tensors: KL, groups, schedules.",
}
"""Pages of the reference that hold every module of a package."""
PAGES = {
    "loading": (
        "Loading and asking",
        "A trained checkpoint, asked in Python.",
        ("emolit", "emolit.inference.listener", "emolit.inference.answer"),
    ),
    "types": (
        "Types",
        "What flows: clips, batches, rollouts.",
        ("emolit.types", "emolit.errors"),
    ),
}
"""Pages of the reference that hold chosen modules: title, sentence, modules."""
LINK = re.compile(r"(\]\()([^)#\s]+)((?:#[^)\s]*)?\))")
ANCHOR = re.compile(r'(<a [^>]*href=")([^"#:]+\.(?:md|ya?ml|py|json|toml|cfg))((?:#[^"]*)?")')
ELSEWHERE = re.compile(
    r'<script[^>]*src="https?://[^"]*"[^>]*>\s*</script>'
    r"|<script[^>]*>(?:(?!</script>).)*https?://(?:cdnjs|cdn|unpkg)(?:(?!</script>).)*</script>"
    r'|<link[^>]*href="https?://(?:fonts|cdnjs|cdn|unpkg)[^"]*"[^>]*>',
    re.DOTALL,
)
ADDRESSES: "dict[str, str]" = {}
"""Of each page, by its path below ``docs/``; known once all pages are read."""
LOG_LINES = re.compile(
    r'<div class="jp-OutputArea-child[^"]*">\s*<div class="jp-OutputPrompt[^"]*"></div>\s*'
    r'<div class="jp-RenderedText[^"]*"[^>]*data-mime-type="application/vnd.jupyter.stderr"[^>]*>'
    r"\s*<pre>.*?</pre>\s*</div>\s*</div>",
    re.DOTALL,
)
"""What a cell of a tutorial wrote to its log, as nbconvert shows it."""
CODE = re.compile(r"(^```.*?^```$|^ +```.*?^ +```$)", re.DOTALL | re.MULTILINE)


def reference() -> "dict[str, str]":
    """Return the pages of the reference: path below ``docs/``, and Markdown."""
    pages = {f"reference/{name}.md": page(*parts) for name, parts in PAGES.items()}
    for shelf, sentence in SHELVES.items():
        title = "RL" if shelf == "rl" else shelf.capitalize()
        pages[f"reference/{shelf}.md"] = page(title, sentence, tuple(modules(shelf)))
    return pages


def modules(shelf: str) -> Iterator[str]:
    """Yield the modules of a package: its contract first, then the others by name."""
    found = sorted((ROOT / "emolit" / shelf).rglob("*.py"), key=lambda path: path.as_posix())
    for path in sorted(found, key=lambda path: path.stem != "base"):
        if path.stem != "__init__":
            yield ".".join(path.relative_to(ROOT).with_suffix("").parts)


def page(title: str, sentence: str, names: "tuple[str, ...]") -> str:
    """Return a page of the reference; mkdocstrings puts docstrings in the place of ``:::``."""
    blocks = "\n".join(f"::: {name}\n" for name in names)
    return f"# {title}\n\n{sentence}\n\n{blocks}"


def outside(target: str, source: str) -> "str | None":
    """Return the path in the repository that a link leads to, if it leaves ``docs/``.

    Args:
        target: The link as written, without anchor.
        source: Path of its page in the repository, such as ``docs/training.md``.
    """
    if ":" in target or target.startswith("/"):
        return None
    path = os.path.normpath((Path(source).parent / target).as_posix())
    inside = path == "docs" or path.startswith(("docs/", ".."))
    return None if inside or not (ROOT / path).is_file() else path


def place(path: str) -> str:
    """Return where on the site, below ``docs/``, a file of the repository lies."""
    if path.startswith("docs/"):
        return path.removeprefix("docs/")
    return f"{FILES}/{path}" if path.endswith(".md") else f"{FILES}/{path}.md"


def relink(text: str, source: str) -> str:
    """Return a page whose links lead to the same things on the site; code stays as it is."""
    here = place(source)

    def moved(match: "re.Match[str]") -> str:
        target = match[2]
        path = outside(target, source)
        if path is None and not source.startswith("docs/") and ":" not in target:
            path = os.path.normpath((Path(source).parent / target).as_posix())
        if path is None:
            return match[0]
        way = os.path.relpath(place(path), Path(here).parent.as_posix())
        return f"{match[1]}{Path(way).as_posix()}{match[3]}"

    parts = CODE.split(text)
    return "".join(part if CODE.fullmatch(part) else LINK.sub(moved, part) for part in parts)


def followed(sources: "list[str]") -> "list[str]":
    """Return the files outside of ``docs/`` that pages link to, and those that these link to."""
    found: dict[str, None] = {}
    queue = list(sources)
    while queue:
        source = queue.pop()
        text = (ROOT / source).read_text(encoding="utf-8")
        for match in LINK.finditer(CODE.sub("", text)):
            path = outside(match[2], source)
            if path and path not in found:
                found[path] = None
                queue += [path] if path.endswith(".md") else []
    return list(found)


def shown(path: str) -> str:
    """Return the page of a file outside of ``docs/``."""
    text = (ROOT / path).read_text(encoding="utf-8")
    if path.endswith(".md"):
        return relink(text, path)
    kind = {".yaml": "yaml", ".py": "python", ".toml": "toml"}.get(Path(path).suffix, "text")
    return f"# {path}\n\n````{kind}\n{text}````\n"


def on_startup(command: str, dirty: bool) -> None:
    """Let tutorials find the command `emolit` of this environment."""
    os.environ["PATH"] = os.pathsep.join([str(Path(sys.executable).parent), os.environ["PATH"]])


def on_files(files: Any, config: Any) -> Any:
    """Add the reference, and files that pages link to."""
    from mkdocs.structure.files import File  # of the lock for docs alone

    sources = [f"docs/{file.src_uri}" for file in files if file.src_uri.endswith(".md")]
    made = reference() | {place(path): shown(path) for path in followed(sources)}
    for uri, text in made.items():
        files.append(File.generated(config, uri, content=text))
    return files


def on_page_markdown(markdown: str, page: Any, config: Any, files: Any) -> str:
    """Mend the links of a page that leave ``docs/``."""
    return relink(markdown, f"docs/{page.file.src_uri}")


def on_post_page(output: str, page: Any, config: Any) -> str:
    """Take out what would be loaded from other servers, and mend the links of tutorials."""
    output = ELSEWHERE.sub("", output)
    source = f"docs/{page.file.src_uri}"
    if not source.startswith("docs/tutorials/"):
        return output
    from mkdocs.utils import get_relative_url

    def moved(match: "re.Match[str]") -> str:
        path = os.path.normpath((Path(source).parent / match[2]).as_posix())
        target = ADDRESSES.get(place(path))
        if target is None:
            LOG.warning("%s links to %s, which is no page", source, match[2])
            return match[0]
        return f"{match[1]}{get_relative_url(target, page.url)}{match[3]}"

    return ANCHOR.sub(moved, LOG_LINES.sub("", output))


def on_env(env: Any, config: Any, files: Any) -> Any:
    """Remember where each page lies."""
    ADDRESSES.update({file.src_uri: file.url for file in files})
    return env
