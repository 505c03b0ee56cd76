import type { Board } from "../../state/board";
import type { PatchingInfo } from "../../wire/types";
import { act, isPatched } from "../shared/actions";
import { patchingState } from "./state";

/** Selects the part and the position of a cell. */
export function chooseCell(board: Board, address: string): void {
  const [place = "", position] = address.split("@");
  patchingState(board).chosen.value = address;
  if (!place) return;
  board.layout.from("patching", place);
  void board.select([place], position === undefined ? null : Number(position));
}

/**
 * Makes a cell an intervention on the board, or takes it back. The board runs the prompt: a cell of
 * denoising, which is about the other run, has the prompts exchanged first. It is the same cell of
 * noising then.
 */
export async function pinCell(board: Board, info: PatchingInfo, address: string): Promise<void> {
  if (!address || !board.kernel.live.peek()) return;
  const state = patchingState(board);
  state.chosen.value = address;
  if (info.direction === "noising") {
    act(board, { verb: "patch", at: [address], on: isPatched(board, address) });
    return;
  }
  if (!(await board.swap())) return;
  state.direction.value = "noising";
  state.swapped.value = address;
  board.act("patch", [address]);
}
