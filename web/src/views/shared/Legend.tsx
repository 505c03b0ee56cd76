import { gradient, type Scale } from "../../draw/colour";
import { compact } from "../../draw/number";

/** A colour scale with the values at its ends. */
export function Legend({ scale }: { scale: Scale }) {
  const [low, high] = scale.domain;
  return (
    <span class="readout-scale">
      <i>{compact(low)}</i>
      <span style={{ background: gradient(scale) }} />
      <i>{compact(high)}</i>
    </span>
  );
}
