import { effect, untracked } from "@preact/signals";
import { useLayoutEffect, useRef } from "preact/hooks";

/**
 * Draws in the screen's next frame, once, however many of the signals that `look` reads change.
 *
 * `useSignalEffect` waits for a frame before it looks: what it then asks a frame for comes one late.
 */
export function useDrawing<T>(look: () => T, draw: (seen: T) => void): void {
  const newest = useRef({ look, draw });
  newest.current = { look, draw };
  useLayoutEffect(() => {
    let frame = 0;
    const drawNow = () => {
      frame = 0;
      // Looks again: components may have been rendered since.
      const { look, draw } = newest.current;
      untracked(() => draw(look()));
    };
    const stop = effect(() => {
      newest.current.look();
      frame ||= requestAnimationFrame(drawNow);
    });
    return () => {
      stop();
      cancelAnimationFrame(frame);
    };
  }, []);
}
