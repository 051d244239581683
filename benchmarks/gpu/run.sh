#!/usr/bin/env bash
# The training runs of docs/gpu-runs.md, one stage a call, each a few minutes on one GPU:
#
#   bash benchmarks/gpu/run.sh bases WORK      two small models from nothing (at once)
#   bash benchmarks/gpu/run.sh engines WORK    LoRA SFT by unsloth and by hf, one after the other, timed
#   bash benchmarks/gpu/run.sh adapters WORK   QLoRA, GRPO with vLLM, GRPO cold and after SFT (at once)
#   bash benchmarks/gpu/run.sh evaluate WORK   exports, stock lm_eval --model vllm before and after
#   bash benchmarks/gpu/run.sh ppo WORK        PPO of the base
#
# WORK keeps models between calls. With OUT set, logs and pictures are packed into $OUT/<stage>.tar.gz.
# CHANGES holds key=value changes for every run (a rehearsal: CHANGES="max_steps=2 …").
set -uo pipefail
stage=${1:?a stage: bases, engines, adapters, evaluate, ppo}
work=${2:?a folder for models}
here=benchmarks/gpu
mkdir -p "$work"
read -ra changes <<<"${CHANGES:-}"
rote() { python3 -m rote "$@"; }

# train ALGORITHM RECIPE FOLDER [key=value …]: goes on with what is there; its output to FOLDER.txt
train() {
  local algorithm=$1 recipe=$2 folder=$work/$3
  shift 3
  local resume=()
  [ -f "$folder/manifest.json" ] && resume=(--resume)
  local began=$SECONDS
  rote train "$algorithm" "$here/$recipe.yaml" --out "$folder" "${resume[@]}" "$@" "${changes[@]}" >"$folder.txt" 2>&1
  echo "$folder: exit status $? after $((SECONDS - began)) s"
  tail -4 "$folder.txt"
}

# lm_eval as anybody would call it
evaluate() {
  python3 -m lm_eval run --model vllm \
    --model_args "pretrained=$1,max_model_len=512,gpu_memory_utilization=0.15,dtype=bfloat16" \
    --tasks bank_original_zeroshot,bank_numbers_zeroshot,bank_noop_zeroshot,bank_noop_control_zeroshot \
    --batch_size auto --include_path rote/tasks --log_samples --output_path "$work/eval/$2" --gen_kwargs max_gen_toks=200 \
    >"$work/eval-$2.txt" 2>&1
  echo "lm_eval $2: exit status $?"
  grep -E "bank_" "$work/eval-$2.txt" | grep exact_match
}

case $stage in
bases)
  train sft base base &
  train sft equations equations &
  wait
  rote export "$work/base/sft/final" "$work/base-export" --dtype bfloat16 --force
  ;;
engines)
  train sft lora lora-unsloth model.path="$work/base/sft/final"
  train sft lora lora-hf model.path="$work/base/sft/final" model.engine=hf
  ;;
adapters)
  train sft qlora qlora model.path="$work/base-export" &
  train grpo grpo grpo model.path="$work/base-export" &
  train grpo cold cold model.path="$work/equations/sft/final" stages.grpo.start=base &
  train grpo cold warm model.path="$work/equations/sft/final" &
  wait
  ;;
ppo)
  train ppo ppo ppo model.path="$work/base/sft/final"
  ;;
evaluate)
  rote export "$work/grpo/grpo/final" "$work/grpo-export" --force
  rote export "$work/qlora/sft/final" "$work/qlora-export" --force
  mkdir -p "$work/eval"
  evaluate "$work/base-export" base &
  evaluate "$work/grpo-export" grpo &
  evaluate "$work/qlora-export" qlora &
  wait
  ;;
*)
  echo "no stage $stage" >&2
  exit 2
  ;;
esac
if [ -n "${OUT:-}" ]; then
  (cd "$work" && find . \( -name '*.txt' -o -name '*.json' -o -name '*.jsonl' -o -name '*.png' -o -name '*.yaml' \) \
    -not -path '*/checkpoint-*' -not -name tokenizer.json -size -15M -print0 | tar czf "$OUT/$stage.tar.gz" --null -T -)
fi
