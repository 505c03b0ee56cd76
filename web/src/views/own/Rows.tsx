import { useSignal } from "@preact/signals";
import type { OwnTable } from "../../wire/types";

/** A table, sorted by the column whose name is pressed. */
export function Rows({ table, title }: { table: OwnTable; title: string }) {
  const by = useSignal<{ column: number; down: boolean } | null>(null);
  const order = by.value;
  const rows = order ? sorted(table, order.column, order.down) : table.rows;
  const press = (column: number) => {
    const same = by.peek()?.column === column;
    by.value = { column, down: same ? !by.peek()?.down : table.numeric[column] === true };
  };
  return (
    <div class="own-rows">
      <table class="own-table" aria-label={title}>
        <thead>
          <tr>
            {table.columns.map((name, i) => (
              <th
                key={i}
                scope="col"
                data-numeric={table.numeric[i]}
                aria-sort={order?.column !== i ? "none" : order.down ? "descending" : "ascending"}
              >
                <button type="button" onClick={() => press(i)}>
                  {name}
                  {order?.column === i && (order.down ? " ↓" : " ↑")}
                </button>
              </th>
            ))}
          </tr>
        </thead>
        <tbody>
          {rows.map((row, i) => (
            <tr key={i}>
              {row.map((cell, j) => (
                <td key={j} data-numeric={table.numeric[j]}>
                  {cell}
                </td>
              ))}
            </tr>
          ))}
        </tbody>
      </table>
      {table.total > table.rows.length && (
        <p class="faint">
          The first {table.rows.length} of {table.total} rows.
        </p>
      )}
    </div>
  );
}

export function sorted(table: OwnTable, column: number, down: boolean): string[][] {
  const sign = down ? -1 : 1;
  const numeric = table.numeric[column] === true;
  return [...table.rows].sort((a, b) => {
    const [x = "", y = ""] = [a[column], b[column]];
    if (!numeric) return sign * x.localeCompare(y);
    const [m, n] = [Number(x), Number(y)];
    if (Number.isNaN(m) || Number.isNaN(n))
      return Number(Number.isNaN(m)) - Number(Number.isNaN(n));
    return sign * (m - n);
  });
}
