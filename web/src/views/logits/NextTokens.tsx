import { format, percent } from "../../draw/number";
import { useBoard } from "../../state/board";
import { infoOf } from "../../state/kernel";
import type { LogitRow } from "../../wire/types";
import { ProblemNote } from "../shared/Problem";
import { showToken } from "../shared/token";
import { useHeld } from "../shared/useHeld";

/** The most likely next tokens at one position, now and at the baseline. */
export function NextTokens({ most }: { most?: number }) {
  const board = useBoard();
  const { picture, stale } = useHeld(board.kernel.picture(board.logitsView.value).value);
  const rows = infoOf(picture, "logits")?.rows.slice(0, most) ?? [];
  const top = Math.max(...rows.flatMap((row) => [row.prob_now, row.prob_base]), 1e-9);
  return (
    <>
      {picture?.problem && <ProblemNote problem={picture.problem} />}
      {rows.length === 0 && !picture?.problem && <p class="empty">Waiting for the model.</p>}
      {rows.length > 0 && (
        <table class="logit-table" data-stale={stale}>
          <thead>
            <tr>
              <th scope="col">#</th>
              <th scope="col">token</th>
              <th scope="col" class="bars">
                probability{" "}
                <span class="key">
                  <i class="key-now" /> now <i class="key-base" /> baseline
                </span>
              </th>
              <th scope="col">now</th>
              <th scope="col">logit</th>
            </tr>
          </thead>
          <tbody>
            {rows.map((row) => (
              <Row key={row.id} row={row} top={top} />
            ))}
          </tbody>
        </table>
      )}
    </>
  );
}

function Row({ row, top }: { row: LogitRow; top: number }) {
  const moved = row.rank_base - row.rank_now;
  const title =
    `probability ${row.prob_base.toPrecision(4)} → ${row.prob_now.toPrecision(4)}; ` +
    `logit ${format(row.logit_base, 3)} → ${format(row.logit_now, 3)}; ` +
    `rank ${row.rank_base} → ${row.rank_now}`;
  return (
    <tr
      data-testid="logit-row"
      data-token={row.text}
      data-prob-now={row.prob_now}
      data-prob-base={row.prob_base}
      data-role={row.role}
      title={title}
    >
      <td class="rank">
        {row.rank_now}
        {moved !== 0 && (
          <span class="moved" data-up={moved > 0}>
            {moved > 0 ? "▲" : "▼"}
            {Math.abs(moved)}
          </span>
        )}
      </td>
      <td class="token-cell">
        <code>{showToken(row.text)}</code>
        {row.role && <span class={`tag is-${row.role}`}>{row.role}</span>}
      </td>
      <td class="bars">
        <div>
          <span class="bar-now" style={{ width: `${(100 * row.prob_now) / top}%` }} />
          <span class="bar-base" style={{ width: `${(100 * row.prob_base) / top}%` }} />
        </div>
      </td>
      <td class="number">{percent(row.prob_now)}</td>
      <td class="number">{format(row.logit_now)}</td>
    </tr>
  );
}
