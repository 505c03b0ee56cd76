import type { Aligned } from "../wire/types";
import type { Board } from "./board";

/** The position of a token of the prompt as an address names it in both prompts. */
export function patchedPosition(board: Board, position: number): string {
  const pair = board.kernel.alignment.value.find(({ mine }) => mine === position);
  return pair?.at || String(position);
}

/** How two prompts differ, in words. */
export function difference(alignment: readonly Aligned[]): string {
  const mine = alignment.filter((pair) => pair.mine >= 0).length;
  const theirs = alignment.filter((pair) => pair.theirs >= 0).length;
  const other = alignment.filter((pair) => !pair.same).length;
  const differ = other === 1 ? "differs" : "differ";
  if (mine !== theirs) return `${theirs} tokens, the prompt ${mine}: ${other} ${differ}`;
  if (other === 0) return "the same tokens as the prompt";
  return `${other} of ${mine} tokens ${differ}`;
}

const escaped = (text: string) => text.replace(/[.*+?^${}()|[\]\\]/g, "\\$&");
/** A word alone: no letter or digit before or after it. */
const alone = (word: string) => `(?<![\\p{L}\\p{N}])${escaped(word)}(?![\\p{L}\\p{N}])`;

/** The prompt with two words exchanged; null where it does not have both. */
export function exchanged(prompt: string, one: string, other: string): string | null {
  const [a, b] = [one.trim(), other.trim()];
  if (!a || !b || a === b) return null;
  if (![a, b].every((word) => new RegExp(alone(word), "u").test(prompt))) return null;
  const either = new RegExp(`${alone(a)}|${alone(b)}`, "gu");
  return prompt.replace(either, (word) => (word === a ? b : a));
}
