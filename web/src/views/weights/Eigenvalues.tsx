import { compact, signed } from "../../draw/number";

const SIZE = 164;
const PAD = 14;

interface Found {
  /** Pairs of real and imaginary parts. */
  values: Float32Array;
  copying: number | null;
}

interface Props extends Found {
  /** Those of the weights as they were loaded, where both are shown. */
  loaded: Found | null;
}

const pointsOf = (values: Float32Array) =>
  Array.from({ length: values.length / 2 }, (_, i) => ({
    re: values[2 * i] as number,
    im: values[2 * i + 1] as number,
  }));

const text = ({ re, im }: { re: number; im: number }) =>
  im === 0 ? signed(re, 4) : `${signed(re, 4)} ${signed(im, 4)}i`;

/** Eigenvalues of an OV circuit in the complex plane: to the right they copy, to the left not. */
export function Eigenvalues({ values, copying, loaded }: Props) {
  if (values.length === 0 || copying === null) return null;
  const points = pointsOf(values);
  const before = loaded ? pointsOf(loaded.values) : [];
  const end = Math.max(1e-12, ...[...values, ...(loaded?.values ?? [])].map(Math.abs));
  const at = (value: number) => SIZE / 2 + (value / end) * (SIZE / 2 - PAD);
  const label = `Eigenvalues in the complex plane: ${points.slice(0, 8).map(text).join(", ")}`;
  return (
    <section class="eigen" data-testid="eigenvalues" aria-label="Eigenvalues of the OV circuit">
      <h3 title="Of W_E W_V W_O W_U over the whole vocabulary: positive ones raise the tokens that they look at">
        Eigenvalues
      </h3>
      <svg width={SIZE} height={SIZE} role="img" aria-label={label}>
        <line class="eigen-axis" x1={PAD / 2} x2={SIZE - PAD / 2} y1={SIZE / 2} y2={SIZE / 2} />
        <line class="eigen-axis" x1={SIZE / 2} x2={SIZE / 2} y1={PAD / 2} y2={SIZE - PAD / 2} />
        {before.map((point, i) => (
          <circle
            key={`loaded ${i}`}
            class="eigen-point eigen-loaded"
            data-negative={point.re < 0}
            cx={at(point.re)}
            cy={at(-point.im)}
            r={4.6}
          >
            <title>{`as loaded ${text(point)}`}</title>
          </circle>
        ))}
        {points.map((point, i) => (
          <circle
            key={i}
            class="eigen-point"
            data-negative={point.re < 0}
            cx={at(point.re)}
            cy={at(-point.im)}
            r={3.2}
          >
            <title>{text(point)}</title>
          </circle>
        ))}
      </svg>
      <p class="faint">
        both axes to ±{compact(end)}
        {loaded && "; rings: as loaded"}
      </p>
      <p title="Sum of the eigenvalues over the sum of their sizes, from −1 to 1">
        copying score{" "}
        {loaded && (
          <>
            <span data-testid="copying-loaded">{signed(loaded.copying, 3)}</span>{" "}
            <span class="arrow">→</span>{" "}
          </>
        )}
        <b data-testid="copying-score">{signed(copying, 3)}</b>
      </p>
    </section>
  );
}
