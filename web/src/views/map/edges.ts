import { signedScale } from "../../draw/colour";
import type { Palette } from "../../draw/theme";
import { type Box, curveBetween, curveTo } from "../../edges/curve";
import { comesBefore, type Edge, parseEdge } from "../../edges/edge";
import type { Draft } from "../../edges/state";
import {
  cableLook,
  type Look,
  strongest,
  type Weighted,
  type Wire,
  weightedLook,
} from "../../edges/wire";
import type { Entry, ModelInfo } from "../../wire/types";
import type { CircuitRow } from "../circuit/state";
import type { PathRow } from "../paths/state";
import { type Layout, neighbour, type Part } from "./geometry";

interface Zoomed {
  k: number;
  x: number;
  y: number;
}

/** The label of a layer's attention: its edges leave from there, not from a head. */
const LABEL = 30;

/** Where a part is on screen, as far as its edges are concerned. */
export function edgeBox(layout: Layout, zoom: Zoomed, address: string): Box | null {
  const part = layout.byAddress.get(address);
  if (!part) return null;
  const width = part.kind === "attn" ? LABEL : part.width;
  return {
    x: part.x * zoom.k + zoom.x,
    y: part.y * zoom.k + zoom.y,
    width: width * zoom.k,
    height: part.height * zoom.k,
  };
}

function wireOf(
  edge: Edge,
  place: { layout: Layout; zoom: Zoomed },
  more: { look: Look; entry: number | null; effect: number },
): Wire | null {
  const from = edgeBox(place.layout, place.zoom, edge.sender);
  const to = edgeBox(place.layout, place.zoom, edge.receiver);
  if (!from || !to) return null;
  return { edge, curve: curveBetween(from, to, edge.input), room: to.width, ...more };
}

export interface Drawn {
  rows: readonly PathRow[];
  top: number;
}

export interface Scaled {
  rows: readonly Weighted[];
  top: number;
}

/** The largest effect of those drawn: the end of their scale. */
export function topOf({ rows, top }: Scaled): number {
  return Math.abs(strongest(rows, top).pop()?.effect ?? 0);
}

/** Edges of a circuit that are drawn at most: beyond that there is nothing to see. */
const MOST = 300;
const PRUNED = 0.2;

/** A circuit's edges as wires: what was pruned is faint, what only a second circuit has is plain. */
export function circuitWires(
  place: { layout: Layout; zoom: Zoomed },
  rows: readonly CircuitRow[],
  palette: Palette,
): Wire[] {
  const scale = signedScale(palette, topOf({ rows, top: MOST }) || 1);
  const found = strongest(rows, MOST).map(({ edge: address, effect, pruned, share }) => {
    const edge = parseEdge(address);
    const look = weightedLook(scale, effect, palette);
    if (pruned) look.alpha = PRUNED;
    if (share === "second") look.colour = palette.accent;
    return edge && wireOf(edge, place, { look, entry: null, effect });
  });
  return found.filter((wire) => wire !== null).sort((a, b) => a.look.alpha - b.look.alpha);
}

/** The strongest paths as wires, and over them the edges in the list of interventions. */
export function mapWires(
  place: { layout: Layout; zoom: Zoomed },
  entries: readonly Entry[],
  alone: (entry: number) => number,
  drawn: Drawn | null,
  palette: Palette,
): Wire[] {
  const found: (Wire | null)[] = [];
  if (drawn) {
    const scale = signedScale(palette, topOf(drawn));
    for (const { edge: address, effect } of strongest(drawn.rows, drawn.top)) {
      const edge = parseEdge(address);
      const look = weightedLook(scale, effect, palette);
      if (edge) found.push(wireOf(edge, place, { look, entry: null, effect }));
    }
  }
  for (const entry of entries) {
    const edge = parseEdge(entry.at);
    const look = cableLook(entry, palette);
    const more = { look, entry: entry.id, effect: alone(entry.id) };
    if (edge) found.push(wireOf(edge, place, more));
  }
  return found.filter((wire) => wire !== null);
}

/** The cable in somebody's hand: to the part it points at, else to the pointer. */
export function looseCurve(layout: Layout, zoom: Zoomed, draft: Draft) {
  const from = edgeBox(layout, zoom, draft.from);
  if (!from) return null;
  const to = draft.to && edgeBox(layout, zoom, draft.to);
  if (to) return curveBetween(from, to, "");
  return draft.at && curveTo(from, [draft.at.x, draft.at.y]);
}

/** Rectangles over all that cannot receive from a part: whole rows, so that there are few. */
export function closedAreas(model: ModelInfo, layout: Layout, from: string): Box[] {
  const areas: Box[] = [];
  const { headsLeft, headsRight, layers } = layout;
  for (let layer = 0; layer < layers.length; layer += 1) {
    const first = layout.rows[layer]?.[0];
    if (first && !comesBefore(model, from, first.address)) {
      const { y, height } = first;
      areas.push({ x: headsLeft, y, width: headsRight - headsLeft, height });
    }
    const mlp = layout.mlps[layer];
    if (mlp && !comesBefore(model, from, mlp.address)) areas.push(mlp);
  }
  return areas;
}

/** The next part in a direction that can receive; the one it was where there is none. */
export function nextReceiver(
  model: ModelInfo,
  layout: Layout,
  draft: Draft,
  way: Parameters<typeof neighbour>[2],
): string | null {
  let part: Part | null | undefined = layout.byAddress.get(draft.to ?? draft.from);
  for (let i = 0; part && i < layout.parts.length; i += 1) {
    part = neighbour(layout, part, way);
    if (part && comesBefore(model, draft.from, part.address)) return part.address;
  }
  // Above the last layer stand the logits, whichever column one comes from.
  return way === "up" ? "logits" : draft.to;
}

/** Where an edge drawn by keyboard first points: the head above, else the logits. */
export function firstReceiver(model: ModelInfo, layout: Layout, from: string): string | null {
  return nextReceiver(model, layout, { from, to: null, at: null }, "up");
}
