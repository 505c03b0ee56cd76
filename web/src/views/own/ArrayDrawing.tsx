import {
  colourOf,
  css,
  gradient,
  inkOn,
  largest,
  type Scale,
  signedScale,
  unsignedScale,
} from "../../draw/colour";
import { signed } from "../../draw/number";
import { PALETTES } from "../../draw/theme";
import { useBoard } from "../../state/board";
import type { Grid } from "../../wire/arrays";
import type { OwnInfo } from "../../wire/types";
import { GridCanvas } from "../shared/GridCanvas";
import { showToken } from "../shared/token";

const MOST_BARS = 400;
/** Room for the names of a matrix's rows, in pixels. */
const [LEAST_NAME, WIDEST_NAME] = [32, 120];

interface Props {
  info: OwnInfo;
  grid: Grid | undefined;
  title: string;
}

/** Numbers of the user's, in the board's own drawings. */
export function ArrayDrawing({ info, grid, title }: Props) {
  const board = useBoard();
  const palette = PALETTES[board.ui.theme.value];
  if (!(grid?.data instanceof Float32Array)) return null;
  const { data } = grid;
  const [rows = 1, columns = 0] = grid.shape;
  const top = largest(data);
  const below = data.some((value) => value < 0);
  const scale = below ? signedScale(palette, top) : unsignedScale(palette.attention, top);
  const tokens = board.kernel.tokens.value.map((token) => showToken(token.text));
  const names = namesOf(info, tokens);
  const numbers = { data, rows, columns };
  if (info.array_kind !== "tokens" && info.array_kind !== "bars")
    return <Matrix numbers={numbers} scale={scale} names={names} title={title} />;
  const Drawing = info.array_kind === "tokens" ? Strips : Bars;
  return (
    <>
      <Drawing numbers={numbers} scale={scale} names={names} />
      <p class="own-scale faint">
        {below ? signed(scale.domain[0]) : "0"}
        <i style={{ background: gradient(scale) }} />
        {signed(scale.domain[1])}
      </p>
    </>
  );
}

interface Numbers {
  data: Float32Array;
  rows: number;
  columns: number;
}

interface Names {
  row(index: number): string;
  column(index: number): string;
}

function namesOf(info: OwnInfo, tokens: readonly string[]): Names {
  const { array_kind: kind, labels } = info;
  const [first, second] = labels;
  const columns = second ?? first ?? (kind === "pattern" || kind === "tokens" ? tokens : []);
  const rows = second ? (first ?? []) : kind === "pattern" ? tokens : [];
  return {
    row: (index) => rows[index] ?? String(index),
    column: (index) => columns[index] ?? String(index),
  };
}

interface Parts {
  numbers: Numbers;
  scale: Scale;
  names: Names;
}

/** One number for each token, over the text: a line for each row. */
function Strips({ numbers, scale, names }: Parts) {
  const { data, rows, columns } = numbers;
  return (
    <div class="own-strips">
      {Array.from({ length: rows }, (_, row) => (
        <p key={row}>
          {rows > 1 && <span class="faint">{names.row(row)} </span>}
          {Array.from({ length: columns }, (_, column) => {
            const value = data[row * columns + column] ?? Number.NaN;
            const colour = colourOf(scale, value);
            const style = colour ? { background: css(colour), color: inkOn(colour) } : undefined;
            return (
              <span key={column} class="own-token" style={style} title={signed(value, 4)}>
                {names.column(column)}
              </span>
            );
          })}
        </p>
      ))}
    </div>
  );
}

function Bars({ numbers, scale, names }: Parts) {
  const { data } = numbers;
  const [low, high] = scale.domain;
  const zero = (-low / (high - low)) * 100;
  return (
    <>
      <ol class="own-bars">
        {Array.from(data.subarray(0, MOST_BARS), (value, i) => {
          const colour = colourOf(scale, value);
          const width = (Math.abs(value) / (high - low)) * 100;
          const left = value < 0 ? zero - width : zero;
          return (
            <li key={i}>
              <span class="own-bar-name">{names.column(i)}</span>
              <span class="own-bar">
                <i
                  style={{
                    left: `${left}%`,
                    width: `${width || 0}%`,
                    background: colour ? css(colour) : undefined,
                  }}
                />
              </span>
              <span class="own-bar-value">{signed(value, 3)}</span>
            </li>
          );
        })}
      </ol>
      {data.length > MOST_BARS && (
        <p class="faint">
          The first {MOST_BARS} of {data.length}.
        </p>
      )}
    </>
  );
}

/** A heat map, with the names of its rows and columns. */
function Matrix({ numbers, scale, names, title }: Parts & { title: string }) {
  const { data, rows, columns } = numbers;
  const rowNames = Array.from({ length: rows }, (_, row) => names.row(row));
  const columnNames = Array.from({ length: columns }, (_, column) => names.column(column));
  const longest = Math.max(...rowNames.map((name) => name.length));
  const [low, high] = scale.domain;
  return (
    <GridCanvas
      name="own-matrix"
      label={title}
      rowNames={rowNames}
      columnNames={columnNames}
      data={data}
      scale={scale}
      legend={[low < 0 ? signed(low) : "0", signed(high), `${rows} × ${columns}`]}
      left={Math.min(WIDEST_NAME, Math.max(LEAST_NAME, 10 + longest * 7))}
      describe={(row, column) => {
        const value = data[row * columns + column] ?? Number.NaN;
        return (
          <>
            <code>{names.row(row)}</code>, <code>{names.column(column)}</code>{" "}
            <b>{Number.isNaN(value) ? "–" : value.toPrecision(5)}</b>
          </>
        );
      }}
    />
  );
}
