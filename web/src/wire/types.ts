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
  info: LogitsInfo | MlpInfo | NeuronInfo | NormInfo | NormDirectionsInfo | null;
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
 * Totals are None without a metric. ``post_norm``: a norm follows the MLP, held at its scale
 * of each run.
 */
export interface MlpInfo {
  of: "mlp";
  layer: number;
  n_neurons: number;
  post_norm: boolean;
  now: MlpTotal | null;
  base: MlpTotal | null;
}

/**
 * What the MLP adds to the metric directly in one run, in logits; ``rest``: what is done to
 * its output after the neurons.
 */
export interface MlpTotal {
  total: number;
  bias: number;
  rest: number;
}

/**
 * One layer's MLP: its total, and the neurons that matter for the metric.
 *
 * ``every``: ablate every neuron, not only those of the largest direct effect. Reply arrays
 * (float32), k the neurons listed, n all of them: ``neurons`` [k]; ``direct_now`` and
 * ``direct_base`` [k], ``ablation_now`` and ``ablation_base`` [k] (NaN until known), in logits at
 * the metric's position; ``act_now`` and ``act_base`` [k, p], activations over the prompt;
 * ``norm_now`` and ``norm_base`` [p], length of what the MLP writes; ``active_now`` and
 * ``active_base`` [p], how many neurons are above 0; ``sum_now`` and ``sum_base`` [m], sums of
 * the direct effects of the 1, 2, ... m neurons of the largest effect.
 */
export interface MlpView {
  kind: "mlp";
  layer: number;
  every: boolean;
}

/**
 * Effects in logits at the metric's position; None without a metric or until known.
 */
export interface NeuronInfo {
  of: "neuron";
  layer: number;
  neuron: number;
  gated: boolean;
  writes: Words;
  reads: Words;
  multiplies: Words | null;
  direct_now: number | null;
  direct_base: number | null;
  ablation_now: number | null;
  ablation_base: number | null;
}

/**
 * One neuron over the prompt, and in words.
 *
 * Reply arrays (float32): ``pre_now`` and ``pre_base`` [p], what goes into the activation
 * function (gated: the gate); ``post_now`` and ``post_base`` [p], what the neuron writes by;
 * gated, ``up_now`` and ``up_base`` [p], what the activation is multiplied by; ``dot_now`` and
 * ``dot_base`` [p], the points' heights over ``pre`` on the curve; ``curve_x`` and ``curve_y``
 * [c], the model's own activation function (absent where it is none of one number).
 */
export interface NeuronView {
  kind: "neuron";
  layer: number;
  neuron: number;
}

/**
 * One vocabulary entry. ``text`` is untrusted.
 */
export interface Word {
  id: number;
  text: string;
  value: number;
}

/**
 * The two ends of a list of tokens, the furthest first.
 */
export interface Words {
  high: Word[];
  low: Word[];
}

/**
 * ``even``: the ratio of a direction spread evenly over all dimensions; ``target``: that of
 * the target's minus the foil's unembedding, None without a metric.
 */
export interface NormDirectionsInfo {
  of: "norm-directions";
  position: number;
  parts: string[];
  even: number;
  target: number | null;
}

/**
 * Which directions the gain amplifies: those that upstream parts write at a position.
 *
 * Reply arrays (float32): ``ratio_now`` and ``ratio_base`` [c], length after the gain over length
 * before it (NaN for a part that writes nothing).
 */
export interface NormDirectionsView {
  kind: "norm-directions";
  address: string;
  position: number;
}

/**
 * ``parts``: addresses of the c upstream parts, in the order of writing; ``metric``: whether
 * there is one that their effects are measured on.
 */
export interface NormInfo {
  of: "norm";
  address: string;
  parts: string[];
  metric: boolean;
}

/**
 * One norm, such as ``L3.ln1.scale``.
 *
 * Reply arrays (float32): ``scale``, ``mean``, ``before``, ``after``, each with ``_now`` and
 * ``_base`` [p]: what is divided by, the mean over d_model, lengths of what enters and leaves;
 * ``dims`` [k], the dimensions that stand out; ``relative_now`` and ``relative_base`` [k, p],
 * their values / rms; ``share_now`` and ``share_base`` [k, p], their shares of the squared
 * length; ``gain`` [d]; ``live_now``, ``live_base``, ``frozen_now``, ``frozen_base`` [c]: effect
 * of ablating each upstream part with the scale recomputed, and with it held at its value without
 * the ablation (NaN until known).
 */
export interface NormView {
  kind: "norm";
  address: string;
}

export type View = MapView | HeadView | LogitsView | MlpView | NeuronView | NormView | NormDirectionsView;

export type Info = LogitsInfo | MlpInfo | NeuronInfo | NormInfo | NormDirectionsInfo;

export type Request = Hello | Show | Act | Ask | Select | Code | Cancel;

export type Push = Reply | State | Progress | ViewData;
