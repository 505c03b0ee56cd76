// Generated from src/circuitboard/wire/messages by `make types`. Do not edit.

export type Measure = "attribution" | "effect" | "gradient" | "norm" | "share" | "entropy" | "entropy_mean" | "previous" | "duplicate" | "induction" | "current" | "first" | "copying";

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
 * ``ablate``, ``freeze``, ``patch``, ``scale``, ``release`` need ``at``; ``patch`` takes values
 * from the contrast prompt, at edges too; ``scale`` needs ``factor``;
 * ``toggle`` needs ``entry``; ``remove`` needs ``entry`` or ``entries``; ``clear``, ``undo``,
 * ``redo`` need nothing.
 */
export interface Act {
  op: "act";
  id: number;
  verb: "ablate" | "clear" | "freeze" | "patch" | "redo" | "release" | "remove" | "scale" | "toggle" | "undo";
  at?: string[];
  factor?: number | null;
  entry?: number | null;
  entries?: number[];
}

/**
 * Set the prompts and the tokens that the metric compares; what is None stays.
 */
export interface Ask {
  op: "ask";
  id: number;
  prompt: string;
  target: string;
  foil: string;
  contrast?: string | null;
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
  kind: "add" | "freeze" | "patch" | "scale" | "set" | "zero";
  text: string;
  on: boolean;
}

/**
 * A screen opens: asks for the state, declares what it shows.
 *
 * The reply's ``text`` is the layout that the board remembers. ``screen`` names the tab, so that
 * two tabs on one board are both served.
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
 * Ask for the source of a drawing library that the kernel has; the reply carries ``text``.
 */
