import { format, signed } from "../../draw/number";
import { useBoard } from "../../state/board";
import type { Measure } from "../../wire/types";
import type { MapModel } from "./MapView";
import { MEASURES } from "./measures";
import { type Column, rowsOf, type Sort, type TableRow, totals } from "./table";
import { ROW, useTable } from "./useTable";

/** Rows kept ready beyond those in sight. */
const SPARE = 8;

const COLUMNS: readonly { name: Column; label: string; numeric?: boolean }[] = [
  { name: "part", label: "Part" },
  { name: "now", label: "Now", numeric: true },
  { name: "baseline", label: "Baseline", numeric: true },
  { name: "difference", label: "Difference", numeric: true },
  { name: "class", label: "Class" },
  { name: "state", label: "State" },
];

/** The map's numbers as a table: as many rows in the page as can be seen. */
export function MapTable({ map }: { map: MapModel }) {
  const board = useBoard();
  const table = useTable(board, map);
  const { rows, sort, top, tall, here } = table;
  const from = Math.max(0, Math.floor(top.value / ROW) - SPARE);
  const to = Math.min(rows.value.length, Math.ceil((top.value + tall.value) / ROW) + SPARE);
  const chosen = new Set(board.selection.value);
  const measure = board.ui.measure.value;
  return (
    <div
      class="map-table"
      data-testid="map-table"
      data-group={chosen.size > 1}
      ref={table.box}
      onScroll={table.onScroll}
    >
      <table
        aria-rowcount={rows.value.length + 1}
        aria-label={`${MEASURES[measure].label} of every part`}
        onKeyDown={table.onKeyDown}
      >
        <thead>
          <tr aria-rowindex={1}>
            {COLUMNS.map((column) => (
              <Head key={column.name} column={column} sort={sort} />
            ))}
          </tr>
        </thead>
        <Gap rows={from} />
        <tbody>
          {rows.value.slice(from, to).map((row, i) => (
            <Line
              key={row.key}
              row={row}
              index={from + i}
              here={here.value === from + i}
              chosen={chosen.has(row.part)}
              choose={(add) => {
                here.value = from + i;
                table.choose(row, add);
              }}
            />
          ))}
        </tbody>
        <Gap rows={rows.value.length - to} />
        {measure === "attribution" && <Sum map={map} measure={measure} />}
      </table>
    </div>
  );
}

/** Room for rows that are not in the page. */
function Gap({ rows }: { rows: number }) {
  if (rows <= 0) return null;
  return (
    <tbody>
      <tr class="map-gap" style={{ height: `${rows * ROW}px` }} />
    </tbody>
  );
}

interface HeadProps {
  column: (typeof COLUMNS)[number];
  sort: { value: Sort };
}

function Head({ column, sort }: HeadProps) {
  const { by, down } = sort.value;
  const own = by === column.name;
  return (
    <th
      scope="col"
      data-numeric={column.numeric}
      aria-sort={own ? (down ? "descending" : "ascending") : "none"}
    >
      <button
        type="button"
        data-testid={`map-sort-${column.name}`}
        onClick={() => {
          sort.value = { by: column.name, down: own ? !down : Boolean(column.numeric) };
        }}
      >
        {column.label}
        <span aria-hidden="true">{own ? (down ? " ↓" : " ↑") : ""}</span>
      </button>
    </th>
  );
}

interface LineProps {
  row: TableRow;
  index: number;
  here: boolean;
  chosen: boolean;
  choose: (add: boolean) => void;
}

function Line({ row, index, here, chosen, choose }: LineProps) {
  const show = row.signed ? signed : format;
  return (
    <tr
      aria-rowindex={index + 2}
      aria-selected={chosen}
      tabIndex={here ? 0 : -1}
      data-testid={`map-row-${row.key}`}
      onClick={(event) => choose(event.shiftKey || event.ctrlKey || event.metaKey)}
    >
      <th scope="row">
        <code>{row.part}</code>
        {row.what && <span class="faint"> {row.what}</span>}
      </th>
      <td data-numeric>{show(row.now, 4)}</td>
      <td data-numeric>{show(row.baseline, 4)}</td>
      <td data-numeric>{signed(row.difference, 4)}</td>
      <td>{row.class}</td>
      <td>{row.state}</td>
    </tr>
  );
}

/** Direct logit attribution adds up: the sum of all parts is the logit difference. */
function Sum({ map, measure }: { map: MapModel; measure: Measure }) {
  const { now, baseline } = totals(rowsOf(map, measure, false));
  return (
    <tfoot>
      <tr>
        <th scope="row">Sum of all parts</th>
        <td data-numeric>{signed(now, 4)}</td>
        <td data-numeric>{signed(baseline, 4)}</td>
        <td data-numeric>{signed(now - baseline, 4)}</td>
        <td colSpan={2} />
      </tr>
    </tfoot>
  );
}
