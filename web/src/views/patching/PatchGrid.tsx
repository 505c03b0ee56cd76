import { largest, signedScale } from "../../draw/colour";
import { format, signed } from "../../draw/number";
import { PALETTES } from "../../draw/theme";
import { useBoard } from "../../state/board";
import type { PatchingInfo } from "../../wire/types";
import { GridCanvas } from "../shared/GridCanvas";
import { showToken } from "../shared/token";
import { chooseCell, pinCell } from "./pin";
import { cellOf, formula, patchingState } from "./state";

interface Props {
  info: PatchingInfo;
  values: Float32Array;
}

/** Shares below this are not made out to be large. */
const LEAST = 0.05;

/** The grid: layers or heads upwards, as on the map. */
export function PatchGrid({ info, values }: Props) {
  const board = useBoard();
  const { shown, chosen } = patchingState(board);
  const share = shown.value === "share";
  const rows = info.rows.length;
  const columns = info.places.length / Math.max(1, rows);
  const up = (row: number) => rows - 1 - row;
  const at = (row: number, column: number) => up(row) * columns + column;
  const data = new Float32Array(values.length);
  for (let row = 0; row < rows; row += 1) {
    data.set(values.subarray(up(row) * columns, (up(row) + 1) * columns), row * columns);
  }
  const most = Math.max(largest(values), share ? LEAST : 1e-6);
  const scale = signedScale(PALETTES[board.ui.theme.value], most);
  const cell = cellOf(info, chosen.value);
  const onTokens = info.columns === "position";
  const other = info.direction === "denoising";
  const tokens = (other ? board.kernel.contrastTokens : board.kernel.tokens).value;
  const names = onTokens
    ? tokens.map((token) => showToken(token.text))
    : Array.from({ length: columns }, (_, head) => `H${head}`);
  return (
    <GridCanvas
      name="patching-grid"
      label={`Metric with one place patched: ${formula(shown.value, info.direction)}`}
      rowNames={[...info.rows].reverse()}
      columnNames={names}
      data={data}
      scale={scale}
      legend={[signed(-most), signed(most), formula(shown.value, info.direction)]}
      left={info.rows[0]?.includes("H") ? 54 : 34}
      selected={{
        row: cell ? up(cell.row) : null,
        column: cell ? cell.column : onTokens ? board.position.value : null,
      }}
      pick={(row, column) => chooseCell(board, info.places[at(row, column)] ?? "")}
      pin={(row, column) => void pinCell(board, info, info.places[at(row, column)] ?? "")}
      describe={(row, column) => (
        <>
          <span>
            <code>{info.places[at(row, column)]}</code>
            {onTokens && (
              <>
                {" "}
                <code>{names[column]}</code>
              </>
            )}
          </span>
          <Readout info={info} value={values[at(row, column)] ?? Number.NaN} share={share} />
        </>
      )}
    />
  );
}

/** A cell's exact numbers: the metric before and with the patch, and what that is of the way. */
export function Readout({
  info,
  value,
  share,
}: {
  info: PatchingInfo;
  value: number;
  share: boolean;
}) {
  const way = info.source - info.run;
  const change = share ? value * way : value;
  return (
    <span class="readout-value">
      {format(info.run, 3)} <span class="arrow">→</span> <b>{format(info.run + change, 3)}</b>{" "}
      <span class="faint">
        {signed(change, 3)}
        {way !== 0 && `, share ${format(change / way, 3)}`}
      </span>
    </span>
  );
}
