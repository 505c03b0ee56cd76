import type { Recorded } from "../src/transport/replay";
import type {
  Act,
  Entry,
  LogitRow,
  ModelInfo,
  Problem,
  Push,
  Request,
  State,
  View,
} from "../src/wire/types";
import { ANSWERS, chance, PROMPT, patternOf, split } from "./models";
import { Parcel } from "./parcel";

interface Held {
  prompt: string;
  target: string;
  foil: string;
  entries: Entry[];
}

/** Answers as a kernel does, with numbers that are made up but hang together. */
export class FakeKernel {
  private seq = 0;
  private revision = 1;
  private nextEntry = 1;
  private held: Held = { prompt: PROMPT, target: " Mary", foil: " John", entries: [] };
  private readonly past: Held[] = [];
  private readonly future: Held[] = [];
  private selection: string[] = [];
  private position = -1;
  private views: View[] = [];
  private swept = 0;

  constructor(
    private readonly model: ModelInfo,
    private readonly delay: number,
  ) {}

  answer(request: Request): Recorded[] {
    const out: Recorded[] = [];
    let problem: Problem | null = null;
    let text: string | null = null;
    let changed = false;
    switch (request.op) {
      case "hello":
      case "show":
        this.views = request.views ?? [];
        if (request.op === "hello") out.push({ push: this.state(false) });
        break;
      case "select":
        this.selection = request.addresses;
        this.position = request.position ?? this.position;
        out.push({ push: this.state(false) });
        break;
      case "ask":
        problem = this.ask(request.prompt, request.target, request.foil);
        changed = !problem;
        break;
      case "act":
        changed = this.act(request);
        break;
      case "code":
        text = this.code();
        break;
      case "cancel":
        out.push({ push: { t: "progress", jobs: [] } });
    }
    if (changed) out.push({ push: this.state(true) });
    out.push({ push: { t: "reply", id: request.id, problem, text }, after: 4 });
    if (changed) {
      this.revision += 1;
      this.swept = 0;
      out.push({ push: this.state(false), after: this.delay });
    }
    if (changed || request.op === "hello" || request.op === "show") out.push(...this.paint());
    return out;
  }

  private change(next: Partial<Held>): boolean {
    this.past.push(this.held);
    this.future.length = 0;
    this.held = { ...this.held, ...next };
    return true;
  }

  private ask(prompt: string, target: string, foil: string): Problem | null {
    if (!prompt.trim()) {
      return { kind: "prompt", message: "The prompt is empty.", hint: "Write some text." };
    }
    if (/zzy/i.test(target)) {
      return {
        kind: "target",
        message: `“${target}” is not one token of this model.`,
        hint: "Begin it with a space, or choose a shorter word.",
      };
    }
    this.change({ prompt, target, foil });
    return null;
  }

  private act({ verb, at = [], factor, entry }: Act): boolean {
    const { entries } = this.held;
    switch (verb) {
      case "undo":
      case "redo": {
        const [from, to] = verb === "undo" ? [this.past, this.future] : [this.future, this.past];
        const next = from.pop();
        if (next) to.push(this.held);
        this.held = next ?? this.held;
        return Boolean(next);
      }
      case "clear":
        return this.change({ entries: [] });
      case "remove":
        return this.change({ entries: entries.filter((e) => e.id !== entry) });
      case "toggle":
        return this.change({
          entries: entries.map((e) => (e.id === entry ? { ...e, on: !e.on } : e)),
        });
      case "release":
        return this.change({
          entries: entries.filter((e) => !at.some((a) => e.at === a || e.at.startsWith(`${a}.`))),
        });
      default:
        return this.change({
          entries: [...entries, ...at.map((a) => this.entry(verb, a, factor))],
        });
    }
  }

  private entry(verb: "ablate" | "freeze" | "scale", at: string, factor?: number | null): Entry {
    const kind = verb === "ablate" ? "zero" : verb;
    const text = verb === "scale" ? `scale ${at} × ${factor ?? 1}` : `${verb} ${at}`;
    return { id: this.nextEntry++, at, kind, text, on: true };
  }

