import { isHead } from "../../state/address";
import type { Board, Deed } from "../../state/board";
import { patchedPosition } from "../../state/contrast";
import type { Act, Entry } from "../../wire/types";

export type ActionName =
  | "ablate"
  | "freeze-output"
  | "freeze-pattern"
  | "patch-here"
  | "patch-all"
  | "release";

/** One thing that can be done to the selection. */
export interface Action {
  verb: Act["verb"];
  at: string[];
  /** Whether it is done already: then the same control undoes it. */
  on: boolean;
}

/** Whether an entry is what the control of that kind does: a patch is from the contrast prompt. */
function isOf(entry: Entry, kind: string): boolean {
  return entry.kind === kind && !entry.elsewhere;
}

function isOn(board: Board, kind: string, at: readonly string[]): boolean {
  const entries = board.kernel.entries.value.filter((e) => e.on && isOf(e, kind));
  const done = new Set(entries.map((e) => e.at));
  return at.length > 0 && at.every((place) => done.has(place));
}

/** Whether a place is patched from the contrast prompt. */
export function isPatched(board: Board, at: string): boolean {
  return isOn(board, "patch", [at]);
}

/** A patch from the contrast prompt, of all that is selected, at one token or at all of them. */
export function patchOf(board: Board, at: string | null): Action {
  const parts = board.selection.value.map((part) => part.split("@")[0] ?? part);
  const places = [...new Set(parts)].map((part) => (at === null ? part : `${part}@${at}`));
  return { verb: "patch", at: places, on: isOn(board, "patch", places) };
}

/** What can be done to the selection now. */
export function actions(board: Board): Record<ActionName, Action> {
  const parts = [...board.selection.value];
  // A scale of zero would divide by nothing.
  const outputs = parts.filter((part) => !part.endsWith(".scale"));
  const patterns = parts.filter(isHead).map((head) => `${head}.pattern`);
  return {
    ablate: { verb: "ablate", at: outputs, on: isOn(board, "zero", outputs) },
    "freeze-output": { verb: "freeze", at: parts, on: isOn(board, "freeze", parts) },
    "freeze-pattern": { verb: "freeze", at: patterns, on: isOn(board, "freeze", patterns) },
    "patch-here": patchOf(board, patchedPosition(board, board.position.value)),
    "patch-all": patchOf(board, null),
    release: { verb: "release", at: parts, on: false },
  };
}

/** What a control does: its action, or what takes it back where it is done; null for nothing. */
export function deedOf(board: Board, { verb, at, on }: Action): Deed | null {
  if (at.length === 0) return null;
  if (!on) return { verb, at };
  const kind = verb === "ablate" ? "zero" : verb;
  const wanted = new Set(at);
  const done = board.kernel.entries.peek().filter((e) => isOf(e, kind) && wanted.has(e.at));
  return { verb: "remove", entries: done.map(({ id }) => id) };
}

/** Does it, or takes it back, in one step to undo. */
export function act(board: Board, action: Action): void {
  const deed = deedOf(board, action);
  if (deed) board.carryOut(deed);
}

/** The factor by which the whole selection is scaled; 1 where it is not. */
export function factorOf(board: Board): number {
  const parts = board.selection.value;
  const found = board.kernel.entries.value.filter(
    (e) => e.on && e.kind === "scale" && parts.includes(e.at),
  );
  const text = found[0]?.text.split("×").pop()?.trim().replace("\u2212", "-");
  const factor = Number(text ?? "1");
  return found.length > 0 && Number.isFinite(factor) ? factor : 1;
}
