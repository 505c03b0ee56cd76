import { largest, signedScale, unsignedScale } from "../../draw/colour";
import { format, signed } from "../../draw/number";
import { PALETTES } from "../../draw/theme";
import { useBoard } from "../../state/board";
import { infoOf, type Picture } from "../../state/kernel";
import type { LogitGridInfo } from "../../wire/types";
import { GridCanvas } from "../shared/GridCanvas";
import { ProblemNote } from "../shared/Problem";
import { Sides } from "../shared/Segmented";
import { floats } from "../shared/sides";
import { showToken } from "../shared/token";
import { useHeld } from "../shared/useHeld";
import { gridView, logitsState } from "./state";
import { changes } from "./table";

/** The most likely next tokens at every position. */
export function AllPositions() {
  const board = useBoard();
  const { side } = logitsState(board);
  const { picture, stale } = useHeld(board.kernel.picture(gridView).value);
  const info = infoOf(picture, "logit_grid");
  return (
    <>
      <div class="row">
        <Sides name="logits-side" value={side} />
      </div>
      {picture?.problem && <ProblemNote problem={picture.problem} />}
      {info && (
        <div data-stale={stale}>
          <TokenGrid picture={picture} info={info} />
        </div>
      )}
    </>
  );
}

/** Percent, to the whole; a change that is not known is that of a new token. */
function short(part: number, change: boolean): string {
  if (Number.isNaN(part)) return change ? "new" : "";
  const whole = format(100 * part, 0);
  if (change) return signed(100 * part, 0);
  return whole === "0" ? "" : whole;
}

function TokenGrid({ picture, info }: { picture: Picture | null; info: LogitGridInfo }) {
  const board = useBoard();
  const side = logitsState(board).side.value;
  const palette = PALETTES[board.ui.theme.value];
  const k = picture?.grids.ids_now?.shape[1] ?? 1;
  const end = side === "baseline" ? "base" : "now";
  const [ids, probs] = [floats(picture, `ids_${end}`), floats(picture, `probs_${end}`)];
  const other = { ids: floats(picture, "ids_base"), probs: floats(picture, "probs_base") };
  const changed = changes({ ids, probs }, other, k);
  const data = side === "difference" ? changed : probs;
  const scale =
    side === "difference"
      ? signedScale(palette, Math.max(1e-3, largest(data)))
      : unsignedScale(palette.attention, 1);
  const words = new Map(info.words.map((word) => [word.id, showToken(word.text)]));
  const tokens = board.kernel.tokens.value.slice(0, ids.length / k);
  const ranks = Array.from({ length: k }, (_, i) => String(i + 1));
  const [low, high] = scale.signed ? scale.domain.map((value) => signed(value)) : ["0", "1"];
  const meaning = scale.signed
    ? "probability now minus baseline; in %, new: not among the baseline's"
    : "probability; tokens by rank with %, a row for each position";
  return (
    <GridCanvas
      name="logit-grid"
      label="Most likely next tokens, positions by rank"
      rowNames={tokens.map((token) => `${showToken(token.text)} ${token.index}`)}
      columnNames={ranks}
      data={data}
      scale={scale}
      legend={[low ?? "", high ?? "", meaning]}
      left={92}
      maxHeight={460}
      text={(r, c) => {
        const at = r * k + c;
        return `${words.get(ids[at] ?? -1) ?? ""} ${short(data[at] ?? Number.NaN, scale.signed)}`;
      }}
      selected={{ row: board.position.value, column: null }}
      pick={(row) => void board.select([...board.selection.peek()], row)}
      describe={(row, column) => {
        const at = row * k + column;
        const before = (probs[at] ?? 0) - (changed[at] ?? Number.NaN);
        return (
          <>
            <span>
              after <code>{showToken(tokens[row]?.text ?? "")}</code>
              <sub>{row}</sub>, rank {column + 1}: <code>{words.get(ids[at] ?? -1)}</code>
            </span>
            <span class="readout-value">
              {side === "baseline"
                ? (probs[at] ?? 0).toPrecision(4)
                : `${Number.isNaN(before) ? `not in the top ${k}` : before.toPrecision(4)} → ${(probs[at] ?? 0).toPrecision(4)}`}
            </span>
          </>
        );
      }}
    />
  );
}
