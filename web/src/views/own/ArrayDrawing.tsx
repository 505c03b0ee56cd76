import { useSignal } from "@preact/signals";
import { useLayoutEffect, useRef } from "preact/hooks";
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
import { showToken } from "../shared/token";
import { useSize } from "../shared/useSize";
import { cellUnder, frameOf, paintGrid } from "./grid";

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
  return (
    <>
      {info.array_kind === "tokens" ? (
        <Strips numbers={numbers} scale={scale} names={names} />
      ) : info.array_kind === "bars" ? (
        <Bars numbers={numbers} scale={scale} names={names} />
      ) : (
        <Matrix numbers={numbers} scale={scale} names={names} title={title} />
      )}
      <p class="own-scale faint">
        {below ? signed(scale.domain[0]) : "0"}
        <i style={{ background: gradient(scale) }} />
        {signed(scale.domain[1])}
      </p>
    </>
  );
}

export interface Numbers {
  data: Float32Array;
  rows: number;
  columns: number;
}

export interface Names {
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

const MOST_BARS = 400;

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

/** A heat map; arrow keys and the pointer read single cells. */
function Matrix({ numbers, scale, names, title }: Parts & { title: string }) {
  const board = useBoard();
  const { ref, size } = useSize();
  const canvas = useRef<HTMLCanvasElement>(null);
  const cell = useSignal<{ row: number; column: number } | null>(null);
  const palette = PALETTES[board.ui.theme.value];
  const frame = frameOf(size.value.width, numbers);
  const at = cell.value;
  useLayoutEffect(() => {
    if (canvas.current) paintGrid(canvas.current, { frame, numbers, scale, names, palette, at });
  });
  const move = (event: KeyboardEvent) => {
    const step = { ArrowUp: [-1, 0], ArrowDown: [1, 0], ArrowLeft: [0, -1], ArrowRight: [0, 1] }[
      event.key
    ];
    if (!step) return;
    event.preventDefault();
    event.stopPropagation();
    const { row, column } = cell.peek() ?? { row: 0, column: 0 };
    const inside = (value: number, count: number) => Math.max(0, Math.min(count - 1, value));
    cell.value = {
      row: inside(row + (step[0] ?? 0), numbers.rows),
      column: inside(column + (step[1] ?? 0), numbers.columns),
    };
  };
  const value = at ? (numbers.data[at.row * numbers.columns + at.column] ?? Number.NaN) : 0;
  return (
    <div class="own-matrix" ref={ref}>
      <div
        role="application"
        // biome-ignore lint/a11y/noNoninteractiveTabindex: its cells are read with the arrow keys
        tabIndex={0}
        aria-label={`${title}: arrow keys read the cells`}
        onKeyDown={move}
      >
        <canvas
          ref={canvas}
          onPointerMove={(event) => {
            cell.value = cellUnder(frame, numbers, event.offsetX, event.offsetY);
          }}
          onPointerLeave={() => {
            cell.value = null;
          }}
        />
      </div>
      <p class="readout" role="status">
        {at ? (
          <>
            <code>{names.row(at.row)}</code>, <code>{names.column(at.column)}</code>{" "}
            <b>{Number.isNaN(value) ? "–" : value.toPrecision(5)}</b>
          </>
        ) : (
          <span class="faint">
            {numbers.rows} × {numbers.columns}
          </span>
        )}
      </p>
    </div>
  );
}
