#!/usr/bin/env bash
# A machine of a run: torchrun with a process for each GPU, and, where SERVER names a checkpoint, a vLLM
# server on the last GPU. Call it on every machine with the same words:
#   RUN=/shared/runs/mine NODES=2 HEAD=node0:29500 tools/cluster/node.sh --config EXPERIMENT.yaml --trainer configs/trainers/ddp.yaml
# GPUS: of this machine (8). RESTARTS: how often a run that failed goes on by itself (3). SERVER_OPTIONS: more words for `vllm serve`.
# VLLM: the command in the environment that has vLLM. SERVER_HOST: the address of this machine in a network of your own, as in `urls`.
set -euo pipefail
: "${RUN:?set RUN to the folder of the run, which all machines see}"
here=$(cd "$(dirname "$0")" && pwd)
gpus=${GPUS:-8}
if [ -n "${SERVER:-}" ]; then
  gpus=$((gpus - 1))
  # shellcheck disable=SC2086 # options are words
  CUDA_VISIBLE_DEVICES=$gpus VLLM_SERVER_DEV_MODE=1 VLLM_ALLOW_RUNTIME_LORA_UPDATING=True \
    "${VLLM:-vllm}" serve "$SERVER" --dtype bfloat16 --logprobs-mode processed_logprobs \
    --limit-mm-per-prompt '{"audio": 1}' --host "${SERVER_HOST:-127.0.0.1}" --port 8000 ${SERVER_OPTIONS:-} &
  server=$!
  trap 'kill "$server" 2>/dev/null || true' EXIT
fi
# torch 2.15 would keep one store for all starts, and a second start would find the addresses of the first.
export TORCH_DISABLE_SHARE_RDZV_TCP_STORE=1
"${PYTHON:-python}" -m torch.distributed.run --nnodes "${NODES:-1}" --nproc-per-node "$gpus" \
  --max-restarts "${RESTARTS:-3}" --rdzv-backend c10d --rdzv-endpoint "${HEAD:-localhost:29500}" \
  --rdzv-id "$(basename "$RUN")" --no-python "$here/run.sh" "$@"
