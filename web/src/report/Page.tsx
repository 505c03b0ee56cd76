import type { Signal } from "@preact/signals";
import { percent } from "../draw/number";
import { Account } from "./Account";
import { Evaluation } from "./Evaluation";
import { Evidence } from "./Evidence";
import { Made } from "./Made";
import type { Focus } from "./mount";
import { amount } from "./numbers";
import type { Report } from "./types";
import { Wiring } from "./Wiring";

/** A report from top to bottom: what was found, its wiring, its account, its evidence. */
export function Page({ report, focus }: { report: Report; focus: Signal<Focus> }) {
  const { explanation } = report;
  const { circuit, task } = explanation;
  const count = explanation.edges.length;
  return (
    <main class="report-page">
      <header>
        <h1>{report.title}</h1>
        <p class="muted">
          {sentence(task.about)}
          {task.pairs.length} pairs of prompts, judged by the {task.metric}. Found by{" "}
          <b>{circuit.method}</b>
          {circuit.made.seconds > 0 && ` in ${circuit.made.seconds.toFixed(1)} s`}.
        </p>
        <dl class="figures">
          <Figure name="edges" value={String(count)} />
          <Figure name="parts" value={String(explanation.parts.length)} />
          <Figure name="clean" value={amount(explanation.clean)} />
          <Figure name="corrupted" value={amount(explanation.corrupt)} />
          <Figure
            name="kept by the circuit alone"
            value={percent(explanation.kept.value)}
            hint="Faithfulness: (m(circuit) − m(corrupted)) / (m(clean) − m(corrupted))"
          />
          <Figure name="lost with all else patched" value={amount(explanation.rest)} />
        </dl>
      </header>
      <section aria-label="Wiring">
        <h2>Wiring</h2>
        <p class="muted">
          Width: how much the metric changes when the edge alone takes its sender's value from the
          corrupted prompts. <span class="key is-negative">falls</span>{" "}
          <span class="key is-positive">rises</span> <span class="key is-q">query</span>{" "}
          <span class="key is-k">key</span> <span class="key is-v">value</span>. Click a part for
          its evidence.
        </p>
        {count > 1 && <Shown focus={focus} count={count} />}
        <div class="wiring-row">
          <Wiring explanation={explanation} focus={focus} />
          <Chosen report={report} focus={focus} />
        </div>
      </section>
      <Account report={report} />
      <Evaluation explanation={explanation} />
      <section aria-label="Evidence">
        <h2>Evidence</h2>
        <Evidence explanation={explanation} focus={focus} />
      </section>
      <Made report={report} />
    </main>
  );
}

/** With a full stop and a space, unless there is nothing. */
function sentence(text: string): string {
  return text ? `${text.replace(/[.\s]+$/, "")}. ` : "";
}

function Figure({ name, value, hint }: { name: string; value: string; hint?: string }) {
  return (
    <div title={hint}>
      <dt>{name}</dt>
      <dd>{value}</dd>
    </div>
  );
}

function Shown({ focus, count }: { focus: Signal<Focus>; count: number }) {
  return (
    <label class="shown">
      Strongest{" "}
      <input
        type="range"
        min={1}
        max={count}
        value={focus.value.shown}
        data-testid="shown"
        aria-label="How many edges are drawn"
        onInput={(event) => {
          focus.value = { ...focus.peek(), shown: event.currentTarget.valueAsNumber };
        }}
      />{" "}
      <output>
        {focus.value.shown} of {count} edges
      </output>
    </label>
  );
}

/** The evidence about the part that was clicked. */
function Chosen({ report, focus }: { report: Report; focus: Signal<Focus> }) {
  const { part } = focus.value;
  const found = report.explanation.parts.find(({ address }) => address === part);
  if (!found) {
    return (
      <aside class="chosen muted" aria-live="polite">
        <p>Nothing is chosen. Click a part, or move to it with Tab and press Enter.</p>
      </aside>
    );
  }
  const claims = report.explanation.account.filter(({ text }) => mentions(text, found.address));
  return (
    <aside class="chosen" data-testid="chosen" aria-live="polite">
      <h3>
        {found.address} <span class="muted">{found.role}</span>
      </h3>
      <p>{found.why}</p>
      <ul>
        {claims.map(({ text, code }) => (
          <li key={code + text}>{text}</li>
        ))}
      </ul>
      {found.copies.length > 0 && (
        <p>
          Looking at a token alone, it moves these logits most:{" "}
          {found.copies
            .map(({ source, token, value }) => `${source} → ${token} ${value.toFixed(2)}`)
            .join(", ")}
          .
        </p>
      )}
    </aside>
  );
}

function mentions(text: string, address: string): boolean {
  return text.split(/[^\w.]+/).some((word) => word.replace(/\.$/, "") === address);
}
