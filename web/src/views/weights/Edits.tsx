import { compact, percent } from "../../draw/number";
import { useBoard } from "../../state/board";
import { infoOf } from "../../state/kernel";
import type { ChangedWeight, WeightEditsInfo } from "../../wire/types";
import { EDITS } from "./place";

function edits(board: ReturnType<typeof useBoard>): WeightEditsInfo | null {
  return infoOf(board.kernel.picture(EDITS).value, "weight-edits");
}

function Restore() {
  const board = useBoard();
  return (
    <button
      type="button"
      class="plain"
      data-testid="restore-weights"
      disabled={!board.kernel.live.value}
      title="Every weight as it was loaded, bit for bit"
      onClick={() => board.editWeights({ restore: true })}
    >
      Restore weights
    </button>
  );
}

/** The weights that are not what was loaded, whoever changed them. */
export function Edits() {
  const info = edits(useBoard());
  if (!info || (info.weights.length === 0 && !info.unknown)) return null;
  return (
    <section class="weight-edits" data-testid="weight-edits" aria-label="Edited weights">
      <header class="section-head">
        <h3>Edited weights</h3>
        {info.done < info.total && <span class="faint">comparing</span>}
        <span class="grow" />
        {info.weights.length > 0 && <Restore />}
      </header>
      {info.unknown && (
        <p class="note">
          {info.unknown} {info.hint}
        </p>
      )}
      {info.weights.length > 0 && <Table weights={info.weights} />}
      {info.lines.length > 0 && (
        <ul class="edit-lines" aria-label="Edits made on boards, as Python">
          {info.lines.map((line) => (
            <li key={line}>
              <code>{line}</code>
            </li>
          ))}
        </ul>
      )}
    </section>
  );
}

function Table({ weights }: { weights: readonly ChangedWeight[] }) {
  return (
    <table class="neuron-table" data-testid="weight-changes">
      <thead>
        <tr>
          <th scope="col">weight</th>
          <th scope="col">numbers</th>
          <th scope="col">largest</th>
          <th scope="col" title="Frobenius norm of the change over that of the loaded weight">
            relative
          </th>
        </tr>
      </thead>
      <tbody>
        {weights.map((weight) => (
          <tr key={weight.name}>
            <th scope="row" title={weight.name}>
              {weight.name}
            </th>
            <td class="number" title={`of ${weight.size.toLocaleString("en")}`}>
              {weight.elements.toLocaleString("en")}
            </td>
            <td class="number" title={String(weight.largest)}>
              {compact(weight.largest)}
            </td>
            <td class="number" title={String(weight.relative)}>
              {Number.isFinite(weight.relative) ? percent(weight.relative) : "∞"}
            </td>
          </tr>
        ))}
      </tbody>
    </table>
  );
}

/** One line that says how many weights are edited, beside what else is done to the model. */
export function EditsLine() {
  const info = edits(useBoard());
  const count = info?.weights.length ?? 0;
  if (count === 0) return null;
  return (
    <p class="weights-line" data-testid="weights-line">
      {count === 1 ? "1 weight" : `${count} weights`} edited in the model
      <span class="grow" />
      <Restore />
    </p>
  );
}
