import { useBoard } from "../../state/board";
import type { PatchingInfo } from "../../wire/types";
import { isPatched } from "../shared/actions";
import { Glyph } from "../shared/Glyph";
import { Readout } from "./PatchGrid";
import { pinCell } from "./pin";
import { patchingState } from "./state";

const EXCHANGES =
  "Denoising is about the run of the contrast prompt, and the board runs the prompt: pinning exchanges the two first. Target and foil stay.";

interface Props {
  info: PatchingInfo;
  values: Float32Array;
}

/** The cell that was chosen, and how it becomes an intervention. */
export function PinBar({ info, values }: Props) {
  const board = useBoard();
  const { chosen, shown, swapped } = patchingState(board);
  const denoising = info.direction === "denoising";
  const at = info.places.indexOf(chosen.value);
  if (at < 0) {
    return (
      <p class="note" data-testid="patching-hint">
        Click a cell to select its part and position; pin it to keep it as an intervention.
        {denoising && ` ${EXCHANGES}`}
      </p>
    );
  }
  return (
    <>
      <div class="row pin-bar" data-testid="patching-pinbar">
        <code>{chosen.value}</code>
        <Readout info={info} value={values[at] ?? Number.NaN} share={shown.value === "share"} />
        <span class="grow" />
        <PinButton info={info} address={chosen.value} name="patching-pin" />
      </div>
      {denoising && (
        <p class="note" data-testid="patching-exchanges">
          {EXCHANGES}
        </p>
      )}
      {!denoising && swapped.value === chosen.value && isPatched(board, chosen.value) && (
        <p class="note" data-testid="patching-exchanged">
          The prompts were exchanged to pin this cell: what was the contrast prompt is the prompt
          now. Undo takes back the patch; undo again, the exchange.
        </p>
      )}
    </>
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
