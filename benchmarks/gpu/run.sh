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
# The exit status is 1 where anything failed; what does not depend on it is run, and all is packed, nevertheless.
set -uo pipefail
stage=${1:?a stage: bases, engines, adapters, evaluate, ppo}
work=${2:?a folder for models}
here=benchmarks/gpu
mkdir -p "$work"
read -ra changes <<<"${CHANGES:-}"
rote() { python3 -m rote "$@"; }

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

# train ALGORITHM RECIPE FOLDER [key=value …]: goes on with what is there; its output to FOLDER.txt
train() {
  local algorithm=$1 recipe=$2 folder=$work/$3
  shift 3
  local resume=()
  [ -f "$folder/manifest.json" ] && resume=(--resume)
  local began=$SECONDS
  rote train "$algorithm" "$here/$recipe.yaml" --out "$folder" "${resume[@]}" "$@" "${changes[@]}" >"$folder.txt" 2>&1
  local status=$?
  echo "$folder: exit status $status after $((SECONDS - began)) s"
  tail -4 "$folder.txt"
  return $status
}

# lm_eval as anybody would call it
evaluate() {
  python3 -m lm_eval run --model vllm \
    --model_args "pretrained=$1,max_model_len=512,gpu_memory_utilization=0.15,dtype=bfloat16" \
    --tasks bank_original_zeroshot,bank_numbers_zeroshot,bank_noop_zeroshot,bank_noop_control_zeroshot \
    --batch_size auto --include_path rote/tasks --log_samples --output_path "$work/eval/$2" --gen_kwargs max_gen_toks=200 \
    >"$work/eval-$2.txt" 2>&1
  local status=$?
  echo "lm_eval $2: exit status $status"
  grep -E "bank_" "$work/eval-$2.txt" | grep exact_match
  return $status
}

case $stage in
bases)
  together train sft base base
  together train sft equations equations
  join
  rote export "$work/base/sft/final" "$work/base-export" --dtype bfloat16 --force || fail
  ;;
engines)
  train sft lora lora-unsloth model.path="$work/base/sft/final" || fail
  train sft lora lora-hf model.path="$work/base/sft/final" model.engine=hf || fail
  ;;
adapters)
  together train sft qlora qlora model.path="$work/base-export"
  together train grpo grpo grpo model.path="$work/base-export"
  together train grpo cold cold model.path="$work/equations/sft/final" stages.grpo.start=base
  together train grpo cold warm model.path="$work/equations/sft/final"
  join
  ;;
ppo)
  train ppo ppo ppo model.path="$work/base/sft/final" || fail
  ;;
evaluate)
  rote export "$work/grpo/grpo/final" "$work/grpo-export" --force || fail
  rote export "$work/qlora/sft/final" "$work/qlora-export" --force || fail
  mkdir -p "$work/eval"
  together evaluate "$work/base-export" base
  together evaluate "$work/grpo-export" grpo
  together evaluate "$work/qlora-export" qlora
  join
  ;;
*)
  echo "no stage $stage" >&2
  exit 2
  ;;
esac
if [ -n "${OUT:-}" ]; then
  case $OUT in /*) ;; *) OUT=$PWD/$OUT ;; esac
  (cd "$work" && find . \( -name '*.txt' -o -name '*.json' -o -name '*.jsonl' -o -name '*.png' -o -name '*.yaml' \) \
    -not -path '*/checkpoint-*' -not -name tokenizer.json -size -15M -print0 | tar czf "$OUT/$stage.tar.gz" --null -T -) || fail
fi
exit $failed
