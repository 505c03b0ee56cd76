import { marksText } from "../../state/address";
import type { Measure } from "../../wire/types";
import { CLASSES, classesOf } from "./classes";
import type { Part } from "./geometry";
import type { MapModel } from "./MapView";
import { MEASURES } from "./measures";
import { unitOf } from "./values";

export type Column = "part" | "now" | "baseline" | "difference" | "class" | "state";

export interface Sort {
  by: Column;
  down: boolean;
}

export interface TableRow {
  key: string;
  part: string;
  /** What the number is, where it is not the measure of the part itself. */
  what: string;
  now: number;
  baseline: number;
  difference: number;
  class: string;
  state: string;
  signed: boolean;
  selectable: boolean;
  /** Counted in the sum: the parts that do not overlap. */
  counted: boolean;
}

const OVERLAPS = new Set<Part["kind"]>(["attn", "norm", "resid"]);

/** Rows of all parts that have a number; with `shown`, only of those that the map draws in full. */
export function rowsOf(map: MapModel, measure: Measure, shown: boolean): TableRow[] {
  const { tools } = map;
  const found = shown ? tools.found.value : null;
  const matches = found && new Set(found.matches.map(({ address }) => address));
  const passed = shown && tools.slider.value > 0 ? new Set(tools.passed.value.addresses) : null;
  const rows: TableRow[] = [];
  for (const part of map.layout.value?.parts ?? []) {
    if (matches && !matches.has(part.address)) continue;
    if (passed && !passed.has(part.address)) continue;
    const row = rowOf(map, part, measure);
    if (row) rows.push(row);
    if (part.kind === "attn" && !matches && !passed) {
      rows.push(...restOf(map, part, measure));
    }
  }
  if (!matches && !passed) rows.push(...constantOf(map, measure));
  return rows.filter(({ now, baseline }) => !(Number.isNaN(now) && Number.isNaN(baseline)));
}

/** Norms and the stream have one number, whatever the measure: it belongs to the norms. */
function rowOf(map: MapModel, part: Part, measure: Measure): TableRow | null {
  const side = part.kind === "norm" || part.kind === "resid";
  if (side && measure !== "norm") return null;
  const values = map.values.value;
  const index = part.layer * map.model.n_heads + part.index;
  const classes = part.kind === "head" ? classesOf(map.classes.value, index) : [];
  return row(part.address, values.at(part, "now"), values.at(part, "baseline"), {
    what: side ? unitOf(part, measure) : part.kind === "attn" ? "heads and bias" : "",
    class: classes.map(([name, score]) => `${CLASSES[name]} ${score.toFixed(2)}`).join(", "),
    state: marksText(map.marks.value.get(part.address)),
    signed: MEASURES[measure].signed,
    counted: !OVERLAPS.has(part.kind),
  });
}

function row(
  part: string,
  now: number,
  baseline: number,
  more: Partial<TableRow> & { signed: boolean },
): TableRow {
  const key = more.key ?? part;
  const empty = { what: "", class: "", state: "", selectable: true, counted: true };
  return { ...empty, ...more, key, part, now, baseline, difference: now - baseline };
}

function restOf(map: MapModel, part: Part, measure: Measure): TableRow[] {
  const { rest } = map.values.value;
  const [now, baseline] = [rest(part.layer, "now"), rest(part.layer, "baseline")];
  const { signed } = MEASURES[measure];
  return [row(part.address, now, baseline, { key: `${part.address}-bias`, what: "bias", signed })];
}

function constantOf(map: MapModel, measure: Measure): TableRow[] {
  const { constant } = map.values.value;
  const { signed } = MEASURES[measure];
  const more = { key: "biases", what: "norm and unembedding", signed, selectable: false };
  return [row("biases", constant("now"), constant("baseline"), more)];
}

/** Sorted rows; what has no number goes last either way. */
export function sorted(rows: TableRow[], { by, down }: Sort): TableRow[] {
  if (by === "part") return down ? [...rows].reverse() : rows;
  const sign = down ? -1 : 1;
  return [...rows].sort((a, b) => {
    const [one, other] = [a[by], b[by]];
    if (typeof one === "number" && typeof other === "number") {
      const [lacks, otherLacks] = [Number.isNaN(one), Number.isNaN(other)];
      return lacks || otherLacks ? Number(lacks) - Number(otherLacks) : sign * (one - other);
    }
    const [text, otherText] = [String(one), String(other)];
    if (!text || !otherText) return Number(!text) - Number(!otherText);
    return sign * text.localeCompare(otherText, undefined, { numeric: true });
  });
}

/** Sums over the parts that do not overlap. */
export function totals(rows: readonly TableRow[]): { now: number; baseline: number } {
  const known = (value: number) => (Number.isNaN(value) ? 0 : value);
  let [now, baseline] = [0, 0];
  for (const each of rows) {
    if (!each.counted) continue;
    now += known(each.now);
    baseline += known(each.baseline);
  }
  return { now, baseline };
}
