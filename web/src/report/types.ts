// Generated from src/circuitboard/circuits/report.py by `make types`. Do not edit.

/**
 * Random circuits of as many edges.
 *
 * Attributes:
 *     draws: how many; mean, sd: of their faithfulness.
 *     below: the share of them that is less faithful than the circuit.
 */
export interface Chance {
  draws: number;
  mean: number;
  sd: number;
  below: number;
}

/**
 * Some edges of a model, each with a score.
 *
 * Attributes:
 *     model, task, method: their names; method ``by hand`` where nobody searched.
 *     kept: the edges, in the order of the model.
 *     granularity: whether edges into heads are apart by query, key and value.
 *     scores: those of all edges that there were to choose from, or None.
 *     made: how it was found.
 *     neurons: those that are nodes of their own, in the order of the model. The address of their
 *         MLP, ``L3.mlp``, stands for its other neurons and its bias: the rest.
 */
export interface Circuit {
  model: string;
  task: string;
  method: string;
  kept: Scored[];
  granularity: "node" | "qkv";
  scores: Scores | null;
  made: Provenance;
  neurons: string[];
}

/**
 * One sentence, the number that it rests on, and the Python that gives it again.
 *
 * ``code`` is an expression of ``cb``, ``model``, ``task`` and ``circuit``; its mean over prompts
 * is the number. ``weak``: the number does not carry the sentence, which says so.
 */
export interface Claim {
  group: string;
  text: string;
  number: Measured;
  code: string;
  weak: boolean;
}

/**
 * An entry of a head's OV circuit over the task's own tokens. Texts are untrusted.
 */
export interface Copied {
  source: string;
  token: string;
  value: number;
}

/**
 * Faithfulness of the edges with the largest scores, by size.
 *
 * Attributes:
 *     cpr: circuit performance ratio, the area under faithfulness over the share of edges by
 *         trapezoids: the higher the better, over 1 where a circuit does better than the model.
 *     cmd: circuit-model distance, the area under |1 - faithfulness|: 0 is best.
 */
export interface Curve {
  points: Point[];
  cpr: number;
  cmd: number;
}

/**
 * What :func:`circuitboard.evaluate` finds.
 *
 * Attributes:
 *     model, task, method, metric: what was evaluated, on what.
 *     edges, total: the circuit's edges, and all.
 *     live: those of its edges that lie on a way from the embedding to the logits.
 *     faithfulness: at the circuit's own size; the first is the one that all else is by.
 *     curve: by size; None for a circuit without scores of other edges.
 *     completeness, minimality: worst first.
 *     chance: random circuits; None where none were drawn.
 *     held_out: on other prompts than the task's; None without.
 *     truth: None without a known circuit.
 *     seed: of all that was drawn.
 */
export interface Evaluation {
  model: string;
  task: string;
  method: string;
  metric: string;
  edges: number;
  total: number;
  live: number;
  faithfulness: Faithfulness[];
  curve: Curve | null;
  completeness: LeftOut[];
  minimality: Removed[];
  chance: Chance | null;
  held_out: Faithfulness | null;
  truth: Truth | null;
  seed: number;
}

/**
 * A circuit explained: evidence for each part, roles, and an account in sentences.
 *
 * Attributes:
 *     model: what :func:`circuitboard.load` takes; shape: how its map is drawn.
 *     task: the pairs that all numbers are of.
 *     clean, corrupt: the metric on both sides.
 *     kept: the share of their difference that the circuit alone keeps (faithfulness).
 *     edges: those of the circuit, the largest effects first.
 *     outside: parts that are not in the circuit, the largest effects first; ``rest``: all of
 *         them patched at once.
 *     evaluation: what :func:`circuitboard.evaluate` gave, where it was asked for.
 *     versions: of the libraries that computed.
 */
