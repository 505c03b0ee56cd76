import type { Signal } from "@preact/signals";
import { useBoard } from "../../state/board";
import { Segmented } from "../shared/Segmented";
import { contrastText, gradientState, type Source } from "./state";

const SOURCES: readonly { value: Source; label: string }[] = [
  { value: "contrast", label: "contrast prompt" },
  { value: "zero", label: "zero" },
];
const DIRECTIONS = [
  { value: "noising", label: "noising" },
  { value: "denoising", label: "denoising" },
] as const;

/** Where other values come from: the contrast prompt, or zeros. */
export function SourceChoice() {
  const board = useBoard();
  const { source } = gradientState(board);
  if (!contrastText(board)) {
    return (
      <span class="faint" data-testid="gradients-no-contrast">
        against zero (give a contrast prompt to patch from it)
      </span>
    );
  }
  return (
    <span class="row">
      <span class="label">to</span>
      <Segmented
        label="What values change to"
        name="gradients-source"
        options={SOURCES}
        value={source}
      />
      {source.value === "contrast" && <DirectionChoice />}
    </span>
  );
}

/** Which of the two prompts is run. */
export function DirectionChoice() {
  const { direction } = gradientState(useBoard());
  return (
    <Segmented
      label="Direction: noising runs the prompt, denoising the contrast prompt"
      name="gradients-direction"
      options={DIRECTIONS}
      value={direction}
    />
  );
}

const STEPS = [1, 2, 5, 10, 20, 32, 64, 128];

/** Points on the path. */
export function StepsChoice({ value, name }: { value: Signal<number>; name: string }) {
  const known = STEPS.includes(value.value) ? STEPS : [...STEPS, value.value].sort((a, b) => a - b);
  return (
    <label class="label">
      steps{" "}
      <select
        class="select"
        data-testid={name}
        title="Points on the path at which the gradient is taken"
        value={String(value.value)}
        onChange={(event) => {
          value.value = Number(event.currentTarget.value);
        }}
      >
        {known.map((steps) => (
          <option key={steps} value={String(steps)}>
            {steps}
          </option>
        ))}
      </select>
    </label>
  );
}

/** What the numbers are, as a formula and in words; and the line of Python that gives them. */
export function Legend({ formula, words, python }: Record<"formula" | "words" | "python", string>) {
  return (
    <p class="note gradient-legend" data-testid="gradients-legend">
      <span class="formula">{formula}</span> {words}
      {python && (
        <details>
          <summary>Python</summary>
          <code class="python">{python}</code>
        </details>
      )}
    </p>
  );
}
