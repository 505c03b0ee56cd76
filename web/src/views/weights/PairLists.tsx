import { percent, signed } from "../../draw/number";
import type { TokenPair } from "../../wire/types";
import { showToken } from "../shared/token";

interface Props {
  title: string;
  /** What the first and the second token of a pair are. */
  axes: readonly [string, string];
  high: readonly TokenPair[];
  low: readonly TokenPair[];
  done: number;
  total: number;
}

/** The furthest entries of a matrix over the vocabulary, as far as it is searched. */
export function PairLists({ title, axes, high, low, done, total }: Props) {
  const top = Math.max(1e-12, ...[...high, ...low].map(({ value }) => Math.abs(value)));
  return (
    <section
      class="pairs"
      data-testid="weight-pairs"
      data-complete={done >= total}
      aria-label={title}
    >
      <h3>
        {title}
        {done < total && <span class="faint"> searched: {percent(done / total)}</span>}
      </h3>
      <div class="pairs-ends">
        <List name="largest" axes={axes} pairs={high} top={top} />
        <List name="smallest" axes={axes} pairs={low} top={top} />
      </div>
    </section>
  );
}

interface ListProps {
  name: string;
  axes: readonly [string, string];
  pairs: readonly TokenPair[];
  top: number;
}

function List({ name, axes, pairs, top }: ListProps) {
  return (
    <ol aria-label={`${name}: ${axes.join(" → ")}`} data-testid={`pairs-${name}`}>
      <li class="vocab-name">
        {name}: {axes[0]} → {axes[1]}
      </li>
      {pairs.map(({ row, column, value }, i) => (
        <li key={i} title={`${row} → ${column}: ${signed(value, 5)}`} data-value={value}>
          <span
            class="vocab-bar"
            data-negative={value < 0}
            style={{ width: `${(100 * Math.abs(value)) / top}%` }}
          />
          <code>{showToken(row)}</code>
          <span class="faint" aria-hidden="true">
            →
          </span>
          <code>{showToken(column)}</code>
          <span class="number">{signed(value, 3)}</span>
        </li>
      ))}
    </ol>
  );
}
