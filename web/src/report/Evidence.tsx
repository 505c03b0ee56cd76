import type { Signal } from "@preact/signals";
import { format } from "../draw/number";
import type { Focus } from "./mount";
import { amount } from "./numbers";
import type { Explanation, Look, Part } from "./types";

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

function Row({ part, focus }: { part: Part; focus: Signal<Focus> }) {
  const { classes } = part;
  return (
    <tr aria-selected={focus.value.part === part.address}>
      <th scope="row">
        <button
          type="button"
          class="link"
          onClick={() => {
            focus.value = { ...focus.peek(), part: part.address };
          }}
        >
          {part.address}
        </button>
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
