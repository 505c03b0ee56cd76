// Generated from src/circuitboard/circuits/report.py by `make types`. Do not edit.

/**
 * Some edges of a model, each with a score.
 *
 * Attributes:
 *     model, task, method: their names; method ``by hand`` where nobody searched.
 *     kept: the edges, in the order of the model.
 *     granularity: whether edges into heads are apart by query, key and value.
 *     scores: those of all edges that there were to choose from, or None.
 *     made: how it was found.
 */
export interface Circuit {
  model: string;
  task: string;
  method: string;
  kept: Scored[];
  granularity: "node" | "qkv";
  scores: Scores | null;
  made: Provenance;
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
  evaluation: Record<string, unknown> | null;
  versions: Record<string, string>;
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
  positions: [string, number][];
}

/**
 * One part of the circuit and the evidence about it.
 *
 * Attributes:
 *     address: such as ``L2H1``; kind: ``head``, ``mlp`` or ``embed``.
 *     role: its group; why: the rule that put it there, in words.
 *     looks: where it attends on the task, the strongest first.
 *     classes: head scores on random repeats; copying: its copying score. None for no head.
 *     writes: direct logit attribution on the task's answers, on the clean prompts.
 *     carries: that minus the same on the corrupted prompts: over all parts it sums to the
 *         difference of the logits.
 *     copies: what its OV circuit does with the task's tokens, the furthest from zero first.
 *     alone: the change of the metric with its output taken from the corrupted prompts.
 *     inside: the change of the circuit's own metric when all its edges are removed from it.
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
  metric:
    | "KL divergence"
    | "log-probability"
    | "logit difference"
    | "loss"
    | "probability"
    | "probability difference";
  about: string;
}
