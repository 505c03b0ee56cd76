import { signed } from "../../draw/number";
import { useBoard } from "../../state/board";
import { infoOf } from "../../state/kernel";
import { floats } from "../shared/sides";
import { auditRows } from "./rows";
import { auditView, gradientState } from "./state";

/** The exact number of an address, NaN where it is not measured; and whether it was asked for. */
export function useExact(): (address: string) => { exact: number; asked: boolean } {
  const board = useBoard();
  const view = auditView(board);
  const picture = view && board.kernel.picture(view).value;
  const info = infoOf(picture, "gradient-audit");
  const rows = auditRows(
    info?.addresses ?? [],
    floats(picture, "estimate"),
    floats(picture, "exact"),
  );
  const found = new Map(rows.map((row) => [row.address, row.exact]));
  const asked = new Set(gradientState(board).also.value.split(" "));
  return (address) => ({
    exact: found.get(address) ?? Number.NaN,
    asked: asked.has(address) || found.has(address),
  });
}

/** The exact number of one address, or the button that has it measured. */
export function Exact({ address }: { address: string }) {
  const board = useBoard();
  const { exact, asked } = useExact()(address);
  const { also } = gradientState(board);
  if (!Number.isNaN(exact)) return <b data-testid="gradients-exact">{signed(exact, 4)}</b>;
  if (asked) return <span class="faint">…</span>;
  return (
    <button
      type="button"
      class="measure"
      data-testid="gradients-measure"
      title={`Change ${address} alone, and measure`}
      aria-label={`Measure ${address} exactly`}
      disabled={!board.kernel.live.value}
      onClick={() => {
        also.value = `${also.peek()} ${address}`.trim();
      }}
    >
      measure
    </button>
  );
}

/** One cell or token: its estimate, and its exact number or the button for it. */
export function Picked({ address, estimate }: { address: string; estimate: number }) {
  return (
    <p
      class="picked"
      data-testid="gradients-picked"
      data-address={address}
      data-estimate={estimate}
    >
      <code>{address}</code> <span class="label">estimate</span> <b>{signed(estimate, 4)}</b>{" "}
      <span class="label">exact</span> <Exact address={address} />
    </p>
  );
}
