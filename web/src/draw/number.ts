const MINUS = "\u2212";

/** A number with a true minus sign, or a dash where there is none. */
export function format(value: number | null | undefined, digits = 2): string {
  if (value === null || value === undefined || !Number.isFinite(value)) return "–";
  const text = Math.abs(value).toFixed(digits);
  return value < 0 && Number(text) !== 0 ? MINUS + text : text;
}

/** As above, with a plus sign in front of what is above zero. */
export function signed(value: number | null | undefined, digits = 2): string {
  const text = format(value, digits);
  const positive = typeof value === "number" && value > 0 && Number(text) !== 0;
  return positive ? `+${text}` : text;
}

/** A number to as many places as its size asks for. */
export function compact(value: number): string {
  const size = Math.abs(value);
  if (size === 0) return "0";
  if (size < 0.001) return value.toExponential(0).replace("-", MINUS);
  return format(value, size >= 100 ? 0 : size >= 10 ? 1 : size >= 0.1 ? 2 : 3);
}

export function percent(part: number): string {
  const value = part * 100;
  if (value >= 99.95) return "100%";
  if (value > 0 && value < 0.005) return "<0.01%";
  return `${value.toFixed(value >= 10 ? 1 : 2)}%`;
}