export interface Explanation {
  model: string;
  shape: Shape;
  task: Task;
  circuit: Circuit;
  clean: Measured;
  corrupt: Measured;
  kept: Measured;
  parts: Part[];
  edges: Link[];
  groups: Group[];
  account: Claim[];
  outside: Outside[];
  rest: Measured;
  evaluation: Evaluation | null;
  versions: Record<string, string>;
}

/**
 * How much of the model's behaviour is left with a circuit's edges alone.
 *
 * Attributes:
 *     how: what all other edges carry.
 *     task, pairs: on what prompts.
 *     full, empty, circuit: the metric with all edges, with none, with the circuit's; means over
 *         pairs, in the metric's unit.
 *     value: (circuit - empty) / (full - empty): 1 for as much as the model, 0 for nothing.
 *     low, high: the middle 95 % of it over bootstrap draws of the pairs; None without draws.
 */
export interface Faithfulness {
  how: "mean" | "positional mean" | "resample" | "zero";
  task: string;
  pairs: number;
  full: number;
  empty: number;
  circuit: number;
  value: number;
  low: number | null;
  high: number | null;
}

/**
 * A token of the clean prompts, the tokens around it, and a neuron's activation there.
 *
 * ``prompt`` and ``position`` count from 0. Texts are untrusted.
 */
export interface Fires {
  prompt: number;
  position: number;
  before: string[];
  token: string;
  after: string[];
  value: number;
}

/**
 * Parts with one role; ``together``: the change of the metric with all of them patched.
 */
export interface Group {
  role: string;
  parts: string[];
  together: Measured;
}

/**
 * Completeness: some of a circuit taken out of the whole model, and out of the circuit.
 *
 * Attributes:
 *     kind: how the parts were chosen: all edges of the circuit, nodes at random, or nodes that
 *         were sought to set the two apart.
 *     nodes: what was taken out; empty for all edges.
 *     model, circuit: faithfulness of what is left of each.
 */
export interface LeftOut {
  kind: "all edges" | "greedy" | "random";
  nodes: string[];
  model: number;
  circuit: number;
}

/**
 * An edge of the circuit: its score, and the exact change of the metric when patched alone.
 */
export interface Link {
  edge: string;
  score: number;
  effect: Measured;
}

/**
 * Where a head looks: from the last token (``end``) or from any, to what, with what weight.
 */
export interface Look {
  query: string;
  key: string;
  attention: Measured;
}

/**
 * A mean over prompts and its standard error; no error from a single prompt.
 */
export interface Measured {
  value: number;
  error: number | null;
  prompts: number;
}

/**
 * What only neurons have as evidence.
 *
 * Attributes:
 *     promotes, suppresses: the tokens whose logits a unit of its activation raises and lowers
 *         most (:func:`circuitboard.neuron_words`); reads: those whose embeddings excite it most.
 *     fires: the tokens of the clean prompts at which it is furthest from zero.
 *     clean, corrupt: its activation at the last position on both sides.
 */
export interface Neuron {
  promotes: Said[];
  suppresses: Said[];
  reads: Said[];
  fires: Fires[];
  clean: Measured;
  corrupt: Measured;
}

/**
 * A part that is not in the circuit, and the change of the metric when it is patched alone.
 */
export interface Outside {
  address: string;
  alone: Measured;
}

/**
 * A prompt, the same prompt made to ask for something else, and what each side answers.
 *
 * Attributes:
 *     clean, corrupt: texts or token ids, of equal length in tokens.
 *     targets: right answers to ``clean``, each one token: logits count by their mean,
 *         probabilities by their sum.
 *     foils: what they are compared with.
 *     positions: names of token positions, for people: ``(("S2", 10), ("end", -1))``.
 */
export interface Pair {
  clean: string | number[];
  corrupt: string | number[];
  targets: (string | number)[];
  foils: (string | number)[];
  positions: ([string, number])[];
}