  private code(): string {
    const { prompt, target, foil, entries } = this.held;
    const lines = entries.map((e) =>
      e.kind === "scale"
        ? `board.scale("${e.at}", ${e.text.split("× ").pop()})`
        : `board.${e.kind === "zero" ? "ablate" : e.kind}("${e.at}")`,
    );
    return [
      "import circuitboard as cb",
      "",
      `model = cb.load("${this.model.name}")`,
      `board = cb.Board(model, prompt=${JSON.stringify(prompt)},`,
      `                 target=${JSON.stringify(target)}, foil=${JSON.stringify(foil)})`,
      ...lines,
      "board",
      "",
    ].join("\n");
  }

  private tokens(): string[] {
    return split(this.held.prompt);
  }

  /** How much of a part is left, and what an ablation takes from the metric. */
  private left(address: string): number {
    return this.held.entries
      .filter((e) => e.on && e.at === address)
      .reduce(
        (f, e) =>
          e.kind === "zero" ? 0 : e.kind === "scale" ? Number(e.text.split("× ").pop()) : f,
        1,
      );
  }

  private attribution(layer: number, head: number): number {
    const raw = chance(layer, head, this.tokens().length) * 2 - 1;
    return raw ** 5 * 2.6 * (0.4 + layer / this.model.n_layers);
  }

  private metricNow(): number {
    let now = 6.12;
    for (const entry of this.held.entries) {
      if (!entry.on) continue;
      const found = /^L(\d+)(?:H(\d+))?/.exec(entry.at);
      if (!found) continue;
      const lost = this.attribution(Number(found[1]), Number(found[2] ?? 99)) + 0.4;
      now -= lost * (entry.kind === "freeze" ? 0 : 1 - this.left(entry.at));
    }
    return now;
  }

  private state(busy: boolean): State {
    const { prompt, target, foil, entries } = this.held;
    const tokens = this.tokens().map((text, index) => ({ index, id: 17 + index * 31, text }));
    this.seq += 1;
    return {
      t: "state",
      seq: this.seq,
      revision: this.revision,
      model: this.model,
      prompt,
      tokens,
      metric: {
        name: "logit difference",
        target,
        foil,
        position: tokens.length - 1,
        baseline: 6.12,
        now: this.metricNow(),
      },
      entries: [...entries],
      own: [],
      can_undo: this.past.length > 0,
      can_redo: this.future.length > 0,
      selection: [...this.selection],
      position: this.position,
      busy,
      plan: entries.length
        ? `recomputed layers 1–${this.model.n_layers - 1}, 15 of 15 tokens, 3 ms`
        : "baseline",
      problem: null,
      directions: [],
    };
  }

  private paint(): Recorded[] {
    return this.views.flatMap((view) => this.view(view));
  }

  private view(view: View): Recorded[] {
    const parcel = new Parcel();
    const after = this.delay + 4;
    if (view.kind === "logits") {
      const position = view.position ?? -1;
      return [
        parcel.sent(
          {
            view,
            revision: this.revision,
            info: { of: "logits", position, rows: this.rows(position) },
          },
          after,
        ),
      ];
    }
    if (view.kind === "head") {
      this.fillHead(parcel, view.layer, view.head);
      return [parcel.sent({ view, revision: this.revision }, after)];
    }
    if (view.kind !== "map") return [];
    this.fillMap(parcel, view.measure ?? "attribution", 1);
    const done = parcel.sent({ view, revision: this.revision }, after);
    if (view.measure !== "effect" || this.swept) return [done];
    this.swept = 1;
    const steps = [0.2, 0.5, 0.8].map((part, i) => {
      const some = new Parcel();
      this.fillMap(some, "effect", part);
      return some.sent({ view, revision: this.revision }, after + i * 500);
    });
    const total = this.model.n_layers * this.model.n_heads;
    const job = (part: number, time: number): Recorded => ({
      push: {
        t: "progress",
        jobs:
          part < 1
            ? [{ id: 3, label: "ablation effects", done: Math.round(part * total), total }]
            : [],
      } as Push,
      after: after + time,
    });
    return [
      ...steps,
      job(0.2, 0),
      job(0.5, 500),
      job(0.8, 1000),
      { ...done, after: after + 1500 },
      job(1, 1500),
    ];
  }

