import { largest, type Scale, signedScale, unsignedScale } from "../../draw/colour";
import { format, percent, signed } from "../../draw/number";
import { PALETTES, type Palette } from "../../draw/theme";
import { useBoard } from "../../state/board";
import { infoOf, type Picture } from "../../state/kernel";
import { placeName, rowOf, streamPlace } from "../../state/stream";
import type { Side } from "../../state/ui";
import type { LensInfo, ModelInfo } from "../../wire/types";
import { GridCanvas } from "../shared/GridCanvas";
import { ProblemNote } from "../shared/Problem";
import { Segmented } from "../shared/Segmented";
import { Toggle } from "../shared/Toggle";
import { showToken } from "../shared/token";
import { useHeld } from "../shared/useHeld";
import { type LensCells, lensCells, measured, onSide, upsideDown } from "./lens";
import { type LensColour, lensView, residualState } from "./state";

const COLOURS = [
  { value: "top", label: "p(top)" },
  { value: "target", label: "p(target)" },
  { value: "rank", label: "target's rank" },
  { value: "difference", label: "target − foil" },
] as const;

/** What the model would say if it stopped after each layer. */
export function LensSection({ model }: { model: ModelInfo }) {
  const board = useBoard();
  const { picture, stale } = useHeld(board.kernel.picture(lensView(board)).value);
  const { colour, middle } = residualState(board);
  const info = infoOf(picture, "lens");
  const roles = info?.followed.map((token) => token.role) ?? [];
  const options = COLOURS.filter(
    ({ value }) =>
      value === "top" || (roles.includes("target") && (value !== "difference" || roles.length > 1)),
  );
  return (
    <>
      <div class="row">
        <Segmented label="What the colour means" name="lens" options={options} value={colour} />
        {!model.parallel && (
          <Toggle
            name="lens-middle"
            label="before MLPs too"
            title="Also between attention and MLP of each layer"
            on={middle}
          />
        )}
      </div>
      {picture?.problem && <ProblemNote problem={picture.problem} />}
      {info && (
        <div data-stale={stale}>
          <LensGrid picture={picture} info={info} model={model} />
        </div>
      )}
      <p class="note">
        The model's own final norm and unembedding
        {model.norm === "none" ? " (this model has no norm)" : ", at each residual's own scale"}, on
        what the stream holds after each layer. The top row is the model's output.
      </p>
    </>
  );
}

function scaleOf(colour: LensColour, side: Side, data: Float32Array, palette: Palette): Scale {
  if (side === "difference" || colour === "difference") {
    return signedScale(palette, Math.max(1e-3, largest(data)));
  }
  if (colour !== "rank") return unsignedScale(palette.attention, 1);
  return unsignedScale([...palette.norm].reverse(), Math.max(1, largest(data)));
}

function legendOf(colour: LensColour, side: Side, scale: Scale): readonly [string, string, string] {
  const [low, high] = scale.domain;
  const names = {
    top: "probability of the top token",
    target: "probability of the target",
    rank: "rank of the target, log scale",
    difference: "logit of target minus foil",
  };
  const name = names[colour];
  if (side === "difference") {
    const note = colour === "rank" ? "factor of ten in the target's rank" : name;
    return [signed(low), signed(high), `${note}, now minus baseline`];
  }
  if (colour === "rank") return ["1", String(Math.round(10 ** high)), name];
  return colour === "difference" ? [signed(low), signed(high), name] : ["0", "1", name];
}

interface GridProps {
  picture: Picture | null;
  info: LensInfo;
  model: ModelInfo;
}

function LensGrid({ picture, info, model }: GridProps) {
  const board = useBoard();
  const state = residualState(board);
  const [side, colour] = [state.side.value, state.colour.value];
  const palette = PALETTES[board.ui.theme.value];
  const cells = { now: lensCells(picture, "now"), base: lensCells(picture, "base") };
  const { positions, places, k } = cells.now;
  const [now, base] = [measured(cells.now, colour), measured(cells.base, colour)];
  const data = onSide(now, base, side, colour);
  const scale = scaleOf(colour, side, data, palette);
  const words = new Map(info.words.map((word) => [word.id, showToken(word.text)]));
  const source = side === "baseline" ? cells.base : cells.now;
  const up = (row: number) => places - 1 - row;
  const place = streamPlace(board.selection.value, model);
  const row = rowOf(place, info.places);
  const tokens = board.kernel.tokens.value;
  const columns = Array.from({ length: positions }, (_, i) => showToken(tokens[i]?.text ?? ""));
  return (
    <GridCanvas
      name="lens-grid"
      label="Logit lens, layers by positions"
      rowNames={info.places.map(placeName).reverse()}
      columnNames={columns}
      data={upsideDown(data, positions)}
      scale={scale}
      legend={legendOf(colour, side, scale)}
      left={info.places.length > model.n_layers + 1 ? 58 : 46}
      text={(r, c) => words.get(source.ids[(up(r) * positions + c) * k] ?? -1) ?? ""}
      selected={{ row: row < 0 ? null : up(row), column: board.position.value }}
      pick={(r, c) => void board.select([info.places[up(r)] ?? place], c)}
      describe={(r, c) => (
        <Described info={info} cells={cells} words={words} row={up(r)} column={c} />
      )}
    />
  );
}

interface DescribedProps {
  info: LensInfo;
  cells: { now: LensCells; base: LensCells };
  words: ReadonlyMap<number, string>;
  row: number;
  column: number;
}

/** One cell in numbers: the top five of both runs, and the tokens followed. */
function Described({ info, cells, words, row, column }: DescribedProps) {
  const tokens = useBoard().kernel.tokens.value;
  const at = row * cells.now.positions + column;
  const size = cells.now.places * cells.now.positions;
  return (
    <div class="lens-cell">
      <span>
        <code>{info.places[row]}</code> at <code>{showToken(tokens[column]?.text ?? "")}</code>
        <sub>{column}</sub>
      </span>
      <TopFive name="now" cells={cells.now} words={words} at={at} />
      <TopFive name="baseline" cells={cells.base} words={words} at={at} />
      {info.followed.map((token, t) => {
        const i = t * size + at;
        const [p, b] = [cells.now.logProbs[i] ?? Number.NaN, cells.base.logProbs[i] ?? Number.NaN];
        return (
          <span key={token.id}>
            <span class={`tag is-${token.role}`}>{token.role}</span>{" "}
            <code>{showToken(token.text)}</code> p {Math.exp(b).toPrecision(3)} →{" "}
            <b>{Math.exp(p).toPrecision(3)}</b>, ln p {format(b, 3)} → {format(p, 3)}, logit{" "}
            {format(cells.base.logits[i], 3)} → {format(cells.now.logits[i], 3)}, rank{" "}
            {cells.base.ranks[i]} → {cells.now.ranks[i]}
          </span>
        );
      })}
    </div>
  );
}

interface TopFiveProps {
  name: string;
  cells: LensCells;
  words: ReadonlyMap<number, string>;
  at: number;
}

function TopFive({ name, cells, words, at }: TopFiveProps) {
  const from = at * cells.k;
  const ids = [...cells.ids.subarray(from, from + cells.k)].filter((id) => id >= 0);
  return (
    <span>
      <span class="faint">{name}</span> {ids.length === 0 && "not yet known"}
      {ids.map((id, i) => (
        <span key={id} class="lens-top">
          <code>{words.get(id)}</code> {percent(cells.probs[from + i] ?? 0)}
        </span>
      ))}
    </span>
  );
}
