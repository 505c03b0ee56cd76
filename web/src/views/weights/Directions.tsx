import { useSignal } from "@preact/signals";
import { format, percent, signed } from "../../draw/number";
import { useBoard } from "../../state/board";
import { infoOf } from "../../state/kernel";
import type { ModelInfo, ScoredWord, WeightDirection, WeightSide, Words } from "../../wire/types";
import { ProblemNote } from "../shared/Problem";
import { Segmented } from "../shared/Segmented";
import { floats } from "../shared/sides";
import { showToken } from "../shared/token";
import { useHeld } from "../shared/useHeld";
import { Neuron } from "./Neuron";
import { type Circuit, type MlpMatrix, type Part, svdView, weightsState } from "./place";
import { Spectrum } from "./Spectrum";

const HEAD: readonly { value: Circuit; label: string }[] = [
  { value: "ov", label: "OV" },
  { value: "qk", label: "QK" },
];
const MLP: readonly { value: MlpMatrix; label: string }[] = [
  { value: "in", label: "W_in" },
  { value: "gate", label: "W_gate" },
  { value: "out", label: "W_out" },
];
const ABOUT: Readonly<Record<WeightSide, string>> = {
  now: "",
  loaded: "Directions of the weights as they were loaded. ",
  difference: "Directions of the difference, now minus as loaded: what the edits have put in. ",
};
const SHOWN = 4;
const MORE = 20;

/** Singular directions of one matrix: how large, in words, and each with a slider. */
export function Directions({ part, model }: { part: Part; model: ModelInfo }) {
  const board = useBoard();
  const { circuit, mlp } = weightsState(board);
  const { picture, stale } = useHeld(board.kernel.picture(svdView(board, part)).value);
  const info = infoOf(picture, "weight-svd");
  const [values, factors] = [floats(picture, "values"), floats(picture, "factors")];
  // The picture before this one may be of another side: its directions have no sliders.
  const side = picture?.view.kind === "weight-svd" ? picture.view.side : "now";
  const matrices = model.gated ? MLP : MLP.filter(({ value }) => value !== "gate");
  return (
    <>
      <div class="row">
        {part.kind === "head" ? (
          <Segmented label="Which weights" name="weights-svd" options={HEAD} value={circuit} />
        ) : (
          <Segmented
            label="Which weights"
            name="weights-svd"
            options={matrices}
            value={mlp}
            shown={mlp.value === "gate" && !model.gated ? "in" : mlp.value}
          />
        )}
        <span class="faint">{values.length > 0 && `rank ${values.length}`}</span>
      </div>
      {part.kind === "mlp" && part.neuron && <Neuron address={part.neuron} />}
      {picture?.problem && <ProblemNote problem={picture.problem} />}
      {!picture && <p class="empty">Waiting for the model.</p>}
      {info && values.length === 0 && (
        <p class="empty">
          {"values" in (picture?.grids ?? {})
            ? "This matrix is as it was loaded."
            : "Being decomposed."}
        </p>
      )}
      {info && values.length > 0 && (
        <div data-stale={stale}>
          <Spectrum values={values} factors={factors} />
          <p class="note">
            {ABOUT[side]}
            {side === "now" &&
              `A slider multiplies a singular value in the running model (${info.matrix} is written); the directions are those before any edit. `}
            {info.place.endsWith(".qk") &&
              model.positional === "rotary" &&
              "QK at distance 0: at others the queries read scaled along it. "}
            {part.kind === "mlp" || model.norm === "none"
              ? "Biases are left out."
              : "Biases, norms' scales and positions are left out."}
          </p>
          <List
            place={info.place}
            sides={info.sides}
            directions={info.directions}
            values={values}
            factors={factors}
            edits={side === "now"}
          />
        </div>
      )}
    </>
  );
}

interface ListProps {
  place: string;
  sides: readonly string[];
  directions: readonly WeightDirection[];
  values: Float32Array;
  factors: Float32Array;
  /** Whether these are the directions that sliders are of. */
  edits: boolean;
}

