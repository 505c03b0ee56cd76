import { useLayoutEffect, useRef } from "preact/hooks";
import type { Picture } from "../../state/kernel";

/** The newest picture, or the one before it while that is on its way, and then dimmed. */
export function useHeld(arrived: Picture | null): { picture: Picture | null; stale: boolean } {
  const held = useRef<Picture | null>(null);
  useLayoutEffect(() => {
    if (arrived) held.current = arrived;
  }, [arrived]);
  return { picture: arrived ?? held.current, stale: arrived === null };
}
