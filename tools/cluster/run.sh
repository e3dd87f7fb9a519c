#!/usr/bin/env bash
# One process of a run: starts it, or goes on where its last checkpoint stands. torchrun calls this for
# each GPU, again after a failure. RUN is the folder of the run; what follows goes to `emolit fit`.
set -euo pipefail
: "${RUN:?set RUN to the folder of the run, which all machines see}"
resume=()
# A kill between two renames leaves the checkpoint before under the second name, which `last` finds, too.
if [ -e "$RUN/last.ckpt" ] || [ -e "$RUN/.last.ckpt.old" ]; then resume=(--ckpt_path last); fi
# What torchrun has started goes last: a trainer's overlay has `devices: auto`.
exec "${PYTHON:-python}" -m emolit fit "$@" --trainer.default_root_dir "$RUN" --trainer.num_nodes "${NODES:-1}" \
  --trainer.devices "$LOCAL_WORLD_SIZE" ${resume[@]+"${resume[@]}"}
