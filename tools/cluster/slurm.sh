#!/usr/bin/env bash
# A run under SLURM, one task a machine. Send it from the clone; change the lines below to your cluster's.
#   RUN=/shared/runs/mine sbatch --nodes 2 tools/cluster/slurm.sh --config EXPERIMENT.yaml --trainer configs/trainers/ddp.yaml
# A run longer than a job: send the same words several times with `--dependency=singleton`. Each goes on where the last one stopped.
#SBATCH --job-name=emolit
#SBATCH --nodes=1
#SBATCH --ntasks-per-node=1
#SBATCH --gpus-per-node=8
#SBATCH --cpus-per-task=64
#SBATCH --time=24:00:00
#SBATCH --requeue
#SBATCH --open-mode=append
set -euo pipefail
export NODES=$SLURM_JOB_NUM_NODES
HEAD=$(scontrol show hostnames "$SLURM_JOB_NODELIST" | head -n 1):29500
export HEAD
# Since Slurm 22.05 srun does not take over the CPUs of the job.
exec srun --kill-on-bad-exit=1 --cpus-per-task="${SLURM_CPUS_PER_TASK:?keep the line of --cpus-per-task}" "${HERE:-tools/cluster}/node.sh" "$@"