/**
 * One part of the circuit and the evidence about it.
 *
 * Attributes:
 *     address: such as ``L2H1``; kind: ``head``, ``mlp``, ``neuron`` or ``embed``. Where neurons
 *         of a layer are nodes of their own, its ``mlp`` is the rest.
 *     role: its group; why: the rule that put it there, in words.
 *     looks: where it attends on the task, the strongest first.
 *     classes: head scores on random repeats; copying: its copying score. None for no head.
 *     writes: direct logit attribution on the task's answers, on the clean prompts.
 *     carries: that minus the same on the corrupted prompts: over all parts it sums to the
 *         difference of the logits.
 *     copies: what its OV circuit does with the task's tokens, the furthest from zero first.
 *     alone: the change of the metric with its output taken from the corrupted prompts.
 *     inside: the change of the circuit's own metric when all its edges are removed from it.
 *     neuron: what a neuron writes, reads and fires at.
 */
export interface Part {
  address: string;
  kind: string;
  role: string;
  why: string;
  writes: Measured;
  carries: Measured;
  alone: Measured;
  inside: Measured | null;
  looks: Look[];
  classes: Record<string, number> | null;
  copying: number | null;
  copies: Copied[];
  neuron: Neuron | null;
}

/**
 * One size of the curve: a share of all edges, how many that are, and their faithfulness.
 */
export interface Point {
  fraction: number;
  edges: number;
  value: number;
  low: number | null;
  high: number | null;
}

/**
 * How a circuit was found.
 *
 * Attributes:
 *     settings: the method's options, defaults included.
 *     versions: of circuitboard and of the libraries that computed.
 *     seconds: time taken.
 *     pairs, metric, task: how many pairs, judged by what; the task's digest.
 */
export interface Provenance {
  settings: Record<string, unknown>;
  versions: Record<string, string>;
  seconds: number;
  pairs: number;
  metric: string;
  task: string;
}

/**
 * Minimality: a part of the circuit left out, and by how much its faithfulness falls.
 */
export interface Removed {
  part: string;
  change: number;
}

/**
 * What the page draws. ``code`` sets up what the claims' expressions need.
 */
export interface Report {
  title: string;
  made: string;
  made_with: string;
  code: string;
  explanation: Explanation;
}

/**
 * A token and how strongly it is meant. Texts are untrusted.
 */
export interface Said {
  token: string;
  value: number;
}

/**
 * One edge and the score that its method gave it.
 */
export interface Scored {
  edge: string;
  score: number;
}

/**
 * A score for every edge that a method could have taken, so that any size can be cut.
 *
 * Attributes:
 *     senders, receivers: ends of edges, in the order of the model.
 *     shared: how many heads share each key and value; edges into those are named by the first.
 *     width: token positions that are scored apart; 0 where each edge has one score.
 *     data: float32, little-endian, [sender, receiver], or [sender, receiver, position]; NaN
 *         where no edge is.
 */
export interface Scores {
  senders: string[];
  receivers: string[];
  shared: number;
  width: number;
  data: string;
}

/**
 * What a model's map is drawn by.
 */
export interface Shape {
  n_layers: number;
  n_heads: number;
  mlps: boolean;
}

/**
 * A behaviour, as pairs of prompts that differ in it alone.
 *
 * Attributes:
 *     name: what circuits and reports call it.
 *     pairs: the prompts with their answers.
 *     metric: what is measured at the last position, as ``circuitboard.spec.metric`` has it.
 *     about: one line for people; where the design of the pairs is from.
 *
 * Raises:
 *     TaskError: there are no pairs, the metric does not exist, or pairs lack the answers that it
 *         compares.
 */
export interface Task {
  name: string;
  pairs: Pair[];
  metric: "KL divergence" | "log-probability" | "logit difference" | "loss" | "probability" | "probability difference";
  about: string;
}

/**
 * Against a known circuit.
 *
 * Attributes:
 *     edges, nodes: area under the ROC curve of scores over all edges, over all heads and MLPs;
 *         None where all or none are in the known circuit.
 *     precision, recall: of the circuit's own edges.
 */
export interface Truth {
  edges: number | null;
  nodes: number | null;
  precision: number;
  recall: number;
}