export interface Library {
  op: "library";
  id: number;
  name: "plotly";
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
 * Keep with the board how its panels are laid out: the screen's own text.
 */
export interface Remember {
  op: "remember";
  id: number;
  layout: string;
}

/**
 * Python set the layout: show it. Empty: the default.
 */
export interface Remembered {
  t: "remembered";
  layout: string;
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
  own: OwnPanel[];
  can_undo: boolean;
  can_redo: boolean;
  selection: string[];
  position: number;
  busy: boolean;
  plan: string;
  live: boolean;
  problem: Problem | null;
  directions: string[];
  contrast: string;
  contrast_tokens: Token[];
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
  info: HeadInfo | HeadGalleryInfo | HeadTokensInfo | HeadEvidenceInfo | LogitsInfo | LogitGridInfo | WaterfallInfo | TrajectoryInfo | MlpInfo | NeuronInfo | NormInfo | NormDirectionsInfo | OwnInfo | LensInfo | StreamInfo | DecompositionInfo | EmbeddingInfo | SteeringInfo | null;
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
 * The texts of all ids.
 */
export interface LogitGridInfo {
  of: "logit_grid";
  words: Word[];
}

/**
 * The most likely next tokens at every position.
 *
 * Reply arrays (each ``_now`` and ``_base``, float32): ``ids`` and ``probs`` [p, k].
 */
export interface LogitGridView {
  kind: "logit_grid";
  k: number;
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
 * A typed token that cannot be followed, and why.
 */
export interface Refusal {
  text: string;
  message: string;
  hint: string;
}

/**
 * Addresses of the r places, from the embedding upwards, and the t tokens.
 */
export interface TrajectoryInfo {
  of: "trajectory";
  position: number;
  places: string[];
  followed: Followed[];
  refused: Refusal[];
}

/**
 * Tokens followed through the layers at one position: target, foil, the top ones, typed ones.
 *
 * Reply arrays (each ``_now`` and ``_base``, float32): ``ranks`` and ``log_probs`` [t, r].
 */
export interface TrajectoryView {
  kind: "trajectory";
  position: number;
  tokens: string[];
}

/**
 * The s steps in the order of the model; ``ready`` once all have been read.
 *
 * ``metric``: the board's; ``reached``: what the steps sum to. ``post_norm``: a norm follows
 * attention or MLP. ``softcap`` is the logits', or None.
 */
export interface WaterfallInfo {
  of: "waterfall";
  components: Component[];
  metric: string;
  reached: "log-probability" | "logit difference";
  post_norm: boolean;
  softcap: number | null;
  ready: boolean;
}

/**
 * From the embedding to the metric at the last position.
 *
 * Reply arrays (each ``_now`` and ``_base``, float32): ``values`` [s]; ``ends`` [3]: what the
 * model gives, what the sum misses, what the final norm divides by.
 */
export interface WaterfallView {
  kind: "waterfall";
}

/**
 * Head class scores of all heads, which belong to the weights; swept in the background.
 *
 * Reply arrays (float32) [l, h]: ``previous``, ``duplicate``, ``induction``, ``current``,
 * ``first`` (on random repeats), ``copying`` (of the OV circuit). NaN: not computed yet.
 */
export interface ClassesView {
  kind: "classes";
}

/**
 * The architecture map, coloured by one measure.
 *
 * ``attribution`` (direct logit attribution), ``effect`` (ablation effect), ``gradient``
 * (attribution patching towards zero) are about the metric; ``norm`` and ``share`` (of the
 * residual norm) about its position; ``entropy`` is that of the attention from ``position``,
 * ``entropy_mean`` the mean over all positions, in nats; ``previous``, ``duplicate``,
 * ``induction``, ``current``, ``first`` are scores on random repeats and ``copying`` is that of
 * the OV circuit: these belong to the weights, and are the same now and at baseline.
 *
 * Reply arrays (float32), each ending in ``_now`` or ``_base``: ``heads`` [l, h]; ``mlp`` [l];
 * ``attn`` [l], all of a layer's attention; ``rest`` [l], what of that is of no head (b_O);
 * ``embed`` [2], embedding and position embedding; ``constant`` [1], what the final norm's bias
 * and the unembedding's bias add; ``resid`` [2l+1], norms of the residual stream before each
 * sublayer and at the end; ``scales`` [2l+1], what ln1 and ln2 of each layer and the final norm
 * divide by. NaN marks what does not exist, is not defined or is not computed yet.
 */
export interface MapView {
  kind: "map";
  measure: "attribution" | "copying" | "current" | "duplicate" | "effect" | "entropy" | "entropy_mean" | "first" | "gradient" | "induction" | "norm" | "previous" | "share";
  position: number;
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
export interface ScoredWord {
  id: number;
  text: string;
  value: number;
}

/**
 * The two ends of a list of tokens, the furthest first.
 */
export interface Words {
  high: ScoredWord[];
  low: ScoredWord[];
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

/**
 * What is to be shown. All texts are untrusted.
 *
 * ``waiting``: it has not run yet; ``error``: ``text`` is a traceback; ``plotly``: ``text`` is
 * the figure's JSON. ``seconds``: how long it took. ``current``: it belongs to the newest run.
 */
export interface OwnInfo {
  of: "own";
  shows: "array" | "error" | "image" | "markdown" | "plotly" | "table" | "text" | "waiting";
  text: string;
  mime: string;
  array_kind: "bars" | "heatmap" | "pattern" | "tokens";
  labels: string[][];
  table: OwnTable | null;
  running: boolean;
  current: boolean;
  seconds: number;
}

/**
 * A panel that the user made. ``title`` is text of the user's.
 */
export interface OwnPanel {
  id: string;
  title: string;
}

/**
 * Rows of texts, of ``total`` in all; ``numeric`` says which columns hold numbers.
 */
export interface OwnTable {
  columns: string[];
  rows: string[][];
  numeric: boolean[];
  total: number;
}

/**
 * What a function of the user's returned last. Reply: :class:`OwnInfo`.
 *
 * Reply arrays: ``image`` uint8 [bytes] for an image; ``values`` float32 [rows, columns].
 */
export interface OwnView {
  kind: "own";
  id: string;
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
 * One summand of a residual, or one step to the metric; ``at`` is its address.
 */
export interface Component {
  kind: "cap" | "change" | "constant" | "edges" | "embed" | "head" | "mlp" | "pos_embed" | "rest" | "softmax";
  at: string;
  layer: number | null;
}

/**
 * The c components in the order of the model; ``ready`` once all have been read.
 */
export interface DecompositionInfo {
  of: "decomposition";
  place: string;
  position: number;
  components: Component[];
  unit: "length" | "logits" | "share";
  ready: boolean;
}

/**
 * One residual taken apart, along a direction.
 *
 * Reply arrays (each ``_now`` and ``_base``, float32): ``values``, ``norms``, ``cosines`` [c];
 * ``ends`` [4]: the residual along the direction, what biases add, the length of what the sum
 * misses, the residual's length.
 */
export interface DecompositionView {
  kind: "decomposition";
  place: string;
  position: number;
  direction: string;
}

/**
 * Tokens near in W_E, and those that the embedding alone predicts; lengths of what is added.
 */
export interface EmbeddingInfo {
  of: "embedding";
  position: number;
  norm: number;
  nearest: Neighbour[];
  follows: Neighbour[];
}

/**
 * A position's embeddings, baseline. Reply arrays where positions are learned (float32):
 * ``pos_norms`` [p], ``pos_cosines`` [p, p].
 */
export interface EmbeddingView {
  kind: "embedding";
  position: number;
  k: number;
}

/**
 * A token that is followed through the layers. ``text`` is untrusted.
 */
export interface Followed {
  id: number;
  text: string;
  role: "" | "foil" | "target" | "typed";
}

/**
 * Addresses of the rows, from the embedding upwards, and the texts of all ids.
 */
export interface LensInfo {
  of: "lens";
  places: string[];
  words: Word[];
  followed: Followed[];
}

/**
 * The logit lens: r places on the stream by p positions, with ``middle`` also before MLPs.
 *
 * Reply arrays (each ``_now`` and ``_base``, float32, NaN or -1 where not yet known): ``ids`` and
 * ``probs`` [r, p, k]; ``logits``, ``log_probs`` and ``ranks`` [t, r, p] of the tokens followed.
 */
export interface LensView {
  kind: "lens";
  middle: boolean;
}

/**
 * A token with a cosine, or a probability and its logit. ``text`` is untrusted.
 */
export interface Neighbour {
  id: number;
  text: string;
  value: number;
  logit: number;
}

/**
 * Addresses of the r places, from the embedding upwards; what a projection is in.
 */
export interface StreamInfo {
  of: "stream";
  places: string[];
  unit: "length" | "logits" | "share";
}

/**
 * The geometry of the stream, ``values_now`` and ``values_base`` float32.
 *
 * ``norms``: [r, p] lengths. ``projection``: [r, p] along a direction. ``layers``: [r, r] cosines
 * between places at the position. ``positions``: [p, p] cosines between positions at the place.
 * NaN where not yet known.
 */
export interface StreamView {
  kind: "stream";
  what: "layers" | "norms" | "positions" | "projection";
  place: string;
  position: number;
  direction: string;
}

/**
 * The text of one vocabulary entry. It is untrusted.
 */
export interface Word {
  id: number;
  text: string;
}

/**
 * Renames a direction, or forgets it where the new name is empty.
 */
export interface KeepDirection {
  op: "keep-direction";
  id: number;
  name: string;
  new?: string;
}

/**
 * Make a direction, as ``Board.make_direction`` does; the reply's ``text`` is its name.
 */
export interface MakeDirection {
  op: "make-direction";
  id: number;
  how: "contrast" | "neuron" | "output" | "tokens" | "write";
  at?: string;
  tokens?: string[];
  rank?: number;
  name?: string;
  unit?: boolean;
}

/**
 * Adds a named direction to a place; changes in a row with one ``step`` are one undo.
 */
export interface Steer {
  op: "steer";
  id: number;
  at: string;
  direction: string;
  coefficient: number;
  step?: string;
}

/**
 * A named direction: its length, and its cosine with what target minus foil reads, if any.
 */
export interface SteeringDirection {
  name: string;
  length: number;
  cosine: number | null;
}

/**
 * What is steered; ``direction`` is empty where there is none to steer by.
 *
 * ``coefficient`` is what the board adds now (0 for nothing), ``stream`` the median length of the
 * stream at the positions that are steered.
 */
export interface SteeringInfo {
  of: "steering";
  at: string;
  direction: string;
  reach: number;
  coefficient: number;
  stream: number;
  lines: SteeringLine[];
  directions: SteeringDirection[];
}

/**
 * A line of the list that steers.
 */
export interface SteeringLine {
  entry: number;
  at: string;
  direction: string;
  coefficient: number;
  on: boolean;
}

/**
 * One direction at one place, and the effect over its coefficient.
 *
 * ``at`` and ``direction`` empty: those of the last line that steers, else a place in the middle
 * and the newest direction. ``reach`` 0: as far as makes the vector as long as the stream there.
 *
 * Reply arrays (float32): ``coefficients`` [n]; ``metric``, ``target``, ``foil`` [n], the latter
 * two probabilities, NaN until known; ``here`` [3], the same three in the run now; ``norms`` and
 * ``projection``, each ``_now`` and ``_base`` [p]: length of the stream at the place, and its dot
 * product with the direction at unit length.
 */
export interface SteeringView {
  kind: "steering";
  at: string;
  direction: string;
  reach: number;
}

export type View = HeadView | HeadLineView | HeadGalleryView | HeadTokensView | HeadEvidenceView | LogitsView | LogitGridView | WaterfallView | TrajectoryView | MapView | ClassesView | MlpView | NeuronView | NormView | NormDirectionsView | OwnView | LensView | StreamView | DecompositionView | EmbeddingView | SteeringView;

export type Info = HeadInfo | HeadGalleryInfo | HeadTokensInfo | HeadEvidenceInfo | LogitsInfo | LogitGridInfo | WaterfallInfo | TrajectoryInfo | MlpInfo | NeuronInfo | NormInfo | NormDirectionsInfo | OwnInfo | LensInfo | StreamInfo | DecompositionInfo | EmbeddingInfo | SteeringInfo;

export type Request = Hello | Show | Act | Paint | Look | Ask | Select | Code | Cancel | Library | Remember | Save | Steer | MakeDirection | KeepDirection;

export type Push = Reply | State | Progress | ViewData | Remembered | Saved;
