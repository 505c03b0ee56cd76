import type { Problem } from "../../wire/types";

interface Props {
  problem: Problem;
  dismiss?: () => void;
}

/** What went wrong, and what to do next. */
export function ProblemNote({ problem, dismiss }: Props) {
  return (
    <div class="problem" role="alert" data-testid={dismiss ? "problem" : undefined}>
      <p>
        {problem.message} {problem.hint && <span class="hint">{problem.hint}</span>}
      </p>
      {dismiss && (
        <button type="button" class="icon" aria-label="Dismiss" onClick={dismiss}>
          ×
        </button>
      )}
    </div>
  );
}
