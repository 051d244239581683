"""Writes lm-eval-shaped logs from scratch, in the shapes of versions 0.4.5, 0.4.9 and 0.4.13."""

from __future__ import annotations

import hashlib
import json
import random
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

VERSIONS = ("0.4.5", "0.4.9", "0.4.13")
TIME = "2026-03-05T10-11-12.345678"

#: Variants whose documents list traps.
TRAPPING = ("noop", "noop2", "symbolic_noop")

#: outcome(template number, variant, index) -> "right", "wrong", "trap" (the document's first),
#: "trap0" to "trap2" or "invalid"
Outcome = Callable[[int, str, int], str]


def sha(text: str) -> str:
    return hashlib.sha256(text.encode("utf-8", "surrogatepass")).hexdigest()


def document(number: int, variant: str, index: int, *, seed: int = 0, source: str = "bank") -> dict[str, Any]:
    """A document in the form of ``Problem.to_doc``: apples in boxes, some eaten."""
    shift = 0 if variant in ("original", "names", "noop", "noop2", "noop_control") else 3 + index
    boxes, each, eaten = 3 + number % 5 + shift, 7 + number % 11, 2 + number % 3
    renamed = variant in ("names", "symbolic", "symbolic_noop")
    who = ("Ines", "Tarek", "Wanjiru")[index % 3] if renamed else "Oriol"
    hens = eaten + 2
    sentences = {
        "noop": [f" A neighbour keeps {hens} hens in a shed."],
        "noop2": [f" A neighbour keeps {hens} hens in a shed.", " The bus has the number 80."],
        "noop_control": [" A neighbour keeps hens in a shed."],
        "symbolic_noop": [f" A neighbour keeps {hens} hens in a shed."],
    }.get(variant, [])
    inert = "".join(sentences)
    start = f"{who} packs {boxes} boxes with {each} apples each."
    question = f"{start}{inert} Then {eaten} apples are eaten. How many apples are left?"
    gold = boxes * each - eaten
    template = f"{source}/apples_{number:04d}"
    original = variant == "original"
    # Draws as large as the original on average: difficulty must not tell them apart.
    largest = (
        boxes * each - (0 if original else shift * each) + (0 if original else 2 * ((number + index) % 2) - 1)
    )
    return {
        "id": f"{template}/original" if original else f"{template}/{variant}/{seed}/{index}",
        "source": source,
        "template_id": template,
        "original_id": f"{template}/original",
        "variant": variant,
        "seed": seed,
        "index": index,
        "question": question,
        # No number in its steps: their size is not to tell originals from draws, either.
        "solution": f"All the apples in the boxes, less those that were eaten.\n#### {gold}",
        "answer": str(gold),
        "traps": [
            {"value": str(gold - hens), "how": f"answer - {hens}"},
            {"value": str(gold + hens), "how": f"answer + {hens}"},
            {"value": str((boxes + hens) * each - eaten), "how": f"boxes + {hens}"},
        ]
        if variant in TRAPPING
        else [],
        "noop": [
            {
                "family": ("hens", "bus")[i] if number % 2 == 0 else ("geese", "bus")[i],
                "factors": {
                    "topic": "off",
                    "role": "other" if i == 0 else "none",
                    "magnitude": "none" if variant == "noop_control" else "in_range",
                    "position": "mid_text",
                },
                "number": None if variant == "noop_control" else (str(hens), "80")[i],
                "span": [len(start) + inert.index(s), len(start) + inert.index(s) + len(s)],
                "proof": ["hens are not apples"],
            }
            for i, s in enumerate(sentences)
        ],
        "covariates": {"largest_number": largest, "answer_digits": len(str(gold)), "operations": 2},
    }


def response_for(doc: Mapping[str, Any], outcome: str) -> str:
    if outcome == "invalid":
        return "I would rather talk about pears."
    gold = int(doc["answer"])
    value = {"right": gold, "wrong": gold + 1, "trap": gold + 1}
    for i, trap in enumerate(doc["traps"]):
        value[f"trap{i}"] = int(trap["value"])
    if doc["traps"]:
        value["trap"] = value["trap0"]
    return f"Let me count the apples.\nThe answer is {value[outcome]}.\n#### {value[outcome]}"


