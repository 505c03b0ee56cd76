// Generated from src/circuitboard/wire/messages by `make types`. Do not edit.

export type Measure = "attribution" | "norm" | "effect";

export type DType = "float32" | "uint8";

export type HeadValue = "pattern" | "weighted" | "scores" | "attribution";

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
 * Sends the data of one view once, such as the exact values under the pointer.
 */
export interface Look {
  op: "look";
  id: number;
  view: View;
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
 * Sets cells of a head's pattern: a :class:`Set` of the whole pattern, one step of undo.
 *
 * Only the cells painted travel: pairs (destination, source) in ``cells``, a weight for each. With
 * ``normalise`` the other cells of their rows share what is left.
 */
export interface Paint {
  op: "paint";
  id: number;
  head: string;
  cells: number[][];
  weights: number[];
  normalise?: boolean;
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
  info: HeadInfo | HeadGalleryInfo | HeadTokensInfo | HeadEvidenceInfo | LogitsInfo | null;
  problem: Problem | null;
}

/**
 * A token put in, the one that came out first, and the rank of its own. Untrusted texts.
 */
export interface CopiedToken {
  text: string;
  top: string;
  rank: number;
}

/**
 * A score, and the diagonal that it averages over (None: the first column).
 */
export interface EvidenceScore {
  name: "duplicate" | "first" | "induction" | "previous";
  value: number;
  offset: number | null;
}

/**
 * Scores of the pattern; copying as counts of ``tried`` tokens. Texts are untrusted.
 */
export interface HeadEvidenceInfo {
  of: "head_evidence";
  tokens: string[];
  period: number;
  seed: number;
  scores: EvidenceScore[];
  tried: number;
  wanted: number;
  top1: number;
  top5: number;
  bottom5: number;
  examples: CopiedToken[];
}

/**
 * The pattern on repeated random tokens and what the head copies. Reply array: ``pattern``
 * [p, p] float32, absent until the model has run.
 */
export interface HeadEvidenceView {
  kind: "head_evidence";
  layer: number;
  head: number;
  seed: number;
}

/**
 * Beside thumbnails: their width, and how many layers are there.
 */
export interface HeadGalleryInfo {
  of: "head_gallery";
  thumb: number;
  done: number;
}

/**
 * Thumbnails of all heads of a few layers: ``thumbs`` [l, h, t(t+1)/2] uint8 codes from 0 to 1,
 * 255 where not yet known. They fill in.
 */
export interface HeadGalleryView {
  kind: "head_gallery";
  first: number;
  count: number;
  skip_first: boolean;
  base: boolean;
}

/**
 * Beside a head's cells. ``base`` is None where it was not asked for, or equals ``now``.
 *
 * ``unchanged``: the two runs are one. ``no_scores`` and ``no_attribution`` say why there is no
 * such value; empty where there is.
 */
export interface HeadInfo {
  of: "head";
  tokens: number;
  thumb: number;
  now: HeadRange;
  base: HeadRange | null;
  unchanged: boolean;
  no_scores: string;
  no_attribution: string;
}

/**
 * Exact cells of one token: ``row_now``, ``row_base`` [token + 1], what it looks at, and
 * ``column_now``, ``column_base`` [p - token], who looks at it; float32, NaN where masked.
 */
export interface HeadLineView {
  kind: "head_line";
  layer: number;
  head: number;
  value: "attribution" | "pattern" | "scores" | "weighted";
  skip_first: boolean;
  token: number;
}

/**
 * One vocabulary entry and what the head adds to its logit. ``text`` is untrusted.
 */
export interface HeadLogit {
  id: number;
  text: string;
  now: number;
  base: number;
}

/**
 * What the codes of one run's cells mean, and the head's direct logit attribution there.
 *
 * ``total`` is at the last position; ``rest`` is the part of it that belongs to no source.
 */
export interface HeadRange {
  low: number;
  high: number;
  total: number | null;
  rest: number | null;
}

/**
 * Tokens raised and lowered most at ``position``, by the value now; for each position the one
 * raised most (empty: not yet known).
 */
export interface HeadTokensInfo {
  of: "head_tokens";
  position: number;
  promoted: HeadLogit[];
  suppressed: HeadLogit[];
  tops_now: string[];
  tops_base: string[];
}

/**
 * Each token as destination and as source, and what the head writes to the vocabulary there.
 *
 * Reply arrays, with ``now`` and ``base``: ``summary_now`` [5, p] float32: entropy, strongest
 * source (-1: none), its weight, received, mean received; ``top_now`` [p] float32, the largest
 * effect on a logit at each position, NaN where not yet known; and where there is a metric
 * ``total_now`` [p] float32, the head's direct logit attribution at each position.
 */
export interface HeadTokensView {
  kind: "head_tokens";
  layer: number;
  head: number;
  position: number;
  k: number;
  skip_first: boolean;
}

/**
 * One head's cells, and thumbnails of the patterns of every head of its layer.
 *
 * Reply arrays, with ``now`` and, where ``base`` is asked for and differs, ``base``:
 * ``cells_now`` [p(p+1)/2] uint8 codes, row by row (row = destination); ``thumbs_now``
 * [h, t(t+1)/2] uint8 codes from 0 to 1; ``tokens_now`` [2, p] float32: the entropy (nats) of
 * what each destination looks at, and what each source receives.
 */
export interface HeadView {
  kind: "head";
  layer: number;
  head: number;
  value: "attribution" | "pattern" | "scores" | "weighted";
  skip_first: boolean;
  base: boolean;
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

export type View = MapView | HeadView | HeadLineView | HeadGalleryView | HeadTokensView | HeadEvidenceView | LogitsView;

export type Info = HeadInfo | HeadGalleryInfo | HeadTokensInfo | HeadEvidenceInfo | LogitsInfo;

export type Request = Hello | Show | Act | Paint | Look | Ask | Select | Code | Cancel;

export type Push = Reply | State | Progress | ViewData;
