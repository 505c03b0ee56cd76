import { signed } from "../draw/number";
import type { Measured } from "./types";

/** A mean with its standard error. */
export function amount({ value, error }: Measured): string {
  return error === null ? signed(value) : `${signed(value)} ± ${error.toFixed(2)}`;
}
