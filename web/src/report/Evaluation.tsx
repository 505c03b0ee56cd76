import type { Explanation } from "./types";

/** How faithful circuits of other sizes are, where that was measured. */
export function Evaluation({ explanation }: { explanation: Explanation }) {
  if (!explanation.evaluation) return null;
  return null;
}
