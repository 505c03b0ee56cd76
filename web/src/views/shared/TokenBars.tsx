import { format } from "../../draw/number";
import type { Token } from "../../wire/types";
import type { Ends } from "./sides";
import { showToken } from "./token";
import { useSize } from "./useSize";

interface Props {
  tokens: readonly Token[];
  ends: Ends;
  label: string;
  testid: string;
  focus: number;
  pick: (index: number) => void;
  /** Decimal places of the numbers shown. */
  digits?: number;
}

const HEIGHT = 64;
const PAD = 3;

/** The range that holds all values and zero. */
export function range(...arrays: ArrayLike<number>[]): [number, number] {
  let [low, high] = [0, 0];
  for (const values of arrays) {
    for (let i = 0; i < values.length; i += 1) {
      const value = values[i] as number;
      if (value < low) low = value;
      if (value > high) high = value;
    }
  }
  return high > low ? [low, high] : [0, 1];
}

/** A bar for each token now, and a line where it was at the baseline. */
export function TokenBars({ tokens, ends, label, testid, focus, pick, digits = 3 }: Props) {
  const { ref, size } = useSize();
  const width = size.value.width;
  const count = Math.max(1, tokens.length);
  const step = width / count;
  const [low, high] = range(ends.now, ends.baseline);
  const y = (value: number) => PAD + ((high - value) / (high - low)) * (HEIGHT - 2 * PAD);
  const gap = step > 6 ? 2 : step > 3 ? 0.5 : 0;
  return (
    <div class="token-bars" ref={ref} data-testid={testid}>
      <svg width={width} height={HEIGHT} role="img" aria-label={label}>
        <line class="bars-zero" x1={0} x2={width} y1={y(0)} y2={y(0)} />
        {tokens.map(({ index, text }) => {
          const [now, base] = [ends.now[index] ?? 0, ends.baseline[index] ?? 0];
          const top = Math.min(y(now), y(0));
          return (
            // biome-ignore lint/a11y/noStaticElementInteractions: the strip of tokens has the keys
            <g key={index} data-focus={index === focus} onClick={() => pick(index)}>
              <title>{`${showToken(text)}: ${format(base, digits)} → ${format(now, digits)}`}</title>
              <rect class="bars-hit" x={index * step} y={0} width={step} height={HEIGHT} />
              <rect
                class="bars-now"
                x={index * step + gap / 2}
                y={top}
                width={Math.max(0.5, step - gap)}
                height={Math.max(0.5, Math.abs(y(now) - y(0)))}
              />
              <line
                class="bars-base"
                x1={index * step + gap / 2}
                x2={(index + 1) * step - gap / 2}
                y1={y(base)}
                y2={y(base)}
              />
            </g>
          );
        })}
      </svg>
      <div class="bars-ends">
        <span>{format(high, digits > 0 ? 2 : 0)}</span>
        <span>{low < 0 ? format(low, digits > 0 ? 2 : 0) : ""}</span>
      </div>
    </div>
  );
}
