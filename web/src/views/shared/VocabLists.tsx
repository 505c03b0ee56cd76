import { signed } from "../../draw/number";
import type { ScoredWord, Words } from "../../wire/types";
import { showToken } from "./token";

interface Props {
  title: string;
  /** How it is computed, in one sentence. */
  note: string;
  high: string;
  low: string;
  words: Words;
  testid: string;
}

/** The tokens at the two ends of a direction, each with how much. */
export function VocabLists({ title, note, high, low, words, testid }: Props) {
  const top = Math.max(1e-9, ...[...words.high, ...words.low].map((w) => Math.abs(w.value)));
  return (
    <section class="vocab" data-testid={testid} aria-label={title}>
      <h4 title={note}>{title}</h4>
      <div class="vocab-ends">
        <End name={high} words={words.high} top={top} />
        <End name={low} words={words.low} top={top} />
      </div>
    </section>
  );
}

function End({ name, words, top }: { name: string; words: readonly ScoredWord[]; top: number }) {
  return (
    <ol aria-label={name}>
      <li class="vocab-name">{name}</li>
      {words.map((word) => (
        <li key={word.id} title={`${word.text.trim()}: ${signed(word.value, 4)}`}>
          <span
            class="vocab-bar"
            data-negative={word.value < 0}
            style={{ width: `${(100 * Math.abs(word.value)) / top}%` }}
          />
          <code>{showToken(word.text)}</code>
          <span class="number">{signed(word.value)}</span>
        </li>
      ))}
    </ol>
  );
}
