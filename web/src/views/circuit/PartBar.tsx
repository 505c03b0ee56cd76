import { parseEdge } from "../../edges/edge";
import { useBoard } from "../../state/board";
import type { CircuitRow } from "./state";

/** Prunes all edges of the selected part at once, or brings them back. */
export function PartBar({ rows }: { rows: readonly CircuitRow[] }) {
  const board = useBoard();
  const [part] = board.drawnSelection.value.slice(-1);
  if (part === undefined) return null;
  const mine = rows.filter(({ edge, own }) => {
    const ends = parseEdge(edge);
    return own && (ends?.sender === part || ends?.receiver === part);
  });
  // A part that is drawn for its neurons too has edges that its own address does not name.
  const split = mine.some(({ edge }) => edge.includes(".mlp.n"));
  const places = split ? mine.map(({ edge }) => edge) : [part];
  const pruned = mine.filter((row) => row.pruned).length;
  const live = board.kernel.live.value;
  const button = (verb: "prune" | "restore", label: string, count: number) => (
    <button
      type="button"
      class="action"
      data-testid={`circuit-part-${verb}`}
      disabled={!live || count === 0}
      onClick={() => void board.editCircuit(verb, places)}
    >
      {label} {count > 0 && count}
    </button>
  );
  return (
    <p class="circuit-part" data-testid="circuit-part">
      <b>{part}</b>
      <span class="faint">
        {mine.length === 0
          ? "has no edge here"
          : `has ${mine.length} ${mine.length === 1 ? "edge" : "edges"} here`}
      </span>
      {mine.length > pruned && button("prune", "Prune its", mine.length - pruned)}
      {pruned > 0 && button("restore", "Bring back its", pruned)}
    </p>
  );
}