@dataclass
class Run:
    """One invocation of lm-eval: a model, its settings, and tasks with their samples."""

    folder: Path
    model: str = "hf"
    model_args: Any = "pretrained=org/model-a,dtype=float16"
    time: str = TIME
    version: str = "0.4.13"
    shots: int = 8
    seed: int = 0
    source: str = "bank"
    system_instruction: str | None = None
    results: dict[str, Any] = field(default_factory=dict)
    samples: dict[str, list[dict[str, Any]]] = field(default_factory=dict)

    def task_name(self, variant: str) -> str:
        return f"{self.source}_{variant}" + ("_zeroshot" if self.shots == 0 else "")

    def add(
        self,
        variant: str,
        templates: int,
        outcome: Outcome,
        *,
        k: int = 1,
        filters: tuple[str, ...] = ("none",),
        change: Callable[[dict[str, Any]], None] | None = None,
    ) -> Run:
        """Samples of one task; ``change`` may spoil each record before it is hashed and written."""
        docs = [
            document(n, variant, i, seed=self.seed, source=self.source)
            for i in range(1 if variant == "original" else k)
            for n in range(templates)
        ]
        records = []
        for name in filters:
            for doc_id, doc in enumerate(docs):
                number = int(doc["template_id"][-4:])
                what = outcome(number, variant, doc["index"])
                record = self._record(doc_id, doc, what, name)
                if change is not None:
                    change(record)
                records.append(record)
        self.samples[self.task_name(variant)] = records
        return self

    def _record(self, doc_id: int, doc: dict[str, Any], outcome: str, filter_name: str) -> dict[str, Any]:
        prompt = f"[{self.shots}{self.system_instruction or ''}] {doc['question']}\nAnswer:"
        response = response_for(doc, outcome)
        record: dict[str, Any] = {
            "doc_id": doc_id,
            "doc": doc,
            "target": doc["solution"],
            "arguments": {"gen_args_0": {"arg_0": prompt, "arg_1": {"until": ["Question:"]}}},
            "resps": [[response]],
            "filtered_resps": [response],
            "doc_hash": sha(json.dumps(doc)),
            "prompt_hash": sha(prompt),
            "target_hash": sha(doc["solution"]),
            "exact_match": float(outcome == "right"),
            "format_ok": 0 if outcome == "invalid" else 1,
            "invalid": int(outcome == "invalid"),
            "trapped": int(outcome.startswith("trap") and bool(doc["traps"])),
        }
        if self.version != "0.4.5":  # logged from 0.4.7 on
            record["filter"] = filter_name
            record["metrics"] = ["exact_match", "format_ok", "invalid", "trapped"]
        return record

    def write(self, *, hashes: bool = True) -> Path:
        """Write results and samples as lm-eval does; returns the folder that holds them."""
        self.folder.mkdir(parents=True, exist_ok=True)
        tasks = list(self.samples)
        self.results = {
            "results": {t: {"alias": t, **table(s)} for t, s in self.samples.items()},
            "group_subtasks": {},
            "configs": {t: self._config(t) for t in tasks},
            "versions": dict.fromkeys(tasks, 1.0),
            "n-shot": dict.fromkeys(tasks, self.shots),
            "n-samples": {
                t: {"original": len(s), "effective": len({r["doc_id"] for r in s})}
                for t, s in self.samples.items()
            },
            "config": {
                "model": self.model,
                "model_args": self.model_args,
                "batch_size": "1",
                "device": None,
                "limit": None,
                "gen_kwargs": None if self.version == "0.4.5" else {},
            },
            "git_hash": None,
            "date": 1772705472.3,
            "model_source": self.model,
            "model_name": "x7k2p9qa",  # random when the arguments hold no name
            "system_instruction": self.system_instruction,
            "system_instruction_sha": sha(self.system_instruction) if self.system_instruction else None,
            "fewshot_as_multiturn": False,
            "chat_template": None,
            "chat_template_sha": None,
        }
        if self.version == "0.4.13":
            self.results["lm_eval_version"] = self.version
        if hashes:
            self.results["task_hashes"] = {
                t: sha("".join(r["doc_hash"] + r["prompt_hash"] + r["target_hash"] for r in s))
                for t, s in self.samples.items()
            }
        self.results_path.write_text(json.dumps(self.results, indent=2), encoding="utf-8")
        for task in tasks:
            lines = (json.dumps(r, ensure_ascii=True) + "\n" for r in self.samples[task])
            self.samples_path(task).write_text("".join(lines), encoding="utf-8")
        return self.folder

    def _config(self, task: str) -> dict[str, Any]:
        return {
            "task": task,
            "custom_dataset": "<function build at 0x7f00deadbeef>",
            "description": "",
            "doc_to_text": "Question: {{question}}\nAnswer:",
            "doc_to_target": "{{solution}}",
            "target_delimiter": " ",
            "fewshot_delimiter": "\n\n",
            "fewshot_config": {"sampler": "first_n"},
            "num_fewshot": self.shots,
            "generation_kwargs": {"until": ["Question:"], "do_sample": False, "max_gen_toks": 1024},
            "metadata": {"version": 1.0, "rote": {"seed": self.seed}},
        }

    @property
    def results_path(self) -> Path:
        return self.folder / f"results_{self.time}.json"

    def samples_path(self, task: str) -> Path:
        return self.folder / f"samples_{task}_{self.time}.jsonl"


def behaviour(
    rates: Mapping[str, float], *, trapped: float = 0.0, invalid: float = 0.0, salt: str = ""
) -> Outcome:
    """Outcomes drawn for each (template, variant, index) on its own: right with the variant's rate."""

    def outcome(number: int, variant: str, index: int) -> str:
        rng = random.Random(f"{salt}/{number}/{variant}/{index}")
        if rng.random() < invalid:
            return "invalid"
        if rng.random() < rates.get(variant, rates["original"]):
            return "right"
        return "trap" if variant in TRAPPING and rng.random() < trapped else "wrong"

    return outcome


def table(records: Sequence[Mapping[str, Any]]) -> dict[str, Any]:
    """What lm-eval's table says of a task: the mean of exact_match under each filter, where it has one."""
    filters: dict[str, list[Any]] = {}
    for record in records:
        filters.setdefault(record.get("filter", "none"), []).append(record.get("exact_match"))
    found: dict[str, Any] = {}
    for name, values in filters.items():
        try:
            found[f"exact_match,{name}"] = sum(_truth(v) for v in values) / len(values)
        except (TypeError, ValueError):
            found[f"exact_match,{name}"] = "N/A"
        found[f"exact_match_stderr,{name}"] = "N/A"
    return found


def _truth(value: Any) -> float:
    text = str(value).lower()
    return float(text == "true") if text in ("true", "false") else float(value)


VARIANTS = ("names", "numbers", "symbolic", "noop", "noop2", "noop_control", "symbolic_noop", "p1", "p2")


def full_run(folder: Path, outcome: Outcome, *, templates: int = 40, k: int = 3, **settings: Any) -> Run:
    """A run with originals and every variant, not yet written."""
    run = Run(folder, **settings).add("original", templates, outcome)
    for variant in VARIANTS:
        run.add(variant, templates, outcome, k=k)
    return run
