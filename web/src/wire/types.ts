// Generated from src/circuitboard/wire/messages by `make types`. Do not edit.

export type Measure = "attribution" | "norm" | "effect";

export type DType = "float32" | "uint8";

/**
 * Where one array lies: its buffer (by order of the message's buffers), kind and shape.
 */
export interface Array {
  name: string;
  dtype: "float32" | "uint8";
  shape: number[];
  buffer: number;
}

/**
 * Do something to the model's internal state.
 *
 * ``ablate``, ``freeze``, ``scale``, ``release`` need ``at``; ``scale`` needs ``factor``;
 * ``toggle`` and ``remove`` need ``entry``; ``clear``, ``undo``, ``redo`` need nothing.
 */
export interface Act {
  op: "act";
  id: number;
  verb: "ablate" | "clear" | "freeze" | "redo" | "release" | "remove" | "scale" | "toggle" | "undo";
  at?: string[];
  factor?: number | null;
  entry?: number | null;
}

/**
 * Set the prompt and the tokens that the metric compares.
 */
export interface Ask {
  op: "ask";
  id: number;
  prompt: string;
  target: string;
  foil: string;
}

/**
 * Stop a running job (all of them when ``job`` is absent).
 */
export interface Cancel {
  op: "cancel";
  id: number;
  job?: number | null;
}

/**
 * Ask for the Python that rebuilds this state; the reply carries ``text``.
 */
export interface Code {
  op: "code";
  id: number;
}

/**
 * One line of the list of interventions.
 */
export interface Entry {
  id: number;
  at: string;
  kind: "freeze" | "scale" | "set" | "zero";
  text: string;
  on: boolean;
}

/**
 * A screen opens: asks for the state, declares what it shows.
 *
 * ``screen`` names the tab, so that two tabs on one board are both served.
 */
export interface Hello {
  op: "hello";
  id: number;
  views?: View[];
  screen?: string;
}

/**
 * A piece of work under way.
 */
export interface Job {
  id: number;
  label: string;
  done: number;
  total: number;
}

/**
 * The number that the board watches. None where it is not defined or not yet computed.
 */
export interface Metric {
  name: string;
  target: string;
  foil: string;
  position: number;
  baseline: number | null;
  now: number | null;
}

/**
 * Facts about the model that the screen draws by.
 */
export interface ModelInfo {
  name: string;
  n_layers: number;
  n_heads: number;
  n_kv_heads: number;
  d_model: number;
  d_head: number;
  d_mlp: number;
  d_vocab: number;
  n_ctx: number;
  norm: "LN" | "RMS" | "none";
  positional: string;
  parallel: boolean;
  attn_only: boolean;
  gated: boolean;
  pos_embed: boolean;
  self_check: number;
}

/**
 * Something went wrong: what, and what to do next.
 */
export interface Problem {
  kind: string;
  message: string;
  hint: string;
}

/**
 * The jobs under way now (an empty list: none).
 */
export interface Progress {
  t: "progress";
  jobs: Job[];
}

/**
 * Answer to one request: exactly one for each, errors included.
 */
export interface Reply {
  t: "reply";
  id: number;
  problem: Problem | null;
  text: string | null;
}

/**
 * Save the board as a page, or the data of the screen's views; a :class:`Saved` follows.
 */
export interface Save {
  op: "save";
  id: number;
  what: "csv" | "html" | "npz";
  views?: View[];
}

/**
 * What became of a :class:`Save`: where the file lies; its content is the one buffer.
 */
export interface Saved {
  t: "saved";
  id: number;
  name: string;
  path: string;
  problem: Problem | null;
}

/**
 * What is selected on screen: addresses, and the position looked at.
 */
export interface Select {
  op: "select";
  id: number;
  addresses: string[];
  position?: number | null;
}

/**
 * The set of views that are visible now; only these are computed and sent.
 */
export interface Show {
  op: "show";
  id: number;
  views: View[];
  screen?: string;
}

/**
 * Everything the screen shows that is not an array. ``seq`` counts these messages.
 *
 * ``live`` says whether there is a model to change: a saved board has none.
 */
export interface State {
  t: "state";
  seq: number;
  revision: number;
  model: ModelInfo;
  prompt: string;
  tokens: Token[];
  metric: Metric;
  entries: Entry[];
  can_undo: boolean;
  can_redo: boolean;
  selection: string[];
  position: number;
  busy: boolean;
  plan: string;
  live: boolean;
  problem: Problem | null;
}

/**
 * One token of the prompt. ``text`` is untrusted: show it as text, never as markup.
 */
export interface Token {
  index: number;
  id: number;
  text: string;
}

/**
 * What one visible view draws. ``revision`` tells an old one from a new one.
 */
export interface ViewData {
  t: "view";
  view: View;
  revision: number;
  arrays: Array[];
  info: LogitsInfo | null;
  problem: Problem | null;
}

/**
 * One head's attention pattern, and thumbnails of every head of its layer.
 *
 * Reply arrays: ``pattern_now`` and ``pattern_base`` [p, p] float32 (row = destination);
 * ``thumbs_now`` and ``thumbs_base`` [h, p, p] uint8 (255 = 1.0); ``value_norm_now`` and
 * ``value_norm_base`` [h, p] float32, the length of each head's value vector at each source.
 */
export interface HeadView {
  kind: "head";
  layer: number;
  head: number;
}

/**
 * One vocabulary entry at the position shown. ``text`` is untrusted.
 */
export interface LogitRow {
  id: number;
  text: string;
  role: "" | "foil" | "target";
  logit_now: number;
  logit_base: number;
  prob_now: number;
  prob_base: number;
  rank_now: number;
  rank_base: number;
}

/**
 * Rows sorted by the probability now: top k now, top k at baseline, target and foil.
 */
export interface LogitsInfo {
  of: "logits";
  position: number;
  rows: LogitRow[];
}

/**
 * The most likely next tokens at one position. Reply: :class:`LogitsInfo`, no arrays.
 */
export interface LogitsView {
  kind: "logits";
  position: number;
  k: number;
}

/**
 * The architecture map, coloured by one measure at the metric's position.
 *
 * Reply arrays (float32): ``heads_now`` and ``heads_base`` [l, h], ``mlp_now`` and ``mlp_base``
 * [l], ``embed_now`` and ``embed_base`` [1], ``resid_now`` and ``resid_base`` [2l+1] (norms of
 * the residual stream before each sublayer and at the end). NaN marks a part that does not
 * exist or is not computed yet. ``effect`` fills in live while its sweep runs.
 */
export interface MapView {
  kind: "map";
  measure: "attribution" | "effect" | "norm";
}

/**
 * All that a screen would have been sent.
 *
 * ``buffers`` are the arrays' bytes, each compressed (raw DEFLATE) and in base64; an array's
 * ``buffer`` counts among all of them, and views share those that are equal. ``shown`` are the
 * views that a person had on screen. ``left_out`` views did not fit. ``code`` is the Python that
 * rebuilds the state.
 */
export interface Recording {
  format: number;
  made_with: string;
  state: State;
  code: string;
  shown: View[];
  views: ViewData[];
  buffers: string[];
  left_out: number;
}

/**
 * Rows sorted by the probability now: top k now, top k at baseline, target and foil.
 */
export interface LogitsInfo {
  of: "logits";
  position: number;
  rows: LogitRow[];
}

export type View = MapView | HeadView | LogitsView;

export type Info = LogitsInfo;

export type Request = Hello | Show | Act | Ask | Select | Code | Cancel | Save;

export type Push = Reply | State | Progress | ViewData | Saved;
