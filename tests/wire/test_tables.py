"""The numbers of views as files: named axes, no pickles, no formulae."""

from __future__ import annotations

import csv
import io
import json
import zipfile
from pathlib import Path

import numpy as np
import pytest

import circuitboard as cb
import tiny
from circuitboard.engine.run import run
from circuitboard.spec.intervention import Zero
from circuitboard.spec.sheets import FORMULA
from circuitboard.wire import tables
from circuitboard.wire.messages import HeadView, LogitsView, MapView

PROMPT = tiny.prompt()


def board(name: str = "gpt2") -> cb.Board:
    made = cb.Board(tiny.model(name), PROMPT, "t7", "t11")
    made.ablate("L1H0")
    made.selection = ["L1H1"]
    return made


def rows(text: str) -> list[dict[str, str]]:
    return list(csv.DictReader(io.StringIO(text)))


@pytest.mark.parametrize("name", ["gpt2", "llama", "attn_only"])
def test_npz_holds_the_arrays_of_a_run(tmp_path: Path, name: str) -> None:
    b = board(name)
    path = b.export_data(tmp_path / "data.npz")
    now = run(b.model, PROMPT, Zero("L1H0"), target="t7", foil="t11")
    with np.load(path, allow_pickle=False) as data:
        found = data["head-layer1-head1-pattern.cells_now"]
        np.testing.assert_allclose(found, now["L1H1.pattern"][0], atol=1e-6)
        assert data["head-layer1-head1-pattern.cells.axes"].tolist() == ["destination", "source"]
        assert data["map-attribution.heads_baseline"].shape == (
            b.model.facts.n_layers,
            b.model.facts.n_heads,
        )
        assert data["tokens"].tolist() == [b.model.token_text(i) for i in b.tokens]
        ids, logits = data["logits.rows.id"], data["logits.rows.logit_now"]
        np.testing.assert_allclose(logits, now.logits[0, -1, ids], atol=1e-4)
        about = json.loads(str(data["about"]))
    assert about["now"] == pytest.approx(now.metric, abs=1e-5)
    assert about["interventions"] == ["Zero('L1H0')"] or "L1H0" in about["interventions"][0]


def test_csv_is_in_long_form_with_named_axes(tmp_path: Path) -> None:
    b = board()
    folder = b.export_data(tmp_path / "tables")
    now, base = b.result["L1H1.pattern"][0], b.baseline["L1H1.pattern"][0]
    found = rows((folder / "head-layer1-head1-pattern.cells.csv").read_text())
    assert len(found) == now.size
    for row in found:
        at = int(row["destination"]), int(row["source"])
        assert row["source_token"] == b.model.token_text(b.tokens[at[1]])
        assert float(row["now"]) == pytest.approx(float(now[at]), abs=1e-6)
        assert float(row["baseline"]) == pytest.approx(float(base[at]), abs=1e-6)
    assert set(rows((folder / "map-attribution.heads.csv").read_text())[0]) == {
        "layer",
        "head",
        "baseline",
        "now",
    }
    assert json.loads((folder / "about.json").read_text())["prompt"] == PROMPT


def test_a_zip_holds_the_same_files(tmp_path: Path) -> None:
    b = board()
    folder = b.export_data(tmp_path / "tables")
    with zipfile.ZipFile(b.export_data(tmp_path / "tables.zip")) as archive:
        assert set(archive.namelist()) == {path.name for path in folder.iterdir()}
        for name in archive.namelist():
            assert archive.read(name).decode() == (folder / name).read_text()


def test_numbers_read_back_exactly(tmp_path: Path) -> None:
    b = board()
    folder = b.export_data(tmp_path / "tables")
    with np.load(b.export_data(tmp_path / "data.npz")) as data:
        kept = data["map-attribution.heads_now"]
    read = [
        np.float32(row["now"]) for row in rows((folder / "map-attribution.heads.csv").read_text())
    ]
    np.testing.assert_array_equal(np.array(read).reshape(kept.shape), kept)


def test_views_can_be_named_and_what_the_model_lacks_is_left_out(tmp_path: Path) -> None:
    b = board()
    views = [MapView(measure="norm"), HeadView(layer=9, head=9), LogitsView(position=3, k=2)]
    folder = b.export_data(tmp_path / "tables", views=views)
    names = {path.name for path in folder.iterdir()}
    assert {"map-norm.heads.csv", "logits-position3-k2.rows.csv"} <= names
    assert not any("layer9" in name for name in names)


def test_no_text_is_a_formula(tmp_path: Path) -> None:
    b = cb.Board(tiny.evil(), " ".join(("t3", *tiny.EVIL, "t4")), "t7", "-7")
    folder = b.export_data(tmp_path / "tables")
    texts = [row["token"] for row in rows((folder / "tokens.csv").read_text())]
    assert texts == ["t0", "t3", *tiny.EVIL[:2], "'=1+1", "'-7", "'@SUM(1)", "&lt;", "t4"]
    for path in folder.glob("*.csv"):
        for row in rows(path.read_text()):
            for name, cell in row.items():
                if "token" in name or name == "text":
                    assert not cell.lstrip(" ").startswith(FORMULA), (path.name, cell)


def test_numbers_below_zero_stay_numbers() -> None:
    family = tables.Family("x", ("layer",), {"value": np.array([-1.5, np.nan], np.float32)})
    assert tables.long_form(family, []) == [("layer", [0, 1]), ("value", ["-1.5", ""])]


def test_a_board_without_a_widget_makes_none(tmp_path: Path) -> None:
    b = board()
    b.export_data(tmp_path / "data.npz")
    assert not b.is_shown
