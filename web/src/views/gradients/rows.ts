/** One place or edge: what was estimated, and what patching it gives; NaN until measured. */
export interface AuditRow {
  address: string;
  estimate: number;
  exact: number;
}

export type EdgeSort = "size" | "score" | "exact" | "miss" | "sender" | "receiver";

export function auditRows(
  addresses: readonly string[],
  estimate: ArrayLike<number>,
  exact: ArrayLike<number>,
): AuditRow[] {
  return addresses.map((address, i) => ({
    address,
    estimate: estimate[i] ?? Number.NaN,
    exact: exact[i] ?? Number.NaN,
  }));
}

export const isMeasured = (row: AuditRow) => !Number.isNaN(row.exact);
export const missOf = (row: AuditRow) => row.estimate - row.exact;

/** Where estimate and exact value differ most, the worst first. */
export function worst(rows: readonly AuditRow[], count: number): AuditRow[] {
  const known = rows.filter(isMeasured);
  return known.sort((a, b) => Math.abs(missOf(b)) - Math.abs(missOf(a))).slice(0, count);
}

/** Numbers that are not known come last, whichever way. */
function down(key: (row: AuditRow) => number) {
  return (a: AuditRow, b: AuditRow) => {
    const [x, y] = [key(a), key(b)];
    if (Number.isNaN(x) || Number.isNaN(y))
      return Number(Number.isNaN(x)) - Number(Number.isNaN(y));
    return y - x;
  };
}

const byName = new Intl.Collator("en", { numeric: true }).compare;
const end = (row: AuditRow, i: number) => row.address.split("->")[i] ?? "";

const ORDERS: Readonly<Record<EdgeSort, (a: AuditRow, b: AuditRow) => number>> = {
  size: down((row) => Math.abs(row.estimate)),
  score: down((row) => row.estimate),
  exact: down((row) => row.exact),
  miss: down((row) => Math.abs(missOf(row))),
  sender: (a, b) => byName(end(a, 0), end(b, 0)) || byName(end(a, 1), end(b, 1)),
  receiver: (a, b) => byName(end(a, 1), end(b, 1)) || byName(end(a, 0), end(b, 0)),
};

export function sorted(rows: readonly AuditRow[], by: EdgeSort): AuditRow[] {
  return [...rows].sort(ORDERS[by]);
}

/** Where points lie in a square: one scale for both axes, zero within it. */
export function spread(rows: readonly AuditRow[], size: number) {
  const values = rows.filter(isMeasured).flatMap((row) => [row.estimate, row.exact]);
  const low = Math.min(0, ...values);
  const high = Math.max(0, ...values);
  const span = high - low || 1;
  const pad = 0.06 * size;
  const at = (value: number) => pad + ((value - low) / span) * (size - 2 * pad);
  return { low, high, x: at, y: (value: number) => size - at(value) };
}

/** A matrix with what a causal head cannot see left blank. */
export function blankAhead(data: Float32Array, width: number): Float32Array {
  return data.map((value, i) => (i % width > Math.floor(i / width) ? Number.NaN : value));
}

/** The same rows, the last one first. */
export function upwards(data: Float32Array, width: number): Float32Array {
  const out = new Float32Array(data.length);
  for (let i = 0; i < data.length; i += width)
    out.set(data.subarray(i, i + width), data.length - i - width);
  return out;
}

const CELL = /^(L\d+H\d+)\.pattern\[(\d+),(\d+)\]$/;

/** A cell of a head's pattern, as Python indexes it. */
export function cellAddress(head: string, destination: number, source: number): string {
  return `${head}.pattern[${destination},${source}]`;
}

/** The cell that an address names; null where it is something else. */
export function cellOf(address: string) {
  const found = CELL.exec(address);
  if (!found) return null;
  return { head: found[1] as string, destination: Number(found[2]), source: Number(found[3]) };
}
