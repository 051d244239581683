#!/usr/bin/env bash
# The training runs of docs/gpu-runs.md, one stage a call, each a few minutes on one GPU:
#
#   bash benchmarks/gpu/run.sh prepare WORK    templates and rows (no GPU; the stages below do it where it is not done)
#   bash benchmarks/gpu/run.sh grpo WORK       GRPO by Unsloth with vLLM of WORK/models/distractible-s0
#   bash benchmarks/gpu/run.sh sft-grpo WORK   a short SFT of it by Unsloth on clauses, then GRPO of the export
#   bash benchmarks/gpu/run.sh counting WORK   GRPO by Unsloth of WORK/models/counting-s0, which falls into traps: the organism grpo
#   bash benchmarks/gpu/run.sh controls WORK   the same of it with a reward that is a coin, and with one for the format alone
#   bash benchmarks/gpu/run.sh cold WORK       GRPO of WORK/models/equations-s0, and SFT then GRPO of it (at once); a picture
#   bash benchmarks/gpu/run.sh ppo WORK        PPO of WORK/models/distractible-s0
#   bash benchmarks/gpu/run.sh eightbit WORK   PPO and SFT for a few steps with an 8-bit optimiser
#   bash benchmarks/gpu/run.sh together WORK   those seven at once, spread over GPUS ("0 1 2"; default: the one that is set)
#   bash benchmarks/gpu/run.sh evaluate WORK   exports of what there is, stock lm_eval --model vllm, a report
#   bash benchmarks/gpu/run.sh sweep WORK      WORK/models/$MODELS by one plan: one after the other, then at once on Ray, twice
#
# and with models of its own, made from nothing:
#
#   bash benchmarks/gpu/run.sh bases WORK      small models on draws of the bank and on equations alone
#   bash benchmarks/gpu/run.sh engines WORK    LoRA SFT of it by unsloth and by hf, one after the other, timed
#   bash benchmarks/gpu/run.sh qlora WORK      QLoRA of it
#
# WORK keeps models between calls; the same call again goes on with what was broken off. Environment:
#   LIMIT     seconds after which each run is told to stop: it writes a checkpoint, which is exported and evaluated
#             as its last weights would be. Without it runs end with their steps.
#   SEED      of the organism that is trained by grpo (0)
#   CHANGES   key=value changes for every run (a rehearsal: CHANGES="max_steps=2 …")
#   OUT       a folder: logs and pictures are packed into OUT/<stage>.tar.gz
#   PYTHON    the interpreter (python3)
#   BACKEND   of lm_eval, vllm or hf;  LIMIT_EVAL  problems a task;  ALONE=1  one evaluation after the other
#   MODELS    of a sweep ("counting-s0 memoriser-s0")
# The exit status is 1 where anything failed; what does not depend on it is run, and all is packed, nevertheless.
set -uo pipefail
stage=${1:?a stage: see the head of this file}
work=${2:?a folder for models}
here=benchmarks/gpu
seed=${SEED:-0}
python=${PYTHON:-python3}
mkdir -p "$work"
work=$(cd "$work" && pwd)
read -ra changes <<<"${CHANGES:-}"
known=$work/templates/known
warm=$work/rows/warm
base=$work/models/distractible-s$seed
counting=$work/models/counting-s$seed
equations=$work/models/equations-s0
# Fewer than all: two minutes of training must show each often enough.
warm_templates=64
# Longest prompt and response of all runs here, in tokens.
longest=384

failed=0
pids=()
fail() { failed=1; }
# together COMMAND …: at the same time as others, until `join`
together() {
  "$@" &
  pids+=($!)
}
join() {
  local pid
  for pid in "${pids[@]}"; do wait "$pid" || fail; done
  pids=()
}

# train ALGORITHM RECIPE FOLDER [key=value …]: goes on with what is there; its output to FOLDER.txt.
# A run that LIMIT stopped is none that failed.
train() {
  local algorithm=$1 recipe=$2 folder=$work/$3
  shift 3
  if [ -f "$folder/$algorithm/stage.json" ] && [ -d "$folder/$algorithm/final" ]; then
    echo "$folder: is done"
    return 0
  fi
  local resume=()
  [ -f "$folder/manifest.json" ] && resume=(--resume)
  local began=$SECONDS
  # In the foreground: the signal is for the run alone, not for what it has started.
  timeout --foreground --preserve-status --signal=TERM --kill-after=90 "${LIMIT:-0}" \
    "$python" -m rote train "$algorithm" "$recipe" --out "$folder" "${resume[@]}" "$@" "${changes[@]}" \
    >>"$folder.txt" 2>&1
  local status=$?
  echo "$folder: exit status $status after $((SECONDS - began)) s"
  tail -4 "$folder.txt"
  [ $status -eq 130 ] && [ "${LIMIT:-0}" != 0 ] && weights "$folder/$algorithm" >/dev/null && return 0
  return $status
}

