"""The pages of the site: what is on it, and where links lead."""

from pathlib import Path
from types import SimpleNamespace

import docs_pages
import pytest
import yaml

ROOT = Path(__file__).parents[2]


class Loader(yaml.SafeLoader):
    """Reads mkdocs.yml, whose tags of MkDocs and of Python stand for nothing here."""


Loader.add_multi_constructor("!", lambda *_: None)
Loader.add_multi_constructor("tag:yaml.org,2002:python/", lambda *_: None)


def nav():
    given = yaml.load((ROOT / "mkdocs.yml").read_text(), Loader)
    return [uri for part in given["nav"] for uris in part.values() for uri in uris]


def test_every_page_stands_in_the_nav_once():
    docs = ROOT / "docs"
    written = [path.relative_to(docs).as_posix() for path in docs.rglob("*.md")]
    assert sorted(nav()) == sorted([*written, *docs_pages.reference()])


def test_links_lead_to_files_that_are_there():
    """MkDocs follows no link to a folder."""
    pages = [ROOT / "README.md", *(ROOT / "docs").rglob("*.md")]
    gone = [
        f"{page.relative_to(ROOT)}: {link}"
        for page in pages
        for _, link, _ in docs_pages.LINK.findall(page.read_text())
        if ":" not in link and not (page.parent / link).is_file()
    ]
    assert not gone


def test_every_shelf_has_a_page_with_all_its_modules():
    shelves = {path.parent.name for path in (ROOT / "emolit").glob("*s/base.py")}
    assert shelves <= {*docs_pages.SHELVES, "data"}
    page = docs_pages.reference()["reference/rewards.md"]
    files = (ROOT / "emolit" / "rewards").glob("*.py")
    names = {f"emolit.rewards.{path.stem}" for path in files if path.stem != "__init__"}
    blocks = [line.removeprefix("::: ") for line in page.splitlines() if line.startswith(":::")]
    assert set(blocks) == names
    assert blocks[0] == "emolit.rewards.base"


@pytest.mark.parametrize(
    ("link", "source", "path"),
    [
        ("../README.md", "docs/index.md", "README.md"),
        ("../configs/rewards/correct.yaml", "docs/training.md", "configs/rewards/correct.yaml"),
        ("../../Makefile", "docs/tutorials/own_data.md", "Makefile"),
        ("../training.md", "docs/tutorials/own_data.md", None),
        ("https://arxiv.org/abs/2402.03300", "docs/index.md", None),
        ("../is/not/there.yaml", "docs/index.md", None),
    ],
)
def test_what_leaves_the_folder(link, source, path):
    assert docs_pages.outside(link, source) == path


def test_links_lead_to_the_same_things_on_the_site():
    page = "[a](../README.md) [b](data.md#columns) [c](../configs/rewards/correct.yaml)"
    moved = docs_pages.relink(page, "docs/training.md")
    assert moved == (
        "[a](files/README.md) [b](data.md#columns) [c](files/configs/rewards/correct.yaml.md)"
    )
    back = docs_pages.relink(
        "![p](docs/step.svg) [d](docs/data.md#x) [e](CONTRIBUTING.md)", "README.md"
    )
    assert back == "![p](../step.svg) [d](../data.md#x) [e](CONTRIBUTING.md)"


def test_code_keeps_its_links():
    code = "```md\n[a](../README.md)\n```"
    assert docs_pages.relink(code, "docs/index.md") == code


def test_a_linked_page_brings_what_it_links_to():
    found = docs_pages.followed(["docs/index.md"])
    assert {"README.md", "CONTRIBUTING.md"} <= set(found)


def test_nothing_is_loaded_from_other_servers():
    page = SimpleNamespace(file=SimpleNamespace(src_uri="index.md"), url="")
    kept = '<a href="https://arxiv.org">paper</a><script src="assets/x.js"></script>'
    foreign = (
        '<script src="https://cdnjs.cloudflare.com/mathjax.js"></script>'
        "<script>import m from 'https://cdn.example/mermaid.mjs';</script>"
        '<link rel="stylesheet" href="https://fonts.example/css">'
    )
    assert docs_pages.on_post_page(kept + foreign, page, None) == kept


def test_a_section_of_examples_is_read_as_code(monkeypatch):
    griffe = pytest.importorskip("griffe", reason="of tools/locks/docs.txt alone")
    examples = __import__("docs_examples").Examples()
    thing = griffe.Object("f", docstring=griffe.Docstring("One.\n\nExample:\n    >>> 1\n    1"))
    examples.on_object(obj=thing)
    assert thing.docstring.parse("google")[1].kind is griffe.DocstringSectionKind.examples


def test_log_lines_of_a_tutorial_go_and_its_answers_stay():
    def cell(kind, text):
        return (
            '<div class="jp-OutputArea-child">\n<div class="jp-OutputPrompt jp-OutputArea-prompt">'
            '</div>\n<div class="jp-RenderedText jp-OutputArea-output" '
            f'data-mime-type="{kind}" tabindex="0">\n<pre>{text}\n</pre>\n</div>\n</div>'
        )

    answer = cell("text/plain", "UA 0.5")
    log = cell("application/vnd.jupyter.stderr", "Seed set to 0")
    assert docs_pages.LOG_LINES.sub("", answer + log + answer) == answer + answer
