import { useSignal } from "@preact/signals";
import { useRef } from "preact/hooks";
import { signed } from "../../draw/number";
import { inputLabel, parseEdge } from "../../edges/edge";
import { edgeState } from "../../edges/state";
import { useBoard } from "../../state/board";
import { SignedBar } from "../shared/SignedBar";
import { type CircuitRow, chosen, circuitSettings, type Order, ordered } from "./state";

/** Lines listed at first, and with each further press. */
const SOME = 60;
const SHARES = { both: "both", first: "first", second: "second", none: "" } as const;

interface Props {
  rows: readonly CircuitRow[];
  compared: boolean;
}

/** The edges with their scores; each can be pruned and brought back. */
export function EdgeTable({ rows, compared }: Props) {
  const { order, share } = circuitSettings(useBoard());
  const shown = useSignal(SOME);
  const body = useRef<HTMLTableSectionElement>(null);
  const listed = ordered(chosen(rows, compared ? share.value : "all"), order.value);
  const top = rows.reduce((most, { effect }) => Math.max(most, Math.abs(effect) || 0), 1e-9);
  const left = listed.length - shown.value;
  return (
    <>
      <table class="neuron-table circuit-table" data-testid="circuit-table">
        <Head compared={compared} />
        <tbody ref={body} onKeyDown={(event) => walk(event, body.current)}>
          {listed.slice(0, shown.value).map((row) => (
            <Row key={row.edge} row={row} top={top} compared={compared} />
          ))}
        </tbody>
      </table>
      {listed.length === 0 && <p class="empty">No edge.</p>}
      {left > 0 && (
        <button
          type="button"
          class="plain"
          data-testid="circuit-more"
          onClick={() => {
            shown.value += 10 * SOME;
          }}
        >
          {left.toLocaleString("en")} more
        </button>
      )}
    </>
  );
}

function Head({ compared }: { compared: boolean }) {
  const { order } = circuitSettings(useBoard());
  const sort = (value: Order, label: string, title: string) => (
    <th scope="col" aria-sort={order.value === value ? "descending" : undefined}>
      <button
        type="button"
        title={title}
        data-testid={`circuit-sort-${value}`}
        onClick={() => {
          order.value = value;
        }}
      >
        {label}
        {order.value === value && <i aria-hidden="true">↓</i>}
      </button>
    </th>
  );
  return (
    <thead>
      <tr>
        {sort("model", "edge", "In the order of the model")}
        {sort("size", "score", "The largest score first, whatever its sign")}
        {compared && <th scope="col">in</th>}
        <th scope="col">keep</th>
      </tr>
    </thead>
  );
}

function Row({ row, top, compared }: { row: CircuitRow; top: number; compared: boolean }) {
  const board = useBoard();
  const { hover } = edgeState(board.ui);
  const { edge: address, effect, own, pruned, share } = row;
  const edge = parseEdge(address);
  const position = address.split("@")[1];
  return (
    <tr
      data-testid="circuit-row"
      data-edge={address}
      data-score={effect}
      data-share={share}
      data-pruned={pruned}
      data-here={hover.value === address}
      title={`${address}: score ${signed(effect, 5)}`}
      onPointerEnter={() => {
        hover.value = address;
      }}
      onPointerLeave={() => {
        hover.value = null;
      }}
    >
      <th scope="row">
        {edge?.sender} <span class="faint">→</span> {edge?.receiver}
        {edge && inputLabel(edge) && <b> {inputLabel(edge)}</b>}
        {position && <span class="faint"> @{position}</span>}
      </th>
      <td class="number">
        <SignedBar values={[effect]} top={top} />
        <span>{signed(effect, 3)}</span>
      </td>
      {compared && <td class="faint">{SHARES[share]}</td>}
      <td>
        {own && (
          <button
            type="button"
            class="icon circuit-keep"
            data-testid="circuit-keep"
            aria-pressed={!pruned}
            aria-label={`Keep ${address}, score ${signed(effect, 3)}`}
            title={pruned ? "Bring it back" : "Prune it: measure the circuit without it"}
            disabled={!board.kernel.live.value}
            onFocus={() => {
              hover.value = address;
            }}
            onBlur={() => {
              hover.value = null;
            }}
            onClick={() => void board.editCircuit(pruned ? "restore" : "prune", [address])}
          >
            {pruned ? "–" : "✓"}
          </button>
        )}
      </td>
    </tr>
  );
}

/** Up and down go from edge to edge. */
function walk(event: KeyboardEvent, body: HTMLElement | null): void {
  if (event.key !== "ArrowDown" && event.key !== "ArrowUp") return;
  const buttons = [...(body?.querySelectorAll<HTMLElement>("td button") ?? [])];
  const at = buttons.indexOf(event.target as HTMLElement);
  const next = buttons[at + (event.key === "ArrowDown" ? 1 : -1)];
  if (at < 0 || !next) return;
  next.focus();
  event.preventDefault();
}