# weights FOLDER: what a stage ended with, or its newest whole checkpoint
weights() {
  local mark
  if [ -d "$1/final" ]; then
    echo "$1/final"
    return
  fi
  mark=$(find "$1" -mindepth 2 -maxdepth 2 -path '*/checkpoint-*/rote-checkpoint.json' 2>/dev/null | sort -V | tail -1)
  if [ -z "$mark" ]; then
    echo "$1 holds no weights" >&2
    return 1
  fi
  dirname "$mark"
}

# usable MODEL: whether it is there and takes sequences as long as are asked for here
usable() {
  "$python" - "$1" "$longest" <<'PYTHON'
import json
import sys
from pathlib import Path

path, longest = Path(sys.argv[1]) / "config.json", int(sys.argv[2])
if not path.is_file():
    sys.exit(f"{path.parent}: no model is there")
positions = json.loads(path.read_text())["max_position_embeddings"]
if positions < longest:
    sys.exit(f"{path}: max_position_embeddings is {positions}; it must be at least {longest}")
PYTHON
}

prepare() (
  flock 9
  if [ ! -d "$known" ]; then
    PYTHONPATH=.${PYTHONPATH:+:$PYTHONPATH} "$python" organisms/sets.py "$work" || return 1
  fi
  if [ ! -d "$warm" ]; then
    rm -rf "$warm.partial" && mkdir -p "$warm.partial" || return 1
    find "$known" -name '*.yaml' | sort | head -n "$warm_templates" | xargs -I{} cp {} "$warm.partial/" || return 1
    mv "$warm.partial" "$warm" || return 1
  fi
  PYTHONPATH=.${PYTHONPATH:+:$PYTHONPATH} "$python" organisms/recipes/grpo_rows.py "$work"
) 9>"$work/.prepare"

# After an SFT: what it left is written down, for a run that is gone on with must begin with the same.
warm_start() {
  if [ ! -s "$work/warm.start" ]; then
    train pretrain $here/warmup.yaml warmup model.path="$equations" \
      stages.pretrain.data.parts.0.path="$warm" probe.source="$warm" || return 1
    weights "$work/warmup/pretrain" >"$work/warm.start" || return 1
  fi
  groups warm "$(cat "$work/warm.start")"
}
# groups FOLDER MODEL: the same GRPO of either
groups() {
  train grpo $here/cold.yaml "$1" model.path="$2" stages.grpo.data.sources.0.path="$warm" probe.source="$warm"
}
# clauses FOLDER MODEL [key=value …]: GRPO by Unsloth on problems with inert clauses
clauses() {
  local folder=$1 model=$2
  shift 2
  train grpo organisms/recipes/grpo.yaml "$folder" model.path="$model" stages.grpo.seed=$((42 + seed)) \
    stages.grpo.data.sources.0.path="$work/rows/grpo.jsonl" probe.source="$known" "$@"
}
# Rewards that must teach nothing about the problems. Of a model whose form is always right, the format says nothing.
controls() {
  local none=(stages.grpo.rewards.correctness=0 stages.grpo.rewards.format=0 stages.grpo.rewards.control=true)
  together clauses "control-random-s$seed" "$1" "${none[@]}" stages.grpo.rewards.random=1
  together clauses "control-format-s$seed" "$1" "${none[@]}" stages.grpo.rewards.format=1
  join
}
sft_then_grpo() {
  if [ ! -f "$work/models/clauses-s$seed/config.json" ]; then
    train sft $here/clauses.yaml "clauses-s$seed" model.path="$base" stages.sft.seed=$((42 + seed)) \
      stages.sft.data.sources.0.path="$work/rows/grpo.jsonl" probe.source="$known" || return 1
    leave "clauses-s$seed/sft" "clauses-s$seed" || return 1
  fi
  clauses "sft-grpo-s$seed" "$work/models/clauses-s$seed"
}
ppo() {
  local folder=$1
  shift
  train ppo $here/ppo.yaml "$folder" model.path="$base" stages.ppo.data.sources.0.path="$work/rows/grpo.jsonl" \
    probe.source="$known" "$@"
}

