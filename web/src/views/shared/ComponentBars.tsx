import type { Signal } from "@preact/signals";
import { format, signed } from "../../draw/number";
import { drawnPart } from "../../state/address";
import { useBoard } from "../../state/board";
import type { Side } from "../../state/ui";
import type { Component } from "../../wire/types";
import {
  axis,
  type Bar,
  bars,
  bySize,
  extent,
  byLayer as groupByLayer,
  type Item,
  items,
  valueOn,
} from "./components";
import type { Order } from "./sortTable";

export const ORDERS = [
  { value: "model", label: "by layer" },
  { value: "size", label: "by size" },
] as const;

/** A column of numbers beside the bars, for single components. */
export interface Column {
  name: string;
  now: ArrayLike<number>;
  base: ArrayLike<number>;
}

interface Props {
  name: string;
  label: string;
  components: readonly Component[];
  now: ArrayLike<number>;
  base: ArrayLike<number>;
  side: Side;
  order: Order;
  /** Whether each bar starts where the one before it ended. */
  running: boolean;
  columns?: readonly Column[];
  digits?: number;
}

const MOST = 20;

/** Which groups are open, as one setting of the board. */
function toggled(opened: Signal<string>, key: string): void {
  const all = new Set(opened.peek().split("|").filter(Boolean));
  if (!all.delete(key)) all.add(key);
  opened.value = [...all].join("|");
}

/** A bar for each component: grouped by layer in the model's order, or the largest first. */
export function ComponentBars(props: Props) {
  const { components, now, base, side, order, running, name } = props;
  const opened = useBoard().ui.local(`${name}.opened`, "");
  const all = items(components, now, base);
  const list = order === "model" ? groupByLayer(all) : bySize(all, side, MOST);
  const shown = bars(list, new Set(opened.value.split("|")), running);
  const ends = axis(shown, side);
  return (
    <table class="parts-table" data-testid={name} aria-label={props.label}>
      <thead>
        <tr>
          <th scope="col">part</th>
          <th scope="col" class="track-head">
            <Axis ends={ends} />
          </th>
          <th scope="col" class="number">
            {side === "difference" ? "change" : "value"}
          </th>
          {props.columns?.map((column) => (
            <th key={column.name} scope="col" class="number extra">
              {column.name}
            </th>
          ))}
        </tr>
      </thead>
      <tbody>
        {shown.map((bar) => (
          <Row
            key={`${bar.depth} ${bar.item.key}`}
            bar={bar}
            ends={ends}
            props={props}
            open={opened.value.split("|").includes(bar.item.key)}
            toggle={() => toggled(opened, bar.item.key)}
          />
        ))}
      </tbody>
    </table>
  );
}

function Axis({ ends }: { ends: readonly [number, number] }) {
  const [low, high] = ends;
  const zero = (100 * -low) / (high - low);
  return (
    <span class="axis">
      {low < 0 && <i style={{ left: 0 }}>{format(low)}</i>}
      {zero > 40 && zero < 62 && <i style={{ left: `${zero}%`, translate: "-50%" }}>0</i>}
      {high > 0 && <i style={{ right: 0 }}>{format(high)}</i>}
    </span>
  );
}

interface RowProps {
  bar: Bar;
  ends: readonly [number, number];
  props: Props;
  open: boolean;
  toggle: () => void;
}

function Row({ bar, ends, props, open, toggle }: RowProps) {
  const board = useBoard();
  const { item, depth } = bar;
  const { side, digits = 3 } = props;
  const value = valueOn(item, side);
  const selected =
    item.at !== null && board.drawnSelection.value.includes(drawnPart(item.at)) && item.index >= 0;
  const title =
    `${item.label}: baseline ${signed(item.base, 5)}, now ${signed(item.now, 5)}, ` +
    `difference ${signed(item.now - item.base, 5)}`;
  return (
    <tr
      data-testid="part-bar"
      data-part={item.key}
      data-now={item.now}
      data-base={item.base}
      data-depth={depth}
      data-selected={selected}
      title={title}
    >
      <th scope="row">
        <PartName item={item} open={open} toggle={toggle} />
      </th>
      <td class="track">
        <Track bar={bar} ends={ends} side={side} />
      </td>
      <td class="number">{signed(value, digits)}</td>
      {props.columns?.map((column) => (
        <td key={column.name} class="number extra">
          {item.index >= 0 ? format(columnValue(column, item.index, side), 2) : ""}
        </td>
      ))}
    </tr>
  );
}

function columnValue({ now, base }: Column, index: number, side: Side): number {
  const [a, b] = [now[index] ?? Number.NaN, base[index] ?? Number.NaN];
  return side === "now" ? a : side === "baseline" ? b : a - b;
}

function PartName({ item, open, toggle }: { item: Item; open: boolean; toggle: () => void }) {
  const board = useBoard();
  const { at, label, parts } = item;
  if (parts.length > 0) {
    return (
      <button type="button" class="part-name" aria-expanded={open} onClick={toggle}>
        <span class="fold">{open ? "▾" : "▸"}</span>
        {label}
      </button>
    );
  }
  if (at === null) return <span class="part-name">{label}</span>;
  return (
    <button
      type="button"
      class="part-name"
      onClick={() => void board.select([at])}
      onPointerEnter={() => {
        board.ui.hoverPart.value = drawnPart(at);
      }}
      onPointerLeave={() => {
        board.ui.hoverPart.value = null;
      }}
    >
      {label}
    </button>
  );
}

/** A bar from where it starts to where it ends; the baseline's as a frame. */
function Track({ bar, ends, side }: { bar: Bar; ends: readonly [number, number]; side: Side }) {
  const [low, high] = ends;
  const at = (value: number) => (100 * (value - low)) / (high - low);
  const box = ([from, to]: readonly [number, number]) => ({
    left: `${at(Math.min(from, to))}%`,
    width: `max(1px, ${Math.abs(at(to) - at(from))}%)`,
  });
  const [from, to] = extent(bar, side);
  const moved = side === "now" && Math.abs(bar.item.now - bar.item.base) > 1e-9;
  return (
    <div>
      <i class="zero" style={{ left: `${at(0)}%` }} />
      <span class="part-fill" data-sign={to >= from ? "up" : "down"} style={box([from, to])} />
      {moved && <span class="part-frame" style={box(bar.base)} />}
    </div>
  );
}
