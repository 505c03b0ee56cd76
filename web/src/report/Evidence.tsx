import type { Signal } from "@preact/signals";
import { format, signed } from "../draw/number";
import type { Focus } from "./mount";
import { amount } from "./numbers";
import type { Explanation, Fires, Look, Part, Said } from "./types";

/** Every part with its numbers, and every edge. */
export function Evidence({
  explanation,
  focus,
}: {
  explanation: Explanation;
  focus: Signal<Focus>;
}) {
  return (
    <>
      <div class="scroll">
        <table data-testid="parts-table">
          <caption>
            Parts of the circuit. Changes are of the metric; repeats are scores on random repeated
            tokens; copying runs from −1 to 1.
          </caption>
          <thead>
            <tr>
              <th scope="col">part</th>
              <th scope="col">role</th>
              <th scope="col">looks at</th>
              <th scope="col">writes (clean)</th>
              <th scope="col">more than corrupted</th>
              <th scope="col">patched alone</th>
              <th scope="col">left out of the circuit</th>
              <th scope="col">previous</th>
              <th scope="col">duplicate</th>
              <th scope="col">induction</th>
              <th scope="col">copying</th>
            </tr>
          </thead>
          <tbody>
            {explanation.parts.map((part) => (
              <Row key={part.address} part={part} focus={focus} />
            ))}
          </tbody>
        </table>
      </div>
      <Neurons explanation={explanation} focus={focus} />
      <details>
        <summary>All {explanation.edges.length} edges</summary>
        <div class="scroll">
          <table>
            <thead>
              <tr>
                <th scope="col">edge</th>
                <th scope="col">score ({explanation.circuit.method})</th>
                <th scope="col">patched alone, exact</th>
              </tr>
            </thead>
            <tbody>
              {explanation.edges.map(({ edge, score, effect }) => (
                <tr key={edge}>
                  <th scope="row">{edge}</th>
                  <td>{format(score, 4)}</td>
                  <td>{amount(effect)}</td>
                </tr>
              ))}
            </tbody>
          </table>
        </div>
      </details>
      <details>
        <summary>{explanation.outside.length} parts outside the circuit</summary>
        <p>
          {explanation.outside
            .map(({ address, alone }) => `${address} ${amount(alone)}`)
            .join(", ")}
        </p>
      </details>
    </>
  );
}

/** Chooses a part, for the wiring and the account too. */
function Choose({ address, focus }: { address: string; focus: Signal<Focus> }) {
  return (
    <button
      type="button"
      class="link"
      onClick={() => {
        focus.value = { ...focus.peek(), part: address };
      }}
    >
      {address}
    </button>
  );
}

/** What each neuron writes and reads as tokens, and where it fires. Texts go in as text only. */
function Neurons({ explanation, focus }: { explanation: Explanation; focus: Signal<Focus> }) {
  const parts = explanation.parts.filter((part) => part.neuron);
  if (parts.length === 0) return null;
  return (
    <div class="scroll">
      <table data-testid="neurons-table" class="neurons">
        <caption>
          Neurons of the circuit, each a node of its own; the MLP’s own address is the rest of it.
          Tokens: what a unit of activation adds to their logits most and least, and whose
          embeddings excite it. Fires at: the clean prompts’ tokens with the largest activations.
        </caption>
        <thead>
          <tr>
            <th scope="col">neuron</th>
            <th scope="col">promotes</th>
            <th scope="col">suppresses</th>
            <th scope="col">reads</th>
            <th scope="col">fires at</th>
            <th scope="col">at the end (clean)</th>
            <th scope="col">(corrupted)</th>
          </tr>
        </thead>
        <tbody>
          {parts.map(({ address, neuron }) => (
            <tr key={address} aria-selected={focus.value.part === address}>
              <th scope="row">
                <Choose address={address} focus={focus} />
              </th>
              <td>{neuron?.promotes.slice(0, 3).map(said)}</td>
              <td>{neuron?.suppresses.slice(0, 3).map(said)}</td>
              <td>{neuron?.reads.slice(0, 3).map(said)}</td>
              <td>{neuron?.fires.slice(0, 3).map(fired)}</td>
              <td>{neuron && amount(neuron.clean)}</td>
              <td>{neuron && amount(neuron.corrupt)}</td>
            </tr>
          ))}
        </tbody>
      </table>
    </div>
  );
}

function said({ token, value }: Said) {
  return (
    <div key={`${token} ${value}`} class="said">
      <code>{token}</code> {signed(value)}
    </div>
  );
}

function fired({ prompt, position, before, token, after, value }: Fires) {
  return (
    <div
      key={`${prompt} ${position}`}
      class="said"
      title={`prompt ${prompt}, position ${position}`}
    >
      {before.map((text) => `${text} `)}
      <mark>{token}</mark>
      {after.map((text) => ` ${text}`)} <span class="faint">{signed(value)}</span>
    </div>
  );
}

function Row({ part, focus }: { part: Part; focus: Signal<Focus> }) {
  const { classes } = part;
  return (
    <tr aria-selected={focus.value.part === part.address}>
      <th scope="row">
        <Choose address={part.address} focus={focus} />
      </th>
      <td title={part.why}>{part.role}</td>
      <td>{part.looks.slice(0, 2).map(where).join("; ")}</td>
      <td>{amount(part.writes)}</td>
      <td>{amount(part.carries)}</td>
      <td>{amount(part.alone)}</td>
      <td>{part.inside ? amount(part.inside) : "–"}</td>
      <td>{format(classes?.previous)}</td>
      <td>{format(classes?.duplicate)}</td>
      <td>{format(classes?.induction)}</td>
      <td>{format(part.copying)}</td>
    </tr>
  );
}

function where({ query, key, attention }: Look): string {
  return `${key}${query === "end" ? " (from the end)" : ""} ${attention.value.toFixed(2)}`;
}
