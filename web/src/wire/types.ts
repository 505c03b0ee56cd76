// Generated from src/circuitboard/wire/messages by `make types`. Do not edit.

export type Measure = "attribution" | "effect" | "gradient" | "gradient_contrast" | "norm" | "share" | "entropy" | "entropy_mean" | "previous" | "duplicate" | "induction" | "current" | "first" | "copying";

export type DType = "float32" | "uint8";

export type HeadValue = "pattern" | "weighted" | "scores" | "attribution";

export type WeightSide = "now" | "loaded" | "difference";

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
 * The circuit, without its numbers.
 *
 * Attributes:
 *     edges: the circuit's own, ``cut`` many, and then those that only the second one has.
 *     method, task: how it was found, and on what.
 *     kept, cut, whole, total: how many edges are left, are there without pruning, were there
 *         when it was opened, and are there to choose from.
 *     scored: whether those have scores, so that any size can be cut.
 *     measured, pairs, metric: what the numbers are measured on and by.
 *     other: the second circuit's method; empty without one. ``other_size``: its edges;
 *         ``other_task``: what it was found on.
 *     other_model: the second circuit's model, where it is another.
 *     by: how parts of the two correspond: ``address``, ``parts`` or ``behaviour``; addresses of
 *         the second circuit are this model's for ``address`` alone.
 *     both, jaccard: edges of both, and those over the edges of either.
 *     neurons: those that are nodes of their own; the address of their MLP is the rest of it.
 *     elsewhere: edges that the second circuit alone has, where they are not this model's.
 *     parts: heads and MLPs of both, of the first alone, of the second alone; empty without one.
 *     matches: parts of both that correspond, where that is not by address.
 *     roles: parts by role, where both were explained.
 *     problem, hint: why there are no numbers; empty where there are.
 */
export interface CircuitInfo {
  of: "circuit";
  edges: string[];
  method: string;
  task: string;
  kept: number;
  cut: number;
  whole: number;
  total: number;
  scored: boolean;
  measured: string;
  pairs: number;
  metric: string;
  other: string;
  other_task: string;
  other_size: number;
  other_model: string;
  by: string;
  both: number;
  jaccard: number;
  neurons: string[];
  elsewhere: string[];
  parts: number[];
  matches: CircuitMatch[];
  roles: CircuitRole[];
  problem: string;
  hint: string;
}

/**
 * Two parts that correspond; ``apart``: how far apart what was measured of them is.
 */
export interface CircuitMatch {
  mine: string;
  theirs: string;
  apart: number | null;
}

/**
 * Parts of one role in both circuits, and what patching them takes away, as shares.
 */
export interface CircuitRole {
  role: string;
  first: string[];
  other: string[];
  first_effect: number | null;
  other_effect: number | null;
}

/**
 * The circuit that is open on the board; its second one, if there is one.
 *
 * Reply arrays (float32), none where no circuit is open: for each of :attr:`CircuitInfo.edges`
 * ``score`` [e], ``kept`` [e], 1 for what the circuit has and nobody pruned, and ``other`` [e], 1
 * for what the second circuit has. ``metric`` [5] with all edges live, with none, with the
 * circuit's, with what is kept of them, with the second circuit's; ``faithfulness`` [3] of the
 * last three. Both NaN until known, and where there is nothing to measure.
 */
export interface CircuitView {
  kind: "circuit";
}

/**
 * Changes the circuit that is open on the board.
 *
 * ``prune`` and ``restore`` need ``at``: edges, or parts for all of their edges; ``restore``
 * without it brings all back. ``cut`` takes the ``size`` edges with the largest scores, those as
 * opened where it is None; cuts in a row with one ``step`` are one undo. ``separate`` takes the
 * second circuit away, ``close`` both.
 */
export interface EditCircuit {
  op: "edit-circuit";
  id: number;
  verb: "close" | "cut" | "prune" | "restore" | "separate";
  at?: string[];
  size?: number | null;
  step?: string;
}