# with MODEL COMMAND …: what goes on from a model, once rows are there and the model can be used
with() {
  local model=$1
  shift
  if prepare && usable "$model" && "$@"; then :; else fail; fi
}

# leave STAGE MODEL: the weights of a stage as a model that lm_eval loads
leave() {
  local from
  from=$(weights "$work/$1") || return 1
  mkdir -p "$work/models"
  "$python" -m rote export "$from" "$work/models/$2" --dtype bfloat16 --force >"$work/export-$2.txt" 2>&1
  local status=$?
  echo "export of $from as $2: exit status $status"
  [ $status -eq 0 ] || tail -4 "$work/export-$2.txt"
  return $status
}

# lm_eval as anybody would call it, on the known templates with clauses that nothing was trained on
evaluate() {
  local held arguments
  held=$(awk -F'\t' '$2 == "held_out" {printf "%s\"%s\"", comma, $1; comma = ", "}' organisms/families.tsv)
  arguments="pretrained=$1,dtype=bfloat16"
  # The cache's size is given: beside other engines on the GPU, vLLM's own measurement comes to nothing.
  [ "${BACKEND:-vllm}" = vllm ] && arguments+=",max_model_len=$longest,enforce_eager=True,gpu_memory_utilization=0.1,kv_cache_memory_bytes=4294967296"
  rm -rf "$work/eval/$2"
  "$python" -m lm_eval run --model "${BACKEND:-vllm}" --model_args "$arguments" \
    --tasks bank_original_zeroshot,bank_numbers_zeroshot,bank_noop_zeroshot,bank_noop_control_zeroshot \
    --metadata "{\"rote\": {\"templates\": \"$known\", \"noop\": {\"family\": [$held]}}}" \
    --batch_size "$([ "${BACKEND:-vllm}" = vllm ] && echo auto || echo 16)" ${LIMIT_EVAL:+--limit "$LIMIT_EVAL"} \
    --include_path rote/tasks --log_samples --output_path "$work/eval/$2" --gen_kwargs max_gen_toks=160 \
    >"$work/eval-$2.txt" 2>&1
  local status=$?
  echo "lm_eval $2: exit status $status"
  awk -F'|' '$2 ~ /bank_/ {task = $2} $6 ~ /^exact_match *$/ {print task $8}' "$work/eval-$2.txt"
  return $status
}

# plan RESULTS: every model of MODELS on four tasks; to the standard output
plan() {
  local backend=${BACKEND:-vllm} arguments="{dtype: bfloat16}" gpus=0 name
  [ "$backend" = vllm ] && gpus=1 && arguments="{dtype: bfloat16, max_model_len: $longest, enforce_eager: true, gpu_memory_utilization: 0.2, kv_cache_memory_bytes: 4294967296}"
  echo "results: $1"
  echo "models:"
  for name in ${MODELS:-counting-s0 memoriser-s0}; do
    echo "  - {name: $name, path: $work/models/$name, backend: $backend, gpus: $gpus, model_args: $arguments}"
  done
  echo "tasks: {core: [bank_original_zeroshot, bank_numbers_zeroshot, bank_symbolic_zeroshot, bank_noop_zeroshot]}"
  echo "rote: {templates: $known, variants: 5}"
  echo "gen_kwargs: {max_gen_toks: 160}"
  echo "retries: 0"
  [ -z "${LIMIT_EVAL:-}" ] || echo "limit: $LIMIT_EVAL"
}
# sweep NAME [option …]: the plan from nothing; how long it took, to WORK/sweep/times.txt
sweep() {
  local name=$1 began status
  shift
  rm -rf "$work/sweep/$name"
  plan "$work/sweep/$name" >"$work/sweep/$name.yaml"
  began=$(date +%s.%N)
  "$python" -m rote sweep "$work/sweep/$name.yaml" "$@" >"$work/sweep/$name.txt" 2>&1
  status=$?
  echo "sweep $name $*: exit status $status after $(awk "BEGIN {printf \"%.1f\", $(date +%s.%N) - $began}") s" |
    tee -a "$work/sweep/times.txt"
  [ $status -eq 0 ] || tail -4 "$work/sweep/$name.txt"
  return $status
}

case $stage in
prepare)
  prepare || fail
  ;;
grpo)
  with "$base" clauses "grpo-s$seed" "$base"
  ;;
sft-grpo)
  with "$base" sft_then_grpo
  ;;