  private fillMap(parcel: Parcel, measure: string, part: number): void {
    const { n_layers: layers, n_heads: heads } = this.model;
    for (const end of ["now", "base"] as const) {
      const value = (l: number, h: number, address: string) => {
        if (chance(l, h, 77) >= part) return Number.NaN;
        const left = end === "base" ? 1 : this.left(address);
        if (measure === "norm") return left * (2 + 9 * chance(l, h, 5) ** 2);
        return left * this.attribution(l, h) * (measure === "effect" ? -1.3 : 1);
      };
      const all = Array.from({ length: layers * heads }, (_, i) => {
        const [l, h] = [Math.floor(i / heads), i % heads];
        return value(l, h, `L${l}H${h}`);
      });
      const mlps = Array.from({ length: layers }, (_, l) => value(l, 99, `L${l}.mlp`));
      parcel.add(`heads_${end}`, all, [layers, heads]);
      parcel.add(`mlp_${end}`, mlps, [layers]);
      parcel.add(
        `embed_${end}`,
        [measure === "effect" ? Number.NaN : measure === "norm" ? 4.1 : 0.31],
        [1],
      );
      const norms = Array.from(
        { length: 2 * layers + 1 },
        (_, i) => 4 + (18 * i) / (2 * layers) + chance(i),
      );
      parcel.add(`resid_${end}`, norms, [2 * layers + 1]);
    }
  }

  private fillHead(parcel: Parcel, layer: number, head: number): void {
    const { n_heads: heads } = this.model;
    const tokens = this.tokens();
    const size = tokens.length;
    for (const end of ["now", "base"] as const) {
      const shift = end === "now" && this.held.entries.some((e) => e.on) ? 0.12 * (layer + 1) : 0;
      const grids = Array.from({ length: heads }, (_, h) => {
        const plain = patternOf(layer, h, tokens);
        const other = patternOf(layer + 3, h + 1, tokens);
        return plain.map((w, i) => w * (1 - shift) + (other[i] ?? 0) * shift);
      });
      parcel.add(`pattern_${end}`, grids[head] ?? [], [size, size]);
      parcel.addBytes(
        `thumbs_${end}`,
        grids.flatMap((g) => [...g].map((w) => Math.round(w * 255))),
        [heads, size, size],
      );
      const norms = Array.from({ length: heads * size }, (_, i) =>
        i % size ? 1 + 2 * chance(layer, i) : 0.3,
      );
      parcel.add(`value_norm_${end}`, norms, [heads, size]);
    }
  }

  private rows(position: number): LogitRow[] {
    const { target, foil } = this.held;
    const length = this.tokens().length;
    const last = position < 0 || position === length - 1;
    const gap = this.metricNow();
    const found = ANSWERS.map((text, i) => {
      const base = last ? 12 - i * 1.1 - (i > 0 ? 4.6 : 0) : 8 * chance(position, i);
      const now = text === foil && last ? 12.2 - gap : base + (last ? 0.2 : 0);
      const role: LogitRow["role"] = text === target ? "target" : text === foil ? "foil" : "";
      return { id: 40 + i, text, role, base: text === foil && last ? 12 - 6.12 : base, now };
    });
    const sum = (key: "base" | "now") =>
      found.reduce((total, row) => total + Math.exp(row[key]), 0);
    const [baseSum, nowSum] = [sum("base"), sum("now")];
    const rank = (key: "base" | "now", value: number) =>
      found.filter((row) => row[key] > value).length + 1;
    return found
      .map(({ id, text, role, base, now }) => ({
        id,
        text,
        role,
        logit_now: now,
        logit_base: base,
        prob_now: Math.exp(now) / nowSum,
        prob_base: Math.exp(base) / baseSum,
        rank_now: rank("now", now),
        rank_base: rank("base", base),
      }))
      .sort((a, b) => b.prob_now - a.prob_now);
  }
}
