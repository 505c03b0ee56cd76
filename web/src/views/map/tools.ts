import { computed, type ReadonlySignal, type Signal, signal } from "@preact/signals";
import type { Marks } from "../../state/address";
import type { Board } from "../../state/board";
import type { ModelInfo } from "../../wire/types";
import { faintBut, passing, thresholdAt } from "./filter";
import type { Layout } from "./geometry";
import { classNamed, search } from "./search";
import type { MapValues } from "./values";

/** A rectangle being drawn over the map, in pixels of the screen. */
export interface Band {
  x: number;
  y: number;
  width: number;
  height: number;
}

interface Given {
  layout: ReadonlySignal<Layout | null>;
  values: ReadonlySignal<MapValues>;
  marks: ReadonlySignal<ReadonlyMap<string, Marks>>;
}

/** What a person has set on the map: search, filter, brush, table; and what follows. */
export function mapTools(board: Board, model: ModelInfo, { layout, values, marks }: Given) {
  const query = board.ui.local<string>("map.search", "");
  const slider = board.ui.local<number>("map.filter", 0);
  const parts = computed(() => layout.value?.parts ?? []);
  const found = computed(() =>
    search(query.value, {
      parts: parts.value,
      heads: model.n_heads,
      classes: board.kernel.picture({ kind: "classes" }).value,
      marks: marks.value,
    }),
  );
  const threshold = computed(() => thresholdAt(slider.value, values.value.scale.domain[1]));
  const passed = computed(() => passing(parts.value, values.value, model.n_heads, threshold.value));
  const faint = computed(() => {
    const keep: ReadonlySet<string>[] = [];
    if (slider.value > 0) keep.push(new Set(passed.value.addresses));
    if (found.value) keep.push(new Set(found.value.matches.map((match) => match.address)));
    return faintBut(parts.value, { layers: model.n_layers, heads: model.n_heads }, keep);
  });
  return {
    query,
    slider,
    /** Which of the parts found was gone to last. */
    cursor: signal(-1),
    brush: board.ui.local<boolean>("map.brush", false),
    table: board.ui.local<boolean>("map.table", false),
    /** Class scores are asked for once something needs them, and then kept. */
    classes: board.ui.local<boolean>("map.classes", false),
    band: signal(null) as Signal<Band | null>,
    found,
    threshold,
    passed,
    faint,
    isClass: computed(() => classNamed(query.value) !== null),
  };
}

export type MapTools = ReturnType<typeof mapTools>;