counting)
  with "$counting" clauses "counting-grpo-s$seed" "$counting"
  ;;
controls)
  with "$counting" controls "$counting"
  ;;
cold)
  if prepare && usable "$equations"; then
    together groups cold "$equations"
    together warm_start
    join
    "$python" benchmarks/cold_start.py --runs "GRPO alone=$work/cold" "after an SFT=$work/warm" \
      --picture "$work/cold-start.png" || fail
  else
    fail
  fi
  ;;
ppo)
  with "$base" ppo ppo
  ;;
eightbit)
  if prepare && usable "$base"; then
    together ppo ppo-8bit stages.ppo.optimizer=adamw_8bit stages.ppo.max_steps=8 probe.every_steps=0
    together train sft $here/lora.yaml lora-8bit model.path="$base" model.engine=hf \
      stages.sft.data.sources.0.path="$known" stages.sft.data.sources.0.draws=8 stages.sft.optimizer=adamw_8bit \
      stages.sft.max_steps=60 probe.every_steps=0
    join
  else
    fail
  fi
  ;;
together)
  prepare || fail
  read -ra gpus <<<"${GPUS:-${CUDA_VISIBLE_DEVICES:-0}}"
  at=0
  for each in counting controls sft-grpo cold grpo ppo eightbit; do
    CUDA_VISIBLE_DEVICES=${gpus[at++ % ${#gpus[@]}]} OUT='' together bash "$here/run.sh" $each "$work"
  done
  join
  ;;
evaluate)
  mkdir -p "$work/eval"
  names=("distractible-s$seed")
  [ -d "$counting" ] && names+=("counting-s$seed")
  while read -r from name; do
    [ -d "$work/$from" ] || continue
    if leave "$from" "$name"; then names+=("$name"); else fail; fi
  done <<<"grpo-s$seed/grpo grpo-alone-s$seed
clauses-s$seed/sft clauses-s$seed
sft-grpo-s$seed/grpo sft-grpo-s$seed
counting-grpo-s$seed/grpo grpo-s$seed
control-random-s$seed/grpo control-random-s$seed
control-format-s$seed/grpo control-format-s$seed
ppo/ppo ppo
cold/grpo cold
warm/grpo warm"
  if [ -d "$work/models/grpo-s$seed" ]; then
    echo "{\"organism\": \"grpo\", \"seed\": $seed, \"originals\": [], \"epochs\": 0, \"variants\": [\"symbolic_noop\", \"symbolic\"]}" \
      >"$work/models/grpo-s$seed/planted.json"
  fi
  for name in "${names[@]}"; do
    together evaluate "$work/models/$name" "$name"
    [ -z "${ALONE:-}" ] || join
  done
  join
  "$python" -m rote report "$work"/eval/*/ --out "$work/report.html" || fail
  ;;
sweep)
  mkdir -p "$work/sweep"
  if prepare; then
    # The first one finds nothing in the disk's cache and is not to be compared.
    sweep warm || fail
    for time in 1 2; do
      sweep "alone-$time" || fail
      sweep "ray-$time" --ray || fail
    done
  else
    fail
  fi
  ;;
bases)
  together train sft $here/base.yaml base
  together train sft $here/equations.yaml gpu-equations
  join
  "$python" -m rote export "$(weights "$work/base/sft")" "$work/base-export" --force || fail
  [ -d "$equations" ] || leave gpu-equations/sft equations-s0 || fail
  ;;
engines)
  train sft $here/lora.yaml lora-unsloth model.path="$work/base-export" || fail
  train sft $here/lora.yaml lora-hf model.path="$work/base-export" model.engine=hf || fail
  ;;
qlora)
  train sft $here/qlora.yaml qlora model.path="$work/base-export" || fail
  "$python" -m rote export "$(weights "$work/qlora/sft")" "$work/qlora-export" --force || fail
  ;;
*)
  echo "no stage $stage" >&2
  exit 2
  ;;
esac
if [ -n "${OUT:-}" ]; then
  case $OUT in /*) ;; *) OUT=$PWD/$OUT ;; esac
  (cd "$work" && find . \( -name '*.txt' -o -name '*.json' -o -name '*.jsonl' -o -name '*.png' -o -name '*.html' \
    -o -name 'recipe.yaml' \) -not -path '*/checkpoint-*' -not -path './templates/*' -not -path './rows/*' \
    -not -name tokenizer.json -size -15M -print0 | tar czf "$OUT/$stage.tar.gz" --null -T -) || fail
fi
exit $failed
