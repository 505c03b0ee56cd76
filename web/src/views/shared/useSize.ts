import { useSignal } from "@preact/signals";
import { useLayoutEffect, useRef } from "preact/hooks";

/** The size of an element in CSS pixels, as it changes. */
export function useSize() {
  const ref = useRef<HTMLDivElement>(null);
  const size = useSignal({ width: 0, height: 0 });
  useLayoutEffect(() => {
    const element = ref.current;
    if (!element) return;
    const measure = () => {
      const { clientWidth: width, clientHeight: height } = element;
      const { width: w, height: h } = size.peek();
      if (width !== w || height !== h) size.value = { width, height };
    };
    // A panel in a window of its own is measured by that window.
    const { ResizeObserver: Observer } = element.ownerDocument.defaultView ?? window;
    const observer = new Observer(measure);
    observer.observe(element);
    measure();
    return () => observer.disconnect();
  }, [size]);
  return { ref, size };
}
