import { signed } from "../../draw/number";
import { useBoard } from "../../state/board";
import { infoOf } from "../../state/kernel";
import type { EdgeGradientsInfo, EdgeGradientsView } from "../../wire/types";
import { ProblemNote } from "../shared/Problem";
import { SignedBar } from "../shared/SignedBar";
import { floats } from "../shared/sides";
import { useHeld } from "../shared/useHeld";
import { AuditBox } from "./AuditBox";
import { DirectionChoice, Legend, StepsChoice } from "./Controls";
import { Exact, useExact } from "./Picked";
import { type AuditRow, type EdgeSort, missOf, sorted } from "./rows";
import { contrastText, edgeView, gradientState } from "./state";

const METHODS: readonly { value: EdgeGradientsView["what"]; label: string }[] = [
  { value: "eap", label: "EAP" },
  { value: "eap-ig-inputs", label: "EAP-IG, inputs" },
  { value: "eap-ig-activations", label: "EAP-IG, activations (published code)" },
  { value: "eap-ig-senders", label: "EAP-IG, own senders" },
];

/** The edges with the largest scores. */
export function EdgesSection() {
  const board = useBoard();
  if (!contrastText(board)) {
    return (
      <p class="empty" data-testid="gradients-needs-contrast">
        Edges are scored between two prompts. Give a contrast prompt below the prompt, as long in
        tokens.
      </p>
    );
  }
  return <Edges />;
}

function Edges() {
  const board = useBoard();
  const { method, edgeSteps } = gradientState(board);
  const view = edgeView(board);
  const { picture, stale } = useHeld(board.kernel.picture(view).value);
  const info = infoOf(picture, "edge-gradients");
  return (
    <>
      <div class="row">
        <label class="label">
          method{" "}
          <select
            class="select"
            data-testid="gradients-method"
            value={method.value}
            onChange={(event) => {
              method.value = event.currentTarget.value as EdgeGradientsView["what"];
            }}
          >
            {METHODS.map(({ value, label }) => (
              <option key={value} value={value}>
                {label}
              </option>
            ))}
          </select>
        </label>
        {method.value !== "eap" && <StepsChoice value={edgeSteps} name="gradients-edge-steps" />}
        <DirectionChoice />
      </div>
      {picture?.problem && <ProblemNote problem={picture.problem} />}
      {info && <Legend {...words(view)} python={info.python} />}
      {info && info.count > 0 && (
        <div data-stale={stale}>
          <EdgeTable info={info} scores={floats(picture, "scores")} />
        </div>
      )}
      {info?.count === 0 && !picture?.problem && <p class="empty">Being computed.</p>}
      <AuditBox exact="exact: the edge patched alone (path patching)" />
    </>
  );
}

const COLUMNS: readonly { by: EdgeSort; label: string; title: string }[] = [
  { by: "sender", label: "sender", title: "Sort by sender" },
  { by: "receiver", label: "receiver", title: "Sort by receiver" },
  { by: "size", label: "estimate", title: "Sort by the estimate's size; again: with its sign" },
  { by: "exact", label: "exact", title: "Sort by the exact effect" },
  { by: "miss", label: "miss", title: "Sort by how far the estimate is off" },
];

function EdgeTable({ info, scores }: { info: EdgeGradientsInfo; scores: Float32Array }) {
  const board = useBoard();
  const by = board.ui.local<EdgeSort>("gradients.sort", "size");
  const exact = useExact();
  const rows = info.addresses.map((address, i) => ({
    address,
    estimate: scores[i] ?? Number.NaN,
    exact: exact(address).exact,
  }));
  const top = Math.max(1e-9, ...rows.map((row) => Math.abs(row.estimate)));
  const choose = (next: EdgeSort) => {
    by.value = next === "size" && by.peek() === "size" ? "score" : next;
  };
  return (
    <>
      <div class="edge-scroll">
        <table class="neuron-table" data-testid="edge-table">
          <thead>
            <tr>
              {COLUMNS.map((column) => {
                const on = by.value === column.by || (column.by === "size" && by.value === "score");
                return (
                  <th key={column.by} scope="col" aria-sort={on ? "descending" : undefined}>
                    <button
                      type="button"
                      title={column.title}
                      data-testid={`edge-sort-${column.by}`}
                      onClick={() => choose(column.by)}
                    >
                      {column.label}
                      {on && <i aria-hidden="true">{by.value === "score" ? "±↓" : "↓"}</i>}
                    </button>
                  </th>
                );
              })}
            </tr>
          </thead>
          <tbody>
            {sorted(rows, by.value).map((row) => (
              <EdgeRow key={row.address} row={row} top={top} />
            ))}
          </tbody>
        </table>
      </div>
      <p class="faint">
        The {rows.length} largest of {info.count.toLocaleString("en")} edges, with{" "}
        {(100 * info.share).toFixed(0)}% of the sum of all sizes.
      </p>
    </>
  );
}

function EdgeRow({ row, top }: { row: AuditRow; top: number }) {
  const board = useBoard();
  const [sender = "", receiver = ""] = row.address.split("->");
  const part = (address: string) => (
    <button
      type="button"
      onClick={() => void board.select([address])}
      onPointerEnter={() => {
        board.ui.hoverPart.value = address.replace(/\.[qkv]$/, "");
      }}
      onPointerLeave={() => {
        board.ui.hoverPart.value = null;
      }}
    >
      {address}
    </button>
  );
  return (
    <tr
      data-testid="edge-row"
      data-edge={row.address}
      data-estimate={row.estimate}
      data-exact={row.exact}
      title={`${row.address}: estimate ${signed(row.estimate, 5)}, exact ${signed(row.exact, 5)}`}
    >
      <th scope="row">{part(sender)}</th>
      <td class="receiver">{part(receiver)}</td>
      <td class="number">
        <SignedBar values={[row.estimate]} top={top} />
        <span>{signed(row.estimate, 4)}</span>
      </td>
      <td class="number">
        <Exact address={row.address} />
      </td>
      <td class="number">{Number.isNaN(row.exact) ? "" : signed(missOf(row), 4)}</td>
    </tr>
  );
}

function words({ what, direction, steps }: EdgeGradientsView) {
  const run = direction === "noising" ? "the prompt" : "the contrast prompt";
  const other = direction === "noising" ? "the contrast prompt" : "the prompt";
  const where: Record<EdgeGradientsView["what"], string> = {
    eap: `gradient at ${run}`,
    "eap-ig-inputs": `mean gradient of ${steps} runs with embeddings between ${other} and ${run}`,
    "eap-ig-activations": `mean gradient of all runs in which the outputs of one layer's attention, one MLP or the embedding lie between the two, ${steps} for each`,
    "eap-ig-senders": `mean gradient of the ${steps} runs in which the edge's own sender (its layer's attention, its MLP) lies between the two`,
  };
  return {
    formula: "Σ (a′ − a) · ∂m/∂x",
    words: `an estimate of the change of ${run}'s metric when the receiver's input x alone sees what the sender writes on ${other}, a′; ${where[what]}.`,
  };
}
