"""The table printed at the end of an evaluation."""

from __future__ import annotations

from rote.harness_ext.tables import short_tables, shortened

OWN = {
    "alias": "bank_noop",
    "exact_match,none": 0.5,
    "exact_match_stderr,none": 0.1,
    "exact_match_clustered_se,none": 0.1,
    "trapped,none": 0.25,
    "invalid,none": 0.0,
    "invalid_loop,none": 0.0,
    "error_premature,none": 0.1,
    "error_premature_stderr,none": 0.1,
}
OTHER = {"alias": "arc_easy", "acc,none": 0.5, "acc_norm,none": 0.6}


def test_headlines_of_our_tasks_and_all_of_others() -> None:
    short, left_out = shortened({"results": {"bank_noop": OWN, "arc_easy": OTHER}, "versions": {}})
    assert left_out == 2
    assert short["results"]["arc_easy"] == OTHER
    assert set(short["results"]["bank_noop"]) == {
        "alias",
        "exact_match,none",
        "exact_match_stderr,none",
        "exact_match_clustered_se,none",
        "trapped,none",
        "invalid,none",
    }


def test_lm_eval_prints_it_while_asked_to() -> None:
    import lm_eval.utils

    stock = lm_eval.utils.make_table
    results = {"results": {"bank_noop": OWN}, "versions": {}, "n-shot": {}, "higher_is_better": {}}
    with short_tables():
        printed = lm_eval.utils.make_table(results)
    assert lm_eval.utils.make_table is stock
    assert "error_premature" not in printed
    assert "|trapped" in printed
    assert "2 more metrics a task stand in the results file." in printed
    assert "error_premature" in stock(results)
