import { useRef } from "preact/hooks";
import { signed } from "../../draw/number";
import { useBoard } from "../../state/board";
import type { Picture } from "../../state/kernel";
import type { Side } from "../../state/ui";
import type { MlpInfo } from "../../wire/types";
import { SignedBar } from "../shared/SignedBar";
import { walk } from "../shared/sortTable";
import { showToken } from "../shared/token";
import { everyOf, neuronAddress } from "./place";
import { type Column, columnOf, type NeuronRow, neuronRows, sorted } from "./rows";

interface Props {
  picture: Picture;
  info: MlpInfo;
  chosen: readonly number[];
}

const COLUMNS: readonly { column: Column; label: string; title: string }[] = [
  { column: "neuron", label: "neuron", title: "Sort by number" },
  { column: "activation", label: "activation", title: "Activation at the token looked at" },
  {
    column: "direct",
    label: "direct",
    title: "Activation at the last token × what the neuron writes along the metric, in logits",
  },
  {
    column: "ablation",
    label: "ablation",
    title: "Change of the metric when the neuron is zeroed at all tokens, exact",
  },
];

/** The neurons that matter for the metric; a click selects, Shift or Ctrl adds. */
export function NeuronTable({ picture, info, chosen }: Props) {
  const board = useBoard();
  const { ui } = board;
  const position = board.position.value;
  const by = ui.local<Column>("mlp.sort", "direct");
  const side = ui.local<Side>("mlp.side", "now").value;
  const rows = sorted(neuronRows(picture, position), by.value, side);
  const body = useRef<HTMLTableSectionElement>(null);
  const top = (column: Column) =>
    Math.max(1e-9, ...rows.map((row) => Math.abs(columnOf(row, column, side)) || 0));
  const tops = { direct: top("direct"), ablation: top("ablation") };
  const marks = new Set(
    board.kernel.entries.value.filter((e) => e.on).map((e) => e.at.split("@")[0]),
  );
  return (
    <div class="neurons">
      <div class="neuron-scroll">
        <table class="neuron-table" data-testid="neuron-table">
          <Head />
          <tbody ref={body} onKeyDown={(event) => walk(event, body.current)}>
            {rows.map((row) => (
              <Row
                key={row.neuron}
                row={row}
                side={side}
                tops={tops}
                address={neuronAddress(info.layer, row.neuron)}
                chosen={chosen.includes(row.neuron)}
                marked={marks.has(neuronAddress(info.layer, row.neuron))}
              />
            ))}
          </tbody>
        </table>
      </div>
      <Foot info={info} listed={rows.length} />
    </div>
  );
}

/** The columns' names, each of which sorts by it. */
function Head() {
  const board = useBoard();
  const by = board.ui.local<Column>("mlp.sort", "direct");
  const token = board.kernel.tokens.value[board.position.value];
  return (
    <thead>
      <tr>
        {COLUMNS.map(({ column, label, title }) => (
          <th key={column} scope="col" aria-sort={by.value === column ? "descending" : undefined}>
            <button
              type="button"
              title={title}
              data-testid={`neuron-sort-${column}`}
              onClick={() => {
                by.value = column;
              }}
            >
              {label}
              {column === "activation" && token && <code>{showToken(token.text)}</code>}
              {by.value === column && <i aria-hidden="true">↓</i>}
            </button>
          </th>
        ))}
      </tr>
    </thead>
  );
}

interface RowProps {
  row: NeuronRow;
  side: Side;
  tops: { direct: number; ablation: number };
  address: string;
  chosen: boolean;
  marked: boolean;
}

function Row({ row, side, tops, address, chosen, marked }: RowProps) {
  const board = useBoard();
  const exact = (["activation", "direct", "ablation"] as const)
    .map((name) => `${name} ${signed(row[name].baseline, 4)} → ${signed(row[name].now, 4)}`)
    .join("; ");
  const select = (event: MouseEvent) => {
    const before = board.selection.peek();
    if (!(event.shiftKey || event.ctrlKey || event.metaKey)) void board.select([address]);
    else if (before.includes(address)) void board.select(before.filter((at) => at !== address));
    else void board.select([...before.filter((at) => at.includes(".n")), address]);
  };
  return (
    <tr
      data-testid="neuron-row"
      data-neuron={row.neuron}
      data-chosen={chosen}
      data-direct={row.direct.now}
      data-ablation={row.ablation.now}
      title={exact}
      onClick={select}
    >
      <th scope="row">
        <button type="button" aria-pressed={chosen} aria-label={`neuron ${row.neuron}: ${exact}`}>
          n{row.neuron}
        </button>
        {marked && (
          <span class="neuron-mark" title="Something is done to it">
            ●
          </span>
        )}
      </th>
      <td class="number">{signed(columnOf(row, "activation", side))}</td>
      {(["direct", "ablation"] as const).map((column) => {
        const value = columnOf(row, column, side);
        return (
          <td key={column} class="number">
            <SignedBar values={[value]} top={tops[column]} />
            <span>{Number.isNaN(value) ? "…" : signed(value, 3)}</span>
          </td>
        );
      })}
    </tr>
  );
}

/** How many there are, the way to all, and to any one. */
function Foot({ info, listed }: { info: MlpInfo; listed: number }) {
  const board = useBoard();
  const every = everyOf(board);
  const on = every.value === info.layer;
  const open = (text: string) => {
    const neuron = Number(text);
    if (text !== "" && Number.isInteger(neuron) && neuron >= 0 && neuron < info.n_neurons) {
      void board.select([neuronAddress(info.layer, neuron)]);
    }
  };
  return (
    <div class="row neuron-foot">
      <span class="faint">
        {listed} of {info.n_neurons} listed: the largest {on ? "effects" : "direct effects"} now and
        at the baseline
      </span>
      <span class="grow" />
      <label class="neuron-open">
        <span class="label">open n</span>
        <input
          type="text"
          inputMode="numeric"
          size={5}
          placeholder={`0–${info.n_neurons - 1}`}
          data-testid="neuron-open"
          aria-label="Open a neuron by its number"
          onChange={(event) => open(event.currentTarget.value.trim())}
        />
      </label>
      {info.now && listed < info.n_neurons && (
        <button
          type="button"
          class="toggle"
          aria-pressed={on}
          data-testid="neuron-every"
          title={`Zero each of the ${info.n_neurons} neurons, one run each, in the background`}
          onClick={() => {
            every.value = on ? null : info.layer;
          }}
        >
          ablate every neuron
        </button>
      )}
    </div>
  );
}
