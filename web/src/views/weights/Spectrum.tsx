import { format } from "../../draw/number";
import { useSize } from "../shared/useSize";

const HEIGHT = 64;

interface Props {
  values: Float32Array;
  factors: Float32Array;
}

/** All singular values as bars: filled as they are now, outlined as they were before edits. */
export function Spectrum({ values, factors }: Props) {
  const { ref, size } = useSize();
  const width = size.value.width;
  const now = values.map((value, i) => Math.abs(value * (factors[i] ?? 1)));
  const top = Math.max(1e-12, ...values, ...now);
  const step = width / Math.max(1, values.length);
  const gap = step > 6 ? 2 : step > 3 ? 0.5 : 0;
  const high = (value: number) => (value / top) * (HEIGHT - 4);
  const label = `Singular values from ${format(values[0], 4)} to ${format(values[values.length - 1], 4)}`;
  return (
    <div class="spectrum" ref={ref} data-testid="spectrum">
      <svg width={width} height={HEIGHT} role="img" aria-label={label}>
        {[...values].map((value, i) => (
          <g key={i}>
            <title>{`${i}: ${format(value, 4)}${factors[i] === 1 ? "" : ` → ${format(now[i], 4)}`}`}</title>
            <rect class="bars-hit" x={i * step} y={0} width={step} height={HEIGHT} />
            <rect
              class="bars-now"
              x={i * step + gap / 2}
              y={HEIGHT - high(now[i] as number)}
              width={Math.max(0.5, step - gap)}
              height={high(now[i] as number)}
            />
            {factors[i] !== 1 && (
              <line
                class="bars-base"
                x1={i * step + gap / 2}
                x2={(i + 1) * step - gap / 2}
                y1={HEIGHT - high(value)}
                y2={HEIGHT - high(value)}
              />
            )}
          </g>
        ))}
      </svg>
      <span class="spectrum-top">{format(top, 3)}</span>
    </div>
  );
}