/**
 * Do something to the model's internal state.
 *
 * ``ablate``, ``freeze``, ``patch``, ``scale``, ``release`` need ``at``; ``patch`` takes values
 * from the contrast prompt, at edges too; ``scale`` needs ``factor``; ``swap`` exchanges prompt
 * and contrast prompt;
 * ``toggle`` needs ``entry``; ``remove`` needs ``entry`` or ``entries``; ``clear``, ``undo``,
 * ``redo`` need nothing.
 */
export interface Act {
  op: "act";
  id: number;
  verb: "ablate" | "clear" | "freeze" | "patch" | "redo" | "release" | "remove" | "scale" | "swap" | "toggle" | "undo";
  at?: string[];
  factor?: number | null;
  entry?: number | null;
  entries?: number[];
}

/**
 * A token of the prompt and one of the contrast prompt that correspond, by their positions.
 *
 * -1 where one of them has none. ``at`` is the position as an address names it in both; empty
 * where no address names both, so that nothing can be patched there.
 */
export interface Aligned {
  mine: number;
  theirs: number;
  same: boolean;
  at: string;
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
 *
 * ``elsewhere``: its values come from another prompt than the contrast prompt.
 */
export interface Entry {
  id: number;
  at: string;
  kind: "add" | "freeze" | "patch" | "scale" | "set" | "zero";
  text: string;
  on: boolean;
  elsewhere: boolean;
}

/**
 * Computes the run that the same :class:`Act` would need, and changes nothing.
 *
 * Sent while the pointer is still on its way to a control.
 */
export interface Foresee {
  op: "foresee";
  id: number;
  verb: "ablate" | "clear" | "freeze" | "patch" | "redo" | "release" | "remove" | "scale" | "swap" | "toggle" | "undo";
  at?: string[];
  factor?: number | null;
  entry?: number | null;
  entries?: number[];
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
 *
 * ``contrast`` is that of the contrast prompt, with nothing done to the model.
 */
export interface Metric {
  name: string;
  target: string;
  foil: string;
  position: number;
  baseline: number | null;
  now: number | null;
  contrast: number | null;
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
 * ``live`` says whether there is a model to change: a saved board has none. ``circuit`` says
 * whether a circuit is open.
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
  alignment: Aligned[];
  circuit: boolean;
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
  info: HeadInfo | HeadGalleryInfo | HeadTokensInfo | HeadEvidenceInfo | LogitsInfo | LogitGridInfo | WaterfallInfo | TrajectoryInfo | MlpInfo | NeuronInfo | NormInfo | NormDirectionsInfo | OwnInfo | PatchingInfo | PathsInfo | PathInfo | CablesInfo | CircuitInfo | LensInfo | StreamInfo | DecompositionInfo | EmbeddingInfo | SteeringInfo | EdgeGradientsInfo | GradientAuditInfo | PartGradientsInfo | PatternGradientInfo | TokenGradientsInfo | WeightCompositionInfo | WeightEditsInfo | WeightMatrixInfo | WeightNeuronInfo | WeightOverviewInfo | WeightPairsInfo | WeightPathInfo | WeightSvdInfo | null;
  problem: Problem | null;
}

/**
 * ``addresses``: of the k edges; ``count``: of all edges, 0 until known; ``share``: of the sum
 * of all sizes, what the k have.
 */
export interface EdgeGradientsInfo {
  of: "edge-gradients";
  metric: boolean;
  python: string;
  addresses: string[];
  count: number;
  share: number;
}

/**
 * Edge attribution between the prompt and the contrast, on the untouched model.
 *
 * Reply arrays (float32): ``scores`` [k], the ``top`` largest; empty until known.
 */
export interface EdgeGradientsView {
  kind: "edge-gradients";
  what: "eap" | "eap-ig-activations" | "eap-ig-inputs" | "eap-ig-senders";
  direction: "denoising" | "noising";
  steps: number;
  top: number;
}

/**
 * ``addresses`` [n]: the ``top`` largest first, then those asked for.
 */
export interface GradientAuditInfo {
  of: "gradient-audit";
  addresses: string[];
  top: number;
}

/**
 * Estimates of one of the views above, measured: the ``top`` largest that are not zero, and
 * those in ``also``.
 *
 * ``what``, ``at``, ``contrast``, ``direction``, ``steps`` are that view's; of a ``pattern``,
 * ``at`` is its head, and a cell is written ``L1H3.pattern[7,3]``. Reply arrays (float32):
 * ``estimate`` and ``exact`` [n], NaN until measured; ``correlation`` [2], Pearson's and
 * Spearman's over those of the largest that are measured, NaN where not defined.
 */
export interface GradientAuditView {
  kind: "gradient-audit";
  section: "edges" | "parts" | "pattern" | "tokens";
  what: string;
  at: string;
  contrast: boolean;
  direction: "denoising" | "noising";
  steps: number;
  side: "baseline" | "now";
  top: number;
  also: string[];
}

/**
 * ``start_now``, ``start_base``: the metric of the run that is patched.
 */
export interface PartGradientsInfo {
  of: "part-gradients";
  metric: boolean;
  python: string;
  start_now: number | null;
  start_base: number | null;
}

/**
 * Estimated effects of patching each place.
 *
 * Reply arrays (float32): ``scores_now`` and ``scores_base``, [l, p] or for heads [l, h]; NaN
 * until known.
 */
export interface PartGradientsView {
  kind: "part-gradients";
  what: "attn" | "head" | "mlp" | "resid_pre";
  contrast: boolean;
  direction: "denoising" | "noising";
}

/**
 * ``python``: the line that gives the numbers of the untouched model.
 */
export interface PatternGradientInfo {
  of: "pattern-gradient";
  metric: boolean;
  python: string;
}

/**
 * The gradient of the metric by each attention weight of a head.
 *
 * Reply arrays (float32): ``gradient_now``, ``gradient_base``, ``product_now``, ``product_base``
 * [p, s]; the product is gradient times pattern, or with ``contrast`` times what the weight is in
 * the other prompt minus what it is. NaN until known.
 */
export interface PatternGradientView {
  kind: "pattern-gradient";
  layer: number;
  head: number;
  contrast: boolean;
  direction: "denoising" | "noising";
}

/**
 * ``start``, ``end``: the metric at the ends of the path; ``total``: sum of the attributions;
 * ``gap``: that minus end - start; None where there is no path. ``python``: the line that gives
 * the numbers of the untouched model.
 */
export interface TokenGradientsInfo {
  of: "token-gradients";
  metric: boolean;
  python: string;
  start: number | null;
  end: number | null;
  total: number | null;
  gap: number | null;
}

/**
 * One number for each token.
 *
 * ``norm``: length of the gradient at its embedding; ``dot``: gradient times embedding;
 * ``integrated``: integrated gradients through ``at`` (of the untouched model). Reply arrays
 * (float32): ``values_now`` and ``values_base`` [p], the same for ``integrated``; empty until
 * known.
 */
export interface TokenGradientsView {
  kind: "token-gradients";
  what: "dot" | "integrated" | "norm";
  at: string;
  contrast: boolean;
  direction: "denoising" | "noising";
  steps: number;
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
 * (attribution patching towards zero) and ``gradient_contrast`` (towards what each part is on the
 * contrast prompt, which must be as long as the prompt) are about the metric; ``norm``
 * and ``share`` (of the residual norm) about its position; ``entropy`` is that of the attention
 * from ``position``, ``entropy_mean`` the mean over all positions, in nats; ``previous``,
 * ``duplicate``, ``induction``, ``current``, ``first`` are scores on random repeats and
 * ``copying`` is that of the OV circuit: these belong to the weights, and are the same now and at
 * baseline.
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
  measure: "attribution" | "copying" | "current" | "duplicate" | "effect" | "entropy" | "entropy_mean" | "first" | "gradient" | "gradient_contrast" | "induction" | "norm" | "previous" | "share";
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
 * The places of a patching grid, and the two runs that it lies between.
 *
 * ``places`` has an address for each cell, row by row; ``rows`` names the rows; ``columns`` says
 * what the columns count. ``run`` is the metric of the run that is patched, ``source`` of the run
 * that the values come from. ``whole`` is how many neurons the layer has, where only those of the
 * largest estimate (attribution patching) are patched.
 */
export interface PatchingInfo {
  of: "patching";
  over: "attn" | "head" | "head position" | "k" | "mlp" | "neuron" | "pattern" | "q" | "resid_pre" | "v";
  direction: "denoising" | "noising";
  places: string[];
  rows: string[];
  columns: "head" | "neuron" | "position";
  run: number;
  source: number;
  done: number;
  whole: number;
}

/**
 * Activation patching between the prompt and the contrast prompt, swept in the background.
 *
 * ``direction``: ``noising`` runs the prompt and patches from the contrast prompt, ``denoising``
 * the other way round. ``layer`` is the layer of ``neuron``, and of ``head position``, where -1
 * means all of them. What is done to the model on the board does not come in.
 *
 * Reply array (float32): ``patched`` [row, column], the metric with that place alone patched; NaN:
 * not computed yet.
 */
export interface PatchingView {
  kind: "patching";
  over: "attn" | "head" | "head position" | "k" | "mlp" | "neuron" | "pattern" | "q" | "resid_pre" | "v";
  direction: "denoising" | "noising";
  layer: number;
}

/**
 * Ids of the lines of the list that are about edges, on or off, in their order.
 */
export interface CablesInfo {
  of: "cables";
  entries: number[];
}

/**
 * Effects of the edges in the list of interventions, for the map to say.
 *
 * Reply arrays (float32): ``alone_base`` [n], change of the metric with that line alone, for each
 * of :attr:`CablesInfo.entries`; NaN until known, and where there is no metric.
 */
export interface CablesView {
  kind: "cables";
}

/**
 * An intervention on an edge; ``input`` is "q", "k", "v", or empty for all there is.
 */
export interface PathChoice {
  edge: string;
  how: "patch" | "zero";
  input: string;
  mlps: boolean;
}

/**
 * The choices, and why patching is not among them (empty where it is).
 */
export interface PathInfo {
  of: "path";
  choices: PathChoice[];
  metric: boolean;
  no_patch: string;
  hint: string;
}

/**
 * The edges, how they were changed, and why not by patching (empty where they can be).
 */
export interface PathsInfo {
  of: "paths";
  edges: string[];
  how: "patch" | "zero";
  metric: boolean;
  no_patch: string;
  hint: string;
}

/**
 * Every edge into a part (``way`` "into") or out of it, each changed alone.
 *
 * Senders' values come from the contrast prompt; with ``zero``, or where there is none that fits,
 * they are set to zero. With ``mlps`` the paths through MLPs in between are added.
 *
 * Reply arrays (float32): ``effect_now`` and ``effect_base`` [e], change of the metric for each
 * edge of :attr:`PathsInfo.edges`; NaN until known, and where there is no metric.
 */
export interface PathsView {
  kind: "paths";
  part: string;
  way: "from" | "into";
  mlps: boolean;
  zero: boolean;
}

/**
 * What could be done to the paths from one part to another: all choices at once.
 *
 * Reply arrays (float32): ``effect_now`` [c], change of the metric by each of
 * :attr:`PathInfo.choices`, on top of all that is on except on these very edges; NaN until known,
 * and where there is no metric.
 */
export interface PathView {
  kind: "path";
  sender: string;
  receiver: string;
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
 * ``at`` and ``direction`` empty: those of the last line that steers (one that is on, if any),
 * else a place in the middle and the newest direction. ``reach`` 0: as far as makes
 * the vector as long as the stream there.
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

/**
 * How one weight differs from what it was: see ``WeightChange``.
 */
export interface ChangedWeight {
  name: string;
  elements: number;
  size: number;
  largest: number;
  norm: number;
  relative: number;
}

/**
 * Edits the model's weights: one of three things.
 *
 * With ``place`` (``L3H7.ov``): its singular direction ``index`` times ``factor``, 1 takes it
 * back. With ``neuron``: its row of W_out to zero, or with ``back`` what it was. With
 * ``restore``: every weight as it was at first.
 */
export interface EditWeights {
  op: "edit-weights";
  id: number;
  place?: string;
  index?: number;
  factor?: number;
  fold?: boolean;
  neuron?: string;
  back?: boolean;
  restore?: boolean;
}

/**
 * One entry of a matrix over the vocabulary. Texts are untrusted.
 */
export interface TokenPair {
  row: string;
  column: string;
  value: number;
}

/**
 * ``random``: what random heads of this shape score, subtracted; None until known. It cancels
 * in a difference.
 */
export interface WeightCompositionInfo {
  of: "weight-composition";
  random: number | null;
}

/**
 * Composition of one head with all others.
 *
 * Reply arrays (float32): ``scores`` [3, l, h] by Q, K and V, less the random score, NaN in the
 * head's own layer and until known: in earlier layers what it reads of each head, in later ones
 * what each head reads of it.
 */
export interface WeightCompositionView {
  kind: "weight-composition";
  layer: number;
  head: number;
  fold: boolean;
  side: "difference" | "loaded" | "now";
}

/**
 * The two ends of one direction, in tokens or neurons.
 */
export interface WeightDirection {
  left: Words;
  right: Words;
}

/**
 * A pair of heads and its score, less the random one.
 */
export interface WeightEdge {
  earlier: string;
  later: string;
  score: number;
}

/**
 * ``lines``: edits of boards, as Python; ``unknown``: why the first weights are not known.
 *
 * ``done`` of ``total`` weights are compared.
 */
export interface WeightEditsInfo {
  of: "weight-edits";
  weights: ChangedWeight[];
  lines: string[];
  done: number;
  total: number;
  unknown: string;
  hint: string;
  neurons: string[];
}

/**
 * Which weights are not what they were at first, whoever changed them.
 */
export interface WeightEditsView {
  kind: "weight-edits";
}

/**
 * ``tokens``: texts of the rows and columns (untrusted); ``notes``: what the numbers hold and
 * leave out; ``rotary``: whether they depend on the distance; ``group``: heads that share this
 * one's keys and values, it among them.
 */
export interface WeightMatrixInfo {
  of: "weight-matrix";
  tokens: string[];
  ids: number[];
  notes: string[];
  rotary: boolean;
  group: string[];
}

/**
 * A head's OV or QK circuit over the tokens of a text, each once; the prompt's where empty.
 *
 * Reply array (float32): ``cells`` [n, n], rows the token attended to (OV) or the query (QK),
 * columns the logit or the key, at ``offset`` tokens before the query where positions are rotary.
 */
export interface WeightMatrixView {
  kind: "weight-matrix";
  layer: number;
  head: number;
  circuit: "ov" | "qk";
  fold: boolean;
  offset: number;
  text: string;
  side: "difference" | "loaded" | "now";
}

/**
 * ``multiplies``: of a gated MLP, what its activation is multiplied by.
 */
export interface WeightNeuronInfo {
  of: "weight-neuron";
  writes: Words;
  reads: Words;
  multiplies: Words | null;
}

/**
 * What a neuron's weights write to and read from the vocabulary.
 */
export interface WeightNeuronView {
  kind: "weight-neuron";
  layer: number;
  neuron: number;
  side: "difference" | "loaded" | "now";
}

/**
 * ``edges``: the pairs with the highest scores so far; the largest changes of a difference.
 */
export interface WeightOverviewInfo {
  of: "weight-overview";
  edges: WeightEdge[];
  random: number | null;
  done: number;
  total: number;
}

/**
 * Composition of all pairs of heads.
 *
 * Reply array (float32), where there are not too many heads: ``scores`` [l * h, l * h], earlier
 * head by later head, less the random score, NaN where not later and until known.
 */
export interface WeightOverviewView {
  kind: "weight-overview";
  mode: "K" | "Q" | "V";
  fold: boolean;
  side: "difference" | "loaded" | "now";
}

/**
 * ``done`` of ``total`` rows are searched; ``copying`` is the copying score of OV; of a
 * difference it is that of now, and ``copying_loaded`` the other one.
 */
export interface WeightPairsInfo {
  of: "weight-pairs";
  high: TokenPair[];
  low: TokenPair[];
  done: number;
  total: number;
  copying: number | null;
  copying_loaded: number | null;
}

/**
 * The largest and smallest entries of a circuit over the whole vocabulary.
 *
 * Reply arrays (float32), of OV: ``eigenvalues`` [e, 2], real and imaginary parts, and of a
 * difference ``eigenvalues_loaded``: those of both sides, for eigenvalues of a difference say
 * nothing of either. Absent until known.
 */
export interface WeightPairsView {
  kind: "weight-pairs";
  layer: number;
  head: number;
  circuit: "ov" | "qk";
  fold: boolean;
  offset: number;
  side: "difference" | "loaded" | "now";
}

/**
 * A singular value of a path, and its ends: None where an end is neither tokens nor neurons.
 */
export interface WeightPathDirection {
  value: number;
  start: Words | null;
  end: Words | null;
}

/**
 * ``relative``: the norm of the parts' product over what chance gives; with ``difference``,
 * ``norm`` is that of the difference, ``relative`` that of now, and ``relative_loaded`` the other.
 *
 * ``high`` and ``low`` are entries over tokens: ``axes`` says what rows and columns are; none
 * where the path ends in neurons, whose ``directions`` are given.
 */
export interface WeightPathInfo {
  of: "weight-path";
  path: string;
  norm: number;
  relative: number;
  axes: string[];
  high: TokenPair[];
  low: TokenPair[];
  directions: WeightPathDirection[];
  done: number;
  total: number;
  relative_loaded: number | null;
}

/**
 * Virtual weights along a path of parts: ``L0H1->L1H2.k``.
 *
 * From ``embed`` to the input it ends at, or through a last head's OV to the logits.
 */
export interface WeightPathView {
  kind: "weight-path";
  path: string;
  fold: boolean;
  side: "difference" | "loaded" | "now";
}

/**
 * ``sides``: what the ends are: ``reads``, ``writes``, ``query``, ``key`` or ``neurons``.
 */
export interface WeightSvdInfo {
  of: "weight-svd";
  place: string;
  sides: string[];
  directions: WeightDirection[];
  matrix: string;
}

/**
 * Singular directions of ``L3H7.ov``, ``L3H7.qk``, ``L3.mlp.in``, ``.gate`` or ``.out``.
 *
 * ``now``: they are those of the weights before any edit of a board, with what each is multiplied
 * by. ``difference``: of the matrix of the differences. ``rows`` of them are in words. Reply
 * arrays (float32): ``values`` and ``factors`` [k]: singular values, and what each is multiplied
 * by. Absent until known.
 */
export interface WeightSvdView {
  kind: "weight-svd";
  place: string;
  fold: boolean;
  rows: number;
  side: "difference" | "loaded" | "now";
}

export type View = HeadView | HeadLineView | HeadGalleryView | HeadTokensView | HeadEvidenceView | LogitsView | LogitGridView | WaterfallView | TrajectoryView | MapView | ClassesView | MlpView | NeuronView | NormView | NormDirectionsView | OwnView | PatchingView | PathsView | PathView | CablesView | CircuitView | LensView | StreamView | DecompositionView | EmbeddingView | SteeringView | EdgeGradientsView | GradientAuditView | PartGradientsView | PatternGradientView | TokenGradientsView | WeightCompositionView | WeightEditsView | WeightMatrixView | WeightNeuronView | WeightOverviewView | WeightPairsView | WeightPathView | WeightSvdView;

export type Info = HeadInfo | HeadGalleryInfo | HeadTokensInfo | HeadEvidenceInfo | LogitsInfo | LogitGridInfo | WaterfallInfo | TrajectoryInfo | MlpInfo | NeuronInfo | NormInfo | NormDirectionsInfo | OwnInfo | PatchingInfo | PathsInfo | PathInfo | CablesInfo | CircuitInfo | LensInfo | StreamInfo | DecompositionInfo | EmbeddingInfo | SteeringInfo | EdgeGradientsInfo | GradientAuditInfo | PartGradientsInfo | PatternGradientInfo | TokenGradientsInfo | WeightCompositionInfo | WeightEditsInfo | WeightMatrixInfo | WeightNeuronInfo | WeightOverviewInfo | WeightPairsInfo | WeightPathInfo | WeightSvdInfo;

export type Request = Hello | Show | Act | Foresee | Paint | Look | Ask | Select | Code | Cancel | Library | Remember | Save | Steer | MakeDirection | KeepDirection | EditCircuit | EditWeights;

export type Push = Reply | State | Progress | ViewData | Remembered | Saved;
