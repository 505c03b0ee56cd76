import type { Picture } from "../../state/kernel";

/** Classes of heads, by the scores that are named so. */
export const CLASSES = {
  induction: "induction",
  previous: "previous-token",
  duplicate: "duplicate-token",
  copying: "copying",
  current: "current-token",
  first: "first-token",
} as const;

export type ClassName = keyof typeof CLASSES;

export const CLASS_NAMES = Object.keys(CLASSES) as ClassName[];

/** Above it a head is called by a score's name. */
export const THRESHOLD = 0.4;

/** A head's score, NaN where it is not known. */
export function scoreOf(picture: Picture | null, name: ClassName, index: number): number {
  const data = picture?.grids[name]?.data;
  return data instanceof Float32Array ? (data[index] ?? Number.NaN) : Number.NaN;
}

/** The classes that a head belongs to, the highest score first. */
export function classesOf(picture: Picture | null, index: number): [ClassName, number][] {
  if (!picture) return [];
  return CLASS_NAMES.map((name): [ClassName, number] => [name, scoreOf(picture, name, index)])
    .filter(([, score]) => score > THRESHOLD)
    .sort((a, b) => b[1] - a[1]);
}

/** All heads of a class as [index, score], the highest first. */
export function membersOf(picture: Picture | null, name: ClassName): [number, number][] {
  const data = picture?.grids[name]?.data;
  if (!data) return [];
  return Array.from(data, (score, index): [number, number] => [index, score])
    .filter(([, score]) => score > THRESHOLD)
    .sort((a, b) => b[1] - a[1]);
}

/** Whether every score of a class is known. */
export function complete(picture: Picture | null, name: ClassName): boolean {
  const data = picture?.grids[name]?.data;
  return Boolean(data) && !(data as Float32Array).some(Number.isNaN);
}
