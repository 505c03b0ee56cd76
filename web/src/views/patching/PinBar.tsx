import { useBoard } from "../../state/board";
import type { PatchingInfo } from "../../wire/types";
import { isPatched } from "../shared/actions";
import { Glyph } from "../shared/Glyph";
import { Readout } from "./PatchGrid";
import { pinCell } from "./pin";
import { patchingState } from "./state";

interface Props {
  info: PatchingInfo;
  values: Float32Array;
}

/** The cell that was chosen, and how it becomes an intervention. */
export function PinBar({ info, values }: Props) {
  const board = useBoard();
  const { chosen, shown } = patchingState(board);
  const at = info.places.indexOf(chosen.value);
  if (at < 0) {
    return (
      <p class="note" data-testid="patching-hint">
        Click a cell to select its part and position; pin it to keep it as an intervention.
      </p>
    );
  }
  return (
    <div class="row pin-bar" data-testid="patching-pinbar">
      <code>{chosen.value}</code>
      <Readout info={info} value={values[at] ?? Number.NaN} share={shown.value === "share"} />
      <span class="grow" />
      <PinButton info={info} address={chosen.value} name="patching-pin" />
    </div>
  );
}

interface ButtonProps {
  info: PatchingInfo;
  address: string;
  name: string;
}

export function PinButton({ info, address, name }: ButtonProps) {
  const board = useBoard();
  const other = info.direction === "denoising";
  const on = !other && isPatched(board, address);
  const title = other
    ? `The board runs the prompt, this cell the contrast prompt: exchanges the two, then patches ${address}`
    : on
      ? `Take back the patch of ${address}`
      : `Patch ${address} from the contrast prompt on the board (p on the grid)`;
  return (
    <button
      type="button"
      class="action"
      data-testid={name}
      aria-pressed={on}
      aria-label={title}
      title={title}
      disabled={!board.kernel.live.value}
      onClick={() => void pinCell(board, info, address)}
    >
      <Glyph name="patched" /> {other ? "Swap and pin" : on ? "Pinned" : "Pin"}
    </button>
  );
}
