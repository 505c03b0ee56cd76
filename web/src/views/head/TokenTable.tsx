import { format, signed } from "../../draw/number";
import { type HeadPlace, headAddress } from "../../state/address";
import { useBoard } from "../../state/board";
import { infoOf } from "../../state/kernel";
import type { Side } from "../../state/ui";
import type { HeadLogit } from "../../wire/types";
import { ProblemNote } from "../shared/Problem";
import { showToken } from "../shared/token";
import { useHeld } from "../shared/useHeld";
import { tokensView } from "./state";

type Values = ArrayLike<number> | undefined;

/** One number on the side shown; of a baseline and a run. */
function onSide(now: number | undefined, base: number | undefined, side: Side): number {
  const [a, b] = [now ?? Number.NaN, base ?? Number.NaN];
  return side === "now" ? a : side === "baseline" ? b : a - b;
}

/** Each token as destination and as source, and what the head writes to the vocabulary there. */
export function TokenTable({ place }: { place: HeadPlace }) {
  const board = useBoard();
  const { ui, kernel } = board;
  const view = tokensView(board);
  const { picture, stale } = useHeld(view && kernel.picture(view).value);
  const info = infoOf(picture, "head_tokens");
  if (picture?.problem) return <ProblemNote problem={picture.problem} />;
  if (!info) return <p class="empty">Waiting for the model.</p>;
  const token = kernel.tokens.value[info.position];
  const side = ui.headSide.value;
  return (
    <div data-stale={stale} class="head-tokens">
      <p class="faint">
        What {headAddress(place)} adds to each next-token logit after{" "}
        <code>{showToken(token?.text ?? "")}</code>
        <sub>{info.position}</sub>: through the final norm at its scale of the run, and W_U; without
        biases and soft-cap. Lock a token to look there.
      </p>
      <div class="effects">
        <Effects title="raises" name="promoted" rows={info.promoted} side={side} />
        <Effects title="lowers" name="suppressed" rows={info.suppressed} side={side} />
      </div>
      <TokenRows
        get={(name) => picture?.grids[name]?.data}
        tops={side === "baseline" ? info.tops_base : info.tops_now}
      />
    </div>
  );
}

interface EffectsProps {
  title: string;
  name: string;
  rows: readonly HeadLogit[];
  side: Side;
}

function Effects({ title, name, rows, side }: EffectsProps) {
  const values = rows.map((row) => onSide(row.now, row.base, side));
  const most = Math.max(1e-9, ...values.map(Math.abs));
  return (
    <table class="effect-table" data-testid={`head-${name}`}>
      <caption>{title}</caption>
      <tbody>
        {rows.slice(0, 8).map((row, i) => {
          const value = values[i] ?? 0;
          const width = `${(100 * Math.abs(value)) / most}%`;
          return (
            <tr
              key={row.id}
              data-token={row.text}
              data-now={row.now}
              data-base={row.base}
              title={`${signed(row.base, 4)} → ${signed(row.now, 4)}`}
            >
              <td>
                <code>{showToken(row.text)}</code>
              </td>
              <td class="effect-bar">
                <span data-negative={value < 0} style={{ width }} />
              </td>
              <td class="number">{signed(value)}</td>
            </tr>
          );
        })}
      </tbody>
    </table>
  );
}

interface RowsProps {
  get: (name: string) => Values;
  tops: readonly string[];
}

function TokenRows({ get, tops }: RowsProps) {
  const board = useBoard();
  const { ui, kernel } = board;
  const tokens = kernel.tokens.value;
  const size = tokens.length;
  const side = ui.headSide.value;
  const name = (index: number) => showToken(tokens[index]?.text ?? "");
  const [now, base] = [get("summary_now"), get("summary_base")];
  const value = (row: number, token: number) =>
    onSide(now?.[row * size + token], base?.[row * size + token], side);
  const pick = side === "baseline" ? base : now;
  const total = get("total_now");
  return (
    <div class="token-rows">
      <table data-testid="head-token-table">
        <thead>
          <tr>
            <th scope="col">token</th>
            <th scope="col" title="Of what it looks at, in nats">
              entropy
            </th>
            <th scope="col">looks most at</th>
            <th scope="col" title="From all destinations together; in brackets, the mean of them">
              received
            </th>
            {total && (
              <th scope="col" title="Direct logit attribution of the head at this position">
                adds
              </th>
            )}
            <th scope="col" title="The token whose logit the head raises most here">
              writes
            </th>
          </tr>
        </thead>
        <tbody>
          {tokens.map(({ index }) => {
            const strongest = pick?.[size + index] ?? -1;
            const top = onSide(get("top_now")?.[index], get("top_base")?.[index], side);
            return (
              <tr key={index} data-locked={ui.lockToken.value === index}>
                <th scope="row">
                  <code>{name(index)}</code>
                  <sub>{index}</sub>
                </th>
                <td class="number">{format(value(0, index))}</td>
                <td>
                  {strongest >= 0 && (
                    <>
                      <code>{name(strongest)}</code>
                      <sub>{strongest}</sub> {format(value(2, index))}
                    </>
                  )}
                </td>
                <td class="number">
                  {format(value(3, index))} <span class="faint">({format(value(4, index))})</span>
                </td>
                {total && (
                  <td class="number">
                    {signed(onSide(total[index], get("total_base")?.[index], side))}
                  </td>
                )}
                <td>
                  {tops[index] ? (
                    <>
                      <code>{showToken(tops[index] ?? "")}</code> {signed(top)}
                    </>
                  ) : (
                    "…"
                  )}
                </td>
              </tr>
            );
          })}
        </tbody>
      </table>
    </div>
  );
}
