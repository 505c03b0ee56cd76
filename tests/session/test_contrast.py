"""The contrast prompt of a board: its metric, patching from it, swapping, grids."""

from __future__ import annotations

import numpy as np
import pytest

import tiny
from circuitboard.engine.engine import engine_of
from circuitboard.engine.run import run
from circuitboard.engine.sweep import patch_grid
from circuitboard.session.board import Board
from circuitboard.spec.errors import InterventionError, PromptError, TargetError
from circuitboard.spec.intervention import Patch, Source, Zero

PROMPT, OTHER = tiny.prompt(), tiny.prompt(seed=2)
SHORT = tiny.prompt(6, 3)


def board(name: str = "gpt2", contrast: str | None = OTHER) -> Board:
    return Board(tiny.model(name), PROMPT, "t7", "t11", contrast=contrast)


def test_its_metric_is_that_of_a_run_of_it() -> None:
    b = board()
    wanted = run(b.model, OTHER, target="t7", foil="t11").metric
    assert b.contrast_metric == pytest.approx(wanted, abs=1e-5)
    b.ablate("L1H1")
    assert b.contrast_metric == pytest.approx(wanted, abs=1e-5)
    b.ask(target="t3")
    wanted = run(b.model, OTHER, target="t3", foil="t11").metric
    assert b.contrast_metric == pytest.approx(wanted, abs=1e-5)
    b.contrast = None
    assert b.contrast_metric is None
    b.contrast = OTHER
    b.ask(target="", foil="")
    assert b.contrast_metric is None


def test_its_metric_takes_one_pass_and_then_none() -> None:
    b = board()
    b.wait()
    engine, seen = engine_of(b.model), []
    real = engine.baseline

    def counted(tokens: object, *rest: object) -> object:
        seen.append(tokens)
        return real(tokens, *rest)  # type: ignore[arg-type]

    engine.baseline = counted  # type: ignore[method-assign]
    try:
        for head in ("L0H0", "L0H1", "L0H2"):
            b.ablate(head)
            b.wait()
        assert len(seen) == 3  # the prompt's own, each held already
        b.contrast = SHORT
        b.wait()
        assert len(seen) == 5
    finally:
        del engine.baseline  # type: ignore[method-assign]


def test_new_weights_make_it_anew() -> None:
    m = tiny.fresh("gpt2")
    b = Board(m, PROMPT, "t7", "t11", contrast=OTHER)
    before = b.contrast_metric
    m.bridge.blocks[1].mlp.out.weight.data.mul_(0.5)
    b.check_outside()
    assert b.baseline.metric is not None
    after = b.contrast_metric
    assert after != pytest.approx(before, abs=1e-4)
    assert after == pytest.approx(run(m, OTHER, target="t7", foil="t11").metric, abs=1e-5)


def test_patching_takes_from_it_unless_told() -> None:
    b = board()
    b.patch("L1H2@3")
    assert b.interventions == [Patch("L1H2@3", Source((OTHER,)))]
    wanted = run(b.model, PROMPT, Patch("L1H2@3", OTHER), target="t7", foil="t11").metric
    assert b.result.metric == pytest.approx(wanted, abs=1e-5)
    b.undo()
    b.patch(["L0H1", "L0H1->L1H0.k"])
    assert [line.item.at for line in b.interventions] == ["L0H1", "L0H1->L1H0.k"]
    b.contrast = None
    with pytest.raises(InterventionError, match="no contrast prompt"):
        b.patch("L1H2")
    with pytest.raises(InterventionError, match="no contrast prompt"):
        b.swap()


def test_of_another_length_it_is_patched_where_both_have_the_position() -> None:
    b = board(contrast=SHORT)
    before = b.question
    for place in ("L1.mlp", "L0H1->L1H0.k"):
        with pytest.raises(InterventionError, match=r"7 tokens, the prompt 10.*@-1"):
            b.patch(place)
    with pytest.raises(InterventionError, match="7 tokens in the contrast prompt"):
        b.patch("L1.mlp@:")
    assert b.question == before
    b.patch(["L1.mlp@-1", "L1H0@2"])
    got, theirs = b.result, run(b.model, SHORT)
    np.testing.assert_allclose(got["L1.mlp"][0, -1], theirs["L1.mlp"][0, -1], atol=1e-5)
    np.testing.assert_allclose(got["L1H0"][0, 2], theirs["L1H0"][0, 2], atol=1e-5)


def test_the_alignment_follows_both_prompts() -> None:
    b = board()
    assert [(p.mine, p.theirs) for p in b.alignment] == [(i, i) for i in range(10)]
    b.contrast = PROMPT.rsplit(" ", 2)[0]
    assert sum(pair.same for pair in b.alignment) == 8
    b.contrast = None
    assert b.alignment == []


def test_swapping_turns_prompts_and_patches_in_one_step() -> None:
    b = board()
    b.ablate("L0H3")
    b.patch("L1H2@3")
    b.patch("L1H1", SHORT + " t9 t9 t9")
    kept = b.question
    b.swap()
    assert (b.prompt, b.contrast, b.target, b.foil) == (OTHER, PROMPT, "t7", "t11")
    wanted = [Zero("L0H3"), Patch("L1H2@3", PROMPT), Patch("L1H1", SHORT + " t9 t9 t9")]
    assert b.interventions == wanted
    metric = run(b.model, OTHER, wanted, target="t7", foil="t11").metric
    assert b.result.metric == pytest.approx(metric, abs=1e-5)
    b.swap()
    assert b.question == kept
    b.undo()
    b.undo()
    assert b.question == kept


def test_swapping_is_refused_where_a_position_would_be_lost() -> None:
    b = board(contrast=SHORT)
    b.ablate("L0H0@8")
    before = b.question
    with pytest.raises(Exception, match="8"):
        b.swap()
    assert b.question == before


@pytest.mark.parametrize("direction", ["noising", "denoising"])
def test_its_grid_is_that_of_patch_grid(direction: str) -> None:
    b = board("llama")
    b.ablate("L0H0")  # does not come in
    found = b.patch_grid("head", direction)  # type: ignore[arg-type]
    wanted = patch_grid(
        b.model, PROMPT, OTHER, over="head", target="t7", foil="t11", direction=direction
    )  # type: ignore[call-overload]
    np.testing.assert_allclose(found, wanted, atol=1e-5)
    share = b.patch_grid("head", direction, share=True)  # type: ignore[arg-type]
    ends = [run(b.model, p, target="t7", foil="t11").metric or 0 for p in (PROMPT, OTHER)]
    onto, source = ends if direction == "noising" else ends[::-1]
    np.testing.assert_allclose(share, (wanted - onto) / (source - onto), atol=1e-4)


def test_a_cell_of_noising_is_what_its_patch_does() -> None:
    b = board()
    grid = b.patch_grid("resid_pre")
    b.patch("L2.resid_pre@4")
    assert b.result.metric == pytest.approx(float(grid[2, 4]), abs=1e-4)
    b.undo()
    grid = b.patch_grid("resid_pre", "denoising")
    b.swap()
    b.patch("L2.resid_pre@4")
    assert b.result.metric == pytest.approx(float(grid[2, 4]), abs=1e-4)


def test_what_a_grid_needs_is_said() -> None:
    with pytest.raises(InterventionError, match="no contrast"):
        board(contrast="").patch_grid()
    with pytest.raises(InterventionError, match="10 and 7 tokens"):
        board(contrast=SHORT).patch_grid()
    b = board()
    b.ask(target="", foil="")
    with pytest.raises(TargetError):
        b.patch_grid()
    with pytest.raises(PromptError):
        b.contrast = " "
