"""Prints completions for bash and zsh: subcommands, shipped configs, classes.

    source <(emolit completion bash)     # in ~/.bashrc; `zsh` in ~/.zshrc

The script holds all names, so that a key press starts no Python. jsonargparse can complete every
option too, but takes seconds to make its script and knows no short names.
"""

import argparse
import string
import sys

from emolit.commands import COMMANDS, TRAINER
from emolit.commands.explain import things
from emolit.commands.shelves import SHELVES, discover
from emolit.commands.shipped import short_names

OPTIONS = (
    "--config", "--trainer", "--model", "--data", "--prompt", "--seed_everything", "--ckpt_path",
    "--overwrite", "--print_config", "--help",
)  # fmt: skip
SCRIPT = string.Template("""\
_emolit() {
  local word="${COMP_WORDS[COMP_CWORD]}" before="${COMP_WORDS[COMP_CWORD-1]}" names=""
  if [ "$COMP_CWORD" -eq 1 ]; then
    names="$commands"
  elif [ "$before" = --config ] || [ "$before" = -c ]; then
    names="$experiments"
  elif [ "${COMP_WORDS[1]}" = sweep ] && [ "$COMP_CWORD" -eq 2 ]; then
    names="$sweeps"
  elif [ "${COMP_WORDS[1]}" = explain ]; then
    names="$classes"
  elif [[ "$word" == -* ]]; then
    names="$options"
  fi
  COMPREPLY=($(compgen -W "$names" -- "$word"))
}
complete -o default -F _emolit emolit
""")


def main(arguments: list[str]) -> int:
    """Print the script of a shell."""
    about = (__doc__ or "").split("\n")[0]
    parser = argparse.ArgumentParser(prog="emolit completion", description=about)
    parser.add_argument("shell", choices=("bash", "zsh"))
    shell = parser.parse_args(arguments).shell
    discover()
    classes = {thing.__name__ for shelf in SHELVES for thing in things(shelf)}
    script = SCRIPT.safe_substitute(
        commands=" ".join([*TRAINER, *COMMANDS]),
        experiments=" ".join(short_names("experiments")),
        sweeps=" ".join(short_names("sweeps")),
        classes=" ".join(sorted(classes)),
        options=" ".join(OPTIONS),
    )
    start = "autoload -U +X bashcompinit && bashcompinit\n" if shell == "zsh" else ""
    sys.stdout.write(start + script)
    return 0
