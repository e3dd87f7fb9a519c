#!/usr/bin/env bash
# A machine of a run: torchrun with a process for each GPU, and, where SERVER names a checkpoint, a vLLM
# server on the last GPU. Call it on every machine with the same words:
#   RUN=/shared/runs/mine NODES=2 HEAD=node0:29500 tools/cluster/node.sh --config EXPERIMENT.yaml --trainer configs/trainers/ddp.yaml
# GPUS: of this machine (8). RESTARTS: how often a run that failed goes on by itself (3). SERVER_OPTIONS: more words for `vllm serve`.
# VLLM: the command in the environment that has vLLM. SERVER_HOST: the address that the server listens on, in a network of your own
# (127.0.0.1; where NODES is above 1, the name of this machine).
set -euo pipefail
: "${RUN:?set RUN to the folder of the run, which all machines see}"
refuse() {
  echo "node.sh: $*" >&2
  exit 2
}
here=$(cd "$(dirname "$0")" && pwd)
gpus=${GPUS:-8}
nodes=${NODES:-1}
[[ $gpus =~ ^[1-9][0-9]*$ ]] || refuse "GPUS is '$gpus'; set it to the number of GPUs of this machine, 1 or more."
[[ $nodes =~ ^[1-9][0-9]*$ ]] || refuse "NODES is '$nodes'; set it to the number of machines, 1 or more."
if [ "$nodes" -gt 1 ] && [ -z "${HEAD:-}" ]; then
  refuse "NODES is $nodes and HEAD is not set; set it on all machines to where they meet, such as HEAD=node0:29500 on the first one."
fi
if [ -n "${SERVER:-}" ]; then
  [ "$gpus" -gt 1 ] || refuse "GPUS is 1, which the server takes, and none is left to train; set GPUS to 2 or more, or leave SERVER out."
  command -v "${VLLM:-vllm}" >/dev/null || refuse "VLLM is '${VLLM:-vllm}', which is no command; set it to that of the environment with vLLM."
  gpus=$((gpus - 1))
  IFS=, read -ra visible <<<"${CUDA_VISIBLE_DEVICES-$(seq -s , 0 "$gpus")}"
  [ "${#visible[@]}" -gt "$gpus" ] || refuse "GPUS is $((gpus + 1)) and CUDA_VISIBLE_DEVICES names ${#visible[@]}; set GPUS to as many."
  host=127.0.0.1
  [ "$nodes" -eq 1 ] || host=$(uname -n)
  # shellcheck disable=SC2086 # options are words
  CUDA_VISIBLE_DEVICES=${visible[gpus]} VLLM_SERVER_DEV_MODE=1 VLLM_ALLOW_RUNTIME_LORA_UPDATING=True \
    "${VLLM:-vllm}" serve "$SERVER" --dtype bfloat16 --logprobs-mode processed_logprobs \
    --limit-mm-per-prompt '{"audio": 1}' --host "${SERVER_HOST:-$host}" --port 8000 ${SERVER_OPTIONS:-} &
  server=$!
  trap 'kill "$server" 2>/dev/null || true' EXIT
fi
# torch 2.15 would keep one store for all starts, and a second start would find the addresses of the first.
export TORCH_DISABLE_SHARE_RDZV_TCP_STORE=1
"${PYTHON:-python}" -m torch.distributed.run --nnodes "$nodes" --nproc-per-node "$gpus" \
  --max-restarts "${RESTARTS:-3}" --rdzv-backend c10d --rdzv-endpoint "${HEAD:-localhost:29500}" \
  --rdzv-id "$(basename "$RUN")" --no-python "$here/run.sh" "$@"