function List({ place, sides, directions, values, factors, edits }: ListProps) {
  const { rows } = weightsState(useBoard());
  const whole = values.reduce((sum, value) => sum + value * value, 0);
  return (
    <>
      <ol class="directions-list" data-testid="weight-directions">
        {directions.map((direction, i) => (
          <li key={`${place} ${i}`} data-testid="weight-direction">
            <Line
              place={place}
              index={i}
              value={values[i] as number}
              factor={factors[i] ?? 1}
              share={(values[i] as number) ** 2 / (whole || 1)}
              edits={edits}
            />
            <Ends name={sides[0] ?? ""} words={direction.left} />
            <Ends name={sides[1] ?? ""} words={direction.right} />
          </li>
        ))}
      </ol>
      {directions.length < values.length && directions.length >= rows.value && (
        <button
          type="button"
          class="plain"
          data-testid="weights-more"
          onClick={() => {
            rows.value = rows.peek() + MORE;
          }}
        >
          More directions
        </button>
      )}
    </>
  );
}

interface LineProps {
  place: string;
  index: number;
  value: number;
  factor: number;
  share: number;
  edits: boolean;
}

/** One direction's size and what it is multiplied by. */
function Line({ place, index, value, factor, share, edits }: LineProps) {
  return (
    <div class="direction-line" data-edited={factor !== 1}>
      <b>{index}</b>
      <span class="pair" title={`Singular value ${value}`}>
        σ {format(value, 3)}
        {factor !== 1 && (
          <>
            {" "}
            <span class="arrow">→</span> <b>{format(value * factor, 3)}</b>
          </>
        )}
      </span>
      <span class="faint" title="Share of the squared Frobenius norm, before any edit">
        {percent(share)}
      </span>
      <span class="grow" />
      {edits && <Slider place={place} index={index} factor={factor} />}
    </div>
  );
}

function Slider({ place, index, factor }: Pick<LineProps, "place" | "index" | "factor">) {
  const board = useBoard();
  const dragged = useSignal<number | null>(null);
  const shown = dragged.value ?? factor;
  const live = board.kernel.live.value;
  const apply = (wanted: number) => {
    dragged.value = null;
    const fold = weightsState(board).fold.peek();
    if (wanted !== factor) board.editWeights({ place, index, factor: wanted, fold });
  };
  return (
    <>
      <input
        type="range"
        min={0}
        max={2}
        step={0.05}
        disabled={!live}
        value={shown}
        data-testid={`direction-scale-${index}`}
        aria-label={`Multiply singular value ${index} of ${place}`}
        aria-valuetext={`times ${shown}`}
        title="Multiply this singular value; double click for × 1"
        onInput={(event) => {
          dragged.value = Number(event.currentTarget.value);
        }}
        onChange={(event) => apply(Number(event.currentTarget.value))}
        onDblClick={() => apply(1)}
      />
      <output>×{Number(shown.toFixed(2))}</output>
      <button
        type="button"
        class="plain"
        data-testid={`direction-remove-${index}`}
        disabled={!live}
        onClick={() => apply(factor === 1 ? 0 : 1)}
      >
        {factor === 1 ? "Remove" : "Give back"}
      </button>
    </>
  );
}

/** One end of a direction, in tokens or neurons. */
export function Ends({ name, words }: { name: string; words: Words }) {
  return (
    <div class="direction-ends">
      <span class="faint">{name}</span>
      <span class="direction-words">
        {words.high.slice(0, SHOWN).map((word) => (
          <Word key={word.id} word={word} />
        ))}
        <i aria-hidden="true" />
        {words.low.slice(0, SHOWN).map((word) => (
          <Word key={word.id} word={word} />
        ))}
      </span>
    </div>
  );
}

function Word({ word }: { word: ScoredWord }) {
  return (
    <code data-negative={word.value < 0} title={`${word.text}: ${signed(word.value, 4)}`}>
      {showToken(word.text)}
    </code>
  );
}
