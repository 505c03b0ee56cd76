import { largest } from "../../draw/colour";
import { signed } from "../../draw/number";
import { type Board, useBoard } from "../../state/board";
import type { Picture } from "../../state/kernel";
import type { PathChoice, PathInfo } from "../../wire/types";
import { SignedBar } from "../shared/SignedBar";

const ROWS = ["q", "k", "v", ""] as const;
const NAMES = { patch: "Patch from contrast", zero: "Zero" } as const;

/** Inputs as rows, ways as columns: a button for each, with what it does to the metric. */
export function ChoiceTable({ picture, info }: { picture: Picture; info: PathInfo }) {
  const effects = picture.grids.effect_now?.data ?? [];
  const hows = (["patch", "zero"] as const).filter((how) =>
    info.choices.some((choice) => choice.how === how),
  );
  const columns = hows.flatMap((how) => [false, true].map((mlps) => ({ how, mlps })));
  const rows = ROWS.filter((row) => info.choices.some(({ input }) => input === row));
  const top = largest(effects);
  const cell = (row: string, { how, mlps }: (typeof columns)[number]) => {
    const at = info.choices.findIndex(
      (choice) => choice.input === row && choice.how === how && choice.mlps === mlps,
    );
    const choice = info.choices[at];
    const effect = effects[at] ?? Number.NaN;
    return choice && <Choice choice={choice} effect={effect} top={top} known={info.metric} />;
  };
  return (
    <table class="edge-choices" data-testid="edge-choices" onKeyDown={walk}>
      <thead>
        <tr>
          {rows.length > 1 && <td rowSpan={2}>into</td>}
          {hows.map((how) => (
            <th key={how} scope="colgroup" colSpan={2}>
              {NAMES[how]}
            </th>
          ))}
        </tr>
        <tr>
          {columns.map(({ how, mlps }) => (
            <th
              key={`${how} ${mlps}`}
              scope="col"
              title={
                mlps
                  ? "MLPs and norms in between are computed anew, heads are frozen"
                  : "All in between is frozen"
              }
            >
              {mlps ? "via MLPs" : "direct"}
            </th>
          ))}
        </tr>
      </thead>
      <tbody>
        {rows.map((row) => (
          <tr key={row}>
            {rows.length > 1 && <th scope="row">{row || "qkv"}</th>}
            {columns.map((column) => (
              <td key={`${column.how} ${column.mlps}`}>{cell(row, column)}</td>
            ))}
          </tr>
        ))}
      </tbody>
    </table>
  );
}

/** The line of the list that does this already. */
function lineOf(board: Board, { edge, how }: PathChoice) {
  const kind = how === "patch" ? "patch" : "zero";
  return board.kernel.entries.value.find((entry) => entry.at === edge && entry.kind === kind);
}

interface ChoiceProps {
  choice: PathChoice;
  effect: number;
  top: number;
  known: boolean;
}

/** Does it, or takes it back where it is done. */
export function choose(board: Board, choice: PathChoice): void {
  const line = lineOf(board, choice);
  if (!line) board.act(choice.how === "patch" ? "patch" : "ablate", [choice.edge]);
  else board.carryOut({ verb: line.on ? "remove" : "toggle", entry: line.id });
}

function Choice({ choice, effect, top, known }: ChoiceProps) {
  const board = useBoard();
  const { edge, how } = choice;
  const text = Number.isNaN(effect) ? (known ? "…" : "–") : signed(effect, 3);
  const what = how === "patch" ? "patch from the contrast prompt" : "zero";
  return (
    <button
      type="button"
      class="edge-choice"
      data-choice
      data-testid={`choice-${how}-${edge}`}
      data-effect={effect}
      aria-pressed={lineOf(board, choice)?.on ?? false}
      aria-label={`${what}: ${edge}, change of the metric ${text}`}
      title={`${edge}: ${what}; change of the metric ${signed(effect, 5)}`}
      onClick={() => choose(board, choice)}
    >
      <span>{text}</span>
      <SignedBar values={[effect]} top={top} />
    </button>
  );
}

/** Arrows go from choice to choice. */
function walk(event: KeyboardEvent & { currentTarget: HTMLTableElement }): void {
  const own = (event.target as HTMLElement).closest("td");
  const line = own?.parentElement as HTMLTableRowElement | null;
  if (!own || !line) return;
  const [x, y] = [
    [...line.querySelectorAll("td")].indexOf(own),
    [...event.currentTarget.tBodies].flatMap((body) => [...body.rows]).indexOf(line),
  ];
  const moves: Record<string, [number, number]> = {
    ArrowLeft: [-1, 0],
    ArrowRight: [1, 0],
    ArrowUp: [0, -1],
    ArrowDown: [0, 1],
  };
  const [dx, dy] = moves[event.key] ?? [0, 0];
  if (dx === 0 && dy === 0) return;
  const next = event.currentTarget.tBodies[0]?.rows[y + dy]?.querySelectorAll("td")[x + dx];
  next?.querySelector("button")?.focus();
  event.preventDefault();
}
