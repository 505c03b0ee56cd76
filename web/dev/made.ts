import type { MapView, Measure, ModelInfo, Recording, State, ViewData } from "../src/wire/types";
import { chance } from "./models";

/** For models that nobody runs here, such as one of 96 × 96 heads: numbers that are made up. */

const MEASURES: readonly Measure[] = ["attribution", "norm", "effect"];
const WORDS = ["<bos>", "When", " Mary", " and", " John", " went", " to", " the", " store"];

export function madeState(model: ModelInfo): State {
  return {
    t: "state",
    seq: 1,
    revision: 1,
    model,
    prompt: WORDS.slice(1).join(""),
    tokens: WORDS.map((text, index) => ({ index, id: 17 + index * 31, text })),
    metric: {
      name: "logit difference",
      target: " Mary",
      foil: " John",
      position: WORDS.length - 1,
      baseline: 6.12,
      now: 6.12,
      contrast: null,
    },
    entries: [],
    own: [],
    directions: [],
    contrast: "",
    contrast_tokens: [],
    alignment: [],
    circuit: false,
    can_undo: false,
    can_redo: false,
    selection: [],
    position: -1,
    busy: false,
    plan: "made up",
    live: false,
    problem: null,
  };
}

/** The map of a model under every measure. */
export async function madeUp(model: ModelInfo): Promise<Recording> {
  const buffers: string[] = [];
  const views: ViewData[] = [];
  for (const measure of MEASURES) {
    const view: MapView = { kind: "map", measure, position: -1 };
    const arrays: ViewData["arrays"] = [];
    for (const [name, values, shape] of mapArrays(model, measure)) {
      for (const end of ["now", "base"]) {
        arrays.push({ name: `${name}_${end}`, dtype: "float32", shape, buffer: buffers.length });
      }
      buffers.push(await deflate(Float32Array.from(values)));
    }
    views.push({ t: "view", view, revision: 1, arrays, info: null, problem: null });
  }
  const state = madeState(model);
  return { format: 1, made_with: "", state, code: "", shown: [], views, buffers, left_out: 0 };
}

function mapArrays(model: ModelInfo, measure: Measure): [string, number[], number[]][] {
  const { n_layers: layers, n_heads: heads } = model;
  const value = (layer: number, head: number) =>
    measure === "norm"
      ? 2 + 9 * chance(layer, head, 5) ** 2
      : (chance(layer, head) * 2 - 1) ** 5 * 2.6 * (0.4 + layer / layers);
  const all = Array.from({ length: layers * heads }, (_, i) =>
    value(Math.floor(i / heads), i % heads),
  );
  const mlps = Array.from({ length: layers }, (_, layer) => value(layer, 99));
  const norms = Array.from({ length: 2 * layers + 1 }, (_, i) => 4 + (9 * i) / layers + chance(i));
  return [
    ["heads", all, [layers, heads]],
    ["mlp", mlps, [layers]],
    ["embed", [0.3], [1]],
    ["resid", norms, [2 * layers + 1]],
  ];
}

/** As a recording carries an array: raw DEFLATE in base64. */
export async function deflate(values: Float32Array<ArrayBuffer>): Promise<string> {
  const stream = new Blob([values]).stream().pipeThrough(new CompressionStream("deflate-raw"));
  const bytes = new Uint8Array(await new Response(stream).arrayBuffer());
  let text = "";
  for (const byte of bytes) text += String.fromCharCode(byte);
  return btoa(text);
}
